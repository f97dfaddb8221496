"""Cells of one-minute bars, kept for runs of trades and for finished parts: another bar or study step adds these up."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Hashable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakKeyDictionary

from footloom.core.footprint import Bars, Footprint, Levels
from footloom.core.instrument import Instrument
from footloom.engine.minute_cells import cell_step, minute_cells
from footloom.server.stored.abandon import checkpoint
from footloom.store.kept_parts import Stretch
from footloom.store.lean_trades import LeanTrades

__all__ = ("MOST_BYTES", "KeptCells")

MOST_BYTES: Final = 96 << 20  # thirty days of three million trades, in levels of a dollar
_ROWS_A_LEVEL: Final = 4  # where a cell holds fewer trades, adding cells up saves nothing

_OWN_BYTES: Final = 1_000  # what a place takes beside its cells, or without any

_Name = tuple[Instrument, int]


@dataclass(slots=True)
class _Place:
    # Cells of a run or a stretch in one step, None where they are not worth it, and whose turn it was.
    cells: Footprint | None
    size: int
    turn: int


_Places = MutableMapping[Any, dict[_Name, _Place]]


class KeptCells:
    """One-minute cells: of kept runs, with which they go, and of parts whose rows are not kept. Safe for any thread.

    Parameters
    ----------
    most_bytes
        What is kept at the most of both; what was asked for longest ago goes first.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._runs: WeakKeyDictionary[LeanTrades, dict[_Name, _Place]] = WeakKeyDictionary()
        self._parts: dict[Hashable, dict[_Name, _Place]] = {}
        self._steps: dict[Instrument, set[int]] = {}
        self._turns = itertools.count()
        self._lock = threading.Lock()
        self.folded = 0  # runs and stretches, so far
        self.found = 0  # of them again

    @property
    def held_bytes(self) -> int:
        """Bytes of the cells that are kept."""
        with self._lock:
            return sum(place.size for _, _, place in self._held())

    def step_for(self, grid: Instrument, ticks_per_level: int) -> int:
        """Return the step of cells to ask for: the coarsest that was kept and divides a study step, or `cell_step`."""
        with self._lock:
            made = [step for step in self._steps.get(grid, ()) if ticks_per_level % step == 0]
        return max(made, default=cell_step(ticks_per_level))

    def of(self, run: LeanTrades, grid: Instrument, step: int) -> Footprint | None:
        """Return the minutes of a run on a grid; None where they are hardly fewer than its trades."""
        name = (grid, step)
        place = self._again(self._runs, run, name)
        if place is not None:
            return place.cells
        return self._keep(self._runs, run, name, self._worth([minute_cells(run.trades(grid), step)], len(run)))

    def of_stretch(self, stretch: Stretch, grid: Instrument, step: int) -> Footprint | None:
        """Return the minutes of finished parts on a grid, as `of`; two of them may each hold a part of one minute."""
        name = (grid, step)
        place = self._again(self._parts, stretch.name, name)
        if place is not None:
            return place.cells
        rows, parts = 0, []
        for piece in stretch.pieces():
            checkpoint()
            if len(piece):
                parts.append(minute_cells(piece.on_grid(grid), step))
                rows += len(piece)
        made = self._worth(parts, rows)
        return made if stretch.name is None else self._keep(self._parts, stretch.name, name, made)

    def _again(self, places: _Places, owner: Any, name: _Name) -> _Place | None:
        with self._lock:
            place = places.get(owner, {}).get(name)
            if place is not None:
                place.turn = next(self._turns)
                self.found += 1
            return place

    def _keep(self, places: _Places, owner: Any, name: _Name, cells: Footprint | None) -> Footprint | None:
        with self._lock:
            if cells is not None:
                self._steps.setdefault(name[0], set()).add(name[1])
            places.setdefault(owner, {})[name] = _Place(cells, _OWN_BYTES + _nbytes(cells), next(self._turns))
            self._make_room()
        return cells

    # The newest stays, however large.
    def _make_room(self) -> None:
        held = sorted(self._held(), key=lambda one: one[2].turn)
        size = sum(place.size for _, _, place in held)
        for owned, name, place in held[:-1]:
            if size <= self._most_bytes:
                break
            del owned[name]
            size -= place.size
        for owner in [owner for owner, owned in self._parts.items() if not owned]:
            del self._parts[owner]

    def _held(self) -> Iterator[tuple[dict[_Name, _Place], _Name, _Place]]:
        for owned in (*self._runs.values(), *self._parts.values()):
            yield from ((owned, name, place) for name, place in owned.items())

    def _worth(self, parts: Sequence[Footprint], rows: int) -> Footprint | None:
        self.folded += 1
        few = sum(len(part.levels) for part in parts) * _ROWS_A_LEVEL <= rows
        return Footprint.concat(parts) if parts and few else None


def _nbytes(cells: Footprint | None) -> int:
    if cells is None:
        return 0
    columns = [getattr(cells.bars, name) for name in Bars.__slots__]
    columns += [getattr(cells.levels, name) for name in Levels.__slots__]
    return sum(int(column.nbytes) for column in (*columns, cells.level_offset))
