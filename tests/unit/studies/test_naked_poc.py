"""Naked points of control by hand (definitions 4.6)."""

from __future__ import annotations

from decimal import Decimal

from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.engine.build import build_footprint
from footloom.engine.studies import StudyFold, run_study
from footloom.studies import NONE
from footloom.testing.study_contract import check

MINUTE = 60 * 10**9
DAY = 1440 * MINUTE
INSTRUMENT = Instrument(venue="t", symbol="X", tick_size=Decimal(1), lot_size=Decimal(1))
BORN, FILLED, EXPIRED = 1, 2, 3


def sessions(*days):
    """A bar a day of (poc, low, high), in halves of a point."""
    rows = [
        (i * DAY + at, tick, qty)
        for i, day in enumerate(days)
        for at, (tick, qty) in enumerate(zip(day, (9, 1, 1), strict=True))
    ]
    return bars_of(rows, "1d")


def bars_of(rows, rule="1m"):
    ts, tick, qty = zip(*rows, strict=True)
    return build_footprint(Trades.build(INSTRUMENT, ts, tick, qty, [1] * len(ts)), rule, 1)


def told(answer):
    events = answer.events
    return list(zip(*(events[name].tolist() for name in ("bar", "row", "what")), strict=True))


# POCs 100, 103, 101, 103.5 of days 98-102, 101-105, 99-102, 102-104: the third stays naked
def test_four_sessions():
    made = sessions((200, 196, 204), (206, 202, 210), (202, 198, 204), (207, 204, 208))
    got = run_study("naked_poc", made)

    assert told(got) == [
        (1, 200, BORN),
        (2, 206, BORN),
        (2, 200, FILLED),
        (3, 202, BORN),
        (3, 206, FILLED),
    ]
    assert got.bars["standing"].tolist() == [0, 1, 1, 1]
    assert got.bars["below_row"].tolist() == [NONE, 200, NONE, 202]
    assert got.bars["above_row"].tolist() == [NONE, NONE, 206, NONE]
    assert got.events["since_ns"].tolist() == [0, DAY, 0, 2 * DAY, DAY]
    assert got.cells == {}


def test_the_first_bar_of_the_next_session_may_fill_it_at_once():
    got = run_study("naked_poc", sessions((10, 9, 11), (12, 11, 13), (12, 12, 12)))

    assert told(got) == [(1, 10, BORN), (2, 12, BORN), (2, 12, FILLED)]


def test_touching_is_filling_and_one_tick_short_is_not():
    made = bars_of([(0, 10, 5), (DAY, 12, 1), (DAY + MINUTE, 11, 1), (DAY + 2 * MINUTE, 10, 1)])

    assert told(run_study("naked_poc", made)) == [(1, 10, BORN), (3, 10, FILLED)]


def test_old_ones_expire():
    made = sessions((10, 10, 10), (20, 20, 20), (30, 30, 30), (40, 40, 40))

    assert told(run_study("naked_poc", made, {"keep": 2})) == [
        (1, 10, BORN),
        (2, 20, BORN),
        (3, 30, BORN),
        (3, 10, EXPIRED),
    ]


def test_bars_have_them_too_and_never_fill_their_own():
    made = bars_of([(0, 10, 5), (MINUTE, 11, 5), (2 * MINUTE, 10, 5)])

    assert told(run_study("naked_poc", made, {"scope": "bar"})) == [
        (0, 10, BORN),
        (1, 11, BORN),
        (2, 10, FILLED),
        (2, 10, BORN),
    ]
    check("naked_poc", {"scope": "bar", "keep": 3}, seeds=range(2))


def test_a_session_that_still_runs_has_none():
    fold = StudyFold("naked_poc")

    assert told(fold.update(bars_of([(0, 10, 5), (MINUTE, 11, 1)]))) == []
    assert told(fold.peek(bars_of([(DAY, 20, 5)]))) == [(0, 10, BORN)]
