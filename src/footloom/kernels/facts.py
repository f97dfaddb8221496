"""What holds of a whole tape and decides how it may be folded: looked at once, columns never change."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import types

from footloom.core.trades import FLAG_NO_ID, Trades
from footloom.kernels.jit import I64_IN, INT, U8_IN, jit

__all__ = ("Facts", "facts", "in_order", "once")


_FEW = 4_096  # rows that are looked at within microseconds


class Facts(NamedTuple):
    """Whether rows ascend in the ordering key (definitions 0.4), the largest quantity, every flag that a row bears.

    ``in_a_row`` says that each id is the one behind that of the row before.
    """

    ordered: bool
    max_qty_lot: int
    flags: int
    in_a_row: bool


@jit(types.UniTuple(INT, 4)(I64_IN, I64_IN, I64_IN, U8_IN))
def _look(ts, trade_id, qty, flags):
    n = len(ts)
    disorder, largest, bits, steps = False, np.int64(0), np.uint8(0), True
    for i in range(n):
        largest = max(largest, qty[i])
    for i in range(n):
        bits |= flags[i]
    for i in range(1, n):
        disorder |= (ts[i] < ts[i - 1]) | ((ts[i] == ts[i - 1]) & (trade_id[i] < trade_id[i - 1]))
    for i in range(1, n):
        steps &= trade_id[i] - trade_id[i - 1] == 1
    return np.int64(not disorder), largest, np.int64(bits), np.int64(steps)


@jit(types.UniTuple(INT, 4)(I64_IN, I64_IN, I64_IN, U8_IN), brief=True)
def _glance(ts, trade_id, qty, flags):
    return _look(ts, trade_id, qty, flags)


def facts(trades: Trades) -> Facts:
    """Return the facts of a tape; the second time they are remembered."""
    known = trades.noted
    if known.__class__ is not Facts:
        look = _glance if len(trades) < _FEW else _look
        ordered, largest, bits, steps = look(trades.ts_exch_ns, trades.trade_id, trades.qty_lot, trades.flags)
        known = Facts(bool(ordered), int(largest), int(bits), bool(steps))
        trades.note(known)
    return known


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
