"""The one who writes: journal, parts and what runs in the background."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.errors import StoreError
from footloom.store._reports import Compaction, PartReport, Recordable, Removed, Settings, SourceInfo, Storable, Watch
from footloom.store.appended import Appended
from footloom.store.columns import Columns, bounds, columns_of, form_of, has_id
from footloom.store.compact import add_up, compact_day, compact_tail
from footloom.store.days import day_of
from footloom.store.importing import Import, Importer
from footloom.store.instruments import InstrumentBook
from footloom.store.intake import Intake, Seen
from footloom.store.journal import Journal
from footloom.store.layout import BOOKS, OWN_GRID, Stream, is_finished
from footloom.store.manifest import JOURNAL, Catalog, Span
from footloom.store.medium import Medium, OpenSegment
from footloom.store.notes import Note
from footloom.store.quota import BookQuota
from footloom.store.removal import remove_tape
from footloom.store.seal import seal_segment
from footloom.store.segment import Content, Entry

__all__ = ("Writer",)

_MOST_HELD = 2  # of segments that wait to be sealed, which an import may keep waiting: the others are read back


class Writer:
    """Everything that changes a store.

    The journal, the parts with their manifests, and the instruments have a lock each, so that appending never waits for
    sealing or for an import.
    """

    def __init__(self, medium: Medium, settings: Settings, book: InstrumentBook) -> None:
        self._medium = medium
        self._settings = settings
        self._book = book
        self._catalog = Catalog(medium)
        self._intake = Intake(self._catalog, settings)
        self._importer = Importer(medium, self._catalog, self._intake, settings)
        self._journal_lock = threading.RLock()
        self._parts_lock = threading.RLock()
        self._book_lock = threading.Lock()
        self._known: set[Instrument] = set()
        self._defined: dict[Stream, Instrument] = {}  # found in `_known`, without comparing definitions
        self._bare: dict[tuple[Stream, dt.date], list[Seen]] = {}
        self._closing: list[Appended] = []
        self.seal_error: StoreError | None = None
        medium.sweep_removed()
        self.recovery, next_seq = medium.recover()
        if next_seq == 0 or self.recovery.quarantined:
            next_seq = max(next_seq, 1 + self._greatest_sealed_seq(), 1)
        self._journal = Journal(medium, settings, next_seq)
        self.frames = medium.frames(settings)
        self._quota = BookQuota(medium, settings)
        self._count_books()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="seal")
        self._thread.submit(self._seal_quietly)

    # Manifests remember sequences that the journal has forgotten. A row with a number below a day's high-water mark
    # would be taken for one that is sealed already, so numbers never start again.
    def _greatest_sealed_seq(self) -> int:
        found = 0
        for stream in self._medium.streams():
            for day in self._medium.days(stream):
                manifest = self._catalog.read(stream, day)
                found = max(found, manifest.sealed_seq if manifest else 0)
        return found

    def close(self) -> None:
        """Wait for the background and close the journal; what is not sealed stays in it."""
        self._thread.shutdown(wait=True)
        self.frames.close()
        with self._journal_lock:
            untold = self._quota.ended()
            with contextlib.suppress(StoreError):  # a disk that is full keeps this gap out; that it began is recorded
                if untold:
                    self._journal.append(untold)
            for one in self._closing:
                one.segment.close()
            self._journal.close()

    def abandon(self) -> None:
        """Stop the background, and write nothing more."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        self.frames.close()
        for segment in self._unsealed():
            segment.close()

    # --- live

    def append(self, items: Sequence[tuple[Recordable, Sequence[Gap]]]) -> int:
        """Make blocks durable in one commit; the ingest sequence of the last row."""
        every = [self._entry(block, gaps) for block, gaps in items]
        with self._journal_lock, self._quota.undone_on_error():
            entries = self._quota.admitted(every)
            if every and not entries:
                return self._journal.next_seq - 1
            if self._journal.has_other_grid(entries):
                self._roll()
            elif self._journal.is_full(entries):
                # Where a new segment cannot be made the old one goes on: rows come before order.
                with self._noting_trouble():
                    self._roll()
            last = self._journal.append(entries)
            self._quota.journal_bytes = sum(one.tape_bytes[tape] for one in self._unsealed() for tape in BOOKS)
            return last

    def watch(self) -> Watch:
        """Return how the disk and the quota of depth and quotes stand."""
        return self._quota.watch()

    def _unsealed(self) -> list[OpenSegment]:
        return [*(one.segment for one in self._closing), self._journal.segment]

    # What the parts of depth and quotes take; in between, the journal's bytes are added.
    def _count_books(self) -> None:
        manifests = [
            self._catalog.read(stream, day)
            for stream in self._medium.streams()
            if stream.tape in BOOKS
            for day in self._medium.days(stream)
        ]
        self._quota.sealed_bytes = sum(part.bytes for manifest in manifests if manifest for part in manifest.parts)

    def _roll(self) -> None:
        self._closing.append(self._journal.roll())
        for one in self._closing[:-_MOST_HELD]:
            one.forget()
        self._thread.submit(self._seal_quietly)

    # Trouble in the background must not stop the journal, which keeps the rows: it is told on request, and what failed
    # is tried again with the next segment.
    @contextlib.contextmanager
    def _noting_trouble(self) -> Iterator[None]:
        try:
            yield
        except StoreError as error:
            self.seal_error = error
        except Exception as error:  # noqa: BLE001 - a thread's error would be seen by nobody
            self.seal_error = StoreError(
                f"sealing into {self._medium.where} failed: {error!r}; the journal keeps the rows"
            )

    def _entry(self, block: Recordable, gaps: Sequence[Gap]) -> Entry:
        stream = Stream.of(block.instrument, block.tape)
        columns = columns_of(block)
        self._define(stream, block.instrument)
        if len(block):
            self._refuse_bare_overlap(stream, block.instrument, columns)
        return Entry(stream, block.instrument, columns, tuple(gaps))

    def _define(self, stream: Stream, instrument: Instrument) -> None:
        if self._defined.get(stream) is instrument:
            return
        if instrument not in self._known and stream.tape not in OWN_GRID:
            with self._book_lock:
                self._book.put_if_new(instrument)
            self._known.add(instrument)
        self._defined[stream] = instrument

    # Rows that come live where a file's rows without ids lie, or without ids where any file's rows lie, might be the
    # same trades. What lies there is looked up once a day and tape, and again after every import.
    def _refuse_bare_overlap(self, stream: Stream, instrument: Instrument, columns: Columns) -> None:
        first, last = bounds(columns[form_of(stream.tape).time])
        day = day_of(instrument)
        begin, end = day(first), day(last)
        if begin == end and not self._files_on(stream, begin):
            return
        ids = bool(has_id(columns).all())
        for date in map(dt.date.fromordinal, range(begin.toordinal(), end.toordinal() + 1)):
            for other in self._files_on(stream, date):
                if not (ids and other.ids) and other.span[0] <= last and other.span[1] >= first:
                    raise StoreError(
                        f"rows of {stream} from {first} to {last} ns overlap {other.name}, stored from "
                        f"{other.span[0]} to {other.span[1]} ns, and without ids on both sides nobody can say which "
                        "are the same: record on a tape of its own (partial:NAME), or remove the import"
                    )

    def _files_on(self, stream: Stream, day: dt.date) -> list[Seen]:
        if (stream, day) not in self._bare:
            manifest = self._catalog.read(stream, day)
            files = [source for source in manifest.sources if source.kind != JOURNAL] if manifest else []
            self._bare[stream, day] = [Seen(source.name, span, source.ids) for source in files for span in source.spans]
        return self._bare[stream, day]

    # --- finished rows

    def write_part(
        self, block: Storable, source: SourceInfo | None, gaps: Sequence[Gap], window: Span | None = None
    ) -> PartReport:
        """Store finished rows by day."""
        with self._journal_lock:
            at_seq, order = self._journal.next_place
        notes = [Note(gap=gap, at_seq=at_seq, order=order) for gap in gaps]
        wanted = Import.of(block, source, notes, window)
        with self._parts_lock:
            if not is_finished(block.tape):
                self._define(wanted.stream, block.instrument)
            try:
                return self._importer.take(wanted)
            finally:
                self._bare.clear()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Publish what is written within at its end, or not at all."""
        with self._parts_lock:
            self._catalog.begin()
            try:
                yield
            except BaseException:
                self._catalog.roll_back()
                raise
            else:
                self._catalog.commit()
            finally:
                self._bare.clear()

    # --- sealing and compaction

    def seal(self) -> None:
        """Seal everything that the journal holds."""
        self._refuse_in_transaction("sealed")
        with self._journal_lock:
            if not self._journal.is_empty:
                self._closing.append(self._journal.roll())
        try:
            self._seal_finished()
        except StoreError as error:
            self.seal_error = error
            raise

    # A segment is deleted once its manifests are on the disk: within a transaction they are not.
    def _refuse_in_transaction(self, what: str) -> None:
        if self._catalog.is_staging and self._parts_lock.acquire(blocking=False):
            self._parts_lock.release()  # it is ours: the transaction is of this very thread
            raise StoreError(f"the store {self._medium.where} cannot be {what} within a transaction: end it first")

    def _seal_quietly(self) -> None:
        with self._noting_trouble():
            self._seal_finished()

    def _seal_finished(self) -> None:
        with self._parts_lock:
            self.seal_error = None
            newest = self._journal.name
            known: dict[str, Content | None] = {}
            while self._closing:
                ended = self._closing[0]
                ended.segment.close()
                known[ended.segment.name] = ended.content()
                self._closing.pop(0)
            for name in self._medium.segments():
                if name >= newest:
                    break
                taken = seal_segment(name, self._catalog, self._intake, known.pop(name, None))
                if any(stream.tape in BOOKS for stream, _ in taken):
                    self._count_books()
                for stream, day in taken:
                    with self._noting_trouble():  # the rows are sealed: scattered parts can wait
                        compact_tail(self._catalog, stream, day, self._settings)

    def compact(self, streams: Sequence[Stream]) -> Compaction:
        """Compact every day of some tapes, and sweep what a stop left."""
        self._refuse_in_transaction("compacted")
        with self._parts_lock:
            reports = []
            for stream in streams:
                for day in self._medium.days(stream):
                    report = compact_day(self._catalog, stream, day, self._settings)
                    manifest = self._catalog.read(stream, day)
                    if report is not None:
                        reports.append(report)
                    elif manifest is not None:
                        self._catalog.sweep(manifest)
            return add_up(reports)

    def remove(self, stream: Stream) -> Removed:
        """Remove a tape: what the journal holds of it is sealed first, so that all of it goes at once."""
        self._refuse_in_transaction("changed by removing a tape")
        with self._parts_lock:
            self.seal()
            try:
                with self._book_lock:
                    return remove_tape(self._catalog, stream)
            finally:
                self._known.clear()
                self._defined.clear()
                self._bare.clear()
                self._count_books()

    def put_instrument(self, instrument: Instrument) -> None:
        """Keep a definition."""
        with self._book_lock:
            self._book.put(instrument)
