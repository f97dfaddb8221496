"""What adapters share: units and tapes."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.trades import Trades

__all__ = ("ADAPTERS", "LOT", "MS", "WORD", "Adapter", "adapter", "instrument", "number", "signed", "tape")

Adapter = Callable[[Any, dict[str, Any]], dict[str, Any]]
ADAPTERS: dict[str, Adapter] = {}

MS = 1_000_000
LOT = Decimal("1e-9")
WORD = {1: "BUY", -1: "SELL", 0: "UNKNOWN"}


def adapter(function: Adapter) -> Adapter:
    """Register a function under its name, the concept's."""
    ADAPTERS[function.__name__] = function
    return function


def instrument(tick: Decimal | str = "0.01") -> Instrument:
    """Return an instrument on the grid."""
    return Instrument(venue="known", symbol="ANSWER", tick_size=Decimal(tick), lot_size=LOT)


def number(lots: int) -> Decimal:
    """Return lots as the case's quantity."""
    return int(lots) * LOT


def tape(rows: list[tuple[Any, Any, Any, int]], tick: Decimal | str = "0.01") -> Trades:
    """Return (ms, price, quantity, side) rows as a tape."""
    traded = instrument(tick)
    ts, price, quantity, side = (list(column) for column in zip(*rows, strict=True))
    return Trades.build(
        traded,
        np.array(ts, np.int64) * MS,
        [traded.price_tick(p) for p in price],
        [traded.qty_lot(q) for q in quantity],
        side,
    )


def signed(quantities: list[Any], ts: list[int] | None = None) -> Trades:
    """Return signed quantities as a tape at one price."""
    times = ts or list(range(len(quantities)))
    return tape([(t, 100, abs(q), 1 if q > 0 else -1) for t, q in zip(times, quantities, strict=True)])
