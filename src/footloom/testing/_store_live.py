"""What stores hold of rows that arrive live."""

from __future__ import annotations

import dataclasses
import datetime as dt

import numpy as np

from footloom.core.messages import Gap
from footloom.core.trades import FLAG_NO_ID, FLAG_NO_RECV, Trades
from footloom.errors import NotStored
from footloom.store import SourceInfo
from footloom.store.keeping import KeptStore
from footloom.testing._store_sample import (
    DAY_NS,
    EVER,
    INSTRUMENT,
    KEY,
    SMALL,
    START_NS,
    Home,
    book,
    loaded,
    refused,
    same,
    slices,
    tape,
)

__all__ = (
    "a_commit_is_whole_or_nothing",
    "a_day_comes_back_as_it_came_in",
    "each_row_is_there_once_and_in_order",
    "what_is_appended_is_durable_and_numbered",
    "what_was_asked_for_is_all_that_is_read",
)


def what_is_appended_is_durable_and_numbered(home: Home) -> None:
    trades = tape()
    store = KeptStore(home(), writer=True, settings=SMALL)
    for number, rows in enumerate(slices(400, 20), 1):
        assert store.append(trades.take(rows)) == 20 * number
        with KeptStore(home()) as beside:
            assert len(loaded(beside)) == 20 * number, "a reader does not see what append has returned for"
    same(loaded(store), trades, "before the end")
    store.abandon()
    with KeptStore(home(), writer=True, settings=SMALL) as again:
        assert again.recovery.rows == 400, f"after a kill the journal holds {again.recovery.rows} rows, not 400"
        same(loaded(again), trades, "after a kill")
        assert again.append(tape(5, of=INSTRUMENT, first_id=900)) == 405, "numbers begin again"


def a_commit_is_whole_or_nothing(home: Home) -> None:
    trades = tape(40)
    wrong = dataclasses.replace(trades.take(slice(20, 40)), qty_lot=np.arange(20))
    with KeptStore(home(), writer=True, settings=SMALL) as store:
        refused("a trade of no lots", lambda: store.append_many([(trades.take(slice(0, 20)), ()), (wrong, ())]))
        refused("nothing", lambda: store.load(KEY, "trade", *EVER), NotStored)
        depth = book(60)
        last = store.append_many([(trades, ()), (depth, ())])
        assert last == 100, f"the last row of a commit of 100 has number {last}"
        with KeptStore(home()) as beside:
            same(loaded(beside), trades, "a commit of two tapes")
            assert beside.load_series(KEY, "depth", *EVER).equals(depth), "the second tape of a commit differs"


def a_day_comes_back_as_it_came_in(home: Home) -> None:
    trades = tape()
    order = np.random.default_rng(7).permutation(100)
    gap = Gap(symbol="X|1", from_ns=int(trades.ts_exch_ns[3]), to_ns=int(trades.ts_exch_ns[4]), cause="silence")
    with KeptStore(home(), writer=True, settings=SMALL) as store:
        for number, rows in enumerate(np.array_split(order, 5)):
            store.append(trades.take(rows), [gap] if number == 2 else ())
            if number == 3:
                store.seal()
        pieces = list(store.iter_ingest(KEY, "trade", dt.date(2026, 1, 1)))
        ids = np.concatenate([piece.block.trade_id for piece in pieces if isinstance(piece.block, Trades)])
        seq = np.concatenate([piece.seq for piece in pieces])
        heard = order[trades.ts_exch_ns[order] < START_NS + DAY_NS] + 1
        assert ids.tolist() == heard.tolist(), "a day does not come back in the order in which it came"
        assert (np.diff(seq) > 0).all(), "numbers do not ascend"
        told = [(int(piece.seq[0]), piece.gaps) for piece in pieces if piece.gaps]
        assert told == [(41, (gap,))], f"the gap was told before row 41, and stands at {told}"


def each_row_is_there_once_and_in_order(home: Home) -> None:
    trades = tape()
    archive = Trades.build(
        INSTRUMENT, trades.ts_exch_ns, trades.price_tick, trades.qty_lot, trades.side,
        trade_id=trades.trade_id, flags=np.full(400, FLAG_NO_RECV, np.uint8),
    )  # fmt: skip
    shuffled = np.random.default_rng(5).permutation(250)
    with KeptStore(home(), writer=True, settings=SMALL) as store:
        for rows in np.array_split(shuffled, 9):
            store.append(trades.take(rows))
        store.append(trades.take(slice(100, 180)))
        _reads_the_same(store, trades.take(slice(0, 250)), "waiting in the journal")
        store.seal()
        store.append(trades.take(slice(90, 300)))
        report = store.write_part(archive, SourceInfo("archive", "archive", (0, 400)))
        expected = Trades.concat([trades.take(slice(0, 300)), archive.take(slice(300, 400))])
        _reads_the_same(store, expected, "sealed, waiting and imported")
        assert report.rows + report.duplicates == 400, f"an import of 400 rows reports {report}"
        store.seal()
        store.compact()
        _reads_the_same(store, expected, "compacted")
    with KeptStore(home()) as beside:
        _reads_the_same(beside, expected, "opened again")


def _reads_the_same(store: KeptStore, expected: Trades, what: str) -> None:
    same(loaded(store), expected, what)
    chunks = [chunk for chunk in store.iter_chunks(KEY, "trade", *EVER) if isinstance(chunk, Trades)]
    same(Trades.concat(chunks), expected, f"{what}, by chunks")
    middle = expected.between(int(expected.ts_exch_ns[77]), int(expected.ts_exch_ns[203]))
    part = store.load(KEY, "trade", int(expected.ts_exch_ns[77]), int(expected.ts_exch_ns[203]))
    assert isinstance(part, Trades)
    same(part, middle, f"{what}, a range")


def what_was_asked_for_is_all_that_is_read(home: Home) -> None:
    trades = tape(100)
    with KeptStore(home(), writer=True, settings=SMALL) as store:
        store.append(trades)
        for _ in range(2):
            found = store.load(KEY, "trade", *EVER, columns=("price_tick",))
            assert isinstance(found, Trades)
            assert (found.price_tick == trades.price_tick).all(), "a column that was asked for differs"
            assert not found.qty_lot.any(), "a column that nobody asked for is not zero"
            assert (found.flags & FLAG_NO_ID).all(), "ids were not asked for, and no flag says so"
            store.seal()
        for key, day in (("sample:Y", "trade"), (KEY, "agg_trade")):
            assert refused("an absent tape", lambda key=key, day=day: store.load(key, day, *EVER), NotStored)  # type: ignore[misc]
        refused("a time of nothing", lambda: store.load(KEY, "trade", 0, START_NS - DAY_NS), NotStored)
