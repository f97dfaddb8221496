"""Binance's instruments: what a symbol's name says, and the grids that are known for certain, with their dates.

Ticks and lots change (`exchangeInfo` is the authority); a row here holds only for the span in which it has been
seen. Outside it the grid is unknown, and an import takes it from flags or from the decimals of the file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

from footloom.core.instrument import Instrument

__all__ = ("Grid", "known", "split_symbol")

_QUOTES = ("FDUSD", "USDT", "USDC", "BUSD", "TUSD", "USD", "BTC", "ETH", "BNB", "EUR", "TRY", "BRL", "JPY")
_DELIVERY = re.compile(r"_(PERP|\d{6})$")


class Grid(NamedTuple):
    """One symbol's tick and lot on the days ``[since, until)``, ISO dates; ``until`` None: still so when last seen."""

    symbol: str
    tick_size: str
    lot_size: str
    since: str
    until: str | None = None


def split_symbol(symbol: str) -> tuple[str, str]:
    """Return base and quote of a symbol, two empty strings where its name does not say.

    Examples
    --------
    >>> split_symbol("BTCUSDT"), split_symbol("BTCUSD_PERP"), split_symbol("1000PEPEUSDC_250328")
    (('BTC', 'USDT'), ('BTC', 'USD'), ('1000PEPE', 'USDC'))
    """
    pair = _DELIVERY.sub("", symbol)
    for quote in _QUOTES:
        if pair.endswith(quote) and pair != quote:
            return pair.removesuffix(quote), quote
    return "", ""


def known(grids: Sequence[Grid], plain: Instrument, at_ns: int) -> Instrument | None:
    """Return ``plain`` on the grid that is known for ``at_ns`` (ns UTC), dated; None where none is."""
    for grid in grids:
        since = _day_ns(grid.since)
        until = None if grid.until is None else _day_ns(grid.until)
        if grid.symbol == plain.symbol and since <= at_ns and (until is None or at_ns < until):
            return Instrument(
                venue=plain.venue,
                symbol=plain.symbol,
                tick_size=Decimal(grid.tick_size),
                lot_size=Decimal(grid.lot_size),
                base=plain.base,
                quote=plain.quote,
                contract_multiplier=plain.contract_multiplier,
                inverse=plain.inverse,
                calendar=plain.calendar,
                valid_from_ns=since,
                valid_to_ns=until,
            )
    return None


def _day_ns(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 1_000_000_000
