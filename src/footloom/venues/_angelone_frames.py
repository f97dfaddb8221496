"""What a packet of SmartAPI's WebSocket 2.0 says: fixed binary layouts, told apart by their length.

All numbers are little-endian. Prices are whole paise, of currency derivatives (exchange type 13) 1/10 000 000 rupee.
The exchange's time is in ms, that of the last trade in seconds. A packet is always whole: there are no partial updates.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterable, Iterator

import msgspec

from footloom.core.messages import BookUpdate, Level, Message, Reply, Tick
from footloom.errors import SchemaChanged

__all__ = ("EXCHANGES", "TYPES", "parse")

EXCHANGES = {1: "NSE", 2: "NFO", 3: "BSE", 4: "BFO", 5: "MCX", 7: "NCDEX", 13: "CDS"}  # as the scrip master names them
TYPES = {name: number for number, name in EXCHANGES.items()}

_HEAD = struct.Struct("<BB25s")
_LTP = struct.Struct("<qqq")  # sequence, time, last price
_QUOTE = struct.Struct("<qqqddqqqq")  # last quantity, average, volume, bids and asks in all, open, high, low, close
_SNAP = struct.Struct("<qqd")  # time of the last trade in s, open interest, its change (garbage)
_BEST = struct.Struct("<hqqh")
_DEPTH_HEAD = struct.Struct("<qq")  # time, a dummy
_DEPTH = struct.Struct("<iih")
_MODES = {51: 1, 123: 2, 379: 3, 443: 4}
_LTP_AT, _QUOTE_AT, _SNAP_AT, _BEST_AT, _BEST_END = 27, 51, 123, 147, 347
_BIDS_AT, _ASKS_AT, _END = 43, 243, 443
_MS, _S = 1_000_000, 1_000_000_000
_EARLIEST_S, _LATEST_S = 1_230_768_000, 4_102_444_800  # 2009 to 2100
_PLACES = {13: 7}
_SHOWN = 40
_KNOWN = 16_384
_MEANINGS = {
    "E1001": "the request is not as SmartAPI wants it",
    "E1002": "more subscriptions than one connection takes: 1000, and 50 with 20 levels",
}


class _Error(msgspec.Struct):
    errorCode: str  # noqa: N815 - the wire's names
    errorMessage: str = ""  # noqa: N815
    correlationID: str = ""  # noqa: N815


_decode_error = msgspec.json.Decoder(_Error).decode


def parse(frame: bytes, ts_recv_ns: int) -> Iterator[Message]:
    """Yield the messages of one frame, binary or text; pure.

    Modes 1 to 3 give a `Tick`, modes 3 and 4 a `BookUpdate` of 5 and 20 levels. Mode 2 says no time of the last trade,
    mode 1 nothing but the last price. ``pong`` and error messages give a `Reply`.

    Raises
    ------
    SchemaChanged
        The frame is none of these, or has a time or quantity that cannot be.
    """
    if frame.startswith((b"pong", b"{")):
        yield _reply(frame)
        return
    mode = _MODES.get(len(frame))
    if mode is None or frame[0] != mode:
        raise SchemaChanged(
            f"no packet of SmartAPI's feed 2.0, whose modes 1 to 4 have 51, 123, 379 and 443 bytes: {_shown(frame)}"
        )
    packet = _Packet(frame, ts_recv_ns)
    if mode == 4:
        yield packet.depth()
        return
    yield packet.tick(mode)
    if mode == 3:
        yield packet.book()


class _Packet:
    def __init__(self, frame: bytes, ts_recv_ns: int) -> None:
        _, exchange, token = _HEAD.unpack_from(frame)
        name = EXCHANGES.get(exchange)
        text = token.partition(b"\0")[0]
        if name is None or not text.isalnum():
            raise SchemaChanged(f"exchange type {exchange} and token {text!r} in a packet of SmartAPI: {_shown(frame)}")
        self.frame = frame
        self.ts_recv_ns = ts_recv_ns
        self.symbol = f"{name}|{text.decode()}"
        self.places = _PLACES.get(exchange, 2)

    def tick(self, mode: int) -> Tick:
        seq, at_ms, ltp = _LTP.unpack_from(self.frame, _LTP_AT)
        quantity = average = volume = None
        if mode > 1:
            quantity, average, volume, *_ = _QUOTE.unpack_from(self.frame, _QUOTE_AT)
        ltt_s, interest, _ = _SNAP.unpack_from(self.frame, _SNAP_AT) if mode == 3 else (0, 0, 0.0)
        bids, asks = self.levels() if mode == 3 else ([], [])
        return Tick(
            symbol=self.symbol,
            ts_exch_ns=self.time_ns(at_ms, _MS, "exchange time"),
            ts_recv_ns=self.ts_recv_ns,
            ltt_ns=self.time_ns(ltt_s, _S, "time of the last trade"),
            ltp=self.price(ltp, "last price") if ltp else None,
            ltq=None if quantity is None else self.count(quantity, "last quantity"),
            vtt=None if volume is None else self.count(volume, "volume of the day"),
            bid=None if mode < 3 else bids[0][0] if bids else "",
            bid_qty=None if mode < 3 else bids[0][1] if bids else "",
            ask=None if mode < 3 else asks[0][0] if asks else "",
            ask_qty=None if mode < 3 else asks[0][1] if asks else "",
            oi=self.count(interest, "open interest") if interest else None,
            atp=self.price(average, "average price") if average else None,
            seq=seq,
        )

    def book(self) -> BookUpdate:
        _, at_ms, _ = _LTP.unpack_from(self.frame, _LTP_AT)
        return self.snapshot(at_ms, *self.levels(), 5)

    def depth(self) -> BookUpdate:
        at_ms, _ = _DEPTH_HEAD.unpack_from(self.frame, _LTP_AT)
        bids = self.sorted((price, count) for count, price, _ in _DEPTH.iter_unpack(self.frame[_BIDS_AT:_ASKS_AT]))
        asks = self.sorted((price, count) for count, price, _ in _DEPTH.iter_unpack(self.frame[_ASKS_AT:_END]))
        return self.snapshot(at_ms, bids[::-1], asks, 20)

    # A record's flag says its side; its place does not: SDKs have exchanged bids and asks by it.
    def levels(self) -> tuple[list[Level], list[Level]]:
        sides: dict[int, list[tuple[int, int]]] = {0: [], 1: []}
        for flag, count, price, _ in _BEST.iter_unpack(self.frame[_BEST_AT:_BEST_END]):
            if flag not in sides:
                raise SchemaChanged(f"a level of {self.symbol} with flag {flag}, 1 is a bid and 0 an ask")
            sides[flag].append((price, count))
        return self.sorted(sides[1])[::-1], self.sorted(sides[0])

    def sorted(self, levels: Iterable[tuple[int, int]]) -> list[Level]:
        there = sorted((price, count) for price, count in levels if price and count)
        return [
            (self.price(price, "price of a level"), self.count(count, "quantity of a level")) for price, count in there
        ]

    def snapshot(self, at_ms: int, bids: list[Level], asks: list[Level], depth: int) -> BookUpdate:
        at_ns = self.time_ns(at_ms, _MS, "exchange time") or self.ts_recv_ns
        return BookUpdate(
            symbol=self.symbol,
            ts_exch_ns=at_ns,
            ts_recv_ns=self.ts_recv_ns,
            first_id=at_ns // _MS,
            last_id=at_ns // _MS,
            bids=tuple(bids),
            asks=tuple(asks),
            is_snapshot=True,
            depth=depth,
        )

    def price(self, value: int, what: str) -> str:
        if value < 0:
            raise SchemaChanged(f"{what} of {self.symbol} is {value}, below zero")
        return _decimal(value, self.places)

    def count(self, value: int, what: str) -> str:
        if value < 0:
            raise SchemaChanged(f"{what} of {self.symbol} is {value}, below zero")
        return str(value)

    # Zero before the first trade. A time in the other unit is far outside the years that can be.
    def time_ns(self, value: int, unit: int, what: str) -> int | None:
        if value == 0:
            return None
        if not _EARLIEST_S * _S <= value * unit < _LATEST_S * _S:
            expected = "ms" if unit == _MS else "s"
            raise SchemaChanged(f"{what} of {self.symbol} is {value}, no time in {expected} between 2009 and 2100")
        return value * unit


@functools.lru_cache(_KNOWN)
def _decimal(value: int, places: int) -> str:
    whole, rest = divmod(value, 10**places)
    return f"{whole}.{rest:0{places}d}".rstrip("0").rstrip(".")


def _reply(frame: bytes) -> Reply:
    if frame == b"pong":
        return Reply(kind="pong")
    try:
        error = _decode_error(frame)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise SchemaChanged(f"a text of SmartAPI's feed that is neither pong nor an error: {_shown(frame)}") from None
    meaning = _MEANINGS.get(error.errorCode, "")
    text = f"{error.errorCode}: {error.errorMessage[:200]}{f' ({meaning})' if meaning else ''}"
    return Reply(kind="error", request=error.correlationID, text=text)


def _shown(frame: bytes) -> str:
    return f"{len(frame)} bytes, {frame[:_SHOWN].hex()}{' ...' if len(frame) > _SHOWN else ''}"
