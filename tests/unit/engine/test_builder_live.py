"""The live fold over weeks: healed gaps, fetched history, and memory that stays flat."""

import tracemalloc
from decimal import Decimal

import numpy as np
import pytest

from footloom.core.footprint import BAR_FINAL, BAR_GAP
from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.trades import FLAG_BACKFILLED, Trades
from footloom.engine.build import build
from footloom.engine.builder import Builder
from footloom.engine.events import BarClosed, BarRevised, BarUpdated, GapSeen, Rebuilt
from footloom.engine.spec import ChartSpec

NS, MINUTE = 10**9, 60 * 10**9
DAY_NS = 86_400 * NS
DAY = 1_772_409_600 * NS
INSTRUMENT = Instrument(venue="t", symbol="X", tick_size=Decimal("0.5"), lot_size=Decimal("0.001"))
SPEC = ChartSpec(bars="1m", min_vol_lot=1)


def tape(seconds, flags=0, first_id=1):
    count = len(seconds)
    numbers = np.arange(count)
    return Trades.build(
        INSTRUMENT,
        [DAY + round(s * NS) for s in seconds],
        100 + numbers * 7 % 13,
        1 + numbers % 5,
        np.where(numbers % 3, 1, -1),
        trade_id=first_id + numbers,
        ts_recv_ns=[DAY + round(s * NS) for s in seconds],
        flags=np.full(count, flags, np.uint8),
    )


def nothing():
    return Trades.empty(INSTRUMENT)


def gap(from_s, to_s, *, healed=False):
    return Gap(symbol="X", from_ns=DAY + from_s * NS, to_ns=DAY + to_s * NS, cause="lost", healed=healed)


def marked(builder):
    return ((builder.frame().footprint.bars.flags & BAR_GAP) > 0).tolist()


def same(builder, trades, spec=SPEC):
    made, wanted = builder.frame(), build(trades, spec)
    assert made.footprint.bars.open_ns.tolist() == wanted.footprint.bars.open_ns.tolist()
    flags = wanted.footprint.bars.flags
    assert np.array_equal(made.footprint.bars.flags & ~BAR_FINAL, flags & ~BAR_FINAL)
    return made.with_flags(flags).equals(wanted)


def test_a_chart_of_small_bars_holds_no_more_than_the_bars_that_it_shows():
    """What is cut from all bars of a day would hold all of them: half a gigabyte of two million trades."""
    rows = tape(np.arange(30_000) / 10)
    builder = Builder(INSTRUMENT, ChartSpec(bars="1t", min_vol_lot=1), source=lambda _from_ns: rows, bars=(100, 1_000))
    builder.seed_pieces((rows,))  # compiles and imports what it needs
    tracemalloc.start()
    try:
        builder = Builder(INSTRUMENT, builder.spec, source=lambda _from_ns: rows, bars=(100, 1_000))
        builder.seed_pieces((rows,))
        held, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 1_000 <= len(builder.frame()) <= 1_002
    assert most > 30_000 * 200, "else nothing was measured"
    assert held < 2_000 * 500


def test_a_healed_gap_takes_its_marks_back_from_closed_and_open_bars():
    builder = Builder(INSTRUMENT, SPEC)
    builder.update(tape([10, 70, 130, 190]), DAY + 190 * NS, [gap(50, 200)])
    assert marked(builder) == [True] * 4

    events = builder.update(nothing(), DAY + 191 * NS, [gap(50, 125, healed=True)])

    assert marked(builder) == [False, False, True, True]
    assert [int(e.frame.footprint.bars.open_ns[0] - DAY) // MINUTE for e in events if isinstance(e, BarRevised)] == [
        0,
        1,
    ]
    builder.update(nothing(), DAY + 192 * NS, [gap(50, 200, healed=True)])
    assert marked(builder) == [False] * 4
    builder.update(tape([195, 250], first_id=5), DAY + 250 * NS)
    assert marked(builder) == [False] * 5, "what was healed marks no bar that comes later"


def test_a_gap_of_the_seed_can_be_healed_with_the_rows_that_were_missing():
    whole = tape([10, 70, 80, 130])
    builder = Builder(INSTRUMENT, SPEC)
    builder.seed(whole.take([0, 1, 3]), [gap(75, 85)])

    builder.update(whole.take([2]), DAY + 131 * NS, [gap(75, 85, healed=True)])

    assert same(builder, whole)


def test_another_gap_over_the_same_bars_keeps_its_marks():
    builder = Builder(INSTRUMENT, SPEC)
    builder.update(tape([10, 70]), DAY + 70 * NS, [gap(5, 100), gap(65, 66)])

    events = builder.update(nothing(), DAY + 71 * NS, [gap(0, 60, healed=True)])

    assert [type(e) for e in events] == [GapSeen, BarRevised, BarUpdated]
    assert marked(builder) == [False, True]


def test_a_gap_that_ends_before_the_first_trade_of_a_bar_marks_it():
    builder = Builder(INSTRUMENT, SPEC)
    builder.update(tape([10, 70]), DAY + 70 * NS)
    builder.update(nothing(), DAY + 121 * NS)  # both are closed: no bar is open
    builder.update(nothing(), DAY + 125 * NS, [gap(121, 124)])
    builder.update(tape([130], first_id=3), DAY + 130 * NS)

    assert marked(builder) == [False, False, True]


def backfilled(trades):
    return tape_with(trades, trades.flags | FLAG_BACKFILLED)


def tape_with(trades, flags):
    return Trades.build(
        INSTRUMENT, trades.ts_exch_ns, trades.price_tick, trades.qty_lot, trades.side, trade_id=trades.trade_id,
        ts_recv_ns=trades.ts_recv_ns, flags=flags,
    )  # fmt: skip


