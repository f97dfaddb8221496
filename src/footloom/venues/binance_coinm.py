"""Binance COIN-M futures: inverse contracts, quantity in contracts of 100 USD (Bitcoin) or 10 USD (all others)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from footloom.core.book import Chain
from footloom.core.instrument import Instrument
from footloom.core.messages import Message
from footloom.venues import _binance, _binance_streams, _binance_symbols
from footloom.venues._binance_rest import COIN_API, read_book, read_candles, read_poll, read_time, read_trades
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

VENUE: Final = _binance.COINM
TAPE: Final = "agg_trade"  # single trades are in no documentation and cannot be fetched without a key
BASES: Final = Bases(
    ws="wss://dstream.binance.com", rest="https://dapi.binance.com", archive="https://data.binance.vision"
)
BOOK: Final = Chain.PREVIOUS
STREAMS: Final = frozenset({*_binance_streams.COIN_STREAMS, "open_interest"})
GRACE_NS: Final = 250_000_000
REACH_NS: Final = 48 * 3600 * 10**9  # how far back `trades_from` and `trades_at` answer
BUDGETS: Final = {"binance_futures": (2400, 60.0)}  # with USD-M

_GRIDS = (
    Grid("BTCUSD_PERP", "0.1", "1", "2020-09-01"),
    Grid("ETHUSD_PERP", "0.01", "1", "2020-09-01"),
)

# Asked as in Binance's other markets: `_binance_rest.Api` says what each is.
polls = COIN_API.polls
instruments_request = COIN_API.instruments_request
instruments = COIN_API.instruments
recent_trades = COIN_API.recent_trades
trades_from = COIN_API.trades_from
trades_at = COIN_API.trades_at
book_snapshot = COIN_API.book_snapshot
server_time = COIN_API.server_time
archive = COIN_API.archive
candles = COIN_API.candles


def parse(frame: bytes, ts_recv_ns: int) -> Iterator[Message]:
    """Return the messages of one frame; pure.

    Trades come on the tape of their stream, ``trade`` or ``agg_trade``; their quantity counts contracts. Prints that
    are no market trades (``X`` other than MARKET, a zero price or quantity) come as `OffMarket` (definitions 1.1).

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
    polled = frozenset({"open_interest"})
    return _binance_streams.sockets(wanted, bases.ws, _binance_streams.COIN_STREAMS, venue=VENUE, polled=polled)


def instrument(symbol: str, tick_size: Decimal, lot_size: Decimal) -> Instrument:
    """Return the instrument on a given grid."""
    base, quote = _binance_symbols.split_symbol(symbol)
    return Instrument(
        venue=VENUE,
        symbol=symbol,
        tick_size=tick_size,
        lot_size=lot_size,
        base=base,
        quote=quote,
        contract_multiplier=Decimal(100 if base == "BTC" else 10),
        inverse=True,
    )


def known_instrument(symbol: str, at_ns: int) -> Instrument | None:
    """Return the instrument as it is known for ``at_ns`` (ns UTC), None where it is not."""
    return _binance_symbols.known(_GRIDS, instrument(symbol, Decimal(1), Decimal(1)), at_ns)
