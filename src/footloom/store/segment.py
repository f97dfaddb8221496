"""One segment of the journal: a SQLite file that holds what was appended, a blob for each commit and tape.

Write-ahead log, ``synchronous=FULL``: when a commit returns, it is on the disk. Each row of each table carries a
checksum over all that it says, so that what SQLite itself would not notice is noticed here.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import re
import sqlite3
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.store.columns import Columns, bounds, form_of, length
from footloom.store.disk import storing, sync_folder
from footloom.store.layout import Stream
from footloom.store.notes import Note
from footloom.store.packing import pack

__all__ = (
    "SALVAGED",
    "SIDES",
    "VERSION",
    "Content",
    "Entry",
    "Heard",
    "HeardGap",
    "Mark",
    "Segment",
    "checksum",
    "place_in",
)

SALVAGED = "-salvaged.sqlite"  # how a segment is called that holds what was whole of a damaged one
SIDES = ("-wal", "-shm")  # what SQLite keeps beside a database that is in use
VERSION = 1
# Rows go in with few statements: each is a chance for another thread to take the interpreter, which is given back some
# milliseconds later. One of each length is kept prepared.
_AT_ONCE = 64
_SCHEMA = (
    """CREATE TABLE meta (version INTEGER NOT NULL, first_seq INTEGER NOT NULL, crc32 INTEGER NOT NULL)""",
    """CREATE TABLE streams (
        id INTEGER PRIMARY KEY, venue TEXT NOT NULL, symbol TEXT NOT NULL, tape TEXT NOT NULL, instrument BLOB NOT NULL,
        crc32 INTEGER NOT NULL)""",
    """CREATE TABLE blocks (
        first_seq INTEGER PRIMARY KEY, rows INTEGER NOT NULL, stream INTEGER NOT NULL, first_ns INTEGER NOT NULL,
        last_ns INTEGER NOT NULL, crc32 INTEGER NOT NULL, data BLOB NOT NULL)""",
    """CREATE TABLE gaps (
        id INTEGER PRIMARY KEY, at_seq INTEGER NOT NULL, stream INTEGER NOT NULL, crc32 INTEGER NOT NULL,
        data BLOB NOT NULL)""",
)


class Entry(msgspec.Struct, frozen=True):
    """Rows and gaps of one tape on their way into the journal."""

    stream: Stream
    instrument: Instrument
    columns: Columns
    gaps: Sequence[Gap] = ()


class Heard(msgspec.Struct, frozen=True):
    """Rows of one tape as a commit holds them, `SEQ` among the columns."""

    stream: Stream
    instrument: Instrument
    first_seq: int
    columns: Columns


class HeardGap(msgspec.Struct, frozen=True):
    """A gap, known when the row before ``at_seq`` had been heard."""

    stream: Stream
    instrument: Instrument
    at_seq: int
    gap: Gap
    order: int = 0

    @property
    def note(self) -> Note:
        """The record at its place."""
        return Note(gap=self.gap, at_seq=self.at_seq, order=self.order, heard=True)


def place_in(name: str, record: int) -> int:
    """Return the place of a segment's record among those of all segments, whose numbers only grow."""
    number = re.search(r"segment-(\d{8})", name)
    return ((int(number[1]) if number else 0) << 32) | record


class Mark(NamedTuple):
    """How far a segment was read: the sequence and the checksum of its last block; 0 and 0 where it has none."""

    first_seq: int
    crc32: int


class Content(msgspec.Struct):
    """What a segment holds, in the order of its commits; ``damage`` says what could not be read.

    ``mark`` is how far it was read, ``goes_on`` that ``heard`` is only what stands behind the mark that was given.
    """

    first_seq: int
    next_seq: int
    heard: list[Heard]
    gaps: list[HeardGap]
    damage: list[str]
    mark: Mark = Mark(0, 0)
    goes_on: bool = False


def checksum(numbers: Sequence[int | str], data: bytes) -> int:
    """Return the checksum of a row of a table: over its numbers and its blob."""
    return zlib.crc32(data, zlib.crc32(repr(tuple(numbers)).encode()))


