"""The state of a simulated day, as one record that the compiled market reads and writes.

A record is one pointer to the compiler: passing it costs nothing, and its fields have names. Times are microseconds
since the day's start, prices ticks above the day's floor, quantities lots.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from footloom.kernels.jit import part
from footloom.venues.sim.plan import SECONDS

__all__ = (
    "BUY",
    "DEPTH",
    "DRIVE",
    "NEVER",
    "NOTHING",
    "SELL",
    "SPAN",
    "SWEEP",
    "TABLE",
    "WORLD",
    "clip",
    "larger",
    "lesser",
    "pick",
    "unit",
)

SPAN = 1 << 15  # ticks that a day can reach
DEPTH = 64  # levels that are filled beyond each touch
TABLE = 4096  # entries of a size table
NEVER = 1 << 62
BUY, SELL = np.int64(1), np.int64(-1)  # typed: a bare constant would have each function compiled once more
MAX_TRADES, MAX_DELTAS, MAX_QUOTES = 460_000, 4_000_000, 1_500_000  # more than twice what a day has

# What is done in a phase of an event beside the flow.
NOTHING, SWEEP, DRIVE = 0, 1, 2

TRADE = np.dtype([("us", "i8"), ("tick", "i4"), ("lot", "i4"), ("side", "i8")])
DELTA = np.dtype([("us", "i8"), ("tick", "i4"), ("lot", "i4"), ("side", "i8")])
QUOTE = np.dtype([("us", "i8"), ("bid", "i4"), ("ask", "i4")])
WORLD = np.dtype(
    [
        ("random", "u8"),
        ("now", "i8"),
        # the book
        ("bid", "i8"),
        ("ask", "i8"),
        ("lo", "i8"),  # filled from here
        ("hi", "i8"),  # to here
        ("quoted_bid", "i8"),
        ("quoted_ask", "i8"),
        # the flow
        ("hot_buy", "f8"),  # orders a second that earlier buys bring about
        ("hot_sell", "f8"),
        ("heat", "f8"),  # how many an order adds
        ("anchor", "f8"),
        ("shift", "f8"),  # how far events have moved the anchor from the day's path
        ("takers", "f8"),  # times the usual, as the script says
        ("buyers", "f8"),
        ("bigger", "f8"),
        ("shuffles", "f8"),  # limit orders and cancels a second
        # the event under way, if any (`stage.py` writes it, a phase at a time)
        ("playing", "i8"),
        ("side", "i8"),
        ("anchor_step", "f8"),  # ticks a second
        ("hold", "i8"),  # the tick where someone rests with more than he shows; -1: nowhere
        ("hold_side", "i8"),
        ("hold_gap", "f8"),  # ticks from the anchor
        ("hidden", "f8"),
        ("shown", "f8"),
        ("refill_us", "i8"),
        ("action", "i8"),
        ("action_us", "i8"),
        ("levels", "i8"),  # that a sweep takes, or a drive leaves behind
        ("row", "i8"),  # the level that a drive is at
        ("unfilled", "i8"),  # what a drive still takes out of its level
        ("first_trade", "i8"),  # what the action did
        ("last_trade", "i8"),
        ("low_row", "i8"),
        ("high_row", "i8"),
        # this minute and those before
        ("high", "i8"),
        ("low", "i8"),
        ("usual_cell", "f8"),  # 75th percentile of one-sided cells, followed slowly
        ("highs", "i8", (SECONDS // 60,)),
        ("lows", "i8", (SECONDS // 60,)),
        # counters of what is written below
        ("trades", "i8"),
        ("trades_end", "i8"),
        ("deltas", "i8"),
        ("quotes", "i8"),
        # the plan
        ("rate", "f8", (SECONDS,)),
        ("rate_left", "f8", (SECONDS,)),
        ("path", "f8", (SECONDS,)),
        ("taker_lots", "i4", (TABLE,)),
        ("maker_lots", "i4", (TABLE,)),
        ("reach", "i4", (TABLE,)),
        ("target", "i4", (DEPTH,)),
        # resting lots, and what was bought and sold in this minute, by tick
        ("bonus", "i4", (SPAN,)),  # round prices hold more
        ("book", "i4", (SPAN,)),
        ("bought", "i4", (SPAN,)),
        ("sold", "i4", (SPAN,)),
        # the tape, every change of the book, every change of the best quotes
        ("tape", TRADE, (MAX_TRADES,)),
        ("changes", DELTA, (MAX_DELTAS,)),
        ("best", QUOTE, (MAX_QUOTES,)),
    ]
)


@part
def unit(w: Any) -> Any:
    """Return the next random number of [0, 1) (splitmix64)."""
    w.random += np.uint64(0x9E3779B97F4A7C15)
    z = w.random
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.float64((z ^ (z >> np.uint64(31))) >> np.uint64(11)) * 2.0**-53


@part
def clip(value: Any, low: Any, high: Any) -> Any:
    """Return a real number kept within bounds; of crossed bounds the upper one."""
    if value > high:
        return high
    return low if low > value else value  # noqa: FURB136 - each kind of `max` costs the compiler a tenth of a second


@part
def lesser(a: Any, b: Any) -> Any:
    """Return the lesser of two whole numbers."""
    return a if a < b else b  # noqa: FURB136 - as in `clip`


@part
def larger(a: Any, b: Any) -> Any:
    """Return the larger of two whole numbers."""
    return a if a > b else b  # noqa: FURB136 - as in `clip`


@part
def pick(w: Any, table: NDArray[np.int32]) -> Any:
    """Return a random entry of a size table."""
    return np.int64(table[np.int64(unit(w) * TABLE)])
