"""One tape of rows from several places: the ordering key of definitions 0.4, and each trade once."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footloom.core.instrument import Instrument
from footloom.core.snapshots import NO_QUOTE, Snapshots
from footloom.core.trades import FLAG_BACKFILLED, FLAG_NO_ID, FLAG_NO_RECV, Trades
from footloom.errors import StoreError
from footloom.store.columns import SNAPSHOTS, TRADES, Columns, columns_of, concat, length, take
from footloom.store.grid import common_instrument, gcd, regrid
from footloom.store.merge import in_order, meet, merge


def rows(*given: tuple[int, int, int], flags: int = 0, recv: int = 0) -> Columns:
    """Trades of (time, id, price)."""
    ts, ids, price = (np.array(values, np.int64) for values in zip(*given, strict=True))
    count = len(given)
    return {
        "ts_exch_ns": ts,
        "price_tick": price,
        "qty_lot": np.ones(count, np.int64),
        "side": np.ones(count, np.int8),
        "trade_id": ids,
        "ts_recv_ns": ts + recv,
        "flags": np.full(count, flags, np.uint8),
    }


def listed(columns: Columns) -> list[tuple[int, int, int]]:
    return list(zip(*(columns[name].tolist() for name in ("ts_exch_ns", "trade_id", "price_tick")), strict=True))


def test_rows_are_ordered_by_time_then_id_then_arrival() -> None:
    columns = rows((20, 4, 1), (10, 3, 2), (10, 2, 3), (5, 9, 4))

    merged = merge(TRADES, columns)

    assert listed(merged.columns) == [(5, 9, 4), (10, 2, 3), (10, 3, 2), (20, 4, 1)]
    assert in_order(TRADES, merged.columns)
    assert not in_order(TRADES, columns)


def test_rows_without_ids_are_all_kept_in_their_order() -> None:
    columns = rows((10, 0, 1), (10, 0, 1), (10, 0, 2), flags=FLAG_NO_ID)

    merged = merge(TRADES, columns)

    assert listed(merged.columns) == [(10, 0, 1), (10, 0, 1), (10, 0, 2)]
    assert merged.duplicates == 0


def test_a_trade_seen_twice_is_kept_once_and_a_contradiction_is_counted() -> None:
    merged = merge(TRADES, rows((10, 1, 5), (20, 2, 6), (10, 1, 5), (20, 2, 7)))

    assert listed(merged.columns) == [(10, 1, 5), (20, 2, 6)]
    assert (merged.duplicates, merged.conflicts) == (2, 1)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (0, 2, 1)])
def test_the_best_witness_stands_whatever_came_first(order: tuple[int, ...]) -> None:
    witnesses = [
        rows((10, 1, 5), flags=FLAG_NO_RECV),
        rows((10, 1, 5), flags=FLAG_BACKFILLED, recv=50),
        rows((10, 1, 5), recv=90),
    ]

    merged = merge(TRADES, concat([dict(witnesses[i]) for i in order]))

    assert merged.columns["flags"].tolist() == [0]
    assert merged.columns["ts_recv_ns"].tolist() == [100]


def test_snapshots_are_ordered_by_receipt_and_repeats_stay(make_snapshots: Callable[..., Snapshots]) -> None:
    columns = columns_of(make_snapshots(50))
    twice = concat([take(columns, slice(25, None)), take(columns, slice(0, 30))])

    merged = merge(SNAPSHOTS, twice)

    assert length(merged.columns) == 55
    assert (np.diff(merged.columns["ts_recv_ns"]) >= 0).all()


def test_meeting_stored_rows_says_which_are_new() -> None:
    stored = rows((10, 1, 5), (20, 2, 6), (30, 3, 7), flags=FLAG_NO_RECV)

    met = meet(concat([rows((10, 1, 5), flags=FLAG_NO_RECV), rows((20, 2, 9), recv=3), rows((40, 4, 8))]), stored)

    assert met.keep.tolist() == [False, True, True]
    assert (met.duplicates, met.conflicts, met.hidden) == (2, 1, 1)


@given(data=st.data())
def test_merging_in_any_pieces_gives_the_same(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 30))
    ids = data.draw(st.lists(st.integers(1, 12), min_size=count, max_size=count))
    flags = data.draw(st.lists(st.sampled_from([0, 2, 4, 6]), min_size=count, max_size=count))
    recv = data.draw(st.lists(st.integers(0, 3), min_size=count, max_size=count))
    pieces = [rows((i * 10 // 3, i, i), flags=f, recv=r) for i, f, r in zip(ids, flags, recv, strict=True)]
    shuffled = data.draw(st.permutations(pieces))
    cut = data.draw(st.integers(0, count))

    whole = merge(TRADES, concat([dict(piece) for piece in pieces]))
    halves = [
        merge(TRADES, concat([dict(p) for p in half])).columns for half in (shuffled[:cut], shuffled[cut:]) if half
    ]
    again = merge(TRADES, concat(halves))

    assert listed(whole.columns) == listed(again.columns)
    for name in ("flags", "ts_recv_ns"):
        assert whole.columns[name].tolist() == again.columns[name].tolist()
    assert len(set(whole.columns["trade_id"].tolist())) == length(whole.columns) == len(set(ids))


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        (["0.1", "0.25"], "0.05"),
        (["0.10", "0.1"], "0.1"),
        (["5", "0.5", "0.01"], "0.01"),
        (["1E+2", "75"], "25"),
        (["65", "75"], "5"),
        (["0.00000001", "1000"], "1E-8"),
    ],
)
def test_the_common_grid(sizes: list[str], expected: str) -> None:
    assert gcd([Decimal(size) for size in sizes]) == Decimal(expected)


def test_rows_on_a_finer_grid_mean_the_same_money(instrument: Instrument) -> None:
    coarse = instrument.with_grid("0.25", "0.01")
    fine = common_instrument([coarse, instrument])
    columns = rows((1, 1, 100), (2, 2, -3))

    moved = regrid(TRADES, columns, coarse, fine)

    assert (fine.tick_size, fine.lot_size) == (Decimal("0.05"), Decimal("0.001"))
    for old, new in zip(columns["price_tick"], moved["price_tick"], strict=True):
        assert int(old) * coarse.tick_size == int(new) * fine.tick_size
    assert moved["qty_lot"].tolist() == [10, 10]
    assert regrid(TRADES, columns, fine, fine) is columns


def test_a_missing_quote_stays_missing_on_another_grid(make_snapshots: Callable[..., Snapshots]) -> None:
    block = make_snapshots(200)
    fine = block.instrument.with_grid("0.05", "0.001")

    moved = regrid(SNAPSHOTS, columns_of(block), block.instrument, fine)

    missing = block.bid_tick == NO_QUOTE
    assert missing.any()
    np.testing.assert_array_equal(moved["bid_tick"][missing], NO_QUOTE)
    np.testing.assert_array_equal(moved["bid_tick"][~missing], block.bid_tick[~missing] * 2)


def test_grids_that_cannot_be_joined_are_refused(instrument: Instrument) -> None:
    import msgspec

    other = msgspec.structs.replace(instrument, contract_multiplier=Decimal(100))
    with pytest.raises(StoreError, match="contract multiplier of 1 and others with 100"):
        common_instrument([instrument, other])
    with pytest.raises(StoreError, match=r"on a grid of 0.1 cannot stand on one of 0.25"):
        regrid(TRADES, rows((1, 1, 1)), instrument, instrument.with_grid("0.25", "0.001"))
    with pytest.raises(StoreError, match="do not fit a 1000000 times finer grid"):
        regrid(TRADES, rows((1, 1, 2**50)), instrument, instrument.with_grid("0.0000001", "0.001"))


def test_trades_that_cannot_be_the_tape_are_refused(instrument: Instrument, make_trades: Callable[..., Trades]) -> None:
    for columns, message in (
        ({"qty_lot": np.array([1, 0, -1])}, r"quantity above zero lots, got 0 in row 1 of the block \(2 such rows\)"),
        ({"side": np.array([1, 2, 0], np.int8)}, r"must be \+1, 0 or -1, got 2 in row 1"),
        ({"flags": np.array([0, 0, 8], np.uint8)}, r"inferred from snapshots are not the tape.* row 2"),
    ):
        with pytest.raises(StoreError, match=message):
            columns_of(make_trades(3, **columns))
    with pytest.raises(StoreError, match="holds snapshots, not Trades"):
        columns_of(Trades.build(instrument, [1], [1], [1], [1], tape="snapshot"))
