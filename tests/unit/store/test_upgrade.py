"""A store that an older footloom wrote is read as it is, and compaction brings it to the present version."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from footloom.core.trades import Trades
from footloom.store.columns import TRADES, columns_of
from footloom.store.files import Store
from footloom.store.layout import Layout, Stream
from footloom.store.manifest import Catalog, Manifest, Source
from footloom.store.parts import Footer, describe

KEY = "test:BTCUSDT"
EVER = (0, 2**62)


# Version 1 stored each column as it is in memory, and did not know ingest sequences.
def write_day_of_version_1(store: Store, trades: Trades) -> None:
    layout = Layout(store.root)
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
    catalog = Catalog(layout)
    manifest = Manifest(
        **stream._asdict(),
        day=day,
        next_part=2,
        parts=(part,),
        instruments=(trades.instrument,),
        sources=(Source(sha256="old", name="old.csv", kind="csv", ids=True, rows=len(trades), ranges=((0, 100),)),),
    )
    catalog.add_part(manifest, part.file, memoryview(data))
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
