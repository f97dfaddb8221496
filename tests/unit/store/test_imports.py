"""Files that are imported: once is once, twice is once, and what cannot be told apart is refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from footloom.core.messages import Gap
from footloom.core.snapshots import Snapshots
from footloom.core.trades import Trades
from footloom.errors import StoreError
from footloom.store import PartReport, SourceInfo
from footloom.store.files import Store

KEY = "test:BTCUSDT"
START_NS = 1_767_225_600_000_000_000
HOUR_NS = 3_600_000_000_000
EVER = (0, 2**62)


def source(name: str, start: int, stop: int) -> SourceInfo:
    return SourceInfo(f"sha-of-{name}", name, (start, stop), "csv")


def tree(store: Store) -> dict[str, bytes]:
    files = (path for path in (store.root / "tapes").rglob("*") if path.is_file())
    return {str(path): path.read_bytes() for path in files}


def without_ids(trades: Trades, first_row: int = 0) -> Trades:
    return Trades.build(
        trades.instrument, trades.ts_exch_ns, trades.price_tick, trades.qty_lot, trades.side,
        trade_id=np.arange(first_row, first_row + len(trades)), flags=np.full(len(trades), 3, np.uint8),
    )  # fmt: skip


@pytest.mark.parametrize("ids", [True, False])
def test_the_same_file_twice_changes_nothing(store: Store, make_trades: Callable[..., Trades], *, ids: bool) -> None:
    trades = make_trades(3_000, step_ms=60_000)
    rows = trades if ids else without_ids(trades)
    gaps = [Gap(symbol="BTCUSDT", from_ns=START_NS, to_ns=START_NS + 5, cause="ids", missing=2)]

    first = store.write_part(rows, source("a.csv", 0, 3_000), gaps)
    before = tree(store)
    again = store.write_part(rows, source("a.csv", 0, 3_000), gaps)

    assert first == PartReport(3_000, 0)
    assert again == PartReport(0, 3_000)
    assert tree(store) == before
    assert store.load(KEY, "trade", *EVER).equals(rows)  # type: ignore[union-attr] # trades
    assert {one.sources for one in store.coverage()} == {("csv",)}


@pytest.mark.parametrize("ids", [True, False])
def test_an_import_that_was_stopped_goes_on_where_it_was_with_blocks_of_any_size(
    store: Store, make_trades: Callable[..., Trades], *, ids: bool
) -> None:
    trades = make_trades(1_000)
    rows = trades if ids else without_ids(trades)

    def take(start: int, stop: int) -> PartReport:
        return store.write_part(rows.take(slice(start, stop)), source("a.csv", start, stop))

    assert take(0, 300).rows == 300
    assert take(600, 700).rows == 100
    assert take(0, 500) == PartReport(200, 300)
    assert take(250, 1_000) == PartReport(400, 350)
    assert store.load(KEY, "trade", *EVER).equals(rows)  # type: ignore[union-attr] # trades


def test_a_reader_of_the_file_that_learned_to_see_more_rows_brings_them(
    store: Store, make_trades: Callable[..., Trades]
) -> None:
    trades = make_trades(100)
    store.write_part(trades.take(np.arange(100) % 10 != 3), source("a.csv", 0, 100))

    assert store.write_part(trades, source("a.csv", 0, 100)) == PartReport(10, 90)
    assert store.load(KEY, "trade", *EVER).equals(trades)  # type: ignore[union-attr] # trades


def test_another_file_with_the_same_ids_brings_only_what_is_new(
    store: Store, make_trades: Callable[..., Trades]
) -> None:
    trades = make_trades(500)
    store.write_part(trades.take(slice(0, 300)), source("day.csv", 0, 300))

    report = store.write_part(trades.take(slice(100, 500)), source("month.csv", 0, 400))

    assert report == PartReport(200, 200)
    assert store.load(KEY, "trade", *EVER).equals(trades)  # type: ignore[union-attr] # trades


def test_a_file_that_contradicts_what_is_stored_is_counted_and_changes_nothing(
    store: Store, make_trades: Callable[..., Trades]
) -> None:
    trades = make_trades(100)
    store.write_part(trades, source("a.csv", 0, 100))
    other = dataclasses.replace(trades, price_tick=trades.price_tick + (np.arange(100) == 7))

    assert store.write_part(other, source("b.csv", 0, 100)) == PartReport(0, 100, 1)
    assert store.load(KEY, "trade", *EVER).equals(trades)  # type: ignore[union-attr] # trades


def test_a_block_that_repeats_itself_or_stands_in_any_order_is_cleaned(
    store: Store, make_trades: Callable[..., Trades], rng: np.random.Generator
) -> None:
    trades = make_trades(200)
    shuffled = trades.take(rng.permutation(np.concatenate([np.arange(200), np.arange(50)])))

    assert store.write_part(shuffled, source("a.csv", 0, 250)) == PartReport(200, 50)
    assert store.load(KEY, "trade", *EVER).equals(trades)  # type: ignore[union-attr] # trades


def test_identical_rows_without_ids_are_separate_trades(store: Store, make_trades: Callable[..., Trades]) -> None:
    one = make_trades(1)
    rows = without_ids(one.take(np.zeros(5, np.int64)))

    store.write_part(rows, source("a.csv", 0, 5))

    assert len(store.load(KEY, "trade", *EVER)) == 5


@pytest.mark.parametrize(
    ("stored_ids", "new_ids"), [(False, False), (True, False), (False, True)], ids=["neither", "stored", "new"]
)
def test_files_that_overlap_without_ids_are_refused_and_nothing_is_written(
    store: Store, make_trades: Callable[..., Trades], *, stored_ids: bool, new_ids: bool
) -> None:
    first = make_trades(100)
    second = make_trades(  # two days
        3_000, first_id=1_000, ts_exch_ns=int(first.ts_exch_ns[50]) + np.arange(3_000) * 60_000_000_000
    )
    first = first if stored_ids else without_ids(first)
    second = second if new_ids else without_ids(second)
    store.write_part(first, source("a.csv", 0, 100))
    before = tree(store)

    with pytest.raises(StoreError, match=r"b.csv overlaps a.csv on test:BTCUSDT/trade 2026-01-01.*have no ids"):
        store.write_part(second, source("b.csv", 0, 3_000))

    assert tree(store) == before


def test_files_without_ids_that_follow_one_another_are_taken(store: Store, make_trades: Callable[..., Trades]) -> None:
    trades = make_trades(200)
    bare = without_ids(trades)
    cut = int(np.searchsorted(bare.ts_exch_ns, bare.ts_exch_ns[100]))
    second = without_ids(trades.take(slice(cut, 200)))

    store.write_part(bare.take(slice(0, cut)), source("a.csv", 0, cut))
    store.write_part(second, source("b.csv", 0, 200 - cut))

    assert len(store.load(KEY, "trade", *EVER)) == 200


def test_the_journal_and_bare_files_do_not_overlap_either(store: Store, make_trades: Callable[..., Trades]) -> None:
    trades = make_trades(100)
    store.append(trades.take(slice(0, 50)))
    for _ in range(2):  # while it waits in the journal, and when it is sealed
        with pytest.raises(StoreError, match=r"a\.csv overlaps (the journal|journal)"):
            store.write_part(without_ids(trades.take(slice(20, 40))), source("a.csv", 0, 20))
        store.seal()
    store.write_part(without_ids(make_trades(50, start_ns=START_NS + HOUR_NS)), source("b.csv", 0, 50))
    with pytest.raises(StoreError, match=r"overlap b\.csv"):
        store.append(make_trades(50, start_ns=START_NS + HOUR_NS, first_id=500))
    later = make_trades(5, start_ns=START_NS + 2 * HOUR_NS, first_id=900)
    assert store.append(later) == 55


def test_a_row_without_an_id_must_carry_its_row_number(store: Store, make_trades: Callable[..., Trades]) -> None:
    with pytest.raises(StoreError, match=r"row number in a.csv, from 100 to 109, as trade_id: got 0"):
        store.write_part(without_ids(make_trades(10)), source("a.csv", 100, 110))


def test_rows_without_a_source_are_their_own(store: Store, make_trades: Callable[..., Trades]) -> None:
    rows = without_ids(make_trades(10))

    assert store.write_part(rows) == PartReport(10, 0)
    assert store.write_part(rows) == PartReport(0, 10)
    with pytest.raises(StoreError, match="rows from memory overlaps rows from memory"):
        store.write_part(rows.take(slice(2, 5)))


def test_snapshots_know_their_rows_by_their_place(store: Store, make_snapshots: Callable[..., Snapshots]) -> None:
    block = make_snapshots(100)

    def take(start: int, stop: int, rows: tuple[int, int] | None = None) -> PartReport:
        return store.write_part(block.take(slice(start, stop)), source("a.json", *(rows or (start, stop))))

    assert take(0, 40) == PartReport(40, 0)
    assert take(0, 40) == PartReport(0, 40)
    assert take(20, 100) == PartReport(60, 20)
    assert len(store.load(KEY, "snapshot", *EVER)) == 100
    with pytest.raises(StoreError, match="cannot say which: import the whole file again"):
        take(50, 100, (50, 200))
    with pytest.raises(StoreError, match=r"b.json overlaps a.json"):
        store.write_part(block.take(slice(5, 9)), source("b.json", 0, 4))


def test_a_transaction_is_all_or_nothing(store: Store, make_trades: Callable[..., Trades]) -> None:
    trades = make_trades(3_000, step_ms=60_000)
    store.write_part(trades.take(slice(0, 10)), source("z.csv", 0, 10))
    before = tree(store)

    def write(stop: int) -> None:
        for start in range(0, stop, 500):
            store.write_part(trades.take(slice(start, start + 500)), source("a.csv", start, start + 500))

    class Boom(Exception):
        pass

    def fail() -> None:
        with store.transaction():
            write(3_000)
            raise Boom

    with pytest.raises(Boom):
        fail()
    assert tree(store) == before

    with store.transaction():
        write(2_000)
        assert len(store.load(KEY, "trade", *EVER)) == 10  # nobody sees it yet
        with pytest.raises(StoreError, match="within a transaction"):
            store.seal()
        with pytest.raises(StoreError, match="within a transaction"):
            store.compact()
        with pytest.raises(StoreError, match="a transaction is open already"), store.transaction():
            pass
    write(3_000)
    assert store.load(KEY, "trade", *EVER).equals(trades)  # type: ignore[union-attr] # trades


def test_gaps_of_a_file_without_rows_are_kept(store: Store, make_trades: Callable[..., Trades]) -> None:
    gap = Gap(symbol="BTCUSDT", from_ns=START_NS, to_ns=START_NS + 5, cause="empty file")

    assert store.write_part(make_trades(0), source("a.csv", 0, 0), [gap]) == PartReport(0, 0)
    assert store.gaps(KEY, "trade", *EVER) == [gap]


def test_an_archive_of_a_tape_that_was_heard_live_changes_nothing_and_the_other_way_round_improves_it(
    store: Store, make_trades: Callable[..., Trades]
) -> None:
    live = make_trades(100)
    archive = Trades.build(
        live.instrument, live.ts_exch_ns, live.price_tick, live.qty_lot, live.side, trade_id=live.trade_id
    )

    def read(tape: str) -> Any:
        return store.load(KEY, tape, *EVER)

    store.append(live)
    store.seal()
    assert store.write_part(archive, source("a.csv", 0, 100)) == PartReport(0, 100)
    assert read("trade").equals(live)

    other: dict[str, Any] = {"tape": "agg_trade"}
    store.write_part(dataclasses.replace(archive, **other), source("a.csv", 0, 100))
    store.append(dataclasses.replace(live, **other))
    assert read("agg_trade").equals(dataclasses.replace(live, **other))
    store.seal()
    assert read("agg_trade").equals(dataclasses.replace(live, **other))
    assert [one.rows for one in store.coverage()] == [100, 100]
