"""Opening ranges, initial balance and the levels of the day and week before, by hand (definitions 4.5, 4.7)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.engine.build import build_footprint
from footloom.engine.studies import StudyFold, run_study
from footloom.errors import ConfigError
from footloom.studies import NONE

MINUTE = 60 * 10**9
DAY = 1440 * MINUTE
MONDAY = 1_772_409_600 * 10**9  # 2026-03-02 00:00 UTC


def bars_of(rows, rule="1m", market="crypto"):
    traded = Instrument(venue="t", symbol="X", tick_size=Decimal(1), lot_size=Decimal(1), calendar=market)
    ts, tick, qty = zip(*rows, strict=True)
    return build_footprint(Trades.build(traded, ts, tick, qty, [1] * len(ts), trade_id=range(len(ts))), rule, 1)


def kolkata(text):
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Kolkata")).timestamp()) * 10**9


def test_an_initial_balance_stands_behind_its_hour():
    rows = [(minute * MINUTE, tick, 1) for minute, tick in ((0, 100), (30, 110), (59, 90), (60, 115), (70, 80))]
    got = run_study("initial_balance", bars_of([*rows, (DAY, 50, 1)])).bars

    assert got["high_tick"].tolist() == [100, 110, 110, 110, 110, 50]
    assert got["low_tick"].tolist() == [100, 100, 90, 90, 90, 50]
    assert got["complete"].tolist() == [False, False, True, True, True, False]
    assert got["above_tick"].tolist() == [0, 0, 0, 5, 5, 0]
    assert got["below_tick"].tolist() == [0, 0, 0, 0, 10, 0]
    assert got["up1"][2:5].tolist() == [120, 120, 120]
    assert got["down3"][2:5].tolist() == [50, 50, 50]
    assert np.isnan(got["up1"][[0, 1, 5]]).all()
    assert got["session_ns"].tolist() == [0, 0, 0, 0, 0, DAY]


def test_the_first_hour_of_an_indian_session_ends_at_a_quarter_past_ten():
    """P9: what the pre-open printed is no part of it."""
    times = ("09:05", "09:15", "10:14", "10:15")
    rows = [(kolkata(f"2026-03-02T{time}"), tick, 1) for time, tick in zip(times, (500, 100, 102, 90), strict=True)]
    got = run_study("initial_balance", bars_of(rows, market="nse_fo")).bars

    assert got["high_tick"].tolist() == [NONE, 100, 102, 102]
    assert got["low_tick"].tolist() == [NONE, 100, 100, 100]
    assert got["below_tick"].tolist() == [NONE, 0, 0, 10]


def test_lines_are_called_by_their_minutes_and_widths():
    ranges = StudyFold("opening_range", {"minutes": [5, 10, 20]}).titles
    assert [ranges[f"range{i}"] for i in (1, 2, 3)] == ["OR 5 min", "OR 10 min", "OR 20 min"]
    assert ranges["complete1"] == "range 1 complete", "what has no other title keeps its own"
    balance = StudyFold("initial_balance", {"multiples": [0.5, 1, 2]}).titles
    assert [balance[name] for name in ("range", "multiple1", "multiple3")] == ["IB", "IB × 0.5", "IB × 2"]
    assert StudyFold("vwap", {"bands": [1, 2.5, 3]}).titles["band2"] == "2.5 SD"


def test_three_opening_ranges():
    rows = [(minute * MINUTE, tick, 1) for minute, tick in ((0, 10), (4, 12), (5, 14), (15, 8), (30, 99))]
    got = run_study("opening_range", bars_of(rows)).bars

    assert got["high1"].tolist() == [10, 12, 12, 12, 12]
    assert got["high2"].tolist() == [10, 12, 14, 14, 14]
    assert got["low3"].tolist() == [10, 10, 10, 8, 8]
    assert got["high3"].tolist() == [10, 12, 14, 14, 14]
    assert got["complete1"].tolist() == [False, True, True, True, True]
    assert got["complete3"].tolist() == [False, False, False, False, True]


def test_a_range_shorter_than_a_bar_is_undefined():
    rows = [(minute * MINUTE, 10 + minute, 1) for minute in (0, 9, 15, 29, 31)]
    got = run_study("opening_range", bars_of(rows, "15m"), {"minutes": (5, 15, 20)}).bars

    assert got["high1"].tolist() == [NONE, NONE, NONE]
    assert got["high2"].tolist() == [19, 19, 19]
    assert got["high3"].tolist() == [19, 19, 19]  # the bar from 15 to 30 reaches behind its end


def test_levels_of_the_day_and_of_the_week_before():
    week = [
        (MONDAY, [(10, 5), (13, 1)]),  # high 13, low 10, close 13, POC 10: 5 of 6, at least 4.2
        (MONDAY + 4 * DAY, [(20, 2), (19, 7)]),  # high 20, low 19, close 19, POC 19: 7 of 9, at least 6.3
        (MONDAY + 7 * DAY, [(30, 1)]),  # the week: 5 at 10, 1 at 13, 7 at 19, 2 at 20; POC 19
        (MONDAY + 8 * DAY, [(40, 1)]),
    ]
    rows = [(at + i, tick, qty) for at, trades in week for i, (tick, qty) in enumerate(trades)]
    got = run_study("session_levels", bars_of(rows)).bars

    assert got["day_high_tick"].tolist() == [NONE, 13, 20, 30]
    assert got["day_low_tick"].tolist() == [NONE, 10, 19, 30]
    assert got["day_close_tick"].tolist() == [NONE, 13, 19, 30]
    assert got["day_poc_row"].tolist() == [NONE, 10, 19, 30]
    assert got["day_vah_row"].tolist() == [NONE, 10, 19, 30]
    assert got["day_open_tick"].tolist() == [10, 20, 30, 40]
    assert got["week_high_tick"].tolist() == [NONE, NONE, 20, 20]
    assert got["week_close_tick"].tolist() == [NONE, NONE, 19, 19]
    assert got["week_poc_row"].tolist() == [NONE, NONE, 19, 19]
    # 7 of 15, 10.5 wanted: above 2 + nothing, below nothing (18, 17): 9; then four empty pairs down to 13 and 10
    assert got["week_vah_row"].tolist() == [NONE, NONE, 20, 20]
    assert got["week_val_row"].tolist() == [NONE, NONE, 10, 10]
    assert got["week_open_tick"].tolist() == [10, 10, 30, 30]


def test_two_sessions_of_one_day_are_one_day():
    # 2024-03-02 was a drill: 09:15 to 10:00 and 11:30 to 12:30.
    times = ("2024-03-01T12:00", "2024-03-02T09:20", "2024-03-02T11:40", "2024-03-04T09:15")
    rows = [(kolkata(time), tick, 1) for time, tick in zip(times, (1, 5, 9, 7), strict=True)]
    got = run_study("session_levels", bars_of(rows, market="nse_fo")).bars

    assert got["day_high_tick"].tolist() == [NONE, 1, 1, 9]
    assert got["day_low_tick"].tolist() == [NONE, 1, 1, 5]
    assert got["week_high_tick"].tolist() == [NONE, NONE, NONE, 9]


@pytest.mark.parametrize("settings", [{"minutes": 0}, {"multiples": (1, 2)}, {"hours": 1}])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ConfigError, match="Initial balance"):
        run_study("initial_balance", bars_of([(0, 1, 1)]), settings)
