"""What Binance's market-data frames mean, for its three markets alike (checked against the documentation of 2026-07).

A frame is the text of one WebSocket message, combined (``{"stream": .., "data": ..}``) or raw. `read` says what it
is, whose it is and what it carries; the venue files beside this one turn that into messages. Nothing here opens a
connection or asks the time.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Annotated, Any, Final

import msgspec

from footloom.core.messages import Message, Trade
from footloom.core.side import Side
from footloom.errors import SchemaChanged

__all__ = ("COINM", "SPOT", "USDM", "Print", "Seen", "messages", "read", "venue_of")

SPOT: Final = "binance_spot"
USDM: Final = "binance_usdm"
COINM: Final = "binance_coinm"
FUTURES: Final = "futures"  # USD-M or COIN-M: the symbol tells which

_EARLIEST_MS = 1_230_768_000_000  # 2009-01-01: there was no Bitcoin before
_LATEST_MS = 4_102_444_800_000  # 2100-01-01
_COIN_SYMBOL = re.compile(r"[A-Z0-9]+USD_(PERP|\d{6})")
_SHOWN = 160  # characters of a frame in an error message

_Id = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_BUY, _SELL = Side.BUY, Side.SELL


class _Event(msgspec.Struct, kw_only=True, tag_field="e"):
    E: int = 0
    T: int = 0
    st: int | None = None  # 1 USD-M, 2 COIN-M, since both share one infrastructure (2026-06-30)


class _Trade(_Event, kw_only=True, tag="trade"):
    s: str
    t: _Id
    p: str
    q: str
    m: bool
    X: str | None = None  # futures only: MARKET, or INSURANCE_FUND, ADL, NA ...
    M: bool | None = None  # spot only, without meaning


class _AggTrade(_Event, kw_only=True, tag="aggTrade"):
    s: str
    a: _Id
    p: str
    q: str
    m: bool
    nq: str | None = None  # USD-M only, since 2025-12-31: the quantity without RPI fills
    M: bool | None = None


class _Depth(_Event, kw_only=True, tag="depthUpdate"):
    pu: int | None = None
    ps: str | None = None
    s: str = ""


class _BookTicker(_Event, kw_only=True, tag="bookTicker"):
    s: str = ""


# Known, and of no use to the tape. An event type in neither list is a change of schema: somebody has to look at it.
_OTHER_EVENTS: Final = (
    "1dTicker", "1hTicker", "24hrMiniTicker", "24hrTicker", "4hTicker", "assetIndexUpdate", "avgPrice", "blockTrade",
    "compositeIndex", "continuous_kline", "contractInfo", "forceOrder", "indexPriceUpdate", "indexPrice_kline", "kline",
    "markPriceUpdate", "markPrice_kline", "rpiDepthUpdate", "serverShutdown", "tradingSession",
)  # fmt: skip
_others = tuple(msgspec.defstruct(f"_Other_{name}", [], bases=(_Event,), tag=name) for name in _OTHER_EVENTS)
_Payload: Any = _Trade | _AggTrade | _Depth | _BookTicker
for _other in _others:
    _Payload |= _other


class _Combined(msgspec.Struct):
    stream: str
    data: _Payload


_combined = msgspec.json.Decoder(_Combined)
_raw = msgspec.json.Decoder(_Payload)


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


def read(frame: bytes, ts_recv_ns: int | None) -> Print | Seen:
    """Say what one frame is.

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
    try:
        event = _combined.decode(frame).data if b'"stream"' in frame[:16] else _raw.decode(frame)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        event = _slow(frame)
    if isinstance(event, Seen):
        return event
    seen: Print | Seen = _READERS.get(type(event), _other_event)(event, ts_recv_ns)
    return seen


def messages(frame: bytes, ts_recv_ns: int, venue: str) -> Iterator[Message]:
    """Yield the messages of one frame for ``venue``: market trades of that venue, and of other messages nothing.

    Raises
    ------
    SchemaChanged
        See `read`.
    """
    seen = read(frame, ts_recv_ns)
    if isinstance(seen, Seen) or seen.not_market:
        return
    # Since 2026-06-30 the futures streams of all symbols carry rows of both futures markets.
    if seen.market in {USDM, COINM} and seen.market != venue:
        return
    yield seen.trade


def _slow(frame: bytes) -> Any:
    # Frames without an event type, arrays, and everything that is wrong: decoded without a schema, then told apart.
    try:
        value = msgspec.json.decode(frame)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise SchemaChanged(f"no JSON ({error}): {_shown(frame)}") from None
    if isinstance(value, dict) and "stream" in value and "data" in value:
        value = value["data"]
    if isinstance(value, list):
        value = value[0] if value else None
        kind = value.get("e") if isinstance(value, dict) else None
        if kind in _OTHER_EVENTS:
            return Seen(f"{kind} of all symbols")
    if not isinstance(value, dict):
        raise SchemaChanged(f"no message of Binance's: {_shown(frame)}")
    if isinstance(value.get("e"), str):
        return _by_event_type(value, frame)
    return _without_event_type(value, frame)


