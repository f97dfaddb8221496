"""How far two footprints of one stretch agree: what changed when late trades made bars anew."""

from __future__ import annotations

import numpy as np

from footloom.core.footprint import BAR_FINAL, Bars, Footprint, Levels

__all__ = ("same_bars",)


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
