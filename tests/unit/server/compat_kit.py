"""A plain count of a tape, to hold the older wires against."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from footloom.core.trades import Trades

MINUTE_MS, DAY_MS = 60_000, 86_400_000


def counted(trades: Trades, tf_ms: int, step: str, ties: str = "half_even") -> dict[int, dict[str, Any]]:
    """Count a tape trade by trade: candles by their open time, with rows by price."""
    found: dict[int, dict[str, Any]] = {}
    tick, lot = trades.instrument.tick_size, trades.instrument.lot_size
    columns = (trades.ts_exch_ns, trades.price_tick, trades.qty_lot, trades.side)
    for ts_ns, price_tick, qty_lot, side in zip(*(column.tolist() for column in columns), strict=True):
        ts = ts_ns // 1_000_000
        candle = found.setdefault(ts - ts % tf_ms, {"bid": 0, "ask": 0, "unknown": 0, "levels": {}})
        share = price_tick * tick / Decimal(step)
        whole = share.quantize(Decimal(1), ROUND_HALF_EVEN) if ties == "half_even" else (share + Decimal("0.5")) // 1
        row = candle["levels"].setdefault(whole * Decimal(step), {"bid": 0, "ask": 0, "unknown": 0, "n": 0})
        name = {1: "ask", -1: "bid", 0: "unknown"}[side]
        row[name] += qty_lot * lot
        candle[name] += qty_lot * lot
        row["n"] += 1
    return found
