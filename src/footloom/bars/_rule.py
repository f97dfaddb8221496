"""What a bar rule is: a sequential, resumable fold from trades to bar edges."""

from __future__ import annotations

from typing import Protocol

from footloom.core.edges import Edges
from footloom.core.sessions import Calendar
from footloom.core.trades import Trades

__all__ = ("BarRule",)


class BarRule(Protocol):
    """One way to cut a tape into bars; instances are immutable and hashable."""

    @property
    def text(self) -> str:
        """The canonical spelling in the bar grammar."""
        ...

    @property
    def sequential(self) -> bool:
        """Whether a bar's edges depend on the trades before it in its session.

        Where they do, a run of trades that begins at a session's start gives the bars of the whole tape, another one
        does not, and a late trade changes every bar of its session behind it.
        """
        ...

    def edges(self, trades: Trades, calendar: Calendar, state: bytes = b"") -> tuple[Edges, bytes]:
        """Cut one run of trades, ascending in the ordering key; return the edges and the new state.

        ``state`` is what the last call left behind (empty at the start), so that any chunking gives the same bars.
        """
        ...
