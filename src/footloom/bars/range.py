"""Range bars: ``r20`` is at most 20 ticks high (definitions 2.4).

A trade that would stretch a bar beyond that is the first of the next one. Where price jumps, nothing is put between.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from footloom.bars._grammar import NUMBER, whole
from footloom.bars._sequential import Cut, Sequential
from footloom.core.trades import I64, Trades
from footloom.kernels.sequential import range_ends

__all__ = ("RangeRule", "parse")

_TEXT = re.compile(rf"r(?P<ticks>{NUMBER})")


@dataclass(frozen=True, slots=True)
class RangeRule(Sequential):
    """A bar from whose low to whose high there are ``ticks`` at the most."""

    ticks: int
    MEMORY: ClassVar[int] = 3

    def cut(self, trades: Trades, memory: I64) -> Cut:
        """See `Sequential.cut`; memory: whether a bar is open, its low, its high."""
        ends = np.empty(len(trades) + 1, np.int64)
        return trades, ends[: range_ends(trades.price_tick, self.ticks, memory, ends)].copy()


def parse(text: str) -> RangeRule | None:
    """Return the rule that ``text`` spells, or None where it is no range bar.

    Raises
    ------
    ConfigError
        It is a range bar that cannot be: of no tick, or of half a tick.
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        return None
    ticks = whole(match["ticks"], text, "ticks")
    return RangeRule(f"r{ticks}", ticks)
