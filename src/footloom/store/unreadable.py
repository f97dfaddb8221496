"""Frames of a venue that could not be parsed: kept as they came, so that somebody can see what they were.

One small SQLite file, bounded by bytes and by count: the oldest go, and are counted. It is written apart from the
journal, without waiting for the disk: a power cut may take the last of it, never a trade.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from footloom.store._reports import Unreadable, UnreadableFrame
from footloom.store.disk import storing

__all__ = ("FRAME_BYTES", "REASON_CHARACTERS", "FrameKeeper", "kept_frames")

FRAME_BYTES = 262_144  # of a longer frame the beginning is kept
REASON_CHARACTERS = 500
_ROOM = 0.9  # what is left of the limit after the oldest were removed, so that not every commit removes some
_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS frames (
        id INTEGER PRIMARY KEY, venue TEXT NOT NULL, ts_recv_ns INTEGER NOT NULL, reason TEXT NOT NULL,
        bytes INTEGER NOT NULL, data BLOB NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS counts (venue TEXT PRIMARY KEY, frames INTEGER NOT NULL)""",
)


class FrameKeeper:
    """Keeps frames, for the one who writes; may be called from any thread."""

    def __init__(self, path: Path, most_frames: int, most_bytes: int) -> None:
        self._path = path
        self._most_frames = most_frames
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = None

    def keep(self, frames: Sequence[UnreadableFrame]) -> None:
        """Keep frames, in the order given; the oldest of all make room.

        Raises
        ------
        StoreError
            They cannot be written.
        """
        with self._lock, storing("keep unreadable frames in", self._path):
            database = self._open()
            database.execute("BEGIN IMMEDIATE")
            try:
                self._insert(database, frames)
                self._make_room(database)
                database.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    database.execute("ROLLBACK")
                raise

    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            database = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            try:
                database.execute("PRAGMA journal_mode = WAL")
                database.execute("PRAGMA synchronous = NORMAL")
                for statement in _SCHEMA:
                    database.execute(statement)
            except BaseException:
                database.close()
                raise
            self._database = database
        return self._database

    def _insert(self, database: sqlite3.Connection, frames: Sequence[UnreadableFrame]) -> None:
        database.executemany(
            "INSERT INTO frames (venue, ts_recv_ns, reason, bytes, data) VALUES (?, ?, ?, ?, ?)",
            [
                (one.venue, one.ts_recv_ns, one.reason[:REASON_CHARACTERS], len(one.data), one.data[:FRAME_BYTES])
                for one in frames
            ],
        )
        database.executemany(
            "INSERT INTO counts VALUES (?, 1) ON CONFLICT (venue) DO UPDATE SET frames = frames + 1",
            [(one.venue,) for one in frames],
        )

    def _make_room(self, database: sqlite3.Connection) -> None:
        count, size = database.execute("SELECT count(*), coalesce(sum(length(data)), 0) FROM frames").fetchone()
        if count <= self._most_frames and size <= self._most_bytes:
            return
        kept = kept_bytes = last = 0
        for number, length in database.execute("SELECT id, length(data) FROM frames ORDER BY id DESC"):
            kept, kept_bytes = kept + 1, kept_bytes + length
            if kept > self._most_frames * _ROOM or kept_bytes > self._most_bytes * _ROOM:
                last = number
                break
        database.execute("DELETE FROM frames WHERE id <= ?", (last,))

    def close(self) -> None:
        """Give the file back."""
        with self._lock:
            if self._database is not None:
                self._database.close()
                self._database = None


def kept_frames(path: Path, most: int) -> Unreadable:
    """Return the newest frames that are kept, the newest first, and how many there were.

    Raises
    ------
    StoreError
        The file cannot be read.
    """
    if not path.exists():
        return Unreadable()
    with storing("read", path), _reading(path) as database:
        rows = database.execute(
            "SELECT venue, ts_recv_ns, reason, data FROM frames ORDER BY id DESC LIMIT ?", (most,)
        ).fetchall()
        kept, size = database.execute("SELECT count(*), coalesce(sum(length(data)), 0) FROM frames").fetchone()
        counts = dict(database.execute("SELECT venue, frames FROM counts ORDER BY venue").fetchall())
    return Unreadable(
        frames=tuple(UnreadableFrame(*row) for row in rows),
        counts=counts,
        kept=kept,
        bytes=size,
        dropped=sum(counts.values()) - kept,
    )


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
    try:
        yield database
    finally:
        database.close()
