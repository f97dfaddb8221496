"""The live fold: when a bar is final, what late trades do, what gaps mark (definitions 0.5, 2.3)."""

from decimal import Decimal

import numpy as np
import pytest

from footloom.core.footprint import BAR_FINAL, BAR_GAP
from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.trades import FLAG_NO_ID, Trades
from footloom.engine.build import build
from footloom.engine.builder import GRACE_NS, Builder
from footloom.engine.events import BarClosed, BarRevised, BarUpdated, GapSeen, Rebuilt
from footloom.engine.spec import ChartSpec

NS = 10**9
DAY = 1_772_409_600 * NS
MINUTE = 60 * NS
INSTRUMENT = Instrument(venue="t", symbol="X", tick_size=Decimal("0.5"), lot_size=Decimal("0.001"))
SPEC = ChartSpec(bars="1m", min_vol_lot=1)


def tape(*rows, ids=None):
    """Rows of (seconds since midnight, tick, lots, side)."""
    ts, tick, qty, side = zip(*rows, strict=True)
    times = [DAY + round(s * NS) for s in ts]
    return Trades.build(INSTRUMENT, times, tick, qty, side, trade_id=ids)


def kinds(events):
    return [
        (type(e).__name__, int(e.frame.footprint.bars.open_ns[0] - DAY) // MINUTE)
        for e in events
        if hasattr(e, "frame")
    ]


def test_a_contiguous_trade_beyond_the_close_makes_a_bar_final_at_once():
    builder = Builder(INSTRUMENT, SPEC)
    builder.update(tape((10, 5, 1, 1), ids=[7]), DAY + 10 * NS)

    events = builder.update(tape((60, 6, 1, 1), ids=[8]), DAY + 60 * NS)

    assert kinds(events) == [("BarClosed", 0), ("BarUpdated", 1)]
    assert events[0].frame.footprint.bars.flags[0] & BAR_FINAL
    assert events[0].known_ns == DAY + 60 * NS


def test_behind_an_id_hole_a_bar_waits_for_the_grace():
    builder = Builder(INSTRUMENT, SPEC)
    builder.update(tape((10, 5, 1, 1), ids=[7]), DAY + 10 * NS)

    at_once = builder.update(tape((60, 6, 1, 1), ids=[9]), DAY + 60 * NS)
    too_early = builder.update(Trades.empty(INSTRUMENT), DAY + MINUTE + GRACE_NS - 1)
    in_time = builder.update(Trades.empty(INSTRUMENT), DAY + MINUTE + GRACE_NS)

    assert kinds(at_once) == [("BarUpdated", 1)]
    assert too_early == []
    assert kinds(in_time) == [("BarClosed", 0)]


def test_a_hole_that_comes_with_a_late_row_counts_too():
    builder = Builder(INSTRUMENT, SPEC)
    builder.update(tape((0, 5, 1, 1), (12, 5, 1, 1), ids=[1, 3]), DAY + 12 * NS)

    events = builder.update(
        tape((6, 5, 1, 1), (66, 6, 1, 1), (72, 6, 1, 1), (120, 6, 1, 1), ids=[2, 4, 5, 9]), DAY + 120 * NS
    )

    assert kinds(events) == [("BarClosed", 0), ("BarUpdated", 1), ("BarUpdated", 2)]


def test_a_quiet_market_closes_its_bar_by_the_engines_time():
    builder = Builder(INSTRUMENT, SPEC)
    builder.update(tape((10, 5, 1, 1), ids=[7]), DAY + 10 * NS)

    events = builder.update(Trades.empty(INSTRUMENT), DAY + MINUTE + GRACE_NS)

    assert kinds(events) == [("BarClosed", 0)]
    assert builder.open_frame() is None


def test_a_trade_behind_a_bar_closed_by_time_revises_that_bar():
    builder = Builder(INSTRUMENT, SPEC)
    whole = tape((10, 5, 1, 1), (59, 8, 2, 1), ids=[1, 2])
    builder.update(whole.take([0]), DAY + MINUTE + GRACE_NS)

    events = builder.update(whole.take([1]), DAY + MINUTE + 2 * GRACE_NS)

    assert kinds(events) == [("BarRevised", 0)]
    assert builder.frame().footprint.bars.high_tick.tolist() == [8]


def test_a_late_trade_revises_its_bar_and_every_sum_behind_it():
    builder = Builder(INSTRUMENT, SPEC)
    whole = tape((10, 5, 1, 1), (20, 9, 4, -1), (61, 6, 1, 1), (121, 7, 2, 1), ids=[1, 2, 3, 4])
    builder.update(whole.take([0, 2, 3]), DAY + 121 * NS)

    events = builder.update(whole.take([1]), DAY + 122 * NS)

    revised = [e.frame for e in events if isinstance(e, BarRevised)]
    assert [int(f.footprint.bars.open_ns[0] - DAY) // MINUTE for f in revised] == [0, 1]
    assert revised[0].footprint.bars.close_tick[0] == 9
    assert [f.cvd_lot[0] for f in revised] == [-3, -2]
    assert builder.frame().footprint.bars.delta_lot.tolist() == [-3, 1, 2]
    assert builder.frame().cvd_lot.tolist() == build(whole, SPEC).cvd_lot.tolist()


def test_many_changed_bars_are_one_rebuild():
    builder = Builder(INSTRUMENT, SPEC)
    rows = [(60 * i + 1, 5, 1, 1) for i in range(80)]
    builder.update(tape(*rows, ids=list(range(2, 82))), DAY + 80 * MINUTE)

    events = builder.update(tape((0.5, 5, 3, 1), ids=[1]), DAY + 80 * MINUTE)

    rebuilt = [e for e in events if isinstance(e, Rebuilt)]
    assert rebuilt == [Rebuilt(DAY, 1)]
    assert builder.frame().cvd_lot[-1] == 83


def test_a_late_trade_asks_the_source_from_its_bar_on():
    asked = []
    whole = tape((10, 5, 1, 1), (70, 6, 1, 1), (130, 6, 1, 1), (75, 8, 2, -1), ids=[1, 2, 3, 4])

    def source(from_ns):
        asked.append(from_ns)
        return whole

    builder = Builder(INSTRUMENT, SPEC, source=source)
    builder.update(whole.take(slice(0, 3)), DAY + 130 * NS)
    builder.update(whole.take(slice(3, 4)), DAY + 131 * NS)

    assert asked == [DAY + MINUTE]
    assert builder.frame().footprint.bars.high_tick.tolist() == [5, 8, 6]


def test_a_gap_is_said_and_marks_the_bars_it_touches():
    """P5: what was lost is told, and the bars of it are marked."""
    builder = Builder(INSTRUMENT, SPEC)
    gap = Gap(symbol="X", from_ns=DAY + 50 * NS, to_ns=DAY + 65 * NS, cause="connection lost", missing=3)
    builder.update(tape((10, 5, 1, 1), ids=[1]), DAY + 10 * NS)

    events = builder.update(tape((70, 5, 1, 1), (130, 5, 1, 1), ids=[5, 6]), DAY + 130 * NS, [gap])

    assert events[0] == GapSeen(gap)
    flags = builder.frame().footprint.bars.flags & BAR_GAP
    assert flags.astype(bool).tolist() == [True, True, False]


def test_history_is_not_announced_and_goes_on():
    builder = Builder(INSTRUMENT, SPEC)
    whole = tape((10, 5, 1, 1), (61, 6, 1, 1), (70, 7, 1, -1), ids=[1, 2, 3])
    builder.seed(whole.take(slice(0, 2)))

    events = builder.update(whole.take(slice(2, 3)), DAY + 70 * NS)

    assert kinds(events) == [("BarUpdated", 1)]
    assert builder.frame().equals(build(whole, SPEC))


def test_one_update_tells_of_every_provisional_bar_that_moved():
    builder = Builder(INSTRUMENT, SPEC)
    builder.update(tape((10, 5, 1, 1), ids=[1]), DAY + 10 * NS)

    events = builder.update(tape((59, 5, 1, 1), (60, 6, 1, 1), ids=[5, 9]), DAY + 60 * NS)

    assert kinds(events) == [("BarUpdated", 0), ("BarUpdated", 1)]


@pytest.mark.parametrize("bars", [1, 3, 100])
def test_a_window_of_bars_keeps_the_sums_of_what_is_cut_off(bars):
    builder = Builder(INSTRUMENT, SPEC)
    rows = [(60 * i + 1, 5, 1, 1) for i in range(10)]
    builder.seed(tape(*rows))

    window = builder.frame(bars)

    assert len(window) == min(bars, 10)
    assert window.cvd_lot[-1] == 10
    assert isinstance(builder.update(Trades.empty(INSTRUMENT), DAY + 10 * MINUTE + GRACE_NS)[0], BarClosed)


def test_updates_are_whole_bars():
    builder = Builder(INSTRUMENT, SPEC)
    first = builder.update(tape((1, 5, 1, 1), ids=[1]), DAY + NS)
    second = builder.update(tape((2, 6, 2, -1), ids=[2]), DAY + 2 * NS)

    assert [isinstance(e, BarUpdated) for e in first + second] == [True, True]
    assert second[0].frame.footprint.levels.row.tolist() == [5, 6]


def test_a_gap_that_is_known_late_marks_bars_that_are_closed():
    builder = Builder(INSTRUMENT, SPEC)
    builder.update(tape((10, 5, 1, 1), ids=[1]), DAY + MINUTE + GRACE_NS)
    gap = Gap(symbol="X", from_ns=DAY + 50 * NS, to_ns=DAY + 65 * NS, cause="connection lost", missing=3)

    events = builder.update(tape((70, 5, 1, 1), ids=[5]), DAY + 70 * NS, [gap])

    assert kinds(events) == [("BarRevised", 0), ("BarUpdated", 1)]
    assert (builder.frame().footprint.bars.flags & BAR_GAP).astype(bool).tolist() == [True, True]


def test_rows_that_come_twice_count_once():
    """P4: a reconnect replays ids that were heard already."""
    builder = Builder(INSTRUMENT, SPEC)
    whole = tape((10, 5, 1, 1), (20, 6, 2, 1), (70, 7, 3, -1), ids=[1, 2, 3])
    builder.update(whole.take(slice(0, 2)), DAY + 20 * NS)
    builder.update(whole.take(slice(1, 3)), DAY + 70 * NS)
    builder.update(whole.take(slice(2, 3)), DAY + 71 * NS)

    assert builder.frame().equals(build(whole, SPEC))


@pytest.mark.parametrize("flags", [0, FLAG_NO_ID])
def test_rows_that_were_read_with_a_late_one_are_not_late_when_they_come(flags):
    """A busy symbol: whenever the store is read, it holds rows whose commits are still on their way."""
    count, read = 40, []
    heard = np.arange(count)
    at = np.where(heard == 3, 1, heard)  # the fourth row that was heard is a late one
    whole = Trades.build(
        INSTRUMENT, DAY + at * NS, 5 + heard % 3, heard + 1, np.ones(count),
        trade_id=heard, ts_recv_ns=DAY + heard * NS, flags=np.full(count, flags),
    )  # fmt: skip
    builder = Builder(INSTRUMENT, SPEC, source=lambda from_ns: read.append(from_ns) or whole)
    for row in heard.tolist():
        builder.update(whole.take([row]), DAY + row * NS)

    assert len(read) == 1
    assert builder.frame().equals(build(whole, SPEC))


@pytest.mark.parametrize("flags", [0, FLAG_NO_ID])
def test_a_late_row_that_is_older_than_what_was_read_with_another_is_folded(flags):
    """Received before the newest row that was read, and still not among those: it lies before where the read began."""
    at = np.array([5, 70, 130, 75, 10, 131])  # the fifth row that was heard lies a bar before the fourth's
    heard = np.arange(len(at))
    whole = Trades.build(
        INSTRUMENT, DAY + at * NS, 5 + heard, heard + 1, np.ones(len(at)),
        trade_id=heard, ts_recv_ns=DAY + (140 + heard) * NS, flags=np.full(len(at), flags),
    )  # fmt: skip
    ordered = whole.take(whole.order())
    builder = Builder(INSTRUMENT, SPEC, source=lambda from_ns: ordered.between(from_ns, 2**62))
    for rows in ([0], [1], [2], [3], [4, 5]):
        builder.update(whole.take(rows), DAY + (140 + rows[-1]) * NS)

    assert builder.frame().equals(build(whole, SPEC))


def test_late_rows_that_the_store_lacks_are_folded_all_the_same():
    whole = tape((10, 5, 1, 1), (70, 6, 1, 1), (75, 8, 2, -1), (80, 7, 1, 1), ids=[1, 2, 3, 4])
    builder = Builder(INSTRUMENT, SPEC, source=lambda _from_ns: whole.take([0, 1, 3]))
    builder.update(whole.take([0, 1, 3]), DAY + 80 * NS)

    builder.update(whole.take([2]), DAY + 81 * NS)

    assert builder.frame().equals(build(whole, SPEC))


def test_rows_older_than_the_window_change_nothing_in_it():
    whole = tape((10, 5, 1, 1), (70, 6, 1, 1), (130, 6, 1, 1), ids=[1, 2, 3])
    builder = Builder(INSTRUMENT, SPEC)
    builder.seed(whole.take(slice(1, 3)))
    before = builder.frame()

    assert builder.update(whole.take(slice(0, 1)), DAY + 130 * NS) == []
    assert builder.frame().equals(before)


def test_live_rows_of_another_grid_are_brought_onto_the_charts():
    finer = INSTRUMENT.with_grid("0.25", "0.001")
    builder = Builder(finer, SPEC)

    builder.update(tape((10, 5, 1, 1), ids=[1]), DAY + 10 * NS)

    assert builder.frame().footprint.bars.close_tick.tolist() == [10]
