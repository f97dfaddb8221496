"""Run bars: ``rb500`` ends when its buys or its sells reach 500 trades (definitions 2.4).

``vrb100`` weighs trades by quantity, ``qrb1e6`` by quote value. A trade whose side nobody states takes that of the
tick rule.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

import numpy as np

from footloom.bars._grammar import NUMBER, number, spelled
from footloom.bars._sequential import Cut, Sequential
from footloom.bars._weights import WEIGHTS, check_count, threshold_units
from footloom.core.trades import I64, Trades
from footloom.kernels.imbalance_bars import run_ends

__all__ = ("RunRule", "parse")

_TEXT = re.compile(rf"(?P<weight>[vq]?)rb(?P<threshold>{NUMBER})")


@dataclass(frozen=True, slots=True)
class RunRule(Sequential):
    """A bar of which one side reaches ``threshold``."""

    weight: str
    threshold: Decimal
    MEMORY: ClassVar[int] = 5

    def cut(self, trades: Trades, memory: I64) -> Cut:
        """See `Sequential.cut`; memory: that of `footloom.kernels.imbalance_bars`."""
        worth, threshold = threshold_units(self.weight, self.threshold, trades, self.text)
        ends = np.empty(len(trades) + 1, np.int64)
        columns = (trades.price_tick, worth, trades.qty_lot, trades.side)
        return trades, ends[: run_ends(*columns, WEIGHTS[self.weight], threshold, memory, ends)].copy()


def parse(text: str) -> RunRule | None:
    """Return the rule that ``text`` spells, or None where it is no run bar.

    Raises
    ------
    ConfigError
        It is a run bar that cannot be: without a threshold, or of half a trade.
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        return None
    threshold = number(match["threshold"], text)
    check_count(match["weight"], match["threshold"], text)
    return RunRule(f"{match['weight']}rb{spelled(threshold)}", match["weight"], threshold)
