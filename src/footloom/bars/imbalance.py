"""Imbalance bars: ``ib500`` ends when buys and sells are 500 trades apart (definitions 2.4).

``vib100`` weighs trades by quantity, ``qib1e6`` by quote value; ``ib`` alone is ``ib100``. A trade whose side nobody
states takes that of the tick rule. With ``-e`` the threshold follows the market: ``ib500-e2000`` begins with 500 and an
expectation of 2,000 trades a bar, and then takes the expected number of trades times the expected imbalance of one,
both running means of the session's bars (``-e`` alone expects 1,000 trades).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

import numpy as np

from footloom.bars._grammar import NUMBER, number, spelled, whole
from footloom.bars._sequential import Cut, Sequential
from footloom.bars._weights import WEIGHTS, check_count, threshold_units
from footloom.core.trades import I64, Trades
from footloom.errors import ConfigError
from footloom.kernels.imbalance_bars import IMBALANCE_MEMORY, imbalance_ends

__all__ = ("ImbalanceRule", "expected_threshold", "parse")

_TEXT = re.compile(rf"(?P<weight>[vq]?)ib(?P<threshold>{NUMBER})?(?P<expected>-e(?P<trades>{NUMBER})?)?")
_DEFAULT = "100"
_EXPECTED_TRADES = 1000
_MOST_TRADES = 10**12


@dataclass(frozen=True, slots=True)
class ImbalanceRule(Sequential):
    """A bar whose imbalance reaches ``threshold``, or what is expected: ``trades`` a bar at first, 0 for never."""

    weight: str
    threshold: Decimal
    trades: int
    MEMORY: ClassVar[int] = IMBALANCE_MEMORY

    def cut(self, trades: Trades, memory: I64) -> Cut:
        """See `Sequential.cut`; memory: that of `footloom.kernels.imbalance_bars`."""
        worth, first = threshold_units(self.weight, self.threshold, trades, self.text)
        ends = np.empty(len(trades) + 1, np.int64)
        columns = (trades.price_tick, worth, trades.qty_lot, trades.side)
        count = imbalance_ends(*columns, WEIGHTS[self.weight], first, self.trades, memory, ends)
        return trades, ends[:count].copy()


def expected_threshold(trades: Decimal, buys: Decimal) -> Decimal:
    """Return the imbalance that is expected of a bar of so many trades, of which the share ``buys`` are buys.

    Examples
    --------
    >>> expected_threshold(Decimal(10), Decimal("0.7"))
    Decimal('4.0')
    """
    return trades * abs(2 * buys - 1)


def parse(text: str) -> ImbalanceRule | None:
    """Return the rule that ``text`` spells, or None where it is no imbalance bar.

    Raises
    ------
    ConfigError
        It is an imbalance bar that cannot be: without a threshold, or with one that its trades cannot reach.
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        return None
    weight, given = match["weight"], match["threshold"]
    if given is None and weight:
        raise ConfigError(f"bars of {text} need a threshold: write {weight}ib1000, or any other number")
    given = given or _DEFAULT
    threshold = number(given, text)
    check_count(weight, given, text)
    trades, suffix = 0, ""
    if match["expected"]:
        trades = whole(match["trades"], text, "expected trades") if match["trades"] else _EXPECTED_TRADES
        suffix = "-e" + (spelled(trades) if trades != _EXPECTED_TRADES else "")
        if trades > _MOST_TRADES or (not weight and threshold > trades):
            raise ConfigError(
                f"bars of {text} cannot be: an imbalance of {spelled(threshold)} in {trades} expected trades; write "
                f"more trades behind -e ({_MOST_TRADES} at the most), or a lower threshold"
            )
    return ImbalanceRule(f"{weight}ib{spelled(threshold)}{suffix}", weight, threshold, trades)
