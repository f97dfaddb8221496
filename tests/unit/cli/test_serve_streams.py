"""What `footloom serve` listens to: symbols of accounts without a login hold nobody up."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from footloom.cli._serve_streams import Venues
from footloom.config import Config
from footloom.errors import ConfigError

NIFTY, ACC = "upstox:NSE_FO|53001", "upstox:NSE_EQ|INE012A01025"


@pytest.fixture
def venues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Venues:
    monkeypatch.setenv("FOOTLOOM_CONFIG", str(tmp_path))  # nobody is logged in
    return Venues(Config(store=tmp_path / "store", folder=tmp_path))


def test_a_symbol_that_was_named_at_the_start_waits_for_its_login(venues: Venues) -> None:
    services: Any = SimpleNamespace(history=None, hub=None)
    settings = venues.stream_settings(services, ["binance_usdm:BTCUSDT", NIFTY])
    assert [settings.wanted_of(key)[0] for key in settings.pinned] == ["binance_usdm", "upstox"]


def test_a_symbol_that_is_opened_without_a_login_is_refused_with_what_to_do(venues: Venues) -> None:
    services: Any = SimpleNamespace(history=None, hub=None)
    settings = venues.stream_settings(services, [NIFTY])
    with pytest.raises(ConfigError, match=r"cannot be listened to: upstox: no token\. Run footloom login upstox"):
        settings.wanted_of(ACC)
