"""Profiles that grow bar by bar: point of control and value area as of each bar (definitions 4.1, 4.2, 4.5)."""

from __future__ import annotations

from numba import types

from footloom.kernels.jit import I64_IN, I64_OUT, INT, jit, part
from footloom.kernels.profile import grow_area, poc_index, targets

__all__ = ("CONTINUES", "FRESH", "OUTSIDE", "UNDEFINED", "fill_developing")

OUTSIDE, CONTINUES, FRESH = 0, 1, 2
UNDEFINED = -(2**63)


@part
def _total(held, extent):
    total = 0
    if extent[0] >= 0:
        for i in range(extent[0], extent[1] + 1):
            total += held[i]
    return total


@jit(
    types.void(
        *(I64_IN, I64_IN, I64_IN, I64_IN, I64_IN, I64_OUT, I64_OUT),
        *(INT, INT, INT, INT, INT, I64_OUT, I64_OUT, I64_OUT),
    )
)
def fill_developing(
    offset, at, volume, code, row, held, extent, share_num, share_den, method, tie, ends_only, poc, vah, val
):
    """Write the POC row and the area's highest and lowest row of the period so far, as of each bar.

    ``at`` is the index in ``row`` (ascending) of each level, ``volume`` its lots, int64 (n_levels,); ``code`` int64
    (n_bars,) says whether a bar counts to no period, continues one or begins one. ``held`` int64 (n_rows,) are the
    lots of the period so far and ``extent`` its lowest and highest index (-1: none); both are carried on in place.
    With ``ends_only`` only the last bar of each period and of the run is answered. Undefined: `UNDEFINED`.
    """
    bars = len(offset) - 1
    total = _total(held, extent)
    known = False
    for bar in range(bars):
        if code[bar] == FRESH:
            if extent[0] >= 0:
                for i in range(extent[0], extent[1] + 1):
                    held[i] = 0
            extent[0], extent[1], total = -1, -1, 0
        if code[bar] != OUTSIDE:
            known = False
            for i in range(offset[bar], offset[bar + 1]):
                held[at[i]] += volume[i]
                total += volume[i]
            low, high = at[offset[bar]], at[offset[bar + 1] - 1]
            extent[0] = low if extent[0] < 0 else min(extent[0], low)
            extent[1] = max(extent[1], high)
        if extent[0] < 0 or (ends_only and bar + 1 < bars and code[bar + 1] != FRESH):
            poc[bar] = vah[bar] = val[bar] = UNDEFINED
        elif known:
            poc[bar], vah[bar], val[bar] = poc[bar - 1], vah[bar - 1], val[bar - 1]
        else:
            start, stop = extent[0], extent[1] + 1
            floor, ceiling = targets(total, share_num, share_den)
            best = poc_index(row, held, start, stop, tie)
            poc[bar] = row[best]
            vah[bar], val[bar] = grow_area(row, held, start, stop, best, ceiling, floor, method, tie)
            known = True
