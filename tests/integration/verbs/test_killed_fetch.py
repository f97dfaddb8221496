"""The verbs as a user runs them, in processes of their own, against a venue on this machine: killed, and run again."""

from __future__ import annotations

import datetime as dt
import json
import random
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from verbs_kit import flags, loaded, simulating, start

from footloom.testing.venues.simulated import simulated_market

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

KEY, TAPE = "binance_usdm:BTCUSDT", "agg_trade"


@pytest.fixture(scope="module")
def venue() -> Iterator[dict[str, Any]]:
    with simulating("binance_usdm") as opened:
        yield opened


def past_days(venue: dict[str, Any]) -> Sequence[str]:
    day = int(venue["start_ns"]) // (86_400 * 10**9)
    return tuple(str(np.datetime64(day - back, "D")) for back in (2, 1))


@pytest.mark.parametrize("kills", [1, pytest.param(12, marks=pytest.mark.soak)])
def test_a_fetch_that_is_killed_at_any_time_goes_on(
    venue: dict[str, Any], tmp_path: Path, seed: int, kills: int
) -> None:
    first, stop = past_days(venue)
    span = (KEY, "--from", first, "--to", stop, "--json")
    chance = random.Random(seed)

    for _ in range(kills):
        killed = start("fetch", *span, *flags(venue, tmp_path / "killed"), stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(2.0, 6.0))
        killed.kill()
        killed.wait()
    last = start("fetch", *span, *flags(venue, tmp_path / "killed"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert json.loads(last.communicate(timeout=240)[0])["ok"]

    now_ns = int(venue["start_ns"])
    traded = simulated_market("binance_usdm", now_ns, int(venue["seed"]), symbols=1).listings["BTCUSDT"]
    whole, mended = traded.day(dt.date.fromisoformat(first), now_ns), loaded(tmp_path / "killed", KEY, TAPE)
    assert whole is not None
    assert len(whole) > 100_000
    assert np.array_equal(whole.trade_id, mended.trade_id)
    assert len(np.unique(mended.trade_id)) == len(mended)
    for column in ("ts_exch_ns", "price_tick", "qty_lot", "side"):
        assert np.array_equal(getattr(whole, column), getattr(mended, column)), column
