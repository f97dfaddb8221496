"""Trades and edges to a footprint, and two neighbouring footprints to one (definitions 2.1 to 3.1).

`fold` is the only way from trades to cells; live, reload, replay and backtest call it with other chunks of the same
tape. `combine` joins the pieces: it is associative, so that any chunking gives the same bits.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from footloom.core.edges import Edges
from footloom.core.footprint import BAR_OFF_SESSION, Bars, Footprint, Levels
from footloom.core.instrument import check_same_grid
from footloom.core.trades import I64, Trades
from footloom.errors import ConfigError, DataError
from footloom.kernels.cells import DENSE_ROWS, DISORDER, FULL, WIDE, fold_cells, most_trades
from footloom.kernels.confidence import confidence
from footloom.kernels.facts import SEEN, Facts, facts
from footloom.kernels.joining import join_bars, join_levels
from footloom.kernels.scratch import scratch

__all__ = ("Count", "combine", "fold", "fold_unseen")

Count = Callable[[Trades, I64], dict[str, I64]]

_BAR_ROWS = 9
_ROWS_A_TRADE = 8  # where a wide bar has more rows than that, those in use are sorted out
_WORTHWHILE = 4_096  # trades; where a packed word holds fewer, the bar is folded another way
_LARGEST = np.iinfo(np.int64).max
_Cells = tuple[NDArray[np.int64], I64, NDArray[np.int64]]


def fold(trades: Trades, edges: Edges, bar_rule: str, ticks_per_level: int, count: Count | None = None) -> Footprint:
    """Return the footprint of trades that ascend in the ordering key, cut at ``edges``.

    ``count`` adds the columns of `Footprint.prints`. A trade that the rule has cut counts in each of its bars, with
    the part of its quantity that is there.

    Raises
    ------
    ConfigError
        ``ticks_per_level`` is below 1.
    """
    _check(ticks_per_level)
    trades = edges.rows(trades)
    whole = _split_long(trades, edges)
    seen = np.array([len(trades), 0, facts(trades).max_qty_lot, 0, 0])
    cells = _cells(trades, whole.ends, ticks_per_level, seen)
    assert cells is not None, "a tape that was looked at is folded"
    made = _made(trades, whole, bar_rule, ticks_per_level, cells)
    if len(whole.open_ns) > len(edges.open_ns):
        made = _rejoined(made, edges, whole)
    return made if count is None else replace(made, prints=count(trades, edges.ends))


def fold_unseen(
    trades: Trades, edges: Edges, bar_rule: str, ticks_per_level: int, count: Count | None = None
) -> Footprint | None:
    """Return what `fold` returns, of a tape that nobody has looked at: it is looked at on the way, and read once.

    None where it has to be looked at first: rows do not stand in the ordering key (``edges`` mean nothing then), or a
    bar holds more than the kernel's words.
    """
    _check(ticks_per_level)
    seen = np.zeros(SEEN, np.int64)
    cells = _cells(trades, edges.ends, ticks_per_level, seen)
    if cells is None:
        return None
    trades.note(Facts.of(seen))
    made = _made(trades, edges, bar_rule, ticks_per_level, cells)
    return made if count is None else replace(made, prints=count(trades, edges.ends))


def _check(ticks_per_level: int) -> None:
    if ticks_per_level < 1:
        raise ConfigError(f"ticks_per_level must be a whole number of at least 1, got {ticks_per_level}")


def _split_long(trades: Trades, edges: Edges) -> Edges:
    # The kernel's packed words hold so many trades at the most: a longer bar is folded in parts, which `_join` joins.
    most = most_trades(facts(trades).max_qty_lot)
    if len(trades) <= most or most < _WORTHWHILE:
        return edges
    length = edges.ends[1:] - edges.ends[:-1]
    if not len(length) or int(length.max()) <= most:
        return edges
    parts = -(-length // most)
    first = np.repeat(edges.ends[:-1], parts)
    place = np.arange(len(first)) - np.repeat(np.cumsum(parts) - parts, parts)
    open_ns, close_ns, off = (np.repeat(c, parts) for c in (edges.open_ns, edges.close_ns, edges.off_session))
    return Edges(np.append(first + place * most, edges.ends[-1]), open_ns, close_ns, off)


def _rejoined(split: Footprint, edges: Edges, whole: Edges) -> Footprint:
    parts = np.searchsorted(whole.ends, edges.ends)
    pieces = []
    for start, stop in itertools.pairwise(parts.tolist()):
        pieces.append(functools.reduce(_join, (split.slice(i, i + 1) for i in range(start, stop))))
    return Footprint.concat(pieces)


def _made(trades: Trades, edges: Edges, bar_rule: str, ticks_per_level: int, of: _Cells) -> Footprint:
    cells, offset, levels = of
    first, last = edges.ends[:-1], edges.ends[1:] - 1
    return Footprint(
        instrument=trades.instrument,
        bar_rule=bar_rule,
        ticks_per_level=ticks_per_level,
        bars=Bars(
            open_ns=edges.open_ns,
            close_ns=edges.close_ns,
            first_ns=trades.ts_exch_ns[first],
            last_ns=trades.ts_exch_ns[last],
            open_tick=cells[7],
            high_tick=cells[0],
            low_tick=cells[1],
            close_tick=cells[8],
            min_delta_lot=cells[2],
            max_delta_lot=cells[3],
            buy_lot=cells[4],
            sell_lot=cells[5],
            unknown_lot=cells[6],
            trades=edges.ends[1:] - edges.ends[:-1],
            flags=edges.off_session * BAR_OFF_SESSION,
            **confidence(trades, edges.ends),
        ),
        level_offset=offset,
        levels=Levels(*levels),
    )


# Bars, offsets and levels; None where the tape turns out to be one that `fold_unseen` does not fold.
def _cells(trades: Trades, ends: I64, step: int, seen: I64) -> _Cells | None:
    n_bars, known = len(ends) - 1, int(seen[0]) == len(trades)
    bars = np.empty((_BAR_ROWS, n_bars), np.int64)
    counts = np.zeros(n_bars, np.int64)
    tape = (trades.ts_exch_ns, trades.trade_id, trades.flags, trades.price_tick, trades.qty_lot, trades.side)
    pieces = []
    capacity = 256 + 48 * n_bars
    bar = 0
    while bar < n_bars:
        levels = np.empty((5, capacity), np.int64)
        with scratch() as space:
            following, cause = fold_cells(ends, bar, *tape, step, seen, space, bars, counts, levels)
        if cause == DISORDER:
            return None
        pieces.append(levels[:, : int(counts[bar:following].sum())])
        if cause == WIDE:
            rows = slice(int(ends[following]), int(ends[following + 1]))
            if not known and rows.stop - rows.start > most_trades(int(seen[2])):
                return None
            own, wide = _wide_bar(trades.price_tick[rows], trades.qty_lot[rows], trades.side[rows], step)
            bars[:, following] = own
            counts[following] = wide.shape[1]
            pieces.append(wide)
            following += 1
        elif cause == FULL and following == bar:
            capacity = max(2 * capacity, DENSE_ROWS)
        bar = following
    levels = pieces[0] if len(pieces) == 1 else np.concatenate([np.empty((5, 0), np.int64), *pieces], axis=1)
    offset = np.zeros(n_bars + 1, np.int64)
    np.cumsum(counts, out=offset[1:])
    return bars, offset, levels


def _wide_bar(tick: I64, qty: I64, side: NDArray[np.int8], step: int) -> tuple[list[int], NDArray[np.int64]]:
    # A bar with a fat finger, or of half a million rows.
    if int(qty.max()) * len(qty) > _LARGEST and sum(map(int, qty)) > _LARGEST:
        raise DataError(f"a bar's volume of {sum(map(int, qty))} lots does not fit 64 bits: use a coarser lot size")
    row = tick // step
    base, width = int(row.min()), int(row.max()) - int(row.min()) + 1
    if width <= _ROWS_A_TRADE * len(qty):
        used, index = np.arange(base, base + width), row - base
    else:
        used, index = np.unique(row, return_inverse=True)
    lanes = np.zeros((4, len(used)), np.int64)
    for lane, wanted in zip(lanes, (1, -1, 0), strict=False):
        mask = side == wanted
        np.add.at(lane, index[mask], qty[mask])
    lanes[3] = np.bincount(index, minlength=len(used))
    path = np.cumsum(side.astype(np.int64) * qty)
    own = [int(tick.max()), int(tick.min()), min(0, int(path.min())), max(0, int(path.max()))]
    traded = lanes[3] > 0
    own += [*(int(lane.sum()) for lane in lanes[:3]), int(tick[0]), int(tick[-1])]
    return own, np.stack([used[traded], *lanes[:, traded]])


def combine(left: Footprint, right: Footprint) -> Footprint:
    """Join two footprints of neighbouring runs of one tape: a bar that both hold becomes one bar.

    ``left`` comes before ``right``; both have the same rule and step. Associative; `fold` of the joined run gives the
    same bits.
    """
    check_same_grid(left.instrument, right.instrument)
    if not len(left):
        return right
    if not len(right):
        return left
    if left.bars.open_ns[-1] != right.bars.open_ns[0]:
        return Footprint.concat([left, right])
    if len(left) == len(right) == 1:  # what most live commits are
        return _join(left, right)
    pieces = [_join(left.slice(len(left) - 1, len(left)), right.slice(0, 1))]
    if len(left) > 1:
        pieces.insert(0, left.slice(0, len(left) - 1))
    if len(right) > 1:
        pieces.append(right.slice(1, len(right)))
    return Footprint.concat(pieces)


def _join(a: Footprint, b: Footprint) -> Footprint:
    levels = join_levels(a.levels, b.levels)
    return Footprint(
        instrument=a.instrument,
        bar_rule=a.bar_rule,
        ticks_per_level=a.ticks_per_level,
        bars=join_bars(a.bars, b.bars),
        level_offset=np.array([0, len(levels)], np.int64),
        levels=levels,
        prints={name: column + b.prints[name] for name, column in a.prints.items()},
    )
