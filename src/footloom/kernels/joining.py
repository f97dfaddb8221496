"""Two parts of one bar to one: levels merged by row, the bar's own columns each by its law (definitions 2.1, 3.1)."""

from __future__ import annotations

from operator import attrgetter

import numpy as np
from numba import types

from footloom.core.footprint import Bars, Levels
from footloom.kernels.jit import I64_IN, I64_OUT, INT, jit

__all__ = ("BUY", "LAW", "SELL", "join_bars", "join_columns", "join_levels", "merge_levels")

_FIRST, _LAST, _HIGH, _LOW, _SUM, _BITS, _LOW_DELTA, _HIGH_DELTA = range(8)
_LAWS = {
    "open_ns": _FIRST,
    "close_ns": _LAST,  # a bar that ends by what is traded closes behind its last trade yet
    "first_ns": _FIRST,
    "last_ns": _LAST,
    "open_tick": _FIRST,
    "high_tick": _HIGH,
    "low_tick": _LOW,
    "close_tick": _LAST,
    "min_delta_lot": _LOW_DELTA,
    "max_delta_lot": _HIGH_DELTA,
    "flags": _BITS,
}
LAW = np.array([_LAWS.get(name, _SUM) for name in Bars.__slots__], np.int64)
BUY, SELL = (Bars.__slots__.index(name) for name in ("buy_lot", "sell_lot"))
_columns_of_bar = attrgetter(*Bars.__slots__)
_columns_of_levels = attrgetter(*Levels.__slots__)
_I64_2D = types.Array(types.int64, 2, "C")


@jit(types.void(I64_IN, I64_IN, I64_IN, INT, INT, I64_OUT))
def join_columns(a, b, law, buy, sell, out):
    """Join the columns of two parts of one bar, each int64 (n_columns,), by ``law``; ``buy``, ``sell`` are places."""
    delta = a[buy] - a[sell]
    for i in range(len(law)):
        if law[i] == _SUM:
            out[i] = a[i] + b[i]
        elif law[i] == _FIRST:
            out[i] = a[i]
        elif law[i] == _LAST:
            out[i] = b[i]
        elif law[i] == _HIGH:
            out[i] = max(a[i], b[i])
        elif law[i] == _LOW:
            out[i] = min(a[i], b[i])
        elif law[i] == _BITS:
            out[i] = a[i] | b[i]
        elif law[i] == _LOW_DELTA:
            out[i] = min(a[i], delta + b[i])
        else:
            out[i] = max(a[i], delta + b[i])


@jit(INT(*[I64_IN] * 10, _I64_2D))
def merge_levels(row_a, buy_a, sell_a, unknown_a, trades_a, row_b, buy_b, sell_b, unknown_b, trades_b, out):
    """Merge the levels of two parts of one bar, ascending by row, into ``out`` (5, at least both); returns how many."""
    i, j, n = 0, 0, 0
    while i < len(row_a) or j < len(row_b):
        from_a = j == len(row_b) or (i < len(row_a) and row_a[i] <= row_b[j])
        from_b = i == len(row_a) or (j < len(row_b) and row_b[j] <= row_a[i])
        out[1, n] = out[2, n] = out[3, n] = out[4, n] = 0
        if from_a:
            out[0, n] = row_a[i]
            out[1, n], out[2, n], out[3, n], out[4, n] = buy_a[i], sell_a[i], unknown_a[i], trades_a[i]
        if from_b:
            out[0, n] = row_b[j]
            out[1, n] += buy_b[j]
            out[2, n] += sell_b[j]
            out[3, n] += unknown_b[j]
            out[4, n] += trades_b[j]
        i += from_a
        j += from_b
        n += 1
    return n


def join_bars(left: Bars, right: Bars) -> Bars:
    """Return the one bar of two neighbouring parts of it, each given as one bar."""
    out = np.empty(len(LAW), np.int64)
    parts = (np.concatenate(_columns_of_bar(bar)) for bar in (left, right))
    join_columns(*parts, LAW, BUY, SELL, out)
    return Bars(*out.reshape(len(LAW), 1))


def join_levels(left: Levels, right: Levels) -> Levels:
    """Return the levels of one bar, given those of two parts of it, ascending by row."""
    out = np.empty((len(Levels.__slots__), len(left) + len(right)), np.int64)
    count = merge_levels(*_columns_of_levels(left), *_columns_of_levels(right), out)
    return Levels(*out[:, :count])
