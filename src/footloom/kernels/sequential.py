"""Ends of the bars that end by what was traded (definitions 2.4): arrays in, arrays out.

Every kernel takes columns of one session in order, its numbers, and what the trades before left behind (``memory``,
zeros at the session's start), which it brings up to date. It writes the row numbers behind which a bar ends to
``ends``, which has room for one a row and one more, and returns how many there are. Slow and readable in
`footloom.kernels.bars_reference`.
"""

from __future__ import annotations

from footloom.kernels.jit import I8_IN, I64_IN, I64_OUT, INT, jit

__all__ = ("bar_keys", "delta_ends", "largest_price", "range_ends", "renko_ends", "value_ends", "volume_ends")


@jit(INT(I64_IN, I64_IN, INT, INT, INT, I64_OUT, I64_OUT))
def bar_keys(ts, ends, open_ns, close_ns, goes_on, opens, closes):
    """Name bars by when they open: with the first trade, or where the bar before closed.

    So bars of one millisecond still ascend. The first one goes on from ``open_ns`` if ``goes_on``.
    """
    for bar in range(len(opens)):
        opened = open_ns if goes_on and bar == 0 else max(ts[ends[bar]], close_ns)
        close_ns = max(ts[ends[bar + 1] - 1], opened) + 1
        opens[bar], closes[bar] = opened, close_ns
    return len(opens)


@jit(INT(I64_IN))
def largest_price(price):
    """Return the largest size of a price."""
    low, high = 0, 0
    for i in range(len(price)):
        low, high = min(low, price[i]), max(high, price[i])
    return max(-low, high)


@jit(INT(I64_IN, INT, I64_OUT, I64_OUT))
def volume_ends(qty, threshold, memory, ends):
    """Cut where lots reach the threshold; memory: those of the open bar."""
    total, count = memory[0], 0
    for i in range(len(qty)):
        total += qty[i]
        if total >= threshold:
            ends[count] = i + 1
            count += 1
            total = 0
    memory[0] = total
    return count


@jit(INT(I64_IN, I64_IN, INT, I64_OUT, I64_OUT))
def value_ends(worth, qty, threshold, memory, ends):
    """Cut where lots times what one is worth reach the threshold; memory: the sum of the open bar."""
    total, count = memory[0], 0
    for i in range(len(qty)):
        total += abs(worth[i]) * qty[i]
        if total >= threshold:
            ends[count] = i + 1
            count += 1
            total = 0
    memory[0] = total
    return count


@jit(INT(I64_IN, I8_IN, INT, I64_OUT, I64_OUT))
def delta_ends(qty, side, threshold, memory, ends):
    """Cut where the delta reaches the threshold, up or down; memory: that of the open bar."""
    total, count = memory[0], 0
    for i in range(len(qty)):
        total += side[i] * qty[i]
        if abs(total) >= threshold:
            ends[count] = i + 1
            count += 1
            total = 0
    memory[0] = total
    return count


@jit(INT(I64_IN, INT, I64_OUT, I64_OUT))
def range_ends(price, ticks, memory, ends):
    """Cut before the trade that stretches a bar too far; memory: whether a bar is open, its low, its high."""
    if len(price) == 0:
        return 0
    low, high = (memory[1], memory[2]) if memory[0] else (price[0], price[0])
    count = 0
    for i in range(len(price)):
        p = price[i]
        low, high = min(low, p), max(high, p)
        if high - low > ticks:
            ends[count] = i
            count += 1
            low = high = p
    memory[0], memory[1], memory[2] = 1, low, high
    return count


@jit(INT(I64_IN, INT, INT, I64_OUT, I64_OUT, I64_OUT))
def renko_ends(price, brick, reversal, memory, ends, levels):
    """Cut behind trades that complete bricks; ``levels`` takes the last brick's close of each bar.

    memory: whether there is a level, the last brick's close, its direction.
    """
    if len(price) == 0:
        return 0
    level, way = (memory[1], memory[2]) if memory[0] else (price[0], 0)
    up, down = level + brick * (reversal if way < 0 else 1), level - brick * (reversal if way > 0 else 1)
    count = 0
    for i in range(len(price)):
        p = price[i]
        if down < p < up:
            continue
        if p >= up:
            level, way = up + (p - up) // brick * brick, 1
        else:
            level, way = down - (down - p) // brick * brick, -1
        up, down = level + brick * (reversal if way < 0 else 1), level - brick * (reversal if way > 0 else 1)
        ends[count], levels[count] = i + 1, level
        count += 1
    memory[0], memory[1], memory[2] = 1, level, way
    return count
