"""The open bar of a live chart with a few trades more: the kernels of fold and join in one call (definitions 2.1).

A commit brings a chart a handful of trades, for which calling kernels one by one costs a hundred times what they do.
"""

from __future__ import annotations

from operator import attrgetter

import numpy as np
from numba import types

from footloom.core.edges import Edges
from footloom.core.footprint import BAR_OFF_SESSION, Bars, Footprint, Levels
from footloom.core.trades import FLAG_INFERRED, I64, Trades
from footloom.kernels.cells import fill_cells, most_trades
from footloom.kernels.facts import facts
from footloom.kernels.jit import I8_IN, I64_IN, I64_OUT, INT, jit
from footloom.kernels.joining import BUY, LAW, SELL, join_columns, merge_levels
from footloom.kernels.scratch import scratch

__all__ = ("grow",)

_ROWS = 256  # a few trades that lie further apart are folded the usual way
_MOST_TRADES = 4_096
_PLACE = {name: place for place, name in enumerate(Bars.__slots__)}
_OPEN_NS, _CLOSE_NS, _FIRST_NS, _LAST_NS = (_PLACE[f"{name}_ns"] for name in ("open", "close", "first", "last"))
_OPEN, _HIGH, _LOW, _CLOSE = (_PLACE[f"{name}_tick"] for name in ("open", "high", "low", "close"))
_LOW_DELTA, _HIGH_DELTA, _UNKNOWN = (_PLACE[f"{name}_lot"] for name in ("min_delta", "max_delta", "unknown"))
_TRADES, _FLAGS = _PLACE["trades"], _PLACE["flags"]
_COLUMNS = len(_PLACE)
_columns_of_bar = attrgetter(*Bars.__slots__)
_columns_of_levels = attrgetter(*Levels.__slots__)
_I64_2D = types.Array(types.int64, 2, "C")


@jit(INT(*[I64_IN] * 3, I8_IN, INT, INT, I64_OUT, *[INT] * 3, I64_IN, I64_IN, *[I64_IN] * 5, I64_OUT, _I64_2D))
def _grow(
    ts,
    tick,
    qty,
    side,
    most,
    step,
    space,
    open_ns,
    close_ns,
    off,
    law,
    bar,
    row,
    buy,
    sell,
    unknown,
    count,
    out,
    levels,
):
    ends = np.zeros(2, np.int64)
    ends[1] = len(ts)
    bars, counts = np.empty((9, 1), np.int64), np.zeros(1, np.int64)
    cells = np.empty((5, _ROWS), np.int64)
    _, cause = fill_cells(ends, 0, tick, qty, side, most, step, space, bars, counts, cells)
    if cause:
        return -1
    new = np.zeros(_COLUMNS, np.int64)
    new[_OPEN_NS], new[_CLOSE_NS], new[_FIRST_NS], new[_LAST_NS] = open_ns, close_ns, ts[0], ts[len(ts) - 1]
    new[_HIGH], new[_LOW], new[_LOW_DELTA], new[_HIGH_DELTA] = bars[0, 0], bars[1, 0], bars[2, 0], bars[3, 0]
    new[BUY], new[SELL], new[_UNKNOWN] = bars[4, 0], bars[5, 0], bars[6, 0]
    new[_OPEN], new[_CLOSE], new[_TRADES], new[_FLAGS] = bars[7, 0], bars[8, 0], len(ts), off * BAR_OFF_SESSION
    join_columns(bar, new, law, BUY, SELL, out)
    n = counts[0]
    return merge_levels(
        row, buy, sell, unknown, count, cells[0, :n], cells[1, :n], cells[2, :n], cells[3, :n], cells[4, :n], levels
    )


def grow(bar: Footprint | None, trades: Trades, edges: Edges) -> Footprint | None:
    """Return one open bar with trades behind it that belong to it all; None where that takes `fold` and `combine`.

    Both give the same bits: it is the same kernels. ``edges`` cut the trades.
    """
    if bar is None or len(bar) != 1 or bar.prints or len(edges) != 1 or edges.pieces is not None:
        return None
    known = facts(trades)
    most = min(_MOST_TRADES, most_trades(known.max_qty_lot))
    if edges.open_ns[0] != bar.bars.open_ns[0] or len(trades) > most or known.flags & FLAG_INFERRED:
        return None
    left = bar.levels
    out = np.empty(_COLUMNS, np.int64)
    levels = np.empty((5, len(left) + min(_ROWS, len(trades))), np.int64)
    with scratch() as space:
        count = _grow(
            trades.ts_exch_ns, trades.price_tick, trades.qty_lot, trades.side, most, bar.ticks_per_level, space,
            edges.open_ns[0], edges.close_ns[0], edges.off_session[0], LAW, np.concatenate(_columns_of_bar(bar.bars)),
            *_columns_of_levels(left), out, levels,
        )  # fmt: skip
    return None if count < 0 else _bar_of(bar, out, levels, count)


def _bar_of(like: Footprint, bar: I64, levels: I64, count: int) -> Footprint:
    bar.setflags(write=False)
    levels.setflags(write=False)
    return Footprint(
        instrument=like.instrument,
        bar_rule=like.bar_rule,
        ticks_per_level=like.ticks_per_level,
        bars=Bars(*bar.reshape(_COLUMNS, 1)),
        level_offset=np.array([0, count], np.int64),
        levels=Levels(*levels[:, :count]),
    )
