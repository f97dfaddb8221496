"""What a venue tells beside its trades, by the bars of a chart: open interest, funding, liquidations.

What was told belongs to the bar that had opened last by then, whatever ends that bar (definitions 6.13, 6.14, 7.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from footloom.core.series import NO_QUOTE, Series
from footloom.core.trades import I64, Trades

__all__ = ("FundingBars", "InterestBars", "LiquidationBars", "funding_by_bar", "interest_by_bar", "liquidations_by_bar")

_SILENT_NS: Final = 300 * 10**9


@dataclass(frozen=True, slots=True, eq=False)
class InterestBars:
    """Open interest of the bars within which any was told; int64 (n,), `NO_QUOTE` where it is not known.

    ``bar`` numbers the bar. ``oi_lot`` is the last one told within it, at ``at_ns``; ``news`` how often it had another
    value than the one told before. ``change_lot`` is against the value that stood before the bar, which was first told
    at ``since_ns``: without news, or without anything before, there is no change. ``day_lot`` is against what was told
    last before the session.
    """

    bar: I64
    oi_lot: I64
    at_ns: I64
    change_lot: I64
    since_ns: I64
    news: I64
    day_lot: I64


@dataclass(frozen=True, slots=True, eq=False)
class FundingBars:
    """Mark and index price, funding rate (times 10^8), when it is due: of bars within which any was told; int64 (n,).

    Each is what was told last of it by ``at_ns``, also before the bar: a venue may tell only what has changed.
    """

    bar: I64
    at_ns: I64
    mark_e8: I64
    index_e8: I64
    rate_e8: I64
    next_ns: I64


@dataclass(frozen=True, slots=True, eq=False)
class LiquidationBars:
    """What was liquidated within each bar that has any, lots and numbers; int64 (n,).

    ``long`` are positions that were sold, ``short`` those that were bought back, ``unknown`` those of an order without
    a side; ``largest_lot`` is the greatest single one.
    """

    bar: I64
    long_lot: I64
    short_lot: I64
    unknown_lot: I64
    long: I64
    short: I64
    unknown: I64
    largest_lot: I64


def interest_by_bar(told: Series, opens_ns: I64, sessions_ns: I64) -> InterestBars:
    """Return the open interest of bars that open at ``opens_ns``; rows before the first say what stood.

    ``sessions_ns`` are the starts of the sessions around the bars. Both ascend.
    """
    order = np.argsort(told.ts_exch_ns, kind="stable")
    at_ns, oi = told.ts_exch_ns[order], told["oi_lot"][order]
    bar = np.searchsorted(opens_ns, at_ns, side="right") - 1
    is_news = np.diff(oi, prepend=oi[:1] - 1) != 0
    first_told = at_ns[np.maximum.accumulate(np.where(is_news, np.arange(len(oi)), 0))] if len(oi) else at_ns
    begins, ends = _stretches(bar)
    inside = bar[begins] >= 0
    begins, ends = begins[inside], ends[inside]
    last, before = ends - 1, begins - 1
    has_before = before >= 0
    counted = np.concatenate([[0], np.cumsum(is_news)])
    news = counted[ends] - counted[begins] - ~has_before
    change = np.full(len(begins), NO_QUOTE)
    since = np.full(len(begins), NO_QUOTE)
    known = has_before & (news > 0)
    change[known] = oi[last[known]] - oi[before[known]]
    since[known] = first_told[before[known]]
    mine = np.searchsorted(sessions_ns, opens_ns[bar[begins]], side="right") - 1
    closed = np.searchsorted(at_ns, sessions_ns[np.maximum(mine, 0)], side="left") - 1 if len(sessions_ns) else mine
    day = np.where((mine >= 0) & (closed >= 0), oi[last] - oi[np.maximum(closed, 0)], NO_QUOTE)
    return InterestBars(bar[begins], oi[last], at_ns[last], change, since, news, day)


def funding_by_bar(told: Series, opens_ns: I64, gaps_ns: I64) -> FundingBars:
    """Return what was last told of mark, index and funding by the end of bars; rows before the first say what stood.

    Nothing stands over a gap, of which ``gaps_ns`` are the ends, ascending, nor over five minutes without any row.
    """
    order = np.argsort(told.ts_exch_ns, kind="stable")
    at_ns = told.ts_exch_ns[order]
    bar = np.searchsorted(opens_ns, at_ns, side="right") - 1
    begins, ends = _stretches(bar)
    last = ends[bar[begins] >= 0] - 1
    heard = np.searchsorted(gaps_ns, at_ns, side="right") + np.cumsum(np.diff(at_ns, prepend=at_ns[:1]) > _SILENT_NS)
    columns = {}
    for name in ("mark_e8", "index_e8", "rate_e8", "next_ns"):
        values = told[name][order]
        newest = np.maximum.accumulate(np.where(values != NO_QUOTE, np.arange(len(values)), 0))[last]
        columns[name] = np.where(heard[newest] == heard[last], values[newest], NO_QUOTE)
    return FundingBars(bar[last], at_ns[last], **columns)


def liquidations_by_bar(told: Trades, opens_ns: I64) -> LiquidationBars:
    """Return what was liquidated within bars that open at ``opens_ns``, ascending."""
    bar = np.searchsorted(opens_ns, told.ts_exch_ns, side="right") - 1
    kept = told.take(np.argsort(bar, kind="stable"))
    bar = np.sort(bar)
    begins, _ = _stretches(bar)
    begins = begins[bar[begins] >= 0]
    if not len(begins):
        none = np.empty(0, np.int64)
        return LiquidationBars(none, none, none, none, none, none, none, none)
    sides = [kept.side == side for side in (-1, 1, 0)]
    lots = [np.add.reduceat(np.where(mine, kept.qty_lot, 0), begins) for mine in sides]
    counts = [np.add.reduceat(mine.astype(np.int64), begins) for mine in sides]
    largest = np.maximum.reduceat(kept.qty_lot, begins)
    return LiquidationBars(bar[begins], lots[0], lots[1], lots[2], counts[0], counts[1], counts[2], largest)


# Where runs of equal numbers begin and end.
def _stretches(bar: I64) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    if not len(bar):
        none = np.empty(0, np.intp)
        return none, none
    begins = np.flatnonzero(np.diff(bar, prepend=bar[0] - 1))
    return begins, np.append(begins[1:], len(bar))
