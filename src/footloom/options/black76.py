"""What an option on a forward is worth, how that changes, and which volatility a price implies (definitions 7.6).

European options, settled in cash, on the forward that their own prices imply. Everything takes numbers or columns,
float64, and gives columns of their common length; what cannot be is nan.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from footloom.kernels.black76 import HIGHEST_VOL, LOWEST_VOL, fill_greeks, fill_implied, fill_prices

__all__ = (
    "F64",
    "HIGHEST_VOL",
    "LOWEST_VOL",
    "Greeks",
    "forward_of",
    "greeks",
    "implied_forward",
    "implied_vol",
    "price",
)

F64 = NDArray[np.float64]
_NEAREST = 3


class Greeks(NamedTuple):
    """How a price changes, a column each (n,): by the forward, twice; by 1 % of volatility; in a calendar day."""

    delta: F64
    gamma: F64
    vega: F64
    theta: F64


def forward_of(spot: ArrayLike, years: ArrayLike, rate: ArrayLike, dividend: ArrayLike = 0.0) -> F64:
    """Return the forward of a spot price that pays ``dividend`` continuously."""
    spots, times, rates, paid = np.broadcast_arrays(*(np.asarray(c, np.float64) for c in (spot, years, rate, dividend)))
    carried: F64 = spots * np.exp((rates - paid) * times)
    return carried


# Columns of one length, as the kernels want them.
def _columns(*given: ArrayLike) -> list[F64]:
    columns = [np.asarray(column, np.float64) for column in given]
    shape = np.broadcast_shapes(*(column.shape for column in columns))
    return [np.array(np.broadcast_to(column, shape)).reshape(-1) for column in columns]


def price(
    forward: ArrayLike, strike: ArrayLike, years: ArrayLike, rate: ArrayLike, vol: ArrayLike, *, is_call: ArrayLike
) -> F64:
    """Return the price of options; their intrinsic value where no time or no volatility is left.

    ``years`` to expiry, ``rate`` and ``vol`` a year (0.12 is 12 %).
    """
    *columns, calls = _columns(forward, strike, years, rate, vol, is_call)
    out = np.empty(len(calls))
    fill_prices(*columns, calls > 0, out)
    return out


def greeks(
    forward: ArrayLike, strike: ArrayLike, years: ArrayLike, rate: ArrayLike, vol: ArrayLike, *, is_call: ArrayLike
) -> Greeks:
    """Return the Greeks of options; nan where no time or no volatility is left."""
    *columns, calls = _columns(forward, strike, years, rate, vol, is_call)
    out = np.empty((len(Greeks._fields), len(calls)))
    fill_greeks(*columns, calls > 0, out)
    return Greeks(*out)


def implied_vol(
    price: ArrayLike, forward: ArrayLike, strike: ArrayLike, years: ArrayLike, rate: ArrayLike, *, is_call: ArrayLike
) -> F64:
    """Return the volatility that a price implies, nan where none from `LOWEST_VOL` to `HIGHEST_VOL` does.

    So a price at or below the discounted intrinsic value, or at or above what no volatility exceeds, has none. Give
    the middle of bid and ask: the last trade may be old.
    """
    *columns, calls = _columns(price, forward, strike, years, rate, is_call)
    out = np.empty(len(calls))
    fill_implied(*columns, calls > 0, out)
    return out


def implied_forward(strike: ArrayLike, call: ArrayLike, put: ArrayLike, years: float, rate: float) -> float | None:
    """Return the forward at which calls and puts of one expiry are at par, ``K + e^(rT) (C - P)``; None without a pair.

    ``call`` and ``put`` are mid prices by strike, nan where one side has no quote. The median of the three strikes
    whose pair is closest: there both options are traded, and a stale quote stands alone.
    """
    strikes, calls, puts = _columns(strike, call, put)
    apart = np.abs(calls - puts)
    both = np.flatnonzero(np.isfinite(apart))
    nearest = both[np.argsort(apart[both], kind="stable")][:_NEAREST]
    if not len(nearest):
        return None
    return float(np.median(strikes[nearest] + np.exp(rate * years) * (calls[nearest] - puts[nearest])))
