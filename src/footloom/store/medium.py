"""What a store lies in: a folder of files, a MongoDB database, or memory.

All that footloom promises of a store (each row once, nothing lost, refusals, gaps) is made above this, once. A medium
only keeps named things, whole or not at all: a journal of commits in segments, parts of rows that never change, and for
each day one manifest that is replaced whole and is the only truth about its parts.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from footloom.core.instrument import Instrument
from footloom.errors import CorruptPart
from footloom.store._reports import Recovery, Settings, Unreadable, UnreadableFrame
from footloom.store.columns import Columns, Form
from footloom.store.layout import Asked, Stream
from footloom.store.parts import Part
from footloom.store.raw import RawPart
from footloom.store.segment import Content, Entry

__all__ = ("Frames", "Lock", "Medium", "OpenPart", "OpenSegment", "PartGone", "Rows", "missing_part")


class PartGone(Exception):
    """A part is not there: compaction has replaced it, or somebody removed it."""


class Rows(NamedTuple):
    """Rows of one tape that become a part: at least one, in the ordering key."""

    form: Form
    instrument: Instrument
    tape: str
    columns: Columns
    row_group_rows: int


class Lock(Protocol):
    """The right to write."""

    def release(self) -> None:
        """Let somebody else write."""


class Frames(Protocol):
    """Keeps frames that could not be parsed."""

    def keep(self, frames: Sequence[UnreadableFrame]) -> None:
        """Keep frames, in the order given; the oldest of all make room."""

    def close(self) -> None:
        """Give back what it is kept in."""


class OpenPart(Protocol):
    """A part that is being read; what was opened can be read although compaction removes the part meanwhile."""

    @property
    def part(self) -> Part:
        """What the manifest says of it."""

    @property
    def form(self) -> Form:
        """What its rows are made of."""

    def chunks(self, from_ns: int, to_ns: int, wanted: frozenset[str]) -> Iterator[Columns]:
        """Yield the rows of ``[from_ns, to_ns)``, a piece at a time."""

    def close(self) -> None:
        """Give it back."""


class OpenSegment(Protocol):
    """The segment of the journal that is written to."""

    name: str
    next_seq: int
    gap_records: int
    tape_rows: Counter[str]
    tape_bytes: Counter[str]
    is_empty: bool

    def append(self, entries: Sequence[Entry]) -> int:
        """Make entries durable, all or none, and return the sequence of the last row."""

    def holds_other_grid(self, stream: Stream, instrument: Instrument) -> bool:
        """Say whether rows of this tape with another definition of the instrument are in the segment."""

    def close(self) -> None:
        """Give it back; what it holds stays."""


class Medium(Protocol):
    """What a store lies in. Methods raise `StoreError` where it does not do what it should.

    ``where`` is how messages call it, without a password. ``scratch`` is a folder of this machine for files on their
    way into the store.
    """

    where: str
    scratch: Path

    # --- the one who writes

    def claim(self) -> None:
        """Become a store, or check that a newer footloom did not make it."""

    def lock(self) -> Lock:
        """Take the writer's lock, or raise `StoreLocked`, naming the holder."""

    def close(self) -> None:
        """Give back what reading and writing took."""

    # --- tapes

    def streams(self) -> Iterable[Stream]:
        """Return every tape, in the order of their names."""

    def days(self, stream: Stream) -> list[dt.date]:
        """Return the days of a tape, ascending."""

    def place(self, stream: Stream, day: dt.date, file: str) -> str:
        """Return how messages call a part or a manifest."""

    def day_bytes(self, stream: Stream, day: dt.date) -> int:
        """Return what a day takes."""

    def remove_tape(self, stream: Stream) -> None:
        """Remove a tape, all or nothing."""

    def sweep_removed(self) -> None:
        """Give back the room of what was removed."""

    # --- days

    def read_manifest(self, stream: Stream, day: dt.date) -> bytes | None:
        """Return the manifest of a day; None where the day has none."""

    def write_manifest(self, stream: Stream, day: dt.date, data: bytes) -> None:
        """Replace the manifest of a day, at once and durably."""

    def sweep(self, stream: Stream, day: dt.date, named: Collection[Part]) -> None:
        """Remove the parts of a day that its manifest does not name."""

    # --- parts

    def pack(self, rows: Rows, file: str, instrument: int) -> tuple[Part, Any]:
        """Return rows as they shall be kept, and what the manifest shall say of them."""

    def add_part(self, stream: Stream, day: dt.date, file: str, data: Any) -> None:
        """Keep a part durably; nobody sees it before a manifest names it."""

    def remove_parts(self, stream: Stream, day: dt.date, files: Collection[str]) -> None:
        """Remove parts that no manifest ever named."""

    def open_part(self, stream: Stream, day: dt.date, part: Part, form: Form) -> OpenPart:
        """Open a part, or raise `PartGone`."""

    def has_part(self, stream: Stream, day: dt.date, file: str) -> bool:
        """Say whether a part is there."""

    def check_part(self, stream: Stream, day: dt.date, part: Part) -> None:
        """Compare every byte of a part with its manifest, or raise `CorruptPart`."""

    # --- the journal

    def recover(self) -> tuple[Recovery, int]:
        """Look at the journal after a stop; return what was found, and its next ingest sequence (0: none known)."""

    def segments(self) -> list[str]:
        """Return the names of the segments in the order in which they were written."""

    def new_segment(self, next_seq: int) -> OpenSegment:
        """Begin a segment behind all others."""

    def read_segment(
        self, name: str, stream: Asked = None, from_ns: int | None = None, to_ns: int | None = None
    ) -> Content:
        """Return what a segment holds: all of it, or the blocks of a tape, or of a symbol, that may touch a range."""

    def has_segment(self, name: str) -> bool:
        """Say whether a segment is there."""

    def delete_segment(self, name: str) -> None:
        """Remove a segment whose rows are in manifests that are durable."""

    def segment_place(self, name: str) -> str:
        """Return how messages call a segment."""

    # --- what else a store keeps

    def definitions(self) -> Mapping[str, bytes]:
        """Return the definitions of every instrument, by the place where they lie."""

    def read_definitions(self, venue: str, symbol: str) -> tuple[str, bytes] | None:
        """Return the definitions of one instrument and the place where they lie; None where there are none."""

    def write_definitions(self, venue: str, symbol: str, data: bytes) -> None:
        """Replace the definitions of an instrument."""

    def forget_definitions(self, venue: str, symbol: str) -> None:
        """Remove the definitions of an instrument."""

    def read_note(self, name: str) -> bytes | None:
        """Return a small text that somebody keeps here; None where there is none."""

    def write_note(self, name: str, data: bytes) -> None:
        """Replace a small text, durably."""

    def frames(self, settings: Settings) -> Frames:
        """Return what keeps frames that could not be parsed."""

    def kept_frames(self, most: int) -> Unreadable:
        """Return the newest frames that are kept."""

    def free_bytes(self) -> int | None:
        """Return how much more can be written; None where nobody says."""

    def raw_parts(self) -> list[RawPart]:
        """Return the texts that are kept as they came."""

    def write_raw(self, part: RawPart, pieces: Iterable[bytes]) -> bool:
        """Keep a text; False where it is there already."""

    def raw_text(self, part: RawPart) -> bytes:
        """Return a kept text, or raise `CorruptPart`."""


def missing_part(place: str) -> CorruptPart:
    """Return the error for a part that its manifest names and that is not there."""
    return CorruptPart(
        f"{place} is missing, though its manifest names it: restore it from a backup, or remove its day's folder and "
        "import that day again"
    )
