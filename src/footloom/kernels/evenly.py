"""Volume spread evenly over the ticks between two prices, in whole lots (definitions 1.3)."""

from __future__ import annotations

import numpy as np

from footloom.core.trades import I64

__all__ = ("spread",)


def spread(place: I64, lots: I64, start_tick: I64, end_tick: I64, most: int) -> tuple[I64, I64, I64, I64]:
    """Spread the lots of some events over the ticks from one price to another, both included.

    A tick gets the difference of two rounded shares, and none where that is 0; nothing is lost. ``place`` names the
    events, int64 (m,); the other columns hold every event, int64 (n,). Where there are more than ``most`` ticks, only
    so many of them take part.

    Returns
    -------
    place, lots, tick, piece
        One row a tick: its event, its lots, its price, and its number within the event from 1; int64.
    """
    at, shares, ticks, piece = [], [], [], []
    for event in place.tolist():
        span = abs(int(end_tick[event]) - int(start_tick[event]))
        steps = min(span + 1, most)
        cut = np.diff(_scaled(int(lots[event]), np.arange(steps + 1, dtype=np.int64), steps))
        kept = np.flatnonzero(cut)
        direction = 1 if end_tick[event] >= start_tick[event] else -1
        ticks.append(start_tick[event] + direction * _scaled(span, kept, max(1, steps - 1)))
        shares.append(cut[kept])
        piece.append(kept + 1)
        at.append(np.full(len(kept), event, np.int64))
    empty = np.empty(0, np.int64)
    return tuple(np.concatenate([empty, *part]) for part in (at, shares, ticks, piece))  # type: ignore[return-value]


def _scaled(total: int, share: I64, parts: int) -> I64:
    # floor(total * share / parts) for share <= parts, without overflow of the product.
    whole, left = divmod(total, parts)
    return whole * share + left * share // parts
