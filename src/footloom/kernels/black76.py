"""Black-76 on columns: price, Greeks and implied volatility (definitions 7.6).

Everything is undiscounted inside and scaled by sqrt(F K), with ``x = ln(F / K)`` and ``s = vol * sqrt(years)``; only
the option that is out of the money is computed, the other one follows by parity.
"""

from __future__ import annotations

import math

import numpy as np
from numba import types

from footloom.kernels.jit import jit, part

__all__ = ("HIGHEST_VOL", "LOWEST_VOL", "fill_greeks", "fill_implied", "fill_prices")

LOWEST_VOL, HIGHEST_VOL = 0.005, 5.0  # between them a volatility is looked for
_F64_IN = types.Array(types.float64, 1, "C", readonly=True)
_F64_OUT = types.Array(types.float64, 1, "C")
_F64_2D = types.Array(types.float64, 2, "C")
_BOOL_IN = types.Array(types.boolean, 1, "C", readonly=True)
_ROOT_HALF, _PER_ROOT_TAU = math.sqrt(0.5), 1.0 / math.sqrt(2.0 * math.pi)
_STEPS = 64  # a bracket that is halved so often holds one number
_DAYS = 365.0
_DIGIT = 1e-15  # some units of a float64's last digit, of 1
_LEAST = 2.3e-308  # below it a float64 has few digits left, and a price says nothing


@part
def _normal(x):
    return 0.5 * math.erfc(-x * _ROOT_HALF)


@part
def _density(x):
    return _PER_ROOT_TAU * math.exp(-0.5 * x * x)


@part
def _scaled(x, s):
    # The option that is out of the money, x <= 0, over sqrt(F K).
    return math.exp(0.5 * x) * _normal(x / s + 0.5 * s) - math.exp(-0.5 * x) * _normal(x / s - 0.5 * s)


@part
def _is_sound(forward, strike, years):
    return forward > 0.0 and strike > 0.0 and years > 0.0 and forward < np.inf and strike < np.inf and years < np.inf


@jit(types.void(_F64_IN, _F64_IN, _F64_IN, _F64_IN, _F64_IN, _BOOL_IN, _F64_OUT))
def fill_prices(forward, strike, years, rate, vol, is_call, out):
    """Write the price of each option; nan where a number can be none, the intrinsic value where nothing can move."""
    for i in range(len(out)):
        f, k, t, v = forward[i], strike[i], years[i], vol[i]
        out[i] = np.nan
        if not (f > 0.0 and k > 0.0 and f < np.inf and k < np.inf and t >= 0.0 and v >= 0.0):
            continue
        s = v * math.sqrt(t)
        outside = math.sqrt(f * k) * _scaled(-abs(math.log(f / k)), s) if s > 0.0 else 0.0
        inside = f - k if is_call[i] else k - f
        out[i] = math.exp(-rate[i] * t) * (outside + max(inside, 0.0))


@jit(types.void(_F64_IN, _F64_IN, _F64_IN, _F64_IN, _F64_IN, _BOOL_IN, _F64_2D))
def fill_greeks(forward, strike, years, rate, vol, is_call, out):
    """Write delta, gamma, vega of 1 % and theta of a day into the rows of ``out``; nan without time or volatility."""
    for i in range(out.shape[1]):
        f, k, t, v = forward[i], strike[i], years[i], vol[i]
        out[:, i] = np.nan
        if not (_is_sound(f, k, t) and v > 0.0):
            continue
        root = math.sqrt(t)
        one = math.log(f / k) / (v * root) + 0.5 * v * root
        two = one - v * root
        left = math.exp(-rate[i] * t)
        side = 1.0 if is_call[i] else -1.0
        price = left * side * (f * _normal(side * one) - k * _normal(side * two))
        out[0, i] = side * left * _normal(side * one)
        out[1, i] = left * _density(one) / (f * v * root)
        out[2, i] = 0.01 * f * left * _density(one) * root
        # The forward stands still while the day passes: what is left of time value goes, and the discount with it.
        out[3, i] = (rate[i] * price - 0.5 * f * left * _density(one) * v / root) / _DAYS


@part
def _solved(x, scaled, low, high):
    # s with _scaled(x, s) = scaled. The logarithm of the price is increasing and concave in s: Newton's step from below
    # never goes too far, and what leaves the bracket is halved instead.
    target = math.log(scaled)
    s = min(max(math.sqrt(2.0 * abs(x)), low), high)  # the inflection of the price
    for _ in range(_STEPS):
        value = _scaled(x, s)
        error = math.log(value) - target if value > 0.0 else -np.inf
        if error == 0.0:
            return s
        if error < 0.0:
            low = s
        else:
            high = s
        following = 0.5 * (low + high)
        if value > 0.0:
            slope = _density(x / s + 0.5 * s) * math.exp(0.5 * x) / value
            stepped = s - error / slope if slope > 0.0 else following
            if stepped > low and stepped < high:
                following = stepped
            elif abs(stepped - s) <= 1e-15 * s:
                return s
        if following == s or high - low <= 2e-16 * high:
            return following
        s = following
    return s


@jit(types.void(_F64_IN, _F64_IN, _F64_IN, _F64_IN, _F64_IN, _BOOL_IN, _F64_OUT))
def fill_implied(price, forward, strike, years, rate, is_call, out):
    """Write the volatility at which Black-76 gives a price; nan where there is none between the two bounds."""
    for i in range(len(out)):
        f, k, t = forward[i], strike[i], years[i]
        out[i] = np.nan
        if not _is_sound(f, k, t):
            continue
        inside = f - k if is_call[i] else k - f
        scale, x, root = math.sqrt(f * k), -abs(math.log(f / k)), math.sqrt(t)
        undiscounted = price[i] * math.exp(rate[i] * t)
        worth = undiscounted - max(inside, 0.0)
        if not worth > _DIGIT * undiscounted:  # at the intrinsic value, as far as a float64 tells
            continue
        scaled = worth / scale
        if scaled > _LEAST and scaled >= _scaled(x, LOWEST_VOL * root) and scaled <= _scaled(x, HIGHEST_VOL * root):
            out[i] = _solved(x, scaled, LOWEST_VOL * root, HIGHEST_VOL * root) / root
