"""Ends of imbalance and run bars (definitions 2.4); signatures as in `footloom.kernels.sequential`."""

from __future__ import annotations

import math

import numpy as np

from footloom.kernels.jit import I8_IN, I64_IN, I64_OUT, INT, jit, part

__all__ = ("IMBALANCE_MEMORY", "imbalance_ends", "run_ends")

IMBALANCE_MEMORY = 8
_SEEN, _PRICE, _TICK, _THETA, _TRADES, _THRESHOLD, _LENGTH, _MEAN = range(IMBALANCE_MEMORY)
_WEIGHT = 0.125  # of the newest bar in what is expected; a power of two is exact


@part
def _size(worth, qty, weigh):
    if weigh == 0:
        return 1
    return qty if weigh == 1 else qty * abs(worth)


@jit(INT(I64_IN, I64_IN, I64_IN, I8_IN, INT, INT, INT, I64_OUT, I64_OUT))
def imbalance_ends(price, worth, qty, side, weigh, first, length, memory, ends):
    """Cut where signed sizes reach ``first``, or what is expected of a bar."""
    # `weigh` 0: trades, 1: lots, 2: lots by what one is `worth`. `length` is how many trades a bar is expected to have
    # at first; 0 keeps the threshold `first`. memory: whether a trade (1) and a bar (2) were seen, the last price, the
    # sign of the tick rule, the open bar's imbalance and trades, the threshold, and as floats the expected length and
    # imbalance a trade.
    floats = memory.view(np.float64)
    seen, last, tick, theta, trades, threshold = memory[0], memory[1], memory[2], memory[3], memory[4], memory[5]
    if seen == 0:
        threshold = first
        floats[_LENGTH] = length
    count = 0
    for i in range(len(price)):
        p = price[i]
        if seen and p != last:
            tick = 1 if p > last else -1
        seen, last = max(seen, 1), p
        sign = np.int64(side[i]) if side[i] != 0 else tick
        theta += sign * _size(worth[i], qty[i], weigh)
        trades += 1
        if abs(theta) >= threshold:
            ends[count] = i + 1
            count += 1
            if length > 0:
                mean = theta / trades
                if seen == 1:  # the session's first bar gives the sign of what is expected
                    seen = 2
                    floats[_MEAN] = math.copysign(first / length, mean)
                longer = floats[_LENGTH] + _WEIGHT * (trades - floats[_LENGTH])
                floats[_LENGTH] = min(max(longer, length / 4), length * 4.0)
                floats[_MEAN] += _WEIGHT * (mean - floats[_MEAN])
                expected = np.int64(math.ceil(min(floats[_LENGTH] * abs(floats[_MEAN]), first * 4.0)))
                threshold = max(expected, (first + 3) // 4)
            theta, trades = 0, 0
    memory[0], memory[1], memory[2], memory[3], memory[4], memory[5] = seen, last, tick, theta, trades, threshold
    return count


@jit(INT(I64_IN, I64_IN, I64_IN, I8_IN, INT, INT, I64_OUT, I64_OUT))
def run_ends(price, worth, qty, side, weigh, threshold, memory, ends):
    """Cut where the sizes of one side reach the threshold."""
    # memory: whether a trade was seen, its price, the sign of the tick rule, the open bar's buys and sells.
    seen, last, tick, buys, sells = memory[0], memory[1], memory[2], memory[3], memory[4]
    count = 0
    for i in range(len(price)):
        p = price[i]
        if seen and p != last:
            tick = 1 if p > last else -1
        seen, last = 1, p
        sign = np.int64(side[i]) if side[i] != 0 else tick
        size = _size(worth[i], qty[i], weigh)
        if sign > 0:
            buys += size
        elif sign < 0:
            sells += size
        if max(buys, sells) >= threshold:
            ends[count] = i + 1
            count += 1
            buys, sells = 0, 0
    memory[0], memory[1], memory[2], memory[3], memory[4] = seen, last, tick, buys, sells
    return count
