"""Rows of the past, as REST calls ask for them: by id, by time, the newest."""

from __future__ import annotations

import datetime as dt

import numpy as np

from footloom.core.sessions import DAY_NS
from footloom.core.trades import Trades
from footloom.testing.venues.market import Listing

__all__ = ("by_id", "by_time", "newest")

_EPOCH = dt.date(1970, 1, 1)
_NONE = slice(0, 0)


def newest(listing: Listing, limit: int) -> Trades:
    """Return the last ``limit`` trades, oldest first."""
    seen = listing.seen
    return seen.take(slice(max(len(seen) - limit, 0), len(seen)))


def by_id(listing: Listing, first_id: int, limit: int, now_ns: int, oldest_ns: int = 0) -> Trades:
    """Return up to ``limit`` trades from an id on, none of them before ``oldest_ns``."""
    rows = listing.seen
    while len(rows) and first_id < int(rows.trade_id[0]):
        earlier = _day_before(listing, rows, now_ns)
        if earlier is None or int(earlier.ts_exch_ns[-1]) < oldest_ns:
            break
        rows = earlier
    lo = int(np.searchsorted(rows.trade_id, first_id))
    lo = max(lo, int(np.searchsorted(rows.ts_exch_ns, oldest_ns)))
    return rows.take(slice(lo, lo + limit))


def by_time(listing: Listing, from_ns: int, to_ns: int, limit: int, now_ns: int) -> Trades:
    """Return up to ``limit`` trades of ``[from_ns, to_ns]``, oldest first."""
    rows = listing.seen
    while len(rows) and from_ns < int(rows.ts_exch_ns[0]):
        earlier = _day_before(listing, rows, now_ns)
        if earlier is None:
            break
        rows = earlier
    lo, hi = (int(at) for at in np.searchsorted(rows.ts_exch_ns, (from_ns, to_ns + 1)))
    return rows.take(slice(lo, min(hi, lo + limit)) if hi > lo else _NONE)


def _day_before(listing: Listing, rows: Trades, now_ns: int) -> Trades | None:
    number = int(rows.ts_exch_ns[0]) // DAY_NS - 1
    return listing.day(_EPOCH + dt.timedelta(days=number), now_ns)
