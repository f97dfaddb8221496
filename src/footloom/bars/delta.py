"""Delta bars: ``d500`` ends when bought and sold quantity are 500 apart (definitions 2.4)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from footloom.bars._amounts import lots
from footloom.bars._grammar import NUMBER, number, spelled
from footloom.bars._sequential import Cut, Sequential
from footloom.core.trades import I64, Trades
from footloom.kernels.sequential import delta_ends

__all__ = ("DeltaRule", "parse")

_TEXT = re.compile(rf"d(?P<quantity>{NUMBER})")


@dataclass(frozen=True, slots=True)
class DeltaRule(Sequential):
    """A bar whose delta reaches ``quantity``, up or down; volume of unknown side moves nothing."""

    quantity: Decimal

    def cut(self, trades: Trades, memory: I64) -> Cut:
        """See `Sequential.cut`; memory: the delta of the open bar, lots."""
        threshold = lots(self.quantity, trades, self.text)
        ends = np.empty(len(trades) + 1, np.int64)
        return trades, ends[: delta_ends(trades.qty_lot, trades.side, threshold, memory, ends)].copy()


def parse(text: str) -> DeltaRule | None:
    """Return the rule that ``text`` spells, or None where it is no delta bar.

    Raises
    ------
    ConfigError
        It is a delta bar that cannot be: of no delta.
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        return None
    quantity = number(match["quantity"], text)
    return DeltaRule(f"d{spelled(quantity)}", quantity)
