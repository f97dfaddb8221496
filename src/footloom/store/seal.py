"""A finished journal segment becomes parts.

All rows of a segment that belong to one tape and day go into one manifest at once, together with the segment's last
sequence. So a stop at any instant leaves each of them in exactly one place: a segment that is found again after its
rows went into a manifest brings nothing twice.
"""

from __future__ import annotations

import datetime as dt

import msgspec
import numpy as np

from footloom.core.instrument import Instrument
from footloom.errors import CorruptPart
from footloom.store._reports import SourceInfo
from footloom.store.columns import SEQ, Columns, concat, form_of, length, take
from footloom.store.days import day_of
from footloom.store.grid import common_instrument, regrid
from footloom.store.intake import Arrival, Intake
from footloom.store.layout import Stream
from footloom.store.manifest import JOURNAL, Catalog
from footloom.store.merge import merge
from footloom.store.notes import Note
from footloom.store.reading import pending_by_day
from footloom.store.segment import Content, Heard, HeardGap

__all__ = ("seal_segment",)


class _Day(msgspec.Struct):
    instrument: Instrument
    pieces: list[Columns]
    notes: list[Note]


def seal_segment(
    name: str, catalog: Catalog, intake: Intake, content: Content | None = None
) -> list[tuple[Stream, dt.date]]:
    """Move what a segment holds into parts, delete it, and return the days that took something.

    ``content`` is what it holds, None where that is not known: then it is read.

    Raises
    ------
    CorruptPart
        The segment is damaged; it stays as it is.
    StoreError
        A part or a manifest could not be written; the segment stays, and sealing can be tried again.
    """
    medium = catalog.medium
    content = content or medium.read_segment(name)
    if content.damage:
        raise CorruptPart(
            f"{medium.segment_place(name)} is damaged ({content.damage[0]}): close the store and open it for "
            "writing again"
        )
    days = _by_day(content)
    for (stream, day), one in days.items():
        _seal_day(catalog, intake, stream, day, one, content.next_seq - 1)
    medium.delete_segment(name)
    return list(days)


# Rows and gaps by tape and day, in the order in which they were heard.
def _by_day(content: Content) -> dict[tuple[Stream, dt.date], _Day]:
    days: dict[tuple[Stream, dt.date], _Day] = {}
    by_stream: dict[Stream, list[Heard]] = {}
    for heard in content.heard:
        by_stream.setdefault(heard.stream, []).append(heard)
    for stream, blocks in by_stream.items():
        for day, pending in pending_by_day(blocks).items():
            grid = common_instrument([one.instrument for one in pending])
            pieces = [regrid(form_of(stream.tape), one.columns, one.instrument, grid) for one in pending]
            days[stream, day] = _Day(grid, pieces, [])
    for found in content.gaps:
        key = (found.stream, _day_of_gap(found))
        days.setdefault(key, _Day(found.instrument, [], [])).notes.append(found.note)
    return days


def _day_of_gap(found: HeardGap) -> dt.date:
    return day_of(found.instrument)(found.gap.from_ns)


def _seal_day(catalog: Catalog, intake: Intake, stream: Stream, day: dt.date, one: _Day, last_seq: int) -> None:
    manifest = catalog.read(stream, day)
    sealed = manifest.sealed_seq if manifest else 0
    form = form_of(stream.tape)
    columns = concat(one.pieces) if one.pieces else _no_rows(stream)
    unsealed = columns[SEQ] > sealed
    rows = take(columns, unsealed)
    first = int(rows[SEQ].min()) if length(rows) else last_seq
    merged = merge(form, rows)
    plan = intake.plan(
        Arrival(
            stream=stream,
            day=day,
            instrument=one.instrument,
            columns=merged.columns,
            source=SourceInfo(JOURNAL, JOURNAL, (first, last_seq + 1), JOURNAL),
            notes=one.notes,
            sealed_seq=last_seq,
        )
    )
    intake.carry_out(plan)


def _no_rows(stream: Stream) -> Columns:
    form = form_of(stream.tape)
    return {name: np.zeros(0, dtype) for name, dtype in form.dtypes.items()} | {SEQ: np.zeros(0, np.int64)}
