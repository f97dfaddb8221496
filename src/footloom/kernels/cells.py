"""Trades to cells (definitions 2.1, 2.2): the kernel that everything else stands on.

Two passes over each bar: the first finds its range and size, the second adds into a dense scratch array that fits the
cache. The side picks its lane by index, not by branch; count and lots share one 64-bit word; two copies of the
scratch, used in turn, keep a trade from waiting for the one before. The kernel allocates nothing: it stops at a bar
for which the caller must do something, and goes on from there.
"""

from __future__ import annotations

import numpy as np
from numba import types

from footloom.kernels.jit import I8_IN, I64_IN, I64_OUT, INT, jit

__all__ = ("DENSE_ROWS", "LANES", "fill_cells", "most_trades")

DENSE_ROWS = 8_192
LANES = 8  # sell, unknown, buy and one of padding, twice: a row is one cache line
# row = (rel * ceil(2^50 / k)) >> 50 is exact while rel * k < 2^50; rel < DENSE_ROWS * k, so k may reach 2^18.
_MAX_STEP = 1 << 18
_SHIFT = 50
_COUNT_SHIFT = 44  # lots in the low 44 bits, trades in the 19 above: what could overflow is folded otherwise
_MAX_TRADES = (1 << 19) - 1
_MAX_LOTS = (1 << 44) - 1

_I64_2D = types.Array(types.int64, 2, "C")


def most_trades(max_qty_lot: int) -> int:
    """Return how many trades a bar may hold in the packed words when none is larger than ``max_qty_lot``."""
    return min(_MAX_TRADES, _MAX_LOTS // max(max_qty_lot, 1))


@jit(types.UniTuple(INT, 2)(I64_IN, INT, I64_IN, I64_IN, I8_IN, INT, INT, I64_OUT, _I64_2D, I64_OUT, _I64_2D))
def fill_cells(ends, first, tick, qty, side, most, step, scratch, bars, counts, levels):
    """Fold bars from ``first`` on, up to the last or to one that does not fit.

    ``ends`` int64 (n_bars + 1,) offsets into the trades; ``tick``, ``qty`` int64, ``side`` int8 (n_trades,); ``step``
    ticks a level; ``scratch`` int64 (DENSE_ROWS * LANES,), zero on entry and on return. Outputs: ``bars`` (9,
    n_bars): high, low, min delta, max delta, buy, sell, unknown, open, close; ``counts`` (n_bars,): levels of each bar;
    ``levels`` (5, capacity): row, buy, sell, unknown, trades.

    Returns ``(next_bar, cause)``: 0 all done, 1 ``levels`` is full, 2 the bar is too wide or too large for the dense
    scheme.
    """
    n_bars = len(ends) - 1
    capacity = levels.shape[1]
    magic = np.uint64(((1 << _SHIFT) + step - 1) // step)
    shift, one, two, four, six, eight = (
        np.uint64(_SHIFT),
        np.uint64(1),
        np.uint64(2),
        np.uint64(4),
        np.uint64(6),
        np.uint64(8),
    )
    unit = np.int64(1 << _COUNT_SHIFT)
    p = 0
    for b in range(first, n_bars):
        start, stop = ends[b], ends[b + 1]
        high, low = tick[start], tick[start]
        for j in range(np.uint64(start), np.uint64(stop)):
            t = tick[j]
            high = max(high, t)
            low = min(low, t)
        base_row = low // step
        base = base_row * step
        width = (high - base) // step + 1
        if width < 1 or width > DENSE_ROWS or step > _MAX_STEP or stop - start > most:
            return b, 2
        if p + width > capacity:
            return b, 1
        delta, low_delta, high_delta = np.int64(0), np.int64(0), np.int64(0)
        j, even_stop = np.uint64(start), np.uint64(start + (stop - start) // 2 * 2)
        while j < even_stop:
            k = j + one
            at_a = ((np.uint64(tick[j] - base) * magic) >> shift) * eight
            at_b = ((np.uint64(tick[k] - base) * magic) >> shift) * eight + four
            qty_a, qty_b = qty[j], qty[k]
            side_a, side_b = np.int64(side[j]), np.int64(side[k])
            scratch[at_a + np.uint64(side_a + 1)] += unit + qty_a
            scratch[at_b + np.uint64(side_b + 1)] += unit + qty_b
            delta_a = delta + side_a * qty_a
            delta = delta_a + side_b * qty_b
            low_delta = min(low_delta, min(delta_a, delta))
            high_delta = max(high_delta, max(delta_a, delta))
            j = k + one
        if j < np.uint64(stop):
            at_a = ((np.uint64(tick[j] - base) * magic) >> shift) * eight
            side_a = np.int64(side[j])
            scratch[at_a + np.uint64(side_a + 1)] += unit + qty[j]
            delta += side_a * qty[j]
            low_delta = min(low_delta, delta)
            high_delta = max(high_delta, delta)
        buys, sells, unknowns, before = np.int64(0), np.int64(0), np.int64(0), p
        for r in range(np.uint64(width)):
            at = r * eight
            sell = scratch[at] + scratch[at + four]
            unknown = scratch[at + one] + scratch[at + four + one]
            buy = scratch[at + two] + scratch[at + six]
            scratch[at] = scratch[at + one] = scratch[at + two] = 0
            scratch[at + four] = scratch[at + four + one] = scratch[at + six] = 0
            count = (sell + unknown + buy) >> _COUNT_SHIFT
            sell &= _MAX_LOTS
            unknown &= _MAX_LOTS
            buy &= _MAX_LOTS
            buys += buy
            sells += sell
            unknowns += unknown
            levels[0, p] = base_row + np.int64(r)
            levels[1, p] = buy
            levels[2, p] = sell
            levels[3, p] = unknown
            levels[4, p] = count
            p += np.int64(count > 0)
        bars[0, b], bars[1, b], bars[2, b], bars[3, b] = high, low, low_delta, high_delta
        bars[4, b], bars[5, b], bars[6, b] = buys, sells, unknowns
        bars[7, b], bars[8, b] = tick[start], tick[stop - 1]
        counts[b] = p - before
    return n_bars, 0
