"""Parts: exact, small, pruned by time, and never silently wrong."""

from __future__ import annotations

import errno
import zlib
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from footloom.core.arrow import arrow_of
from footloom.core.instrument import Instrument
from footloom.core.snapshots import NO_QUOTE, Snapshots
from footloom.core.trades import FLAG_NO_ID, FLAG_NO_RECV, Trades
from footloom.errors import CorruptPart, StoreError
from footloom.store import encoding
from footloom.store.codecs import codecs
from footloom.store.columns import SEQ, SNAPSHOTS, TRADES, Columns, Form, columns_of, concat, length
from footloom.store.encoding import ints_of
from footloom.store.parts import Footer, Part, PartFile, check_whole, describe, pack_part

ALL = (-(2**63), 2**63 - 1)
UNIT = Instrument(venue="v", symbol="s", tick_size=Decimal(1), lot_size=Decimal(1))


def write(folder: Path, form: Form, instrument: Instrument, columns: Columns, rows: int = 1_000) -> tuple[Path, Part]:
    tape = "trade" if form is TRADES else "snapshot"
    data = pack_part(form, instrument, tape, columns, rows)
    path = folder / "part.parquet"
    path.write_bytes(data)
    return path, describe(form, columns, path.name, data, 0)


def read(path: Path, part: Part, form: Form, span: tuple[int, int] = ALL, names: set[str] | None = None) -> Columns:
    file = PartFile(path, part, form)
    try:
        chunks = list(file.chunks(*span, frozenset(names or {*form.dtypes, SEQ})))
        return concat(chunks) if chunks else {}
    finally:
        file.close()


def assert_same(left: Columns, right: Columns) -> None:
    assert set(left) == set(right)
    for name, values in left.items():
        assert values.dtype == right[name].dtype, name
        np.testing.assert_array_equal(values, right[name], err_msg=name)


int64s = st.integers(-(2**61), 2**61)


