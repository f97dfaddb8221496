"""Time at price by hand (definitions 4.7)."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from footloom.core.instrument import Instrument
from footloom.core.sessions import calendar
from footloom.core.trades import Trades
from footloom.engine.build import build_footprint
from footloom.engine.studies import run_study
from footloom.errors import ConfigError
from footloom.studies import NONE, Run
from footloom.studies.tpo import Params, letters, profile_of_brackets, session_profiles

MINUTE = 60 * 10**9
DAY = 1440 * MINUTE
NINE_FIFTEEN = 1_772_423_100 * 10**9  # 2026-03-02 09:15 in Kolkata


def bars_of(rows, rule="5m", market="crypto", step=1):
    traded = Instrument(venue="t", symbol="X", tick_size=Decimal(1), lot_size=Decimal(1), calendar=market)
    ts, tick = zip(*rows, strict=True)
    tape = Trades.build(traded, ts, tick, [1] * len(ts), [1] * len(ts), trade_id=range(len(ts)))
    return build_footprint(tape, rule, step)


def profile(*ranges, **settings):
    low, high = np.array(ranges).T
    return profile_of_brackets(np.arange(len(ranges)), low.copy(), high.copy(), Params(**settings))


def test_four_brackets():
    got = profile((100, 102), (101, 103), (102, 104), (102, 103), method="one_row")

    assert dict(zip(got.row.tolist(), got.count.tolist(), strict=True)) == {100: 1, 101: 2, 102: 4, 103: 3, 104: 1}
    assert (got.poc_row, got.val_row, got.vah_row, got.total) == (102, 101, 103, 11)
    assert (got.ib_low_row, got.ib_high_row, got.above, got.below) == (100, 103, True, False)
    assert (got.low_tail_row.tolist(), got.high_tail_row.tolist(), got.single_row.tolist()) == ([100], [104], [])
    assert (got.poor_low, got.poor_high) == (False, False)
    assert letters(got) == ["A", "AB", "ABCD", "BCD", "C"]


def test_single_prints_between_two_areas_and_a_poor_low():
    got = profile((10, 14), (13, 15), (17, 19), (18, 20), (10, 12), method="one_row")

    assert got.count.tolist() == [2, 2, 2, 2, 2, 1, 0, 1, 2, 2, 1]
    assert (got.poc_row, got.val_row, got.vah_row) == (14, 10, 17)
    assert (got.low_tail_row.tolist(), got.high_tail_row.tolist(), got.single_row.tolist()) == ([], [20], [15, 17])
    assert (got.poor_low, got.poor_high) == (True, False)
    assert letters(got)[6] == ""


def test_one_bracket_is_tail_all_over():
    got = profile((5, 7))

    assert (got.high_tail_row.tolist(), got.low_tail_row.tolist(), got.single_row.tolist()) == (
        [5, 6, 7],
        [5, 6, 7],
        [],
    )


def test_a_profile_develops_bar_by_bar():
    minutes = ((0, 10), (5, 12), (30, 11), (60, 14), (65, 14))
    got = run_study("tpo", bars_of([(m * MINUTE, tick) for m, tick in minutes])).bars

    assert got["total"].tolist() == [1, 3, 4, 5, 5]  # 10 to 12 in A, 11 in B, 14 in C
    assert got["brackets"].tolist() == [1, 1, 2, 3, 3]
    assert got["poc_row"].tolist() == [10, 11, 11, 11, 11]
    assert got["above"].tolist() == [0, 0, 0, 1, 1]
    assert got["ib_high_row"].tolist() == [10, 12, 12, 12, 12]
    assert got["singles"].tolist() == [0, 0, 0, 1, 1]  # 12; 13 did not trade
    assert got["high_tail"].tolist() == [1, 3, 1, 1, 1]


def test_an_indian_session_has_thirteen_brackets_from_a_quarter_past_nine():
    """P9: A begins at 09:15, M at 15:15; what the pre-open printed is in none."""
    rows = [(NINE_FIFTEEN - 5 * MINUTE, 500)] + [(NINE_FIFTEEN + i * 5 * MINUTE, 100) for i in range(75)]
    made = bars_of(rows, market="nse_fo")
    (session,) = session_profiles(Run(made, calendar("nse_fo")), Params()).items()
    got = run_study("tpo", made).bars

    assert session[0] == NINE_FIFTEEN
    assert letters(session[1]) == ["ABCDEFGHIJKLM"]
    assert got["total"][[0, 1, 6, 7, 75]].tolist() == [NONE, 1, 1, 2, 13]


def test_a_bracket_in_which_nothing_trades_keeps_its_letter():
    made = bars_of([(0, 5), (95 * MINUTE, 5), (DAY, 6)])
    first, second = session_profiles(Run(made, calendar("crypto")), Params()).values()

    assert (letters(first), letters(second)) == (["AD"], ["A"])
    assert (first.ib_high_row, first.count.tolist()) == (5, [2])


@pytest.mark.parametrize(("rule", "minutes"), [("7m", 30), ("1h", 30), ("1d", 30), ("4h", 60), ("15m", 20)])
def test_bars_that_do_not_divide_the_brackets_are_refused(rule, minutes):
    with pytest.raises(ConfigError, match=f"brackets of {minutes} minutes, which bars of {rule} do not divide"):
        run_study("tpo", bars_of([(0, 1)], rule), {"minutes": minutes})


def test_a_range_too_wide_is_refused_with_what_to_do():
    with pytest.raises(ConfigError, match="larger ticks_per_level"):
        run_study("tpo", bars_of([(0, 1), (1, 10**9)]))
