"""Trades of your own, from any columns: exact text in, exact numbers out."""

from __future__ import annotations

from decimal import Decimal

import footloom as fl

instrument = fl.Instrument(
    venue="mine", symbol="ACME", tick_size=Decimal("0.05"), lot_size=Decimal(1), base="ACME", quote="INR"
)
rows = [  # ns since 1970 UTC, price, quantity, who took: +1 buy, -1 sell, 0 nobody knows
    (1_767_225_600_000_000_000, "101.05", "20", fl.Side.BUY),
    (1_767_225_601_000_000_000, "101.00", "35", fl.Side.SELL),
    (1_767_225_660_000_000_000, "101.10", "5", fl.Side.UNKNOWN),
]
trades = fl.Trades.build(
    instrument,
    [row[0] for row in rows],
    [instrument.price_tick(row[1]) for row in rows],
    [instrument.qty_lot(row[2]) for row in rows],
    [row[3] for row in rows],
)
for bar in fl.footprint(trades, bars="1m", ticks_per_level=1).to_rows():
    print(bar["close"], bar["delta"], bar["levels"])
