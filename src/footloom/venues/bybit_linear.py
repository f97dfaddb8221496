"""Bybit v5, linear contracts: quantity in the base asset."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from footloom.core.book import Chain
from footloom.core.instrument import Instrument
from footloom.core.messages import Message
from footloom.errors import ConfigError
from footloom.venues import _bybit_frames
from footloom.venues._bybit_rest import (
    BUDGET,
    VENUE,
    candles,
    instruments,
    instruments_next,
    instruments_request,
    read_candles,
    read_time,
    read_trades,
    recent_trades,
    server_time,
)
from footloom.venues._venue import ArchiveFile, Bases, Ping, Socket, Wanted

__all__ = (
    "BASES",
    "BOOK",
    "BOOK_DEPTH",
    "BUDGETS",
    "CANDLE_SPAN_NS",
    "GRACE_NS",
    "IDS_BY_EVENT",
    "STREAMS",
    "TAPE",
    "VENUE",
    "added",
    "archive",
    "candles",
    "instrument",
    "instruments",
    "instruments_next",
    "instruments_request",
    "known_instrument",
    "parse",
    "read_candles",
    "read_time",
    "read_trades",
    "recent_trades",
    "renew_book",
    "server_time",
    "sockets",
)

TAPE: Final = "trade"
IDS_BY_EVENT: Final = True  # trades are numbered by their match event's sequence and their place in it
STREAMS: Final = frozenset({"trade", "quote", "depth", "liquidation", "mark", "open_interest"})
BASES: Final = Bases(ws="wss://stream.bybit.com", rest="https://api.bybit.com", archive="https://public.bybit.com")
BOOK: Final = Chain.COUNTED
BOOK_DEPTH: Final = 200  # every 100 ms, as other venues; 50 comes every 20 ms
GRACE_NS: Final = 250_000_000
CANDLE_SPAN_NS: Final = 1_000 * 60 * 10**9  # a call takes so many minute candles
BUDGETS: Final = {BUDGET: (600, 5.0)}

_PATH = "/v5/public/linear"
_TOPICS: Final = {
    "trade": "publicTrade",
    "quote": "orderbook.1",
    "liquidation": "allLiquidation",
    "mark": "tickers",
    "open_interest": "tickers",
}
_DEPTHS: Final = (1, 50, 200, 1000)
_PER_SOCKET = 20_000  # characters of all topics; 21 000 are allowed
_PER_MESSAGE = 100  # topics
_PING = Ping(every_s=20.0, text='{"req_id":"ping","op":"ping"}')
_SYMBOL = re.compile(r"([A-Z0-9]+?)(USDT|USDC|PERP)?(-\w+)?")


def parse(frame: bytes, ts_recv_ns: int) -> Iterator[Message]:
    """Return the messages of one frame; pure.

    Block trades (``BT``), which are agreed outside the book, and prints of nothing come as `OffMarket` (definitions
    1.1). Ids are UUIDs, which do not count trades: a trade has its ``seq`` and ``uid`` instead. The best levels
    (``orderbook.1``) come as a book and as a `Quote`.

    Raises
    ------
    SchemaChanged
        The frame is not as documented.
    """
    return _bybit_frames.messages(frame, ts_recv_ns)


def sockets(wanted: Sequence[Wanted], bases: Bases, credentials: dict[str, str]) -> list[Socket]:  # noqa: ARG001 - needs none
    """Return the connections that carry what is wanted: one, unless its topics are too many for it.

    Raises
    ------
    ConfigError
        There is no such stream, or no such depth.
    """
    asked: dict[str, set[tuple[str, str]]] = {}
    for one in wanted:
        for stream in sorted(one.streams):
            asked.setdefault(_topic(one, stream), set()).add((one.symbol, stream))
    return [_socket(bases.ws, number, part, asked) for number, part in enumerate(_parts(list(asked)), start=1)]


def _topic(one: Wanted, stream: str) -> str:
    if stream not in STREAMS:
        have = ", ".join(sorted(STREAMS))
        raise ConfigError(f"{VENUE} has no stream {stream!r} (asked for {one.symbol}): it has {have}")
    if stream != "depth":
        return f"{_TOPICS[stream]}.{one.symbol}"
    depth = one.depth or BOOK_DEPTH
    if depth not in _DEPTHS:
        offered = ", ".join(map(str, _DEPTHS))
        raise ConfigError(f"{VENUE} has no book of {depth} levels (asked for {one.symbol}): {offered}")
    return f"orderbook.{depth}.{one.symbol}"


def _parts(topics: Sequence[str]) -> list[list[str]]:
    parts: list[list[str]] = []
    room = 0
    for topic in topics:
        needed = len(topic) + 3  # with its quotes and comma
        if needed > room:
            parts.append([])
            room = _PER_SOCKET
        parts[-1].append(topic)
        room -= needed
    return parts


def _socket(base: str, number: int, topics: Sequence[str], asked: dict[str, set[tuple[str, str]]]) -> Socket:
    pairs = frozenset().union(*(asked[topic] for topic in topics))
    return Socket(
        name=VENUE if number == 1 else f"{VENUE} {number}",
        url=f"{base}{_PATH}",
        opening=_operations("subscribe", topics, ""),
        expects=frozenset(pair for pair in pairs if pair[1] != "liquidation"),
        ping=_PING,
        # Tickers and best levels come every few seconds, whatever the market does.
        stall_s=15.0 if {stream for _, stream in pairs} & {"mark", "open_interest", "quote"} else 60.0,
    )


def _operation(op: str, topics: Sequence[str], request: str) -> str:
    return msgspec.json.encode({"req_id": request, "op": op, "args": list(topics)}).decode()


def added(old: Socket, new: Socket) -> tuple[str, ...]:
    """Return the messages that make of a connection that was opened as ``old`` what ``new`` asks for."""
    before, after = _asked(old), _asked(new)
    gone, more = [one for one in before if one not in after], [one for one in after if one not in before]
    return (*_operations("unsubscribe", gone, "drop"), *_operations("subscribe", more, "add"))


def _asked(socket: Socket) -> dict[str, None]:
    return dict.fromkeys(topic for message in socket.opening for topic in msgspec.json.decode(message)["args"])


def _operations(op: str, topics: Sequence[str], request: str) -> tuple[str, ...]:
    batches = [topics[at : at + _PER_MESSAGE] for at in range(0, len(topics), _PER_MESSAGE)]
    return tuple(_operation(op, batch, f"{request}{k}") for k, batch in enumerate(batches, start=1))


def renew_book(wanted: Wanted) -> tuple[str, ...]:
    """Return what to send for a fresh snapshot of the book: the topic given back, and asked for again.

    Raises
    ------
    ConfigError
        There is no such depth.
    """
    topics = [_topic(wanted, "depth")]
    return _operation("unsubscribe", topics, "renew"), _operation("subscribe", topics, "renew")


def archive(symbol: str, day: str, tape: str, bases: Bases) -> ArchiveFile:
    """Return where the trades of a past day (ISO date, UTC) lie: there are no checksums.

    Raises
    ------
    ConfigError
        The archive has no such tape.
    """
    if tape != TAPE:
        raise ConfigError(f"Bybit's archive has no tape {tape!r} (asked for {symbol}): it has {TAPE}")
    name = f"{symbol}{day}.csv.gz"
    return ArchiveFile(url=f"{bases.archive}/trading/{symbol}/{name}", checksum_url="", name=name)


def instrument(symbol: str, tick_size: Decimal, lot_size: Decimal) -> Instrument:
    """Return the instrument on a given grid."""
    match = _SYMBOL.fullmatch(symbol)
    base, quote = (match[1], {"PERP": "USDC", None: ""}.get(match[2], match[2])) if match and match[2] else ("", "")
    return Instrument(venue=VENUE, symbol=symbol, tick_size=tick_size, lot_size=lot_size, base=base, quote=quote)


def known_instrument(_symbol: str, _at_ns: int) -> Instrument | None:
    """Return None: the grid comes from the venue."""
    return None
