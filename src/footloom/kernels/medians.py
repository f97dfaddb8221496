"""Medians of what came before (definitions 5.4)."""

from __future__ import annotations

from numba import types

from footloom.kernels.jit import I64_IN, I64_OUT, INT, jit
from footloom.kernels.selection import nth_smallest

__all__ = ("fill_medians",)


@jit(types.void(I64_IN, INT, INT, I64_OUT, I64_OUT, I64_OUT))
def fill_medians(values, first, window, space, lower, upper):
    """Write the two middle values of the ``window`` values before each, from ``first`` on; one of an odd number twice.

    Without a value before both are 0. ``space`` int64 (window,); ``lower`` and ``upper`` int64 (n - first,).
    """
    for i in range(first, len(values)):
        count = min(window, i)
        space[:count] = values[i - count : i]
        lower[i - first] = upper[i - first] = 0
        if count:
            lower[i - first] = nth_smallest(space, count, (count - 1) >> 1)
            upper[i - first] = nth_smallest(space, count, count >> 1)