def _by_event_type(value: dict[str, Any], frame: bytes) -> Any:
    try:
        return msgspec.convert(value, _Payload)
    except (msgspec.ValidationError, RecursionError) as error:
        if value["e"] in _KNOWN:
            raise SchemaChanged(
                f"a {value['e']} message that is not as documented ({error}): {_shown(frame)}"
            ) from None
        raise SchemaChanged(
            f"unknown event type {value['e'][:40]!r}; known are {', '.join(sorted(_KNOWN))}: {_shown(frame)}"
        ) from None


def _without_event_type(value: dict[str, Any], frame: bytes) -> Seen:
    if "lastUpdateId" in value:
        market = FUTURES if "T" in value else SPOT
        return Seen("book snapshot", COINM if "pair" in value else market, sure="T" in value)
    if {"u", "s", "b", "B", "a", "A"} <= value.keys():
        return Seen("bookTicker", SPOT)
    if "result" in value and "id" in value:
        return Seen("acknowledgement")
    if "error" in value or {"code", "msg"} <= value.keys():
        return Seen("error reply")
    raise SchemaChanged(f"no message of Binance's: {_shown(frame)}")


def _read_trade(event: _Trade, ts_recv_ns: int | None) -> Print:
    if event.M is not None:
        market, sure = SPOT, True
    elif event.X is not None or event.st is not None:
        market, sure = _futures(event.st), True
    else:
        market, sure = "", False
    trade = _trade(event, event.t, "trade", ts_recv_ns)
    if event.X is not None and event.X != "MARKET":
        return Print(trade, market, sure, f"X is {event.X!r}")
    return Print(trade, market, sure, _nothing_traded(trade))


def _read_agg_trade(event: _AggTrade, ts_recv_ns: int | None) -> Print:
    if event.M is not None:
        market, sure = SPOT, True
    else:
        # Spot always carries M, so its absence speaks for futures; nq and st say so themselves.
        market, sure = _futures(event.st), event.nq is not None or event.st is not None
    trade = _trade(event, event.a, "agg_trade", ts_recv_ns)
    return Print(trade, market, sure, _nothing_traded(trade))


def _trade(event: _Trade | _AggTrade, trade_id: int, tape: str, ts_recv_ns: int | None) -> Trade:
    # Checked here rather than by the schema: a pattern there takes as long as the rest of the decoding.
    for name, text in (("p", event.p), ("q", event.q)):
        if not (text.replace(".", "", 1).isdigit() and text.isascii()):
            raise SchemaChanged(
                f"a trade message that is not as documented ({name} is {text[:40]!r}, no decimal number): id {trade_id}"
            )
    return Trade(
        symbol=event.s,
        ts_exch_ns=_time_ns(event.T),
        price=event.p,
        qty=event.q,
        side=_SELL if event.m else _BUY,  # m: the buyer was the maker, so the seller crossed the spread
        trade_id=trade_id,
        ts_recv_ns=ts_recv_ns,
        tape=tape,
    )


def _nothing_traded(trade: Trade) -> str:
    # Seen on USD-M (id 548331095 of TRXUSDT, 2025-03-04): a print of nothing at no price, with an id of its own.
    if trade.price[0] in "0." and not trade.price.strip("0."):
        return "price is zero"
    if trade.qty[0] in "0." and not trade.qty.strip("0."):
        return "quantity is zero"
    return ""


def _read_depth(event: _Depth, _ts_recv_ns: int | None) -> Seen:
    futures = event.pu is not None or event.ps is not None or event.T != 0
    market = _futures(event.st) if futures else SPOT
    return Seen("depthUpdate", venue_of(market, event.s) if event.s else market, sure=futures)


def _read_book_ticker(event: _BookTicker, _ts_recv_ns: int | None) -> Seen:
    return Seen("bookTicker", venue_of(_futures(event.st), event.s), sure=True)


def _other_event(event: _Event, _ts_recv_ns: int | None) -> Seen:
    return Seen(str(event.__struct_config__.tag))


def _futures(st: int | None) -> str:
    return FUTURES if st is None else _BY_ST.get(st, FUTURES)


def _time_ns(value: int) -> int:
    # ms, or µs where the connection asked for timeUnit=MICROSECOND; the two windows do not touch.
    if _EARLIEST_MS <= value < _LATEST_MS:
        return value * 1_000_000
    if _EARLIEST_MS * 1_000 <= value < _LATEST_MS * 1_000:
        return value * 1_000
    raise SchemaChanged(
        f"a trade message that is not as documented (T is {str(value)[:30]}, no time between 2009 and 2100 in ms or µs)"
    )


def _shown(frame: bytes) -> str:
    text = frame[:_SHOWN].decode("utf-8", "backslashreplace")
    return f"{text!r}{' ...' if len(frame) > _SHOWN else ''}"


_BY_ST: Final = {1: USDM, 2: COINM}
_READERS: dict[type, Any] = {
    _Trade: _read_trade,
    _AggTrade: _read_agg_trade,
    _Depth: _read_depth,
    _BookTicker: _read_book_ticker,
}
_KNOWN: Final = frozenset({*_OTHER_EVENTS, "trade", "aggTrade", "depthUpdate", "bookTicker"})
