"""The book and the orders that reach it (compiled parts of the market).

The book is one row of resting lots per tick: bids down from ``bid``, asks up from ``ask``, nothing between.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from footloom.kernels.jit import part
from footloom.venues.sim._world import BUY, DEPTH, NEVER, SELL, clip, larger, lesser, pick, unit

__all__ = ("improve", "note_quote", "put", "refill", "retreat", "shuffle", "take", "usual_order")


@part
def put(w: Any, tick: Any, side: Any, lots: Any) -> None:
    """Set the resting quantity of a level: every change of the book passes here and is written down."""
    change = w.changes[w.deltas]
    change.us = w.now
    change.tick = tick
    change.side = side
    change.lot = lots
    w.deltas += 1
    w.book[tick] = lots


@part
def reveal(w: Any) -> None:
    """Fill the book as far as anyone can see; what the price has left behind stays as it was."""
    while w.hi < w.ask + DEPTH:
        put(w, w.hi, SELL, 1 + np.int64(w.target[DEPTH - 1] * w.bonus[w.hi] * (0.3 + 1.2 * unit(w))))
        w.hi += 1
    while w.lo > w.bid - DEPTH:
        w.lo -= 1
        put(w, w.lo, BUY, 1 + np.int64(w.target[DEPTH - 1] * w.bonus[w.lo] * (0.3 + 1.2 * unit(w))))


@part
def retreat(w: Any) -> None:
    """Make the next level with lots the touch where the touch was emptied."""
    while w.book[w.ask] == 0 and w.ask < w.hi:
        w.ask += 1
    while w.book[w.bid] == 0 and w.bid >= w.lo:
        w.bid -= 1
    reveal(w)


@part
def note_quote(w: Any) -> None:
    """Write the best quotes down where they changed."""
    if w.bid != w.quoted_bid or w.ask != w.quoted_ask:
        quote = w.best[w.quotes]
        quote.us = w.now
        quote.bid = w.bid
        quote.ask = w.ask
        w.quotes += 1
        w.quoted_bid = w.bid
        w.quoted_ask = w.ask


@part
def refill(w: Any) -> None:
    """Let the hidden holder of a level show his next part."""
    w.refill_us = NEVER
    if (w.hold <= w.bid) if w.hold_side < 0 else (w.hold >= w.ask):
        return  # the market is through his price
    lots = math.floor(clip(w.shown * (0.8 + 0.4 * unit(w)), 1.0, w.hidden))
    w.hidden -= lots
    put(w, w.hold, w.hold_side, w.book[w.hold] + np.int64(lots))
    if w.hold_side < 0:
        w.ask = lesser(w.ask, w.hold)
    else:
        w.bid = larger(w.bid, w.hold)


@part
def _write(w: Any, tick: Any, lots: Any, side: Any) -> None:
    # A trade goes on the tape.
    trade = w.tape[w.trades]
    trade.us = w.now
    trade.tick = tick
    trade.lot = lots
    trade.side = side
    w.trades += 1
    if side > 0:
        w.bought[tick] += lots
    else:
        w.sold[tick] += lots
    w.high = larger(w.high, tick)
    w.low = lesser(w.low, tick)


@part
def take(w: Any, side: Any, lots: Any) -> None:
    """Take the touch of the other side, level after level, until the order is filled."""
    while lots > 0 and w.trades < w.trades_end:
        tick = w.ask if side > 0 else w.bid
        resting = np.int64(w.book[tick])
        filled = lesser(lots, resting)
        _write(w, tick, filled, side)
        put(w, tick, -side, resting - filled)
        lots -= filled
        if tick == w.hold and w.hold_side == -side and w.hidden > 0.0:
            # A hidden order goes on at once when its shown part is gone, and is topped up after a moment when little
            # is left.
            if filled == resting:
                w.refill_us = w.now
            elif w.refill_us == NEVER and resting - filled < 0.4 * w.shown:
                w.refill_us = w.now + 15_000 + np.int64(120_000 * unit(w))
        if w.refill_us <= w.now:
            refill(w)
        retreat(w)


@part
def usual_order(w: Any, side: Any) -> Any:
    """Return the lots of an aggressive order of the usual kind, which brings about more orders.

    Most takers look first and take no more than the touch shows.
    """
    lots = 1 + np.int64(pick(w, w.taker_lots) * w.bigger - 0.5)
    touch = np.int64(w.book[w.ask if side > 0 else w.bid])
    if lots > touch and unit(w) < 0.65:
        lots = touch
    same, other = 0.42 * w.heat, 0.10 * w.heat
    w.hot_buy += same if side > 0 else other
    w.hot_sell += other if side > 0 else same
    return lots


@part
def improve(w: Any) -> None:
    """Step into an open spread, rather on the side that the anchor wants."""
    lean = clip(0.5 + 0.07 * (w.anchor - 0.5 * (w.bid + w.ask)), 0.07, 0.93)
    lots = pick(w, w.maker_lots)
    if unit(w) < lean:
        put(w, w.bid + 1, BUY, lots)
        w.bid += 1
    else:
        put(w, w.ask - 1, SELL, lots)
        w.ask -= 1


@part
def shuffle(w: Any) -> None:
    """Add or cancel at some level: above its usual depth cancels win, below it new orders.

    The side that the anchor runs into is thinner: makers step back before they are run over.
    """
    side = BUY if unit(w) < 0.5 else SELL
    distance = pick(w, w.reach)
    tick = w.bid - distance if side > 0 else w.ask + distance
    skew = side * (w.anchor - 0.5 * (w.bid + w.ask))
    wanted = w.target[distance] * w.bonus[tick] * clip(1.0 + 0.06 * skew, 0.35, 1.6)
    resting = np.int64(w.book[tick])
    lots = pick(w, w.maker_lots)
    if unit(w) * (resting + wanted) < wanted:
        put(w, tick, side, resting + lots)
    elif resting > 0 and tick != w.hold:
        put(w, tick, side, resting - lesser(resting, lots))
        retreat(w)
