"""Rows of immutable parts, kept packed in memory: who reads a tape again decodes nothing but what came since.

A part never changes, so what was read of it stays true whatever is recorded, sealed, fetched or compacted later; the
manifest says which parts count. Rows that still wait in the journal are put in their places each time.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.store._reports import Settings
from footloom.store.columns import TRADES, Columns, block_of, columns_of, concat, form_of, length, wanted_columns
from footloom.store.grid import common_instrument
from footloom.store.layout import Stream
from footloom.store.lean_trades import RUN_ROWS, LeanTrades
from footloom.store.manifest import Catalog, Manifest
from footloom.store.medium import Medium, PartGone
from footloom.store.merge import merge
from footloom.store.parts import Part
from footloom.store.pieces import EVER, open_parts, part_groups, piece_of_part, woven
from footloom.store.reading import Range, Reader
from footloom.store.shelf import Shelf

__all__ = ("MOST_BYTES", "KeptParts", "Run", "Stretch")

MOST_BYTES: Final = 160 << 20  # three days of three million trades and more
_ROW_BYTES: Final = 16  # about what a row takes packed
_TRIES: Final = 20  # how often compaction may replace parts between reading a manifest and opening them

_ALL: Final = wanted_columns(TRADES, None)
_FOLDED: Final = wanted_columns(TRADES, ("ts_exch_ns", "price_tick", "qty_lot", "side", "flags"))

Run = LeanTrades | Trades


class _Name(NamedTuple):
    # Parts whose rows are woven, and the grids that they stand on.
    stream: Stream
    day: dt.date
    parts: tuple[Part, ...]
    grids: tuple[Instrument, ...]


class Stretch(NamedTuple):
    """Rows in the ordering key: a name of these very rows, None where a range cuts them, and how they are read.

    Of rows that need not be woven neither ids nor receipts are read.
    """

    name: Hashable | None
    pieces: Callable[[], Iterator[Trades]]


@dataclass(eq=False)
class _Kept:
    runs: list[LeanTrades] | None = None
    size: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class KeptParts:
    """The tapes of trades in one medium, for who reads them again and again; safe to call from any thread.

    Parameters
    ----------
    medium
        What they lie in.
    most_bytes
        What is kept at the most; what was asked for longest ago goes first.
    """

    def __init__(self, medium: Medium, most_bytes: int = MOST_BYTES) -> None:
        self._medium = medium
        self._reader, self._catalog = Reader(medium, Settings()), Catalog(medium)
        self._kept: Shelf[_Name, _Kept] = Shelf(most_bytes, _Kept)
        self.decoded = 0  # groups of parts, so far

    @property
    def held_bytes(self) -> int:
        """Bytes of the rows that are kept."""
        return self._kept.held_bytes

    def holds(self, rows: int) -> bool:
        """Say whether so many rows may be kept; ranges of more are read as they are: they push everything else out."""
        return rows * _ROW_BYTES <= self._kept.most_bytes

    def runs(self, key: str, tape: str, from_ns: int, to_ns: int) -> tuple[Instrument, list[Run]] | None:
        """Return the rows that touch ``[from_ns, to_ns)`` in runs, in the ordering key, and the grid for all of them.

        The first and the last run may hold rows outside of the range. None where the tape holds no trades, or more
        than are kept.

        Raises
        ------
        NotStored
            Nothing is stored there.
        """
        if form_of(tape) is not TRADES:
            return None
        for _ in range(_TRIES):
            asked = self._reader.range(Stream.named(key, tape), from_ns, to_ns)
            if not self.holds(sum(part.rows for day in asked.manifests.values() for part in _touching(day, asked))):
                return None
            with contextlib.suppress(PartGone):
                return asked.instrument, [run for day in _days(asked) for run in self._day(asked, day)]
        return None

    def stretches(self, key: str, tape: str, from_ns: int, to_ns: int) -> list[Stretch] | None:
        """Return the rows of ``[from_ns, to_ns)`` by groups of parts, whose rows are not kept; nothing is read yet.

        None where the tape holds no trades, or rows wait in the journal among them. Reading raises `PartGone` where a
        part was compacted meanwhile.

        Raises
        ------
        NotStored
            Nothing is stored there.
        """
        if form_of(tape) is not TRADES:
            return None
        asked = self._reader.range(Stream.named(key, tape), from_ns, to_ns)
        found: list[Stretch] = []
        for day in _days(asked):
            manifest = asked.manifests.get(day)
            if manifest is None or length(self._reader.waiting(asked, day, manifest.sealed_seq)):
                return None
            for group in _groups(manifest, asked):
                name = _name_of(asked.stream, manifest, group)
                read = functools.partial(self._pieces, name, manifest, _FOLDED)
                if all(from_ns <= part.first_ns and part.last_ns < to_ns for part in group):
                    found.append(Stretch(name, read))
                else:
                    found.append(Stretch(None, functools.partial(_between, read, from_ns, to_ns)))
        return found

    # Rows that wait beside a manifest that was not there, or did not touch the range, when the journal was read may be
    # sealed by now.
    def _day(self, asked: Range, day: dt.date) -> list[Run]:
        manifest = asked.manifests.get(day) or self._catalog.read(asked.stream, day)
        runs: list[LeanTrades] = []
        if manifest is not None:
            for group in _groups(manifest, asked):
                runs += self._group(asked.stream, manifest, group)
        touching = [run for run in runs if run.last[0] >= asked.from_ns and run.first[0] < asked.to_ns]
        waiting = self._reader.waiting(asked, day, manifest.sealed_seq if manifest else 0)
        if not length(waiting):
            return list(touching)
        rows = _trades(asked.instrument, asked.stream.tape, merge(TRADES, waiting).columns)
        return _spliced(touching, rows, asked.instrument)

    def _group(self, stream: Stream, manifest: Manifest, group: Sequence[Part]) -> list[LeanTrades]:
        name = _name_of(stream, manifest, group)
        kept = self._kept.place(name)
        try:
            with kept.lock:  # two who ask for the same decode it once
                if kept.runs is None:
                    runs = self._decoded(name, manifest)
                    kept.runs, kept.size = runs, sum(run.nbytes for run in runs)
                found = kept.runs
        except BaseException:
            self._kept.forget(name.__eq__)
            raise
        self._make_room(stream, manifest)
        return found

    def _decoded(self, name: _Name, manifest: Manifest) -> list[LeanTrades]:
        self.decoded += 1
        return [run for rows in self._pieces(name, manifest, _ALL) for run in LeanTrades.runs(rows)]

    def _pieces(self, name: _Name, manifest: Manifest, wanted: frozenset[str]) -> Iterator[Trades]:
        grid = common_instrument(name.grids)
        with open_parts(self._medium, TRADES, manifest, name.parts) as files:
            pieces = [
                piece_of_part(part, file, own, grid)
                for part, file, own in zip(name.parts, files, name.grids, strict=True)
            ]
            for columns in woven(TRADES, pieces, EVER, wanted, RUN_ROWS):
                yield _trades(grid, name.stream.tape, columns)

    # Parts that a manifest does not name any more are gone for good.
    def _make_room(self, stream: Stream, manifest: Manifest) -> None:
        named = {part.file for part in manifest.parts}
        day = (stream, manifest.day)
        self._kept.forget(
            lambda one: (one.stream, one.day) == day and any(part.file not in named for part in one.parts)
        )
        self._kept.make_room()


def _name_of(stream: Stream, manifest: Manifest, group: Sequence[Part]) -> _Name:
    grids = tuple(manifest.instruments[part.instrument] for part in group)
    return _Name(stream, manifest.day, tuple(group), grids)


def _between(read: Callable[[], Iterator[Trades]], from_ns: int, to_ns: int) -> Iterator[Trades]:
    return (rows.between(from_ns, to_ns) for rows in read())


def _days(asked: Range) -> list[dt.date]:
    return sorted({*asked.manifests, *asked.pending})


# What is decoded together, where any of it touches the range.
def _groups(manifest: Manifest, asked: Range) -> list[list[Part]]:
    touching = _touching(manifest, asked)
    return [group for group in part_groups(TRADES, manifest.parts) if any(part in touching for part in group)]


def _touching(manifest: Manifest, asked: Range) -> list[Part]:
    return [part for part in manifest.parts if part.last_ns >= asked.from_ns and part.first_ns < asked.to_ns]


def _trades(grid: Instrument, tape: str, columns: Columns) -> Trades:
    made = block_of(TRADES, grid, tape, columns)
    assert isinstance(made, Trades)
    return made


# Rows of the journal among those of parts, which were heard before them: mostly they all come behind. Runs that reach
# into their times, or may hold one of their ids, are woven with them, and so is what lies between.
def _spliced(runs: Sequence[LeanTrades], rows: Trades, grid: Instrument) -> list[Run]:
    first = (rows.ts_exch_ns.item(0), rows.trade_id.item(0))
    last = (rows.ts_exch_ns.item(-1), rows.trade_id.item(-1))
    ids = (int(rows.trade_id.min()), int(rows.trade_id.max()))
    place = sum(run.last <= first for run in runs)
    met = [
        at
        for at, run in enumerate(runs)
        if (run.last > first and run.first <= last) or (run.ids[0] <= ids[1] and run.ids[1] >= ids[0])
    ]
    lo, hi = min([place, *met]), max([place, *(at + 1 for at in met)])
    woven_rows = rows
    if lo < hi:
        # A run stands on the grid of its whole group: parts outside of the range may be on a finer one.
        grid = common_instrument([*(run.instrument for run in runs[lo:hi]), grid])
        pieces = [columns_of(run.trades(grid)) for run in runs[lo:hi]]
        woven_rows = _trades(grid, rows.tape, merge(TRADES, concat([*pieces, columns_of(rows.on_grid(grid))])).columns)
    return [*runs[:lo], woven_rows, *runs[hi:]]
