"""An hour of the simulated market as five-minute footprints."""

from __future__ import annotations

import footloom as fl

trades = fl.load_trades("sim:PERP", "2026-03-02T00:00", "2026-03-02T01:00")
chart = fl.footprint(trades, bars="5m")
print(chart)
for row in chart.to_rows()[-3:]:
    print(row["open"], row["high"], row["low"], row["close"], "delta", row["delta"], "POC", row["poc"])
print(chart.to_arrow().slice(0, 5).to_pylist())  # .to_polars(), where polars is installed
