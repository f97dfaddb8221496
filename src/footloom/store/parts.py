"""Immutable parts: one Parquet file of rows of one tape in the ordering key, that says what it holds.

The footer holds one JSON value under the key ``footloom``: schema version, kind of row, tape, instrument, and the
columns that two numbers can say. The manifest holds size and checksums; pages carry checksums of their own, so that
whatever is read has been checked, and what is not read costs nothing.
"""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from footloom.core.arrow import arrow_of
from footloom.core.instrument import Instrument
from footloom.errors import CorruptPart, StoreError
from footloom.store.codecs import codecs
from footloom.store.columns import SEQ, Columns, Form, blank, has_id, length, take
from footloom.store.disk import storing
from footloom.store.encoding import DICTIONARY, Affine, Rows, Stored, ints_of
from footloom.typed import from_json

__all__ = ("SCHEMA_VERSION", "Footer", "Part", "PartFile", "check_whole", "describe", "pack_part", "part_of")

SCHEMA_VERSION = 2
_KEY = b"footloom"
_TRIAL_ROWS = 65_536  # rows that decide which of two ways to store a column is the smaller
_TAIL = 8  # a Parquet file ends with the length of its footer and "PAR1"
_ZERO: Affine = (0, 0)


class Footer(msgspec.Struct, frozen=True, kw_only=True):
    """What a part says about itself."""

    version: int
    form: str
    tape: str
    instrument: Instrument
    affine: dict[str, Affine] = {}


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What a manifest says about a part.

    ``first_ns`` and ``last_ns`` are times of its first and last row, ``first_id`` and ``last_id`` their ids (0 where
    rows have none); ``min_id`` and ``max_id`` bound the venue's ids in it. ``instrument`` is a number in the manifest's
    list.
    """

    file: str
    rows: int
    bytes: int
    crc32: int
    footer_bytes: int
    footer_crc32: int
    first_ns: int
    last_ns: int
    first_id: int
    last_id: int
    min_id: int | None
    max_id: int | None
    instrument: int
    version: int = SCHEMA_VERSION


def pack_part(form: Form, instrument: Instrument, tape: str, columns: Columns, row_group_rows: int) -> pa.Buffer:
    """Return the bytes of a part; the rows, at least one, stand in the ordering key."""
    if SEQ not in columns:
        columns = columns | {SEQ: np.zeros(length(columns), np.int64)}
    stored = [one for codec in codecs(form, SCHEMA_VERSION) for one in _smallest(codec.stores, columns)]
    footer = Footer(
        version=SCHEMA_VERSION,
        form=form.name,
        tape=tape,
        instrument=instrument,
        affine={one.name: one.affine for one in stored if one.affine is not None and one.affine != _ZERO},
    )
    return _pack([one for one in stored if one.array is not None], footer, form, row_group_rows)


# The smallest of the ways to store a column, by a trial on its first rows.
def _smallest(stores: Any, columns: Columns) -> list[Stored]:
    ways = stores(columns)
    if len(ways) == 1:
        return list(ways[0])
    sizes = []
    for way in ways:
        trial = [Stored(one.name, one.array[:_TRIAL_ROWS], one.encoding) for one in way if one.array is not None]
        sizes.append(_pack(trial, None, None, _TRIAL_ROWS).size)
    return list(ways[sizes.index(min(sizes))])


def _pack(stored: list[Stored], footer: Footer | None, form: Form | None, row_group_rows: int) -> pa.Buffer:
    table = pa.Table.from_arrays([one.array for one in stored], names=[one.name for one in stored])
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(
        sink,
        table.schema,
        compression="zstd",
        compression_level=1,
        use_dictionary=[one.name for one in stored if one.encoding == DICTIONARY] or False,
        column_encoding={one.name: one.encoding for one in stored if one.encoding != DICTIONARY} or None,
        write_statistics=[_time_name(form)] if form else False,  # ranges prune by time; nothing else is searched for
        write_page_checksum=True,
        store_schema=False,
    ) as writer:
        writer.write_table(table, row_group_size=row_group_rows)
        if footer is not None:
            writer.add_key_value_metadata({_KEY: _footer_text(footer)})
    return sink.getvalue()


# Small parts are mostly footer: what an instrument does not say is left out.
def _footer_text(footer: Footer) -> bytes:
    said = msgspec.to_builtins(footer)
    for one in msgspec.structs.fields(Instrument):
        if not one.required and said["instrument"][one.name] == msgspec.to_builtins(one.default):
            del said["instrument"][one.name]
    return msgspec.json.encode(said)


# The stored name of the column that ranges prune by.
def _time_name(form: Form) -> str:
    return form.time.removesuffix("_ns")


def describe(form: Form, columns: Columns, file: str, data: pa.Buffer, instrument: int) -> Part:
    """Return what the manifest shall say about a Parquet part."""
    view = memoryview(data)
    footer_bytes = _footer_size(view[-_TAIL:])
    footer = (footer_bytes, zlib.crc32(view[-footer_bytes:]))
    return part_of(form, columns, file, (len(view), zlib.crc32(view)), instrument, footer)


def part_of(
    form: Form, columns: Columns, file: str, sum_of: tuple[int, int], instrument: int, footer: tuple[int, int] = (0, 0)
) -> Part:
    """Return what the manifest shall say about rows; ``sum_of`` and ``footer`` are bytes and checksum."""
    ids = columns["trade_id"] if form.numbered else np.zeros(length(columns), np.int64)
    numbered = ids[has_id(columns)] if form.numbered else ids[:0]
    time = columns[form.time]
    return Part(
        file=file,
        rows=len(time),
        bytes=sum_of[0],
        crc32=sum_of[1],
        footer_bytes=footer[0],
        footer_crc32=footer[1],
        first_ns=int(time[0]),
        last_ns=int(time[-1]),
        first_id=int(ids[0]),
        last_id=int(ids[-1]),
        min_id=int(numbered.min()) if len(numbered) else None,
        max_id=int(numbered.max()) if len(numbered) else None,
        instrument=instrument,
    )


# Bytes of the footer with its tail.
def _footer_size(tail: memoryview | bytes) -> int:
    return int.from_bytes(tail[:4], "little") + _TAIL


def check_whole(path: Path, part: Part) -> None:
    """Compare every byte of a part with the manifest's checksum.

    Raises
    ------
    CorruptPart
        The file is absent, or differs.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CorruptPart(f"{path} cannot be read: {error.strerror}; {_CURE}") from error
    _compare(path, "bytes", part.bytes, len(data))
    _compare(path, "crc32", part.crc32, zlib.crc32(data))


