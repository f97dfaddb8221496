"""The last bars as a picture: an SVG file to look at, or the answer of a notebook cell."""

from __future__ import annotations

import sys
from pathlib import Path

import footloom as fl

trades = fl.load_trades("sim:PERP", "2026-03-02T09:00", "2026-03-02T10:00")
chart = fl.footprint(trades, bars="5m").with_studies("delta", "cvd", "poc", "value_area", "imbalance")
target = Path(sys.argv[1] if len(sys.argv) > 1 else "footprint.svg")
target.write_text(chart.to_svg(bars=8), encoding="utf-8")
print(f"wrote {target}: the last 8 of {len(chart)} bars")
