"""Bars that end by what was traded, live: when they are final, what a late trade does (definitions 0.5, 2.3, 2.4)."""

from decimal import Decimal

import numpy as np
import pytest

from footloom.core.footprint import BAR_FINAL, BAR_GAP
from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.trades import Trades
from footloom.engine.build import build
from footloom.engine.builder import GRACE_NS, Builder
from footloom.engine.events import BarClosed, BarUpdated, GapSeen, Rebuilt
from footloom.engine.spec import ChartSpec

NS, MS = 10**9, 10**6
DAY = 1_772_409_600 * NS
NEXT_DAY = DAY + 86_400 * NS
INSTRUMENT = Instrument(venue="t", symbol="X", tick_size=Decimal(1), lot_size=Decimal(1))


def spec(bars="2t"):
    return ChartSpec(bars=bars, min_vol_lot=1)


def tape(*ids, ms=None, lots=None):
    """Trades of the given ids, as many milliseconds after midnight unless their times are given."""
    times = [DAY + at * MS for at in (ms or ids)]
    return Trades.build(INSTRUMENT, times, [i % 7 for i in ids], lots or [1] * len(ids), [1] * len(ids), trade_id=ids)


def nothing():
    return Trades.empty(INSTRUMENT)


def said(events):
    return [(type(e).__name__, int(e.frame.footprint.bars.open_ns[0] - DAY) // MS) for e in events]


def lengths(builder):
    return builder.frame().footprint.bars.trades.tolist()


def same(builder, trades, bars="2t"):
    made, wanted = builder.frame(), build(trades, spec(bars))
    assert made.footprint.bars.open_ns.tolist() == wanted.footprint.bars.open_ns.tolist()
    flags = wanted.footprint.bars.flags
    return made.with_flags(flags).equals(wanted)


def test_the_trade_that_completes_a_bar_makes_it_final_at_once():
    builder = Builder(INSTRUMENT, spec())

    first = builder.update(tape(1), DAY + MS)
    second = builder.update(tape(2), DAY + 2 * MS)

    assert said(first) == [("BarUpdated", 1)]
    assert said(second) == [("BarClosed", 1)]
    assert second[0].frame.footprint.bars.flags[0] & BAR_FINAL
    assert builder.open_frame() is None


def test_behind_an_id_hole_a_complete_bar_waits_for_the_grace():
    builder = Builder(INSTRUMENT, spec())
    builder.update(tape(1), DAY + MS)

    at_once = builder.update(tape(4), DAY + 4 * MS)
    early = builder.update(nothing(), DAY + 4 * MS + GRACE_NS)
    in_time = builder.update(nothing(), DAY + 4 * MS + GRACE_NS + 1)

    assert (said(at_once), early) == ([("BarUpdated", 1)], [])
    assert said(in_time) == [("BarClosed", 1)]


def test_an_open_bar_is_final_when_its_session_is_over_and_the_grace():
    builder = Builder(INSTRUMENT, spec())
    builder.update(tape(1), DAY + MS)

    early = builder.update(nothing(), NEXT_DAY + GRACE_NS - 1)
    in_time = builder.update(nothing(), NEXT_DAY + GRACE_NS)

    assert early == []
    assert said(in_time) == [("BarClosed", 1)]


def test_a_trade_of_a_session_that_was_closed_rebuilds_its_last_bar():
    builder = Builder(INSTRUMENT, spec())
    builder.update(tape(1), NEXT_DAY + GRACE_NS)
    late = tape(2, ms=[86_399_999])

    events = builder.update(late, NEXT_DAY + 2 * GRACE_NS)

    assert events[0] == Rebuilt(DAY + MS, 1)
    assert said(events[1:]) == [("BarClosed", 1)]  # it is complete now
    assert same(builder, Trades.concat([tape(1), late]))


def test_a_range_bar_is_over_with_the_trade_that_it_does_not_hold():
    builder = Builder(INSTRUMENT, spec("r1"))
    builder.update(tape(1, 2), DAY + 2 * MS)

    events = builder.update(tape(3), DAY + 3 * MS)

    assert said(events) == [("BarClosed", 1), ("BarUpdated", 3)]


def test_a_range_bar_that_ended_behind_a_hole_waits_for_its_close_and_the_grace():
    builder = Builder(INSTRUMENT, spec("r1"))
    builder.update(tape(1, 2), DAY + 2 * MS)
    builder.update(tape(5), DAY + 5 * MS)

    assert said(builder.update(nothing(), DAY + 2 * MS + 1 + GRACE_NS)) == [("BarClosed", 1)]


def test_trades_of_one_millisecond_in_several_commits_are_not_late():
    asked = []
    builder = Builder(INSTRUMENT, spec(), source=lambda from_ns: asked.append(from_ns) or nothing())
    closed = []
    for i in range(1, 8):
        closed += builder.update(tape(i, ms=[5]), DAY + 5 * MS)

    assert [type(e) for e in closed].count(BarClosed) == 3
    assert [type(e) for e in closed].count(BarUpdated) == 4
    assert asked == []
    assert same(builder, tape(*range(1, 8), ms=[5] * 7))


def test_a_late_trade_rebuilds_from_the_first_bar_that_changed():
    builder = Builder(INSTRUMENT, spec())
    whole = tape(*range(1, 12))
    builder.update(whole.take([0, 1, 2, 3, 4, 6, 7, 8]), DAY + 9 * MS)
    settled = builder.update(nothing(), DAY + NS)

    events = builder.update(whole.take([5]), DAY + NS)

    assert [type(e) for e in settled] == [BarClosed, BarClosed]
    assert events[0] == Rebuilt(DAY + 5 * MS, 1)
    assert lengths(builder) == [2, 2, 2, 2, 1]
    assert builder.epoch == 1
    builder.update(whole.take([9, 10]), DAY + NS)
    assert same(builder, whole)


def test_a_late_trade_into_the_open_bar_alone_rebuilds_nothing_that_was_final():
    builder = Builder(INSTRUMENT, spec("4t"))
    whole = tape(1, 2, 3, 4, 5, 6, 7)
    builder.update(whole.take([0, 1, 2, 3, 4, 6]), DAY + 7 * MS)

    events = builder.update(whole.take([5]), DAY + 7 * MS)

    assert said(events) == [("BarUpdated", 5)]
    assert builder.epoch == 0
    assert same(builder, whole, "4t")


def test_a_late_trade_that_renames_the_open_bar_rebuilds_it():
    builder = Builder(INSTRUMENT, spec("4t"))
    whole = tape(1, 2, 3, 4, 5, 6)
    builder.update(whole.take([0, 1, 2, 3, 5]), DAY + 6 * MS)

    events = builder.update(whole.take([4]), DAY + 6 * MS)

    assert events[0] == Rebuilt(DAY + 5 * MS, 1)
    assert said(events[1:])[-1] == ("BarUpdated", 5)
    assert same(builder, whole, "4t")


def test_a_late_trade_reads_from_its_sessions_start_and_leaves_the_sessions_before():
    asked = []
    early = tape(*range(1, 6))
    today = tape(*range(6, 13), ms=[86_400_000 + i for i in range(7)])
    whole = Trades.concat([early, today])

    def source(from_ns):
        asked.append(from_ns)
        return whole

    builder = Builder(INSTRUMENT, spec(), source=source)
    builder.update(whole.take(np.delete(np.arange(12), 7)), NEXT_DAY + 7 * MS)
    before = builder.frame().slice(0, 3)

    events = builder.update(whole.take([7]), NEXT_DAY + 8 * MS)

    assert asked == [NEXT_DAY]
    assert not [e for e in events if isinstance(e, Rebuilt) and e.from_ns < NEXT_DAY]
    assert builder.frame().slice(0, 3).equals(before)
    assert same(builder, whole)


def test_a_late_trade_before_the_first_one_heard_counts():
    builder = Builder(INSTRUMENT, spec())
    whole = tape(1, 2, 3)
    builder.update(whole.take([1, 2]), DAY + 3 * MS)
    builder.update(whole.take([0]), DAY + 3 * MS)

    assert same(builder, whole)


@pytest.mark.parametrize("stored", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("bars", ["2t", "3v-split", "r2", "ren2", "ib2"])
def test_history_goes_on_where_it_ended(stored, bars):
    whole = tape(*range(1, 7), lots=[1, 5, 2, 9, 1, 3])
    builder = Builder(INSTRUMENT, spec(bars))
    builder.seed(whole.take(slice(0, stored)))
    builder.update(whole.take(slice(stored, 6)), DAY + 6 * MS)

    assert same(builder, whole, bars)


def test_a_gap_that_is_known_late_marks_a_bar_up_to_its_last_trade():
    builder = Builder(INSTRUMENT, spec())
    builder.update(tape(1, 2), DAY + 2 * MS)
    gap = Gap(symbol="X", from_ns=DAY + 2 * MS, to_ns=DAY + 3 * MS, cause="connection lost", missing=1)

    events = builder.update(tape(4), DAY + 4 * MS, [gap])

    assert isinstance(events[0], GapSeen)
    assert (builder.frame().footprint.bars.flags & BAR_GAP).astype(bool).tolist() == [True, False]


def test_a_rule_that_the_tape_cannot_take_changes_nothing():
    builder = Builder(INSTRUMENT, spec("2.5v-split"))

    with pytest.raises(Exception, match="no whole number"):
        builder.update(tape(1), DAY + MS)
    assert builder.frame() is None


@pytest.mark.parametrize("bars", ["2t", "r2", "ren2", "3v", "3v-split", "d2", "ib3", "1s", "1m"])
def test_a_tape_that_is_given_in_pieces_seeds_what_the_whole_tape_does(bars):
    seed = int(np.random.default_rng().integers(2**31))
    rng = np.random.default_rng(seed)
    count = 400
    times = DAY + np.cumsum(rng.integers(0, 900, count)) * MS
    every = Trades.build(
        INSTRUMENT,
        times,
        np.cumsum(rng.integers(-2, 3, count)),
        rng.integers(1, 5, count),
        rng.integers(-1, 2, count),
        trade_id=range(count),
    )
    stored, live = every.take(slice(0, 350)), every.take(slice(350, count))
    cuts = [0, *sorted(rng.integers(0, 350, 12).tolist()), 350]
    pieces = [stored.take(slice(a, b)) for a, b in zip(cuts, cuts[1:], strict=False)]
    wanted, made = (Builder(INSTRUMENT, spec(bars), source=lambda from_ns: every.between(from_ns, 2**62)) for _ in "ab")

    wanted.seed(stored)
    made.seed_pieces(iter(pieces))

    assert made.frame().equals(wanted.frame()), (seed, cuts)
    assert (made.newest, made.settled_to_ns) == (wanted.newest, wanted.settled_to_ns), (seed, cuts)
    for row in range(len(live)):
        one, at_ns = live.take(slice(row, row + 1)), int(live.ts_exch_ns[row])
        assert said(made.update(one, at_ns)) == said(wanted.update(one, at_ns)), (seed, cuts, row)
    assert made.frame().equals(wanted.frame()), (seed, cuts)
