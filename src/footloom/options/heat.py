"""How open interest changed between its updates, by strike and time (definitions 7.1, 7.5)."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from footloom.core.snapshots import NO_QUOTE
from footloom.core.trades import I64
from footloom.options.chain import Board, Side

__all__ = ("Heat",)

_LEAST_STALE_NS: Final = 300_000_000_000
_CLIP: Final = 98  # percent of all changes that a colour scale shows apart


@dataclass(eq=False)
class Heat:
    """The steps of open interest between the instants of a board; every table is (instants, strikes)."""

    board: Board

    @functools.cached_property
    def stale_ns(self) -> int:
        """How old open interest may be: five minutes, or twice the usual time between two instants."""
        apart = np.diff(self.board.at_ns)
        return max(_LEAST_STALE_NS, 2 * int(np.median(apart)) if len(apart) else 0)

    def steps(self, side: Side) -> I64:
        """Return open interest less that of the instant before; `NO_QUOTE` where one of both is not known, or stale.

        A step never spans two days.
        """
        oi = self._fresh(side)
        found = np.full(oi.shape, NO_QUOTE, np.int64)
        if len(oi) > 1:
            before, now = oi[:-1], oi[1:]
            known = (before != NO_QUOTE) & (now != NO_QUOTE) & self._same_day[:, None]
            found[1:] = np.where(known, np.where(known, now, 0) - np.where(known, before, 0), NO_QUOTE)
        return found

    def held(self, side: Side) -> NDArray[np.bool_]:
        """Say where a value is known and nobody said it anew since the instant before."""
        times = self.board.times("oi_lot", side)
        held = np.zeros(times.shape, np.bool_)
        held[1:] = (times[1:] != NO_QUOTE) & (times[1:] <= self.board.at_ns[:-1, None])
        return held

    def clip(self, steps: I64) -> int | None:
        """Return what a colour scale of these steps reaches to on both sides; None where nothing is known or moves."""
        moved = np.abs(steps[(steps != NO_QUOTE) & (steps != 0)])
        return max(1, round(float(np.percentile(moved, _CLIP)))) if len(moved) else None

    @functools.cached_property
    def _same_day(self) -> NDArray[np.bool_]:
        days = self.board.at_days
        same: NDArray[np.bool_] = days[1:] == days[:-1]
        return same

    def _fresh(self, side: Side) -> I64:
        oi, times = self.board.values("oi_lot", side), self.board.times("oi_lot", side)
        known = times != NO_QUOTE
        old = self.board.at_ns[:, None] - np.where(known, times, 0) > self.stale_ns
        return np.where(known & ~old, oi, NO_QUOTE)
