"""Trades to cells (definitions 2.1, 2.2): the kernel that everything else stands on.

Two passes over each bar: the first finds its range and size, the second adds into a dense scratch array that fits the
cache. The side picks its lane by index, not by branch; count and lots share one 64-bit word; two copies of the
scratch, used in turn, keep a trade from waiting for the one before. The kernel allocates nothing: it stops at a bar
for which the caller must do something, and goes on from there.
"""

from __future__ import annotations

import numpy as np
from numba import types

from footloom.kernels.facts import look
from footloom.kernels.jit import I8_IN, I64_IN, I64_OUT, INT, U8_IN, jit, part
from footloom.kernels.prefetch import prefetch

__all__ = ("DENSE_ROWS", "DISORDER", "DONE", "FULL", "LANES", "WIDE", "fill_cells", "fold_cells", "most_trades")

DONE, FULL, WIDE, DISORDER = 0, 1, 2, 3
DENSE_ROWS = 8_192
LANES = 8  # sell, unknown, buy and one of padding, twice: a row is one cache line
# row = (rel * ceil(2^50 / k)) >> 50 is exact while rel * k < 2^50; rel < DENSE_ROWS * k, so k may reach 2^18.
_MAX_STEP = 1 << 18
_SHIFT = 50
_COUNT_SHIFT = 44  # lots in the low 44 bits, trades in the 19 above: what could overflow is folded otherwise
_MAX_TRADES = (1 << 19) - 1
_MAX_LOTS = (1 << 44) - 1

_ROWS_AT_ONCE = 8_192  # whose columns fit the second cache, 33 bytes a row
# While trades are added, which waits for no memory, what comes next is asked for: about the next bar, or block of bars.
_AHEAD, _ROWS_A_TURN, _ROWS_A_LINE = 8_192, 16, 8

_I64_2D = types.Array(types.int64, 2, "C")


def most_trades(max_qty_lot: int) -> int:
    """Return how many trades a bar may hold in the packed words when none is larger than ``max_qty_lot``."""
    return min(_MAX_TRADES, _MAX_LOTS // max(max_qty_lot, 1))


@part
def _ask_for(column, at):
    for line in range(np.uint64(_ROWS_A_TURN // _ROWS_A_LINE)):
        prefetch(column, at + line * np.uint64(_ROWS_A_LINE))


@jit(
    types.UniTuple(INT, 2)(
        *(I64_IN, INT, INT, I64_IN, I64_IN, INT, I64_IN, I64_IN, I8_IN),
        *(INT, INT, I64_OUT, _I64_2D, I64_OUT, _I64_2D),
    )
)
def fill_cells(
    ends, first, used, ts, trade_id, unseen, tick, qty, side, most, step, scratch, bars, counts, levels
):  # fmt: skip
    """Fold bars from ``first`` on, up to the last or to one that does not fit; ``levels`` holds ``used`` of others.

    ``ends`` int64 (n_bars + 1,) offsets into the trades; ``tick``, ``qty`` int64, ``side`` int8 (n_trades,); ``step``
    ticks a level; ``scratch`` int64 (DENSE_ROWS * LANES,), zero on entry and on return. ``ts`` and ``trade_id`` are
    what `fold_cells` looks at next where the tape is ``unseen`` (1, else 0): asked for, not read. Outputs: ``bars`` (9,
    n_bars): high, low, min delta, max delta, buy, sell, unknown, open, close; ``counts`` (n_bars,): levels of each bar;
    ``levels`` (5, capacity): row, buy, sell, unknown, trades.

    Returns ``(next_bar, cause)``: `DONE`; `FULL`, no more levels fit; `WIDE`, the bar is too wide or too large for the
    dense scheme.
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
    unit, far = np.int64(1 << _COUNT_SHIFT), np.uint64(_AHEAD)
    p = used
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
            return b, WIDE
        if p + width > capacity:
            return b, FULL
        delta, low_delta, high_delta = np.int64(0), np.int64(0), np.int64(0)
        j, even_stop = np.uint64(start), np.uint64(start + (stop - start) // 2 * 2)
        while j < even_stop:
            _ask_for(tick, j + far)
            if unseen:
                _ask_for(ts, j + far)
                _ask_for(trade_id, j + far)
                _ask_for(qty, j + far)
            turn = min(even_stop, j + np.uint64(_ROWS_A_TURN))
            while j < turn:
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
    return n_bars, DONE


@jit(
    types.UniTuple(INT, 2)(
        *(I64_IN, INT, I64_IN, I64_IN, U8_IN, I64_IN, I64_IN, I8_IN, INT, I64_OUT, I64_OUT, _I64_2D, I64_OUT, _I64_2D)
    )
)
def fold_cells(ends, first, ts, trade_id, flags, tick, qty, side, step, seen, scratch, bars, counts, levels):
    """Do what `fill_cells` does; rows that ``seen`` does not count are looked at before (`footloom.kernels.facts`).

    A few bars are looked at and folded while the cache holds them, so that a large tape is read from memory once.
    Returns `DISORDER` too: rows do not stand in the ordering key.
    """
    n_bars, b, used = len(ends) - 1, first, np.int64(0)
    unseen = np.int64(seen[0] < ends[n_bars])
    while b < n_bars:
        until = b + 1 if unseen else n_bars
        while until < n_bars and ends[until + 1] - ends[b] <= _ROWS_AT_ONCE:
            until += 1
        look(ts, trade_id, qty, flags, ends[until], seen)
        if seen[1]:
            return b, DISORDER
        most = min(_MAX_TRADES, _MAX_LOTS // max(seen[2], 1))
        following, cause = fill_cells(
            ends[: until + 1], b, used, ts, trade_id, unseen, tick, qty, side, most, step, scratch, bars, counts, levels
        )
        while b < following:
            used += counts[b]
            b += 1
        if cause != DONE:
            return b, cause
    return b, DONE
