"""Profiles of sessions, ranges and composites, and another program's convention (definitions 4.1 to 4.5)."""

from __future__ import annotations

import csv
import datetime as dt
from dataclasses import replace
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from footloom.core.decimals import to_units
from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.engine import profiles
from footloom.engine.build import build_footprint
from footloom.engine.studies import run_study
from footloom.errors import ConfigError, DataError
from footloom.testing.study_contract import sample_trades

MINUTE = 60 * 10**9
DAY = 1440 * MINUTE


def traded(tick="0.5", market="crypto"):
    return Instrument(venue="t", symbol="X", tick_size=Decimal(tick), lot_size=Decimal(1), calendar=market)


def bars_of(rows, rule="1m", market="crypto", step=1):
    ts, tick, qty, side = zip(*[(*row, 1)[:4] for row in rows], strict=True)
    tape = Trades.build(traded(market=market), ts, tick, qty, side, trade_id=range(len(ts)))
    return build_footprint(tape, rule, step)


ROWS = [(0, 100, 5), (MINUTE, 101, 9, -1), (2 * MINUTE, 103, 2, 0), (DAY, 101, 4), (DAY + MINUTE, 110, 1)]


def test_each_session_has_its_profile():
    first, second = profiles.session_profiles(bars_of(ROWS))

    assert first.levels.row.tolist() == [100, 101, 103]
    assert [first.levels.buy_lot.tolist(), first.levels.sell_lot.tolist()] == [[5, 0, 0], [0, 9, 0]]
    assert (first.volume_lot, first.delta_lot, first.bars) == (16, -4, 3)
    # 16 lots, 11.2 wanted: 9 at 101, then 5 below against 2 above
    assert (first.poc, first.val, first.vah, first.vah_edge) == ("50.5", "50.0", "50.5", "51.0")
    assert (first.from_ns, second.from_ns) == (0, DAY)
    assert first.contiguous().volume_lot.tolist() == [5, 9, 0, 2]
    assert repr(first).startswith("<Profile t:X, 1 ticks a level: 3 bars, 3 levels, POC 50.5")


def test_a_composite_is_the_sum_of_its_sessions():
    made = bars_of(ROWS)
    both = profiles.composite(profiles.session_profiles(made))
    whole = profiles.visible_range(made, 0, len(made))

    assert both.levels.volume_lot.tolist() == [5, 13, 2, 1] == whole.levels.volume_lot.tolist()
    assert (both.poc_row, both.bars) == (101, 5)


def test_a_sum_of_cells_is_exact_on_any_tape(seed):
    made = build_footprint(sample_trades(seed), "1m", 3)
    both = profiles.composite(profiles.session_profiles(made))

    assert both.volume_lot == int(made.bars.volume_lot.sum())
    assert both.delta_lot == int(made.bars.delta_lot.sum())
    developing = run_study("developing_profile", made).bars
    last = profiles.session_profiles(made)[-1]
    assert [developing[f"{name}_row"][-1] for name in ("poc", "vah", "val")] == [
        last.poc_row,
        last.vah_row,
        last.val_row,
    ]


def test_a_fixed_range_holds_whole_bars_or_is_refused():
    made = bars_of([(0, 1, 1), (30, 2, 2), (MINUTE, 3, 4), (2 * MINUTE, 4, 8)])

    assert profiles.fixed_range(made, MINUTE, 2 * MINUTE).volume_lot == 4
    assert profiles.fixed_range(made, 0, 2 * MINUTE).volume_lot == 7
    assert profiles.fixed_range(made, 31, DAY).volume_lot == 12  # no trade of the first bar is left behind
    with pytest.raises(ConfigError, match=f"begins at 30 ns, within the bar of 1m from 0 to {MINUTE}"):
        profiles.fixed_range(made, 30, DAY)
    with pytest.raises(ConfigError, match="nothing traded"):
        profiles.fixed_range(made, DAY, 2 * DAY)
    with pytest.raises(ConfigError, match="the range is empty"):
        profiles.fixed_range(made, 5, 5)


