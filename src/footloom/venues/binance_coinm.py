"""Binance COIN-M futures: inverse contracts, quantity in contracts of 100 USD (Bitcoin) or 10 USD (all others)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from footloom.core.instrument import Instrument
from footloom.core.messages import Message
from footloom.venues import _binance, _binance_symbols
from footloom.venues._binance_symbols import Grid

__all__ = ("VENUE", "instrument", "known_instrument", "parse")

VENUE = _binance.COINM

_GRIDS = (
    Grid("BTCUSD_PERP", "0.1", "1", "2020-09-01"),
    Grid("ETHUSD_PERP", "0.01", "1", "2020-09-01"),
)


def parse(frame: bytes, ts_recv_ns: int) -> Iterator[Message]:
    """Yield the messages of one frame; pure.

    Trades come on the tape of their stream, ``trade`` or ``agg_trade``; their quantity counts contracts. Prints that
    are no market trades (``X`` other than MARKET, a zero price or quantity) yield nothing (definitions 1.1).

    Raises
    ------
    SchemaChanged
        The frame is not as documented.
    """
    return _binance.messages(frame, ts_recv_ns, VENUE)


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
