"""Trade bars: ``500t`` ends with its 500th trade (definitions 2.4)."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from footloom.bars._grammar import NUMBER, whole
from footloom.bars._sequential import Cut, Sequential
from footloom.core.trades import I64, Trades

__all__ = ("TradeCountRule", "parse")

_TEXT = re.compile(rf"(?P<count>{NUMBER})t")


@dataclass(frozen=True, slots=True)
class TradeCountRule(Sequential):
    """A bar of ``count`` trades."""

    count: int

    def cut(self, trades: Trades, memory: I64) -> Cut:
        """See `Sequential.cut`; memory: the trades of the open bar."""
        ends = np.arange(self.count - int(memory[0]), len(trades) + 1, self.count, dtype=np.int64)
        memory[0] = (memory[0] + len(trades)) % self.count
        return trades, ends


def parse(text: str) -> TradeCountRule | None:
    """Return the rule that ``text`` spells, or None where it is no trade bar.

    Raises
    ------
    ConfigError
        It is a trade bar that cannot be: of no trades, or of half a trade.
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        return None
    count = whole(match["count"], text, "trades")
    return TradeCountRule(f"{count}t", count)
