"""Renko bars: ``ren10`` ends with the trade that completes a brick of 10 ticks; ``ren10-3`` turns by three bricks.

The first level is the session's first price. A brick on in the same direction needs one brick's height; one in the
other needs ``reversal`` heights (2 unless said) and is the last of them (definitions 2.4). A trade that completes
several bricks ends one bar: `bricks` gives them one by one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from footloom.bars._grammar import NUMBER, whole
from footloom.bars._sequential import Cut, Sequential
from footloom.core.trades import I64, Trades
from footloom.errors import ConfigError
from footloom.kernels.sequential import renko_ends

__all__ = ("Brick", "RenkoRule", "bricks", "parse")

_TEXT = re.compile(rf"ren(?P<ticks>{NUMBER})(?:-(?P<reversal>{NUMBER}))?")
_REVERSAL = 2
_HIGHEST, _MOST_REVERSAL = 2**40, 1000


class Brick(NamedTuple):
    """One brick: the number of the bar that ends with it, its levels in ticks, its direction (+1 or -1)."""

    bar: int
    open_tick: int
    close_tick: int
    direction: int


@dataclass(frozen=True, slots=True)
class RenkoRule(Sequential):
    """Bricks of ``ticks``; one against the last needs ``reversal`` heights."""

    ticks: int
    reversal: int
    MEMORY: ClassVar[int] = 3

    def cut(self, trades: Trades, memory: I64) -> Cut:
        """See `Sequential.cut`; memory: whether there is a level, the last brick's close, its direction."""
        ends, levels = np.empty((2, len(trades) + 1), np.int64)
        return trades, ends[: renko_ends(trades.price_tick, self.ticks, self.reversal, memory, ends, levels)].copy()


def bricks(price_tick: I64, ticks: int, reversal: int = _REVERSAL, start_tick: int | None = None) -> Iterator[Brick]:
    """Yield the bricks of one session's prices in order, those of one bar after another.

    Parameters
    ----------
    price_tick
        Prices of the trades, ticks, int64 (n,), in order.
    ticks, reversal
        A brick's height in ticks, at least 1; how many heights turn the direction, at least 1.
    start_tick
        The first level, ticks; the first price unless given.

    Examples
    --------
    >>> [tuple(brick)[1:] for brick in bricks(np.array([50, 53, 56, 51, 50]), 3)]
    [(50, 53, 1), (53, 56, 1), (53, 50, -1)]
    """
    if not len(price_tick):
        return
    level, way = int(price_tick[0]) if start_tick is None else start_tick, 0
    ends, levels = np.empty((2, len(price_tick) + 1), np.int64)
    count = renko_ends(price_tick, ticks, reversal, np.array([1, level, 0], np.int64), ends, levels)
    for bar, closed in enumerate(levels[:count].tolist()):
        turned = 1 if closed > level else -1
        if way == -turned:
            level += turned * (reversal - 1) * ticks
        for opened in range(level, closed, turned * ticks):
            yield Brick(bar, opened, opened + turned * ticks, turned)
        level, way = closed, turned


def parse(text: str) -> RenkoRule | None:
    """Return the rule that ``text`` spells, or None where it is no renko bar.

    Raises
    ------
    ConfigError
        It is a renko bar that cannot be: of no tick, or with a reversal below 1.
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        return None
    ticks = whole(match["ticks"], text, "ticks")
    reversal = whole(match["reversal"], text, "bricks") if match["reversal"] else _REVERSAL
    if ticks > _HIGHEST or reversal > _MOST_REVERSAL:
        raise ConfigError(
            f"bars of {text} cannot be: bricks are at most 2^40 ticks high and turn by {_MOST_REVERSAL} at the most"
        )
    return RenkoRule(f"ren{ticks}" + (f"-{reversal}" if reversal != _REVERSAL else ""), ticks, reversal)
