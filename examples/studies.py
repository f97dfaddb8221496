"""What studies say of some hours: VWAP with its band, the profile so far, and the zones of stacked imbalances."""

from __future__ import annotations

import footloom as fl

trades = fl.load_trades("sim:PERP", "2026-03-02T00:00", "2026-03-02T06:00")
chart = fl.footprint(trades, bars="5m")
for row in chart.study("vwap", bands=(1.0, 2.0, 3.0)).rows()[-3:]:
    print(f"VWAP {row['vwap']:.2f}, one deviation {row['lower1']:.2f} to {row['upper1']:.2f}")
print(chart.study("developing_profile").rows()[-1])
for event in chart.study("stacked_zones", stack_n=3).events()[:4]:
    print(event)
print(fl.profile(trades, "2026-03-02T02:00", "2026-03-02T03:00", ticks_per_level=4))
