"""What Bybit's public v5 messages mean (documentation of 2026-07).

`messages` turns a frame into messages. A trade's ``seq`` is that of its match event: all prints of one event share it,
in their order, and may go on in the next frame.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Context, Decimal
from typing import Annotated, Final

import msgspec

from footloom.core.messages import (
    BookUpdate,
    Liquidation,
    MarkPrice,
    Message,
    OffMarket,
    OpenInterest,
    Quote,
    Reply,
    Trade,
)
from footloom.core.side import Side
from footloom.errors import SchemaChanged
from footloom.venues._decimal_text import check_levels, check_number, check_signed, is_zero
from footloom.venues._shown import shown

__all__ = ("TAKER", "messages", "ms", "off_market")

_EARLIEST_MS, _LATEST_MS = 1_230_768_000_000, 4_102_444_800_000  # 2009 to 2100
_SAID = 200  # characters of a refusal
TAKER: Final = {"Buy": Side.BUY, "Sell": Side.SELL}
# Here the side is that of the position: a long that is liquidated is sold.
_LIQUIDATED: Final = {"Buy": Side.SELL, "Sell": Side.BUY}
_EXACT = Context(prec=64)
_HALF = Decimal("0.5")
_TOPIC = re.compile(r"orderbook\.([0-9]{1,4})\.[^.]{1,40}")
# Topics that nobody subscribes to here.
_OTHER_TOPICS: Final = ("adlAlert.", "insurance.", "kline.", "kline_lt.", "orderbook.full.", "orderbook.rpi.", "priceLimit.")  # fmt: skip # noqa: E501

_Id = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Levels = tuple[tuple[str, str], ...]


class _Print(msgspec.Struct):
    T: int
    s: str
    S: str
    v: str
    p: str
    i: str
    BT: bool = False
    seq: _Id | None = None


class _Trades(msgspec.Struct):
    topic: str
    data: list[_Print]


class _Book(msgspec.Struct):
    s: str
    b: _Levels
    a: _Levels
    u: _Id
    seq: int = 0


class _Ticker(msgspec.Struct, rename="camel"):
    symbol: str
    open_interest: str = ""
    single_open_interest: str = ""
    mark_price: str = ""
    index_price: str = ""
    funding_rate: str = ""
    next_funding_time: str = ""


class _Forced(msgspec.Struct):
    T: int
    s: str
    S: str
    v: str
    p: str


class _Frame(msgspec.Struct):
    topic: str = ""
    type: str = ""
    ts: int | str = 0  # a text in some messages
    cts: int | str = 0
    data: msgspec.Raw = msgspec.Raw(b"null")
    op: str = ""
    success: bool | None = None
    ret_msg: str = ""
    req_id: str = ""


_frame = msgspec.json.Decoder(_Frame)
_trades = msgspec.json.Decoder(_Trades)
_prints = msgspec.json.Decoder(list[_Print])
_book = msgspec.json.Decoder(_Book)
_ticker = msgspec.json.Decoder(_Ticker)
_forced = msgspec.json.Decoder(list[_Forced])
_WRONG = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def messages(frame: bytes, ts_recv_ns: int) -> Iterator[Message]:
    """Return the messages of one frame.

    Raises
    ------
    SchemaChanged
        The frame is no JSON, no message of Bybit's, or not as the documentation has it.
    """
    try:
        if frame[:22] == b'{"topic":"publicTrade.':
            return iter([_print(one, ts_recv_ns, frame) for one in _trades.decode(frame).data])
        found = _frame.decode(frame)
        if not found.topic:
            return iter(_answer(found, frame))
        return iter(_meaning(found.topic, frame)(found, ts_recv_ns, frame))
    except _WRONG as error:
        raise SchemaChanged(f"no message of Bybit's ({error}): {shown(frame)}") from None


def ms(value: int | str, name: str, frame: bytes) -> int:
    """Return ns UTC of a time in ms, a number or its text.

    Raises
    ------
    SchemaChanged
        It is no time between 2009 and 2100.
    """
    if isinstance(value, str):
        value = int(value) if len(value) == 13 and value.isascii() and value.isdigit() else -1
    if not _EARLIEST_MS <= value < _LATEST_MS:
        raise SchemaChanged(f"a message whose {name} is {str(value)[:30]}, no time in ms: {shown(frame)}")
    return value * 1_000_000


def off_market(trade: Trade, *, block: bool) -> Trade | OffMarket:
    """Return the trade, wrapped where it is none of the market: agreed outside the book, or of nothing."""
    if block:
        return OffMarket(trade=trade, reason="block trade")
    if is_zero(trade.price):
        return OffMarket(trade=trade, reason="price is zero")
    return OffMarket(trade=trade, reason="quantity is zero") if is_zero(trade.qty) else trade


def _print(one: _Print, ts_recv_ns: int, frame: bytes) -> Trade | OffMarket:
    check_number("p", one.p, "a publicTrade message")
    check_number("v", one.v, "a publicTrade message")
    return off_market(
        Trade(
            symbol=one.s,
            ts_exch_ns=ms(one.T, "T", frame),
            price=one.p,
            qty=one.v,
            side=_side(TAKER, one.S, frame),
            trade_id=None,
            ts_recv_ns=ts_recv_ns,
            seq=one.seq,
            uid=one.i,
        ),
        block=one.BT,
    )


def _side(sides: dict[str, Side], text: str, frame: bytes) -> Side:
    side = sides.get(text)
    if side is None:
        raise SchemaChanged(f"a message whose S is {text[:40]!r}, not Buy or Sell: {shown(frame)}")
    return side


_Read = Callable[[_Frame, int, bytes], list[Message]]


def _meaning(topic: str, frame: bytes) -> _Read:
    for start, read in _MEANINGS:
        if topic.startswith(start):
            return read
    raise SchemaChanged(f"unknown topic {topic[:60]!r}: {shown(frame)}")


def _nothing(_found: _Frame, _ts_recv_ns: int, _frame: bytes) -> list[Message]:
    return []


def _trade(found: _Frame, ts_recv_ns: int, frame: bytes) -> list[Message]:
    return [_print(one, ts_recv_ns, frame) for one in _prints.decode(found.data)]


def _orderbook(found: _Frame, ts_recv_ns: int, frame: bytes) -> list[Message]:
    match = _TOPIC.fullmatch(found.topic)
    if match is None or found.type not in {"snapshot", "delta"}:
        raise SchemaChanged(f"a book that is neither snapshot nor delta of a known depth: {shown(frame)}")
    book, depth = _book.decode(found.data), int(match[1])
    check_levels(book.b)
    check_levels(book.a)
    update = BookUpdate(
        symbol=book.s,
        ts_exch_ns=ms(found.cts or found.ts, "cts" if found.cts else "ts", frame),
        ts_recv_ns=ts_recv_ns,
        first_id=book.u,
        last_id=book.u,
        bids=book.b,
        asks=book.a,
        is_snapshot=found.type == "snapshot" or book.u == 1,  # 1: the service began anew
        depth=depth,
    )
    return [update, _quote(update)] if depth == 1 and update.is_snapshot else [update]


def _quote(update: BookUpdate) -> Quote:
    bid, ask = (update.bids or (("", ""),))[0], (update.asks or (("", ""),))[0]
    return Quote(
        symbol=update.symbol,
        ts_exch_ns=update.ts_exch_ns,
        ts_recv_ns=update.ts_recv_ns,
        bid=bid[0],
        bid_qty=bid[1],
        ask=ask[0],
        ask_qty=ask[1],
        update_id=update.last_id,
    )


# A delta says only what has changed, and an empty text is a field that does not apply.
def _tickers(found: _Frame, ts_recv_ns: int, frame: bytes) -> list[Message]:
    ticker = _ticker.decode(found.data)
    at_ns = ms(found.ts, "ts", frame)
    told: list[Message] = []
    qty = _open_interest(ticker)
    if qty or found.type == "delta":
        told.append(OpenInterest(symbol=ticker.symbol, ts_exch_ns=at_ns, ts_recv_ns=ts_recv_ns, qty=qty))
    next_ns = _next_funding(ticker.next_funding_time, frame)
    for name, text in (("markPrice", ticker.mark_price), ("indexPrice", ticker.index_price)):
        if text:
            check_number(name, text)
    if ticker.funding_rate:
        check_signed("fundingRate", ticker.funding_rate)
    if ticker.mark_price or ticker.index_price or ticker.funding_rate or next_ns is not None:
        mark = MarkPrice(
            symbol=ticker.symbol,
            ts_exch_ns=at_ns,
            ts_recv_ns=ts_recv_ns,
            mark=ticker.mark_price,
            index=ticker.index_price,
            funding_rate=ticker.funding_rate,
            next_funding_ns=next_ns,
        )
        told.append(mark)
    return told


# `openInterest` counts both sides of every contract, `singleOpenInterest` (since 2026-06-11) one.
def _open_interest(ticker: _Ticker) -> str:
    if ticker.single_open_interest:
        check_number("singleOpenInterest", ticker.single_open_interest)
        return ticker.single_open_interest
    if not ticker.open_interest:
        return ""
    check_number("openInterest", ticker.open_interest)
    return f"{_EXACT.multiply(Decimal(ticker.open_interest), _HALF).normalize(_EXACT):f}"


def _next_funding(text: str, frame: bytes) -> int | None:
    return None if text in {"", "0"} else ms(text, "nextFundingTime", frame)


def _liquidations(found: _Frame, ts_recv_ns: int, frame: bytes) -> list[Message]:
    told: list[Message] = []
    for one in _forced.decode(found.data):
        check_number("p", one.p)
        check_number("v", one.v)
        liquidation = Liquidation(
            symbol=one.s,
            ts_exch_ns=ms(one.T, "T", frame),
            ts_recv_ns=ts_recv_ns,
            price=one.p,  # the bankruptcy price, not the fill's
            qty=one.v,
            side=_side(_LIQUIDATED, one.S, frame),
        )
        told.append(liquidation)
    return told


_MEANINGS: Final[tuple[tuple[str, _Read], ...]] = (
    ("publicTrade.", _trade),
    *((topic, _nothing) for topic in _OTHER_TOPICS),
    ("orderbook.", _orderbook),
    ("tickers.", _tickers),
    ("allLiquidation.", _liquidations),
)


def _answer(found: _Frame, frame: bytes) -> list[Message]:
    if found.op in {"ping", "pong"}:
        return [Reply(kind="pong", request=found.req_id)]
    if found.success is None or not found.op:
        raise SchemaChanged(f"no message of Bybit's: {shown(frame)}")
    if found.success:
        return [Reply(kind="ack", request=found.req_id, text=found.op)]
    return [Reply(kind="error", request=found.req_id, text=found.ret_msg[:_SAID] or f"{found.op} failed")]
