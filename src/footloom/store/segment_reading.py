"""How a segment of the journal is read, beside the one who writes it.

What cannot be read is named, and the rest returned: each row of each table has its own checksum.
"""

from __future__ import annotations

import contextlib
import functools
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.errors import DataError, StoreError
from footloom.store.columns import SEQ, Columns, completed, concat, form_of
from footloom.store.disk import storing
from footloom.store.layout import Asked, Stream
from footloom.store.packing import unpack
from footloom.store.segment import SALVAGED, VERSION, Content, Heard, HeardGap, Mark, checksum, place_in
from footloom.typed import from_json

__all__ = ("is_damage", "read_segment", "read_whole")

_WAITS_S = (0.001, 0.004, 0.016, 0.064, 0.256, 0)
_DAMAGED = (0, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)  # 0: text that is no text


@contextlib.contextmanager
def _open_to_read(path: Path) -> Iterator[sqlite3.Connection]:
    database = _connected(path)
    try:
        database.execute("BEGIN")  # one picture for all that is read
        yield database
    finally:
        database.close()


# A database without a log, or with one that holds nothing, can be read where nothing may be written only when SQLite is
# told that it stands still. A writer that closes it takes the log away behind its index: in between, on a full disk,
# the index cannot be made.
def _connected(path: Path) -> sqlite3.Connection:
    log, uri = path.with_name(path.name + "-wal"), path.resolve().as_uri()
    for wait_s in _WAITS_S:
        has_log = _has_bytes(log)
        database = sqlite3.connect(f"{uri}?mode=ro", uri=True, isolation_level=None, check_same_thread=False)
        try:
            database.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
        except sqlite3.Error as error:
            database.close()
            if not isinstance(error, sqlite3.OperationalError) or (has_log and not wait_s):
                raise
        else:
            return database
        if not has_log:
            break
        time.sleep(wait_s)
    return sqlite3.connect(f"{uri}?mode=ro&immutable=1", uri=True, isolation_level=None, check_same_thread=False)


