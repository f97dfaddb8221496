"""Where buyers, or sellers, outweighed the other side three to one on three rows in a run."""

from __future__ import annotations

import numpy as np

import footloom as fl
from footloom.studies.imbalance import CELL_BUY_STACK, CELL_SELL_STACK

trades = fl.load_trades("sim:PERP", "2026-03-02T00:00", "2026-03-02T06:00")
frame = fl.footprint(trades, bars="1m").frame
footprint = frame.footprint
bar_of_level = np.repeat(np.arange(len(footprint)), np.diff(footprint.level_offset))
for name, bit in (("buy", CELL_BUY_STACK), ("sell", CELL_SELL_STACK)):
    marked = (frame.cell_flags & bit) != 0
    bars, counts = np.unique(bar_of_level[marked], return_counts=True)
    print(f"{name}: {len(bars)} of {len(footprint)} bars have a stack, the longest of {max(counts, default=0)} rows")
    for bar in bars[:3]:
        rows = footprint.levels.row[marked & (bar_of_level == bar)]
        low, high = (
            footprint.instrument.price_text(row * footprint.ticks_per_level) for row in (rows[0], rows[-1] + 1)
        )
        print(f"  {np.datetime64(int(footprint.bars.open_ns[bar]), 'ns')}  {low} to {high}")
