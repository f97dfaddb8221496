"""The study step that a chart opens with (definitions 2.2)."""

from __future__ import annotations

import numpy as np

from footloom.core.footprint import Bars

__all__ = ("MOST_BARS", "default_ticks_per_level")

MOST_BARS = 500  # that are looked at
_ROWS = 20


def default_ticks_per_level(bars: Bars) -> int:
    """Return the smallest 1, 2 or 5 times a power of ten ticks at which the median bar has at most 20 rows.

    Looks at the last 500 bars given; 1 where there is none.
    """
    if not len(bars):
        return 1
    ticks = float(np.median(bars.high_tick[-MOST_BARS:] - bars.low_tick[-MOST_BARS:] + 1))
    step = 1
    while True:
        for nice in (step, 2 * step, 5 * step):
            if ticks <= nice * _ROWS:
                return nice
        step *= 10
