"""The lives of stacked zones (definitions 5.3).

A table of what stands (``alive``, oldest first, room for all that can come) lives from bar to bar; what happens is
written to ``events``, one row each.
"""

from __future__ import annotations

import numpy as np
from numba import types

from footloom.kernels.imbalance import BUY_STACK, SELL_STACK
from footloom.kernels.jit import I64_IN, I64_OUT, INT, U8_IN, jit, part

__all__ = (
    "AT_CLOSE",
    "AT_TOUCH",
    "AT_TRADE",
    "BORN",
    "EVENT_COLUMNS",
    "EXPIRED",
    "INVALID_CLOSE",
    "INVALID_TRADE",
    "TESTED",
    "ZONE_COLUMNS",
    "fold_zones",
)

BORN, TESTED, INVALID_TRADE, INVALID_CLOSE, EXPIRED = 1, 2, 3, 4, 5
AT_CLOSE, AT_TRADE, AT_TOUCH = 0, 1, 2
ZONE_COLUMNS = ("zone", "side", "lo_row", "hi_row", "age", "stage")
EVENT_COLUMNS = ("bar", "zone", "event", "side", "lo_row", "hi_row", "age", "ends")

_TABLE = types.Array(types.int64, 2, "C")


@part
def _tell(events, count, bar, zone, event, ends):
    told = events[count]
    told[0], told[1], told[2], told[3], told[4], told[5] = bar, zone[0], event, zone[1], zone[2], zone[3]
    told[6], told[7] = zone[4], ends
    return count + 1


@part
def _live(zone, events, told, bar, step, high, low, close, last_event):
    # One bar of one zone. Its stage is the last event that it has seen, so that none is told twice.
    bottom, top = zone[2] * step, (zone[3] + 1) * step
    if zone[1] > 0:
        reached = (low <= top) + (low < bottom) + (close < bottom)
    else:
        reached = (high >= bottom) + (high > top) + (close > top)
    while zone[5] < BORN + reached and zone[5] < last_event:
        zone[5] += 1
        told = _tell(events, told, bar, zone, zone[5], np.int64(zone[5] == last_event))
    return told


@part
def _give_birth(alive, count, events, told, bar, bit, side, start, stop, row, flags, number):
    i = start
    while i < stop:
        if not flags[i] & bit:
            i += 1
            continue
        first = i
        while i + 1 < stop and flags[i + 1] & bit and row[i + 1] == row[i] + 1:
            i += 1
        zone = alive[count]
        zone[0], zone[1], zone[2], zone[3], zone[4], zone[5] = number, side, row[first], row[i], 0, BORN
        told = _tell(events, told, bar, zone, BORN, 0)
        count, number, i = count + 1, number + 1, i + 1
    return count, told, number


@jit(
    types.UniTuple(INT, 2)(
        I64_IN, I64_IN, U8_IN, I64_IN, I64_IN, I64_IN, I64_IN, INT, INT, INT, INT, INT, _TABLE, _TABLE, I64_OUT, I64_OUT
    )
)
def fold_zones(
    offset,
    row,
    flags,
    high,
    low,
    close,
    fresh,
    step,
    invalidation,
    max_age,
    number,
    count,
    alive,
    events,
    buys,
    sells,
):
    """Let each bar live on the zones that stand, then give birth to its own stacks.

    ``fresh`` (n_bars,) is 1 where all zones of the bars before expire, else 0. The first ``count`` rows of ``alive``
    (columns `ZONE_COLUMNS`) stand before the first bar; the next zone is called ``number``. ``events`` has the columns
    `EVENT_COLUMNS` and room for four a zone. ``buys`` and ``sells`` (n_bars,) become the zones alive at each close.
    Return how many rows of ``alive`` and of ``events`` are used.
    """
    told = 0
    last_event = INVALID_CLOSE - invalidation
    for bar in range(len(offset) - 1):
        kept = 0
        for i in range(count):
            zone = alive[i]
            if not fresh[bar]:
                zone[4] += 1
                told = _live(zone, events, told, bar, step, high[bar], low[bar], close[bar], last_event)
            if zone[5] >= last_event:
                continue
            if fresh[bar] or zone[4] >= max_age:
                told = _tell(events, told, bar, zone, EXPIRED, 1)
                continue
            alive[kept] = zone
            kept += 1
        count = kept
        start, stop = offset[bar], offset[bar + 1]
        for bit, side in ((BUY_STACK, 1), (SELL_STACK, -1)):
            count, told, number = _give_birth(
                alive, count, events, told, bar, bit, side, start, stop, row, flags, number
            )
        bought = 0
        for i in range(count):
            bought += alive[i, 1] > 0
        buys[bar], sells[bar] = bought, count - bought
    return count, told
