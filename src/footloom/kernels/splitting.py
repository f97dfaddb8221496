"""Trades cut into parts, so that bars hold exactly their volume (definitions 2.4)."""

from __future__ import annotations

from footloom.kernels.jit import I64_IN, I64_OUT, INT, jit

__all__ = ("split_ends",)


@jit(INT(I64_IN, I64_IN, INT, INT, INT, I64_OUT, I64_OUT, I64_OUT))
def split_ends(worth, qty, by_worth, threshold, room, memory, cut, ends):
    """Write (row, lots) pairs to ``cut``, or only count them where that is empty; return their number.

    It is one more than ``room`` where there are too many. memory: the open bar's sum, how many bars ended.
    """
    total, pairs, bars = memory[0], 0, 0
    write = len(cut) > 0
    for i in range(len(qty)):
        left = qty[i]
        weight = abs(worth[i]) if by_worth else 1
        while left > 0 and pairs <= room:
            part = left
            if total + left * weight >= threshold:  # lots are whole: the smallest number of them reaches a quote value
                part = (threshold - total + weight - 1) // weight
            left -= part
            total += part * weight
            if write:
                cut[2 * pairs], cut[2 * pairs + 1] = i, part
            pairs += 1
            if total >= threshold:
                if write:
                    ends[bars] = pairs
                bars += 1
                total = 0
    memory[0], memory[1] = total, bars
    return pairs
