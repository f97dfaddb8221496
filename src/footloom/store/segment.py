"""One segment of the journal: a SQLite file that holds what was appended, a blob for each commit and tape.

Write-ahead log, ``synchronous=FULL``: when a commit returns, it is on the disk. Each row of each table carries a
checksum over all that it says, so that what SQLite itself would not notice is noticed here.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.errors import DataError, StoreError
from footloom.store.columns import SEQ, Columns, bounds, completed, form_of, length
from footloom.store.disk import storing, sync_folder
from footloom.store.layout import Asked, Stream
from footloom.store.notes import Note
from footloom.store.packing import pack, unpack

__all__ = (
    "SALVAGED",
    "SIDES",
    "Content",
    "Entry",
    "Heard",
    "HeardGap",
    "Segment",
    "is_damage",
    "place_in",
    "read_segment",
)

SALVAGED = "-salvaged.sqlite"  # how a segment is called that holds what was whole of a damaged one
SIDES = ("-wal", "-shm")  # what SQLite keeps beside a database that is in use
_VERSION = 1
# Rows go in with few statements: each is a chance for another thread to take the interpreter, which is given back some
# milliseconds later. Few lengths, so that SQLite finds each statement prepared.
_AT_ONCE = (64, 16, 4, 1)
_DAMAGED = (0, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)  # 0: text that is no text
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


class Content(msgspec.Struct):
    """What a segment holds, in the order of its commits; ``damage`` says what could not be read."""

    first_seq: int
    next_seq: int
    heard: list[Heard]
    gaps: list[HeardGap]
    damage: list[str]


def _crc(numbers: Sequence[int | str], data: bytes) -> int:
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
                raise

    def _prepare(self, first_seq: int) -> None:
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        with self._transaction():
            for statement in _SCHEMA:
                self._database.execute(statement)
            crc = _crc((_VERSION, first_seq), b"")
            self._database.execute("INSERT INTO meta VALUES (?, ?, ?)", (_VERSION, first_seq, crc))

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
                    gaps.append((next_seq, number, _crc((next_seq, number), data), data))
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
        start = 0
        while start < len(rows):
            size = next(size for size in _AT_ONCE if size <= len(rows) - start)
            row = f"({', '.join('?' * len(rows[0]))})"
            statement = f"INSERT INTO {table} VALUES {', '.join([row] * size)}"  # noqa: S608 - our own words
            self._database.execute(statement, [value for one in rows[start : start + size] for value in one])
            start += size

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
                (number, *stream, data, _crc((number, *stream), data)),
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


def _block(entry: Entry, number: int, first_seq: int, sizes: Counter[str]) -> tuple[int | bytes, ...]:
    time = entry.columns[form_of(entry.stream.tape).time]
    facts = (first_seq, len(time), number, *bounds(time))
    data = pack(entry.columns)
    sizes[entry.stream.tape] += len(data)
    return *facts, _crc(facts, data), data


@contextlib.contextmanager
def _open_to_read(path: Path) -> Iterator[sqlite3.Connection]:
    # A database whose log is gone can be read where nothing may be written only when SQLite is told that it stands
    # still.
    still = "" if path.with_name(path.name + "-wal").exists() else "&immutable=1"
    uri = path.resolve().as_uri()
    database = sqlite3.connect(f"{uri}?mode=ro", uri=True, isolation_level=None, check_same_thread=False)
    try:
        try:
            database.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
        except sqlite3.OperationalError:
            if not still:
                raise
            database.close()
            database = sqlite3.connect(f"{uri}?mode=ro{still}", uri=True, isolation_level=None)
        database.execute("BEGIN")  # one picture for all that is read
        yield database
    finally:
        database.close()


def is_damage(error: sqlite3.Error) -> bool:
    """Say whether SQLite complains of what is in a file, and not of a file system, a lock or a permission."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED  # extended codes keep the plain one in the low byte


