"""Diagonal imbalances, their stacks, and the automatic minimum volume (definitions 5.1, 5.2)."""

from __future__ import annotations

import numpy as np
from numba import types

from footloom.kernels.jit import I64_IN, I64_OUT, INT, U8_OUT, jit

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
GE, GT = 0, 1
INFINITE, IGNORE, AS_ONE = 0, 1, 2


@jit(types.boolean(INT, INT, INT, INT, INT, INT, INT), inline="always")
def is_imbalance(strong, weak, percent, min_volume, min_difference, compare, zero):  # type: ignore[no-untyped-def]
    """Say whether ``strong`` outweighs ``weak``: ``100 * strong >= percent * weak`` (or ``>``), in whole lots."""
    if strong <= 0 or strong < min_volume or strong - weak < min_difference:
        return False
    if weak == 0:
        if zero != AS_ONE:
            return zero == INFINITE
        weak = 1
    if compare == GT:
        return 100 * strong > percent * weak
    return 100 * strong >= percent * weak


@jit(types.void(U8_OUT, I64_IN, INT, INT, INT, INT, INT))
def _mark_stacks(flags, row, start, stop, wanted, mark, at_least):  # type: ignore[no-untyped-def]
    # Maximal runs of adjacent rows with the flag; a row where nothing traded breaks a run.
    i = start
    while i < stop:
        j = i
        while j < stop and flags[j] & wanted and row[j] - row[i] == j - i:
            j += 1
        if j - i >= at_least:
            for k in range(i, j):
                flags[k] |= np.uint8(mark)
        i = max(j, i + 1)


@jit(types.void(I64_IN, I64_IN, I64_IN, I64_IN, I64_IN, INT, INT, INT, INT, INT, U8_OUT))
def fill_flags(offset, row, buy, sell, min_volume, percent, min_difference, compare, zero, stack, flags):  # type: ignore[no-untyped-def]
    """Write the imbalance bits of each level.

    A buy imbalance compares a row's buys with the sells one row below and stands on the upper row; a sell imbalance
    compares a row's sells with the buys one row above. A row outside the bar does not exist: the lowest row has no
    buy, the highest no sell imbalance; a row inside it where nothing traded counts as zero. ``min_volume`` int64
    (n_bars,), the rest int64 (n_levels,) as in `Levels`.
    """
    for bar in range(len(offset) - 1):
        start, stop = offset[bar], offset[bar + 1]
        least = min_volume[bar]
        for i in range(start, stop):
            bits = 0
            if i > start:
                weak = sell[i - 1] if row[i - 1] == row[i] - 1 else 0
                if is_imbalance(buy[i], weak, percent, least, min_difference, compare, zero):
                    bits |= BUY
            if i < stop - 1:
                weak = buy[i + 1] if row[i + 1] == row[i] + 1 else 0
                if is_imbalance(sell[i], weak, percent, least, min_difference, compare, zero):
                    bits |= SELL
            flags[i] = bits
        _mark_stacks(flags, row, start, stop, BUY, BUY_STACK, stack)
        _mark_stacks(flags, row, start, stop, SELL, SELL_STACK, stack)


@jit(INT(I64_OUT, INT, INT))
def _nth_smallest(values, count, nth):  # type: ignore[no-untyped-def]
    # Hoare's selection in place: values[:count] are reordered.
    low, high = 0, count - 1
    while low < high:
        pivot = values[(low + high) >> 1]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if nth <= j:
            high = j
        elif nth >= i:
            low = i
        else:
            break
    return values[nth]


@jit(types.void(I64_IN, I64_IN, I64_IN, INT, INT, INT, I64_OUT, I64_OUT))
def fill_min_volume(offset, buy, sell, first, window, percentile, space, out):  # type: ignore[no-untyped-def]
    """Write the automatic minimum volume of bars ``first`` and later.

    It is the nearest-rank ``percentile`` of the non-zero one-sided cells (each level's buys and each level's sells)
    of the ``window`` bars before, and at least 1 lot. ``space`` int64 holds at least two values for each level of a
    window; ``out`` int64 (n_bars - first,).
    """
    for bar in range(first, len(offset) - 1):
        count = 0
        for i in range(offset[max(0, bar - window)], offset[bar]):
            if buy[i] > 0:
                space[count] = buy[i]
                count += 1
            if sell[i] > 0:
                space[count] = sell[i]
                count += 1
        out[bar - first] = 1
        if count:
            out[bar - first] = max(1, _nth_smallest(space, count, (count * percentile + 99) // 100 - 1))
