"""Known answers to footloom's own functions: each adapter converts units and names, and computes nothing.

An adapter bears its concept's name; importing this package registers them all.
"""

from __future__ import annotations

from footloom.testing.adapters import auction, bars, inference, options, orders, profiles, sequential_bars, studies
from footloom.testing.adapters._units import ADAPTERS, Adapter

__all__ = (
    "ADAPTERS",
    "Adapter",
    "auction",
    "bars",
    "inference",
    "options",
    "orders",
    "profiles",
    "sequential_bars",
    "studies",
)
