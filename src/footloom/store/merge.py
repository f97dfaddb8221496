"""Rows of several origins as one tape: ordered as definitions 0.4 says, and each of them once.

Two rows with the same venue id are one trade that was seen twice. The better witness stands for it: a row that was
heard live before one that was fetched later, one with a receipt time before one without, the earlier receipt before the
later. So the answer does not depend on what was stored first.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from footloom.core.trades import FLAG_BACKFILLED, FLAG_NO_RECV, I64
from footloom.store.columns import Columns, Form, has_id, length, take

__all__ = ("NEEDED", "Merged", "Met", "in_order", "meet", "merge")

NEEDED = frozenset(("ts_exch_ns", "trade_id", "ts_recv_ns", "flags"))  # what telling trades apart takes
_FACTS = ("ts_exch_ns", "price_tick", "qty_lot", "side")


class Merged(NamedTuple):
    """Rows in order, each once; how many others were dropped, and how many of those disagreed."""

    columns: Columns
    duplicates: int
    conflicts: int


class Met(NamedTuple):
    """New rows beside stored ones: which of the new are kept, and what the others were.

    ``hidden`` counts stored rows that a kept new row stands before.
    """

    keep: NDArray[np.bool_]
    duplicates: int
    conflicts: int
    hidden: int


def in_order(form: Form, columns: Columns) -> bool:
    """Say whether rows stand in the ordering key."""
    time = columns[form.time]
    later = time[1:] > time[:-1]
    if later.all():
        return True
    same = time[1:] == time[:-1]
    if form.numbered:
        ids = columns["trade_id"]
        same &= ids[1:] >= ids[:-1]
    return bool((later | same).all())


def merge(form: Form, columns: Columns) -> Merged:
    """Return rows, given in arrival order, in the ordering key and each once."""
    duplicates = conflicts = 0
    if form.numbered:
        columns, duplicates, conflicts = _once(columns)
    if not in_order(form, columns):
        # Both sorts are stable: rows that are equal in the key stay in arrival order.
        keys = (columns["trade_id"], columns[form.time]) if form.numbered else (columns[form.time],)
        columns = take(columns, np.lexsort(keys))
    return Merged(columns, duplicates, conflicts)


def _once(columns: Columns) -> Merged:
    numbered = np.flatnonzero(has_id(columns))
    ids = columns["trade_id"][numbered]
    if (ids[1:] > ids[:-1]).all():
        return Merged(columns, 0, 0)
    rows = numbered[np.lexsort((*_witness(columns, numbered), ids))]  # by id, the best witness first
    ids = columns["trade_id"][rows]
    again = np.concatenate([[False], ids[1:] == ids[:-1]])
    if not again.any():
        return Merged(columns, 0, 0)
    best = rows[np.flatnonzero(~again)[np.cumsum(~again) - 1]]  # for each row, the one that stands for its trade
    conflicts = _differ(columns, rows, columns, best)
    keep = np.ones(length(columns), np.bool_)
    keep[rows[again]] = False
    return Merged(take(columns, keep), int(again.sum()), int(conflicts.sum()))


# Sort keys of rows, the least significant first: the better witness is the smaller.
def _witness(columns: Columns, rows: I64) -> tuple[I64, I64]:
    flags = columns["flags"][rows]
    rank = 2 * ((flags & FLAG_NO_RECV) != 0).astype(np.int64) + ((flags & FLAG_BACKFILLED) != 0)
    return columns["ts_recv_ns"][rows], rank


def _differ(left: Columns, left_rows: I64, right: Columns, right_rows: I64) -> NDArray[np.bool_]:
    wrong = np.zeros(len(left_rows), np.bool_)
    for name in _FACTS:
        if name in left and name in right:
            wrong |= left[name][left_rows] != right[name][right_rows]
    return wrong


def meet(new: Columns, stored: Columns) -> Met:
    """Compare new rows with stored rows of the same grid, each once in itself, by id.

    A new row is a duplicate where a stored row with its id is as good a witness or better; where the new one is better
    it is kept, and hides the stored one.
    """
    keep = np.ones(length(new), np.bool_)
    new_rows, old_rows = np.flatnonzero(has_id(new)), np.flatnonzero(has_id(stored))
    _, in_new, in_old = np.intersect1d(
        new["trade_id"][new_rows], stored["trade_id"][old_rows], assume_unique=True, return_indices=True
    )
    new_rows, old_rows = new_rows[in_new], old_rows[in_old]
    new_recv, new_rank = _witness(new, new_rows)
    old_recv, old_rank = _witness(stored, old_rows)
    better = (new_rank < old_rank) | ((new_rank == old_rank) & (new_recv < old_recv))
    keep[new_rows[~better]] = False
    return Met(
        keep,
        duplicates=len(new_rows),
        conflicts=int(_differ(new, new_rows, stored, old_rows).sum()),
        hidden=int(better.sum()),
    )
