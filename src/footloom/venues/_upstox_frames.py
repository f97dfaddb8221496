"""What a frame of Upstox's feed says: protobuf to messages.

A zero is left out on the wire, and so is a part that did not change: within a part that is there, what is missing is
zero; a part that is missing says nothing. Only the first message of a key (``initial_feed``) is the whole of it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from decimal import Decimal

from google.protobuf.message import DecodeError

from footloom.core.messages import BookUpdate, Level, MarketStatus, Message, Tick
from footloom.errors import SchemaChanged
from footloom.venues import _upstox_feed_pb2 as wire

__all__ = ("parse",)

_MS = 1_000_000
_EARLIEST_MS, _LATEST_MS = 1_230_768_000_000, 4_102_444_800_000  # 2009 to 2100
_SHOWN = 40
_KEYS_SHOWN = 5
_KNOWN = 16_384
_INITIAL_FEED, _FULL_D30 = int(wire.Type.initial_feed), int(wire.RequestMode.full_d30)
_MINUTE, _NONE = "I1", "nan"

Text = str | None


def parse(frame: bytes, ts_recv_ns: int) -> Iterator[Message]:
    """Yield the messages of one frame: a `Tick` for each key, a `BookUpdate` where it brings a book; pure.

    A key that says nothing yields an empty `Tick`: it was subscribed. Keys that cannot be read are told last, after
    the messages of all the others.

    Raises
    ------
    SchemaChanged
        The frame is no message of this feed, or some of its keys are not as documented.
    """
    try:
        response = wire.FeedResponse.FromString(frame)
    except DecodeError as error:
        raise SchemaChanged(f"no frame of Upstox's feed V3 ({error}): {_shown(frame)}") from None
    if frame and not (response.feeds or response.currentTs or response.HasField("marketInfo")):
        raise SchemaChanged(f"a frame of Upstox's feed V3 with nothing known in it: {_shown(frame)}")
    at_ns = _time_ns(response.currentTs, "currentTs", frame)
    if response.HasField("marketInfo"):
        yield _status(response.marketInfo, at_ns, ts_recv_ns)
    faults: list[str] = []
    is_first = response.type == _INITIAL_FEED
    for symbol, feed in response.feeds.items():
        try:
            messages = _Key(symbol, at_ns, ts_recv_ns, is_first).read(feed)
        except SchemaChanged as error:
            faults.append(f"{symbol}: {error}")
        else:
            yield from messages
    if faults:
        more = f" and {len(faults) - _KEYS_SHOWN} more" if len(faults) > _KEYS_SHOWN else ""
        raise SchemaChanged(
            f"{len(faults)} of {len(response.feeds)} keys of a frame of Upstox's feed V3 are not as documented: "
            f"{'; '.join(faults[:_KEYS_SHOWN])}{more}"
        )


class _Key:
    # What one frame says of one key.
    def __init__(self, symbol: str, at_ns: int | None, ts_recv_ns: int, is_first: bool) -> None:  # noqa: FBT001 - private
        self.symbol = symbol
        self.at_ns = at_ns
        self.ts_recv_ns = ts_recv_ns
        self.is_first = is_first

    def read(self, feed: wire.Feed) -> list[Message]:
        kind = feed.WhichOneof("FeedUnion")
        if kind == "ltpc":
            return [self.price(feed.ltpc)]
        if kind == "firstLevelWithGreeks":
            market = feed.firstLevelWithGreeks
            return [self.market(market, market.firstDepth if market.HasField("firstDepth") else None)]
        if kind is None or feed.fullFeed.WhichOneof("FullFeedUnion") is None:
            return [self.price(None)]
        if feed.fullFeed.HasField("indexFF"):
            index = feed.fullFeed.indexFF
            return [self.price(index.ltpc if index.HasField("ltpc") else None)]
        return self.full(feed.fullFeed.marketFF, 30 if feed.requestMode == _FULL_D30 else 5)

    def full(self, market: wire.MarketFullFeed, depth: int) -> list[Message]:
        if not market.HasField("marketLevel"):
            return [self.market(market, None)]
        levels = market.marketLevel.bidAskQuote
        at_ns = self.ts_recv_ns if self.at_ns is None else self.at_ns
        book = BookUpdate(
            symbol=self.symbol,
            ts_exch_ns=at_ns,
            ts_recv_ns=self.ts_recv_ns,
            first_id=at_ns // _MS,
            last_id=at_ns // _MS,
            bids=_side([(one.bidP, one.bidQ) for one in levels]),
            asks=_side([(one.askP, one.askQ) for one in levels]),
            is_snapshot=True,
            depth=depth,
        )
        return [self.market(market, levels[0] if levels else wire.Quote()), book]

    def price(self, ltpc: wire.LTPC | None) -> Tick:
        # Of an index, or in the mode that has a last trade and nothing else.
        ltt_ns, ltp, ltq = _trade(ltpc)
        return Tick(
            symbol=self.symbol,
            ts_exch_ns=self.at_ns,
            ts_recv_ns=self.ts_recv_ns,
            ltt_ns=ltt_ns,
            ltp=ltp,
            ltq=ltq,
            is_first=self.is_first,
        )

    def market(self, market: wire.MarketFullFeed | wire.FirstLevelWithGreeks, quote: wire.Quote | None) -> Tick:
        ltt_ns, ltp, ltq = _trade(market.ltpc if market.HasField("ltpc") else None)
        bid, bid_qty, ask, ask_qty = _quote(quote)
        full = isinstance(market, wire.MarketFullFeed)
        return Tick(
            symbol=self.symbol,
            ts_exch_ns=self.at_ns,
            ts_recv_ns=self.ts_recv_ns,
            ltt_ns=ltt_ns,
            ltp=ltp,
            ltq=ltq,
            # A day's volume of zero is only known to be one where the whole state is sent.
            vtt=_count(market.vtt, "vtt") if market.vtt or self.is_first else None,
            bid=bid,
            bid_qty=bid_qty,
            ask=ask,
            ask_qty=ask_qty,
            oi=_number(market.oi, "oi") or None,
            atp=_number(market.atp, "atp") or None if full else None,
            minute=_minute(market) if full else None,
            greeks=_greeks(market),
            is_first=self.is_first,
        )


# Of an option; others have neither. Computed numbers of the venue: which scale its volatility has it does not say, and
# recordings have fractions of one.
def _greeks(market: wire.MarketFullFeed | wire.FirstLevelWithGreeks) -> tuple[str, str, str, str, str] | None:
    said = market.optionGreeks
    greeks = (
        _number(market.iv, "iv"),
        _number(said.delta, "delta"),
        _number(said.gamma, "gamma"),
        _number(said.theta, "theta"),
        _number(said.vega, "vega"),
    )
    return greeks if any(greeks) else None


def _trade(ltpc: wire.LTPC | None) -> tuple[int | None, Text, Text]:
    # Before the first trade of a contract its time and price are zero.
    if ltpc is None or not ltpc.ltt or not ltpc.ltp:
        return None, None, None
    return _time_ns(ltpc.ltt, "ltt"), _number(ltpc.ltp, "ltp"), _count(ltpc.ltq, "ltq")


def _quote(quote: wire.Quote | None) -> tuple[Text, Text, Text, Text]:
    # A side without a price has no order.
    if quote is None:
        return None, None, None, None
    bid = (_number(quote.bidP, "bidP"), _count(quote.bidQ, "bidQ")) if quote.bidP else ("", "")
    ask = (_number(quote.askP, "askP"), _count(quote.askQ, "askQ")) if quote.askP else ("", "")
    return *bid, *ask


def _side(levels: list[tuple[float, int]]) -> tuple[Level, ...]:
    side = tuple([(_text(price), str(quantity)) for price, quantity in levels if price and quantity])
    if any(price == _NONE or quantity[0] == "-" for price, quantity in side):
        raise SchemaChanged(f"a level of the book is no price and quantity: {levels}")
    return side


def _minute(market: wire.MarketFullFeed) -> tuple[int, str] | None:
    # Some feeds send the minute before beside the current one: the newest stands.
    newest = None
    for one in market.marketOHLC.ohlc:
        if one.interval == _MINUTE and (newest is None or one.ts > newest.ts):
            newest = one
    if newest is None or not newest.ts:
        return None
    return _time_ns(newest.ts, "ts of the minute candle") or 0, _count(newest.vol, "vol of the minute candle")


def _status(info: wire.MarketInfo, at_ns: int | None, ts_recv_ns: int) -> MarketStatus:
    names = {value.number: value.name for value in wire.MarketStatus.DESCRIPTOR.values}
    segments = {segment: names.get(status, str(status)) for segment, status in info.segmentStatus.items()}
    return MarketStatus(ts_exch_ns=at_ns, ts_recv_ns=ts_recv_ns, segments=segments)


# The shortest text that gives the double again: what was typed at the exchange, for all that has fewer than 16 digits.
# The same few thousand prices come again and again.
@functools.lru_cache(_KNOWN)
def _text(value: float) -> str:
    if value == 0:
        return ""
    if not math.isfinite(value):
        return _NONE
    text = repr(value)
    return text.removesuffix(".0") if "e" not in text else f"{Decimal(text):f}"


def _number(value: float, what: str) -> str:
    text = _text(value)
    if text == _NONE:
        raise SchemaChanged(f"{what} is {value}, no number")
    return text


def _count(value: int, what: str) -> str:
    if value < 0:
        raise SchemaChanged(f"{what} is {value}, below zero")
    return str(value)


def _time_ns(ms: int, what: str, frame: bytes = b"") -> int | None:
    if ms == 0:
        return None
    if not _EARLIEST_MS <= ms < _LATEST_MS:
        shown = f": {_shown(frame)}" if frame else ""
        raise SchemaChanged(f"{what} is {ms}, no time in ms between 2009 and 2100{shown}")
    return ms * _MS


def _shown(frame: bytes) -> str:
    return f"{len(frame)} bytes, {frame[:_SHOWN].hex()}{' ...' if len(frame) > _SHOWN else ''}"
