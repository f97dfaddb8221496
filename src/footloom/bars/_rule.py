"""What a bar rule is: a sequential, resumable fold from trades to bar edges."""

from __future__ import annotations

from typing import Protocol

from footloom.core.edges import Edges
from footloom.core.sessions import Calendar
from footloom.core.trades import Trades

__all__ = ("BarRule",)


class BarRule(Protocol):
    """One way to cut a tape into bars; instances are immutable and hashable.

    ``text`` is the canonical spelling of the bar grammar. ``edges`` folds one run of trades, ascending in the
    ordering key; ``state`` is what the last call left behind (bytes, empty at the start), so that any chunking gives
    the same bars.
    """

    text: str

    def edges(self, trades: Trades, calendar: Calendar, state: bytes = b"") -> tuple[Edges, bytes]:
        """Cut the trades; return the edges and the new state."""
        ...
