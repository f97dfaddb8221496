"""The fold's laws: any chunking, any grouping, any order of arrival, any time zone gives the same bits."""

import os
import time
from decimal import Decimal
from fractions import Fraction

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footloom.bars import parse_rule
from footloom.core.instrument import Instrument
from footloom.core.sessions import calendar
from footloom.core.trades import Trades
from footloom.engine.build import build, build_footprint
from footloom.engine.builder import Builder
from footloom.engine.events import BarClosed, BarUpdated
from footloom.engine.spec import ChartSpec
from footloom.kernels import reference
from footloom.kernels.facts import facts
from footloom.kernels.fold import combine, fold

NS = 10**9
BASE = 1_772_409_600 * NS  # 2026-03-02 00:00 UTC
INSTRUMENT = Instrument(venue="t", symbol="X", tick_size=Decimal("0.1"), lot_size=Decimal("0.001"))

row = st.tuples(
    st.integers(0, 20 * 60 * NS),
    st.integers(-300, 300) | st.integers(-20_000_000, 20_000_000),  # the second makes a bar too wide to be dense
    st.integers(1, 50) | st.integers(1, 2**40) | st.just(2**45),  # the last is too large for the packed word
    st.sampled_from([-1, 0, 1]),
)
tapes = st.lists(row, min_size=1, max_size=120)
steps = st.sampled_from([1, 2, 3, 7, 10, 1000, 300_000])


def tape_of(rows: list[tuple[int, int, int, int]], instrument: Instrument = INSTRUMENT) -> Trades:
    ordered = sorted(rows, key=lambda r: r[0])
    ts, tick, qty, side = (list(column) for column in zip(*ordered, strict=True))
    return Trades.build(instrument, np.array(ts) + BASE, tick, qty, side, trade_id=np.arange(len(ordered)) + 100)


def same(a, b) -> bool:
    blocks = [(a.bars, b.bars), (a.levels, b.levels)]
    columns = [(getattr(x, n), getattr(y, n)) for x, y in blocks for n in x.__dataclass_fields__]
    return all(np.array_equal(x, y) for x, y in [*columns, (a.level_offset, b.level_offset)])


@given(tapes, steps)
def test_equals_the_reference(rows, step):
    trades = tape_of(rows)
    plain = reference.footprint(
        zip(*(c.tolist() for c in (trades.ts_exch_ns, trades.price_tick, trades.qty_lot, trades.side)), strict=True),
        60 * NS,
        step,
    )

    made = build_footprint(trades, "1m", step)

    bars = made.bars
    for i, bar in enumerate(plain):
        assert (bar.open_ns, bar.open, bar.high, bar.low, bar.close, bar.trades) == (
            bars.open_ns[i],
            bars.open_tick[i],
            bars.high_tick[i],
            bars.low_tick[i],
            bars.close_tick[i],
            bars.trades[i],
        )
        assert (bar.delta, bar.min_delta, bar.max_delta) == (
            bars.delta_lot[i],
            bars.min_delta_lot[i],
            bars.max_delta_lot[i],
        )
        cells = made.cells(i)
        got = {
            r: (b, s, u, n)
            for r, b, s, u, n in zip(
                *(c.tolist() for c in (cells.row, cells.buy_lot, cells.sell_lot, cells.unknown_lot, cells.trades)),
                strict=True,
            )
        }
        assert got == {r: (c.buy, c.sell, c.unknown, c.trades) for r, c in bar.cells.items()}
    assert len(made) == len(plain)


@given(tapes, steps, st.lists(st.integers(0, 120), max_size=6))
def test_any_chunking_gives_the_same_bits(rows, step, cuts):
    trades = tape_of(rows)
    rule = parse_rule("1m")
    market = calendar("crypto")
    whole = build_footprint(trades, "1m", step)
    edges = sorted({0, len(trades), *(c for c in cuts if c <= len(trades))})
    pieces = []
    for lo, hi in zip(edges, edges[1:], strict=False):
        part = trades.take(slice(lo, hi))
        pieces.append(fold(part, rule.edges(part, market)[0], rule.text, step))

    left = pieces[0]
    for piece in pieces[1:]:
        left = combine(left, piece)
    right = pieces[-1]
    for piece in reversed(pieces[:-1]):
        right = combine(piece, right)

    assert same(left, whole)
    assert same(right, whole)