class Segment:
    """An open segment, for the one who writes it."""

    def __init__(self, path: Path, first_seq: int) -> None:
        self.path = path
        self.name = path.name
        self.next_seq = first_seq
        self.gap_records = 0
        self.tape_rows: Counter[str] = Counter()
        self.tape_bytes: Counter[str] = Counter()
        self.is_empty = True
        self._streams: dict[tuple[Stream, Instrument], int] = {}
        self._held: dict[Stream, Instrument] = {}
        self._newest: dict[Stream, tuple[Instrument, int]] = {}  # found without comparing definitions
        with storing("make", path):
            self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            try:
                self._prepare(first_seq)
                sync_folder(path.parent)
            except BaseException:
                self._database.close()
                self._forget()
                raise

    # On a full disk a segment may get its name and no more: what is left would stand in the way of whoever reads.
    def _forget(self) -> None:
        for name in (*(self.name + side for side in SIDES), self.name):
            with contextlib.suppress(OSError):
                self.path.with_name(name).unlink(missing_ok=True)

    def _prepare(self, first_seq: int) -> None:
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        with self._transaction():
            for statement in _SCHEMA:
                self._database.execute(statement)
            crc = checksum((VERSION, first_seq), b"")
            self._database.execute("INSERT INTO meta VALUES (?, ?, ?)", (VERSION, first_seq, crc))

    def append(self, entries: Sequence[Entry]) -> int:
        """Make entries durable, all or none, and return the sequence of the last row."""
        next_seq = self.next_seq
        sizes: Counter[str] = Counter()
        gaps: list[tuple[int | bytes, ...]] = []
        blocks: list[tuple[int | bytes, ...]] = []
        with storing("append to", self.path), self._transaction():
            for entry in entries:
                number = self._stream(entry.stream, entry.instrument)
                for gap in entry.gaps:
                    data = msgspec.json.encode(gap)
                    gaps.append((next_seq, number, checksum((next_seq, number), data), data))
                count = length(entry.columns)
                if count:
                    blocks.append(_block(entry, number, next_seq, sizes))
                next_seq += count
            self._insert("gaps (at_seq, stream, crc32, data)", gaps)
            self._insert("blocks", blocks)
        self.tape_bytes.update(sizes)
        self.gap_records += sum(len(entry.gaps) for entry in entries)
        for entry in entries:
            self.tape_rows[entry.stream.tape] += length(entry.columns)
        self.is_empty = False
        self.next_seq = next_seq
        return next_seq - 1

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        known = len(self._streams)
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("COMMIT")
        except BaseException:
            for _ in range(len(self._streams) - known):  # the last ones are those that this transaction has made
                self._streams.popitem()
                self._newest.clear()
            with contextlib.suppress(sqlite3.Error):  # the first error is the one to tell
                self._database.execute("ROLLBACK")
            raise

    def _insert(self, table: str, rows: Sequence[tuple[int | bytes, ...]]) -> None:
        for start in range(0, len(rows), _AT_ONCE):
            piece = rows[start : start + _AT_ONCE]
            self._database.execute(_insertion(table, len(piece[0]), len(piece)), [*itertools.chain(*piece)])

    def _stream(self, stream: Stream, instrument: Instrument) -> int:
        newest = self._newest.get(stream)
        if newest is not None and newest[0] is instrument:
            return newest[1]
        number = self._streams.get((stream, instrument))
        if number is None:
            number = len(self._streams) + 1
            data = msgspec.json.encode(instrument)
            self._database.execute(
                "INSERT INTO streams VALUES (?, ?, ?, ?, ?, ?)",
                (number, *stream, data, checksum((number, *stream), data)),
            )
            self._streams[stream, instrument] = number
            self._held[stream] = instrument
        self._newest[stream] = (instrument, number)
        return number

    def holds_other_grid(self, stream: Stream, instrument: Instrument) -> bool:
        """Say whether rows of this tape with another definition of the instrument are in the segment."""
        held = self._held.get(stream, instrument)
        return held is not instrument and held != instrument

    def close(self) -> None:
        """Give the file back."""
        with storing("close", self.path):
            self._database.close()


@functools.lru_cache(maxsize=4 * _AT_ONCE)
def _insertion(table: str, columns: int, rows: int) -> str:
    row = f"({', '.join('?' * columns)})"
    return f"INSERT INTO {table} VALUES {', '.join([row] * rows)}"  # noqa: S608 - our own words


def _block(entry: Entry, number: int, first_seq: int, sizes: Counter[str]) -> tuple[int | bytes, ...]:
    time = entry.columns[form_of(entry.stream.tape).time]
    facts = (first_seq, len(time), number, *bounds(time))
    data = pack(entry.columns)
    sizes[entry.stream.tape] += len(data)
    return *facts, checksum(facts, data), data
