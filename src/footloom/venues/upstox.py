"""Upstox, a broker of India: what its instrument keys say, such as ``NSE_FO|51510``.

Quantities are units, never contracts, so the lot is 1. Shares have ticks that depend on their price, so their grid
comes from elsewhere; derivatives stand on 0.05, which holds every coarser tick of futures too.
"""

from __future__ import annotations

from decimal import Decimal

from footloom.core.instrument import Instrument

__all__ = ("VENUE", "instrument", "is_index", "known_instrument")

VENUE = "upstox"

_CALENDARS = {
    "NSE_FO": "nse_fo",
    "BSE_FO": "nse_fo",  # the same hours
    "NSE_EQ": "nse_cash",
    "BSE_EQ": "nse_cash",
    "NSE_INDEX": "nse_cash",
    "BSE_INDEX": "nse_cash",
    "MCX_FO": "iana:Asia/Kolkata 09:00-23:30",
    "NCD_FO": "iana:Asia/Kolkata 09:00-17:00",
    "BCD_FO": "iana:Asia/Kolkata 09:00-17:00",
}
_TICKS = {"NSE_FO": "0.05", "BSE_FO": "0.05", "NSE_INDEX": "0.01", "BSE_INDEX": "0.01"}


def instrument(symbol: str, tick_size: Decimal, lot_size: Decimal) -> Instrument:
    """Return the instrument of a key on a given grid, with the sessions of its segment."""
    return Instrument(
        venue=VENUE,
        symbol=symbol,
        tick_size=tick_size,
        lot_size=lot_size,
        quote="INR",
        calendar=_CALENDARS.get(_segment(symbol), "nse_cash"),
    )


def known_instrument(symbol: str, at_ns: int) -> Instrument | None:  # noqa: ARG001 - the same on every day so far
    """Return the instrument as it is known for ``at_ns`` (ns UTC), None where it is not."""
    tick_size = _TICKS.get(_segment(symbol))
    return None if tick_size is None else instrument(symbol, Decimal(tick_size), Decimal(1))


def is_index(symbol: str) -> bool:
    """Say whether a key is that of an index, which has prices and no trades."""
    return _segment(symbol).endswith("_INDEX")


def _segment(symbol: str) -> str:
    return symbol.partition("|")[0]
