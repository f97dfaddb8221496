"""What a bar is read by of the final bars before it: the running delta, and the cells behind its minimum volume."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from footloom.core.footprint import Footprint
from footloom.core.sessions import Calendar
from footloom.core.trades import I64, Trades
from footloom.engine.build import study
from footloom.engine.frame import ChartFrame
from footloom.engine.open_bar import OpenBar, cells_of
from footloom.engine.spec import ChartSpec
from footloom.studies import cvd, imbalance

__all__ = ("Behind",)

_WINDOW = imbalance.WINDOW


class Behind:
    """The final bars that were followed so far, as far as later ones depend on them; ``like`` is the last of them."""

    def __init__(self, spec: ChartSpec, market: Calendar) -> None:
        self._spec = spec
        self._imbalance, self._cvd = spec.imbalance, spec.cvd
        self._market = market
        self.forget()

    def forget(self) -> None:
        """Stand before the first bar."""
        self.like: ChartFrame | None = None
        self._carry: cvd.Carry | None = None
        self._offset: I64 = np.zeros(1, np.int64)  # levels of the last bars: where each begins, and the end
        self._lots: NDArray[np.int64] = np.empty((2, 0), np.int64)  # buys and sells of these levels
        self._next: I64 | None = None  # the minimum volume of the bar behind them

    def follow(self, frame: ChartFrame) -> None:
        """Take in final bars, at least one."""
        offset, lots = cells_of(frame, _WINDOW)
        drop = max(0, len(self._offset) + len(offset) - 2 - _WINDOW)
        begin = int(self._offset[drop])
        self._offset = np.concatenate((self._offset[drop:-1] - begin, offset + (self._offset[-1] - begin)))
        self._lots = np.concatenate((self._lots[:, begin:], lots), axis=1)
        self._next = None
        self._carry = cvd.Carry(*frame.cvd_end)
        self.like = frame if len(frame) == 1 else frame.slice(len(frame) - 1, len(frame)).apart()

    def study(self, bars: Footprint) -> ChartFrame:
        """Return the studies of the bars behind those."""
        return study(bars, self._spec, self._least(bars), self._carry)

    def _least(self, bars: Footprint) -> I64:
        if len(bars) == 1:
            return self._least_of_next()
        levels = bars.levels
        offset = np.concatenate((self._offset, bars.level_offset[1:] + self._offset[-1]))
        buy, sell = (np.concatenate(both) for both in zip(self._lots, (levels.buy_lot, levels.sell_lot), strict=True))
        return imbalance.min_volume_of(offset, buy, sell, self._imbalance, first=len(self._offset) - 1)

    # It depends on earlier bars only: while one bar is open it stands.
    def _least_of_next(self) -> I64:
        if self._next is None:
            offset = np.append(self._offset, self._offset[-1])
            buy, sell = self._lots
            self._next = imbalance.min_volume_of(offset, buy, sell, self._imbalance, first=len(offset) - 2)
        return self._next

    def begun(self, trades: Trades, edges_ns: tuple[int, int], flags: int) -> OpenBar:
        """Return the bar behind those that trades begin (`OpenBar.begun`)."""
        assert self.like is not None
        sums = cvd.continued(edges_ns[0], self._market, self._cvd, self._carry)
        before = (sums.cvd_lot, sums.anchor_ns, self._least_of_next().item())
        return OpenBar.begun(self.like, trades, edges_ns, flags, before)
