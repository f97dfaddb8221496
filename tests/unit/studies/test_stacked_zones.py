"""Zones and their lives, bar by bar, typed in by hand (definitions 5.2, 5.3)."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.engine.build import build_footprint
from footloom.engine.studies import StudyFold, run_study
from footloom.studies import NONE, stacked_zones
from footloom.studies.stacked_zones import BORN, EXPIRED, INVALID_CLOSE, INVALID_TRADE, TESTED
from footloom.testing.study_contract import check, sample_trades

INSTRUMENT = Instrument(venue="t", symbol="X", tick_size=Decimal(1), lot_size=Decimal(1))
MINUTE = 60 * 10**9
SETTINGS = {"direction": "horizontal", "min_vol_lot": 1}


def bars_of(stack_side, *paths, start=0, step=1, low=101):
    """First a bar with a stack of three rows from 101 up, then bars that trade both sides alike at the given prices."""
    cells = [(start, low + i * step, 9, stack_side) for i in range(3)]
    for minute, path in enumerate(paths, 1):
        cells += [(start + minute * MINUTE, price, 5, side) for price in path for side in (-1, 1)]
    ts, tick, qty, side = zip(*cells, strict=True)
    return build_footprint(Trades.build(INSTRUMENT, ts, tick, qty, side), "1m", step)


def life(made, **settings):
    events = run_study("stacked_zones", made, {**SETTINGS, **settings}).events
    return list(zip(events["bar"].tolist(), events["event"].tolist(), events["ends"].tolist(), strict=True))


# Edge to edge the zone is 101 to 104.
SUPPORT = [(106, 105), (105, 104, 105), (103, 101, 102), (102, 100, 101), (101, 100), (90,)]
RESISTANCE = [(99, 100), (100, 101), (104,), (105, 103), (105,), (120,)]


@pytest.mark.parametrize(("side", "paths", "tested"), [(1, SUPPORT, 2), (-1, RESISTANCE, 2)])
def test_a_zone_is_touched_traded_through_and_closed_through(side, paths, tested):
    made = bars_of(side, *paths)
    told = [(0, BORN, 0), (tested, TESTED, 0), (4, INVALID_TRADE, 0), (5, INVALID_CLOSE, 1)]

    assert life(made) == told
    assert life(made, invalidation="trade") == [*told[:2], (4, INVALID_TRADE, 1)]
    assert life(made, invalidation="touch") == [told[0], (tested, TESTED, 1)]


def test_what_an_event_says():
    events = run_study("stacked_zones", bars_of(1, *SUPPORT), SETTINGS).events

    assert events["side"].tolist() == [1] * 4
    assert events["lo_row"].tolist() == [101] * 4
    assert events["hi_row"].tolist() == [103] * 4
    assert events["lo_tick"].tolist() == [101] * 4
    assert events["hi_tick"].tolist() == [104] * 4
    assert events["age"].tolist() == [0, 2, 4, 5]


def test_all_of_a_life_in_one_bar_is_told_in_its_order():
    assert life(bars_of(1, (110, 80))) == [(0, BORN, 0), (1, TESTED, 0), (1, INVALID_TRADE, 0), (1, INVALID_CLOSE, 1)]


def test_edges_are_those_of_rows():
    # Rows of 5 ticks, the stack on rows 20 to 22: 100 to 115; 115 touches it, 99 is through.
    made = bars_of(1, (116,), (115,), (100,), (99,), step=5, low=100)
    events = run_study("stacked_zones", made, SETTINGS).events

    assert (events["lo_tick"][0], events["hi_tick"][0]) == (100, 115)
    assert list(zip(events["bar"].tolist(), events["event"].tolist(), strict=True)) == [
        (0, BORN),
        (2, TESTED),
        (4, INVALID_TRADE),
        (4, INVALID_CLOSE),
    ]


def test_a_zone_grows_old():
    made = bars_of(1, (110,), (104,), (110,))

    assert life(made, max_age=2) == [(0, BORN, 0), (2, TESTED, 0), (2, EXPIRED, 1)]
    assert life(made, max_age=3)[-1] == (3, EXPIRED, 1)
    assert life(made, max_age=4) == [(0, BORN, 0), (2, TESTED, 0)]


def test_a_zone_ends_with_its_session():
    midnight = 86_400 * 10**9
    made = bars_of(1, (110,), (100,), start=midnight - 2 * MINUTE)

    assert life(made, session_only=True) == [(0, BORN, 0), (2, EXPIRED, 1)]
    assert life(made)[-1] == (2, INVALID_CLOSE, 1)


def test_two_stacks_of_one_bar_are_two_zones():
    rows = [(0, 9)] * 3 + [(5, 5)] + [(0, 9)] * 4 + [(9, 0)] * 3
    cells = [(0, i, q, s) for i, pair in enumerate(rows) for q, s in zip(pair, (-1, 1), strict=True) if q]
    ts, tick, qty, side = zip(*cells, strict=True)
    made = build_footprint(Trades.build(INSTRUMENT, ts, tick, qty, side), "1m", 1)

    answer = run_study("stacked_zones", made, SETTINGS)

    table = stacked_zones.zones(answer.events)
    assert table["zone"].tolist() == [0, 1, 2]
    assert table["side"].tolist() == [1, 1, -1]
    assert list(zip(table["lo_tick"].tolist(), table["hi_tick"].tolist(), strict=True)) == [(0, 3), (4, 8), (8, 11)]
    assert (answer.bars["buy_zones"][0], answer.bars["sell_zones"][0]) == (2, 1)


def test_one_row_a_zone_for_drawing():
    table = stacked_zones.zones(run_study("stacked_zones", bars_of(1, *SUPPORT), SETTINGS).events)

    assert {name: column.tolist() for name, column in table.items()} == {
        "zone": [0],
        "side": [1],
        "lo_tick": [101],
        "hi_tick": [104],
        "born_bar": [0],
        "tested_bar": [2],
        "end_bar": [5],
        "end_event": [INVALID_CLOSE],
    }
    assert [bool(stacked_zones.alive(table, bar)[0]) for bar in range(7)] == [True] * 5 + [False] * 2


def test_a_window_knows_when_its_zones_were_born_and_which_stand():
    made = bars_of(1, *SUPPORT)
    fold = StudyFold("stacked_zones", SETTINGS)
    fold.update(made.slice(0, 3))

    standing = stacked_zones.standing(fold.state, 1)
    later = stacked_zones.zones(fold.update(made.slice(3, 7)).events)

    assert {name: column.tolist() for name, column in standing.items()} == {
        "zone": [0],
        "side": [1],
        "lo_tick": [101],
        "hi_tick": [104],
        "born_bar": [-3],
        "tested": [True],
    }
    assert (later["born_bar"][0], later["tested_bar"][0], later["end_bar"][0]) == (-3, NONE, 2)


def test_one_zone_by_itself():
    low = np.array([10120, 10090, 10020, 10000])
    close = np.array([10150, 10130, 10060, 10010])

    assert stacked_zones.zone_life(1, 10025, 10100, close, low, close) == {
        TESTED: 1,
        INVALID_TRADE: 2,
        INVALID_CLOSE: 3,
    }


def plain(table, bars, max_age):
    """Each zone's first touch and its end, straight from the definition."""
    high, low, close = (c.tolist() for c in (bars.high_tick, bars.low_tick, bars.close_tick))
    ends = []
    for side, bottom, top, born in zip(
        *(table[n].tolist() for n in ("side", "lo_tick", "hi_tick", "born_bar")), strict=True
    ):
        later = range(born + 1, min(len(low), born + max_age + 1))
        touch = [b for b in later if (low[b] <= top if side > 0 else high[b] >= bottom)]
        through = [b for b in later if (close[b] < bottom if side > 0 else close[b] > top)]
        end = through[0] if through else born + max_age if born + max_age < len(low) else NONE
        touch = [b for b in touch if end in {NONE, b} or b < end]
        ends.append((touch[0] if touch else NONE, end))
    return ends


@given(st.integers(0, 50), st.sampled_from([2, 5, 30]))
def test_equals_the_definition_in_plain_code(seed, max_age):
    made = build_footprint(sample_trades(seed, rows=600), "1m", 1)
    answer = run_study("stacked_zones", made, {"percent": 150, "stack_n": 2, "min_vol_lot": 1, "max_age": max_age})
    table = stacked_zones.zones(answer.events)

    got = list(zip(table["tested_bar"].tolist(), table["end_bar"].tolist(), strict=True))

    assert got == plain(table, made.bars, max_age)
    for bar in range(len(made)):
        stands = stacked_zones.alive(table, bar)
        assert answer.bars["buy_zones"][bar] == np.count_nonzero(stands & (table["side"] > 0))
        assert answer.bars["sell_zones"][bar] == np.count_nonzero(stands & (table["side"] < 0))


@pytest.mark.parametrize("invalidation", ["close", "trade", "touch"])
def test_contract_with_many_zones(invalidation):
    settings = {"percent": 120, "stack_n": 2, "min_vol_lot": 1, "invalidation": invalidation, "session_only": True}
    check("stacked_zones", settings, seeds=range(1), bars=("1m", "5m"), ticks_per_level=1)