@pytest.mark.parametrize("market", ["crypto", "nse_fo"])
@given(rows=tapes, bars=st.sampled_from(["1s", "1m", "4h", "1d", "1w", "7t", "50v"]), threads=st.integers(2, 5))
def test_any_number_of_threads_gives_the_same_bits(rows, bars, threads, market):
    hours = [(at * 400, *rest) for at, *rest in rows]  # five days, with nights and a weekend between the sessions
    trades = tape_of(hours, msgspec.structs.replace(INSTRUMENT, calendar=market))
    assert same(build_footprint(trades, bars, 10, threads=threads), build_footprint(trades, bars, 10))


@given(tapes, steps)
def test_a_tape_that_nobody_has_looked_at_is_folded_and_noted_alike(rows, step):
    trades = tape_of(rows)
    known, unseen = trades.take(slice(None)), trades.take(slice(None))
    facts(known)

    assert same(build_footprint(unseen, "1m", step), build_footprint(known, "1m", step))
    assert unseen.noted == known.noted


@pytest.mark.parametrize("at", [1, 4095, 4096, 4097, 8191, 8192, 8193, 19_998, 19_999])
@pytest.mark.parametrize("column", ["ts_exch_ns", "trade_id"])
def test_a_row_before_its_turn_is_found_wherever_it_stands(at, column):
    """Blocks and bars are looked at one by one: no border may hide a row, and a far one may not lead outside."""
    n = 20_000
    ts = BASE + np.arange(n) // 5 * (NS // 10)
    ids, qty = np.arange(n), 1 + np.arange(n) % 9
    if column == "ts_exch_ns":
        ts[at] -= 400 * NS
    else:
        ids[at], ts[at] = -1, ts[at - 1]
    trades = Trades.build(INSTRUMENT, ts, 100 + np.arange(n) % 50, qty, [1, -1] * (n // 2), trade_id=ids)
    ordered = trades.take(trades.order())
    assert facts(ordered).ordered

    made = build_footprint(trades, "1m", 3)

    assert not facts(trades).ordered
    assert same(made, build_footprint(ordered, "1m", 3))


def test_times_far_outside_of_the_first_and_the_last_are_sorted_not_followed():
    nse = msgspec.structs.replace(INSTRUMENT, calendar="nse_fo")
    ts = [BASE + 5 * 3600 * NS, BASE + 40 * 86_400 * NS, BASE - 40 * 86_400 * NS, BASE + 6 * 3600 * NS]
    trades = Trades.build(nse, ts, [1, 2, 3, 4], [1] * 4, [1] * 4, trade_id=range(4))

    made = build_footprint(trades, "1m", 1)

    assert made.bars.open_tick.tolist() == [3, 1, 4, 2]


@given(tapes, st.sampled_from([2, 5]), st.sampled_from([2, 3]))
def test_regrouping_equals_grouping_once(rows, inner, outer):
    trades = tape_of(rows)
    fine = build_footprint(trades, "1m", inner)
    coarse = build_footprint(trades, "1m", inner * outer)

    for i in range(len(fine)):
        cells, want = fine.cells(i), coarse.cells(i)
        grouped, index = np.unique(cells.row // outer, return_inverse=True)
        assert np.array_equal(grouped, want.row)
        for name in ("buy_lot", "sell_lot", "unknown_lot", "trades"):
            total = np.zeros(len(grouped), np.int64)
            np.add.at(total, index, getattr(cells, name))
            assert np.array_equal(total, getattr(want, name))
    for name in ("open_tick", "high_tick", "low_tick", "close_tick"):
        assert np.array_equal(getattr(fine.bars, name), getattr(coarse.bars, name))


@given(tapes, steps)
def test_cells_sum_to_bars_and_bars_to_the_tape(rows, step):
    trades = tape_of(rows)
    made = build_footprint(trades, "1m", step)

    cells = made.cell_totals()
    for name, side in (("buy_lot", 1), ("sell_lot", -1), ("unknown_lot", 0)):
        assert np.array_equal(getattr(cells, name), getattr(made.bars, name))
        assert getattr(made.bars, name).sum() == trades.qty_lot[trades.side == side].sum()
    assert np.array_equal(cells.trades, made.bars.trades)
    assert made.bars.trades.sum() == len(trades)


@given(tapes, st.randoms(use_true_random=False))
def test_shuffled_input_equals_sorted_input(rows, random):
    trades = tape_of(rows)
    order = list(range(len(trades)))
    random.shuffle(order)

    assert build(trades.take(np.array(order)), ChartSpec()).equals(build(trades, ChartSpec()))


@given(tapes, st.lists(st.integers(0, 120), max_size=8), st.sampled_from(["session", "never"]))
def test_live_equals_batch(rows, cuts, reset):
    trades = tape_of(rows)
    spec = ChartSpec(bars="1m", ticks_per_level=10, cvd_reset=reset)
    builder = Builder(INSTRUMENT, spec)
    edges = sorted({0, len(trades), *(c for c in cuts if c <= len(trades))})
    for lo, hi in zip(edges, edges[1:], strict=False):
        part = trades.take(slice(lo, hi))
        builder.update(part, int(part.ts_exch_ns[-1]))

    assert builder.frame().equals(build(trades, spec))


@given(
    tapes, st.lists(st.integers(0, 120), min_size=1, max_size=6), st.sampled_from([0, 61 * NS, 1200 * NS]), st.data()
)
def test_late_trades_converge_to_batch(rows, cuts, ahead, data):
    trades = tape_of(rows)
    spec = ChartSpec(bars="1m", ticks_per_level=10)
    builder = Builder(INSTRUMENT, spec)
    edges = sorted({0, len(trades), *(c for c in cuts if c <= len(trades))})
    chunks = [trades.take(slice(lo, hi)) for lo, hi in zip(edges, edges[1:], strict=False)]
    for chunk in data.draw(st.permutations(chunks)):
        builder.update(chunk, int(chunk.ts_exch_ns[-1]) + ahead)
    final = builder.frame()
    batch = build(trades, spec)

    # Arrival order decides what was announced as final, never what the bars hold.
    assert final.with_flags(batch.footprint.bars.flags).equals(batch)


@given(tapes)
def test_every_bar_closes_once_and_is_never_updated_again(rows):
    trades = tape_of(rows)
    builder = Builder(INSTRUMENT, ChartSpec())
    closed = []
    for i in range(len(trades)):
        part = trades.take(slice(i, i + 1))
        for event in builder.update(part, int(part.ts_exch_ns[-1])):
            opened = int(event.frame.footprint.bars.open_ns[0])
            if isinstance(event, BarClosed):
                closed.append(opened)
            elif isinstance(event, BarUpdated):
                assert opened not in closed
    builder.update(Trades.empty(INSTRUMENT), BASE + 3600 * NS)

    assert closed == sorted(set(closed))
    assert builder.open_frame() is None


@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=40).filter(any),
    st.sampled_from(["50", "58", "68.2", "70", "100"]),
)
def test_profiles_equal_the_reference(volume, pct):
    from footloom.studies.value_area import Params, value_area_of_rows

    first, last = (next(i for i in order if volume[i]) for order in (range(len(volume)), reversed(range(len(volume)))))
    rows = volume[first : last + 1]  # a bar's grid runs from its lowest to its highest traded row
    for method in ("two_row", "one_row", "one_row_capped"):
        for tie in ("centre", "lowest"):
            got = value_area_of_rows(np.array(rows, np.int64), Params(method=method, pct=pct, tie=tie))
            poc, val, vah, _ = reference.value_area(rows, Fraction(Decimal(pct)), method, tie)
            assert (got.poc_row[0], got.val_row[0], got.vah_row[0]) == (poc, val, vah)


@given(
    tapes,
    st.sampled_from(["ge", "gt"]),
    st.sampled_from(["infinite", "ignore", "as_one"]),
    st.none() | st.integers(0, 40),
)
def test_imbalances_equal_the_reference(rows, compare, zero, least):
    small = [(ts, tick % 60, qty % 40 + 1, side) for ts, tick, qty, side in rows]
    trades = tape_of(small)
    spec = ChartSpec(ticks_per_level=2, imbalance_compare=compare, imbalance_zero=zero, min_vol_lot=least)
    chart = build(trades, spec)
    plain = reference.footprint(
        zip(*(c.tolist() for c in (trades.ts_exch_ns, trades.price_tick, trades.qty_lot, trades.side)), strict=True),
        60 * NS,
        2,
    )
    for i, bar in enumerate(plain):
        want_least = reference.min_volume([b.cells for b in plain[max(0, i - 20) : i]]) if least is None else least
        assert chart.min_vol_lot[i] == want_least
        low, high = min(bar.cells), max(bar.cells)
        grid = [bar.cells.get(r, reference.Cell()) for r in range(low, high + 1)]
        buys, sells = reference.imbalances([(c.sell, c.buy) for c in grid], 300, want_least, compare, zero)
        cells = chart.footprint.cells(i).row - low
        flags = chart.slice(i, i + 1).cell_flags
        assert cells[(flags & 1) > 0].tolist() == buys
        assert cells[(flags & 2) > 0].tolist() == sells
        for flagged, bit in ((buys, 4), (sells, 8)):
            runs = [r for lo, hi in reference.stacks(flagged, 3) for r in range(lo, hi + 1)]
            assert cells[(flags & bit) > 0].tolist() == runs


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata"])
def test_the_machines_time_zone_changes_nothing(zone, monkeypatch):
    trades = tape_of([(i * NS, i % 40, 1 + i % 7, (-1, 0, 1)[i % 3]) for i in range(1200)])
    want = build(trades, ChartSpec(bars="5m"))
    monkeypatch.setitem(os.environ, "TZ", zone)
    time.tzset()
    try:
        assert build(trades, ChartSpec(bars="5m")).equals(want)
    finally:
        monkeypatch.undo()
        time.tzset()


@settings(max_examples=20)
@given(st.integers(0, 2**31))
def test_a_busy_day_equals_the_reference(seed):
    """Enough rows to fill buffers, cross pieces and pack counts."""
    rng = np.random.default_rng(seed)
    n = 6000
    ts = np.sort(rng.integers(0, 3600 * NS, n)) + BASE
    tick = 1000 + np.cumsum(rng.integers(-3, 4, n))
    trades = Trades.build(
        INSTRUMENT, ts, tick, rng.integers(1, 500, n), rng.choice([-1, 0, 1], n), trade_id=np.arange(n)
    )
    plain = reference.footprint(
        zip(*(c.tolist() for c in (trades.ts_exch_ns, trades.price_tick, trades.qty_lot, trades.side)), strict=True),
        NS,
        3,
    )
    made = build_footprint(trades, "1s", 3)
    assert made.bars.delta_lot.tolist() == [b.delta for b in plain]
    assert len(made.levels) == sum(len(b.cells) for b in plain)
    assert made.levels.buy_lot.tolist() == [b.cells[r].buy for b in plain for r in sorted(b.cells)]


def test_a_bar_longer_than_a_packed_word_is_folded_in_parts():
    """Large lots leave room for few trades a word: 2^43 lots for one, and a bar of seven must come out whole."""
    rows = [(i * NS, i % 3, 2**43 + i, (1, -1, 0)[i % 3]) for i in range(7)]
    made = build_footprint(tape_of(rows), "1m", 1)

    assert made.bars.trades.tolist() == [7]
    assert made.bars.buy_lot.tolist() == [sum(q for _, _, q, s in rows if s == 1)]
    assert made.levels.trades.tolist() == [3, 2, 2]
    assert (made.bars.min_delta_lot[0], made.bars.max_delta_lot[0]) == (-2, 2**43 + 4)


@given(
    st.lists(st.tuples(st.integers(1, 90), st.integers(1, 30)), min_size=1, max_size=12),
    st.sampled_from(["58", "70", "95", "100"]),
)
def test_empty_stretches_are_crossed_as_if_step_by_step(levels, pct):
    """Sparse levels, as a bar holds them, against the reference on the dense grid."""
    rows = np.cumsum([gap for gap, _ in levels])
    lots = np.array([lot for _, lot in levels])
    dense = np.zeros(int(rows[-1] - rows[0]) + 1, np.int64)
    dense[rows - rows[0]] = lots
    trades = Trades.build(INSTRUMENT, [BASE] * len(rows), rows, lots, [1] * len(rows))
    for method in ("two_row", "one_row", "one_row_capped"):
        for tie in ("centre", "lowest"):
            made = build(trades, ChartSpec(value_area=method, value_area_pct=pct, poc_tie=tie))
            poc, val, vah, _ = reference.value_area(dense.tolist(), Fraction(pct), method, tie)
            low = int(rows[0])
            assert (made.poc_row[0] - low, made.val_row[0] - low, made.vah_row[0] - low) == (poc, val, vah)


@pytest.mark.parametrize("method", ["two_row", "one_row", "one_row_capped"])
def test_a_level_very_far_away_costs_nothing(method):
    trades = tape_of([(0, 0, 5, 1), (1, 10**12, 5, 1), (2, 7, 3, -1)])

    assert build(trades, ChartSpec(value_area=method)).vah_row[0] >= 7


def test_prices_further_apart_than_64_bits_keep_their_cells():
    made = build_footprint(tape_of([(0, -(2**62) - 5, 1, 1), (1, 2**62 + 5, 2, -1)]), "1m", 1)

    assert made.levels.row.tolist() == [-(2**62) - 5, 2**62 + 5]
    assert made.bars.sell_lot.tolist() == [2]


def test_one_very_large_trade_does_not_change_the_way_of_the_others():
    rows = [(i * NS // 100, i % 50, 1 + i % 9, (1, -1)[i % 2]) for i in range(6000)]
    with_giant = build_footprint(tape_of([*rows, (70 * NS, 5, 10**13, 1)]), "1m", 1)

    assert same(with_giant.slice(0, 1), build_footprint(tape_of(rows), "1m", 1))