def read_segment(path: Path, stream: Asked = None, from_ns: int | None = None, to_ns: int | None = None) -> Content:
    """Return what a segment holds: all of it, or the blocks of a tape, or of a symbol, that may touch a range.

    What cannot be read is named in ``damage``; what can, is returned.

    Raises
    ------
    StoreError
        The file cannot be opened.
    """
    content = Content(first_seq=0, next_seq=0, heard=[], gaps=[], damage=[])
    has_holes = stream is not None or path.name.endswith(SALVAGED)
    with storing("read", path):
        try:
            with _open_to_read(path) as database:
                _read_all(database, content, _Reading(path, stream, from_ns, to_ns, has_holes))
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            content.damage.append(f"after sequence {content.next_seq - 1}: {error}")
    return content


def _read_all(database: sqlite3.Connection, content: Content, asked: _Reading) -> None:
    if not database.execute("SELECT 1 FROM sqlite_master").fetchone():
        return  # killed while it was made: nothing was ever acknowledged from here
    version, first_seq, crc = database.execute("SELECT * FROM meta").fetchone() or (0, 0, 0)
    if _crc((version, first_seq), b"") != crc:
        content.damage.append("its first line has a wrong checksum")
    elif version > _VERSION:
        raise StoreError(
            f"the journal has version {version}, this program knows up to {_VERSION}: "
            "use the newer footloom that wrote it"
        )
    content.first_seq = content.next_seq = first_seq
    streams = _streams(database, content)
    _read_gaps(database, content, streams, asked)
    _read_blocks(database, content, streams, asked)


class _Reading(NamedTuple):
    path: Path
    stream: Asked
    from_ns: int | None
    to_ns: int | None
    has_holes: bool  # sequences may be missing


_Streams = dict[int, tuple[Stream, Instrument]]


def _streams(database: sqlite3.Connection, content: Content) -> _Streams:
    found: _Streams = {}
    for number, venue, symbol, tape, data, crc in database.execute("SELECT * FROM streams ORDER BY id"):
        if _crc((number, venue, symbol, tape), data) != crc:
            content.damage.append(f"tape {number} has a wrong checksum")
            continue
        found[number] = (Stream(venue, symbol, tape), msgspec.json.decode(data, type=Instrument))
    return found


def _read_gaps(database: sqlite3.Connection, content: Content, streams: _Streams, asked: _Reading) -> None:
    query = "SELECT id, at_seq, stream, crc32, data FROM gaps ORDER BY id"
    for record, at_seq, number, crc, data in database.execute(query):
        if _crc((at_seq, number), data) != crc or number not in streams:
            content.damage.append(f"a gap at sequence {at_seq} cannot be read")
            continue
        stream, instrument = streams[number]
        if stream.is_of(asked.stream):
            gap = msgspec.json.decode(data, type=Gap)
            content.gaps.append(HeardGap(stream, instrument, at_seq, gap, place_in(asked.path.name, record)))


def _read_blocks(
    database: sqlite3.Connection,
    content: Content,
    streams: _Streams,
    asked: _Reading,
) -> None:
    query = "SELECT first_seq, rows, stream, first_ns, last_ns, crc32, data FROM blocks"
    limits: list[int] = []
    if asked.stream is not None:
        numbers = [number for number, (stream, _) in streams.items() if stream.is_of(asked.stream)]
        query += f" WHERE stream IN ({', '.join(map(str, numbers))})"  # our own numbers, no text
        if asked.from_ns is not None and asked.to_ns is not None:
            query += " AND last_ns >= ? AND first_ns < ?"
            limits = [asked.from_ns, asked.to_ns]
    for *facts, crc, data in database.execute(query + " ORDER BY first_seq", limits):
        first_seq, rows, number = facts[:3]
        columns = _unpacked(facts, crc, data)
        if columns is None or number not in streams:
            content.damage.append(f"the block at sequence {first_seq} has a wrong checksum")
            continue
        if first_seq != content.next_seq and not asked.has_holes and not content.damage:
            content.damage.append(f"sequences {content.next_seq} to {first_seq - 1} are missing")
        content.next_seq = first_seq + rows
        columns[SEQ] = np.arange(first_seq, first_seq + rows, dtype=np.int64)
        stream, instrument = streams[number]
        columns = completed(form_of(stream.tape), columns)
        content.heard.append(Heard(stream, instrument, first_seq, columns))


def _unpacked(facts: list[int], crc: int, data: bytes) -> Columns | None:
    if _crc(facts, data) != crc:
        return None
    try:
        return unpack(data)
    except DataError:
        return None
