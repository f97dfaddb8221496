"""Binance spot: quantity in the base asset."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from footloom.core.instrument import Instrument
from footloom.core.messages import Message
from footloom.venues import _binance, _binance_symbols
from footloom.venues._binance_symbols import Grid

__all__ = ("VENUE", "instrument", "known_instrument", "parse")

VENUE = _binance.SPOT

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
    """Yield the messages of one frame; pure.

    Trades come on the tape of their stream, ``trade`` or ``agg_trade``. Prints with a zero price or quantity yield
    nothing.

    Raises
    ------
    SchemaChanged
        The frame is not as documented.
    """
    return _binance.messages(frame, ts_recv_ns, VENUE)


def instrument(symbol: str, tick_size: Decimal, lot_size: Decimal) -> Instrument:
    """Return the instrument on a given grid."""
    base, quote = _binance_symbols.split_symbol(symbol)
    return Instrument(venue=VENUE, symbol=symbol, tick_size=tick_size, lot_size=lot_size, base=base, quote=quote)


def known_instrument(symbol: str, at_ns: int) -> Instrument | None:
    """Return the instrument as it is known for ``at_ns`` (ns UTC), None where it is not."""
    return _binance_symbols.known(_GRIDS, instrument(symbol, Decimal(1), Decimal(1)), at_ns)
