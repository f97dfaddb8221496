"""One tape, cut by time, trades, volume, range and delta: the same volume in all of them."""

from __future__ import annotations

import footloom as fl

trades = fl.load_trades("sim:PERP", "2026-03-02T00:00", "2026-03-02T02:00")
for rule in ("5m", "1000t", "500v", "500v-split", "r20", "ren10", "d200", "ib100"):
    bars = fl.footprint(trades, bars=rule, ticks_per_level=4).footprint.bars
    total, delta = (trades.instrument.qty_text(int(lots)) for lots in (bars.volume_lot.sum(), bars.delta_lot[-1]))
    print(f"{rule:>10}: {len(bars):4} bars, volume {total}, delta of the last {delta}")
