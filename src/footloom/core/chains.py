"""The words of an option chain: which side a row is of, who said it, and when NSE's options expire (definitions 7)."""

from __future__ import annotations

import datetime as dt
from typing import Final, Literal
from zoneinfo import ZoneInfo

from footloom.core import nse
from footloom.core.sessions import wall_ns
from footloom.core.snapshots import NO_QUOTE
from footloom.errors import DataError

__all__ = (
    "CALL",
    "CHAIN",
    "FEEDS",
    "PUT",
    "SOURCES",
    "UNDERLYING",
    "Source",
    "nse_expiry_ns",
    "quote_side",
    "source_code",
)

CHAIN: Final = "chain"  # the tape
CALL, PUT, UNDERLYING = 1, -1, 0  # `side` of a row; a row of the underlying has its price as `ltp_tick`, and no strike

Source = Literal["chain_csv", "nse_export", "upstox_chain", "upstox_feed", "simulated", "angelone_feed"]
# By number, as rows carry it: new ones go to the end.
SOURCES: Final[tuple[Source, ...]] = (
    "chain_csv", "nse_export", "upstox_chain", "upstox_feed", "simulated", "angelone_feed",
)  # fmt: skip
FEEDS: Final = tuple(number for number, name in enumerate(SOURCES) if name.endswith("_feed"))


def source_code(name: Source) -> int:
    """Return the number that rows carry for who said them."""
    return SOURCES.index(name)


def quote_side(price_tick: int, qty_lot: int) -> tuple[int, int]:
    """Return a side of a quote as rows have it: price and quantity, `NO_QUOTE` where one is not known.

    Where there is no price (0 or `NO_QUOTE`) or a quantity of 0, nobody is there: a quantity of 0 without a price. A
    price whose quantity was not said stands without one: no number is made up.
    """
    if price_tick in {NO_QUOTE, 0} or qty_lot == 0:
        return NO_QUOTE, 0
    return price_tick, qty_lot


def nse_expiry_ns(day: dt.date) -> int:
    """Return the instant at which NSE's options of a day of expiry end: the close of trading (definitions 7.8).

    Raises
    ------
    DataError
        NSE does not trade on that day, so nothing expires on it.
    """
    hours = nse.hours_of("FO_OPT", day)
    if not hours:
        raise DataError(f"no option of NSE expires on {day}, a {day:%A}: NSE does not trade on that day")
    return wall_ns(day, hours[-1][1], ZoneInfo(nse.ZONE))
