"""Imbalances, diagonal and horizontal, their stacks, and the automatic minimum volume (definitions 5.1, 5.2)."""

from __future__ import annotations

import numpy as np
from numba import types

from footloom.kernels.jit import I64_IN, I64_OUT, INT, U8_OUT, jit, part
from footloom.kernels.selection import nth_smallest

__all__ = (
    "AS_ONE",
    "BUY",
    "BUY_STACK",
    "GE",
    "GT",
    "IGNORE",
    "INFINITE",
    "SELL",
    "SELL_STACK",
    "fill_flags",
    "fill_min_volume",
    "is_imbalance",
)

BUY, SELL, BUY_STACK, SELL_STACK = 1, 2, 4, 8
GE, GT = 0, 1  # by how many lots the weighted weak side must be passed at least
INFINITE, IGNORE, AS_ONE = 0, 1, 2
_MOST = 1 << 62
_HUNDRED = np.uint64(100)
_FEW, _LEAST_MUCH = 1 << 48, 1 << 15  # lots and percent whose product fits


@part
def is_imbalance(strong, weak, percent, most_hundreds, min_volume, min_difference, compare, zero):
    """Say whether ``strong`` outweighs ``weak``: ``100 * strong >= percent * weak`` (or ``>``), in whole lots.

    ``most_hundreds`` is ``_MOST // percent``: a division by what is no constant costs more than all the rest.
    """
    # Which cells are imbalanced cannot be foretold: no branches but for lots that make no product leave 64 bits, which
    # nearly all are. A weak side of zero is outweighed by anything.
    against = weak + np.int64((weak == 0) & (zero == AS_ONE))
    enough = (strong > 0) & (strong >= min_volume) & (strong - weak >= min_difference)
    enough &= (weak > 0) | (zero != IGNORE)
    if (strong | against) < _FEW and percent < _LEAST_MUCH:
        return enough & (100 * strong - percent * against >= compare)
    # Others are divided first. No lots are below zero, so division needs no sign.
    hundreds = np.int64(np.uint64(against) // _HUNDRED)
    left = against - 100 * hundreds
    limit = percent * hundreds + np.int64(np.uint64(percent * left + 99 * (1 - compare)) // _HUNDRED)
    return enough & (strong - limit >= compare) & (hundreds <= most_hundreds)


@jit(types.void(I64_IN, I64_IN, I64_IN, I64_IN, I64_IN, INT, INT, INT, INT, INT, INT, U8_OUT))
def fill_flags(offset, row, buy, sell, min_volume, horizontal, percent, min_difference, compare, zero, stack, flags):
    """Write the imbalance bits of each level.

    A buy imbalance compares a row's buys with the sells one row below and stands on the upper row; a sell imbalance
    compares a row's sells with the buys one row above. A row outside the bar does not exist: the lowest row has no buy,
    the highest no sell imbalance; a row inside it where nothing traded counts as zero. ``horizontal`` (1, else 0)
    compares the two sides of one row instead. A stack is a maximal run of at least ``stack`` adjacent rows.
    ``min_volume`` int64 (n_bars,), the rest int64 (n_levels,) as in `Levels`.
    """
    one, back, most = np.uint64(1), np.uint64(stack - 1), _MOST // percent
    same, other = -horizontal, horizontal - 1  # masks of all ones or all zeros
    for bar in range(len(offset) - 1):
        start, stop = np.uint64(offset[bar]), np.uint64(offset[bar + 1])
        least = min_volume[bar]
        buy_run, sell_run = np.int64(0), np.int64(0)
        for i in range(start, stop):
            below = i - one if i > start else i
            above = i + one if i + one < stop else i
            # All ones where the neighbouring row traded, else all zeros: a mask instead of a branch.
            next_to_below = -np.int64(row[below] == row[i] - 1)
            next_to_above = -np.int64(row[above] == row[i] + 1)
            against_buy = (sell[below] & next_to_below & other) | (sell[i] & same)
            against_sell = (buy[above] & next_to_above & other) | (buy[i] & same)
            bought = is_imbalance(buy[i], against_buy, percent, most, least, min_difference, compare, zero)
            sold = is_imbalance(sell[i], against_sell, percent, most, least, min_difference, compare, zero)
            is_buy = np.int64(bought) & (np.int64(i > start) | horizontal)
            is_sell = np.int64(sold) & (np.int64(i + one < stop) | horizontal)
            buy_run = ((buy_run & next_to_below) + 1) & -is_buy
            sell_run = ((sell_run & next_to_below) + 1) & -is_sell
            stacked = BUY_STACK * np.int64(buy_run > stack) | SELL_STACK * np.int64(sell_run > stack)
            flags[i] = np.uint8(BUY * is_buy | SELL * is_sell | stacked)
            if (buy_run == stack) | (sell_run == stack):
                whole = np.uint8(BUY_STACK * np.int64(buy_run == stack) | SELL_STACK * np.int64(sell_run == stack))
                for k in range(i - back, i + one):
                    flags[k] |= whole


@part
def _gather(start, stop, buy, sell, space):
    count = 0
    for i in range(start, stop):
        for lots in (buy[i], sell[i]):
            if lots > 0:
                space[count] = lots
                count += 1
    return count


@part
def _note(start, stop, buy, sell, low, high, near, end):
    # How many one-sided cells there are and how many lie below a bracket; those within it go behind `near[:end]`.
    count, below = 0, 0
    for i in range(start, stop):
        count += np.int64(buy[i] > 0) + np.int64(sell[i] > 0)
        below += np.int64((buy[i] > 0) & (buy[i] < low)) + np.int64((sell[i] > 0) & (sell[i] < low))
        near[end] = buy[i]
        end += np.int64((buy[i] >= low) & (buy[i] <= high))
        near[end] = sell[i]
        end += np.int64((sell[i] >= low) & (sell[i] <= high))
    return count, below, end


@jit(types.void(I64_IN, I64_IN, I64_IN, INT, INT, INT, I64_OUT, I64_OUT, I64_OUT, I64_OUT))
def fill_min_volume(offset, buy, sell, first, window, percentile, space, near, noted, out):
    """Write the automatic minimum volume of bars ``first`` and later.

    It is the nearest-rank ``percentile`` of the non-zero one-sided cells (each level's buys and each level's sells)
    of the ``window`` bars before, and at least 1 lot. ``space`` int64 holds at least two values for each level of a
    window and one more, ``near`` twice as many; ``noted`` int64 (3 * window,); ``out`` int64 (n_bars - first,).

    From one bar to the next little changes: of each bar it is noted once how many cells lie below a bracket around the
    answer, and which lie within. While the answer does, only these are sorted.
    """
    n_bars, is_known = len(offset) - 1, False
    low, high, count, below, begin, end = np.int64(1), np.int64(0), 0, 0, 0, 0
    for bar in range(first, n_bars):
        oldest = max(0, bar - window)
        if is_known:
            place = (bar - 1) % window
            if bar > window:
                count, below, begin = (
                    count - noted[place],
                    below - noted[window + place],
                    begin + noted[2 * window + place],
                )
            if end + 2 * (offset[bar] - offset[bar - 1]) >= len(near):
                for i in range(begin, end):
                    near[i - begin] = near[i]
                begin, end = 0, end - begin
            more, under, until = _note(offset[bar - 1], offset[bar], buy, sell, low, high, near, end)
            noted[place], noted[window + place], noted[2 * window + place] = more, under, until - end
            count, below, end = count + more, below + under, until
        rank = (count * percentile + 99) // 100 - 1
        if is_known and below <= rank < below + end - begin:
            for i in range(begin, end):
                space[i - begin] = near[i]
            out[bar - first] = nth_smallest(space, end - begin, rank - below)
            continue
        many = _gather(offset[oldest], offset[bar], buy, sell, space)
        is_known = many > 0 and bar + 1 < n_bars
        answer = nth_smallest(space, many, (many * percentile + 99) // 100 - 1) if many else np.int64(1)
        out[bar - first] = answer
        low, high = max(1, answer - (answer >> 3) - 1), answer + (answer >> 3) + 1
        count, below, begin, end = 0, 0, 0, 0
        if is_known:
            for one in range(oldest, bar):
                place = one % window
                more, under, until = _note(offset[one], offset[one + 1], buy, sell, low, high, near, end)
                noted[place], noted[window + place], noted[2 * window + place] = more, under, until - end
                count, below, end = count + more, below + under, until
