"""Rows of the past, as REST calls ask for them: by id, by time, the newest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import numpy as np

from footloom.core.sessions import DAY_NS
from footloom.core.trades import Trades
from footloom.testing.venues.market import Listing

__all__ = ("by_id", "by_time", "newest")

_EPOCH = dt.date(1970, 1, 1)


def newest(listing: Listing, limit: int) -> Trades:
    """Return the last ``limit`` trades, oldest first."""
    seen = listing.seen
    return seen.take(slice(max(len(seen) - limit, 0), len(seen)))


def by_id(listing: Listing, first_id: int, limit: int, now_ns: int, oldest_ns: int = 0) -> Trades:
    """Return up to ``limit`` trades from an id on, none of them before ``oldest_ns``."""
    days = [listing.seen]
    while len(days[0]) and first_id < int(days[0].trade_id[0]) and oldest_ns < int(days[0].ts_exch_ns[0]):
        earlier = _day_before(listing, days[0], now_ns)
        if earlier is None:
            break
        days.insert(0, earlier)
    return _from(days, lambda rows: _first(rows, first_id, oldest_ns), limit)


def by_time(listing: Listing, from_ns: int, to_ns: int, limit: int, now_ns: int) -> Trades:
    """Return up to ``limit`` trades of ``[from_ns, to_ns]``, oldest first."""
    days = [listing.seen]
    while len(days[0]) and from_ns < int(days[0].ts_exch_ns[0]):
        earlier = _day_before(listing, days[0], now_ns)
        if earlier is None:
            break
        days.insert(0, earlier)
    found = _from(days, lambda rows: int(np.searchsorted(rows.ts_exch_ns, from_ns)), limit)
    return found.take(slice(0, int(np.searchsorted(found.ts_exch_ns, to_ns, side="right"))))


def _first(rows: Trades, first_id: int, oldest_ns: int) -> int:
    return max(int(np.searchsorted(rows.trade_id, first_id)), int(np.searchsorted(rows.ts_exch_ns, oldest_ns)))


# A page goes on over midnight: a short one would tell its reader that nothing follows.
def _from(days: list[Trades], start: Callable[[Trades], int], limit: int) -> Trades:
    pieces: list[Trades] = []
    left = limit
    for rows in days:
        at = start(rows)
        pieces.append(rows.take(slice(at, at + left)))
        left -= len(pieces[-1])
        if left <= 0:
            break
    return Trades.concat(pieces)


def _day_before(listing: Listing, rows: Trades, now_ns: int) -> Trades | None:
    number = int(rows.ts_exch_ns[0]) // DAY_NS - 1
    return listing.day(_EPOCH + dt.timedelta(days=number), now_ns)