def test_what_does_not_add_up_is_refused():
    one, two = profiles.session_profiles(bars_of(ROWS))
    (coarse,) = profiles.session_profiles(bars_of(ROWS[3:], step=2))

    with pytest.raises(ConfigError, match="rows of 1 and of 2 ticks"):
        profiles.composite([one, coarse])
    with pytest.raises(DataError, match="different grids"):
        profiles.composite([one, replace(two, instrument=traded("0.25"))])
    with pytest.raises(DataError, match="count twice"):
        profiles.composite([one, one])
    with pytest.raises(ConfigError, match="at least one"):
        profiles.composite([])
    with pytest.raises(ConfigError, match="0 <= first < stop"):
        profiles.visible_range(bars_of(ROWS), 3, 9)
    with pytest.raises(ConfigError, match="colour"):
        profiles.session_profiles(bars_of(ROWS), colour="red")


def test_a_far_print_costs_what_was_traded():
    made = bars_of([(0, 100, 9), (1, 10**12, 1)])
    (far,) = profiles.session_profiles(made)

    assert (far.poc_row, len(far.levels)) == (100, 2)
    with pytest.raises(ConfigError, match="larger ticks_per_level"):
        far.contiguous()


def test_nodes_are_found_between_rows_that_did_not_trade():
    rows = [(i, tick, qty) for i, (tick, qty) in enumerate(((0, 1), (1, 9), (2, 3), (4, 8), (5, 1)))]
    (made,) = profiles.session_profiles(bars_of(rows), k=1, high_percent=100)

    assert (made.hvn_row.tolist(), made.lvn_row.tolist()) == ([1, 4], [3])


def test_a_far_level_does_not_annex_the_empty_rows_between():
    """P15: 4, 10 and 1 at 100 to 102, and 6 at 500."""
    made = bars_of([(i, tick, qty) for i, (tick, qty) in enumerate(((100, 4), (101, 10), (102, 1), (500, 6)))])
    (one,) = profiles.session_profiles(made, method="one_row")
    (two,) = profiles.session_profiles(made)

    assert (one.val_row, one.vah_row, one.poc_row) == (100, 102, 101)
    assert (two.val_row, two.vah_row) == (100, 103)  # a pair is added whole, its empty row too


def test_another_programs_convention_takes_traded_rows_only_and_goes_on_at_the_share():
    price, quantity = np.array([95, 105, 205, 100_005]), np.array([10, 50, 10, 30])
    mine = profiles.of_prices(traded("0.01"), price, quantity, 100, method="one_row", pct="60")
    theirs = profiles.of_prices(traded("0.01"), price, quantity, 100, "market_profile", pct="60")

    # 50 and 10 are 60 of 100: enough here, and not there, where the row at 1000 is the next.
    assert (mine.val, mine.vah) == ("1.00", "2.00")
    assert theirs.levels.row.tolist() == [1, 2, 3, 1001]
    assert (theirs.poc, theirs.val, theirs.vah, theirs.vah_edge) == ("2.00", "2.00", "1001.00", "1001.00")


def test_a_published_profile_of_closes(recordings):
    """Half-hours of one share, 2017: POC 944.50, value area 944.20 to 958.95, first hour 927.74 to 935.53."""
    with (recordings / "answers" / "market_profile_google.csv").open(encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    share = traded("0.0001", "iana:America/Los_Angeles 06:30-13:30")
    closes = np.array([to_units(line["Close"], share.tick_size) for line in table])
    volume = np.array([int(line["Volume"]) for line in table])

    made = profiles.of_prices(share, closes, volume, 500, "market_profile")

    assert (made.poc, made.val, made.vah) == ("944.5000", "944.2000", "958.9500")
    assert profiles.of_prices(share, closes, volume, 500).poc == "944.4500"  # the same row, by its low edge

    rows = []
    for line in table:
        at = dt.datetime.fromisoformat(line["Timestamp"]).replace(tzinfo=ZoneInfo("America/Los_Angeles"))
        prices = [to_units(line[name], share.tick_size) for name in ("Open", "High", "Low", "Close")]
        rows += [(int(at.timestamp()) * 10**9 + i, price) for i, price in enumerate(prices)]
    ts, tick = zip(*rows, strict=True)
    bars = build_footprint(Trades.build(share, ts, tick, [1] * len(ts), [0] * len(ts)), "30m", 1)
    balance = run_study("initial_balance", bars).bars
    assert (balance["low_tick"][2], balance["high_tick"][2]) == (9_277_400, 9_355_300)
