"""Cells of one-minute bars, kept for runs of trades and for finished parts: another bar or study step adds these up."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
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

_Name = tuple[Instrument, int]


class KeptCells:
    """One-minute cells: of kept runs, with which they go, and of parts whose rows are not kept. Safe for any thread.

    Parameters
    ----------
    most_bytes
        What is kept at the most of either; those that were made first go first.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._kept: WeakKeyDictionary[LeanTrades, dict[_Name, Footprint | None]] = WeakKeyDictionary()
        self._parts: OrderedDict[tuple[Hashable, _Name], Footprint | None] = OrderedDict()
        self._steps: dict[Instrument, set[int]] = {}
        self._lock = threading.Lock()
        self.folded = 0  # runs, so far

    @property
    def held_bytes(self) -> int:
        """Bytes of the cells that are kept."""
        with self._lock:
            return sum(map(_nbytes, self._kept.values()))

    def step_for(self, grid: Instrument, ticks_per_level: int) -> int:
        """Return the step of cells to ask for: the coarsest that was kept and divides a study step, or `cell_step`."""
        with self._lock:
            made = [step for step in self._steps.get(grid, ()) if ticks_per_level % step == 0]
        return max(made, default=cell_step(ticks_per_level))

    def of(self, run: LeanTrades, grid: Instrument, step: int) -> Footprint | None:
        """Return the minutes of a run on a grid; None where they are hardly fewer than its trades."""
        name = (grid, step)
        with self._lock:
            kept = self._kept.get(run, {})
            if name in kept:
                return kept[name]
        found = self._worth([minute_cells(run.trades(grid), step)], len(run))
        with self._lock:
            if found is not None:
                self._steps.setdefault(grid, set()).add(step)
            self._kept.setdefault(run, {})[name] = found
            held = sum(map(_nbytes, self._kept.values()))
            while held > self._most_bytes and len(self._kept) > 1:
                held -= _nbytes(self._kept.pop(next(iter(self._kept.keys()))))
        return found

    def of_stretch(self, stretch: Stretch, grid: Instrument, step: int) -> Footprint | None:
        """Return the minutes of finished parts on a grid, as `of`; two of them may each hold a part of one minute."""
        name = (stretch.name, (grid, step))
        with self._lock:
            if name in self._parts:
                return self._parts[name]
        rows, parts = 0, []
        for piece in stretch.pieces():
            checkpoint()
            if len(piece):
                parts.append(minute_cells(piece.on_grid(grid), step))
                rows += len(piece)
        found = self._worth(parts, rows)
        if stretch.name is not None:
            with self._lock:
                if found is not None:
                    self._steps.setdefault(grid, set()).add(step)
                self._parts[name] = found
                while sum(_nbytes({step: one}) for one in self._parts.values()) > self._most_bytes:
                    self._parts.popitem(last=False)
        return found

    def _worth(self, parts: Sequence[Footprint], rows: int) -> Footprint | None:
        self.folded += 1
        few = sum(len(part.levels) for part in parts) * _ROWS_A_LEVEL <= rows
        return Footprint.concat(parts) if parts and few else None


def _nbytes(cells: Mapping[Any, Footprint | None]) -> int:
    blocks = [block for one in cells.values() if one is not None for block in (one.bars, one.levels)]
    names: dict[type, tuple[str, ...]] = {Bars: Bars.__slots__, Levels: Levels.__slots__}
    return sum(getattr(block, name).nbytes for block in blocks for name in names[type(block)])
