"""Parts that are kept as runs of packed columns: what MongoDB and memory make of rows."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from footloom.errors import CorruptPart, DataError
from footloom.store.columns import SEQ, Columns, Form, blank, completed, length, take
from footloom.store.medium import Rows
from footloom.store.packing import pack, unpack
from footloom.store.parts import Part, part_of

__all__ = ("CHUNK_ROWS", "Chunk", "ChunkedPart", "chunked", "crc_of", "touching", "unpacked")

CHUNK_ROWS = 65_536


class Chunk(NamedTuple):
    """A run of rows of one part: times of its first and last row (ns UTC), and its packed columns."""

    rows: int
    first_ns: int
    last_ns: int
    crc32: int
    data: bytes


def chunked(rows: Rows, file: str, instrument: int) -> tuple[Part, list[Chunk]]:
    """Return rows as runs, and what the manifest shall say of them."""
    columns = rows.columns
    if SEQ not in columns:
        columns = columns | {SEQ: np.zeros(length(columns), np.int64)}
    step = min(CHUNK_ROWS, rows.row_group_rows)
    chunks = [_chunk(rows.form, take(columns, slice(at, at + step))) for at in range(0, length(columns), step)]
    size = sum(len(chunk.data) for chunk in chunks)
    return part_of(rows.form, columns, file, (size, crc_of(chunk.crc32 for chunk in chunks)), instrument), chunks


def _chunk(form: Form, columns: Columns) -> Chunk:
    time, data = columns[form.time], pack(columns)
    return Chunk(len(time), int(time[0]), int(time[-1]), zlib.crc32(data), data)


def crc_of(sums: Iterator[int]) -> int:
    """Return the checksum of a part from those of its runs."""
    return zlib.crc32(b"".join(one.to_bytes(4, "little") for one in sums))


def unpacked(place: str, crc32: int, data: bytes) -> Columns:
    """Return the columns of a run.

    Raises
    ------
    CorruptPart
        Its bytes are not those that were kept.
    """
    found = zlib.crc32(data)
    if found != crc32:
        raise CorruptPart(f"{place} is damaged: crc32 {found}, expected {crc32}; {_CURE}")
    try:
        return unpack(data)
    except DataError as error:
        raise CorruptPart(f"{place} cannot be decoded: {error}; {_CURE}") from error


_CURE = "restore it from a backup, or remove its tape and import it again"


class ChunkedPart:
    """An open part. ``read`` yields those of its runs that touch ``[from_ns, to_ns)``."""

    def __init__(self, part: Part, form: Form, read: Callable[[int, int], Iterator[Columns]]) -> None:
        self.part = part
        self.form = form
        self._read = read

    def chunks(self, from_ns: int, to_ns: int, wanted: frozenset[str]) -> Iterator[Columns]:
        """Yield the rows of ``[from_ns, to_ns)``, a run at a time."""
        for every in self._read(from_ns, to_ns):
            columns = completed(self.form, every)
            lo, hi = np.searchsorted(columns[self.form.time], (from_ns, to_ns))
            if hi > lo:
                count = length(columns)
                chosen = {name: columns[name] if name in columns else blank(self.form, name, count) for name in wanted}
                yield take(chosen, slice(int(lo), int(hi)))

    def close(self) -> None:
        """Do nothing: a run is read whole."""


def touching(chunks: Sequence[Chunk], from_ns: int, to_ns: int) -> list[Chunk]:
    """Return the runs that touch ``[from_ns, to_ns)``."""
    return [chunk for chunk in chunks if chunk.last_ns >= from_ns and chunk.first_ns < to_ns]
