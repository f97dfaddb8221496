"""Binance spot: quantity in the base asset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from footloom.core.book import Chain
from footloom.core.instrument import Instrument
from footloom.core.messages import Message
from footloom.venues import _binance, _binance_streams, _binance_symbols
from footloom.venues._binance_rest import SPOT_API, SPOT_SINGLES, read_book, read_candles, read_time, read_trades
from footloom.venues._binance_streams import added
from footloom.venues._binance_symbols import Grid
from footloom.venues._venue import Bases, Socket, TapeCalls, Wanted

__all__ = (
    "BASES",
    "BOOK",
    "BUDGETS",
    "GRACE_NS",
    "OTHER_TAPES",
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
OTHER_TAPES: Final[dict[str, TapeCalls]] = {"trade": SPOT_SINGLES}
STREAMS: Final = frozenset(_binance_streams.SPOT_STREAMS)
BASES: Final = Bases(
    ws="wss://stream.binance.com:9443", rest="https://api.binance.com", archive="https://data.binance.vision"
)
BOOK: Final = Chain.RANGE
GRACE_NS: Final = 250_000_000
BUDGETS: Final = {"binance_spot": (6000, 60.0)}

# BTCUSDT was traded in steps of 0.000001 until 2021; altcoin ticks move with their price, so their rows end.
_GRIDS = (
    Grid("BTCUSDT", "0.01", "0.00001", "2022-01-01"),
    Grid("ETHUSDT", "0.01", "0.0001", "2022-01-01"),
    Grid("BNBUSDT", "0.1", "0.001", "2022-01-01", "2025-01-01"),
    Grid("SOLUSDT", "0.01", "0.001", "2024-01-01", "2026-01-01"),
    Grid("XRPUSDT", "0.0001", "1", "2022-01-01", "2025-01-01"),
    Grid("TRXUSDT", "0.0001", "0.1", "2025-03-01", "2026-01-01"),
)

# Asked as in Binance's other markets: `_binance_rest.Api` says what each is.
instruments_request = SPOT_API.instruments_request
instruments = SPOT_API.instruments
recent_trades = SPOT_API.recent_trades
trades_from = SPOT_API.trades_from
trades_at = SPOT_API.trades_at
book_snapshot = SPOT_API.book_snapshot
server_time = SPOT_API.server_time
archive = SPOT_API.archive
candles = SPOT_API.candles


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


def instrument(symbol: str, tick_size: Decimal, lot_size: Decimal) -> Instrument:
    """Return the instrument on a given grid."""
    base, quote = _binance_symbols.split_symbol(symbol)
    return Instrument(venue=VENUE, symbol=symbol, tick_size=tick_size, lot_size=lot_size, base=base, quote=quote)


def known_instrument(symbol: str, at_ns: int) -> Instrument | None:
    """Return the instrument as it is known for ``at_ns`` (ns UTC), None where it is not."""
    return _binance_symbols.known(_GRIDS, instrument(symbol, Decimal(1), Decimal(1)), at_ns)
