"""A store over any medium: what is promised of stores is done here, once, for files, MongoDB and memory.

One process writes; any number read beside it. `footloom.store.Store` says what each method promises.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from footloom.core.finished import Finished
from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.series import Series, is_series
from footloom.errors import StoreError
from footloom.store._reports import (
    Block,
    Compaction,
    Coverage,
    Ingested,
    PartReport,
    Recordable,
    Recovery,
    Removed,
    Settings,
    SourceInfo,
    Storable,
    Unreadable,
    UnreadableFrame,
    Watch,
)
from footloom.store.columns import FINISHED, Columns, block_of, concat, form_of, wanted_columns
from footloom.store.grid import common_instrument
from footloom.store.ingest import ingested
from footloom.store.instruments import InstrumentBook
from footloom.store.inventory import inventory
from footloom.store.layout import Stream, is_finished, is_partial
from footloom.store.manifest import Catalog
from footloom.store.medium import Lock, Medium
from footloom.store.pieces import EVER
from footloom.store.prefetch import prefetched
from footloom.store.raw import RawPart
from footloom.store.reading import Reader
from footloom.store.windows import free_windows
from footloom.store.writing import Writer

__all__ = ("KeptStore",)


class KeptStore:
    """The tapes in a medium.

    Parameters
    ----------
    medium
        What they lie in.
    writer
        Take the writer's lock, make the store where there is none, and recover what a stop left in the journal.
    settings
        How it works; the defaults suit everything but tests.

    Raises
    ------
    StoreLocked
        Another process writes to it.
    StoreError
        The medium holds no store, or cannot be written to.
    """

    def __init__(self, medium: Medium, *, writer: bool = False, settings: Settings | None = None) -> None:
        self._settings = settings or Settings()
        self._medium = medium
        self._reader = Reader(medium, self._settings)
        self._book = InstrumentBook(medium)
        self._lock: Lock | None = None
        self._writer: Writer | None = None
        if writer:
            try:
                self._open_to_write()
            except BaseException:
                medium.close()
                raise

    def _open_to_write(self) -> None:
        self._medium.claim()
        self._lock = self._medium.lock()
        try:
            self._writer = Writer(self._medium, self._settings, self._book)
        except BaseException:
            self._lock.release()
            raise

    @property
    def medium(self) -> Medium:
        """What the tapes lie in."""
        return self._medium

    @property
    def where(self) -> str:
        """How messages call the store: its folder, or its address without a password."""
        return self._medium.where

    @property
    def scratch(self) -> Path:
        """A folder of this machine for files on their way into the store; it may be absent."""
        return self._medium.scratch

    @property
    def recovery(self) -> Recovery:
        """What was found in the journal when the store was opened for writing."""
        return self._writing().recovery

    @property
    def seal_error(self) -> StoreError | None:
        """Why the last sealing in the background failed, if it did; its rows are safe in the journal meanwhile."""
        return self._writing().seal_error

    def _writing(self) -> Writer:
        if self._writer is None:
            raise StoreError(f"the store {self.where} is open for reading only: open it with writer=True")
        return self._writer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Wait for what runs in the background and give the lock back; the journal keeps what is not sealed."""
        writer, self._writer = self._writer, None
        try:
            if writer is not None:
                writer.close()
        finally:
            if self._lock is not None:
                self._lock.release()
            self._medium.close()

    def abandon(self) -> None:
        """Leave the store as a kill does: nothing is sealed or told, and only the lock is given back."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.abandon()
        if self._lock is not None:
            self._lock.release()
        self._medium.close()

    def append(self, block: Recordable, gaps: Sequence[Gap] = ()) -> int:
        """Make rows durable and return the ingest sequence of the last one."""
        return self._writing().append([(block, gaps)])

    def append_many(self, items: Sequence[tuple[Recordable, Sequence[Gap]]]) -> int:
        """Make several blocks durable in one group commit, all or none; the ingest sequence of the last row."""
        return self._writing().append(items)

    def keep_unreadable(self, frames: Sequence[UnreadableFrame]) -> None:
        """Keep frames that could not be parsed; the oldest make room."""
        self._writing().frames.keep(frames)

    def quarantine(self, venue: str, frame: bytes, ts_recv_ns: int, why: str) -> bool:
        """Keep one frame that could not be parsed; False where that failed: a feed has nothing to do about it."""
        try:
            self.keep_unreadable([UnreadableFrame(venue, ts_recv_ns, why, frame)])
        except StoreError:
            return False
        return True

    def unreadable(self, most: int = 100) -> Unreadable:
        """Return the newest frames that could not be parsed, and how many there were."""
        return self._medium.kept_frames(most)

    def watch(self) -> Watch:
        """Return how the disk and the quota of depth and quotes stand."""
        return self._writing().watch()

    def write_part(
        self,
        block: Storable,
        source: SourceInfo | None = None,
        gaps: Sequence[Gap] = (),
        window: tuple[int, int] | None = None,
    ) -> PartReport:
        """Store finished rows by day; doing it twice changes nothing."""
        return self._writing().write_part(block, source, gaps, window)

    def free_windows(self, key: str, tape: str, from_ns: int, to_ns: int) -> list[tuple[int, int]]:
        """Return the stretches of ``[from_ns, to_ns)`` that rows without ids may fill."""
        return free_windows(self._reader, Stream.named(key, tape), from_ns, to_ns)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep everything that `write_part` stores within, or nothing where an error leaves the block.

        Readers see the days one after the other when the block ends.
        """
        with self._writing().transaction():
            yield

    def seal(self) -> None:
        """Turn the journal into parts, now."""
        self._writing().seal()

    def compact(self, key: str | None = None, tape: str | None = None) -> Compaction:
        """Rewrite days that lie in many parts, or hold rows twice, as few."""
        return self._writing().compact(self._streams(key, tape))

    def remove(self, key: str, tape: str) -> Removed:
        """Take everything that is stored of a tape out of the store, all or nothing."""
        return self._writing().remove(Stream.named(key, tape))

    def verify(self, key: str | None = None) -> int:
        """Compare every byte of every part with its checksum; the number of parts.

        Raises
        ------
        CorruptPart
            A part is missing or damaged.
        """
        count = 0
        catalog = Catalog(self._medium)
        for stream in self._streams(key, None):
            for day in self._medium.days(stream):
                manifest = catalog.read(stream, day)
                for part in manifest.parts if manifest else ():
                    self._medium.check_part(stream, day, part)
                    count += 1
        return count

    def _streams(self, key: str | None, tape: str | None) -> list[Stream]:
        every = self._medium.streams()
        return [stream for stream in every if key in (None, stream.key) and tape in (None, stream.tape)]

    def load(self, key: str, tape: str, from_ns: int, to_ns: int, columns: Collection[str] | None = None) -> Block:
        """Return the rows of ``[from_ns, to_ns)``, each once, in the ordering key."""
        wanted = wanted_columns(form_of(tape), columns)
        asked = self._reader.range(Stream.named(key, tape), from_ns, to_ns)
        chunks: list[Columns] = list(self._reader.chunks(asked, wanted))
        return self._reader.block(asked, concat(chunks) if chunks else {})

    def iter_chunks(
        self, key: str, tape: str, from_ns: int, to_ns: int, columns: Collection[str] | None = None
    ) -> Iterator[Block]:
        """Yield the same rows in consecutive blocks; the next one is decoded while the caller works on this one."""
        wanted = wanted_columns(form_of(tape), columns)
        asked = self._reader.range(Stream.named(key, tape), from_ns, to_ns)
        return prefetched(self._reader.block(asked, chunk) for chunk in self._reader.chunks(asked, wanted))

    def load_series(
        self, key: str, tape: str, from_ns: int, to_ns: int, columns: Collection[str] | None = None
    ) -> Series:
        """Return the rows of ``[from_ns, to_ns)`` of a series, such as ``depth``, in the order of their filing time."""
        wanted = wanted_columns(form_of(tape), columns)
        asked = self._reader.range(Stream.named(key, tape), from_ns, to_ns)
        chunks: list[Columns] = list(self._reader.chunks(asked, wanted))
        return self._reader.series(asked, concat(chunks) if chunks else {})

    def iter_series(
        self, key: str, tape: str, from_ns: int, to_ns: int, columns: Collection[str] | None = None
    ) -> Iterator[Series]:
        """Yield the same rows in consecutive pieces; the next one is decoded while the caller works on this one."""
        wanted = wanted_columns(form_of(tape), columns)
        asked = self._reader.range(Stream.named(key, tape), from_ns, to_ns)
        return prefetched(self._reader.series(asked, chunk) for chunk in self._reader.chunks(asked, wanted))

    def iter_ingest(self, key: str, tape: str, day: dt.date) -> Iterator[Ingested]:
        """Yield a day as it came in: rows by ingest sequence, gap records at their place among them."""
        return ingested(self._reader, Stream.named(key, tape), day, self._settings.row_group_rows)

    def gaps(self, key: str, tape: str, from_ns: int, to_ns: int) -> list[Gap]:
        """Return the gaps that touch ``[from_ns, to_ns)`` and are still open, in time order."""
        return self._reader.gaps(Stream.named(key, tape), from_ns, to_ns)

    def instruments(self) -> list[Instrument]:
        """Return every known instrument, as last defined."""
        return self._book.every()

    def instrument(self, key: str, at_ns: int | None = None) -> Instrument:
        """Return an instrument as it was defined at a time (last, if none is given)."""
        return self._book.get(key, at_ns)

    def grid(self, key: str, tape: str) -> Instrument:
        """Return the instrument as last defined, on the one grid that all rows of a tape and the next ones stand on."""
        stored = self._reader.range(Stream.named(key, tape), *EVER).instrument
        return common_instrument([stored, self.instrument(key)])

    def put_instrument(self, instrument: Instrument) -> None:
        """Keep a definition; one with the same effective date is replaced."""
        self._writing().put_instrument(instrument)

    def coverage(self, key: str | None = None) -> list[Coverage]:
        """Return what is stored, by key, tape and day, the journal included; only whole tapes are coverage."""
        every = inventory(self._medium, self._reader, key)
        return [one for one in every if not (is_partial(one.tape) or is_finished(one.tape) or is_series(one.tape))]

    def partials(self, key: str | None = None) -> list[Coverage]:
        """Return what is stored on partial tapes, which hold some trades of a stretch and never all."""
        return [one for one in inventory(self._medium, self._reader, key) if is_partial(one.tape)]

    def series(self, key: str | None = None) -> list[Coverage]:
        """Return what is stored beside trades and snapshots: quotes, depth, open interest, mark prices."""
        return [one for one in inventory(self._medium, self._reader, key) if is_series(one.tape)]

    def load_finished(self, key: str, name: str) -> Finished:
        """Return all finished footprints of a symbol that are stored under a name, in the order of their times."""
        asked = self._reader.range(Stream.named(key, name), *EVER)
        chunks: list[Columns] = list(self._reader.chunks(asked, wanted_columns(FINISHED, None)))
        block = block_of(FINISHED, asked.instrument, name, concat(chunks) if chunks else {})
        assert isinstance(block, Finished)
        return block

    def finished(self, key: str | None = None) -> list[Coverage]:
        """Return what is stored of finished footprints, whose rows are levels: no tape, and never coverage."""
        return [one for one in inventory(self._medium, self._reader, key) if is_finished(one.tape)]

    def note(self, name: str) -> bytes | None:
        """Return a small text that somebody keeps here, None where there is none."""
        return self._medium.read_note(name)

    def put_note(self, name: str, data: bytes) -> None:
        """Replace a small text, durably: how far a source has been taken, say."""
        self._writing()
        self._medium.write_note(name, data)

    def raw_parts(self, key: str | None = None) -> list[RawPart]:
        """Return the texts that are kept as they came, by key, kind and time."""
        found = (part for part in self._medium.raw_parts() if key in (None, part.key))
        return sorted(found, key=lambda part: (part.key, part.kind, part.first_ns))

    def write_raw(self, part: RawPart, pieces: Iterable[bytes]) -> bool:
        """Keep a text; False where it is there already."""
        self._writing()
        return self._medium.write_raw(part, pieces)

    def raw_text(self, part: RawPart) -> bytes:
        """Return a kept text."""
        return self._medium.raw_text(part)
