"""Rows that the store gave before their commit came: the commit brings them once more, and they are no late ones."""

from __future__ import annotations

from footloom.core.trades import Trades
from footloom.engine.unseen import unseen

__all__ = ("ReadAhead",)


class ReadAhead:
    """What was read of the store for a late row, as far as commits are still to bring it.

    A chart that reads the store once more for each of them never catches up with a busy symbol: with every reading
    there are new ones.
    """

    def __init__(self) -> None:
        self._rows: Trades | None = None
        self._from_ns = self._until_ns = 0

    def note(self, read: Trades, commit: Trades, from_ns: int) -> None:
        """Remember what was received behind a commit and read with it, from a time on.

        Commits come in the order of their receipt.
        """
        rows = read.take(read.ts_recv_ns > commit.ts_recv_ns.max())
        self._rows, self._until_ns = (rows, int(rows.ts_recv_ns.max())) if len(rows) else (None, 0)
        self._from_ns = from_ns

    def without(self, commit: Trades) -> Trades:
        """Return a commit's rows without those that were read before."""
        if self._rows is None or not len(commit):
            return commit
        if commit.ts_recv_ns.min() > self._until_ns:
            self._rows = None
            return commit
        older = commit.ts_exch_ns < self._from_ns  # not read, whenever they were received
        if not older.any():
            return unseen(commit, self._rows)
        return Trades.concat([commit.take(older), unseen(commit.take(~older), self._rows)])
