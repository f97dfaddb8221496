"""What a day holds: one small file that is replaced whole, and is the only truth about its parts."""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Sequence

import msgspec

from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.errors import CorruptPart, StoreError
from footloom.store._reports import SourceInfo
from footloom.store.layout import MANIFEST, Stream
from footloom.store.medium import Medium
from footloom.store.notes import Note, known_with
from footloom.store.parts import Part
from footloom.typed import from_json

__all__ = ("JOURNAL", "Catalog", "Manifest", "Source", "Span", "add_span", "covers", "has_free_rows")

_VERSION = 2  # 1 kept gaps without their place
JOURNAL = "journal"  # the kind of rows that were heard live

Span = tuple[int, int]


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where rows of a day come from.

    ``ranges`` are half-open ranges of the file's row numbers that were taken, ascending and apart. ``spans`` are the
    first and last time of each run of rows. ``ids`` says that every row carries the venue's id.
    """

    sha256: str
    name: str
    kind: str
    ids: bool
    rows: int
    ranges: tuple[Span, ...] = ()
    spans: tuple[Span, ...] = ()


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of one tape on one day.

    ``sealed_seq`` is the last ingest sequence that came here from the journal: what a journal segment holds up to it is
    in the parts. ``hidden`` counts rows of its parts that a better witness in another part stands before; compaction
    drops them. ``next_part`` numbers parts; a number is never used twice.
    """

    version: int = _VERSION
    venue: str
    symbol: str
    tape: str
    day: dt.date
    generation: int = 1
    next_part: int = 1
    sealed_seq: int = 0
    hidden: int = 0
    parts: tuple[Part, ...] = ()
    instruments: tuple[Instrument, ...] = ()
    sources: tuple[Source, ...] = ()
    gaps: tuple[Gap, ...] = ()  # of version 1
    notes: tuple[Note, ...] = ()

    @property
    def gap_notes(self) -> tuple[Note, ...]:
        """Every record of a gap that begins on this day, in the order in which they were made."""
        return (*(Note(gap=gap) for gap in self.gaps), *self.notes)

    @property
    def stream(self) -> Stream:
        """The tape."""
        return Stream(self.venue, self.symbol, self.tape)

    @property
    def rows(self) -> int:
        """Distinct rows in the parts."""
        return sum(part.rows for part in self.parts) - self.hidden

    def with_instrument(self, instrument: Instrument) -> tuple[Manifest, int]:
        """Return the manifest that knows an instrument, and the instrument's number in it."""
        if instrument in self.instruments:
            return self, self.instruments.index(instrument)
        new = msgspec.structs.replace(self, instruments=(*self.instruments, instrument))
        return new, len(self.instruments)

    def with_notes(self, notes: Sequence[Note]) -> Manifest:
        """Return the manifest with more gap records; one that is known is not listed twice."""
        if not notes:
            return self
        return msgspec.structs.replace(self, version=_VERSION, gaps=(), notes=known_with(self.gap_notes, notes))

    def with_source(
        self, info: SourceInfo, rows: int, span: Span, *, ids: bool, window: Span | None = None
    ) -> Manifest:
        """Return the manifest after rows of a source were taken; a window keeps its span apart from others."""
        new = Source(sha256=info.file_sha256, name=info.name, kind=info.kind, ids=ids, rows=rows, spans=(span,))
        old = self.source(info.file_sha256)
        if old is not None:
            spans = (*old.spans, span) if info.kind == JOURNAL else _spans_with(old.spans, span, window)
            new = msgspec.structs.replace(
                new, name=old.name, ids=ids and old.ids, rows=rows + old.rows, ranges=old.ranges, spans=spans
            )
        new = msgspec.structs.replace(new, ranges=add_span(new.ranges, info.rows))
        every = [new if source.sha256 == info.file_sha256 else source for source in self.sources]
        return msgspec.structs.replace(self, sources=tuple(every) if old is not None else (*every, new))

    def source(self, sha256: str) -> Source | None:
        """Return a source by its hash."""
        return next((source for source in self.sources if source.sha256 == sha256), None)


# A file is one run of rows, or one run in each window that it has filled.
def _spans_with(spans: tuple[Span, ...], new: Span, window: Span | None) -> tuple[Span, ...]:
    if window is None:
        return (_hull(*spans, new),) if len(spans) == 1 else (*spans, new)
    within = [span for span in spans if window[0] <= span[0] and span[1] < window[1]]
    return (*(span for span in spans if span not in within), _hull(*within, new))


def _hull(*spans: Span) -> Span:
    return min(first for first, _ in spans), max(last for _, last in spans)


