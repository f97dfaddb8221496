"""The market: aggressive orders that bring about more of themselves, and makers around an anchor, compiled.

Aggressive orders arrive as a self-exciting process and walk the book; limit orders and cancels keep every level near
a target that depends on its distance from the touch; an emptied touch is refilled, or taken over by the other side,
after some milliseconds. Both flows lean towards the anchor, the price that the day's plan (`plan.py`) or an event of
the script (`script.py`) wants.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from numba import types

from footloom.kernels.jit import INT, jit, part
from footloom.venues.sim._orders import improve, note_quote, put, refill, retreat, shuffle, take, usual_order
from footloom.venues.sim._world import BUY, NEVER, SELL, SPAN, SWEEP, WORLD, clip, larger, lesser, unit
from footloom.venues.sim.plan import SECONDS

__all__ = ("run",)

_COOLING = 3.0  # a second: how fast the flow that an order brings about dies away
_BRANCHING = 0.85  # of it is used: an order brings about 0.44 others
_PLAIN_END = 240  # the day's last seconds are steered to its number of prints


# --- what an event does beside the flow -----------------------------------------------------------------------------


@part
def _sweep(w: Any) -> Any:
    # The lots of one order through several levels in one instant; it ends inside the last.
    tick = w.ask if w.side > 0 else w.bid
    lots = np.int64(0)
    for _ in range(w.levels - 1):
        lots += w.book[tick]
        tick += w.side
    w.action_us = NEVER
    w.action = 0
    w.first_trade = w.trades
    return lots + 1 + w.book[tick] // 3


@part
def _next_row(w: Any) -> None:
    # A drive turns to the next level. Where little has traded against it behind, the level gets so many lots that it
    # outweighs the row behind it three times over, and any usual cell (definitions 5.1); elsewhere the drive just
    # passes through.
    side, up = w.side, w.side > 0
    tick = w.ask if up else w.bid
    next_row = (w.high_row if up else w.low_row) + side
    if (w.bid < next_row < tick) if up else (tick < next_row < w.ask):
        tick = next_row  # no row is left out
        w.ask, w.bid = (tick, w.bid) if up else (w.ask, tick)
    weak = w.sold[tick - 1] if up else w.bought[tick + 1]
    enough = w.usual_cell * (1.35 + 0.5 * unit(w))
    wanted = np.int64(1)
    if 3.5 * weak <= 1.7 * enough:
        wanted = np.int64(clip(3.5 * weak, enough, 2.0 * enough)) - (w.bought[tick] if up else w.sold[tick])
        if tick != next_row and w.high_row - w.low_row < 3:
            w.low_row, w.high_row = tick, tick
        w.low_row = lesser(w.low_row, tick)
        w.high_row = larger(w.high_row, tick)
    w.row = tick
    w.unfilled = larger(wanted, np.int64(w.book[tick]))
    put(w, tick, -side, w.unfilled)
    if w.book[tick + side] == 0:
        put(w, tick + side, -side, 100 + np.int64(900 * unit(w)))


@part
def _drive(w: Any) -> Any:
    # The lots of the next order of those that buy out one level after the other; none while it turns to the next level.
    if w.unfilled == 0 or w.row != (w.ask if w.side > 0 else w.bid):
        _next_row(w)
        w.action_us = w.now + 1
        return np.int64(0)
    lots = w.unfilled if w.unfilled < 800 else np.int64(w.unfilled * (0.3 + 0.5 * unit(w)))
    w.unfilled -= lots
    if w.unfilled > 0:
        w.action_us = w.now + np.int64(60_000 * unit(w))
    elif w.high_row - w.low_row < w.levels:
        w.action_us = w.now + np.int64(60_000 + 700_000 * unit(w))
    else:
        # Done: the price is where it was wanted.
        w.action = 0
        w.action_us = NEVER
        w.buyers = -1.0
        w.anchor_step = 0.0
        w.anchor = w.ask
    return lots


@part
def _hold_level(w: Any) -> None:
    # The holder's price, never across the other side's touch.
    tick = np.int64(math.floor(w.anchor + w.side * w.hold_gap + 0.5))
    w.hold = larger(tick, w.ask) if w.hold_side < 0 else lesser(tick, w.bid)
    if w.book[w.hold] < w.shown and w.refill_us == NEVER and w.hidden > 0.0:
        w.refill_us = w.now + 1 + np.int64(80_000 * unit(w))


# --- time -----------------------------------------------------------------------------------------------------------


@part
def _close_minute(w: Any, minute: Any) -> None:
    # Remember the minute's range and follow its usual cell, then clear the cells.
    for tick in range(w.low, w.high + 1):
        if w.bought[tick] > 0:
            w.usual_cell *= 1.0075 if w.bought[tick] > w.usual_cell else 0.9975  # comes to rest at the 75th percentile
        if w.sold[tick] > 0:
            w.usual_cell *= 1.0075 if w.sold[tick] > w.usual_cell else 0.9975
        w.bought[tick] = 0
        w.sold[tick] = 0
    w.highs[minute] = w.high
    w.lows[minute] = w.low
    w.low = SPAN
    w.high = -1


@part
def _one_event(w: Any, takers: Any, chance: Any) -> None:
    orders = takers + w.hot_buy + w.hot_sell
    side, lots = w.side, np.int64(0)
    if w.now >= w.refill_us:
        refill(w)
    elif w.now >= w.action_us:
        lots = _sweep(w) if w.action == SWEEP else _drive(w)
    elif chance < orders:
        lean = w.buyers
        if lean < 0.0:
            lean = clip(0.5 + 0.05 * (w.anchor - 0.5 * (w.bid + w.ask)), 0.14, 0.86)
        side = BUY if chance < takers * lean + w.hot_buy else SELL
        lots = usual_order(w, side)
    elif chance < orders + w.shuffles:
        shuffle(w)
    elif w.ask - w.bid > 1:
        improve(w)
    if lots > 0:
        take(w, side, lots)
    note_quote(w)


@part
def _lead(w: Any, second: Any) -> None:
    # Where the price is drawn to in this second: by the event under way, or by the day's path.
    if w.playing:
        w.anchor += w.anchor_step
        if w.hold_side != 0:
            _hold_level(w)
        if w.action != 0 and w.action_us == NEVER:
            w.action_us = w.now + np.int64(900_000 * unit(w))
        return
    w.shift *= 0.998
    w.anchor = w.path[second] + w.shift
    if second >= SECONDS - _PLAIN_END:
        # The day ends near where the next one begins: what is left of the way pulls harder.
        w.shift *= 0.98
        w.anchor += 2.0 * (w.anchor - 0.5 * (w.bid + w.ask))


@part
def _begin_second(w: Any, second: Any) -> Any:
    # Returns the aggressive orders a second that no other order brings about. The day has its number of prints, so what
    # is left of it is steered; at the very end it is shared out evenly.
    if second == 0:
        retreat(w)  # fills the empty book
    elif second % 60 == 0:
        _close_minute(w, second // 60 - 1)
    _lead(w, second)
    missing = np.float64(w.trades_end - w.trades)
    if second >= SECONDS - _PLAIN_END:
        w.heat = 0.0
        return 0.95 * missing / (SECONDS - second)
    w.heat = _COOLING * _BRANCHING
    return 0.01 + w.rate[second] * clip(missing / w.rate_left[second], 0.5, 1.6) * 0.46 * w.takers


@jit(types.void(numba.from_dtype(WORLD), INT, INT))
def run(w: Any, first: Any, last: Any) -> None:
    """Let the seconds ``first`` to ``last`` (excluded) of a day pass in ``w`` (see `_world.WORLD`).

    Fills the tape, the book's changes and the quotes. What `footloom.venues.sim.stage` sets holds all the while.
    """
    for second in range(first, last):
        takers = _begin_second(w, second)
        w.shuffles = 2.5 + 2.4 * (takers + w.hot_buy + w.hot_sell)
        # The day's last millisecond is left for the prints that are still missing.
        end_us = (second + 1) * 1_000_000 - (1_000 if second + 1 == SECONDS else 0)
        while w.now < end_us:
            # Thinning: the rate at one event bounds the rate until the next, since the flow only cools between them.
            orders = takers + w.hot_buy + w.hot_sell
            rate = orders + w.shuffles
            if w.ask - w.bid > 1:
                rate += 18.0 + 2.0 * orders
            wait_us = lesser(end_us - w.now, 1 + np.int64(-1e6 * math.log(1.0 - unit(w)) / rate))
            cooler = math.exp(-1e-6 * _COOLING * wait_us)
            w.hot_buy *= cooler
            w.hot_sell *= cooler
            w.now += wait_us
            if w.now < end_us:
                _one_event(w, takers, unit(w) * rate)
    while last == SECONDS and w.trades < w.trades_end:
        w.now += 1
        _one_event(w, 1.0, unit(w))
