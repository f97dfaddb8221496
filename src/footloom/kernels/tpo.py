"""Time at price: in how many brackets of a session each row was traded through (definitions 4.7)."""

from __future__ import annotations

from numba import types

from footloom.kernels.developing import UNDEFINED
from footloom.kernels.jit import I64_IN, I64_OUT, INT, jit, part
from footloom.kernels.profile import grow_area, poc_index, targets

__all__ = ("COLUMNS", "fill_tpo")

COLUMNS = (
    "poc_row",
    "vah_row",
    "val_row",
    "total",
    "ib_high_row",
    "ib_low_row",
    "above",
    "below",
    "high_tail",
    "low_tail",
    "singles",
    "poor_high",
    "poor_low",
    "brackets",
)
_TABLE = types.Array(types.int64, 2, "C")


@part
def _add(count, lowest, low, high):
    for i in range(low - lowest, high - lowest + 1):
        count[i] += 1
    return high - low + 1


@part
def _take(table, held, number, low, high, count, lowest):
    # Mark the rows of one bar in its bracket; return how many were new.
    last = held[0] - 1
    if last < 0 or table[0, last] != number:
        table[0, held[0]], table[1, held[0]], table[2, held[0]] = number, low, high
        held[0] += 1
        return _add(count, lowest, low, high)
    fresh = 0
    if low < table[1, last]:
        fresh += _add(count, lowest, low, table[1, last] - 1)
        table[1, last] = low
    if high > table[2, last]:
        fresh += _add(count, lowest, table[2, last] + 1, high)
        table[2, last] = high
    return fresh


@part
def _balance(table, held, first, out, bar, start, stop, lowest):
    high, low = UNDEFINED, UNDEFINED
    for i in range(held[0]):
        if table[0, i] < first:
            high = table[2, i] if high == UNDEFINED else max(high, table[2, i])
            low = table[1, i] if low == UNDEFINED else min(low, table[1, i])
    out[4, bar], out[5, bar] = high, low
    out[6, bar] = 1 if high != UNDEFINED and lowest + stop - 1 > high else 0
    out[7, bar] = 1 if low != UNDEFINED and lowest + start < low else 0


@part
def _shape(count, start, stop, out, bar):
    high, low, singles = 0, 0, 0
    while low < stop - start and count[start + low] == 1:
        low += 1
    while high < stop - start and count[stop - 1 - high] == 1:
        high += 1
    for i in range(start + low, stop - high):
        singles += count[i] == 1
    out[8, bar], out[9, bar], out[10, bar] = high, low, singles
    out[11, bar] = 1 if count[stop - 1] >= 2 else 0
    out[12, bar] = 1 if count[start] >= 2 else 0


@jit(
    types.void(
        *(I64_IN, I64_IN, I64_IN, I64_IN, I64_IN, INT),
        *(INT, INT, INT, INT, _TABLE, I64_OUT, I64_OUT, _TABLE),
    )
)
def fill_tpo(live, number, low, high, row, first, share_num, share_den, method, tie, table, held, count, out):
    """Write what one session's time at price says as of each bar, into ``out`` (columns of `COLUMNS`, n_bars).

    ``live``: whether a bar counts; ``number``: the bracket that it stands in, ascending; ``low``, ``high``: its rows.
    ``row`` int64 (n_rows,): all rows of the session, ascending by one; ``count`` (n_rows,) zeros. ``table`` (3, room):
    number, lowest and highest row of each bracket so far, ``held`` (1,) how many; both carried on in place. The
    initial balance is that of the brackets below ``first``. Undefined: `UNDEFINED`.
    """
    lowest, total, known = row[0] if len(row) else 0, 0, False
    start, stop = len(row), 0
    for i in range(held[0]):
        total += _add(count, lowest, table[1, i], table[2, i])
        start, stop = min(start, table[1, i] - lowest), max(stop, table[2, i] - lowest + 1)
    for bar in range(len(live)):
        if live[bar]:
            fresh = _take(table, held, number[bar], low[bar], high[bar], count, lowest)
            start, stop = min(start, low[bar] - lowest), max(stop, high[bar] - lowest + 1)
            total += fresh
            known = known and fresh == 0
        if known:
            for i in range(13):
                out[i, bar] = out[i, bar - 1]
        elif held[0] == 0:
            for i in range(13):
                out[i, bar] = UNDEFINED
        else:
            floor, ceiling = targets(total, share_num, share_den)
            best = poc_index(row, count, start, stop, tie)
            out[0, bar] = row[best]
            out[1, bar], out[2, bar] = grow_area(row, count, start, stop, best, ceiling, floor, method, tie)
            out[3, bar] = total
            _balance(table, held, first, out, bar, start, stop, lowest)
            _shape(count, start, stop, out, bar)
            known = True
        out[13, bar] = held[0]
