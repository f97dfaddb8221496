"""Points of control that price has not come back to (definitions 4.6)."""

from __future__ import annotations

from numba import types

from footloom.kernels.developing import OUTSIDE, UNDEFINED
from footloom.kernels.jit import I64_IN, I64_OUT, INT, jit, part

__all__ = ("BORN", "EXPIRED", "FILLED", "fill_naked")

BORN, FILLED, EXPIRED = 1, 2, 3
_TABLE = types.Array(types.int64, 2, "C")
_TABLE_IN = types.Array(types.int64, 2, "C", readonly=True)


@part
def _end(standing, held, count, events, bar, low, high, oldest):
    # Drop what is touched or too old, in order; the rest moves up.
    kept = 0
    for i in range(held):
        row, number = standing[0, i], standing[2, i]
        touched = low <= row <= high
        if touched or number < oldest:
            events[0, count], events[1, count] = bar, row
            events[2, count], events[3, count] = standing[1, i], FILLED if touched else EXPIRED
            count += 1
        else:
            for part_of in range(3):
                standing[part_of, kept] = standing[part_of, i]
            kept += 1
    return kept, count


@jit(INT(_TABLE_IN, I64_IN, I64_IN, I64_IN, I64_IN, INT, INT, _TABLE, I64_OUT, _TABLE, _TABLE))
def fill_naked(born, code, low, high, close, at_close, keep, standing, state, out, events):
    """Follow points of control until a later bar trades at them; return how many events there were.

    ``born`` (2, n_bars): the row that becomes known with each bar (`UNDEFINED`: none) and the period that it is of.
    Before that bar trades, or with ``at_close`` behind it. ``low``, ``high``, ``close`` are rows of the bar, ``code``
    `OUTSIDE` where it does not count. ``standing`` (3, room): rows, periods and numbers of those that stand, oldest
    first; ``state``: how many stand, and the next number; both carried on in place. Whoever is followed by ``keep``
    newer ones expires. Outputs: ``out`` (3, n_bars): how many stand, the nearest at or above and at or below the
    close; ``events`` (4, room): bar, row, period, what.
    """
    count = 0
    for bar in range(len(code)):
        for step in range(2):
            if step == (1 if at_close else 0) and born[0, bar] != UNDEFINED:
                held = state[0]
                standing[0, held], standing[1, held], standing[2, held] = born[0, bar], born[1, bar], state[1]
                events[0, count], events[1, count] = bar, born[0, bar]
                events[2, count], events[3, count] = born[1, bar], BORN
                count += 1
                state[0] += 1
                state[1] += 1
                state[0], count = _end(standing, state[0], count, events, bar, 1, 0, state[1] - keep)
            if step == 0 and code[bar] != OUTSIDE:
                state[0], count = _end(standing, state[0], count, events, bar, low[bar], high[bar], 0)
        out[0, bar], out[1, bar], out[2, bar] = state[0], UNDEFINED, UNDEFINED
        for i in range(state[0]):
            row = standing[0, i]
            if row >= close[bar] and (out[1, bar] == UNDEFINED or row < out[1, bar]):
                out[1, bar] = row
            if row <= close[bar] and row > out[2, bar]:
                out[2, bar] = row
    return count
