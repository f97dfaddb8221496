"""Volume spread evenly over the ticks between two prices, in whole lots (definitions 1.3)."""

from __future__ import annotations

import numpy as np
from numba import types

from footloom.core.trades import I64
from footloom.kernels.jit import I64_IN, jit, part

__all__ = ("spread",)


def spread(place: I64, lots: I64, start_tick: I64, end_tick: I64, most: int) -> tuple[I64, I64, I64, I64]:
    """Spread the lots of some events over the ticks from one price to another, both included.

    A tick gets the difference of two rounded shares, and none where that is 0; nothing is lost. ``place`` names the
    events, int64 (m,); the other columns hold every event, int64 (n,). Where there are more than ``most`` ticks, only
    so many of them take part.

    Returns
    -------
    place, lots, tick, piece
        One row a tick: its event, its lots, its price, and its number within the event from 1; int64.
    """
    columns = [np.ascontiguousarray(column[place], np.int64) for column in (lots, start_tick, end_tick)]
    steps = np.minimum(np.abs(columns[2] - columns[1]) + 1, most)
    rows = np.minimum(steps, columns[0])  # fewer lots than ticks: one lot on each of so many ticks
    out = np.empty((4, int(rows.sum())), np.int64)
    _spread(np.ascontiguousarray(place, np.int64), *columns, steps, out)
    return out[0], out[1], out[2], out[3]


@part
def _scaled(total, share, parts):
    # floor(total * share / parts) for share <= parts, without overflow of the product.
    return total // parts * share + total % parts * share // parts


@jit(types.void(I64_IN, I64_IN, I64_IN, I64_IN, I64_IN, types.Array(types.int64, 2, "C")))
def _spread(place, lots, start, end, steps, out):
    n = 0
    for i in range(len(place)):
        span, direction = abs(end[i] - start[i]), (1 if end[i] >= start[i] else -1)
        for k in range(steps[i]):
            cut = _scaled(lots[i], k + 1, steps[i]) - _scaled(lots[i], k, steps[i])
            if cut > 0:
                out[0, n], out[1, n], out[3, n] = place[i], cut, k + 1
                out[2, n] = start[i] + direction * _scaled(span, k, max(1, steps[i] - 1))
                n += 1
