"""The journal: what was heard live, durable at once, until it is sealed into parts.

It is a row of segments. Rows go to the newest; the older ones wait to be sealed, and are deleted only when the
manifests that took their rows are on the disk. A segment's number and the ingest sequence only ever grow.
"""

from __future__ import annotations

from collections.abc import Sequence

from footloom.errors import CorruptPart, StoreError
from footloom.store._reports import Settings
from footloom.store.appended import Appended
from footloom.store.columns import bounds, length
from footloom.store.layout import BOOKS, Asked
from footloom.store.medium import Medium, OpenSegment
from footloom.store.segment import Content, Entry, place_in

__all__ = ("Journal", "read_journal")

_BOOK_ROWS = 4  # so many rows of depth or quotes count as one
_LEAP_NS = 1_000_000_000


def read_journal(
    medium: Medium, stream: Asked = None, from_ns: int | None = None, to_ns: int | None = None
) -> list[Content]:
    """Return what waits in the journal for one tape and range, for a symbol by its key, or all of it.

    A segment that is sealed and deleted meanwhile is left out: its rows are in manifests that are on the disk by then,
    and whoever reads manifests after the journal finds them there.

    Raises
    ------
    CorruptPart
        A segment is damaged: opening the store for writing puts aside what cannot be read.
    """
    contents = []
    for name in medium.segments():
        try:
            content = medium.read_segment(name, stream, from_ns, to_ns)
        except StoreError:
            if medium.has_segment(name):
                raise
            continue
        if content.damage and medium.has_segment(name):
            raise CorruptPart(
                f"{medium.segment_place(name)} is damaged ({content.damage[0]}): open the store for writing once, "
                "as any recording or import does, to keep what is whole and put the rest aside"
            )
        contents.append(content)
    return contents


class Journal:
    """The newest segment, for the one who writes."""

    def __init__(self, medium: Medium, settings: Settings, next_seq: int) -> None:
        self._medium = medium
        self._settings = settings
        self._newest_ns: int | None = None
        self._elapsed_ns = 0
        self._appended = Appended(medium.new_segment(next_seq))

    @property
    def name(self) -> str:
        """The segment that rows go to."""
        return self.segment.name

    @property
    def segment(self) -> OpenSegment:
        """The newest segment."""
        return self._appended.segment

    @property
    def next_seq(self) -> int:
        """The ingest sequence that the next row gets."""
        return self.segment.next_seq

    @property
    def next_place(self) -> tuple[int, int]:
        """Where a gap record stands that is made now: the next sequence, and the place of the last record."""
        return self.next_seq, place_in(self.name, self.segment.gap_records)

    @property
    def is_empty(self) -> bool:
        """Whether the newest segment holds nothing."""
        return self.segment.is_empty

    def append(self, entries: Sequence[Entry]) -> int:
        """Make entries durable, all or none, and return the sequence of the last row."""
        return self._appended.append(entries)

    def is_full(self, entries: Sequence[Entry]) -> bool:
        """Say whether a new segment should begin before these entries.

        It should when the newest one has its rows, or its time by the clock of the rows: nothing here looks at a watch.
        """
        times = [bounds(entry.columns["ts_recv_ns"])[1] for entry in entries if length(entry.columns)]
        if times:
            self._tell_time(max(times))
        if self.segment.is_empty:
            self._elapsed_ns = 0
            return False
        return self._has_its_rows() or self._elapsed_ns >= self._settings.roll_ns

    # Levels and quotes come many times as fast as trades, and nobody waits for them to be sealed.
    def _has_its_rows(self) -> bool:
        rows = self.segment.tape_rows
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
        return any(self.segment.holds_other_grid(entry.stream, entry.instrument) for entry in entries)

    def roll(self) -> Appended:
        """Begin a new segment and return what the old one holds, which is still open."""
        old = self._appended
        self._appended = Appended(self._medium.new_segment(self.next_seq))
        self._elapsed_ns = 0
        return old

    def close(self) -> None:
        """Close the newest segment."""
        self.segment.close()
