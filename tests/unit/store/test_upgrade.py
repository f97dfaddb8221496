"""A store that an older footloom wrote is read as it is, and compaction brings it to the present version."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from footloom.core.snapshots import GREEKS, NO_QUOTE, Snapshots
from footloom.core.trades import Trades
from footloom.store import segment
from footloom.store.codecs import codecs
from footloom.store.columns import SNAPSHOTS, TRADES, Columns, columns_of, wanted_columns
from footloom.store.files import Store
from footloom.store.layout import Stream
from footloom.store.manifest import Catalog, Manifest, Source
from footloom.store.packing import pack
from footloom.store.parts import SCHEMA_VERSION, Footer, Part, PartFile, describe, pack_part

KEY = "test:BTCUSDT"
EVER = (0, 2**62)


# Version 1 stored each column as it is in memory, and did not know ingest sequences.
def write_day_of_version_1(store: Store, trades: Trades) -> None:
    stream, day = Stream.of(trades.instrument, trades.tape), dt.date(2026, 1, 1)
    columns = columns_of(trades)
    sink = pa.BufferOutputStream()
    table = pa.table({name: pa.array(columns[name]) for name in TRADES.dtypes})
    with pq.ParquetWriter(sink, table.schema, compression="zstd", store_schema=False) as writer:
        writer.write_table(table, row_group_size=50)
        footer = Footer(version=1, form="trades", tape=trades.tape, instrument=trades.instrument)
        writer.add_key_value_metadata({b"footloom": msgspec.json.encode(footer)})
    data = sink.getvalue()
    part = msgspec.structs.replace(describe(TRADES, columns, "part-0001-000001.parquet", data, 0), version=1)
    catalog = Catalog(store._medium)
    manifest = Manifest(
        **stream._asdict(),
        day=day,
        next_part=2,
        parts=(part,),
        instruments=(trades.instrument,),
        sources=(Source(sha256="old", name="old.csv", kind="csv", ids=True, rows=len(trades), ranges=((0, 100),)),),
    )
    store._medium.add_part(stream, day, part.file, memoryview(data))
    catalog.publish(manifest)


def test_an_old_day_is_read_added_to_and_upgraded(store: Store, make_trades: Callable[..., Trades]) -> None:
    trades = make_trades(300)
    old = trades.take(slice(0, 200))
    write_day_of_version_1(store, old)

    def loaded() -> Trades:
        block = store.load(KEY, "trade", *EVER)
        assert isinstance(block, Trades)
        return block

    assert loaded().equals(old)
    assert store.load(KEY, "trade", *EVER, columns=["side"]).side.tolist() == old.side.tolist()  # type: ignore[union-attr] # trades
    assert store.write_part(trades.take(slice(150, 300))).rows == 100
    assert loaded().equals(trades)
    store.compact()
    assert loaded().equals(trades)
    names = {name for path in store.root.rglob("*.parquet") for name in pq.read_schema(path).names}
    assert "ts_exch" in names
    assert "ts_exch_ns" not in names


def test_an_old_day_that_is_one_part_is_upgraded_too(store: Store, make_trades: Callable[..., Trades]) -> None:
    write_day_of_version_1(store, make_trades(100))

    assert store.compact().days == 1
    assert store.compact().days == 0


# Snapshots once had no open interest, best quantities, average price, volatility and Greeks.
FIRST = ("ts_exch_ns", "ltp_tick", "ltq_lot", "vtt_lot", "bid_tick", "ask_tick", "ts_recv_ns")
LATER = ("oi_lot", "bid_lot", "ask_lot", "atp_e4", *GREEKS)


def said(snapshots: Snapshots) -> Snapshots:
    """Return the same snapshots with all that a feed can say, some rows without."""
    count = len(snapshots)
    values: dict[str, Any] = {name: np.arange(count, dtype=np.int64) * step for step, name in enumerate(LATER, 1)}
    values["bid_lot"] = np.where(np.arange(count) % 3 == 0, NO_QUOTE, values["bid_lot"])
    values["ask_lot"] = np.zeros(count, np.int64)  # a quantity of zero is no missing one
    return dataclasses.replace(snapshots, **values)


def same(found: object, expected: Snapshots) -> bool:
    assert isinstance(found, Snapshots)
    return all(np.array_equal(getattr(found, name), getattr(expected, name)) for name in (*FIRST, *LATER))


def test_what_a_feed_says_beside_the_volume_is_kept(store: Store, make_snapshots: Callable[..., Snapshots]) -> None:
    plain = make_snapshots(60)
    full = said(make_snapshots(60, start_ns=int(plain.ts_recv_ns[-1]) + 10**9))
    store.append(plain)
    store.append(full)
    assert same(store.load(KEY, "snapshot", *EVER, None).take(slice(60, 120)), full), "from the journal"
    store.seal()
    both = store.load(KEY, "snapshot", *EVER)
    assert same(both.take(slice(0, 60)), plain)
    assert same(both.take(slice(60, 120)), full)
    store.compact()
    assert same(store.load(KEY, "snapshot", *EVER), both)  # type: ignore[arg-type] # snapshots
    bare = store.load(KEY, "snapshot", *EVER, columns=["ltp_tick"])
    assert isinstance(bare, Snapshots)
    assert (bare.oi_lot == NO_QUOTE).all()


@pytest.mark.parametrize("version", [1, SCHEMA_VERSION])
def test_old_snapshots_say_nothing_of_what_they_did_not_know(
    store: Store, make_snapshots: Callable[..., Snapshots], version: int
) -> None:
    snapshots = make_snapshots(100)
    columns = {name: column for name, column in columns_of(snapshots).items() if name in FIRST}
    (store.root / "old").mkdir()
    part = old_part(store, snapshots, columns, version)
    (found,) = PartFile(store.root / "old" / part.file, part, SNAPSHOTS).chunks(*EVER, wanted_columns(SNAPSHOTS, None))
    assert all(np.array_equal(found[name], getattr(snapshots, name)) for name in (*FIRST, *LATER))


def old_part(store: Store, snapshots: Snapshots, columns: Columns, version: int) -> Part:
    if version == 1:
        sink = pa.BufferOutputStream()
        table = pa.table({name: pa.array(values) for name, values in columns.items()})
        with pq.ParquetWriter(sink, table.schema, store_schema=False) as writer:
            writer.write_table(table)
            footer = Footer(version=1, form="snapshots", tape="snapshot", instrument=snapshots.instrument)
            writer.add_key_value_metadata({b"footloom": msgspec.json.encode(footer)})
        data = sink.getvalue()
    else:
        assert {name for codec in codecs(SNAPSHOTS, version) for name in codec.makes} >= set(LATER)
        data = pack_part(SNAPSHOTS, snapshots.instrument, "snapshot", columns_of(snapshots), 1_000)
        assert not set(LATER) & set(pq.read_schema(pa.BufferReader(data)).names), "nothing to say takes no bytes"
    part = describe(SNAPSHOTS, columns, "part-0001-000001.parquet", data, 0)
    (store.root / "old" / part.file).write_bytes(data)
    return msgspec.structs.replace(part, version=version)


def test_an_old_journal_is_read_and_added_to(
    store: Store, make_snapshots: Callable[..., Snapshots], monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshots = make_snapshots(40)
    with monkeypatch.context() as old:
        old.setattr(segment, "pack", lambda columns: pack({name: columns[name] for name in FIRST}))
        store.append(snapshots)
    full = said(make_snapshots(40, start_ns=int(snapshots.ts_recv_ns[-1]) + 10**9))
    store.append(full)
    for step in (store.seal, store.compact):
        found = store.load(KEY, "snapshot", *EVER)
        assert same(found.take(slice(0, 40)), snapshots)
        assert same(found.take(slice(40, 80)), full)
        step()
