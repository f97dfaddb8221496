"""The shapes of Binance's market-data messages, for its three markets alike (documentation of 2026-07).

`decode` makes structs of one WebSocket message, combined (``{"stream": .., "data": ..}``) or raw. What the fields mean
stands in `_binance`.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec

from footloom.errors import SchemaChanged
from footloom.typed import from_plain
from footloom.venues._shown import shown

__all__ = (
    "KNOWN",
    "AggTrade",
    "Answer",
    "BookTicker",
    "Depth",
    "Event",
    "ForceOrder",
    "MarkPrice",
    "Shutdown",
    "Snapshot",
    "SpotTicker",
    "TradePrint",
    "decode",
)

_SHOWN = 160  # characters of a frame in an error message

_Id = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Levels = tuple[tuple[str, str], ...]


class Event(msgspec.Struct, kw_only=True, tag_field="e"):
    """What all messages may say: event and transaction time, and the market."""

    E: int = 0
    T: int = 0
    st: int | None = None  # 1 USD-M, 2 COIN-M, since both share one infrastructure (2026-06-30)


class TradePrint(Event, kw_only=True, tag="trade"):
    """One fill."""

    s: str
    t: _Id
    p: str
    q: str
    m: bool
    X: str | None = None  # futures only: MARKET, or INSURANCE_FUND, ADL, NA ...
    M: bool | None = None  # spot only, without meaning


class AggTrade(Event, kw_only=True, tag="aggTrade"):
    """Fills of one price and side together."""

    s: str
    a: _Id
    p: str
    q: str
    m: bool
    nq: str | None = None  # USD-M only, since 2025-12-31: the quantity without RPI fills
    M: bool | None = None


class Depth(Event, kw_only=True, tag="depthUpdate"):
    """A change of the book; of a futures ``@depth5`` stream, its best levels."""

    s: str
    U: _Id
    u: _Id
    b: Levels
    a: Levels
    pu: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    ps: str | None = None


class BookTicker(Event, kw_only=True, tag="bookTicker"):
    """Best bid and ask. Spot sends it without ``e`` and without times."""

    s: str
    u: _Id
    b: str
    B: str
    a: str
    A: str


class Order(msgspec.Struct):
    """A liquidation order: ``p`` its price, ``z`` what of it is filled."""

    s: str
    S: str
    p: str
    z: str
    X: str
    T: int


class ForceOrder(Event, kw_only=True, tag="forceOrder"):
    """The latest liquidation order of a symbol within a second."""

    o: Order


class MarkPrice(Event, kw_only=True, tag="markPriceUpdate"):
    """Mark price, index price and funding; ``T`` is the next funding time."""

    s: str
    p: str
    i: str = ""
    r: str = ""


class Shutdown(Event, kw_only=True, tag="serverShutdown"):
    """The server is going to close the connection."""


class Snapshot(msgspec.Struct, kw_only=True):
    """The whole book as REST sends it, or the best levels of a spot ``@depth5`` stream."""

    lastUpdateId: _Id  # noqa: N815 - the venue's own name
    bids: Levels
    asks: Levels
    E: int = 0
    T: int = 0
    pair: str | None = None  # COIN-M only


class Answer(msgspec.Struct, kw_only=True):
    """What a socket answers to a request: its id, and for a refusal the code and what is said."""

    id: str = ""
    code: int | None = None
    text: str = ""


# Known, and of no use to us. An event type in neither list is a change of schema: somebody has to look at it.
_OTHERS: Final = (
    "1dTicker", "1hTicker", "24hrMiniTicker", "24hrTicker", "4hTicker", "assetIndexUpdate", "avgPrice", "blockTrade",
    "compositeIndex", "continuous_kline", "contractInfo", "indexPriceUpdate", "indexPrice_kline", "kline",
    "markPrice_kline", "rpiDepthUpdate", "tradingSession",
)  # fmt: skip
_USED: Final = ("aggTrade", "bookTicker", "depthUpdate", "forceOrder", "markPriceUpdate", "serverShutdown", "trade")
KNOWN: Final = frozenset({*_OTHERS, *_USED})
_Payload: Any = TradePrint | AggTrade | Depth | BookTicker | ForceOrder | MarkPrice | Shutdown
for _name in _OTHERS:
    _Payload |= msgspec.defstruct(f"_Other_{_name}", [], bases=(Event,), tag=_name)


class _Combined(msgspec.Struct):
    stream: str
    data: _Payload


class SpotTicker(BookTicker, tag=False):
    """Best bid and ask without an event type: of spot, or of futures in recordings of 2021."""


class _CombinedTicker(msgspec.Struct):
    stream: str
    data: SpotTicker


_combined = msgspec.json.Decoder(_Combined)
_raw = msgspec.json.Decoder(_Payload)
_ticker = msgspec.json.Decoder(SpotTicker)
_combined_ticker = msgspec.json.Decoder(_CombinedTicker)
_NOT_JSON = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def decode(frame: bytes) -> Event | Snapshot | Answer | list[Any]:
    """Return what one frame holds; of a frame with messages of many symbols, all of them.

    Raises
    ------
    SchemaChanged
        It is no JSON, no message of Binance's, or not as the documentation has it.
    """
    try:
        if frame[:10] == b'{"stream":':
            return (_combined if frame.find(b'{"u":', 24, 96) < 0 else _combined_ticker).decode(frame).data
        found: Event = (_ticker if frame[:5] == b'{"u":' else _raw).decode(frame)
    except _NOT_JSON:
        return _slow(frame)
    return found


def _slow(frame: bytes) -> Event | Snapshot | Answer | list[Any]:
    # Frames without an event type, arrays, and everything that is wrong: decoded without a schema, then told apart.
    try:
        value = msgspec.json.decode(frame)
    except _NOT_JSON as error:
        raise SchemaChanged(f"no JSON ({error}): {shown(frame)}") from None
    if isinstance(value, dict) and "stream" in value and "data" in value:
        value = value["data"]
    if isinstance(value, list) and value and all(isinstance(one, dict) and "e" in one for one in value):
        return [_by_event_type(one, frame) for one in value]
    if not isinstance(value, dict):
        raise SchemaChanged(f"no message of Binance's: {shown(frame)}")
    return _by_event_type(value, frame) if "e" in value else _without_event_type(value, frame)


def _by_event_type(value: dict[str, Any], frame: bytes) -> Event:
    kind = value["e"]
    try:
        event: Event = from_plain(value, _Payload)
    except (msgspec.ValidationError, RecursionError) as error:
        if isinstance(kind, str) and kind in KNOWN:
            article = "an" if kind[0] in "aeiou" else "a"
            raise SchemaChanged(
                f"{article} {kind} message that is not as documented ({error}): {shown(frame)}"
            ) from None
        raise SchemaChanged(
            f"unknown event type {str(kind)[:40]!r}; known are {', '.join(sorted(KNOWN))}: {shown(frame)}"
        ) from None
    return event


def _without_event_type(value: dict[str, Any], frame: bytes) -> Event | Snapshot | Answer:
    try:
        if "lastUpdateId" in value:
            return from_plain(value, Snapshot)
        if {"u", "s", "b", "B", "a", "A"} <= value.keys():
            ticker: Event = from_plain(value, SpotTicker)
            return ticker
    except (msgspec.ValidationError, RecursionError) as error:
        raise SchemaChanged(f"a book message that is not as documented ({error}): {shown(frame)}") from None
    if "result" in value and "id" in value:
        listed = value["result"]
        return Answer(id=_id(value), text="" if listed is None else msgspec.json.encode(listed).decode())
    refusal = value["error"] if isinstance(value.get("error"), dict) else value
    if {"code", "msg"} <= refusal.keys():
        code = refusal["code"]
        return Answer(id=_id(value), code=code if isinstance(code, int) else -1, text=str(refusal["msg"])[:_SHOWN])
    raise SchemaChanged(f"no message of Binance's: {shown(frame)}")


def _id(value: dict[str, Any]) -> str:
    found = value.get("id")
    return "" if found is None else str(found)[:40]
