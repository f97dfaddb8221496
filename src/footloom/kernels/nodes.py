"""High and low volume nodes of profiles that grow bar by bar (definitions 4.3)."""

from __future__ import annotations

from numba import types

from footloom.kernels.developing import FRESH, OUTSIDE, UNDEFINED
from footloom.kernels.jit import I64_IN, I64_OUT, INT, jit, part

__all__ = ("NEAREST", "ROOM", "fill_nodes")

NEAREST = 4  # columns: high nodes at or above and at or below the close, low nodes likewise
ROOM = (
    3  # rows beyond `k` that each level brings along: a low node may stand one above it, and smoothing reaches one on
)
_I8_OUT = types.Array(types.int8, 1, "C")
_I64_TABLE = types.Array(types.int64, 2, "C")


@part
def _value(row, held, i, lowest, highest, smooth):
    # Four times the smoothed volume: an edge row stands for the neighbour that it lacks, so that the sum is kept.
    if not smooth:
        return held[i]
    below = held[i - 1] if row[i] > lowest else held[i]
    above = held[i + 1] if row[i] < highest else held[i]
    return below + 2 * held[i] + above


@part
def _share(total, percent, rows):
    # percent / 100 of the mean, rounded down and up, without leaving 64 bits.
    whole, left = total // (100 * rows), total % (100 * rows)
    return whole * percent + left * percent // (100 * rows), whole * percent - (-left * percent // (100 * rows))


@part
def _mark(row, held, i, lowest, highest, k, smooth, at_least, at_most):
    if row[i] - lowest < k or highest - row[i] < k:
        return 0
    value = _value(row, held, i, lowest, highest, smooth)
    node = 1 if value >= at_least else -1 if value <= at_most else 0
    for j in range(1, k + 1 if node else 1):
        # A low node is a high one of the profile turned over.
        if node * (value - _value(row, held, i - j, lowest, highest, smooth)) <= 0:
            return 0
        if node * (value - _value(row, held, i + j, lowest, highest, smooth)) < 0:
            return 0
    return node


@part
def _remark(row, held, mark, extent, k, smooth, high_percent, low_percent, bar, events, count):
    # Mark every row anew; write what changed as (bar, row, node, +1 born or -1 gone) while there is room for it.
    start, stop = extent[0], extent[1] + 1
    lowest, highest = row[start], row[stop - 1]
    total = 0
    for i in range(start, stop):
        total += held[i]
    total *= 4 if smooth else 1
    rows = highest - lowest + 1
    _, at_least = _share(total, high_percent, rows)
    at_most, _ = _share(total, low_percent, rows)
    for i in range(start, stop):
        node = _mark(row, held, i, lowest, highest, k, smooth, at_least, at_most)
        if node == mark[i]:
            continue
        if bar >= 0:
            for change in (-1, 1):
                which = mark[i] if change < 0 else node
                if which == 0:
                    continue
                if count < events.shape[1]:
                    events[0, count], events[1, count] = bar, row[i]
                    events[2, count], events[3, count] = which, change
                count += 1
        mark[i] = node
    return count


@part
def _nearest(row, mark, extent, close, bar, counts, nearest):
    counts[0, bar] = counts[1, bar] = 0
    for column in range(4):
        nearest[column, bar] = UNDEFINED
    if extent[0] < 0:
        return
    for i in range(extent[0], extent[1] + 1):
        if mark[i] == 0:
            continue
        kind = 0 if mark[i] > 0 else 1
        counts[kind, bar] += 1
        if row[i] <= close:
            nearest[2 * kind + 1, bar] = row[i]
        if row[i] >= close and nearest[2 * kind, bar] == UNDEFINED:
            nearest[2 * kind, bar] = row[i]


@jit(
    INT(
        *(I64_IN, I64_IN, I64_IN, I64_IN, I64_IN, I64_IN, I64_OUT, I64_OUT, _I8_OUT),
        *(INT, INT, INT, INT, _I8_OUT, _I64_TABLE, _I64_TABLE, _I64_TABLE),
    )
)
def fill_nodes(
    offset,
    at,
    volume,
    code,
    close,
    row,
    held,
    extent,
    mark,
    k,
    smooth,
    high_percent,
    low_percent,
    cells,
    counts,
    nearest,
    events,
):
    """Mark the nodes of the period so far as of each bar; return how many events there were.

    ``row``, ``held``, ``extent`` are those of `fill_developing`; each row has its neighbours within ``k + ROOM``.
    ``close`` is the row of each bar's close; ``mark`` int8 (n_rows,) zeros. Outputs: ``cells`` int8 (n_levels,), the
    node at each cell's row; ``counts`` (2, n_bars) of high and low nodes; ``nearest`` (4, n_bars) rows; ``events``
    (4, room): bar, row, node, and +1 where it was born, -1 where it is gone. A new period begins with none.
    """
    count = 0
    if extent[0] >= 0:
        _remark(row, held, mark, extent, k, smooth, high_percent, low_percent, -1, events, 0)
    for bar in range(len(offset) - 1):
        if code[bar] == FRESH:
            if extent[0] >= 0:
                for i in range(extent[0], extent[1] + 1):
                    held[i] = 0
                    mark[i] = 0
            extent[0], extent[1] = -1, -1
        if code[bar] != OUTSIDE:
            for i in range(offset[bar], offset[bar + 1]):
                held[at[i]] += volume[i]
            low, high = at[offset[bar]], at[offset[bar + 1] - 1]
            extent[0] = low if extent[0] < 0 else min(extent[0], low)
            extent[1] = max(extent[1], high)
            count = _remark(row, held, mark, extent, k, smooth, high_percent, low_percent, bar, events, count)
        for i in range(offset[bar], offset[bar + 1]):
            cells[i] = mark[at[i]] if code[bar] != OUTSIDE else 0
        _nearest(row, mark, extent, close[bar], bar, counts, nearest)
    return count
