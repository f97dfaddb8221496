"""Open interest of one contract as it was told through a stretch of time, on whichever tape that was.

A snapshot carries it, and so does a row of a tape of its own. A recorder of snapshots writes both, so that they say the
same at the same receipt; what was imported may have either.
"""

from __future__ import annotations

import contextlib
from typing import NamedTuple

import msgspec
import numpy as np

from footloom.core.decimals import to_units
from footloom.core.recorder_clock import SLOWEST_NS
from footloom.core.series import Series
from footloom.core.trades import I64
from footloom.errors import ConfigError, NotStored
from footloom.feeds._interest import interest_of_snapshots
from footloom.feeds.continuous import ContinuousView, is_continuous
from footloom.feeds.simulated_chain import SIMULATED, simulated_days, simulated_interest
from footloom.store import Coverage, Store
from footloom.store.grid import gcd

__all__ = ("Interest", "contract_at", "contracts_of", "interest_held", "interest_told", "stored_interest")

_SERIES, _SNAPSHOT = "open_interest", "snapshot"
_LOOK_NS = 600_000_000_000


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
    """Return what was told in ``[from_ns, to_ns)``; nothing is empty."""
    found = interest_told(store, key, from_ns, to_ns)
    return Interest(found.ts_exch_ns, found["oi_lot"])


def interest_told(store: Store, key: str, from_ns: int, to_ns: int) -> Series:
    """Return what was told of one contract in ``[from_ns, to_ns)``, in the order of time, as rows of one tape."""
    if key == SIMULATED:
        return simulated_interest(store, from_ns, to_ns)
    seen, receipts = interest_of_snapshots(store, key, from_ns, to_ns)
    pieces = [*_of_series(store, key, from_ns, to_ns, receipts), *seen]
    if not pieces:
        return Series.empty(store.instrument(key), _SERIES)
    if len(pieces) == 1:
        return pieces[0]
    unit = gcd([piece.instrument.lot_size for piece in pieces])
    scales = [to_units(piece.instrument.lot_size, unit, "lot size") for piece in pieces]
    times = np.concatenate([piece.ts_exch_ns for piece in pieces])
    lots = np.concatenate([piece["oi_lot"] * scale for piece, scale in zip(pieces, scales, strict=True)])
    order = np.argsort(times, kind="stable")
    instrument = msgspec.structs.replace(pieces[0].instrument, lot_size=unit)
    return Series.build(instrument, _SERIES, times[order], times[order], oi_lot=lots[order])


# What a snapshot of the same receipt says is left to that: older recordings told it at the receipt of a slow clock.
def _of_series(store: Store, key: str, from_ns: int, to_ns: int, receipts: I64) -> list[Series]:
    with contextlib.suppress(NotStored):
        found = store.load_series(key, _SERIES, from_ns, to_ns)
        found = found.take(~np.isin(found.ts_recv_ns, receipts))
        return [found] if len(found) else []
    return []


def interest_held(store: Store, key: str) -> list[Coverage]:
    """Return the days on which open interest of a symbol was told; of a continuous future, those of its contracts."""
    return [
        day
        for contract, from_ns, to_ns in contracts_of(store, key, 0, 2**62)
        for day in _days(store, contract)
        if day.first_ns is not None and day.first_ns < to_ns and (day.last_ns or 0) >= from_ns
    ]


def _days(store: Store, key: str) -> list[Coverage]:
    if key == SIMULATED:
        return [msgspec.structs.replace(day, tape=_SERIES) for day in simulated_days(store)]
    rows = [day for day in store.series(key) if day.tape == _SERIES and day.rows and day.first_ns is not None]
    seen = [day for day in store.coverage(key) if day.tape == _SNAPSHOT and day.rows and day.first_ns is not None]
    if not seen:
        return rows
    last_ns = seen[-1].last_ns or 0
    return [*rows, *seen] if interest_of_snapshots(store, key, last_ns - _LOOK_NS, last_ns + SLOWEST_NS)[0] else rows


def contracts_of(store: Store, key: str, from_ns: int, to_ns: int) -> list[tuple[str, int, int]]:
    """Return what a symbol stands for in ``[from_ns, to_ns)``: itself, or the contracts of a continuous future."""
    if not is_continuous(key):
        return [(key, from_ns, to_ns)]
    try:
        view = ContinuousView(store, key)
    except ConfigError:  # contracts of several tapes: those that tell open interest beside are of snapshots
        view = ContinuousView(store, key, tape=_SNAPSHOT)
    return [(f"{view.name.venue}:{part.symbol}", part.from_ns, part.to_ns) for part in view.within(from_ns, to_ns)]


def contract_at(store: Store, key: str, at_ns: int | None) -> str:
    """Return which contract a name stands for at an instant, by default at the newest that is stored of it.

    Raises
    ------
    NotStored
        No contract of a continuous future is stored there.
    """
    parts = contracts_of(store, key, 0 if at_ns is None else at_ns, 2**62 if at_ns is None else at_ns + 1)
    if not parts:
        raise NotStored(f"no contract of {key} is stored at {at_ns} ns")
    return parts[-1][0]
