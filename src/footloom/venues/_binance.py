"""What Binance's market-data messages mean, for its three markets alike (checked against the documentation of 2026-07).

`messages` turns a frame into messages for one venue, `read` says of a recorded frame what it is and whose. Nothing here
opens a connection or asks the time.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from footloom.core.messages import (
    BookUpdate,
    Liquidation,
    MarkPrice,
    Message,
    OffMarket,
    Quote,
    Reply,
    Trade,
)
from footloom.core.side import Side
from footloom.errors import SchemaChanged
from footloom.venues import _binance_events as events
from footloom.venues._decimal_text import check_levels, check_number, check_signed, is_number, is_zero
from footloom.venues._shown import shown

__all__ = ("COINM", "FUTURES", "SPOT", "USDM", "Print", "Seen", "messages", "read", "time_ns", "trade_of", "venue_of")

SPOT: Final = "binance_spot"
USDM: Final = "binance_usdm"
COINM: Final = "binance_coinm"
FUTURES: Final = "futures"  # USD-M or COIN-M: the symbol tells which

_EARLIEST_MS = 1_230_768_000_000  # 2009-01-01: there was no Bitcoin before
_LATEST_MS = 4_102_444_800_000  # 2100-01-01
_COIN_SYMBOL = re.compile(r"[A-Z0-9]+USD_(PERP|\d{6})")
_PARTIAL = re.compile(rb'\{"stream":"([^"@]{1,40})@depth(\d{1,3})["@]')  # best levels: a book, not a change of one
_BY_ST: Final = {1: USDM, 2: COINM}
_SIDES: Final = {"BUY": Side.BUY, "SELL": Side.SELL}
_TRADE = "a trade message"
_BUY, _SELL = Side.BUY, Side.SELL


class Print(msgspec.Struct, frozen=True, gc=False):
    """A frame that carries one trade.

    ``market`` is `SPOT`, `USDM`, `COINM` or `FUTURES` as the frame's own fields say, ``""`` where they do not;
    ``sure`` is False where only the absence of a field says so. ``not_market`` tells why the print is no market
    trade, ``""`` where it is one: it belongs in no footprint, but its id was seen.
    """

    trade: Trade
    market: str
    sure: bool
    not_market: str = ""


class Seen(msgspec.Struct, frozen=True):
    """A frame that carries no trade: ``kind`` is its event type, or what it is in words."""

    kind: str
    market: str = ""
    sure: bool = False


@functools.lru_cache(maxsize=4096)
def venue_of(market: str, symbol: str) -> str:
    """Return the venue that lists ``symbol``, for a market as `read` gives it; ``""`` where that leaves it open."""
    if market == FUTURES:
        return COINM if _COIN_SYMBOL.fullmatch(symbol) else USDM
    return market


def messages(frame: bytes, ts_recv_ns: int, venue: str) -> Iterator[Message]:
    """Return the messages of one frame for ``venue``; rows of the other futures market are left out.

    Raises
    ------
    SchemaChanged
        The frame is no JSON, no message of Binance's, or not as the documentation has it.
    """
    found = events.decode(frame)
    if type(found) is events.AggTrade or type(found) is events.TradePrint:
        if found.st is not None and _BY_ST.get(found.st, venue) != venue:
            return iter(())
        # Without that word the symbol tells; those of COIN-M have an underscore.
        if venue != SPOT and (venue == COINM or "_" in found.s) and venue_of(FUTURES, found.s) != venue:
            return iter(())
        trade, reason = trade_of(found, ts_recv_ns)
        return iter((OffMarket(trade=trade, reason=reason),)) if reason else iter((trade,))
    if isinstance(found, list):
        return iter([one for event in found for one in _event(event, frame, ts_recv_ns, venue)])
    return iter(_event(found, frame, ts_recv_ns, venue))


def trade_of(event: events.TradePrint | events.AggTrade, ts_recv_ns: int | None) -> tuple[Trade, str]:
    """Return the trade of an event, and why it is no market trade ("" where it is one)."""
    price, qty = event.p, event.q
    if not (is_number(price) and is_number(qty)):
        check_number("p", price, _TRADE)
        check_number("q", qty, _TRADE)
    is_agg = type(event) is events.AggTrade
    trade = Trade(
        symbol=event.s,
        ts_exch_ns=event.T * 1_000_000 if _EARLIEST_MS <= event.T < _LATEST_MS else time_ns(event.T, "T", _TRADE),
        price=price,
        qty=qty,
        side=_SELL if event.m else _BUY,  # m: the buyer was the maker, so the seller crossed the spread
        trade_id=event.a if is_agg else event.t,  # type: ignore[union-attr]
        ts_recv_ns=ts_recv_ns,
        tape="agg_trade" if is_agg else "trade",
    )
    kind = None if is_agg else event.X  # type: ignore[union-attr]
    if kind is not None and kind != "MARKET":
        return trade, f"X is {kind[:40]!r}"
    if price[0] > "0" and qty[0] > "0":
        return trade, ""
    # Seen on USD-M (id 548331095 of TRXUSDT, 2025-03-04): a print of nothing at no price, with an id of its own.
    if is_zero(price):
        return trade, "price is zero"
    return trade, "quantity is zero" if is_zero(qty) else ""


def time_ns(value: int, name: str = "T", what: str = "a message") -> int:
    """Return ns UTC of a time in ms, or in µs where the connection asked for timeUnit=MICROSECOND.

    Raises
    ------
    SchemaChanged
        It is no time between 2009 and 2100 in either; the two windows do not touch.
    """
    if _EARLIEST_MS <= value < _LATEST_MS:
        return value * 1_000_000
    if _EARLIEST_MS * 1_000 <= value < _LATEST_MS * 1_000:
        return value * 1_000
    raise SchemaChanged(
        f"{what} that is not as documented ({name} is {str(value)[:30]}, no time between 2009 and 2100 in ms or µs)"
    )


# --- live: everything but trades ---


def _event(event: Any, frame: bytes, ts_recv_ns: int, venue: str) -> tuple[Message, ...]:
    if isinstance(event, events.Event) and event.st is not None and _BY_ST.get(event.st, venue) != venue:
        return ()  # since 2026-06-30 the streams of all symbols carry rows of both futures markets
    return _MEANINGS.get(type(event), _nothing)(event, frame, ts_recv_ns)


def _nothing(_event: Any, _frame: bytes, _ts_recv_ns: int) -> tuple[Message, ...]:
    return ()


def _agg_or_trade(event: Any, _frame: bytes, ts_recv_ns: int) -> tuple[Message, ...]:
    trade, reason = trade_of(event, ts_recv_ns)
    return (OffMarket(trade=trade, reason=reason),) if reason else (trade,)


def _depth(event: events.Depth, frame: bytes, ts_recv_ns: int) -> tuple[Message, ...]:
    partial = _PARTIAL.match(frame)
    check_levels(event.b)
    check_levels(event.a)
    return (
        BookUpdate(
            symbol=event.s,
            # Spot says when the message was made, futures also when the book changed.
            ts_exch_ns=time_ns(event.T, "T") if event.T else time_ns(event.E, "E"),
            ts_recv_ns=ts_recv_ns,
            first_id=event.U,
            last_id=event.u,
            prev_id=event.pu,
            bids=event.b,
            asks=event.a,
            is_snapshot=partial is not None,
            depth=int(partial[2]) if partial else 0,
        ),
    )


def _best_levels(event: events.Snapshot, frame: bytes, ts_recv_ns: int) -> tuple[Message, ...]:
    partial = _PARTIAL.match(frame)
    if partial is None:  # a book that says no symbol, written down beside the stream
        return ()
    try:
        symbol = partial[1].decode().upper()
    except UnicodeDecodeError:
        raise SchemaChanged(f"a stream whose name is no text: {shown(frame)}") from None
    return (book_of(event, symbol, ts_recv_ns, depth=int(partial[2])),)


def book_of(event: events.Snapshot, symbol: str, ts_recv_ns: int, *, depth: int = 0) -> BookUpdate:
    """Return a whole book; where the venue says no time (spot) the receipt stands for it."""
    check_levels(event.bids)
    check_levels(event.asks)
    return BookUpdate(
        symbol=symbol,
        ts_exch_ns=time_ns(event.T, "T") if event.T else ts_recv_ns,
        ts_recv_ns=ts_recv_ns,
        first_id=event.lastUpdateId,
        last_id=event.lastUpdateId,
        bids=event.bids,
        asks=event.asks,
        is_snapshot=True,
        depth=depth,
    )


def _ticker(event: events.BookTicker, _frame: bytes, ts_recv_ns: int) -> tuple[Message, ...]:
    for name in ("b", "B", "a", "A"):
        check_number(name, getattr(event, name))
    return (
        Quote(
            symbol=event.s,
            ts_exch_ns=time_ns(event.T, "T") if event.T else ts_recv_ns,  # spot says no time
            ts_recv_ns=ts_recv_ns,
            bid=event.b,
            bid_qty=event.B,
            ask=event.a,
            ask_qty=event.A,
            update_id=event.u,
        ),
    )


def _liquidation(event: events.ForceOrder, frame: bytes, ts_recv_ns: int) -> tuple[Message, ...]:
    order = event.o
    if order.S not in _SIDES:
        raise SchemaChanged(f"a forceOrder message whose S is {order.S[:40]!r}, not BUY or SELL: {shown(frame)}")
    check_number("p", order.p)
    check_number("z", order.z)
    if is_zero(order.z):  # nothing of it is filled yet
        return ()
    return (
        Liquidation(
            symbol=order.s,
            ts_exch_ns=time_ns(order.T),
            ts_recv_ns=ts_recv_ns,
            price=order.p,
            qty=order.z,
            side=_SIDES[order.S],  # of the order: SELL closes a long
        ),
    )


def _mark(event: events.MarkPrice, _frame: bytes, ts_recv_ns: int) -> tuple[Message, ...]:
    check_number("p", event.p)
    if event.i:
        check_number("i", event.i)
    if event.r:  # empty for contracts with a delivery day
        check_signed("r", event.r)
    return (
        MarkPrice(
            symbol=event.s,
            ts_exch_ns=time_ns(event.E, "E"),
            ts_recv_ns=ts_recv_ns,
            mark=event.p,
            index=event.i,
            funding_rate=event.r,
            next_funding_ns=time_ns(event.T) if event.T else None,
        ),
    )


def _shutdown(_event: events.Shutdown, _frame: bytes, _ts_recv_ns: int) -> tuple[Message, ...]:
    return (Reply(kind="shutdown", text="the server announces that it will close the connection"),)


def _answer(event: events.Answer, _frame: bytes, _ts_recv_ns: int) -> tuple[Message, ...]:
    if event.code is None:
        return (Reply(kind="ack", request=event.id, text=event.text),)
    return (Reply(kind="error", request=event.id, text=f"{event.text} (code {event.code})"),)


_MEANINGS: Final[dict[type, Callable[[Any, bytes, int], tuple[Message, ...]]]] = {
    events.TradePrint: _agg_or_trade,
    events.AggTrade: _agg_or_trade,
    events.Depth: _depth,
    events.Snapshot: _best_levels,
    events.BookTicker: _ticker,
    events.SpotTicker: _ticker,
    events.ForceOrder: _liquidation,
    events.MarkPrice: _mark,
    events.Shutdown: _shutdown,
    events.Answer: _answer,
}


# --- recorded: what a frame is, and whose ---


def read(frame: bytes, ts_recv_ns: int | None) -> Print | Seen:
    """Say what one frame of a recording is.

    Parameters
    ----------
    frame
        One WebSocket message, UTF-8 JSON, combined or raw.
    ts_recv_ns
        Local receipt, ns UTC, or None.

    Raises
    ------
    SchemaChanged
        It is no JSON, no message of Binance's, or not as the documentation has it.
    """
    event = events.decode(frame)
    if isinstance(event, list):
        return Seen(f"{_kind(event[0])} of all symbols")
    if isinstance(event, events.TradePrint | events.AggTrade):
        trade, reason = trade_of(event, ts_recv_ns)
        return Print(trade, *_market(event), reason)
    if isinstance(event, events.Snapshot):
        market = FUTURES if event.T else SPOT
        return Seen("book snapshot", COINM if event.pair is not None else market, sure=bool(event.T))
    if isinstance(event, events.Answer):
        return Seen("acknowledgement" if event.code is None else "error reply")
    return _seen(event)


def _market(event: events.TradePrint | events.AggTrade) -> tuple[str, bool]:
    if event.M is not None:
        return SPOT, True
    if isinstance(event, events.AggTrade):
        # Spot always carries M, so its absence speaks for futures; nq and st say so themselves.
        return _futures(event.st), event.nq is not None or event.st is not None
    return (_futures(event.st), True) if event.X is not None or event.st is not None else ("", False)


def _seen(event: events.Event) -> Seen:
    if isinstance(event, events.Depth):
        futures = event.pu is not None or event.ps is not None or event.T != 0
        return Seen("depthUpdate", venue_of(_futures(event.st), event.s) if futures else SPOT, sure=futures)
    if isinstance(event, events.BookTicker):
        if type(event) is events.SpotTicker and not event.T:
            return Seen("bookTicker", SPOT)
        return Seen("bookTicker", venue_of(_futures(event.st), event.s), sure=True)
    return Seen(_kind(event))


def _kind(event: events.Event) -> str:
    return str(event.__struct_config__.tag)


def _futures(st: int | None) -> str:
    return FUTURES if st is None else _BY_ST.get(st, FUTURES)
