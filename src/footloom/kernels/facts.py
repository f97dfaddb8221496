"""What holds of a whole tape and decides how it may be folded: looked at once, columns never change."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import types

from footloom.core.trades import FLAG_NO_ID, I64, Trades
from footloom.kernels.jit import I64_IN, I64_OUT, INT, U8_IN, jit

__all__ = ("SEEN", "Facts", "facts", "in_order", "look", "once")


_FEW = 4_096  # rows that are looked at within microseconds
_BLOCK = 4_096  # rows that stay in the nearest cache while each column is looked at, one after the other
SEEN = 5


class Facts(NamedTuple):
    """Whether rows ascend in the ordering key (definitions 0.4), the largest quantity, every flag that a row bears.

    ``in_a_row`` says that each id is the one behind that of the row before.
    """

    ordered: bool
    max_qty_lot: int
    flags: int
    in_a_row: bool

    @classmethod
    def of(cls, seen: I64) -> Facts:
        """Return what `look` has found in a whole tape."""
        _, disorder, largest, flags, jumps = seen.tolist()
        return cls(not disorder, largest, flags, not jumps)


@jit(types.void(I64_IN, I64_IN, I64_IN, U8_IN, INT, I64_OUT))
def look(ts, trade_id, qty, flags, stop, seen):
    """Look at the rows up to ``stop`` that have not been looked at yet.

    ``seen`` int64 (`SEEN`,), zeros at the start: how many rows have been looked at; of them, whether one stands before
    its turn in the ordering key, the largest quantity, every flag, whether an id is not the one behind that before it.
    """
    one, block, at, end = np.uint64(1), np.uint64(_BLOCK), np.uint64(seen[0]), np.uint64(max(stop, seen[0]))
    disorder, largest, bits, steps = False, np.int64(seen[2]), np.uint8(0), True
    while at < end:
        until = min(at + block, end)
        for i in range(at, until):
            largest = max(largest, qty[i])
        for i in range(at, until):
            bits |= flags[i]
        for i in range(max(at, one), until):
            j = i - one
            disorder |= (ts[i] < ts[j]) | ((ts[i] == ts[j]) & (trade_id[i] < trade_id[j]))
            steps &= trade_id[i] - trade_id[j] == 1
        at = until
    seen[0] = np.int64(end)
    seen[1] |= np.int64(disorder)
    seen[2] = largest
    seen[3] |= np.int64(bits)
    seen[4] |= np.int64(not steps)


@jit(types.void(I64_IN, I64_IN, I64_IN, U8_IN, INT, I64_OUT), brief=True)
def _glance(ts, trade_id, qty, flags, stop, seen):
    look(ts, trade_id, qty, flags, stop, seen)


def facts(trades: Trades) -> Facts:
    """Return the facts of a tape; the second time they are remembered."""
    known = trades.noted
    if known.__class__ is not Facts:
        known = _of_one(trades) if len(trades) == 1 else _looked_at(trades)
        trades.note(known)
    return known


# Most commits of one symbol have one row.
def _of_one(trades: Trades) -> Facts:
    return Facts(ordered=True, max_qty_lot=trades.qty_lot.item(), flags=trades.flags.item(), in_a_row=True)


def _looked_at(trades: Trades) -> Facts:
    seen = np.zeros(SEEN, np.int64)
    take = _glance if len(trades) < _FEW else look
    take(trades.ts_exch_ns, trades.trade_id, trades.qty_lot, trades.flags, len(trades), seen)
    return Facts.of(seen)


def in_order(trades: Trades) -> Trades:
    """Return the rows in the ordering key of definitions 0.4; itself where they stand so already."""
    return trades if facts(trades).ordered else trades.take(trades.order())


def once(trades: Trades) -> Trades:
    """Return ordered rows without those whose id and time repeat the row before (definitions 0.4).

    Rows without ids are never told apart by content: all of them stay.
    """
    ts, ids = trades.ts_exch_ns, trades.trade_id
    again = (ts[1:] == ts[:-1]) & (ids[1:] == ids[:-1]) & ((trades.flags[1:] & FLAG_NO_ID) == 0)
    return trades.take(np.append(True, ~again)) if again.any() else trades
