"""Open interest that snapshots carry: when it was told, and what it was at the closes of sessions.

The latter is what a continuous future rolls by.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from footloom.core.decimals import to_units
from footloom.core.instrument import Instrument
from footloom.core.recorder_clock import SLOWEST_NS, told_ns
from footloom.core.rolls import Reading
from footloom.core.series import Series
from footloom.core.sessions import calendar
from footloom.core.snapshots import NO_QUOTE, Snapshots
from footloom.core.trades import I64
from footloom.errors import NotStored
from footloom.store import Store
from footloom.store.grid import gcd

__all__ = ("interest_at_closes", "interest_of_snapshots")


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
    pieces, _ = interest_of_snapshots(store, one.key, 0, until_ns)
    if not pieces:
        with contextlib.suppress(NotStored):
            pieces = [store.load_series(one.key, "open_interest", 0, until_ns, ["oi_lot"])]
    if pieces:
        return pieces[0].ts_exch_ns, pieces[0]["oi_lot"], pieces[0].instrument.lot_size
    none = np.empty(0, np.int64)
    return none, none, one.lot_size


def interest_of_snapshots(store: Store, key: str, from_ns: int, to_ns: int) -> tuple[list[Series], I64]:
    """Return what snapshots told in ``[from_ns, to_ns)`` as rows of one tape, ascending, if they told anything.

    With it come the receipts of all that may have: what another tape says at one of them was told by these.
    """
    with contextlib.suppress(NotStored):
        seen = store.load(key, "snapshot", from_ns - SLOWEST_NS, to_ns, ["ts_exch_ns", "ts_recv_ns", "oi_lot"])
        assert isinstance(seen, Snapshots)
        told = seen.oi_lot != NO_QUOTE
        receipts, lots = seen.ts_recv_ns[told], seen.oi_lot[told]
        times = np.maximum.accumulate(told_ns(seen.ts_exch_ns[told], receipts))
        inside = (times >= from_ns) & (times < to_ns)
        rows = Series.build(seen.instrument, "open_interest", times[inside], receipts[inside], oi_lot=lots[inside])
        return [rows] if len(rows) else [], receipts
    return [], np.empty(0, np.int64)
