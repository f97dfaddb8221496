"""The range of a session's first minutes, as of each bar (definitions 4.7)."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from footloom.core.footprint import Footprint
from footloom.core.trades import I64
from footloom.kernels.opening import fill_opening
from footloom.studies._periods import Periods
from footloom.studies._study import NONE

__all__ = ("HeldRange", "Opening", "opening_range")

_NOTHING = (NONE, NONE, NONE, NONE, 0)


class HeldRange(msgspec.Struct, frozen=True):
    """The range so far and the session's own (high, low each, ticks), and whether the minutes are over."""

    values: tuple[int, int, int, int, int] = _NOTHING


@dataclass(frozen=True, slots=True, eq=False)
class Opening:
    """As of each bar: the range, what the session reached (ticks, int64), and whether the minutes are over."""

    high_tick: I64
    low_tick: I64
    session_high_tick: I64
    session_low_tick: I64
    complete: NDArray[np.bool_]

    @property
    def above(self) -> I64:
        """How far the session went above the finished range, ticks, at least 0; `NONE` without a range."""
        return self._beyond(self.session_high_tick - self.high_tick)

    @property
    def below(self) -> I64:
        """How far the session went below the finished range, ticks, at least 0; `NONE` without a range."""
        return self._beyond(self.low_tick - self.session_low_tick)

    def _beyond(self, far: I64) -> I64:
        return np.where(self.high_tick == NONE, NONE, np.where(self.complete, np.maximum(far, 0), 0))


def opening_range(footprint: Footprint, periods: Periods, minutes: int, held: HeldRange) -> tuple[Opening, HeldRange]:
    """Return the range of the first ``minutes`` of each session, and what to carry on.

    A bar counts to the range when its last trade lies within the minutes: with bars that divide them that is exact, and
    with others a bar across their end is left out.
    """
    bars = footprint.bars
    end_ns = np.where(periods.key == NONE, 0, periods.key) + minutes * 60 * 10**9
    inside = (bars.last_ns < end_ns) & periods.live
    over = (bars.close_ns >= end_ns) & (periods.key != NONE)
    carried = np.array(held.values, np.int64)
    out = np.empty((5, len(bars)), np.int64)
    flags = inside.astype(np.int64), over.astype(np.int64)
    fill_opening(periods.code, *flags, bars.high_tick, bars.low_tick, carried, out)
    high, low, session_high, session_low, complete = out
    after: tuple[int, int, int, int, int] = tuple(carried.tolist())
    return Opening(high, low, session_high, session_low, complete > 0), HeldRange(after)
