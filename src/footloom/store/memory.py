"""A store in memory: for notebooks and tests, gone with its process."""

from __future__ import annotations

import datetime as dt
import hashlib
import tempfile
import threading
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np

from footloom.core.instrument import Instrument
from footloom.errors import CorruptPart, StoreError, StoreLocked
from footloom.store._reports import RawPart, Recovery, Settings, Unreadable, UnreadableFrame
from footloom.store.chunks import Chunk, ChunkedPart, chunked, crc_of, touching, unpacked
from footloom.store.columns import SEQ, Form, form_of, length
from footloom.store.keeping import KeptStore
from footloom.store.layout import Asked, Stream
from footloom.store.medium import PartGone, Rows, missing_part
from footloom.store.parts import Part
from footloom.store.recovery import counted
from footloom.store.segment import Content, Entry, Heard, HeardGap, place_in

__all__ = ("Memory", "MemorySegment", "Store")

_Day = tuple[Stream, dt.date]


class Store(KeptStore):
    """The tapes in memory; what is opened over the same `Memory` sees the same tapes.

    Examples
    --------
    >>> from footloom.store.memory import Store
    >>> Store().coverage()
    []
    """

    def __init__(self, memory: Memory | None = None, *, writer: bool = True, settings: Settings | None = None) -> None:
        super().__init__(memory or Memory(), writer=writer, settings=settings)


class MemorySegment:
    """What was appended since the last segment."""

    def __init__(self, name: str, first_seq: int) -> None:
        self.name = name
        self.next_seq = first_seq
        self.gap_records = 0
        self.tape_rows: Counter[str] = Counter()
        self.tape_bytes: Counter[str] = Counter()
        self.is_empty = True
        self.content = Content(first_seq=first_seq, next_seq=first_seq, heard=[], gaps=[], damage=[])
        self._held: dict[Stream, Instrument] = {}

    def append(self, entries: Sequence[Entry]) -> int:
        """Keep entries and return the sequence of the last row."""
        for entry in entries:
            self._held[entry.stream] = entry.instrument
            for gap in entry.gaps:
                self.gap_records += 1
                place = place_in(self.name, self.gap_records)
                self.content.gaps.append(HeardGap(entry.stream, entry.instrument, self.next_seq, gap, place))
            count = length(entry.columns)
            if count:
                columns = {name: values.copy() for name, values in entry.columns.items()}
                columns[SEQ] = np.arange(self.next_seq, self.next_seq + count, dtype=np.int64)
                self.content.heard.append(Heard(entry.stream, entry.instrument, self.next_seq, columns))
            self.tape_rows[entry.stream.tape] += count
            self.tape_bytes[entry.stream.tape] += sum(values.nbytes for values in entry.columns.values())
            self.next_seq += count
        self.content.next_seq = self.next_seq
        self.is_empty = False
        return self.next_seq - 1

    def holds_other_grid(self, stream: Stream, instrument: Instrument) -> bool:
        """Say whether rows of this tape with another definition of the instrument are in the segment."""
        return self._held.get(stream, instrument) != instrument

    def close(self) -> None:
        """Do nothing."""


class _Frames:
    def __init__(self, memory: Memory, settings: Settings) -> None:
        self._memory = memory
        self._settings = settings

    def keep(self, frames: Sequence[UnreadableFrame]) -> None:
        with self._memory.guard:
            kept = self._memory.kept
            kept.extend(frames)
            self._memory.counts.update(frame.venue for frame in frames)
            size = sum(len(frame.data) for frame in kept)
            while len(kept) > self._settings.unreadable_frames or size > self._settings.unreadable_bytes:
                size -= len(kept.pop(0).data)

    def close(self) -> None:
        """Do nothing."""


