"""Pivots and the central pivot range, by hand (definitions 4.8)."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from footloom.core.footprint import Footprint
from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.engine.build import build_footprint
from footloom.engine.studies import run_study

Rows = list[tuple[int, int, int]]
MINUTE = 60 * 10**9
DAY = 1440 * MINUTE
MONDAY = 1_772_409_600 * 10**9  # 2026-03-02 00:00 UTC


def bars_of(rows: Rows) -> Footprint:
    traded = Instrument(venue="t", symbol="X", tick_size=Decimal(1), lot_size=Decimal(1))
    ts, tick, qty = zip(*rows, strict=True)
    return build_footprint(Trades.build(traded, ts, tick, qty, [1] * len(ts), trade_id=range(len(ts))), "1m", 1)


# Monday: high 110, low 90, close 106. Tuesday trades at 100 and is looked at.
ROWS = [(MONDAY + minute * MINUTE, tick, 1) for minute, tick in ((0, 100), (60, 110), (120, 90), (180, 106))]
LATER = [(MONDAY + DAY, 100, 1), (MONDAY + DAY + MINUTE, 101, 1)]


def levels(method: str, period: str = "day", rows: Rows | None = None) -> dict[str, list[float]]:
    got = run_study(
        "pivots", bars_of(ROWS + LATER if rows is None else rows), {"method": method, "period": period}
    ).bars
    return {name: column.tolist() for name, column in got.items()}


def test_nothing_is_known_on_the_first_day() -> None:
    for name, column in levels("classic").items():
        assert np.isnan(column[:4]).all(), name


def test_classic() -> None:
    wanted = {
        "pivot": 102, "cpr_low": 100, "cpr_high": 104,
        "r1": 114, "r2": 122, "r3": 134, "r4": 146,
        "s1": 94, "s2": 82, "s3": 74, "s4": 66,
    }  # fmt: skip

    got = levels("classic")
    assert {name: column[4:] for name, column in got.items()} == {name: [one, one] for name, one in wanted.items()}


def test_fibonacci_counts_from_the_pivot() -> None:
    got = levels("fibonacci")
    wanted = {"r1": 109.64, "r2": 114.36, "r3": 122, "r4": 134.36, "s1": 94.36, "s2": 89.64, "s3": 82, "s4": 69.64}
    assert {name: got[name][4] for name in wanted} == pytest.approx(wanted)


def test_camarilla_counts_from_the_close() -> None:
    got = levels("camarilla")
    wanted = {"r1": 106 + 22 / 12, "r2": 106 + 22 / 6, "r3": 111.5, "r4": 117, "s3": 100.5, "s4": 95}
    assert {name: got[name][4] for name in wanted} == pytest.approx(wanted)


def test_a_low_close_turns_the_range_over_and_keeps_it_in_order() -> None:
    """High 110, low 90, close 91: P is 97, the middle 100, so that the range is 94 to 100."""
    got = levels("classic", rows=[*ROWS[:3], (MONDAY + 180 * MINUTE, 91, 1), *LATER])
    assert (got["pivot"][4], got["cpr_low"][4], got["cpr_high"][4]) == (97, 94, 100)


def test_weeks() -> None:
    got = levels("classic", "week", [*ROWS, *LATER, (MONDAY + 7 * DAY, 100, 1)])
    assert np.isnan(got["pivot"][5]), "the week runs"
    assert got["pivot"][6] == pytest.approx((110 + 90 + 101) / 3)
