"""Binance USD-M futures: linear contracts, quantity in the base asset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from footloom.core.book import Chain
from footloom.core.instrument import Instrument
from footloom.core.messages import Message
from footloom.venues import _binance, _binance_streams, _binance_symbols
from footloom.venues._binance_rest import USD_API, read_book, read_candles, read_poll, read_time, read_trades
from footloom.venues._binance_streams import added
from footloom.venues._binance_symbols import Grid
from footloom.venues._venue import Bases, Socket, Wanted

__all__ = (
    "BASES",
    "BOOK",
    "BUDGETS",
    "GRACE_NS",
    "REACH_NS",
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
    "polls",
    "read_book",
    "read_candles",
    "read_poll",
    "read_time",
    "read_trades",
    "recent_trades",
    "server_time",
    "sockets",
    "trades_at",
    "trades_from",
)

VENUE: Final = _binance.USDM
TAPE: Final = "agg_trade"  # single trades are in no documentation and cannot be fetched without a key
STREAMS: Final = frozenset({*_binance_streams.FUTURES_STREAMS, "open_interest"})
BASES: Final = Bases(
    ws="wss://fstream.binance.com", rest="https://fapi.binance.com", archive="https://data.binance.vision"
)
BOOK: Final = Chain.PREVIOUS
GRACE_NS: Final = 250_000_000
REACH_NS: Final = 48 * 3600 * 10**9  # how far back `trades_from` and `trades_at` answer
BUDGETS: Final = {"binance_futures": (2400, 60.0)}  # with COIN-M

# BTCUSDT had a tick of 0.01 before 2022; the day of the change is not certain, so its row starts where 0.1 has been
# seen.
_GRIDS = (
    Grid("BTCUSDT", "0.1", "0.001", "2022-08-01"),
    Grid("ETHUSDT", "0.01", "0.001", "2021-01-01"),
    Grid("BNBUSDT", "0.01", "0.01", "2021-01-01"),
    Grid("XRPUSDT", "0.0001", "0.1", "2021-01-01"),
    Grid("TRXUSDT", "0.00001", "1", "2021-01-01"),
)

# Asked as in Binance's other markets: `_binance_rest.Api` says what each is.
polls = USD_API.polls
instruments_request = USD_API.instruments_request
instruments = USD_API.instruments
recent_trades = USD_API.recent_trades
trades_from = USD_API.trades_from
trades_at = USD_API.trades_at
book_snapshot = USD_API.book_snapshot
server_time = USD_API.server_time
archive = USD_API.archive
candles = USD_API.candles


def parse(frame: bytes, ts_recv_ns: int) -> Iterator[Message]:
    """Return the messages of one frame; pure.

    Trades come on the tape of their stream, ``trade`` or ``agg_trade``. Prints that are no market trades (``X``
    other than MARKET, a zero price or quantity) come as `OffMarket` (definitions 1.1).

    Raises
    ------
    SchemaChanged
        The frame is not as documented.
    """
    return _binance.messages(frame, ts_recv_ns, VENUE)


def sockets(wanted: Sequence[Wanted], bases: Bases, credentials: dict[str, str]) -> list[Socket]:  # noqa: ARG001 - needs none
    """Return the connections that carry what is wanted: `/public` for books, `/market` for the rest.

    Raises
    ------
    ConfigError
        There is no such stream, or no such depth.
    """
    polled = frozenset({"open_interest"})
    return _binance_streams.sockets(wanted, bases.ws, _binance_streams.FUTURES_STREAMS, venue=VENUE, polled=polled)


def instrument(symbol: str, tick_size: Decimal, lot_size: Decimal) -> Instrument:
    """Return the instrument on a given grid."""
    base, quote = _binance_symbols.split_symbol(symbol)
    return Instrument(venue=VENUE, symbol=symbol, tick_size=tick_size, lot_size=lot_size, base=base, quote=quote)


def known_instrument(symbol: str, at_ns: int) -> Instrument | None:
    """Return the instrument as it is known for ``at_ns`` (ns UTC), None where it is not."""
    return _binance_symbols.known(_GRIDS, instrument(symbol, Decimal(1), Decimal(1)), at_ns)
