"""Sessions of the simulated market, made once for all tests of this folder."""

from __future__ import annotations

import datetime as dt

import pytest

from footloom.venues import sim

DAY = dt.date(2026, 3, 3)


@pytest.fixture(scope="session")
def today() -> sim.SimSession:
    return sim.session(sim.DEFAULT_SEED, DAY)


@pytest.fixture(scope="session")
def tomorrow() -> sim.SimSession:
    return sim.session(sim.DEFAULT_SEED, DAY + dt.timedelta(days=1))


@pytest.fixture(scope="session")
def events(today: sim.SimSession) -> list[sim.Truth]:
    return sim.truth(today)