class Memory:
    """The medium of `Store`; `Medium` says what each method promises."""

    where = "memory"
    scratch = Path(tempfile.gettempdir()) / "footloom-fetch"

    def __init__(self) -> None:
        self.guard = threading.RLock()
        self.kept: list[UnreadableFrame] = []
        self.counts: Counter[str] = Counter()
        self._manifests: dict[_Day, bytes] = {}
        self._parts: dict[_Day, dict[str, list[Chunk]]] = {}
        self._segments: dict[str, MemorySegment] = {}
        self._begun = 0
        self._definitions: dict[tuple[str, str], bytes] = {}
        self._raw: dict[str, tuple[RawPart, bytes]] = {}
        self._notes: dict[str, bytes] = {}
        self._is_locked = False

    def claim(self) -> None:
        """Do nothing: memory is a store."""

    def lock(self) -> Memory:
        """Take the writer's lock."""
        with self.guard:
            if self._is_locked:
                raise StoreLocked("this memory is being written to by another store of this process: close that first")
            self._is_locked = True
        return self

    def release(self) -> None:
        """Let somebody else write."""
        self._is_locked = False

    def close(self) -> None:
        """Do nothing: what is in memory stays with this object."""

    def streams(self) -> list[Stream]:
        """Return every tape."""
        with self.guard:
            return sorted({stream for stream, _ in self._manifests})

    def days(self, stream: Stream) -> list[dt.date]:
        """Return the days of a tape."""
        with self.guard:
            return sorted(day for other, day in self._manifests if other == stream)

    def place(self, stream: Stream, day: dt.date, file: str) -> str:
        """Return what a part is called."""
        return f"{stream} {day} {file}"

    def day_bytes(self, stream: Stream, day: dt.date) -> int:
        """Return what the parts of a day take."""
        return sum(len(chunk.data) for chunks in self._parts.get((stream, day), {}).values() for chunk in chunks)

    def remove_tape(self, stream: Stream) -> None:
        """Forget a tape."""
        with self.guard:
            self._manifests = {key: data for key, data in self._manifests.items() if key[0] != stream}
            self._parts = {key: parts for key, parts in self._parts.items() if key[0] != stream}

    def sweep_removed(self) -> None:
        """Do nothing: what was removed is gone."""

    def read_manifest(self, stream: Stream, day: dt.date) -> bytes | None:
        """Return the manifest of a day."""
        return self._manifests.get((stream, day))

    def write_manifest(self, stream: Stream, day: dt.date, data: bytes) -> None:
        """Replace the manifest of a day."""
        with self.guard:
            self._manifests[stream, day] = data

    def sweep(self, stream: Stream, day: dt.date, named: Collection[Part]) -> None:
        """Forget the parts of a day that its manifest does not name."""
        kept = {part.file for part in named}
        with self.guard:
            parts = self._parts.get((stream, day), {})
            self._parts[stream, day] = {file: parts[file] for file in parts if file in kept}

    def pack(self, rows: Rows, file: str, instrument: int) -> tuple[Part, list[Chunk]]:
        """Return rows as runs of packed columns."""
        return chunked(rows, file, instrument)

    def add_part(self, stream: Stream, day: dt.date, file: str, data: list[Chunk]) -> None:
        """Keep a part."""
        with self.guard:
            self._parts.setdefault((stream, day), {})[file] = data

    def remove_parts(self, stream: Stream, day: dt.date, files: Collection[str]) -> None:
        """Forget parts that no manifest names."""
        for file in files:
            self._parts.get((stream, day), {}).pop(file, None)

    def open_part(self, stream: Stream, day: dt.date, part: Part, form: Form) -> ChunkedPart:
        """Open a part."""
        chunks = self._parts.get((stream, day), {}).get(part.file)
        if chunks is None:
            raise PartGone
        place = self.place(stream, day, part.file)
        return ChunkedPart(
            part,
            form,
            lambda from_ns, to_ns: (unpacked(place, one.crc32, one.data) for one in touching(chunks, from_ns, to_ns)),
        )

    def has_part(self, stream: Stream, day: dt.date, file: str) -> bool:
        """Say whether a part is there."""
        return file in self._parts.get((stream, day), {})

    def check_part(self, stream: Stream, day: dt.date, part: Part) -> None:
        """Compare every byte of a part with its checksum."""
        place = self.place(stream, day, part.file)
        chunks = self._parts.get((stream, day), {}).get(part.file)
        if chunks is None:
            raise missing_part(place)
        for chunk in chunks:
            unpacked(place, chunk.crc32, chunk.data)
        if crc_of(chunk.crc32 for chunk in chunks) != part.crc32:
            raise CorruptPart(f"{place} is not what its manifest means: import that day again")

    def recover(self) -> tuple[Recovery, int]:
        """Look at what another store left."""
        contents = [segment.content for segment in self._segments.values()]
        return counted(contents, 0, ())

    def segments(self) -> list[str]:
        """Return the names of the segments."""
        with self.guard:
            return sorted(self._segments)

    def new_segment(self, next_seq: int) -> MemorySegment:
        """Begin a segment."""
        with self.guard:
            self._begun += 1
            segment = MemorySegment(f"segment-{self._begun:08d}", next_seq)
            self._segments[segment.name] = segment
            return segment

    def read_segment(
        self, name: str, stream: Asked = None, from_ns: int | None = None, to_ns: int | None = None
    ) -> Content:
        """Return what a segment holds."""
        segment = self._segments.get(name)
        if segment is None:
            raise StoreError(f"{name} has been sealed meanwhile")
        held = segment.content
        heard = [one for one in list(held.heard) if one.stream.is_of(stream) and _touches(one, from_ns, to_ns)]
        gaps = [one for one in list(held.gaps) if one.stream.is_of(stream)]
        heard = [Heard(one.stream, one.instrument, one.first_seq, dict(one.columns)) for one in heard]
        return Content(first_seq=held.first_seq, next_seq=held.next_seq, heard=heard, gaps=gaps, damage=[])

    def has_segment(self, name: str) -> bool:
        """Say whether a segment is there."""
        return name in self._segments

    def delete_segment(self, name: str) -> None:
        """Forget a segment."""
        with self.guard:
            self._segments.pop(name, None)

    def segment_place(self, name: str) -> str:
        """Return the name of a segment."""
        return name

    def definitions(self) -> Mapping[str, bytes]:
        """Return the definitions of every instrument."""
        with self.guard:
            return {f"{venue}:{symbol}": data for (venue, symbol), data in self._definitions.items()}

    def read_definitions(self, venue: str, symbol: str) -> tuple[str, bytes] | None:
        """Return the definitions of one instrument."""
        data = self._definitions.get((venue, symbol))
        return None if data is None else (f"{venue}:{symbol}", data)

    def write_definitions(self, venue: str, symbol: str, data: bytes) -> None:
        """Replace the definitions of an instrument."""
        with self.guard:
            self._definitions[venue, symbol] = data

    def forget_definitions(self, venue: str, symbol: str) -> None:
        """Remove the definitions of an instrument."""
        with self.guard:
            self._definitions.pop((venue, symbol), None)

    def read_note(self, name: str) -> bytes | None:
        """Return a small text."""
        return self._notes.get(name)

    def write_note(self, name: str, data: bytes) -> None:
        """Replace a small text."""
        self._notes[name] = data

    def frames(self, settings: Settings) -> _Frames:
        """Return what keeps frames that could not be parsed."""
        return _Frames(self, settings)

    def kept_frames(self, most: int) -> Unreadable:
        """Return the newest frames that are kept."""
        with self.guard:
            kept = list(self.kept)
            return Unreadable(
                frames=tuple(kept[::-1][:most]),
                counts=dict(sorted(self.counts.items())),
                kept=len(kept),
                bytes=sum(len(frame.data) for frame in kept),
                dropped=self.counts.total() - len(kept),
            )

    def free_bytes(self) -> None:
        """Nobody says how much memory may be taken."""

    def raw_parts(self) -> list[RawPart]:
        """Return the texts that are kept as they came."""
        with self.guard:
            return [part for part, _ in self._raw.values()]

    def write_raw(self, part: RawPart, pieces: Iterable[bytes]) -> bool:
        """Keep a text."""
        if part.sha256 in self._raw:
            return False
        text = b"".join(pieces)
        if hashlib.sha256(text).hexdigest() != part.sha256:
            raise StoreError(f"{part.name} changed while it was read: import it again")
        self._raw[part.sha256] = (msgspec.structs.replace(part, text_bytes=len(text), bytes=len(text)), text)
        return True

    def raw_text(self, part: RawPart) -> bytes:
        """Return a kept text."""
        return self._raw[part.sha256][1]


def _touches(one: Heard, from_ns: int | None, to_ns: int | None) -> bool:
    if from_ns is None or to_ns is None:
        return True
    time = one.columns[form_of(one.stream.tape).time]
    return bool(int(time.max()) >= from_ns and int(time.min()) < to_ns)
