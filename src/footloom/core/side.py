"""Who crossed the spread (definitions 1)."""

from __future__ import annotations

import enum

__all__ = ("Side",)


class Side(enum.IntEnum):
    """The aggressor of a trade: the later order, the one that took liquidity.

    A buy adds to the ask column, a sell to the bid column. Unknown is a value of its own, never a guess.
    """

    SELL = -1
    UNKNOWN = 0
    BUY = 1
