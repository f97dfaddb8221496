"""Cells of one-minute bars, kept for the runs of trades that are kept: another bar or study step adds these up."""

from __future__ import annotations

import threading
from typing import Final
from weakref import WeakKeyDictionary

from footloom.core.footprint import Bars, Footprint, Levels
from footloom.core.instrument import Instrument
from footloom.engine.minute_cells import cell_step, minute_cells
from footloom.store.lean_trades import LeanTrades

__all__ = ("MOST_BYTES", "KeptCells")

MOST_BYTES: Final = 96 << 20  # thirty days of three million trades, in levels of a dollar
_ROWS_A_LEVEL: Final = 4  # where a cell holds fewer trades, adding cells up saves nothing

_Name = tuple[Instrument, int]


class KeptCells:
    """The one-minute cells of kept runs; they go with their run. Safe to call from any thread.

    Parameters
    ----------
    most_bytes
        What is kept at the most; those that were made first go first.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._kept: WeakKeyDictionary[LeanTrades, dict[_Name, Footprint | None]] = WeakKeyDictionary()
        self._lock = threading.Lock()
        self.folded = 0  # runs, so far

    @property
    def held_bytes(self) -> int:
        """Bytes of the cells that are kept."""
        with self._lock:
            return sum(map(_nbytes, self._kept.values()))

    def step_for(self, run: LeanTrades, grid: Instrument, ticks_per_level: int) -> int:
        """Return the step of cells to ask for: the coarsest that divides a study step and is kept, or a fitting one."""
        with self._lock:
            steps = [step for own, step in self._kept.get(run, {}) if own == grid and ticks_per_level % step == 0]
        return max(steps, default=cell_step(ticks_per_level))

    def of(self, run: LeanTrades, grid: Instrument, step: int) -> Footprint | None:
        """Return the minutes of a run on a grid; None where they are hardly fewer than its trades."""
        name = (grid, step)
        with self._lock:
            kept = self._kept.get(run, {})
            if name in kept:
                return kept[name]
        made = minute_cells(run.trades(grid), step)
        self.folded += 1
        found = made if len(made.levels) * _ROWS_A_LEVEL <= len(run) else None
        with self._lock:
            self._kept.setdefault(run, {})[name] = found
            held = sum(map(_nbytes, self._kept.values()))
            while held > self._most_bytes and len(self._kept) > 1:
                held -= _nbytes(self._kept.pop(next(iter(self._kept.keys()))))
        return found


def _nbytes(cells: dict[_Name, Footprint | None]) -> int:
    blocks = [block for one in cells.values() if one is not None for block in (one.bars, one.levels)]
    names: dict[type, tuple[str, ...]] = {Bars: Bars.__slots__, Levels: Levels.__slots__}
    return sum(getattr(block, name).nbytes for block in blocks for name in names[type(block)])