def add_span(spans: tuple[Span, ...], new: Span) -> tuple[Span, ...]:
    """Return half-open ranges with one more, joined where they touch.

    Examples
    --------
    >>> add_span(((0, 5), (9, 12)), (5, 9))
    ((0, 12),)
    """
    joined: list[Span] = []
    for start, stop in sorted((*spans, new)):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
        elif stop > start:
            joined.append((start, stop))
    return tuple(joined)


def covers(spans: tuple[Span, ...], asked: Span) -> bool:
    """Say whether half-open ranges hold all of another."""
    return any(start <= asked[0] and asked[1] <= stop for start, stop in spans)


def has_free_rows(spans: tuple[Span, ...], asked: Span) -> bool:
    """Say whether half-open ranges hold nothing of another."""
    return all(stop <= asked[0] or asked[1] <= start for start, stop in spans)


class _File(msgspec.Struct):
    crc32: int
    manifest: msgspec.Raw


class Catalog:
    """The manifests of a store. Within `staged`, what is published becomes visible to others only at the end."""

    def __init__(self, medium: Medium) -> None:
        self.medium = medium
        self._staged: dict[tuple[Stream, dt.date], Manifest] | None = None

    @property
    def is_staging(self) -> bool:
        """Whether a transaction is open."""
        return self._staged is not None

    def read(self, stream: Stream, day: dt.date) -> Manifest | None:
        """Return the manifest of a day; None where the day has none.

        Raises
        ------
        CorruptPart
            The file is damaged, or belongs to another tape or day.
        StoreError
            It was written by a newer footloom.
        """
        if self._staged is not None and (stream, day) in self._staged:
            return self._staged[stream, day]
        data = self.medium.read_manifest(stream, day)
        if data is None:
            return None
        place = self.medium.place(stream, day, MANIFEST)
        manifest = _decode(place, data)
        if (manifest.stream, manifest.day) != (stream, day):
            raise CorruptPart(
                f"{place} is the manifest of {manifest.stream} {manifest.day}, expected {stream} {day}: "
                "two symbols whose names differ only in case need a file system that tells them apart"
            )
        return manifest

    def publish(self, manifest: Manifest) -> None:
        """Make a manifest the truth about its day, and sweep files that it does not name."""
        if self._staged is not None:
            self._staged[manifest.stream, manifest.day] = manifest
            return
        self.medium.write_manifest(manifest.stream, manifest.day, _encode(manifest))
        self.sweep(manifest)

    def sweep(self, manifest: Manifest) -> None:
        """Remove the parts of a day that its manifest does not name: left by a kill, or by compaction."""
        self.medium.sweep(manifest.stream, manifest.day, manifest.parts)

    def begin(self) -> None:
        """Keep what is published to ourselves from here on."""
        if self._staged is not None:
            raise StoreError("a transaction is open already: finish it first")
        self._staged = {}

    def commit(self) -> None:
        """Publish what was kept: the newest day first, for a gap is closed on its first day (`Importer.take`)."""
        staged, self._staged = self._staged or {}, None
        for manifest in sorted(staged.values(), key=lambda manifest: manifest.day, reverse=True):
            self.publish(manifest)

    def roll_back(self) -> None:
        """Forget what was kept, and its parts."""
        staged, self._staged = self._staged or {}, None
        for (stream, day), manifest in staged.items():
            old = self.read(stream, day)
            kept = {part.file for part in old.parts} if old else set()
            self.medium.remove_parts(stream, day, {part.file for part in manifest.parts} - kept)


def _encode(manifest: Manifest) -> bytes:
    body = msgspec.json.encode(manifest)
    return msgspec.json.encode(_File(zlib.crc32(body), msgspec.Raw(body)))


def _decode(path: str, data: bytes) -> Manifest:
    cure = "restore it from a backup, or remove its day's folder and import that day again"
    try:
        file = from_json(data, _File)
        found = zlib.crc32(file.manifest)
        if found != file.crc32:
            raise CorruptPart(f"{path} is damaged: crc32 {found}, expected {file.crc32}; {cure}")
        version = from_json(file.manifest, _Versioned).version
        if version > _VERSION:
            raise StoreError(
                f"{path} has version {version}, this program knows up to {_VERSION}: "
                "use the newer footloom that wrote it"
            )
        return from_json(file.manifest, Manifest)
    except msgspec.MsgspecError as error:
        raise CorruptPart(f"{path} is damaged: {error}; {cure}") from error


class _Versioned(msgspec.Struct):
    version: int
