"""Bybit's books and tickers as its topics send them: a snapshot, then what has changed in the levels that are shown."""

from __future__ import annotations

from collections.abc import Mapping

from footloom.testing.venues.market import Listing

__all__ = ("TopBook", "changed_fields")

Levels = dict[int, int]


class TopBook:
    """The best ``depth`` levels of one symbol, as all who listen to them know them."""

    def __init__(self, listing: Listing, depth: int) -> None:
        self._listing, self._depth = listing, depth
        self.bids: Levels = {}
        self.asks: Levels = {}
        self.u = 0
        self._refresh()

    def _refresh(self) -> tuple[Levels, Levels]:
        bids, asks = self._listing.levels(self._depth)
        before = self.bids, self.asks
        self.bids, self.asks = dict(bids), dict(asks)
        return _difference(before[0], self.bids), _difference(before[1], self.asks)

    def update(self) -> tuple[Levels, Levels] | None:
        """Return the levels that differ from what was sent last (quantity 0: gone), None where none does."""
        bids, asks = self._refresh()
        if not bids and not asks:
            return None
        self.u += 1
        return bids, asks

    def restart(self) -> None:
        """Let update ids begin anew."""
        self._refresh()
        self.u = 1


def _difference(before: Levels, now: Levels) -> Levels:
    gone = {tick: 0 for tick in before if tick not in now}
    return gone | {tick: lot for tick, lot in now.items() if before.get(tick) != lot}


def changed_fields(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """Return the fields of a ticker that are new."""
    return {name: value for name, value in now.items() if before.get(name) != value}
