"""The open bar of a live chart with a few trades more, and what is read from it, in one call (definitions 2.1 to 5.1).

A commit brings a chart a handful of trades, for which calling kernels one by one costs a hundred times what they do.
"""

from __future__ import annotations

import numpy as np
from numba import types

from footloom.core.footprint import Bars
from footloom.core.trades import I64, U8, Trades
from footloom.kernels.cells import fill_cells, most_trades
from footloom.kernels.facts import facts
from footloom.kernels.imbalance import fill_flags
from footloom.kernels.jit import I8_IN, I64_2D_IN, I64_IN, I64_OUT, INT, U8_OUT, jit
from footloom.kernels.joining import BUY, LAW, SELL, join_columns, merge_levels
from footloom.kernels.profile import fill_profiles
from footloom.kernels.scratch import borrow, give_back

__all__ = ("COLUMNS", "STUDY_COLUMNS", "grow")

STUDY_COLUMNS = ("cvd_lot", "cvd_anchor_ns", "poc_row", "vah_row", "val_row", "min_vol_lot")
COLUMNS = (*Bars.__slots__, *STUDY_COLUMNS)

_ROWS = 256  # a few trades that lie further apart are folded the usual way
_MOST_TRADES = 4_096
_PLACE = {name: place for place, name in enumerate(COLUMNS)}
_OPEN_NS, _CLOSE_NS, _FIRST_NS, _LAST_NS = (_PLACE[f"{name}_ns"] for name in ("open", "close", "first", "last"))
_OPEN, _HIGH, _LOW, _CLOSE = (_PLACE[f"{name}_tick"] for name in ("open", "high", "low", "close"))
_LOW_DELTA, _HIGH_DELTA, _UNKNOWN = (_PLACE[f"{name}_lot"] for name in ("min_delta", "max_delta", "unknown"))
_TRADES, _CVD, _LEAST = _PLACE["trades"], _PLACE["cvd_lot"], _PLACE["min_vol_lot"]
_POC, _VAH, _VAL = (_PLACE[f"{name}_row"] for name in ("poc", "vah", "val"))
_BAR = len(Bars.__slots__)
_I64_2D = types.Array(types.int64, 2, "C")


@jit(
    INT(
        *[I64_IN] * 3, I8_IN, INT, INT, I64_OUT, I64_IN, I64_IN, I64_IN, I64_2D_IN, INT, I64_OUT, _I64_2D, U8_OUT
    ),
    brief=True,
)  # fmt: skip
def _grow(
    ts, tick, qty, side, most, close_ns, space, law, terms, bar, levels, n_levels, out, out_levels, marks
):  # fmt: skip
    ends = np.zeros(2, np.int64)
    ends[1] = len(ts)
    made, counts = np.empty((9, 1), np.int64), np.zeros(1, np.int64)
    cells = np.empty((5, _ROWS), np.int64)
    _, cause = fill_cells(ends, 0, 0, ts, ts, 0, tick, qty, side, most, terms[0], space, made, counts, cells)
    if cause:
        return -1
    new = np.zeros(_BAR, np.int64)
    new[_OPEN_NS], new[_CLOSE_NS], new[_FIRST_NS], new[_LAST_NS] = bar[_OPEN_NS], close_ns, ts[0], ts[len(ts) - 1]
    new[_HIGH], new[_LOW], new[_LOW_DELTA], new[_HIGH_DELTA] = made[0, 0], made[1, 0], made[2, 0], made[3, 0]
    new[BUY], new[SELL], new[_UNKNOWN] = made[4, 0], made[5, 0], made[6, 0]
    new[_OPEN], new[_CLOSE], new[_TRADES] = made[7, 0], made[8, 0], len(ts)
    join_columns(bar[:_BAR], new, law, BUY, SELL, out[:_BAR])
    n, m = n_levels, counts[0]
    count = merge_levels(
        levels[0, :n], levels[1, :n], levels[2, :n], levels[3, :n], levels[4, :n],
        cells[0, :m], cells[1, :m], cells[2, :m], cells[3, :m], cells[4, :m], out_levels,
    )  # fmt: skip
    out[_BAR:] = bar[_BAR:]
    out[_CVD] = bar[_CVD] + new[BUY] - new[SELL]
    ends[1] = count
    row, buy, sell = out_levels[0, :count], out_levels[1, :count], out_levels[2, :count]
    volume = buy + sell + out_levels[3, :count]
    poc, vah, val = np.empty(1, np.int64), np.empty(1, np.int64), np.empty(1, np.int64)
    fill_profiles(ends, row, volume, terms[1], terms[2], terms[3], terms[4], poc, vah, val)
    out[_POC], out[_VAH], out[_VAL] = poc[0], vah[0], val[0]
    fill_flags(
        ends, row, buy, sell, out[_LEAST:], terms[5], terms[6], terms[7], terms[8], terms[9], terms[10], marks[:count]
    )
    return count


def grow(
    bar: I64, levels: I64, count: int, trades: Trades, close_ns: int, terms: I64
) -> tuple[I64, I64, U8, int] | None:
    """Return one open bar with trades behind it that belong to it all; None where that takes `fold` and `combine`.

    Both give the same bits: it is the same kernels.

    Parameters
    ----------
    bar
        The bar's `COLUMNS`, int64 (28,).
    levels
        Its levels in the order of `Levels`, int64 (5, at least ``count``), of which ``count`` are used.
    trades
        In the ordering key, with stated sides.
    close_ns
        When the bar closes, ns UTC, as far as is known with these trades.
    terms
        Ticks a level; share (numerator, denominator), method and tie of the value area; direction (1 horizontal),
        percent, least difference, comparison, zero rule and stack of the imbalances; int64 (11,).

    Returns
    -------
        The columns, the levels, the ``CELL_*`` bits of each level (uint8), and how many levels there are.
    """
    most = min(_MOST_TRADES, most_trades(facts(trades).max_qty_lot))
    if len(trades) > most:
        return None
    room = count + min(_ROWS, len(trades))
    out, out_levels, marks = np.empty(len(COLUMNS), np.int64), np.empty((5, room), np.int64), np.empty(room, np.uint8)
    space = borrow()
    found = _grow(
        trades.ts_exch_ns, trades.price_tick, trades.qty_lot, trades.side, most, close_ns, space, LAW, terms,
        bar, levels, count, out, out_levels, marks,
    )  # fmt: skip
    give_back(space)
    return None if found < 0 else (out, out_levels, marks, found)
