"""Binance spot: quantity in the base asset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from footloom.core.book import Chain
from footloom.core.instrument import Instrument
from footloom.core.messages import BookUpdate, Message, OffMarket, Trade
from footloom.venues import _binance, _binance_streams, _binance_symbols
from footloom.venues import _binance_rest as rest
from footloom.venues._binance_streams import added
from footloom.venues._binance_symbols import Grid
from footloom.venues._venue import ArchiveFile, Bases, Candle, Request, Socket, Wanted

__all__ = (
    "BASES",
    "BOOK",
    "BUDGETS",
    "GRACE_NS",
    "STREAMS",
    "TAPE",
    "VENUE",
    "added",
    "archive",
    "book_snapshot",
    "candles",
    "instrument",
    "instruments",
    "instruments_request",
    "known_instrument",
    "parse",
    "read_book",
    "read_candles",
    "read_time",
    "read_trades",
    "recent_trades",
    "server_time",
    "sockets",
    "trades_at",
    "trades_from",
)

VENUE: Final = _binance.SPOT
TAPE: Final = "agg_trade"  # the fills of one taker order at one price: nothing is lost, and repairs are cheap
STREAMS: Final = frozenset(_binance_streams.SPOT_STREAMS)
BASES: Final = Bases(
    ws="wss://stream.binance.com:9443", rest="https://api.binance.com", archive="https://data.binance.vision"
)
BOOK: Final = Chain.RANGE
GRACE_NS: Final = 250_000_000
BUDGETS: Final = {"binance_spot": (6000, 60.0)}
_API = rest.SPOT_API

# BTCUSDT was traded in steps of 0.000001 until 2021; altcoin ticks move with their price, so their rows end.
_GRIDS = (
    Grid("BTCUSDT", "0.01", "0.00001", "2022-01-01"),
    Grid("ETHUSDT", "0.01", "0.0001", "2022-01-01"),
    Grid("BNBUSDT", "0.1", "0.001", "2022-01-01", "2025-01-01"),
    Grid("SOLUSDT", "0.01", "0.001", "2024-01-01", "2026-01-01"),
    Grid("XRPUSDT", "0.0001", "1", "2022-01-01", "2025-01-01"),
    Grid("TRXUSDT", "0.0001", "0.1", "2025-03-01", "2026-01-01"),
)


def parse(frame: bytes, ts_recv_ns: int) -> Iterator[Message]:
    """Return the messages of one frame; pure.

    Trades come on the tape of their stream, ``trade`` or ``agg_trade``. Prints with a zero price or quantity come as
    `OffMarket`. Quotes and books that say no time of their own have that of their receipt.

    Raises
    ------
    SchemaChanged
        The frame is not as documented.
    """
    return _binance.messages(frame, ts_recv_ns, VENUE)


def sockets(wanted: Sequence[Wanted], bases: Bases, credentials: dict[str, str]) -> list[Socket]:  # noqa: ARG001 - needs none
    """Return the connections that carry what is wanted.

    Raises
    ------
    ConfigError
        There is no such stream, or no such depth.
    """
    return _binance_streams.sockets(wanted, bases.ws, _binance_streams.SPOT_STREAMS, venue=VENUE, polled=frozenset())


def instruments_request(bases: Bases) -> Request:
    """Ask for all instruments."""
    return rest.exchange_info(_API, bases.rest)


def instruments(document: bytes, at_ns: int) -> list[Instrument]:
    """Return what is listed, valid from ``at_ns`` on; `SchemaChanged` where the answer is no such list."""
    return rest.listed(document, VENUE, at_ns)


def recent_trades(symbol: str, bases: Bases) -> Request:
    """Ask for the newest aggregate trades."""
    return rest.recent_trades(_API, bases.rest, symbol)


def trades_from(symbol: str, trade_id: int, bases: Bases) -> Request:
    """Ask for the page of aggregate trades that begins at an id; the venue keeps them all."""
    return rest.trades_from(_API, bases.rest, symbol, trade_id)


def trades_at(symbol: str, from_ns: int, to_ns: int, bases: Bases) -> Request:
    """Ask for the first page of aggregate trades of ``[from_ns, to_ns)``, of its first hour at most."""
    return rest.trades_at(_API, bases.rest, symbol, from_ns, to_ns)


def read_trades(document: bytes, symbol: str, ts_recv_ns: int) -> list[Trade | OffMarket]:
    """Return a page of aggregate trades, oldest first; `SchemaChanged` where the answer is none."""
    return rest.read_trades(document, symbol, ts_recv_ns)


def book_snapshot(symbol: str, bases: Bases) -> Request:
    """Ask for the best 5000 levels of each side: what lies deeper stays unknown until it changes."""
    return rest.book_snapshot(_API, bases.rest, symbol)


def read_book(document: bytes, symbol: str, ts_recv_ns: int) -> BookUpdate:
    """Return the whole book; `SchemaChanged` where the answer is none."""
    return rest.read_book(document, symbol, ts_recv_ns)


def server_time(bases: Bases) -> Request:
    """Ask for the venue's clock."""
    return rest.server_time(_API, bases.rest)


def read_time(document: bytes) -> int:
    """Return the venue's clock, ns UTC; `SchemaChanged` where the answer is none."""
    return rest.read_time(document)


def archive(symbol: str, day: str, tape: str, bases: Bases) -> ArchiveFile:
    """Return where the trades of a past day (ISO date, UTC) lie; `ConfigError` where the archive has no such tape."""
    return rest.archive(_API, bases.archive, symbol, day, tape)


def candles(symbol: str, from_ns: int, to_ns: int, bases: Bases, credentials: dict[str, str]) -> Request:  # noqa: ARG001 - needs none
    """Ask for the minute candles that open in ``[from_ns, to_ns)``, of its first 1000 minutes at most."""
    return rest.candles(_API, bases.rest, symbol, from_ns, to_ns)


def read_candles(document: bytes) -> list[Candle]:
    """Return candles, oldest first; `SchemaChanged` where the answer is none."""
    return rest.read_candles(document)


def instrument(symbol: str, tick_size: Decimal, lot_size: Decimal) -> Instrument:
    """Return the instrument on a given grid."""
    base, quote = _binance_symbols.split_symbol(symbol)
    return Instrument(venue=VENUE, symbol=symbol, tick_size=tick_size, lot_size=lot_size, base=base, quote=quote)


def known_instrument(symbol: str, at_ns: int) -> Instrument | None:
    """Return the instrument as it is known for ``at_ns`` (ns UTC), None where it is not."""
    return _binance_symbols.known(_GRIDS, instrument(symbol, Decimal(1), Decimal(1)), at_ns)
