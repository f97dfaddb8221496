"""Aggressive orders from their fills, and the quantile that each is held against (definitions 6.7)."""

from __future__ import annotations

from numba import types

from footloom.core.trades import FLAG_NO_ID
from footloom.kernels.jit import I8_IN, I64_IN, I64_OUT, INT, U8_IN, jit, part

__all__ = ("ORDER_COLUMNS", "UNKNOWN", "join_orders", "trailing_quantile")

ORDER_COLUMNS = ("first", "trades", "side", "qty_lot", "first_tick", "last_tick", "levels", "beyond")
UNKNOWN = -1  # there are too few orders behind it for such a quantile
_TABLE = types.Array(types.int64, 2, "C")
_NO_ID = FLAG_NO_ID


@jit(INT(I64_IN, I64_IN, I64_IN, I8_IN, I64_IN, U8_IN, _TABLE))
def join_orders(ts, price, qty, side, trade_id, flags, out):
    """Write the orders of trades that ascend in the ordering key to ``out``, int64 (8, n_trades); return how many.

    Neighbours of one instant and one known side are of one order while the price does not improve for the taker and
    the ids, where there are any, are consecutive. ``first`` is the index of its first trade; ``beyond`` the sum of lots
    times ticks away from its first price, which gives the exact average.
    """
    count = -1
    for i in range(len(ts)):
        joins = False
        if i > 0 and side[i] != 0 and side[i] == side[i - 1] and ts[i] == ts[i - 1]:
            named = flags[i] & _NO_ID == 0 and flags[i - 1] & _NO_ID == 0
            joins = (price[i] - price[i - 1]) * side[i] >= 0 and (not named or trade_id[i] == trade_id[i - 1] + 1)
        if not joins:
            count += 1
            out[0, count], out[1, count], out[2, count], out[3, count] = i, 1, side[i], qty[i]
            out[4, count], out[5, count], out[6, count], out[7, count] = price[i], price[i], 1, 0
        else:
            out[1, count] += 1
            out[3, count] += qty[i]
            out[6, count] += price[i] != out[5, count]
            out[5, count] = price[i]
            out[7, count] += qty[i] * (price[i] - out[4, count])
    return count + 1


@part
def _place(values, wanted):
    # Where a value stands that is known to be there.
    low, high = 0, len(values)
    while low < high:
        middle = (low + high) >> 1
        if values[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low


@jit(types.void(I64_IN, I64_IN, INT, INT, INT, INT, I64_IN, I64_OUT, I64_OUT))
def trailing_quantile(ts, qty, start, span_ns, top, bottom, values, counts, out):
    """Write for the orders from ``start`` on the quantile ``top / bottom`` of those of the ``span_ns`` before each.

    ``ts`` ascends, and the orders before ``start`` are of earlier instants. ``values`` are all quantities that occur,
    ascending; ``counts`` says how often each does before ``start``, and is worked in. The quantile is the smallest
    quantity that at least that share of the orders does not exceed; `UNKNOWN` while the share leaves less than one
    order above. Orders of one instant do not count for each other.
    """
    total, below, at = start, 0, 0  # `below`: orders of less than values[at]
    oldest, newest = 0, start
    for i in range(start, len(ts)):
        while newest < i and ts[newest] < ts[i]:
            place = _place(values, qty[newest])
            counts[place] += 1
            total += 1
            below += place < at
            newest += 1
        while oldest < newest and ts[oldest] < ts[i] - span_ns:
            place = _place(values, qty[oldest])
            counts[place] -= 1
            total -= 1
            below -= place < at
            oldest += 1
        if total * (bottom - top) < bottom:
            out[i - start] = UNKNOWN
            continue
        rank = (total * top + bottom - 1) // bottom
        while below >= rank:
            at -= 1
            below -= counts[at]
        while below + counts[at] < rank:
            below += counts[at]
            at += 1
        out[i - start] = values[at]
