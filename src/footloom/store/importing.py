"""Finished rows on their way into the days that they belong to."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from typing import Self

import msgspec
import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.trades import I64
from footloom.errors import NotStored, StoreError
from footloom.store._reports import PartReport, Settings, SourceInfo, Storable
from footloom.store.columns import Columns, columns_of, concat, form_of, has_id, length, take
from footloom.store.days import day_of, split_days
from footloom.store.healing import REACH_NS, proven_whole
from footloom.store.intake import Arrival, Intake, Seen
from footloom.store.journal import read_journal
from footloom.store.layout import Stream, is_partial
from footloom.store.manifest import Catalog, Manifest, Span
from footloom.store.medium import Medium
from footloom.store.merge import NEEDED, Merged, merge
from footloom.store.notes import Note, in_order, still_open
from footloom.store.reading import Reader

__all__ = ("Import", "Importer")

_LONGEST_NS = 2 * 86_400_000_000_000  # longer gaps are not looked through with every block that touches them
_ROW = "row"  # a passing column: each row's number in its file


class Import(msgspec.Struct, frozen=True):
    """Finished rows of one tape, in the ordering key and each once, and what their source says of gaps."""

    stream: Stream
    instrument: Instrument
    source: SourceInfo
    merged: Merged
    notes: Sequence[Note]
    window: Span | None = None

    @classmethod
    def of(cls, block: Storable, source: SourceInfo | None, notes: Sequence[Note], window: Span | None = None) -> Self:
        """Return a block as it shall be stored.

        Raises
        ------
        StoreError
            It holds rows that no tape takes.
        """
        stream = Stream.of(block.instrument, block.tape)
        columns = columns_of(block)
        info = source or _own_source(columns)
        rows = _row_numbers(stream, columns, info)
        merged = merge(form_of(stream.tape), columns if rows is None else columns | {_ROW: rows})
        one = cls(stream, block.instrument, info, merged, notes, window)
        if window is not None:
            _check_window(one, window, has_rows=rows is not None)
        return one

    @property
    def time(self) -> I64:
        """What the rows are filed under, ascending."""
        column: I64 = self.merged.columns[form_of(self.stream.tape).time]
        return column

    def days(self) -> dict[dt.date, tuple[Columns, list[Note]]]:
        """Return rows and gap records by day."""
        day = day_of(self.instrument)
        columns = self.merged.columns
        nothing = take(columns, slice(0, 0))
        days = {date: (take(columns, rows), list[Note]()) for date, rows in split_days(self.time, day)}
        for note in self.notes:
            days.setdefault(day(note.gap.from_ns), (nothing, []))[1].append(note)
        return days


class Importer:
    """Takes imports into days. The caller holds the lock of the parts."""

    def __init__(self, medium: Medium, catalog: Catalog, intake: Intake, settings: Settings) -> None:
        self._medium = medium
        self._catalog = catalog
        self._intake = intake
        self._reader = Reader(medium, settings, catalog)

    def take(self, wanted: Import) -> PartReport:
        """Store rows by day, and close the gaps that they fill.

        Raises
        ------
        StoreError
            They cannot be written, or nobody could say which of them are stored already: nothing is stored then.
        """
        live = self._waiting(wanted)
        arrivals = []
        for day, (columns, notes) in wanted.days().items():
            chosen = dict(columns)
            arrivals.append(
                Arrival(
                    stream=wanted.stream,
                    day=day,
                    instrument=wanted.instrument,
                    columns=chosen,
                    source=wanted.source,
                    row=chosen.pop(_ROW, None),
                    notes=notes,
                    live=live,
                    window=wanted.window,
                    foreign=self._within(wanted, day),
                )
            )
        plans = [self._intake.plan(arrival) for arrival in arrivals]  # refusals come before anything is written
        # The newest day first: a gap closes on the day on which it began, and may end on a later one. If this is cut
        # off, none is closed whose rows are not there.
        newest_first = sorted(zip(arrivals, plans, strict=True), key=lambda pair: pair[0].day, reverse=True)
        reports = [self._intake.carry_out(plan) for _, plan in newest_first]
        self._heal(wanted, [arrival.day for arrival in arrivals])
        return PartReport(
            sum(report.rows for report in reports),
            sum(report.duplicates for report in reports) + wanted.merged.duplicates,
            sum(report.conflicts for report in reports) + wanted.merged.conflicts,
        )

    # What waits in the journal for a tape, as far as new rows may not overlap it.
    def _waiting(self, wanted: Import) -> list[Seen]:
        time = form_of(wanted.stream.tape).time
        if not len(wanted.time):
            return []
        first, last = int(wanted.time[0]), int(wanted.time[-1])
        return [
            Seen(
                "the journal",
                (int(heard.columns[time].min()), int(heard.columns[time].max())),
                bool(has_id(heard.columns).all()),
            )
            for content in read_journal(self._medium, wanted.stream, first, last + 1)
            for heard in content.heard
        ]

    # The times of a day's stored rows in the window that shall be filled.
    def _within(self, wanted: Import, day: dt.date) -> I64 | None:
        if wanted.window is None:
            return None
        try:
            asked = self._reader.day(wanted.stream, day)
        except NotStored:
            return None
        first, stop = wanted.window
        return self._reader.times(msgspec.structs.replace(asked, from_ns=first, to_ns=stop))

    # Gaps that begin on the days of the rows, or the day before, and are whole now by the ids of what is stored.
    def _heal(self, wanted: Import, days: Sequence[dt.date]) -> None:
        if not form_of(wanted.stream.tape).numbered or is_partial(wanted.stream.tape) or not len(wanted.time):
            return
        notes = self._notes(wanted.stream, days)
        first, last = int(wanted.time[0]), int(wanted.time[-1])
        own = {note.gap for note in wanted.notes}  # what the source itself tells is not for its rows to deny
        filled = [
            gap
            for gap in still_open(notes)
            if gap not in own and gap.from_ns <= last and gap.to_ns >= first and gap.to_ns - gap.from_ns <= _LONGEST_NS
        ]
        day = day_of(wanted.instrument)
        for gap in proven_whole(self._around(wanted.stream, filled), filled):
            date = day(gap.from_ns)
            manifest = self._catalog.read(wanted.stream, date) or Manifest(**wanted.stream._asdict(), day=date)
            self._catalog.publish(manifest.with_notes([msgspec.structs.replace(notes[-1], gap=gap, heard=False)]))

    def _around(self, stream: Stream, gaps: Sequence[Gap]) -> Columns:
        if not gaps:
            return {}
        begin = min(gap.from_ns for gap in gaps) - REACH_NS
        end = max(gap.to_ns for gap in gaps) + REACH_NS
        try:
            asked = self._reader.range(stream, begin, end + 1)
        except NotStored:
            return {}
        chunks = list(self._reader.chunks(asked, NEEDED))
        return concat(chunks) if chunks else {}

    def _notes(self, stream: Stream, days: Sequence[dt.date]) -> list[Note]:
        near = sorted({day - dt.timedelta(days=back) for day in days for back in (0, 1)})
        manifests = [self._catalog.read(stream, day) for day in near]
        notes = [note for manifest in manifests if manifest for note in manifest.gap_notes]
        heard = [found.note for content in read_journal(self._medium, stream, 0, 0) for found in content.gaps]
        return in_order([*notes, *heard])


def _check_window(wanted: Import, window: Span, *, has_rows: bool) -> None:
    first, stop = window
    if len(wanted.time) and (int(wanted.time[0]) < first or int(wanted.time[-1]) >= stop):
        raise StoreError(
            f"rows of {wanted.source.name} from {int(wanted.time[0])} to {int(wanted.time[-1])} ns do not lie in the "
            f"window from {first} to {stop} ns that they shall fill: give the store what lies in it"
        )
    if not has_rows:
        raise StoreError(f"rows of {wanted.source.name} fill a window only where each one's number is known")


# Rows that come without a source are their own: the same rows again change nothing.
def _own_source(columns: Columns) -> SourceInfo:
    digest = hashlib.blake2b(digest_size=32)
    for name, values in columns.items():
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    rows = (0, length(columns))
    if "trade_id" in columns and not has_id(columns).all():
        rows = (int(columns["trade_id"].min()), int(columns["trade_id"].max()) + 1)
    return SourceInfo(digest.hexdigest(), "rows from memory", rows, "memory")


# Each row's number in its file; None where only the range of the block is known.
def _row_numbers(stream: Stream, columns: Columns, source: SourceInfo) -> I64 | None:
    first, stop = source.rows
    if form_of(stream.tape).numbered:
        rows: I64 = columns["trade_id"]
        outside = ~has_id(columns) & ((rows < first) | (rows >= stop))
        if outside.any():
            raise StoreError(
                f"a row of {stream} without an id must carry its row number in {source.name}, from {first} to "
                f"{stop - 1}, as trade_id: got {int(rows[outside][0])}"
            )
        return rows
    return np.arange(first, stop, dtype=np.int64) if stop - first == length(columns) else None