_CURE = "restore the file from a backup, or remove its day's folder and import that day again"


def _compare(path: Path, what: str, expected: int, found: int) -> None:
    if expected != found:
        raise CorruptPart(f"{path} is not the file its manifest means: {what} {found}, expected {expected}; {_CURE}")


class PartFile:
    """An open part: its row groups are read one at a time, and only the columns that are asked for.

    Raises
    ------
    FileNotFoundError
        The file is not there: compaction has replaced it, or somebody removed it.
    CorruptPart
        The file is not what the manifest says.
    """

    def __init__(self, path: Path, part: Part, form: Form) -> None:
        self.path = path
        self.part = part
        self.form = form
        self._source = _opened(path)
        self._check()
        with _decoding(path):
            self._file = pq.ParquetFile(self._source, page_checksum_verification=True, pre_buffer=False)
        self.footer = self._footer()
        self._stored = set(self._file.schema_arrow.names)
        self._starts = self._row_groups()

    def _check(self) -> None:
        _compare(self.path, "bytes", self.part.bytes, self._source.size())
        self._source.seek(self.part.bytes - min(self.part.bytes, self.part.footer_bytes))
        tail = self._source.read(self.part.footer_bytes)
        _compare(self.path, "crc32 of the footer", self.part.footer_crc32, zlib.crc32(tail))
        self._source.seek(0)

    def _footer(self) -> Footer:
        text = (self._file.metadata.metadata or {}).get(_KEY, b"")
        try:
            footer = from_json(text, Footer)
        except msgspec.MsgspecError as error:
            raise CorruptPart(f"{self.path} does not say what it holds: {error}; {_CURE}") from error
        if footer.version > SCHEMA_VERSION:
            raise StoreError(
                f"{self.path} has schema version {footer.version}, this program knows up to {SCHEMA_VERSION}: "
                "use the newer footloom that wrote it"
            )
        return footer

    # The first row of each row group, and the row after the last.
    def _row_groups(self) -> list[int]:
        metadata = self._file.metadata
        counts = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
        _compare(self.path, "rows", self.part.rows, sum(counts))
        return [0, *np.cumsum(counts).tolist()]

    def close(self) -> None:
        """Give the file back."""
        self._source.close()

    def chunks(self, from_ns: int, to_ns: int, wanted: frozenset[str]) -> Iterator[Columns]:
        """Yield the rows of ``[from_ns, to_ns)``, a row group at a time."""
        for group in range(len(self._starts) - 1):
            first, last = self._span(group)
            if last < from_ns or first >= to_ns:
                continue
            columns = self._read(group, wanted)
            if first < from_ns or last >= to_ns:
                lo, hi = np.searchsorted(columns[self.form.time], (from_ns, to_ns))
                columns = take(columns, slice(int(lo), int(hi)))
            if length(columns):
                yield columns

    # First and last time of a row group, from its statistics; the part's own where it has none.
    def _span(self, group: int) -> tuple[int, int]:
        name = _time_name(self.form) if self.footer.version > 1 else self.form.time
        index = self._file.schema_arrow.get_field_index(name)
        statistics = self._file.metadata.row_group(group).column(index).statistics
        if statistics is None or not statistics.has_min_max:
            return self.part.first_ns, self.part.last_ns
        raw = np.array([statistics.min_raw, statistics.max_raw], np.int64)
        bounds = pa.chunked_array([arrow_of(raw)])
        first, last = ints_of(bounds.cast(self._file.schema_arrow.field(index).type)).tolist()
        return first, last

    def _read(self, group: int, wanted: frozenset[str]) -> Columns:
        chosen = [codec for codec in codecs(self.form, self.footer.version) if wanted & set(codec.makes)]
        names = sorted({name for codec in chosen for name in codec.names} & self._stored)
        with _decoding(self.path):
            table = self._file.read_row_group(group, columns=names)
            arrays = {name: ints_of(table.column(name)) for name in names}
        start, stop = self._starts[group : group + 2]
        for name, array in arrays.items():
            _compare(self.path, f"rows of {name} in row group {group}", stop - start, len(array))
        rows = Rows(start, stop - start, arrays, self.footer.affine)
        made: Columns = {}
        for codec in chosen:
            made |= codec.reads(rows)
        # What the version that wrote the file did not know.
        absent = {name: blank(self.form, name, rows.count) for name in wanted - set(made)}
        return {
            name: values.astype(self.form.dtypes.get(name, np.int64), copy=False)
            for name, values in (made | absent).items()
            if name in wanted
        }


def _opened(path: Path) -> Any:
    try:
        return pa.OSFile(str(path))
    except FileNotFoundError:
        raise  # the reader knows what to do about it
    except OSError:
        with storing("read", path):
            raise


# What pyarrow says of bytes that it cannot decode, as a `CorruptPart`.
@contextlib.contextmanager
def _decoding(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as error:
        raise CorruptPart(f"{path} cannot be decoded: {error}; {_CURE}") from error
