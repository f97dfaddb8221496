"""Open interest of one contract as it was told through a stretch of time, on whichever tape that was."""

from __future__ import annotations

import contextlib
from typing import NamedTuple

import numpy as np

from footloom.core.snapshots import NO_QUOTE, Snapshots
from footloom.core.trades import I64
from footloom.errors import NotStored
from footloom.store import Store

__all__ = ("Interest", "stored_interest")


class Interest(NamedTuple):
    """When open interest was told, ns UTC ascending, and how much, in lots of the store's grid; int64 (n,) each."""

    at_ns: I64
    lots: I64

    def updates(self) -> Interest:
        """Return the first telling of each number: what is told again is no update."""
        new = np.ones(len(self.lots), np.bool_)
        new[1:] = self.lots[1:] != self.lots[:-1]
        return Interest(self.at_ns[new], self.lots[new])


def stored_interest(store: Store, key: str, from_ns: int, to_ns: int) -> Interest:
    """Return what was told in ``[from_ns, to_ns)``: snapshots carry it, and so does a series; nothing is empty."""
    with contextlib.suppress(NotStored):
        seen = store.load(key, "snapshot", from_ns, to_ns, ["ts_recv_ns", "oi_lot"])
        assert isinstance(seen, Snapshots)
        told = seen.oi_lot != NO_QUOTE
        if told.any():
            return Interest(seen.ts_recv_ns[told], seen.oi_lot[told])
    with contextlib.suppress(NotStored):
        series = store.load_series(key, "open_interest", from_ns, to_ns, ["oi_lot"])
        return Interest(series.ts_exch_ns, series["oi_lot"])
    none = np.empty(0, np.int64)
    return Interest(none, none)
