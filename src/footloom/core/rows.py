"""Prices to rows (definitions 2.2): floor on integer ticks; other programs' roundings to read their files."""

from __future__ import annotations

from typing import Literal

import numpy as np

from footloom.core.trades import I64
from footloom.errors import ConfigError

__all__ = ("Rounding", "rows_of")

Rounding = Literal["floor", "half_up", "half_even"]


def rows_of(price_tick: I64, ticks_per_level: int, rounding: Rounding = "floor") -> I64:
    """Return the row of each price, int64, same shape.

    ``floor`` is the rule of every footprint here: rows are evenly wide and regrouping is exact. ``half_up`` (evenly
    wide, shifted by half a row) and ``half_even`` (rows alternate in width, which turns flat volume into a sawtooth)
    are what other programs write.

    Examples
    --------
    >>> rows_of(np.array([3, 4, 5]), 2, "half_even").tolist()
    [2, 2, 2]
    """
    if ticks_per_level < 1:
        raise ConfigError(f"ticks_per_level must be a whole number of at least 1, got {ticks_per_level}")
    price = np.asarray(price_tick, np.int64)
    if rounding == "floor":
        return price // ticks_per_level
    row = (2 * price + ticks_per_level) // (2 * ticks_per_level)
    if rounding == "half_even":
        halves = 2 * price - (2 * row - 1) * ticks_per_level == 0
        row = row - (halves & (row % 2 != 0))
    return row
