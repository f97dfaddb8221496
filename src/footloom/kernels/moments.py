"""Sums of price x volume and price squared x volume of each bar, exactly (definitions 4.4).

A day of spot Bitcoin overflows 64 bits tens of thousands of times over. So a sum is kept in lanes of 31 bits each: a
lane is an int64 to which 2^30 trades can add before it is full, lanes of neighbouring runs just add up, and only
whoever reads the sum puts them together (`whole`).
"""

from __future__ import annotations

import numpy as np
from numba import types
from numpy.typing import NDArray

from footloom.core.trades import I64, Trades
from footloom.errors import DataError
from footloom.kernels.jit import I64_IN, jit

__all__ = ("LANES", "moments", "whole")

LANES = ("pv0", "pv1", "pv2", "ppv0", "ppv1", "ppv2", "ppv3")
_BITS = 31
_MOST_TICKS = 1 << _BITS
_MOST_LOTS = 1 << 2 * _BITS


@jit(types.void(I64_IN, I64_IN, I64_IN, types.Array(types.int64, 2, "C")))
def _fill_moments(ends, tick, qty, out):
    mask = (1 << 31) - 1
    for bar in range(len(ends) - 1):
        p0 = p1 = p2 = s0 = s1 = s2 = s3 = 0
        for i in range(ends[bar], ends[bar + 1]):
            price = tick[i]
            sign = 1 if price >= 0 else -1
            price *= sign
            low, high = qty[i] & mask, qty[i] >> 31
            square_low, square_high = (price * price) & mask, (price * price) >> 31
            one, two = low * price, high * price
            p0 += sign * (one & mask)
            p1 += sign * ((one >> 31) + (two & mask))
            p2 += sign * (two >> 31)
            one, two, three, four = low * square_low, low * square_high, high * square_low, high * square_high
            s0 += one & mask
            s1 += (one >> 31) + (two & mask) + (three & mask)
            s2 += (two >> 31) + (three >> 31) + (four & mask)
            s3 += four >> 31
        out[0, bar], out[1, bar], out[2, bar] = p0, p1, p2
        out[3, bar], out[4, bar], out[5, bar], out[6, bar] = s0, s1, s2, s3


def moments(trades: Trades, ends: I64) -> dict[str, I64]:
    """Return the lanes of ``sum(p * v)`` and ``sum(p * p * v)`` of the trades ``ends[i] : ends[i + 1]`` of each bar.

    ``p`` in ticks, ``v`` in lots; columns int64 (n_bars,), named as `LANES`; they add up over parts of a bar.

    Raises
    ------
    DataError
        A price is beyond 2^31 ticks or a quantity beyond 2^62 lots.
    """
    if len(trades):
        ticks = max(int(trades.price_tick.max()), -int(trades.price_tick.min()))
        lots = int(trades.qty_lot.max())
        if ticks >= _MOST_TICKS or lots >= _MOST_LOTS:
            raise DataError(
                f"{trades.instrument.key} has a price of {ticks} ticks or a quantity of {lots} lots, too large for "
                "exact sums of price x volume (below 2^31 ticks and 2^62 lots): use a coarser tick or lot size"
            )
    out = np.zeros((len(LANES), len(ends) - 1), np.int64)
    _fill_moments(ends, trades.price_tick, trades.qty_lot, out)
    return dict(zip(LANES, out, strict=True))


def whole(lanes: list[I64]) -> NDArray[np.object_]:
    """Return the sums that lanes, lowest first, stand for: Python integers, (n_bars,)."""
    total = lanes[-1].astype(object)
    for lane in reversed(lanes[:-1]):
        total = (total << _BITS) + lane.astype(object)
    return total