def _has_bytes(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False


def is_damage(error: sqlite3.Error) -> bool:
    """Say whether SQLite complains of what is in a file, and not of a file system, a lock or a permission."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED  # extended codes keep the plain one in the low byte


def read_segment(
    path: Path,
    stream: Asked = None,
    from_ns: int | None = None,
    to_ns: int | None = None,
    behind: Mark | None = None,
    *,
    many: bool = False,
) -> Content:
    """Return what a segment holds: all of it, or the blocks of a tape, or of a symbol, that may touch a range.

    What cannot be read is named in ``damage``; what can, is returned. With ``behind`` only the blocks behind a mark,
    where the segment holds it: another file of the same name is read from its start. ``many`` asks SQLite for many rows
    at once, which keeps a server's other threads from waiting for each: of a damaged file less may be returned then.

    Raises
    ------
    StoreError
        The file cannot be opened.
    """
    has_holes = stream is not None or path.name.endswith(SALVAGED)
    return _read(_Reading(path, stream, from_ns, to_ns, has_holes, behind, many))


def read_whole(path: Path) -> Content:
    """Return all that a segment holds, by tape: blocks that follow each other on a tape come as one.

    Raises
    ------
    StoreError
        The file cannot be opened.
    """
    has_holes = path.name.endswith(SALVAGED)
    return _read(_Reading(path, None, None, None, has_holes, None, many=False, together=_TOGETHER))


def _read(asked: _Reading) -> Content:
    content = Content(first_seq=0, next_seq=0, heard=[], gaps=[], damage=[])
    with storing("read", asked.path):
        try:
            with _open_to_read(asked.path) as database:
                _read_all(database, content, asked)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            content.damage.append(f"after sequence {content.next_seq - 1}: {error}")
        except msgspec.DecodeError as error:  # a damaged number that is none, of rows that are taken many at a time
            content.damage.append(f"after sequence {content.next_seq - 1}: {error}")
    return content


def _read_all(database: sqlite3.Connection, content: Content, asked: _Reading) -> None:
    if not database.execute("SELECT 1 FROM sqlite_master").fetchone():
        return  # killed while it was made: nothing was ever acknowledged from here
    version, first_seq, crc = database.execute("SELECT * FROM meta").fetchone() or (0, 0, 0)
    if checksum((version, first_seq), b"") != crc:
        content.damage.append("its first line has a wrong checksum")
    elif version > VERSION:
        raise StoreError(
            f"the journal has version {version}, this program knows up to {VERSION}: "
            "use the newer footloom that wrote it"
        )
    content.first_seq = content.next_seq = first_seq
    last = database.execute("SELECT first_seq, crc32 FROM blocks ORDER BY first_seq DESC LIMIT 1").fetchone()
    content.mark = Mark(*last) if last else Mark(0, 0)
    content.goes_on = asked.behind is not None and _holds(database, asked.behind)
    streams = _streams(database, content, asked)
    _read_gaps(database, content, streams, asked)
    _read_blocks(database, content, streams, asked)


class _Reading(NamedTuple):
    path: Path
    stream: Asked
    from_ns: int | None
    to_ns: int | None
    has_holes: bool  # sequences may be missing
    behind: Mark | None
    many: bool
    together: int = 1  # how many blocks of a tape may come as one


class _Table(NamedTuple):
    name: str
    columns: tuple[str, ...]  # first what it is ordered by, last its bytes


_STREAM_ROWS: Final = _Table("streams", ("id", "venue", "symbol", "tape", "crc32", "instrument"))
_GAP_ROWS: Final = _Table("gaps", ("id", "at_seq", "stream", "crc32", "data"))
_BLOCK_ROWS: Final = _Table("blocks", ("first_seq", "rows", "stream", "first_ns", "last_ns", "crc32", "data"))
_MANY: Final = 32
_TOGETHER: Final = 32
_BEFORE_ALL: Final = -(2**63)


# Rows behind a place, in order. Each row that is taken from SQLite gives other threads the interpreter, which comes
# back a millisecond later: with thousands of small blocks that made seconds. Many come as one text, their bytes in hex.
def _rows(
    database: sqlite3.Connection, table: _Table, *, many: bool, behind: int = _BEFORE_ALL, where: str = "TRUE"
) -> Iterator[Any]:
    *facts, data = table.columns
    chosen = f"FROM {table.name} WHERE {facts[0]} > ? AND {where} ORDER BY {facts[0]}"  # our own words and numbers
    if not many:
        yield from database.execute(f"SELECT {', '.join(table.columns)} {chosen}", (behind,))
        return
    each = f"json_array({', '.join(facts)}, hex({data}))"
    query = f"SELECT json_group_array({each}) FROM (SELECT * {chosen} LIMIT {_MANY})"  # noqa: S608
    while found := sorted(msgspec.json.decode(database.execute(query, (behind,)).fetchone()[0])):
        for row in found:
            yield *row[:-1], bytes.fromhex(row[-1])
        behind = found[-1][0]


def _holds(database: sqlite3.Connection, mark: Mark) -> bool:
    found = database.execute("SELECT crc32 FROM blocks WHERE first_seq = ?", (mark.first_seq,)).fetchone()
    return found is not None and found[0] == mark.crc32


_Streams = dict[int, tuple[Stream, Instrument]]


def _streams(database: sqlite3.Connection, content: Content, asked: _Reading) -> _Streams:
    found: _Streams = {}
    for number, venue, symbol, tape, crc, data in _rows(database, _STREAM_ROWS, many=asked.many):
        if checksum((number, venue, symbol, tape), data) != crc:
            content.damage.append(f"tape {number} has a wrong checksum")
            continue
        found[number] = (Stream(venue, symbol, tape), _instrument(data))
    return found


@functools.lru_cache(maxsize=1_024)
def _instrument(data: bytes) -> Instrument:
    return from_json(data, Instrument)


def _read_gaps(database: sqlite3.Connection, content: Content, streams: _Streams, asked: _Reading) -> None:
    for record, at_seq, number, crc, data in _rows(database, _GAP_ROWS, many=asked.many):
        if checksum((at_seq, number), data) != crc or number not in streams:
            content.damage.append(f"a gap at sequence {at_seq} cannot be read")
            continue
        stream, instrument = streams[number]
        if stream.is_of(asked.stream):
            gap = from_json(data, Gap)
            content.gaps.append(HeardGap(stream, instrument, at_seq, gap, place_in(asked.path.name, record)))


def _read_blocks(
    database: sqlite3.Connection,
    content: Content,
    streams: _Streams,
    asked: _Reading,
) -> None:
    where, behind = "TRUE", _BEFORE_ALL
    waiting: dict[Stream, list[Heard]] = {}
    if asked.stream is not None:
        numbers = [number for number, (stream, _) in streams.items() if stream.is_of(asked.stream)]
        where = f"stream IN ({', '.join(map(str, numbers))})"
        if asked.from_ns is not None and asked.to_ns is not None:
            where += f" AND last_ns >= {asked.from_ns} AND first_ns < {asked.to_ns}"
        if content.goes_on and asked.behind is not None:
            behind = asked.behind.first_seq
    for *facts, crc, data in _rows(database, _BLOCK_ROWS, many=asked.many, behind=behind, where=where):
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
        _take(content.heard, waiting, Heard(stream, instrument, first_seq, columns), asked.together)
    for blocks in waiting.values():
        content.heard.append(_as_one(blocks))


# Many small blocks take several times the memory of their rows: those of one tape that follow each other become one.
def _take(heard: list[Heard], waiting: dict[Stream, list[Heard]], block: Heard, together: int) -> None:
    blocks = waiting.setdefault(block.stream, [])
    if blocks and (len(blocks) >= together or blocks[0].instrument is not block.instrument):
        heard.append(_as_one(blocks))
        blocks.clear()
    blocks.append(block)


def _as_one(blocks: list[Heard]) -> Heard:
    if len(blocks) == 1:
        return blocks[0]
    return msgspec.structs.replace(blocks[0], columns=concat([dict(block.columns) for block in blocks]))


def _unpacked(facts: list[int], crc: int, data: bytes) -> Columns | None:
    if checksum(facts, data) != crc:
        return None
    try:
        return unpack(data)
    except DataError:
        return None
