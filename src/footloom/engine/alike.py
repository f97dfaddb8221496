"""What changed when late trades made bars anew: how far two footprints agree, and which bars differ."""

from __future__ import annotations

import numpy as np

from footloom.core.footprint import BAR_FINAL, Bars, Footprint, Levels
from footloom.core.trades import I64
from footloom.engine.frame import BAR_COLUMNS, ChartFrame

__all__ = ("changed_bars", "first_changed_ns", "same_bars")


def same_bars(old: Footprint, new: Footprint) -> int:
    """Return how many bars both begin with that hold the same, whether announced as final or not."""
    bars = min(len(old), len(new))
    for name in Bars.__slots__:
        left, right = (getattr(footprint.bars, name)[:bars] for footprint in (old, new))
        if name == "flags":
            left, right = left & ~BAR_FINAL, right & ~BAR_FINAL
        bars = _equal(left, right)
    bars = max(0, _equal(old.level_offset[: bars + 1], new.level_offset[: bars + 1]) - 1)
    rows = int(old.level_offset[bars])
    for name in Levels.__slots__:
        rows = _equal(getattr(old.levels, name)[:rows], getattr(new.levels, name)[:rows])
    return int(np.searchsorted(old.level_offset[: bars + 1], rows, side="right")) - 1


def _equal(left: np.ndarray[tuple[int], np.dtype[np.int64]], right: np.ndarray[tuple[int], np.dtype[np.int64]]) -> int:
    size = min(len(left), len(right))
    different = np.flatnonzero(left[:size] != right[:size])
    return int(different[0]) if len(different) else size


def changed_bars(old: ChartFrame, new: ChartFrame) -> I64:
    """Return the numbers of the bars of ``new`` that ``old`` has not, or has with other content."""
    if not len(old) or not len(new):
        return np.arange(len(new))
    mine, theirs = new.footprint, old.footprint
    at = np.minimum(np.searchsorted(theirs.bars.open_ns, mine.bars.open_ns), len(old) - 1)
    changed = np.zeros(len(new), np.bool_)
    for name in Bars.__slots__:
        changed |= getattr(mine.bars, name) != getattr(theirs.bars, name)[at]
    for name in BAR_COLUMNS:
        changed |= getattr(new, name) != getattr(old, name)[at]
    for name, column in mine.prints.items():
        changed |= column != theirs.prints[name][at]
    sizes = np.diff(mine.level_offset)
    changed |= sizes != np.diff(theirs.level_offset)[at]
    alike = np.flatnonzero(~changed)
    if not len(alike):
        return np.flatnonzero(changed)
    starts = np.cumsum(sizes[alike]) - sizes[alike]
    place = np.arange(int(sizes[alike].sum())) - np.repeat(starts, sizes[alike])
    here = np.repeat(mine.level_offset[alike], sizes[alike]) + place
    there = np.repeat(theirs.level_offset[at[alike]], sizes[alike]) + place
    differ = new.cell_flags[here] != old.cell_flags[there]
    for name in Levels.__slots__:
        differ |= getattr(mine.levels, name)[here] != getattr(theirs.levels, name)[there]
    changed[np.repeat(alike, sizes[alike])[differ]] = True
    return np.flatnonzero(changed)


def first_changed_ns(old_ns: I64, new_ns: I64, alike: int, settled: int) -> int | None:
    """Return from when on bars are others than before, ns UTC; None where none is.

    ``old_ns`` and ``new_ns`` say when bars open, the first ``settled`` of the old ones were final, and ``alike`` of
    these hold the same. A provisional bar that is named otherwise now cannot be replaced by its new form.
    """
    size = min(len(old_ns), len(new_ns))
    renamed = np.flatnonzero(old_ns[:size] != new_ns[:size])
    kept = int(renamed[0]) if len(renamed) else size
    if alike == settled and kept == len(old_ns):
        return None
    first = min(alike, kept) if alike < settled else kept
    return min(int(opens[first]) for opens in (old_ns, new_ns) if first < len(opens))
