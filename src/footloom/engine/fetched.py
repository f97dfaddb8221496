"""History that is fetched behind a live chart, page by page: it waits, so that the bars are built anew now and then."""

from __future__ import annotations

import numpy as np

from footloom.core.trades import FLAG_BACKFILLED, Trades

__all__ = ("Fetched",)

_BEHIND_NS = 120 * 10**9  # fetched rows this far behind the newest are history, and come by the thousands
_SPACING_NS = 10**9  # of engine time from one time to the next
_ROW_NS = 5_000  # and so much a row that has to be folded anew: about a hundredth of it is spent so


class Fetched:
    """Fetched rows that wait for their turn; time is the engine's."""

    def __init__(self) -> None:
        self._rows: list[Trades] = []
        self._from_ns = -(2**63)

    def __len__(self) -> int:
        return sum(map(len, self._rows))

    @staticmethod
    def is_history(trades: Trades, newest_ns: int) -> bool:
        """Say whether all rows were fetched, and lie far behind the newest one."""
        if not len(trades) or not trades.flags.item(0) & FLAG_BACKFILLED or not np.all(trades.flags & FLAG_BACKFILLED):
            return False
        return int(trades.ts_exch_ns.max()) < newest_ns - _BEHIND_NS

    def wait(self, trades: Trades) -> None:
        """Take rows."""
        self._rows.append(trades)

    def is_due(self, watermark_ns: int) -> bool:
        """Say whether rows wait and it is time to fold them."""
        return bool(self._rows) and watermark_ns >= self._from_ns

    def take(self) -> Trades:
        """Return what waits, in the order of its arrival: nothing does then."""
        rows, self._rows = self._rows, []
        return Trades.concat(rows)

    def spent(self, rows: int, watermark_ns: int) -> None:
        """Say how many rows were folded for it."""
        self._from_ns = watermark_ns + max(_SPACING_NS, _ROW_NS * rows)
