"""The journal: what was heard live, durable at once, until it is sealed into parts.

It is a row of segments. Rows go to the newest; the older ones wait to be sealed, and are deleted only when the
manifests that took their rows are on the disk. A segment's number and the ingest sequence only ever grow.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from footloom.errors import CorruptPart, StoreError
from footloom.store._protocol import Settings
from footloom.store.columns import length
from footloom.store.disk import remove, storing, sync_folder
from footloom.store.layout import BOOKS, Layout, Stream
from footloom.store.segment import SIDES, Content, Entry, Segment, place_in, read_segment

__all__ = ("Journal", "delete_segment", "read_journal", "segments")

_BOOK_ROWS = 4  # so many rows of depth or quotes count as one
_LEAP_NS = 1_000_000_000
_NAME = re.compile(r"segment-(\d{8})(-salvaged)?\.sqlite")


def _number(path: Path) -> int:
    match = _NAME.fullmatch(path.name)
    return int(match[1]) if match else 0


def segments(layout: Layout) -> list[Path]:
    """Return the segments on the disk, in the order in which they were written."""
    found: dict[int, Path] = {}
    try:
        # A salvaged copy sorts before the damaged segment that it replaces, and stands for it.
        for path in sorted(layout.journal.iterdir(), key=lambda path: path.name):
            if _NAME.fullmatch(path.name):
                found.setdefault(_number(path), path)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"cannot list {layout.journal}: {error.strerror}; let this user read it") from error
    return [found[number] for number in sorted(found)]


def read_journal(
    layout: Layout, stream: Stream | None = None, from_ns: int | None = None, to_ns: int | None = None
) -> list[Content]:
    """Return what waits in the journal for one tape and range, or all of it.

    A segment that is sealed and deleted meanwhile is left out: its rows are in manifests that are on the disk by then,
    and whoever reads manifests after the journal finds them there.

    Raises
    ------
    CorruptPart
        A segment is damaged: opening the store for writing puts aside what cannot be read.
    """
    contents = []
    for path in segments(layout):
        try:
            content = read_segment(path, stream, from_ns, to_ns)
        except StoreError:
            if path.exists():
                raise
            continue
        if content.damage and path.exists():
            raise CorruptPart(
                f"{path} is damaged ({content.damage[0]}): open the store for writing once, as any recording or import "
                "does, to keep what is whole and put the rest aside"
            )
        contents.append(content)
    return contents


def delete_segment(path: Path) -> None:
    """Remove a segment whose rows are in manifests on the disk."""
    remove([path, *(path.with_name(path.name + side) for side in SIDES)])
    with storing("delete from", path.parent):
        sync_folder(path.parent)


class Journal:
    """The newest segment, for the one who writes."""

    def __init__(self, layout: Layout, settings: Settings, next_seq: int) -> None:
        self._layout = layout
        self._settings = settings
        self._newest_ns: int | None = None
        self._elapsed_ns = 0
        self._segment = self._new(next_seq)

    # Quarantined segments count too, so that no later one is put aside under the same name.
    def _new(self, next_seq: int) -> Segment:
        taken = [_number(path) for path in self._layout.journal.rglob("segment-*") if _NAME.fullmatch(path.name)]
        return Segment(self._layout.journal / f"segment-{max(taken, default=0) + 1:08d}.sqlite", next_seq)

    @property
    def path(self) -> Path:
        """The file that rows go to."""
        return self._segment.path

    @property
    def segment(self) -> Segment:
        """The newest segment."""
        return self._segment

    @property
    def next_seq(self) -> int:
        """The ingest sequence that the next row gets."""
        return self._segment.next_seq

    @property
    def next_place(self) -> tuple[int, int]:
        """Where a gap record stands that is made now: the next sequence, and the place of the last record."""
        return self.next_seq, place_in(self.path, self._segment.gap_records)

    @property
    def is_empty(self) -> bool:
        """Whether the newest segment holds nothing."""
        return self._segment.is_empty

    def append(self, entries: Sequence[Entry]) -> int:
        """Make entries durable, all or none, and return the sequence of the last row."""
        return self._segment.append(entries)

    def is_full(self, entries: Sequence[Entry]) -> bool:
        """Say whether a new segment should begin before these entries.

        It should when the newest one has its rows, or its time by the clock of the rows: nothing here looks at a watch.
        """
        times = [int(entry.columns["ts_recv_ns"].max()) for entry in entries if length(entry.columns)]
        if times:
            self._tell_time(max(times))
        if self._segment.is_empty:
            self._elapsed_ns = 0
            return False
        return self._has_its_rows() or self._elapsed_ns >= self._settings.roll_ns

    # Levels and quotes come many times as fast as trades, and nobody waits for them to be sealed.
    def _has_its_rows(self) -> bool:
        rows = self._segment.tape_rows
        books = sum(rows[tape] for tape in BOOKS)
        return rows.total() - books + books // _BOOK_ROWS >= self._settings.roll_rows

    # A clock that is set anew leaps, and with two clocks among the rows it leaps at every commit. So only its steps
    # count: none that go back, and of a leap one second, which ends a segment of rare rows too.
    def _tell_time(self, newest_ns: int) -> None:
        step_ns = newest_ns - (newest_ns if self._newest_ns is None else self._newest_ns)
        self._newest_ns = newest_ns
        self._elapsed_ns += max(0, step_ns if step_ns <= self._settings.roll_ns else _LEAP_NS)

    def has_other_grid(self, entries: Sequence[Entry]) -> bool:
        """Say whether an instrument was defined anew: a segment holds each tape on one grid."""
        return any(self._segment.holds_other_grid(entry.stream, entry.instrument) for entry in entries)

    def roll(self) -> Segment:
        """Begin a new segment and return the old one, which is still open."""
        old = self._segment
        self._segment = self._new(old.next_seq)
        self._elapsed_ns = 0
        return old

    def close(self) -> None:
        """Close the newest segment."""
        self._segment.close()
