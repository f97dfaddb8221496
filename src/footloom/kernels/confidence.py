"""How much of each bar's volume has a side, and how that side was found (definitions 1.4)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from footloom.core.trades import FLAG_BY_QUOTE, FLAG_BY_TICK, FLAG_INFERRED, FLAG_REST, I64, Trades
from footloom.kernels.facts import facts

__all__ = ("confidence",)

_NAMES = ("inferred_lot", "quote_lot", "rest_lot", "by_quote_lot", "by_mid_lot", "by_tick_lot", "by_rest_lot")


def confidence(trades: Trades, ends: I64) -> dict[str, I64]:
    """Return the columns of `footloom.core.footprint.Bars` that say how sides were found, int64 (n_bars,), lots.

    They add up when the parts of a bar are joined. ``ends`` holds the first row of each bar, and the end of the last.
    """
    if len(ends) == 1 or not facts(trades).flags & FLAG_INFERRED:
        return dict.fromkeys(_NAMES, np.zeros(len(ends) - 1, np.int64))  # one for all: columns never change
    flags = trades.flags

    def says(bit: int) -> NDArray[np.bool_]:
        return np.asarray((flags & bit) != 0)

    inferred, quote, tick, rest = (says(bit) for bit in (FLAG_INFERRED, FLAG_BY_QUOTE, FLAG_BY_TICK, FLAG_REST))
    signed = inferred & (trades.side != 0)
    sure = signed & ~rest
    parts = (inferred, quote, rest, sure & quote, sure & ~quote & ~tick, sure & tick & ~quote, signed & rest)
    return {
        name: np.add.reduceat(np.where(part, trades.qty_lot, 0), ends[:-1]).astype(np.int64)
        for name, part in zip(_NAMES, parts, strict=True)
    }
