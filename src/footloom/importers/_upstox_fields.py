"""The fields of an Upstox message that say what traded and what was quoted; numbers stay text until they are needed.

Whole numbers are strings, fractions numbers, zeros are left out; an export of a database may wrap a number in an
object such as ``{"$numberLong": "75"}``.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from footloom.importers._exact import number

__all__ = ("Feed", "LastTrade", "Parts", "Quote", "TickDocument")

_NOTHING = msgspec.Raw(b"")


class LastTrade(msgspec.Struct):
    """Last price, its time in ms, and its quantity."""

    ltp: msgspec.Raw = _NOTHING
    ltt: msgspec.Raw = _NOTHING
    ltq: msgspec.Raw = _NOTHING


class Quote(msgspec.Struct):
    """One level of the book; a side without an order is absent."""

    bidP: msgspec.Raw = _NOTHING  # noqa: N815 - the wire's names
    bidQ: msgspec.Raw = _NOTHING  # noqa: N815
    askP: msgspec.Raw = _NOTHING  # noqa: N815
    askQ: msgspec.Raw = _NOTHING  # noqa: N815


class _Book(msgspec.Struct):
    bidAskQuote: list[Quote] = []  # noqa: N815


class _Greeks(msgspec.Struct):
    delta: msgspec.Raw = _NOTHING
    gamma: msgspec.Raw = _NOTHING
    theta: msgspec.Raw = _NOTHING
    vega: msgspec.Raw = _NOTHING


class _Market(msgspec.Struct):
    ltpc: LastTrade | None = None
    marketLevel: _Book | None = None  # noqa: N815
    firstDepth: Quote | None = None  # noqa: N815
    vtt: msgspec.Raw = _NOTHING
    oi: msgspec.Raw = _NOTHING
    atp: msgspec.Raw = _NOTHING
    iv: msgspec.Raw = _NOTHING
    optionGreeks: _Greeks | None = None  # noqa: N815


class _Full(msgspec.Struct):
    marketFF: _Market | None = None  # noqa: N815
    indexFF: _Market | None = None  # noqa: N815


class Parts(NamedTuple):
    """What a message says, whatever its mode; None and empty texts are what it leaves out.

    ``greeks`` are volatility, delta, gamma, theta and vega of an option, told together or not at all.
    """

    trade: LastTrade | None
    quote: Quote | None
    vtt: bytes
    oi: bytes
    atp: bytes
    greeks: tuple[bytes, ...] = ()


class Feed(msgspec.Struct):
    """What one message says of one instrument, in any mode."""

    ltpc: LastTrade | None = None
    fullFeed: _Full | None = None  # noqa: N815
    firstLevelWithGreeks: _Market | None = None  # noqa: N815

    @property
    def is_ltpc(self) -> bool:
        """Whether it is of the mode without book and volume."""
        return self.ltpc is not None

    @property
    def is_feed(self) -> bool:
        """Whether it says anything at all."""
        return self.ltpc is not None or self.fullFeed is not None or self.firstLevelWithGreeks is not None

    def parts(self) -> Parts:
        """Return what it says."""
        if self.ltpc is not None:
            return Parts(self.ltpc, None, b"", b"", b"")
        full = self.fullFeed
        market = self.firstLevelWithGreeks if full is None else full.marketFF or full.indexFF
        if market is None:
            return Parts(None, None, b"", b"", b"")
        quote = market.firstDepth
        if market.marketLevel is not None:
            levels = market.marketLevel.bidAskQuote
            quote = levels[0] if levels else Quote()
        return Parts(market.ltpc, quote, bytes(market.vtt), bytes(market.oi), bytes(market.atp), _greeks_of(market))


# A zero that somebody wrote down is one that the wire leaves out: of a future, all of them are.
def _greeks_of(market: _Market) -> tuple[bytes, ...]:
    said = market.optionGreeks or _Greeks()
    numbers = (market.iv, said.delta, said.gamma, said.theta, said.vega)
    found = tuple(bytes(one) if number(one) else b"" for one in numbers)
    return found if any(found) else ()


class TickDocument(Feed):
    """A document of the recorder's collection ``tick_data``: one instrument's part of a message, and when it came."""

    id: msgspec.Raw = msgspec.field(default=_NOTHING, name="_id")
    instrumentKey: str = ""  # noqa: N815
    raw_key: str = ""
    inserted: msgspec.Raw = msgspec.field(default=_NOTHING, name="_insertion_time")

    @property
    def symbol(self) -> str:
        """The instrument's key: some recorders store a readable name in its place and keep the key beside it."""
        return self.raw_key or self.instrumentKey
