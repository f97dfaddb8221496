"""Rows that charts have read, kept decoded: the next chart of the same day is folded from them, and not read again."""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import numpy as np

from footloom.core.trades import Trades
from footloom.store import Coverage, Store

__all__ = ("MOST_BYTES", "KeptRows")

MOST_BYTES: Final = 160 * 2**20  # a day of 3 M trades takes 120 MB; a server of fifty symbols stays under 500
_MOST_DAYS: Final = 4  # longer ranges are read as they are: they would push everything else out

Read = Callable[[str, str, int, int], Trades]


class KeptRows:
    """Whole days of tapes, each as long as the store says that its content is the same.

    A day that is being recorded changes with every commit: it is read again, the days before it are not. Safe to call
    from any thread.

    Parameters
    ----------
    store
        Says what a day holds (`footloom.store.Coverage.content`).
    read
        Returns the rows of a key, tape and range ``[from_ns, to_ns)``, in time order.
    most_bytes
        What is kept at the most; the days that were asked for longest ago go first.
    """

    def __init__(self, store: Store, read: Read, most_bytes: int = MOST_BYTES) -> None:
        self._store = store
        self._read = read
        self._most_bytes = most_bytes
        self._days: OrderedDict[tuple[str, str, object], tuple[Coverage, Trades]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def held_bytes(self) -> int:
        """Bytes of the rows that are kept."""
        with self._lock:
            return sum(rows.nbytes for _, rows in self._days.values())

    def between(self, key: str, tape: str, from_ns: int, to_ns: int) -> Trades:
        """Return the rows of ``[from_ns, to_ns)``: the same as those of ``read``."""
        days = self._touched(key, tape, from_ns, to_ns)
        if not 1 <= len(days) <= _MOST_DAYS or not _follow(days):
            return self._read(key, tape, from_ns, to_ns)
        # What comes after the store was asked is the next reader's, as it is of any read.
        ends = [*(day.first_ns or 0 for day in days[1:]), max(to_ns, (days[-1].last_ns or 0) + 1)]
        pieces = [_cut(self._day(day, end_ns), from_ns, to_ns) for day, end_ns in zip(days, ends, strict=True)]
        found = [piece for piece in pieces if len(piece)] or pieces[:1]
        if len(found) == 1:
            return found[0]
        grid = self._store.grid(key, tape)  # each day was kept as it is: the tick may have changed between them
        return Trades.concat([piece.on_grid(grid) for piece in found])

    def _touched(self, key: str, tape: str, from_ns: int, to_ns: int) -> list[Coverage]:
        rows = [row for row in self._store.coverage(key) if row.tape == tape and row.first_ns is not None]
        within = [row for row in rows if (row.last_ns or 0) >= from_ns and (row.first_ns or 0) < to_ns]
        return sorted(within, key=lambda row: row.first_ns or 0)

    def _day(self, day: Coverage, end_ns: int) -> Trades:
        name = (day.key, day.tape, day.day)
        with self._lock:
            kept = self._days.get(name)
            if kept is not None and kept[0] == day:
                self._days.move_to_end(name)
                return kept[1]
        rows = self._read(day.key, day.tape, day.first_ns or 0, end_ns)
        if len(rows) == day.rows:  # else the store has moved on meanwhile
            self._keep(name, day, rows)
        return rows

    def _keep(self, name: tuple[str, str, object], day: Coverage, rows: Trades) -> None:
        with self._lock:
            self._days.pop(name, None)
            self._days[name] = (day, rows)
            held = sum(each.nbytes for _, each in self._days.values())
            while held > self._most_bytes and self._days:
                held -= self._days.popitem(last=False)[1][1].nbytes


# Rows are in time order, and days follow each other without rows in common.
def _follow(days: list[Coverage]) -> bool:
    return all((a.last_ns or 0) < (b.first_ns or 0) for a, b in itertools.pairwise(days))


def _cut(rows: Trades, from_ns: int, to_ns: int) -> Trades:
    lo, hi = np.searchsorted(rows.ts_exch_ns, (from_ns, to_ns))
    return rows if lo == 0 and hi == len(rows) else rows.take(slice(int(lo), int(hi)))
