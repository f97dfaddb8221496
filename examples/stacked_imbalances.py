"""Where buyers, or sellers, outweighed the other side three to one on three adjacent rows or more."""

from __future__ import annotations

import footloom as fl
from footloom.studies.imbalance import CELL_BUY_STACK, CELL_SELL_STACK, stacked_rows

trades = fl.load_trades("sim:PERP", "2026-03-02T00:00", "2026-03-02T06:00")
frame = fl.footprint(trades, bars="1m").frame
footprint = frame.footprint
offset, step = footprint.level_offset, footprint.ticks_per_level
for name, bit in (("buy", CELL_BUY_STACK), ("sell", CELL_SELL_STACK)):
    stacks = [
        (bar, low, high)
        for bar in range(len(footprint))
        for low, high in stacked_rows(footprint.cells(bar).row, frame.cell_flags[offset[bar] : offset[bar + 1]], bit)
    ]
    longest = max(high - low + 1 for _, low, high in stacks)
    print(f"{name}: {len(stacks)} stacks in {len(footprint)} bars, the longest of {longest} rows")
    for bar, low, high in stacks[:3]:
        edges = [footprint.instrument.price_text(row * step) for row in (low, high + 1)]
        print(f"  bar {bar}: {edges[0]} to {edges[1]}")
