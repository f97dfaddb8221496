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


@jit(types.void(I64_IN, I64_IN, I64_IN, INT, INT, INT, I64_OUT, I64_OUT))
def fill_min_volume(offset, buy, sell, first, window, percentile, space, out):
    """Write the automatic minimum volume of bars ``first`` and later.

    It is the nearest-rank ``percentile`` of the non-zero one-sided cells (each level's buys and each level's sells)
    of the ``window`` bars before, and at least 1 lot. ``space`` int64 holds at least two values for each level of a
    window and one more; ``out`` int64 (n_bars - first,).
    """
    guess = np.int64(0)
    for bar in range(first, len(offset) - 1):
        start, stop = np.uint64(offset[max(0, bar - window)]), np.uint64(offset[bar])
        # From one bar to the next little changes: where the answer is near the last one, only what is near is sorted.
        low, high = max(1, guess - (guess >> 2)), guess + (guess >> 2)
        count, below, near = 0, 0, np.uint64(0)
        for i in range(start, stop):
            count += np.int64(buy[i] > 0) + np.int64(sell[i] > 0)
            below += np.int64((buy[i] > 0) & (buy[i] < low)) + np.int64((sell[i] > 0) & (sell[i] < low))
            space[near] = buy[i]
            near += np.uint64((buy[i] >= low) & (buy[i] <= high))
            space[near] = sell[i]
            near += np.uint64((sell[i] >= low) & (sell[i] <= high))
        rank = (count * percentile + 99) // 100 - 1
        if below <= rank < below + np.int64(near):
            guess = nth_smallest(space, np.int64(near), rank - below)
        elif count:
            guess = nth_smallest(space, _gather(start, stop, buy, sell, space), rank)
        else:
            guess = np.int64(1)
        out[bar - first] = guess
