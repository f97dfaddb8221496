"""How rows come into a day: what is known already is recognised, the rest becomes one more part.

Seal and import share this way, so that both keep the same promises.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.trades import I64
from footloom.errors import CorruptPart, StoreError
from footloom.store._reports import PartReport, Settings, SourceInfo
from footloom.store.columns import Columns, Form, form_of, has_id, length, take
from footloom.store.grid import common_instrument, regrid
from footloom.store.layout import Stream
from footloom.store.manifest import JOURNAL, Catalog, Manifest, Source, Span, covers, has_free_rows
from footloom.store.medium import Rows
from footloom.store.merge import Met, meet
from footloom.store.notes import Note
from footloom.store.parts import Part
from footloom.store.pieces import part_rows

__all__ = ("Arrival", "Intake", "Plan", "Seen")

_FACTS = frozenset(("ts_exch_ns", "price_tick", "qty_lot", "side", "trade_id", "ts_recv_ns", "flags"))


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one tape and one day that ask to be stored, in the ordering key and each once in itself.

    ``row`` holds each row's number in its file; None where only the range of the whole block is known. ``live`` are
    (first, last) times of rows without ids that wait in the journal. ``sealed_seq`` is the last ingest sequence of the
    journal segment that the rows come from. ``window`` is a stretch of time in which their file tells everything; then
    ``foreign`` are the times of the day's stored rows in it.
    """

    stream: Stream
    day: dt.date
    instrument: Instrument
    columns: Columns
    source: SourceInfo
    row: I64 | None = None
    notes: Sequence[Note] = ()
    live: Sequence[Seen] = ()
    sealed_seq: int = 0
    window: Span | None = None
    foreign: I64 | None = None


class Seen(msgspec.Struct, frozen=True):
    """Rows of another origin, as far as it matters whether new rows may overlap them."""

    name: str
    span: Span
    ids: bool


class Plan(msgspec.Struct, frozen=True):
    """What shall be written for an arrival; ``data`` is None where there is no new row."""

    manifest: Manifest
    report: PartReport
    part: Part | None = None
    data: Any = None
    changed: bool = True


class Intake:
    """Takes arrivals into days."""

    def __init__(self, catalog: Catalog, settings: Settings) -> None:
        self._catalog = catalog
        self._settings = settings

    def plan(self, arrival: Arrival) -> Plan:
        """Return what shall be written; nothing is written yet.

        Raises
        ------
        StoreError
            Rows without ids overlap rows of another source.
        """
        stream = arrival.stream
        before = self._catalog.read(stream, arrival.day) or Manifest(**stream._asdict(), day=arrival.day)
        form = form_of(stream.tape)
        columns, known = _not_yet_taken(form, arrival, before.source(arrival.source.file_sha256))
        _refuse_overlap(form, arrival, columns, before)
        met = self._met(form, arrival, columns, before)
        report = PartReport(int(met.keep.sum()) - met.hidden, known + met.duplicates, met.conflicts)
        if not length(columns) and known:
            return Plan(before, report, changed=False)
        return self._written(form, arrival, columns, before, met, report)

    # Rows whose id is in a part already; parts whose ids lie elsewhere are not even opened.
    def _met(self, form: Form, arrival: Arrival, columns: Columns, before: Manifest) -> Met:
        nothing = Met(np.ones(length(columns), np.bool_), 0, 0, 0)
        numbered = columns["trade_id"][has_id(columns)] if form.numbered else np.zeros(0, np.int64)
        if not len(numbered):
            return nothing
        low, high = int(numbered.min()), int(numbered.max())
        near = [part for part in before.parts if _may_share(part, low, high, before, arrival.instrument)]
        if not near:
            return nothing
        grid = common_instrument([*(before.instruments[part.instrument] for part in near), arrival.instrument])
        try:
            stored = part_rows(self._catalog.medium, before, near, grid, _FACTS)
        except CorruptPart:
            if arrival.source.kind != JOURNAL:
                raise
            return nothing  # damage must not keep what was heard live out of the parts; reading compares again
        return meet(regrid(form, columns, arrival.instrument, grid), stored)

    def _written(
        self, form: Form, arrival: Arrival, columns: Columns, before: Manifest, met: Met, report: PartReport
    ) -> Plan:
        after = before.with_notes(arrival.notes)
        if length(columns):
            time = columns[form.time]
            span = (int(time[0]), int(time[-1]))
            ids = bool(has_id(columns).all())
            after = _with_source(after, arrival, report.rows, span, ids=ids)
        sealed_seq = max(after.sealed_seq, arrival.sealed_seq)
        after = msgspec.structs.replace(after, sealed_seq=sealed_seq, hidden=after.hidden + met.hidden)
        if not met.keep.any():
            return Plan(after, report, changed=after != before)
        after, number = after.with_instrument(arrival.instrument)
        kept = columns if met.keep.all() else take(columns, met.keep)
        file = f"part-{after.generation:04d}-{after.next_part:06d}.parquet"
        rows = Rows(form, arrival.instrument, arrival.stream.tape, kept, self._settings.row_group_rows)
        part, data = self._catalog.medium.pack(rows, file, number)
        after = msgspec.structs.replace(after, parts=(*after.parts, part), next_part=after.next_part + 1)
        return Plan(after, report, part, data)

    def carry_out(self, plan: Plan) -> PartReport:
        """Write what was planned: the part first, then the manifest that names it."""
        if plan.part is not None and plan.data is not None:
            self._catalog.medium.add_part(plan.manifest.stream, plan.manifest.day, plan.part.file, plan.data)
        if plan.changed:
            self._catalog.publish(plan.manifest)
        return plan.report


