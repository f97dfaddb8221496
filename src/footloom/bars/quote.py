"""Quote bars ("dollar bars"): ``1e6q`` ends with the trade that brings it to a value of 1,000,000 (definitions 2.4).

The value of a trade is price times quantity times the contract multiplier, in the quote currency; without the price
where the contract is inverse. Its size counts where a price is below zero. That trade stays whole; ``1e6q-split`` cuts
it at the smallest number of lots that reaches the value, and the rest goes to the next bars.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from footloom.bars._amounts import value_units
from footloom.bars._grammar import NUMBER, number, spelled
from footloom.bars._sequential import Cut, Sequential
from footloom.bars._split import split
from footloom.core.trades import I64, Trades
from footloom.kernels.sequential import value_ends

__all__ = ("QuoteRule", "parse")

_TEXT = re.compile(rf"(?P<value>{NUMBER})q(?P<split>-split)?")


@dataclass(frozen=True, slots=True)
class QuoteRule(Sequential):
    """A bar of a quote ``value``, overshot or cut."""

    value: Decimal
    split: bool

    def cut(self, trades: Trades, memory: I64) -> Cut:
        """See `Sequential.cut`; memory: what the lots of the open bar are worth."""
        worth, threshold = value_units(self.value, trades, self.text)
        if self.split:
            return split(trades, threshold, memory, self.text, worth)
        ends = np.empty(len(trades) + 1, np.int64)
        return trades, ends[: value_ends(worth, trades.qty_lot, threshold, memory, ends)].copy()


def parse(text: str) -> QuoteRule | None:
    """Return the rule that ``text`` spells, or None where it is no quote bar.

    Raises
    ------
    ConfigError
        It is a quote bar that cannot be: of no value.
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        return None
    value = number(match["value"], text)
    return QuoteRule(f"{spelled(value)}q{match['split'] or ''}", value, match["split"] is not None)
