"""What ``import footloom`` offers, given what notebooks give it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

import footloom as fl
from footloom.errors import ConfigError
from footloom.store import SourceInfo
from footloom.store.files import Store

START_NS = 1_772_409_600 * 10**9  # 2026-03-02 00:00 UTC
INSTRUMENT = fl.Instrument(venue="x", symbol="A", tick_size=Decimal("0.5"), lot_size=Decimal("0.1"))


@pytest.fixture
def trades() -> fl.Trades:
    ts = START_NS + np.arange(8) * 60 * 10**9
    return fl.Trades.build(
        INSTRUMENT, ts, [200, 202, 204, 203, 201, 200, 206, 205], [10] * 8, [1, -1, 1, 1, -1, 0, 1, -1]
    )


def test_numbers_as_notebooks_have_them(trades: fl.Trades) -> None:
    chart = fl.footprint(trades, bars="5m", ticks_per_level=np.int64(2), value_area_pct=70)

    assert chart.frame.spec.ticks_per_level == 2
    assert chart.frame.spec.value_area_pct == "70"


@pytest.mark.parametrize("bars", [None, 5, b"1m", ""])
def test_bars_that_are_no_text_are_refused_in_words(trades: fl.Trades, bars: object) -> None:
    with pytest.raises(ConfigError, match="bars"):
        fl.footprint(trades, bars=bars, ticks_per_level=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [None, 5, [], np.zeros(3)])
def test_what_is_no_trades_is_refused_in_words(given: object) -> None:
    with pytest.raises(ConfigError, match="made of trades, got"):
        fl.footprint(given)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [None, 5, "_sessions", "no such"])
def test_a_study_that_is_none_is_refused_in_words(trades: fl.Trades, name: object) -> None:
    with pytest.raises(ConfigError, match="no study is called"):
        fl.footprint(trades).study(name)  # type: ignore[arg-type]


def test_a_profile_of_a_stretch(trades: fl.Trades) -> None:
    whole = fl.profile(trades)
    part = fl.profile(trades, "2026-03-02T00:02", dt.datetime(2026, 3, 2, 0, 5, tzinfo=dt.UTC))

    assert (whole.volume_lot, part.volume_lot) == (80, 30)
    assert (part.from_ns, part.to_ns) == (START_NS + 120 * 10**9, START_NS + 300 * 10**9)
    assert part.levels.row.tolist() == [201, 203, 204]
    assert [profile.volume_lot for profile in fl.session_profiles(trades)] == [80]
    with pytest.raises(ConfigError, match="nothing traded"):
        fl.profile(trades, "2026-03-03")


def test_without_bounds_the_whole_tape_is_loaded(trades: fl.Trades, tmp_path: Path) -> None:
    with Store(tmp_path, writer=True) as store:
        store.put_instrument(INSTRUMENT)
        store.write_part(trades, SourceInfo("0" * 64, "made", (0, len(trades))))

    assert len(fl.load_trades("x:A", store=tmp_path)) == len(trades)
    assert len(fl.load_trades("x:A", "2026-03-02T00:05", store=tmp_path)) == 3
    with pytest.raises(ConfigError, match="from when to when"):
        fl.load_trades("sim:PERP")


def test_sides_are_inferred_by_the_rule_that_is_named(trades: fl.Trades) -> None:
    quotes = fl.Quotes(INSTRUMENT, *(np.array(column, np.int64) for column in ([START_NS - 1], [200], [203])))

    assert fl.infer_sides(trades).side.tolist() == [0, 1, 1, -1, -1, -1, 1, -1]
    # the middle is 201.5: above it bought, below it sold
    assert fl.infer_sides(trades, quotes, "quote").side.tolist() == [-1, 1, 1, 1, -1, -1, 1, 1]
    with pytest.raises(ConfigError, match="compares with quotes"):
        fl.infer_sides(trades, rule="lee_ready")
    with pytest.raises(ConfigError, match="colour"):
        fl.infer_sides(trades, colour="red")
    with pytest.raises(ConfigError, match="no side rule"):
        fl.infer_sides(trades, quotes, "coin")  # type: ignore[arg-type]
