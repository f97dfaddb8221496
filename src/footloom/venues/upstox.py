"""Upstox, a broker of India: market data feed V3, candles and instruments; keys such as ``NSE_FO|51510``.

The feed sends conflated snapshots, no trades: sides are inferred (definitions 1.3). Quantities are units, never
contracts, so the lot is 1. Shares have ticks that depend on their price, so their grid comes from the instrument
master; derivatives whose row is not at hand stand on 0.05, which holds every coarser tick of futures too.

Modes, chosen by the streams that are wanted: ``snapshot`` (also ``quote``, ``depth``, ``open_interest``) is ``full``,
with a depth above 5 ``full_d30``, which only accounts of Upstox Plus get; ``option_greeks`` has the first level and no
average price; ``ltpc`` has the last trade alone.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from footloom.core.instrument import Instrument
from footloom.venues._india_master import CALENDARS
from footloom.venues._india_names import futures_of, resolve, spot_of, underlying_of
from footloom.venues._india_options import parse_options
from footloom.venues._upstox_frames import parse
from footloom.venues._upstox_rest import (
    CANDLE_SPAN_NS,
    candles,
    candles_today,
    instruments,
    instruments_request,
    option_chain,
    option_contracts,
    read_candles,
    read_option_contracts,
    read_previous_interest,
)
from footloom.venues._upstox_sockets import added, authorize, explain, most_sockets, read_authorized, sockets
from footloom.venues._venue import Bases

__all__ = (
    "BASES",
    "BUDGETS",
    "CANDLE_SPAN_NS",
    "GRACE_NS",
    "STREAMS",
    "TAPE",
    "VENUE",
    "added",
    "authorize",
    "candles",
    "candles_today",
    "explain",
    "futures_of",
    "instrument",
    "instruments",
    "instruments_request",
    "is_index",
    "known_instrument",
    "most_sockets",
    "option_chain",
    "option_contracts",
    "parse",
    "parse_options",
    "read_authorized",
    "read_candles",
    "read_option_contracts",
    "read_previous_interest",
    "resolve",
    "sockets",
    "spot_of",
    "underlying_of",
)

VENUE: Final = "upstox"
TAPE: Final = "snapshot"
STREAMS: Final = frozenset({"snapshot", "quote", "depth", "open_interest", "option_greeks", "ltpc"})
GRACE_NS: Final = 2_000_000_000
BASES: Final = Bases(
    ws="wss://api.upstox.com", rest="https://api.upstox.com", archive="https://assets.upstox.com/market-quote"
)
# 50 a second, 500 a minute and 2 000 in half an hour are allowed: 50 in any 45 s keeps all three.
BUDGETS: Final[dict[str, tuple[int, float]]] = {"rest": (50, 45.0)}
_TICKS = {"NSE_FO": "0.05", "BSE_FO": "0.05", "NSE_INDEX": "0.01", "BSE_INDEX": "0.01"}


def instrument(symbol: str, tick_size: Decimal, lot_size: Decimal) -> Instrument:
    """Return the instrument of a key on a given grid, with the sessions of its segment."""
    return Instrument(
        venue=VENUE,
        symbol=symbol,
        tick_size=tick_size,
        lot_size=lot_size,
        quote="INR",
        calendar=CALENDARS.get(_segment(symbol), "nse_cash"),
        kind="index" if is_index(symbol) else "",
    )


def known_instrument(symbol: str, at_ns: int) -> Instrument | None:  # noqa: ARG001 - the same on every day so far
    """Return the instrument as it is known for ``at_ns`` (ns UTC), None where it is not."""
    tick_size = _TICKS.get(_segment(symbol))
    return None if tick_size is None else instrument(symbol, Decimal(tick_size), Decimal(1))


def is_index(symbol: str) -> bool:
    """Say whether a key is that of an index, which has prices and no trades."""
    return _segment(symbol).endswith("_INDEX")


def _segment(symbol: str) -> str:
    return symbol.partition("|")[0]
