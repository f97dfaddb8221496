"""Faults that are part of the tape: a burst of trades, and the day that rolls over in the middle of it."""

from __future__ import annotations

import numpy as np

from footloom.core.sessions import DAY_NS
from footloom.core.trades import Trades
from footloom.errors import ConfigError
from footloom.testing.venues.faults import Fault, Faults
from footloom.testing.venues.market import Market

__all__ = ("altered", "burst", "rolled")

_SECOND = 1_000_000_000
_MS = 1_000_000
_MOST_BURST = 5_000_000
_IST_NS = 19_800 * _SECOND  # India's days begin at 18:30 UTC


def altered(market: Market, faults: Faults, venue: str) -> Market:
    """Return the market with the bursts and day rolls of an order; the same where it has none.

    Raises
    ------
    ConfigError
        A burst is too large.
    """
    for fault in faults.of("burst"):
        market = burst(market, fault)
    for fault in faults.of("day_roll"):
        market = rolled(market, fault, _IST_NS if venue in {"upstox", "angelone"} else 0)
    return market


def burst(market: Market, fault: Fault) -> Market:
    """Return the market with ``fault.rate`` more trades a second in the first symbol, for ``fault.for_ns``.

    They walk up and down around the price of that time; ids count on through them.
    """
    count = fault.rate * fault.for_ns // _SECOND
    if not 0 < count <= _MOST_BURST:
        raise ConfigError(f"a burst of {count:,} trades cannot be played: make it 1 to {_MOST_BURST:,}")
    first = next(iter(market.listings.values()))
    first.insert(_burst_rows(first.trades, market.start_ns + (fault.at_ns or 0), fault.for_ns, count))
    return market


def _burst_rows(tape: Trades, from_ns: int, for_ns: int, count: int) -> Trades:
    near = max(int(np.searchsorted(tape.ts_exch_ns, from_ns)) - 1, 0)
    price = int(tape.price_tick[near]) if len(tape) else 1_000
    number = np.arange(count, dtype=np.int64)
    return Trades.build(
        tape.instrument,
        (from_ns + number * for_ns // count) // _MS * _MS,
        price + np.abs(number % 20 - 10) - 5,
        1 + number % 7,
        np.where(number * 2_654_435_761 % 5 < 2, 1, -1),
        trade_id=number,
        tape=tape.tape,
    )


def rolled(market: Market, fault: Fault, offset_ns: int) -> Market:
    """Return the market at another time, so that a day begins ``fault.at_ns`` after its start."""
    turn = market.start_ns + (fault.at_ns or 0) + offset_ns
    shift = (-turn) % DAY_NS // _MS * _MS
    for listing in market.listings.values():
        listing.shift(shift)
    return type(market)(market.listings.values(), market.start_ns + shift)
