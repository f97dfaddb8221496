"""Trades to a file and back, exactly; the same for frames of other programs."""

from __future__ import annotations

import tempfile
from pathlib import Path

import footloom as fl

trades = fl.load_trades("sim:PERP", "2026-03-02T00:00", "2026-03-02T00:30")
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "trades.parquet"
    fl.write_trades(trades, path)
    again = fl.read_trades(path)
print(f"{len(again):,} trades came back, {'the same' if again.equals(trades) else 'others'}")
print(fl.footprint(again, bars="5m"))
