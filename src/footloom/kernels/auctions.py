"""The lives of unfinished auctions (definitions 6.1)."""

from __future__ import annotations

from numba import types

from footloom.kernels.jit import I64_IN, I64_OUT, INT, U8_IN, jit, part

__all__ = ("BORN", "CLOSED", "EVENT_COLUMNS", "EXPIRED", "LEVEL_COLUMNS", "UNFINISHED", "fold_auctions")

UNFINISHED = 1
BORN, CLOSED, EXPIRED = 1, 2, 3
LEVEL_COLUMNS = ("level", "price", "born")
EVENT_COLUMNS = ("bar", "level", "event", "extreme", "tick", "age")

_TABLE = types.Array(types.int64, 2, "C")


@part
def _tell(events, count, bar, level, event, sign, age):
    told = events[count]
    told[0], told[1], told[2], told[3], told[4], told[5] = bar, level[0], event, sign, sign * level[1], age
    return count + 1


@jit(types.UniTuple(INT, 2)(I64_IN, U8_IN, INT, INT, INT, _TABLE, _TABLE, I64_OUT))
def fold_auctions(price, mark, sign, first, count, alive, events, standing):
    """Close the levels that each bar trades beyond, then open its own where it is unfinished.

    ``price`` int64 (n_bars,) is the bars' highs with ``sign`` 1, or their lows times -1 with ``sign`` -1: a low is a
    high then. ``mark`` uint8 (n_bars,) is `UNFINISHED` where a level begins; ``first`` the number of the first bar.
    The first ``count`` rows of ``alive`` (columns `LEVEL_COLUMNS`, as many as may stand) are open; their prices never
    rise from the oldest to the latest, for whatever rose above one closed it. Where all places are taken the oldest
    expires. A level is called after its bar: twice its number, and one more for a low. ``standing`` (n_bars,) becomes
    how many stand at each close. Return the rows used of ``alive`` and ``events``.
    """
    told = 0
    for bar in range(len(price)):
        while count and alive[count - 1, 1] < price[bar]:
            count -= 1
            told = _tell(events, told, bar, alive[count], CLOSED, sign, first + bar - alive[count, 2])
        if mark[bar] == UNFINISHED:
            if count == len(alive):
                told = _tell(events, told, bar, alive[0], EXPIRED, sign, first + bar - alive[0, 2])
                for i in range(1, count):
                    alive[i - 1] = alive[i]
                count -= 1
            level = alive[count]
            level[0], level[1], level[2] = 2 * (first + bar) + (sign < 0), price[bar], first + bar
            told = _tell(events, told, bar, level, BORN, sign, 0)
            count += 1
        standing[bar] = count
    return count, told
