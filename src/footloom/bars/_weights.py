"""What a trade weighs in imbalance and run bars: one, its quantity, or its quote value."""

from __future__ import annotations

from decimal import Decimal

from footloom.bars._amounts import lots, value_units
from footloom.bars._grammar import whole
from footloom.core.trades import I64, Trades

__all__ = ("WEIGHTS", "check_count", "threshold_units")

WEIGHTS = {"": 0, "v": 1, "q": 2}  # the first letter of a spelling, and what the kernels call it


def check_count(weight: str, threshold: str, rule: str) -> None:
    """Raise `ConfigError` where trades are counted in parts."""
    if not weight:
        whole(threshold, rule, "trades")


def threshold_units(weight: str, threshold: Decimal, trades: Trades, rule: str) -> tuple[I64, int]:
    """Return what a lot of each trade is worth, and a threshold in what the kernels sum: trades, lots, or that worth.

    Raises
    ------
    ConfigError, DataError
        The exact sums of a bar do not fit 64 bits.
    """
    if weight == "q":
        return value_units(threshold, trades, rule)
    return trades.price_tick, lots(threshold, trades, rule) if weight == "v" else int(threshold)
