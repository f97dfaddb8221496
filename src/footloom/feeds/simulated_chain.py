"""The simulated market's option chain and open interest, made for its own stored trades whenever they are asked for."""

from __future__ import annotations

import numpy as np

from footloom.core.chains import CHAIN
from footloom.core.series import Series
from footloom.core.trades import I64, Trades
from footloom.store import Coverage, Store
from footloom.venues.sim import PERP
from footloom.venues.sim.chain import EVERY_NS, chain_of, open_contracts

__all__ = ("EVERY_NS", "SIMULATED", "simulated_chain", "simulated_days", "simulated_interest")

SIMULATED = PERP.key
_TAPE = "trade"
_DAY_NS = 86_400_000_000_000
_TOLD_NS = 3 * EVERY_NS


def simulated_days(store: Store) -> list[Coverage]:
    """Return the days whose trades are stored."""
    days = store.coverage(SIMULATED)
    return [day for day in days if day.tape == _TAPE and day.first_ns is not None]


def simulated_chain(store: Store, from_ns: int, to_ns: int) -> Series:
    """Return the chain of ``[from_ns, to_ns)``: a row an option and minute, from the last trade before it."""
    known = simulated_days(store)
    if not known:
        return Series.empty(PERP, CHAIN)
    from_ns = max(from_ns, min(day.first_ns or 0 for day in known))
    to_ns = min(to_ns, max(day.last_ns or 0 for day in known) + 1)
    pieces = []
    for day in range(from_ns // _DAY_NS, -(-to_ns // _DAY_NS)):
        last_ns = max((one.last_ns or 0 for one in known if (one.first_ns or 0) // _DAY_NS == day), default=0)
        found = _prices(store, day * _DAY_NS, min(to_ns, (day + 1) * _DAY_NS), last_ns)
        if found is not None:
            pieces.append(chain_of(found[0].instrument, *found[1:]))
    return Series.concat(pieces) if pieces else Series.empty(PERP, CHAIN)


def simulated_interest(store: Store, from_ns: int, to_ns: int) -> Series:
    """Return the open interest of the simulated contract in ``[from_ns, to_ns)``, told every three minutes."""
    known = simulated_days(store)
    first_ns = max(from_ns, min((day.first_ns or 0 for day in known), default=0))
    end_ns = min(to_ns, max((day.last_ns or 0 for day in known), default=0) + 1)
    return open_contracts(PERP, np.arange(-(-first_ns // _TOLD_NS) * _TOLD_NS, end_ns, _TOLD_NS, dtype=np.int64))


# A minute is told once trades of its day behind it are stored, whether or not one of them is asked for.
def _prices(store: Store, from_ns: int, to_ns: int, last_ns: int) -> tuple[Trades, I64, I64] | None:
    trades = store.load(SIMULATED, _TAPE, from_ns, to_ns, ["ts_exch_ns", "price_tick"])
    if not isinstance(trades, Trades) or not len(trades):
        return None
    first = -(-int(trades.ts_exch_ns[0]) // EVERY_NS) * EVERY_NS
    at = np.arange(first, to_ns, EVERY_NS, dtype=np.int64)
    at = at[at <= last_ns]
    last = np.searchsorted(trades.ts_exch_ns, at, side="right") - 1
    return trades, at, trades.price_tick[last]