def _may_share(part: Part, low: int, high: int, manifest: Manifest, instrument: Instrument) -> bool:
    if part.min_id is None or part.max_id is None or part.min_id > high or part.max_id < low:
        return False
    return manifest.instruments[part.instrument].contract_multiplier == instrument.contract_multiplier


# The rows that this file has not brought yet, and the number of the others. Rows with ids are all asked for again:
# their ids tell, and a reader of the file that has learned to see more rows may bring them.
def _not_yet_taken(form: Form, arrival: Arrival, source: Source | None) -> tuple[Columns, int]:
    columns, asked = arrival.columns, arrival.source.rows
    if arrival.window is not None and arrival.row is not None:
        asked = (int(arrival.row.min()), int(arrival.row.max()) + 1) if len(arrival.row) else asked
    by_id = has_id(columns)
    if source is None or arrival.source.kind == JOURNAL or has_free_rows(source.ranges, asked) or by_id.all():
        return columns, 0
    if covers(source.ranges, asked) and arrival.window is None:
        return take(columns, by_id), int((~by_id).sum())
    if arrival.row is None:
        raise StoreError(
            f"rows {asked[0]} to {asked[1] - 1} of {arrival.source.name} were taken in part before, and rows of "
            f"{form.name} cannot say which: import the whole file again with the blocks of the first time"
        )
    taken = np.zeros(length(columns), np.bool_)
    for start, stop in source.ranges:
        taken |= (arrival.row >= start) & (arrival.row < stop)
    taken &= ~by_id
    return take(columns, ~taken), int(taken.sum())


# A row without an id cannot be told from a row of another source: where both may hold the same trade, nobody knows.
def _refuse_overlap(form: Form, arrival: Arrival, columns: Columns, before: Manifest) -> None:
    if not length(columns) or arrival.source.kind == JOURNAL:
        return
    if arrival.window is not None:
        _refuse_rows_within(arrival, before)
        return
    time = columns[form.time]
    first, last = int(time[0]), int(time[-1])
    ids = bool(has_id(columns).all())
    others = [s for s in before.sources if s.sha256 != arrival.source.file_sha256]
    seen = [Seen(s.name, span, s.ids) for s in others for span in s.spans] + list(arrival.live)
    for other in seen:
        if (ids and other.ids) or other.span[1] < first or other.span[0] > last:
            continue
        bare = arrival.source.name if not ids else other.name
        raise StoreError(
            f"{arrival.source.name} overlaps {other.name} on {arrival.stream} {arrival.day}: it holds {first} to "
            f"{last} ns, stored are {other.span[0]} to {other.span[1]} ns, and rows of {bare} have no ids, so nobody "
            "can say which are the same. Import only one of them, or put one on a tape of its own (partial:NAME)"
        )


# A file that tells everything of a window may fill it where nothing of another source lies in it. What it has brought
# there itself lies within the spans that were noted then.
def _refuse_rows_within(arrival: Arrival, before: Manifest) -> None:
    times = np.zeros(0, np.int64) if arrival.foreign is None else arrival.foreign
    own = before.source(arrival.source.file_sha256)
    for first, last in own.spans if own else ():
        times = times[(times < first) | (times > last)]
    if len(times):
        first, stop = arrival.window or (0, 0)
        raise StoreError(
            f"{arrival.source.name} shall fill {arrival.stream} {arrival.day} from {first} to {stop} ns, but "
            f"{len(times)} rows lie there, the first at {int(times[0])} ns: fill the windows that free_windows names"
        )


def _with_source(manifest: Manifest, arrival: Arrival, rows: int, span: Span, *, ids: bool) -> Manifest:
    if arrival.window is None or arrival.row is None:
        return manifest.with_source(arrival.source, rows, span, ids=ids)
    for number, run in enumerate(_runs(arrival.row)):
        info = msgspec.structs.replace(arrival.source, rows=run)
        counted = rows if number == 0 else 0
        manifest = manifest.with_source(info, counted, span, ids=ids, window=arrival.window)
    return manifest


# Row numbers as half-open ranges.
def _runs(row: I64) -> list[Span]:
    ordered = np.sort(row)
    cuts = np.flatnonzero(np.diff(ordered) > 1) + 1
    pieces = np.split(ordered, cuts)
    return [(int(piece[0]), int(piece[-1]) + 1) for piece in pieces if len(piece)]
