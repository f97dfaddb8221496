"""The two instruments of the simulated market and its grid."""

from __future__ import annotations

from decimal import Decimal

from footloom.core.instrument import Instrument

__all__ = ("FUT", "INSTRUMENTS", "PERP")

PERP = Instrument(
    venue="sim",
    symbol="PERP",
    tick_size=Decimal("0.5"),
    lot_size=Decimal("0.001"),
    base="SIM",
    quote="USD",
    calendar="crypto",
)
"""Every print with its true side, ids without a hole but for the feed's gaps."""

FUT = Instrument(
    venue="sim",
    symbol="FUT",
    tick_size=Decimal("0.5"),
    lot_size=Decimal("0.001"),
    base="SIM",
    quote="USD",
    calendar="crypto",
)
"""The same tape seen as three snapshots a second: sides have to be inferred (definitions 1.3)."""

INSTRUMENTS = (PERP, FUT)
