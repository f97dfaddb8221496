"""Bybit's REST answers: the envelope that all have, and an instrument."""

from __future__ import annotations

from collections.abc import Mapping

from footloom.testing.venues._grid import Grid
from footloom.testing.venues.market import Listing
from footloom.testing.venues.wire import Reply

__all__ = ("envelope", "instrument_row", "refused")


def envelope(now_ns: int, result: Mapping[str, object]) -> Reply:
    """Return a result as Bybit wraps it."""
    return Reply.json({"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": now_ns // 1_000_000})


def refused(now_ns: int, text: str) -> Reply:
    """Return the refusal of a parameter, which comes with status 200."""
    return Reply.json({"retCode": 10001, "retMsg": text, "result": {}, "retExtInfo": {}, "time": now_ns // 1_000_000})


def instrument_row(listing: Listing, grid: Grid) -> dict[str, object]:
    """Return a symbol as ``instruments-info`` describes it."""
    quote = listing.instrument.quote or "USDT"
    return {
        "symbol": listing.symbol,
        "contractType": "LinearPerpetual",
        "status": "Trading",
        "baseCoin": listing.instrument.base or listing.symbol.removesuffix(quote),
        "quoteCoin": quote,
        "settleCoin": quote,
        "launchTime": "1585526400000",
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": "2",
        "leverageFilter": {"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"},
        "priceFilter": {"minPrice": grid.tick_size, "maxPrice": "1999999.80", "tickSize": grid.tick_size},
        "lotSizeFilter": {
            "maxOrderQty": "1190.000",
            "minOrderQty": grid.lot_size,
            "qtyStep": grid.lot_size,
            "postOnlyMaxOrderQty": "1190.000",
            "maxMktOrderQty": "119.000",
            "minNotionalValue": "5",
        },
        "unifiedMarginTrade": True,
        "fundingInterval": 480,
        "copyTrading": "both",
        "upperFundingRate": "0.00375",
        "lowerFundingRate": "-0.00375",
        "isPreListing": False,
        "preListingInfo": None,
    }