@st.composite
def trade_columns(draw: st.DrawFn) -> Columns:
    count = draw(st.integers(1, 40))

    def column(elements: st.SearchStrategy[int], dtype: Any = np.int64) -> Any:
        kind = draw(st.sampled_from(["any", "same", "line"]))
        if kind == "any":
            return draw(hnp.arrays(dtype, count, elements=elements))
        first = draw(elements)
        step = draw(st.integers(0, 3)) if kind == "line" and dtype == np.int64 and abs(first) < 2**60 else 0
        return (first + step * np.arange(count)).astype(dtype)

    scale = draw(st.sampled_from([1, 1_000, 1_000_000, 1_000_000_000]))
    time = np.sort(column(st.integers(-(2**61) // scale, 2**61 // scale))) * scale
    recv = column(int64s) if draw(st.booleans()) else time + draw(st.sampled_from([0, -1_270_000_000]))
    return {
        "ts_exch_ns": time,
        "price_tick": column(int64s),
        "qty_lot": column(st.integers(1, draw(st.sampled_from([9, 2**31, 2**63 - 1])) - 4)) + 3,
        "side": column(st.integers(-1, 1), np.int8),
        "trade_id": column(int64s),
        "ts_recv_ns": recv,
        "flags": column(st.sampled_from([0, FLAG_NO_ID, FLAG_NO_RECV, FLAG_NO_ID | FLAG_NO_RECV, 4]), np.uint8),
        SEQ: column(st.integers(0, 2**61)),
    }


@given(columns=trade_columns(), rows=st.sampled_from([3, 1_000]))
def test_any_trades_come_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, columns: Columns, rows: int
) -> None:
    path, part = write(tmp_path_factory.mktemp("part"), TRADES, UNIT, columns, rows)

    assert_same(read(path, part, TRADES), columns)
    check_whole(path, part)


def test_snapshots_come_back_with_their_missing_quotes(
    tmp_path: Path, instrument: Instrument, make_snapshots: Callable[..., Snapshots]
) -> None:
    columns = columns_of(make_snapshots(300)) | {SEQ: np.arange(300, dtype=np.int64) * 3}
    assert (columns["bid_tick"] == NO_QUOTE).any()

    path, part = write(tmp_path, SNAPSHOTS, instrument, columns, 64)

    assert_same(read(path, part, SNAPSHOTS), columns)
    assert (part.min_id, part.max_id) == (None, None)


def test_what_carries_nothing_is_not_stored(
    tmp_path: Path, instrument: Instrument, make_trades: Callable[..., Trades]
) -> None:
    live = columns_of(make_trades(500))
    archive = live | {
        "ts_recv_ns": live["ts_exch_ns"],
        "trade_id": np.arange(500),
        "flags": np.full(500, FLAG_NO_ID | FLAG_NO_RECV, np.uint8),
        "side": np.ones(500, np.int8),
    }

    def stored(columns: Columns) -> set[str]:
        path, _ = write(tmp_path, TRADES, instrument, columns)
        return set(pq.read_schema(path).names)

    assert stored(archive) in ({"ts_exch", "price_tick", "signed_lot"}, {"ts_exch", "price_tick", "lot_side"})
    assert {"flags"} <= stored(live)  # sides are unknown now and then
    assert SEQ in stored(live | {SEQ: np.sort(np.random.default_rng(1).integers(1, 10_000, 500))})


def test_encodings_are_the_ones_that_were_measured(
    tmp_path: Path, instrument: Instrument, make_trades: Callable[..., Trades]
) -> None:
    few_sizes = columns_of(make_trades(5_000, qty_lot=np.random.default_rng(1).choice([75, 150, 7_500_000], 5_000)))
    path, _ = write(tmp_path, TRADES, instrument, few_sizes)

    group = pq.read_metadata(path).row_group(0)
    chunks = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}

    assert "DELTA_BINARY_PACKED" in chunks["ts_exch"].encodings
    assert "DELTA_BINARY_PACKED" in chunks["price_tick"].encodings
    assert "RLE_DICTIONARY" in chunks["signed_lot"].encodings
    assert {chunk.compression for chunk in chunks.values()} == {"ZSTD"}
    assert chunks["ts_exch"].statistics is not None
    assert pq.read_schema(path).field("ts_exch").type == pa.timestamp("ms", "UTC")


def test_only_the_row_groups_of_a_range_and_the_columns_asked_for_are_read(
    tmp_path: Path, instrument: Instrument, make_trades: Callable[..., Trades], monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = columns_of(make_trades(1_000))
    path, part = write(tmp_path, TRADES, instrument, columns, 100)
    time = columns["ts_exch_ns"]
    asked: list[tuple[int, list[str]]] = []
    original = pq.ParquetFile.read_row_group

    def spy(self: Any, group: int, columns: list[str]) -> Any:
        asked.append((group, columns))
        return original(self, group, columns=columns)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", spy)

    got = read(path, part, TRADES, (int(time[250]), int(time[349])), {"ts_exch_ns", "price_tick"})

    assert [group for group, _ in asked] == [2, 3]
    assert all(names == ["price_tick", "ts_exch"] for _, names in asked)
    expected = (time >= time[250]) & (time < time[349])
    assert_same(got, {name: columns[name][expected] for name in ("ts_exch_ns", "price_tick")})


@pytest.mark.parametrize(("first", "last"), [(0, 1), (10, 10), (5, 900), (999, 10_000), (-5, 0), (5_000, 6_000)])
def test_ranges_are_half_open(tmp_path: Path, instrument: Instrument, first: int, last: int) -> None:
    count = 1_000
    trades = Trades.build(instrument, np.arange(count), np.arange(count), np.ones(count), np.ones(count))
    path, part = write(tmp_path, TRADES, instrument, columns_of(trades), 64)

    got = read(path, part, TRADES, (first, last))

    assert got.get("ts_exch_ns", np.zeros(0)).tolist() == list(range(max(0, first), min(count, last)))


def test_every_flipped_bit_is_seen_or_harmless(
    tmp_path: Path, instrument: Instrument, make_trades: Callable[..., Trades], flip: Callable[[Path, int], None]
) -> None:
    columns = columns_of(make_trades(400)) | {SEQ: np.zeros(400, np.int64)}
    path, part = write(tmp_path, TRADES, instrument, columns, 100)
    sound = path.read_bytes()
    seen = 0
    for position in range(0, len(sound), 11):
        flip(path, position)
        with pytest.raises(CorruptPart, match="crc32"):
            check_whole(path, part)
        try:
            assert_same(read(path, part, TRADES), columns)
        except CorruptPart:
            seen += 1
        path.write_bytes(sound)

    assert seen > len(sound) / 11 * 0.9


def test_a_part_that_was_cut_or_swapped_is_refused(
    tmp_path: Path, instrument: Instrument, make_trades: Callable[..., Trades]
) -> None:
    path, part = write(tmp_path, TRADES, instrument, columns_of(make_trades(400)))
    whole = path.read_bytes()

    path.write_bytes(whole[:-100])
    with pytest.raises(CorruptPart, match=f"bytes {len(whole) - 100}, expected {len(whole)}"):
        read(path, part, TRADES)
    path.write_bytes(b"")
    with pytest.raises(CorruptPart, match="bytes 0, expected"):
        read(path, part, TRADES)
    write(tmp_path, TRADES, instrument, columns_of(make_trades(400, first_id=9)))
    with pytest.raises(CorruptPart, match="expected"):
        read(path, part, TRADES)
    with pytest.raises(CorruptPart, match="cannot be read"):
        check_whole(tmp_path / "absent", part)


# A part as version 1 of the schema wrote it: each column as it is in memory.
def write_version_1(path: Path, instrument: Instrument, columns: Columns, version: int = 1) -> Part:
    footer = Footer(version=version, form="trades", tape="trade", instrument=instrument)
    table = pa.table({name: pa.array(columns[name]) for name in TRADES.dtypes})
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, table.schema, compression="zstd", store_schema=False) as writer:
        writer.write_table(table, row_group_size=100)
        writer.add_key_value_metadata({b"footloom": msgspec.json.encode(footer)})
    data = sink.getvalue()
    path.write_bytes(data)
    return msgspec.structs.replace(describe(TRADES, columns, path.name, data, 0), version=version)


def test_a_part_that_cannot_be_opened_is_told(
    tmp_path: Path, instrument: Instrument, make_trades: Callable[..., Trades], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, part = write(tmp_path, TRADES, instrument, columns_of(make_trades(10)))

    def full(_path: str) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(pa, "OSFile", full)
    with pytest.raises(StoreError, match=r"cannot read .*part.parquet: Too many open files; raise the limit"):
        read(path, part, TRADES)


def test_an_older_version_is_upgraded_while_it_is_read(
    tmp_path: Path, instrument: Instrument, make_trades: Callable[..., Trades]
) -> None:
    columns = columns_of(make_trades(400))
    path = tmp_path / "old.parquet"
    part = write_version_1(path, instrument, columns)

    assert_same(read(path, part, TRADES), columns | {SEQ: np.zeros(400, np.int64)})
    span = (int(columns["ts_exch_ns"][120]), int(columns["ts_exch_ns"][130]))
    assert 0 < length(read(path, part, TRADES, span)) < 20


def test_a_newer_version_is_refused(tmp_path: Path, instrument: Instrument, make_trades: Callable[..., Trades]) -> None:
    path = tmp_path / "new.parquet"
    part = write_version_1(path, instrument, columns_of(make_trades(10)), version=99)

    with pytest.raises(StoreError, match="schema version 99, this program knows up to 2"):
        read(path, part, TRADES)


def test_a_parquet_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.parquet"
    pq.write_table(pa.table({"a": [1, 2]}), path)
    data = path.read_bytes()
    size = int.from_bytes(data[-8:-4], "little") + 8
    part = Part(
        file=path.name, rows=2, bytes=len(data), crc32=zlib.crc32(data), footer_bytes=size,
        footer_crc32=zlib.crc32(data[-size:]), first_ns=0, last_ns=1, first_id=0, last_id=0, min_id=None, max_id=None,
        instrument=0,
    )  # fmt: skip

    with pytest.raises(CorruptPart, match="does not say what it holds"):
        PartFile(path, part, TRADES)


@settings(max_examples=30)
@given(st.data())
def test_the_smaller_way_to_store_sizes_is_taken(data: st.DataObject) -> None:
    seed = data.draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    count = 2_000
    qty = rng.integers(1, data.draw(st.sampled_from([3, 300, 300_000])), count)
    trades = Trades.build(UNIT, np.arange(count), np.arange(count), qty, rng.choice([-1, 1], count))
    columns = columns_of(trades) | {SEQ: np.zeros(count, np.int64)}
    ways = codecs(TRADES, 2)[2].stores(columns)
    sizes = []
    for way in ways:
        table = pa.table({one.name: one.array for one in way if one.array is not None})
        sink = pa.BufferOutputStream()
        dictionary = [one.name for one in way if one.encoding == encoding.DICTIONARY and one.array is not None]
        others = {
            one.name: one.encoding for one in way if one.encoding != encoding.DICTIONARY and one.array is not None
        }
        pq.write_table(
            table, sink, compression="zstd", use_dictionary=dictionary or False, column_encoding=others or None,
            write_statistics=False, store_schema=False, write_page_checksum=True,
        )  # fmt: skip
        sizes.append(sink.getvalue().size)
    best = ways[int(np.argmin(sizes))][0].name

    packed = pack_part(TRADES, UNIT, "trade", columns, count)

    assert best in pq.read_schema(pa.BufferReader(packed)).names


@pytest.mark.parametrize("rows", [0, 1, 9, 1_000])
def test_whole_numbers_of_a_column_that_is_cut(rows: int) -> None:
    values = np.arange(rows)
    cut = pa.chunked_array([arrow_of(values).slice(rows // 3)])
    np.testing.assert_array_equal(ints_of(cut), values[rows // 3 :])
