"""Where ids do not count up by one: bars that such a hole touches are not whole for certain (definitions 2.3)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from footloom.core.trades import FLAG_NO_ID, I64, Trades
from footloom.kernels.facts import facts

__all__ = ("Holes",)


class Holes:
    """The stretch from the first hole that still matters to the last, ns UTC."""

    def __init__(self) -> None:
        self._from_ns: int | None = None
        self._to_ns = 0

    @property
    def none(self) -> bool:
        """Whether there is none."""
        return self._from_ns is None

    def note(self, trades: Trades, last: tuple[int, int] | None) -> None:
        """Look at rows that follow those up to ``last`` (time and id of the newest)."""
        if not len(trades):
            return
        ids, times, known = trades.trade_id, trades.ts_exch_ns, facts(trades)
        before_ns, before_id = last if last is not None else (times.item(0), ids.item(0) - 1)
        if known.flags & FLAG_NO_ID:
            self._note(before_ns, times.item(-1))
            return
        if known.in_a_row and ids.item(0) - before_id == 1:
            return
        ids, times = np.concatenate([[before_id], ids]), np.concatenate([[before_ns], times])
        follows = ids[1:] - ids[:-1] == 1
        if not follows.all():
            holes = np.flatnonzero(~follows)
            self._note(int(times[holes[0]]), int(times[holes[-1] + 1]))

    def forget(self, before_ns: int) -> None:
        """Forget what lies before a time altogether: those bars are final."""
        if self._from_ns is not None and self._to_ns < before_ns:
            self._from_ns = None

    def spare(self, open_ns: I64, follows_ns: I64) -> NDArray[np.bool_]:
        """Say of each bar whether no hole lies between its open and the row that shows it to be over, bool (n,)."""
        if self._from_ns is None:
            return np.ones(len(open_ns), np.bool_)
        return ~((self._from_ns <= follows_ns) & (self._to_ns >= open_ns))

    def _note(self, from_ns: int, to_ns: int) -> None:
        self._from_ns = from_ns if self._from_ns is None else min(self._from_ns, from_ns)
        self._to_ns = max(self._to_ns, to_ns)