@pytest.mark.parametrize("bars", ["1m", "7t", "r9", "20v-split"])
def test_history_that_is_fetched_newest_first_takes_its_place_in_few_rebuilds(bars):
    spec = ChartSpec(bars=bars, min_vol_lot=1)
    whole = tape(np.linspace(0, 3600, 2_000).tolist())
    live_from, read, stored = 1_800, [], np.zeros(2_000, np.bool_)

    def source(from_ns):
        read.append(from_ns)
        return whole.take(stored).between(from_ns, 2**62)

    builder = Builder(INSTRUMENT, spec, source=source)
    pages = [slice(at, at + 20) for at in range(live_from - 20, -1, -20)]
    told = []
    for number, at in enumerate(range(live_from, 2_000)):
        now = int(whole.ts_exch_ns[at])
        stored[at] = True
        told += builder.update(whole.take(slice(at, at + 1)), now)
        if number < len(pages):
            stored[pages[number]] = True
            told += builder.update(backfilled(whole.take(pages[number])), now + 10**6)
    told += builder.catch_up(DAY + 3601 * NS)

    assert same(builder, whole, spec)
    assert 5 < len(read) < 100
    assert any(isinstance(e, Rebuilt | BarRevised) for e in told)


def test_pages_within_a_second_of_engine_time_are_folded_at_once():
    whole = tape(np.linspace(0, 3600, 500).tolist())
    read = []
    builder = Builder(INSTRUMENT, SPEC, source=lambda from_ns: read.append(from_ns) or whole.between(from_ns, 2**62))
    builder.update(whole.take(slice(480, 500)), DAY + 3600 * NS)
    for page in range(479, 300, -10):
        builder.update(backfilled(whole.take(slice(page - 10, page))), DAY + 3600 * NS + 480 - page)

    assert len(read) == 1, "the first page is shown at once, the others wait"
    assert builder.held_rows == 170
    builder.update(nothing(), DAY + 3601 * NS + 1)
    assert (len(read), builder.held_rows) == (2, 0)


def test_a_late_row_in_the_second_of_two_open_bars_keeps_the_first():
    whole = tape([10, 65, 70, 75])
    builder = Builder(INSTRUMENT, SPEC)
    builder.update(whole.take([0]), DAY + 10 * NS)
    builder.update(whole.take([2, 3]), DAY + 60 * NS)  # behind a hole: both bars are open

    builder.update(whole.take([1]), DAY + 60 * NS)

    assert same(builder, whole)


def test_a_hole_is_forgotten_with_the_bars_that_it_held_open():
    builder = Builder(INSTRUMENT, SPEC)
    builder.update(tape([10]), DAY + 10 * NS)
    builder.update(tape([65], first_id=9), DAY + 65 * NS)
    builder.update(nothing(), DAY + 61 * NS)

    events = builder.update(tape([130, 190], first_id=10), DAY + 190 * NS)

    assert [type(e) for e in events].count(BarClosed) == 2
    assert builder._holes._from_ns is None


def days(builder, count, *, per_day=1_440, step_s=60):
    for day in range(count):
        seconds = day * 86_400 + np.arange(per_day) * step_s
        rows = tape(seconds.tolist(), first_id=1 + day * per_day)
        for at in range(0, per_day, 60):
            builder.update(rows.take(slice(at, at + 60)), int(rows.ts_exch_ns[min(at + 59, per_day - 1)]))
        yield day


def test_bars_and_rows_of_weeks_are_not_held():
    builder = Builder(INSTRUMENT, SPEC, bars=(100, 5_000))
    bars, rows = [], []
    for _ in days(builder, 21):
        bars.append(len(builder.frame()))
        rows.append(builder.held_rows)

    assert max(bars) <= 3 * 1_440 + 512
    assert bars[-1] >= 2 * 1_440 - 1
    assert max(rows) <= 3 * 1_440
    assert builder.dropped + bars[-1] == 21 * 1_440
    last = builder.frame().footprint.bars
    assert last.open_ns[-1] == DAY + 21 * DAY_NS - MINUTE
    assert len(builder.frame(300)) == 300


def test_bars_of_single_trades_are_held_up_to_a_limit():
    builder = Builder(INSTRUMENT, ChartSpec(bars="1t", min_vol_lot=1), bars=(100, 3_000))
    most = 0
    for _ in days(builder, 3, per_day=8_640, step_s=10):
        most = max(most, len(builder.frame()))

    assert 3_000 <= most <= 3_000 * 9 // 8 + 512


def test_a_row_older_than_what_is_held_changes_nothing_and_the_cvd_goes_on():
    builder = Builder(INSTRUMENT, ChartSpec(bars="1m", min_vol_lot=1, cvd_reset="never"), bars=(10, 600))
    for _ in days(builder, 4):
        pass
    before = builder.frame()

    events = builder.update(tape([61.5], first_id=10**6), DAY + 4 * DAY_NS)

    assert not [e for e in events if isinstance(e, BarRevised | Rebuilt)]
    assert builder.frame().with_flags(before.footprint.bars.flags).equals(before)
    whole = Trades.concat([
        tape((day * 86_400 + np.arange(1_440) * 60).tolist(), first_id=1 + day * 1_440) for day in range(4)
    ])  # fmt: skip
    assert before.cvd_lot[-1] == build(whole, builder.spec).cvd_lot[-1]


def test_a_late_row_of_yesterday_still_finds_its_rows():
    builder = Builder(INSTRUMENT, SPEC)
    rows = tape([86_000, 86_010, 86_395, 86_405, 86_470])
    builder.update(rows.take([0, 1, 3, 4]), DAY + 86_470 * NS)

    builder.update(rows.take([2]), DAY + 86_471 * NS)

    assert same(builder, rows)
