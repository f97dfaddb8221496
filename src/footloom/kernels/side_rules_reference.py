"""The side rules in plain Python, readable as definitions 1.2: what the fast fold is tested against."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

__all__ = (
    "Quote",
    "Trade",
    "clnv",
    "emo",
    "lee_ready",
    "quote_before",
    "quote_rule",
    "reverse_ticks",
    "sides",
    "ticks",
)


class Quote(NamedTuple):
    """A quote and when it came into force; None for an empty side."""

    ts: int
    bid: int | None
    ask: int | None


class Trade(NamedTuple):
    """A trade: time, price and day."""

    ts: int
    price: int
    day: int = 0


def quote_before(trade: Trade, quotes: Sequence[Quote], lag: int = 0) -> Quote:
    """Return the last quote strictly before a trade, less a lag."""
    before = [quote for quote in quotes if quote.ts < trade.ts - lag]
    return before[-1] if before else Quote(0, None, None)


def ticks(trades: Sequence[Trade]) -> list[int]:
    """Return the sign of the last change of price at each trade; 0 before the first change of a day."""
    signs: list[int] = []
    for i, trade in enumerate(trades):
        earlier = [other.price for other in trades[:i] if other.day == trade.day]
        changed = [price for price in earlier if price != trade.price]
        if not changed:
            signs.append(0)
        elif earlier[-1] != trade.price:
            signs.append(1 if trade.price > earlier[-1] else -1)
        else:
            signs.append(signs[-1])
    return signs


def reverse_ticks(trades: Sequence[Trade]) -> list[int]:
    """Return each side by the next different price of the day: a buy where that is lower."""
    signs = []
    for i, trade in enumerate(trades):
        later = [other.price for other in trades[i + 1 :] if other.day == trade.day and other.price != trade.price]
        signs.append(0 if not later else 1 if later[0] < trade.price else -1)
    return signs


def quote_rule(price: int, quote: Quote) -> int:
    """Return the side by the middle of a quote; a one-sided or crossed one says nothing."""
    if quote.bid is None or quote.ask is None or quote.bid > quote.ask:
        return 0
    middle = Fraction(quote.bid + quote.ask, 2)
    return (price > middle) - (price < middle)


def lee_ready(price: int, quote: Quote, tick: int) -> int:
    """Return the quote rule's side, or the tick rule's where it has none."""
    return quote_rule(price, quote) or tick


def emo(price: int, quote: Quote, tick: int) -> int:
    """Return the side of the quote that a trade is at, otherwise the tick rule's."""
    if quote.bid is None or quote.ask is None or quote.bid >= quote.ask:
        return tick
    return {quote.ask: 1, quote.bid: -1}.get(price, tick)


def clnv(price: int, quote: Quote, tick: int, zone_pct: int = 30, *, closed: bool = True) -> int:
    """Return the side of the edge of the spread that a trade is near, otherwise the tick rule's."""
    if quote.bid is None or quote.ask is None or not quote.bid <= price <= quote.ask or quote.bid == quote.ask:
        return tick
    width = Fraction(zone_pct * (quote.ask - quote.bid), 100)
    from_ask, from_bid = quote.ask - price, price - quote.bid
    if from_ask == 0 or from_ask < width or (closed and from_ask == width):
        return 1
    if from_bid == 0 or from_bid < width or (closed and from_bid == width):
        return -1
    return tick


def sides(
    rule: str,
    trades: Sequence[Trade],
    quotes: Sequence[Quote],
    lag: int = 0,
    zone_pct: int = 30,
    *,
    closed: bool = True,
) -> list[int]:
    """Return the sides of a whole tape."""
    if rule == "reverse_tick":
        return reverse_ticks(trades)
    found = []
    for trade, tick in zip(trades, ticks(trades), strict=True):
        quote = quote_before(trade, quotes, lag)
        by = {
            "tick": tick,
            "quote": quote_rule(trade.price, quote),
            "lee_ready": lee_ready(trade.price, quote, tick),
            "emo": emo(trade.price, quote, tick),
            "clnv": clnv(trade.price, quote, tick, zone_pct, closed=closed),
        }
        found.append(by[rule])
    return found
