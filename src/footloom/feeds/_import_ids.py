"""Which ids have been seen, as runs of consecutive ones: what is a duplicate, and what is missing.

Ids of a whole file are a handful of runs as a rule, so that a month of trades takes no memory. Rows may come in any
order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from footloom.core.trades import I64

__all__ = ("Hole", "IdRuns")

# One column a run: first and last id, and the time (ns) and line of each of the two.
_START, _END, _START_NS, _END_NS, _START_LINE, _END_LINE = range(6)


class Hole(NamedTuple):
    """Ids that are missing between two that are there."""

    after_id: int
    before_id: int
    from_ns: int
    to_ns: int
    after_line: int
    before_line: int

    @property
    def missing(self) -> int:
        """How many ids are missing."""
        return self.before_id - self.after_id - 1


class IdRuns:
    """The ids that have been seen so far.

    Examples
    --------
    >>> runs = IdRuns()
    >>> runs.add(np.array([5, 6, 9]), np.array([50, 60, 90]), np.array([1, 2, 3])).tolist()
    [False, False, False]
    >>> runs.add(np.array([6]), np.array([61]), np.array([4])).tolist(), [hole.missing for hole in runs.holes()]
    ([True], [2])
    """

    def __init__(self) -> None:
        self._runs = np.empty((6, 0), np.int64)
        self._new: list[NDArray[np.int64]] = []
        self._last = -1

    def add(self, ids: I64, ts_ns: I64, line: I64) -> NDArray[np.bool_]:
        """Take ids and return which of them had been seen before; of equal ones within, all but the first."""
        if not len(ids):
            return np.zeros(0, np.bool_)
        if ids[0] > self._last and bool((ids[1:] > ids[:-1]).all()):
            self._new.append(_runs_of(ids, ts_ns, line))
            self._last = int(ids[-1])
            return np.zeros(len(ids), np.bool_)
        return self._add_unordered(ids, ts_ns, line)

    def _add_unordered(self, ids: I64, ts_ns: I64, line: I64) -> NDArray[np.bool_]:
        runs = self.runs()
        order = np.argsort(ids, kind="stable")
        sorted_ids = ids[order]
        seen = np.concatenate([[False], sorted_ids[1:] == sorted_ids[:-1]])
        if runs.shape[1]:
            at = np.searchsorted(runs[_START], sorted_ids, side="right") - 1
            seen |= (at >= 0) & (sorted_ids <= runs[_END][np.maximum(at, 0)])
        fresh = order[~seen]
        if len(fresh):
            self._new.append(_runs_of(ids[fresh], ts_ns[fresh], line[fresh]))
            self._last = max(self._last, int(ids[fresh[-1]]))
        again = np.zeros(len(ids), np.bool_)
        again[order[seen]] = True
        return again

    def runs(self) -> NDArray[np.int64]:
        """Return the runs, ascending, int64 (6, n): first and last id, their times, their lines."""
        if self._new:
            every = np.concatenate([self._runs, *self._new], axis=1)
            every = every[:, np.argsort(every[_START], kind="stable")]
            heads = np.flatnonzero(np.concatenate([[True], every[_START][1:] != every[_END][:-1] + 1]))
            tails = np.append(heads[1:], every.shape[1]) - 1
            self._runs = every[:, heads].copy()
            self._runs[[_END, _END_NS, _END_LINE]] = every[:, tails][[_END, _END_NS, _END_LINE]]
            self._new = []
        return self._runs

    def holes(self) -> list[Hole]:
        """Return what is missing between the least and the greatest id, ascending."""
        runs = self.runs()
        left, right = runs[:, :-1], runs[:, 1:]
        columns = (left[_END], right[_START], left[_END_NS], right[_START_NS], left[_END_LINE], right[_START_LINE])
        return [Hole(*values) for values in zip(*(column.tolist() for column in columns), strict=True)]


def _runs_of(ids: I64, ts_ns: I64, line: I64) -> NDArray[np.int64]:
    heads = np.flatnonzero(np.concatenate([[True], ids[1:] != ids[:-1] + 1]))
    tails = np.append(heads[1:], len(ids)) - 1
    return np.stack([ids[heads], ids[tails], ts_ns[heads], ts_ns[tails], line[heads], line[tails]])
