"""Venues on this machine, for tests and trials: the real protocols, any tape behind them, faults to order.

::

    async with LocalVenue("binance_usdm", Market.of(trades), "disconnect@10s") as venue:
        ...  # connect to venue.url, then let time pass: await venue.finish()
"""

from __future__ import annotations

from footloom.testing.venues.faults import Fault, Faults
from footloom.testing.venues.local import VENUES, LocalVenue
from footloom.testing.venues.market import Changes, Listing, Market

__all__ = ("VENUES", "Changes", "Fault", "Faults", "Listing", "LocalVenue", "Market")
