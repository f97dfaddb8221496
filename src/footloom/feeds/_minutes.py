"""Recorded volume against the minute candles that a feed sends beside its snapshots, while it is recorded."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from footloom.core.messages import Tick
from footloom.core.trades import Trades

__all__ = ("MinuteCheck",)

_MINUTE_NS = 60 * 10**9
_REMEMBERED = 15  # minutes
_ENOUGH = 5  # fewer are chance: trades at the edge of a minute stand on either side of it
_ALERT = 0.01


class MinuteCheck:
    """Compares minute by minute; those that were not seen from their beginning are left out.

    ``ratio`` is the median of recorded volume by the feed's own, over the last minutes; None while these are few.
    """

    def __init__(self) -> None:
        self.ratio: float | None = None
        self._recorded: dict[int, int] = {}  # lots, by minute
        self._candles: dict[int, str] = {}  # units
        self._ratios: deque[float] = deque(maxlen=_REMEMBERED)
        self._whole_from: int | None = None
        self._told = False

    def interrupted(self) -> None:
        """Note that something was missed: the minutes under way are not compared."""
        self._recorded.clear()
        self._candles.clear()
        self._whole_from = None

    def add(self, ticks: Sequence[Tick], trades: Trades) -> str:
        """Take in what was heard and what was made of it; returns what a user has to know, "" mostly."""
        numbers, starts = np.unique(trades.ts_exch_ns // _MINUTE_NS, return_inverse=True)
        for number, lots in zip(numbers.tolist(), np.bincount(starts, trades.qty_lot).tolist(), strict=True):
            self._recorded[number] = self._recorded.get(number, 0) + int(lots)
        for tick in ticks:
            if tick.minute is not None:
                self._candles[tick.minute[0] // _MINUTE_NS] = tick.minute[1]
        if not self._candles:
            self._recorded.clear()
            return ""
        newest = max(self._candles)
        if self._whole_from is None:
            self._whole_from = newest + 1
        for number in sorted(one for one in self._candles if one < newest - 1):
            self._compare(number, trades.instrument.lot_size)
        for number in [one for one in self._recorded if one < newest - 1]:
            del self._recorded[number]
        return self._judge()

    def _compare(self, number: int, lot_size: Decimal) -> None:
        volume = Decimal(self._candles.pop(number) or 0)
        recorded = self._recorded.pop(number, 0) * lot_size
        if self._whole_from is not None and number >= self._whole_from and volume > 0:
            self._ratios.append(float(recorded / volume))
            self.ratio = statistics.median(self._ratios) if len(self._ratios) >= _ENOUGH else None

    def _judge(self) -> str:
        is_off = self.ratio is not None and abs(self.ratio - 1) > _ALERT
        text = ""
        if is_off and not self._told:
            text = (
                f"the volume recorded in the last {len(self._ratios)} minutes is {self.ratio:.3f} of what the feed's "
                "own minute candles say (median): sums of volume cannot be trusted, compare with footloom fetch"
            )
        self._told = is_off
        return text
