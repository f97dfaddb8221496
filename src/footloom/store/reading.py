"""How a range is read: the journal first, then the manifests, then the parts that they name.

In this order nothing is missed and nothing is seen twice beside a running writer. What has left the journal before it
was read stands in manifests that are read later; what was in the journal and is sealed meanwhile carries sequences up
to the manifest's ``sealed_seq``, and is passed over.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from footloom.core.finished import Finished
from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.series import Series
from footloom.core.trades import I64
from footloom.errors import NotStored, StoreError
from footloom.store._reports import Block, Settings
from footloom.store.columns import (
    SEQ,
    Columns,
    block_of,
    concat,
    form_of,
    length,
    take,
)
from footloom.store.days import day_of, split_days
from footloom.store.grid import common_instrument, regrid
from footloom.store.journal import read_journal
from footloom.store.layout import Stream
from footloom.store.manifest import Catalog, Manifest
from footloom.store.medium import Medium, OpenPart, PartGone
from footloom.store.merge import merge
from footloom.store.notes import Note, in_order, still_open
from footloom.store.pieces import EVER, absent_part, open_parts, piece_of_part, piece_of_rows, woven
from footloom.store.segment import Heard

__all__ = ("Pending", "Range", "Reader", "pending_by_day")

_DAY_NS = 86_400_000_000_000
_EPOCH = dt.date(1970, 1, 1).toordinal()
_SLACK_DAYS = 3  # a session's date is not the UTC date of its trades, and a calendar may have been corrected since
_TRIES = 20  # how often compaction may replace a day's parts between reading its manifest and opening them


class Pending(msgspec.Struct, frozen=True):
    """Rows of one tape and one day that wait in the journal, in arrival order, `SEQ` among the columns."""

    instrument: Instrument
    columns: Columns


class Range(msgspec.Struct, frozen=True):
    """What lies in a range of one tape, and the grid that all of it is read on."""

    stream: Stream
    from_ns: int
    to_ns: int
    instrument: Instrument
    manifests: dict[dt.date, Manifest]
    pending: dict[dt.date, list[Pending]]


def pending_by_day(heard: list[Heard]) -> dict[dt.date, list[Pending]]:
    """Return the rows of journal blocks of one tape by day, in arrival order."""
    days: dict[dt.date, list[Pending]] = {}
    for instrument, blocks in itertools.groupby(heard, key=lambda block: block.instrument):
        mine = list(blocks)
        columns = concat([dict(block.columns) for block in mine])
        time = columns[form_of(mine[0].stream.tape).time]
        order = np.argsort(time, kind="stable")
        for day, rows in split_days(time[order], day_of(instrument)):
            days.setdefault(day, []).append(Pending(instrument, take(columns, np.sort(order[rows]))))
    return days


class Reader:
    """Reads ranges of a store, beside whoever writes it."""

    def __init__(self, medium: Medium, settings: Settings, catalog: Catalog | None = None) -> None:
        self._medium = medium
        self._catalog = catalog or Catalog(medium)  # a writer's own sees what its transaction has not published yet
        self._settings = settings

    def range(self, stream: Stream, from_ns: int, to_ns: int) -> Range:
        """Return what lies in ``[from_ns, to_ns)``.

        Raises
        ------
        NotStored
            Nothing is stored there.
        """
        from_ns, to_ns = max(from_ns, EVER[0]), min(to_ns, EVER[1])
        contents = read_journal(self._medium, stream, from_ns, to_ns)
        pending = pending_by_day([heard for content in contents for heard in content.heard])
        days = [day for day in self._medium.days(stream) if _near(day, from_ns, to_ns)]
        found = ((day, self._catalog.read(stream, day)) for day in days)
        manifests = {day: manifest for day, manifest in found if manifest and _touches(manifest, from_ns, to_ns)}
        instruments = [one for manifest in manifests.values() for one in _grids(manifest, from_ns, to_ns)]
        instruments += [one.instrument for day in sorted(pending) for one in pending[day]]
        if not instruments:
            raise self._nothing(stream, from_ns, to_ns)
        return Range(stream, from_ns, to_ns, common_instrument(instruments), manifests, pending)

    def day(self, stream: Stream, day: dt.date) -> Range:
        """Return what is stored of one day, whatever its times.

        Raises
        ------
        NotStored
            Nothing is.
        """
        number = day.toordinal() - _EPOCH
        begin, end = (number - _SLACK_DAYS) * _DAY_NS, (number + 1 + _SLACK_DAYS) * _DAY_NS
        asked = self.range(stream, begin, end)
        manifest, pending = asked.manifests.get(day), asked.pending.get(day, [])
        if not pending and (manifest is None or not manifest.parts):
            raise NotStored(f"nothing is stored of {stream} on {day}: see footloom coverage")
        instruments = [manifest.instruments[part.instrument] for part in manifest.parts] if manifest else []
        return msgspec.structs.replace(
            asked,
            instrument=common_instrument([*instruments, *(one.instrument for one in pending)]),
            manifests={day: manifest} if manifest else {},
            pending={day: pending} if pending else {},
        )

    def times(self, asked: Range) -> I64:
        """Return the times of the rows of a range, ascending."""
        form = form_of(asked.stream.tape)
        chunks = [chunk[form.time] for chunk in self.chunks(asked, frozenset((form.time,)))]
        return np.concatenate(chunks) if chunks else np.zeros(0, np.int64)

    def _nothing(self, stream: Stream, from_ns: int, to_ns: int) -> NotStored:
        days = self._medium.days(stream)
        tapes = sorted({other.tape for other in self._medium.streams() if other.key == stream.key})
        if days:
            held = f"its days are {days[0]} to {days[-1]}"
        elif tapes:
            held = f"its tapes are {', '.join(tapes)}"
        else:
            held = "the symbol has nothing at all: see footloom coverage, or bring a recording in with footloom import"
        return NotStored(f"nothing is stored of {stream} from {from_ns} to {to_ns} ns in {self._medium.where}: {held}")

    def chunks(self, asked: Range, wanted: frozenset[str]) -> Iterator[Columns]:
        """Yield the rows of a range, a row group at a time, in the ordering key and each once."""
        for day in sorted({*asked.manifests, *asked.pending}):
            yield from self._day(asked, day, wanted)

    def _day(self, asked: Range, day: dt.date, wanted: frozenset[str]) -> Iterator[Columns]:
        form = form_of(asked.stream.tape)
        with contextlib.ExitStack() as stack:
            manifest, files = self._opened(asked, day, stack)
            pieces = [
                piece_of_part(file.part, file, manifest.instruments[file.part.instrument], asked.instrument)
                for file in files
                if manifest
            ]
            waiting = self.waiting(asked, day, manifest.sealed_seq if manifest else 0)
            if length(waiting):
                pieces.append(piece_of_rows(form, merge(form, waiting).columns))
            span = (asked.from_ns, asked.to_ns)
            yield from woven(form, pieces, span, wanted, self._settings.row_group_rows)

    # The day's manifest and its open parts that touch the range.
    def _opened(
        self, asked: Range, day: dt.date, stack: contextlib.ExitStack
    ) -> tuple[Manifest | None, list[OpenPart]]:
        manifest = asked.manifests.get(day)
        form = form_of(asked.stream.tape)
        for _ in range(_TRIES):
            if manifest is None:  # rows of the journal only, when we looked; they may be sealed by now
                manifest = self._catalog.read(asked.stream, day)
            if manifest is None:
                return None, []
            touching = [p for p in manifest.parts if p.last_ns >= asked.from_ns and p.first_ns < asked.to_ns]
            try:
                return manifest, stack.enter_context(open_parts(self._medium, form, manifest, touching))
            except PartGone:
                before, manifest = manifest, self._catalog.read(asked.stream, day)
                if manifest == before:
                    break
        gone = manifest or Manifest(**asked.stream._asdict(), day=day)
        raise absent_part(self._medium, gone, gone.parts)

    def waiting(self, asked: Range, day: dt.date, sealed_seq: int) -> Columns:
        """Return the rows of a day that wait in the journal behind a sequence, in arrival order; {} where none do."""
        form = form_of(asked.stream.tape)
        pieces = []
        for one in asked.pending.get(day, ()):
            unsealed = one.columns[SEQ] > sealed_seq
            if unsealed.any():
                pieces.append(regrid(form, take(one.columns, unsealed), one.instrument, asked.instrument))
        return concat(pieces) if pieces else {}

    def block(self, asked: Range, columns: Columns) -> Block:
        """Return rows of a range as a block."""
        block = block_of(form_of(asked.stream.tape), asked.instrument, asked.stream.tape, columns)
        if isinstance(block, Finished):
            raise StoreError(f"{asked.stream} is no tape but finished footprints: load_finished gives them")
        if isinstance(block, Series):
            raise StoreError(f"{asked.stream} holds neither trades nor snapshots: load_series gives its rows")
        return block

    def series(self, asked: Range, columns: Columns) -> Series:
        """Return rows of a range of a series."""
        block = block_of(form_of(asked.stream.tape), asked.instrument, asked.stream.tape, columns)
        if not isinstance(block, Series):
            raise StoreError(f"{asked.stream} is no series: load gives the rows of trades and snapshots")
        return block

    def grid(self, manifest: Manifest, pending: Sequence[Pending]) -> Instrument:
        """Return the common grid of all rows of a day."""
        parts = [manifest.instruments[part.instrument] for part in manifest.parts]
        return common_instrument([*parts, *(one.instrument for one in pending)])

    def gaps(self, stream: Stream, from_ns: int, to_ns: int) -> list[Gap]:
        """Return the open gaps that touch ``[from_ns, to_ns)``; a long one may begin on a day far before it."""
        found = still_open(self.notes(stream, to_ns))
        return [gap for gap in found if gap.from_ns < to_ns and gap.to_ns >= from_ns]

    def notes(self, stream: Stream, until_ns: int) -> list[Note]:
        """Return what was told of the gaps of a tape that begin before a time, in the order in which it was told."""
        contents = read_journal(self._medium, stream, 0, 0)
        every = [heard.note for content in contents for heard in content.gaps]
        last = _EPOCH + until_ns // _DAY_NS + _SLACK_DAYS
        for day in self._medium.days(stream):
            if day.toordinal() <= last:
                manifest = self._catalog.read(stream, day)
                every += manifest.gap_notes if manifest else ()
        return in_order(every)


def _near(day: dt.date, from_ns: int, to_ns: int) -> bool:
    number = day.toordinal() - _EPOCH
    return from_ns // _DAY_NS - _SLACK_DAYS <= number <= to_ns // _DAY_NS + _SLACK_DAYS


# A quiet stretch of a stored day is stored too: it is empty, not unknown.
def _touches(manifest: Manifest, from_ns: int, to_ns: int) -> bool:
    first = min((part.first_ns for part in manifest.parts), default=to_ns)
    last = max((part.last_ns for part in manifest.parts), default=from_ns - 1)
    return first < to_ns and last >= from_ns


def _grids(manifest: Manifest, from_ns: int, to_ns: int) -> list[Instrument]:
    parts = [part for part in manifest.parts if part.last_ns >= from_ns and part.first_ns < to_ns]
    return [manifest.instruments[part.instrument] for part in parts or manifest.parts[-1:]]
