"""Binance's books: diffs at a stream's own pace, each with the ids of the updates that it covers, and whole books."""

from __future__ import annotations

from collections.abc import Iterable

from footloom.testing.venues.market import Listing

__all__ = ("BookFeed", "Diff")

_FIRST_ID = 9_400_000_000_000


class Diff:
    """What changed since the last message of a pace: levels, and the numbers of the changes."""

    def __init__(self, previous: int) -> None:
        self.levels: dict[tuple[int, int], int] = {}
        self.first = 0
        self.previous = previous


class BookFeed:
    """One symbol's book.

    Ids are contiguous on spot (``step`` 1); on futures they skip, as they do there (``step`` 3).
    """

    def __init__(self, listing: Listing, speeds_ms: Iterable[int], step: int, now_ns: int) -> None:
        self._listing, self._step = listing, step
        listing.forward_book(now_ns)
        self._count = listing.change
        self._base = _FIRST_ID
        self.diffs = {speed: Diff(self.last_id) for speed in speeds_ms}

    def catch_up(self, to_ns: int) -> None:
        """Take the changes up to a time."""
        part = self._listing.forward_book(to_ns)
        if not len(part.ts_ns):
            return
        rows = list(zip(part.side.tolist(), part.price_tick.tolist(), strict=True))
        lots = part.qty_lot.tolist()
        for diff in self.diffs.values():
            if not diff.levels:
                diff.first = self._count + 1
            diff.levels.update(zip(rows, lots, strict=True))
        self._count += len(rows)

    @property
    def last_id(self) -> int:
        """The id of the newest update."""
        return self._base + self._step * self._count

    def restart(self) -> None:
        """Let ids begin anew, as after a restart of the matching engine."""
        self._base += 1_000_000_000
        for diff in self.diffs.values():
            diff.previous = self.last_id

    def take(self, speed_ms: int) -> tuple[int, int, int, list[tuple[int, int]], list[tuple[int, int]]] | None:
        """Return first, last and previous id, bids and asks of a pace's next message, None where nothing changed."""
        diff = self.diffs[speed_ms]
        if not diff.levels:
            return None
        first = self._base + self._step * diff.first - (self._step > 1)
        last = self.last_id
        previous = diff.previous
        bids = sorted((tick, lot) for (side, tick), lot in diff.levels.items() if side > 0)
        asks = sorted((tick, lot) for (side, tick), lot in diff.levels.items() if side < 0)
        diff.levels = {}
        diff.previous = last
        return first, last, previous, bids, asks
