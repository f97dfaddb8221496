"""Bars of whole finer bars: cells add up, whatever they were folded from (definitions 2.1, 2.2, 3.1).

A minute's cells are some hundred times fewer than its trades: whoever holds them has bars of an hour, or of a coarser
study step, without the trades, and bit for bit those that the trades give.
"""

from __future__ import annotations

import numpy as np
from numba import types

from footloom.core.edges import Edges
from footloom.core.footprint import BAR_OFF_SESSION, Bars, Footprint, Levels
from footloom.core.trades import I64
from footloom.kernels.jit import I64_2D_IN, I64_IN, I64_OUT, INT, jit

__all__ = ("MOST_LOTS", "MOST_ROWS", "coarser", "fits")

MOST_ROWS = 65_536  # from a bar's lowest row to its highest
MOST_LOTS = 2**62  # of all bars together: more may not fit 64 bits
_LANES = 4
_I64_2D = types.Array(types.int64, 2, "C")
_FIRST = ("first_ns", "open_tick")
_LAST = ("last_ns", "close_tick")
_SUMS = (
    *("buy_lot", "sell_lot", "unknown_lot", "trades", "inferred_lot", "quote_lot", "rest_lot"),
    *("by_quote_lot", "by_mid_lot", "by_tick_lot", "by_rest_lot"),
)


@jit(types.void(I64_IN, I64_IN, I64_IN, INT, I64_OUT, I64_OUT))
def _find_rows(ends, offset, row, ratio, lowest, width):
    # Of each bar its lowest row, and how many rows there are from there to its highest.
    for bar in range(len(lowest)):
        low, high = row[offset[ends[bar]]], row[offset[ends[bar]]]
        for part in range(ends[bar], ends[bar + 1]):
            low, high = min(low, row[offset[part]]), max(high, row[offset[part + 1] - 1])
        lowest[bar] = low // ratio
        width[bar] = high // ratio - lowest[bar] + 1


@jit(INT(I64_IN, I64_IN, I64_IN, I64_2D_IN, INT, I64_IN, I64_IN, I64_OUT, I64_OUT, _I64_2D))
def _add_cells(ends, offset, row, cells, ratio, lowest, width, space, counts, levels):
    # `space` is all zeros on entry and on return, with room for the lanes of the widest bar. Returns the levels made.
    used = 0
    for bar in range(len(lowest)):
        before, base, unsigned = used, lowest[bar] * ratio, np.uint64(ratio)
        for i in range(offset[ends[bar]], offset[ends[bar + 1]]):
            at = np.int64(np.uint64(row[i] - base) // unsigned) * _LANES
            for lane in range(_LANES):
                space[at + lane] += cells[lane, i]
        for r in range(width[bar]):
            at = r * _LANES
            if space[at + _LANES - 1] > 0:
                levels[0, used] = lowest[bar] + r
                for lane in range(_LANES):
                    levels[lane + 1, used] = space[at + lane]
                    space[at + lane] = 0
                used += 1
        counts[bar] = used - before
    return used


def fits(parts: Footprint, edges: Edges, ticks_per_level: int) -> bool:
    """Say whether `coarser` can be asked: no bar has more than `MOST_ROWS` rows from its lowest to its highest.

    Whether the sums of all bars fit 64 bits (`MOST_LOTS`) is another question.
    """
    _, width = _rows(parts, edges, ticks_per_level)
    return int(width.min()) >= 1 and int(width.max()) <= MOST_ROWS


# Of each bar its lowest row, and how many there are up to its highest.
def _rows(parts: Footprint, edges: Edges, ticks_per_level: int) -> tuple[I64, I64]:
    lowest, width = np.empty((2, len(edges)), np.int64)
    ratio = ticks_per_level // parts.ticks_per_level
    _find_rows(edges.ends, parts.level_offset, parts.levels.row, ratio, lowest, width)
    return lowest, width


def coarser(parts: Footprint, edges: Edges, bar_rule: str, ticks_per_level: int) -> Footprint:
    """Return the bars that ``edges`` make of whole bars, each of one or more of ``parts``, in rows of whole rows.

    The bits are those of `footloom.kernels.fold.fold` of the trades. ``parts`` ascend in time; the same bar may stand
    there in several neighbouring parts. ``edges`` counts them; their step divides ``ticks_per_level``. They `fits`.
    """
    ratio, offset, levels = ticks_per_level // parts.ticks_per_level, parts.level_offset, parts.levels
    lowest, width = _rows(parts, edges, ticks_per_level)
    counts = np.empty(len(edges), np.int64)
    room = np.minimum(width, np.diff(offset[edges.ends]))
    made = np.empty((len(Levels.__slots__), int(room.sum())), np.int64)
    cells = np.stack([levels.buy_lot, levels.sell_lot, levels.unknown_lot, levels.trades])
    space = np.zeros(int(width.max()) * _LANES, np.int64)
    count = _add_cells(edges.ends, offset, levels.row, cells, ratio, lowest, width, space, counts, made)
    return Footprint(
        instrument=parts.instrument,
        bar_rule=bar_rule,
        ticks_per_level=ticks_per_level,
        bars=_bars(parts.bars, edges),
        level_offset=np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)]),
        levels=Levels(*np.ascontiguousarray(made[:, :count])),
    )


def _bars(parts: Bars, edges: Edges) -> Bars:
    starts, last = edges.ends[:-1], edges.ends[1:] - 1
    delta = parts.buy_lot - parts.sell_lot
    before = np.cumsum(delta) - delta
    before = before - np.repeat(before[starts], np.diff(edges.ends))  # within its bar
    columns: dict[str, I64] = {name: np.add.reduceat(getattr(parts, name), starts) for name in _SUMS}
    columns |= {name: getattr(parts, name)[starts] for name in _FIRST}
    columns |= {name: getattr(parts, name)[last] for name in _LAST}
    return Bars(
        open_ns=edges.open_ns,
        close_ns=edges.close_ns,
        high_tick=np.maximum.reduceat(parts.high_tick, starts),
        low_tick=np.minimum.reduceat(parts.low_tick, starts),
        min_delta_lot=np.minimum.reduceat(before + parts.min_delta_lot, starts),
        max_delta_lot=np.maximum.reduceat(before + parts.max_delta_lot, starts),
        flags=edges.off_session * BAR_OFF_SESSION,
        **columns,
    )
