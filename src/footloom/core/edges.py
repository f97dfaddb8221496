"""Where a run of trades is cut into bars."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from footloom.core.trades import I64, Trades

__all__ = ("Edges",)


@dataclass(frozen=True, slots=True)
class Edges:
    """Bar ``i`` owns trades ``ends[i] : ends[i + 1]`` and lasts ``[open_ns[i], close_ns[i])``.

    ``ends`` int64 (n_bars + 1,); ``open_ns``, ``close_ns`` ns UTC, ``off_session`` 0 or 1, int64 (n_bars,). A first
    bar whose ``open_ns`` equals that of the last bar folded before continues it.

    ``until_ns`` int64 (n_bars,) says until when trades can join each bar, where that is not its ``close_ns``;
    ``complete`` whether the last bar takes no more trade, whatever its time. ``pieces`` are the rows that ``ends``
    counts where a rule has cut trades: one that is cut is a row of each of its bars.
    """

    ends: I64
    open_ns: I64
    close_ns: I64
    off_session: I64
    until_ns: I64 | None = None
    complete: bool = False
    pieces: Trades | None = None

    def __len__(self) -> int:
        return len(self.open_ns)

    @property
    def grows_until_ns(self) -> I64:
        """Until when trades can join each bar, ns UTC, int64 (n_bars,)."""
        return self.close_ns if self.until_ns is None else self.until_ns

    def rows(self, trades: Trades) -> Trades:
        """Return the rows that ``ends`` counts, given the trades that were cut into bars."""
        return trades if self.pieces is None else self.pieces

    @classmethod
    def none(cls) -> Edges:
        """Return the edges of no trades."""
        empty = np.empty(0, np.int64)
        return cls(np.zeros(1, np.int64), empty, empty, empty)
