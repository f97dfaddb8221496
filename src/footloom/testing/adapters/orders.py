"""Adapter of orders that are put together from their fills (definitions 6.7)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from footloom.core.decimals import to_units
from footloom.core.trades import Trades
from footloom.engine.large_orders import LargeOrders, Params, orders_of
from footloom.testing.adapters._units import LOT, MS, WORD, adapter, instrument, number

__all__ = ()

_TICK = Decimal("0.01")


@adapter
def trade_reconstruct(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    rows = [dict(zip(given["fields"], row, strict=True)) for row in given["trades"]]
    trades = Trades.build(
        instrument(_TICK),
        [row["ts"] * MS for row in rows],
        [to_units(row["p"], _TICK) for row in rows],
        [to_units(row["q"], LOT) for row in rows],
        [-1 if row["m"] else 1 for row in rows],
        trade_id=[row["id"] for row in rows],
    )
    every = orders_of(trades)
    least = Params(by="quantity", min_qty=str(params["bubble_qty"]))
    large = LargeOrders(trades.instrument, least).update(trades)
    ends = every.trades.cumsum().tolist()
    return {
        "orders": [
            {
                "ids": [int(trades.trade_id[end - count]), int(trades.trade_id[end - 1])],
                "qty": number(every.qty_lot[i]),
                "vwap": every.average(i) * _TICK,
                "levels": int(every.levels[i]),
                "side": WORD[int(every.side[i])],
            }
            for i, (end, count) in enumerate(zip(ends, every.trades.tolist(), strict=True))
        ],
        "bubbles": [i for i in range(len(every)) if every.qty_lot[i] in large.qty_lot],
    }
