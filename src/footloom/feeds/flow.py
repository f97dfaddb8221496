"""What flows from a feed: arrivals before they are durable, commits after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from footloom.core.messages import Gap
from footloom.core.snapshots import Snapshots
from footloom.core.trades import Trades

__all__ = ("Arrival", "Commit", "Quote", "Score", "Source")

Score = dict[str, float | int | None]
Quote = tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class Arrival:
    """What one symbol received since the last time it was asked, up to ``until_ns``.

    ``block`` is what is stored, ``trades`` what is folded: the same rows, or the trades inferred from snapshots.
    ``quote`` is the best bid and ask in ticks after them, None where the feed has none.
    """

    key: str
    block: Trades | Snapshots
    trades: Trades
    until_ns: int
    gaps: tuple[Gap, ...] = ()
    quote: Quote = (None, None)
    score: Score | None = None


@dataclass(frozen=True, slots=True)
class Commit:
    """Rows of one symbol that are durable (or, with ``recorded`` false, could not be made so), in arrival order.

    ``watermark_ns`` is the engine's time: everything received up to it is in this commit or an earlier one.
    ``refused`` counts the rows, of all symbols, that the store has refused since the start.
    """

    key: str
    trades: Trades
    gaps: tuple[Gap, ...]
    watermark_ns: int
    quote: Quote = (None, None)
    score: Score | None = None
    recorded: bool = True
    refused: int = 0


class Source(Protocol):
    """A venue's stream of one or more symbols."""

    async def receive(self, until_ns: int) -> Sequence[Arrival]:
        """Return what arrived up to a time, in order; at least one arrival a symbol, those without rows included."""
