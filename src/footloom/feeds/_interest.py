"""Open interest of stored contracts at the closes of sessions: what a continuous future rolls by."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from footloom.core.decimals import to_units
from footloom.core.instrument import Instrument
from footloom.core.rolls import Reading
from footloom.core.sessions import calendar
from footloom.core.snapshots import NO_QUOTE, Snapshots
from footloom.core.trades import I64
from footloom.errors import NotStored
from footloom.store import Store
from footloom.store.grid import gcd

__all__ = ("interest_at_closes",)


def interest_at_closes(store: Store, contracts: Sequence[Instrument]) -> dict[str, list[Reading]]:
    """Return the open interest of contracts (by symbol) as it was known at the close of each session, oldest first.

    It is the last one that was told within the session; a session without any has no reading. All are counted in one
    unit. Contracts of which none is stored are left out.
    """
    told = [(one, *_told(store, one)) for one in contracts]
    unit = gcd([lot_size for _, _, _, lot_size in told])
    found: dict[str, list[Reading]] = {}
    for one, times, told_lot, lot_size in told:
        if not len(times):
            continue
        days, scale = calendar(one.calendar), to_units(lot_size, unit, "lot size")
        for opens, closes in days.sessions(days.local_date(int(times[0])), days.local_date(int(times[-1]))):
            last = int(np.searchsorted(times, closes, side="right")) - 1
            if last >= 0 and times[last] >= opens:
                found.setdefault(one.symbol, []).append((closes, int(told_lot[last]) * scale))
    return found


# When it was told and how much, ascending, and the lot it is counted in: snapshots carry it, and so does a series.
def _told(store: Store, one: Instrument) -> tuple[I64, I64, Decimal]:
    until_ns = (one.expiry_ns or 0) + 1
    with contextlib.suppress(NotStored):
        seen = store.load(one.key, "snapshot", 0, until_ns, ["ts_recv_ns", "oi_lot"])
        assert isinstance(seen, Snapshots)
        told = seen.oi_lot != NO_QUOTE
        if told.any():
            return seen.ts_recv_ns[told], seen.oi_lot[told], seen.instrument.lot_size
    with contextlib.suppress(NotStored):
        series = store.load_series(one.key, "open_interest", 0, until_ns, ["oi_lot"])
        return series.ts_exch_ns, series["oi_lot"], series.instrument.lot_size
    none = np.empty(0, np.int64)
    return none, none, one.lot_size
