"""Bulk volume classification: how much of a bar was bought, guessed from its change of price (definitions 1.2).

Nothing is said of single trades. ``buy = volume * F(change / sigma)``: `BulkParams` says which distribution ``F`` is
and over which bars ``sigma`` is estimated. A resumable fold; only a ``sigma`` of the whole sample looks ahead, and says
so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import msgspec
import numpy as np
from numba import types
from numpy.typing import NDArray

from footloom.core.trades import I64
from footloom.errors import ConfigError
from footloom.kernels.fold_state import FoldState
from footloom.kernels.jit import I64_IN, INT, jit, part

__all__ = ("BulkParams", "BulkState", "BulkVolume", "bulk_share", "bulk_volume", "normal_cdf", "student_t_cdf")

F64 = NDArray[np.float64]
Cdf = Literal["normal", "student_t"]
STUDENT_DOF = 0.25
_FLOAT = types.float64
_F64_OUT = types.Array(types.float64, 1, "C")
_TERMS = 300
_PRECISION = 1e-16
_TINY = 1e-300


class BulkParams(msgspec.Struct, frozen=True, kw_only=True):
    """How a bar's volume is split.

    ``sigma`` is the standard deviation, weighted by volume, of the changes of the ``window`` bars up to and including
    the bar itself (``trailing``), or of all bars given (``whole_sample``: it looks ahead, so it is for one batch only).
    """

    cdf: Cdf = "normal"
    sigma: Literal["trailing", "whole_sample"] = "trailing"
    window: int = 50

    def __post_init__(self) -> None:
        if self.window < 1:
            raise ConfigError(f"window must be at least 1 bar, got {self.window}")

    @property
    def looks_ahead(self) -> bool:
        """Whether a bar's answer depends on bars that come later."""
        return self.sigma == "whole_sample"


class BulkState(FoldState, frozen=True, kw_only=True):
    """Where a fold stands: the last close, and changes and volumes of the bars that the next window holds."""

    WHAT: ClassVar[str] = "bulk volume"

    params: BulkParams
    close_tick: int | None = None
    change_tick: tuple[int, ...] = ()
    volume_lot: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class BulkVolume:
    """Guessed volume bought in each bar, lots, float64 (n,); the rest of the bar was sold.

    ``sigma_tick`` is what each bar's change was divided by, float64 (n,); NaN for the first bar of all, whose change
    nobody knows and which is split in halves. ``looks_ahead`` says that later bars have changed the answer.
    """

    buy_lot: F64
    sigma_tick: F64
    looks_ahead: bool
    state: BulkState | None


def normal_cdf(x: float) -> float:
    """Return the standard normal distribution function at ``x``; right to the last digits of a float.

    Examples
    --------
    >>> round(normal_cdf(0.5), 10)
    0.6914624613
    """
    return float(_normal(x))


def student_t_cdf(x: float, dof: float = STUDENT_DOF) -> float:
    """Return Student's distribution function at ``x``, by the regularised incomplete beta function.

    Its continued fraction is followed until a term changes nothing: the error is below 1e-12, absolute, for ``dof``
    from 0.05 to 100.

    Examples
    --------
    >>> student_t_cdf(1.0, dof=1)
    0.75
    """
    return float(_student_t(x, dof))


@part
def _normal_of(x):
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


@part
def _off_zero(x):
    return x if abs(x) > _TINY else _TINY


@part
def _fraction(a, b, x):
    # Lentz's way through the continued fraction of the incomplete beta function.
    c = 1.0
    d = 1.0 / _off_zero(1.0 - (a + b) * x / (a + 1.0))
    value = d
    for m in range(1, _TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        d = 1.0 / _off_zero(1.0 + even * d)
        c = _off_zero(1.0 + even / c)
        value *= d * c
        d = 1.0 / _off_zero(1.0 + odd * d)
        c = _off_zero(1.0 + odd / c)
        step = d * c
        value *= step
        if abs(step - 1.0) < _PRECISION:
            break
    return value


@part
def _student_of(x, dof):
    # The tail is half of I(dof / 2, 1 / 2) at `within`; its complement is computed by itself, so that no digits cancel.
    if x == 0.0:
        return 0.5
    a, b = dof / 2, 0.5
    square = x * x
    within, beyond = 1.0 / (1.0 + square / dof), 1.0 / (1.0 + dof / square)
    if within == 0.0 or beyond == 0.0:
        tail = 0.0 if within == 0.0 else 0.5
    else:
        front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
        front = math.exp(front + a * math.log(within) + b * math.log(beyond))
        if within < (a + 1.0) / (a + b + 2.0):
            tail = 0.5 * front * _fraction(a, b, within) / a
        else:
            tail = 0.5 - 0.5 * front * _fraction(b, a, beyond) / b
    return tail if x < 0 else 1.0 - tail


@jit(_FLOAT(_FLOAT))
def _normal(x):
    return _normal_of(x)


@jit(_FLOAT(_FLOAT, _FLOAT))
def _student_t(x, dof):
    return _student_of(x, dof)


@part
def _spread(change, volume, first, stop):
    # Standard deviation of the changes about their mean, both weighted by volume; two passes in one fixed order.
    total, mean, square = 0.0, 0.0, 0.0
    for i in range(first, stop):
        total += volume[i]
        mean += volume[i] * float(change[i])
    if total == 0.0:
        return 0.0
    mean /= total
    for i in range(first, stop):
        square += volume[i] * (change[i] - mean) ** 2
    return math.sqrt(square / total)


@jit(types.void(I64_IN, I64_IN, INT, INT, INT, _F64_OUT, _F64_OUT))
def _split(change, volume, kept, window, student, share, sigma):
    # `kept` changes of the chunk before come first. A window of 0 is the whole sample.
    whole = _spread(change, volume, 0, len(change)) if window == 0 else 0.0
    for bar in range(len(share)):
        stop = kept + bar + 1
        sigma[bar] = _spread(change, volume, max(0, stop - window), stop) if window else whole
        if sigma[bar] == 0.0:
            share[bar] = 0.5
            continue
        x = change[kept + bar] / sigma[bar]
        share[bar] = _student_of(x, STUDENT_DOF) if student else _normal_of(x)


def bulk_share(change: float, sigma: float, cdf: Cdf = "normal") -> float:
    """Return the share of a bar's volume that was bought, given its change of price; one half where ``sigma`` is 0."""
    if sigma == 0:
        return 0.5
    return normal_cdf(change / sigma) if cdf == "normal" else student_t_cdf(change / sigma)


def bulk_volume(
    close_tick: I64, volume_lot: I64, state: BulkState | None = None, params: BulkParams | None = None
) -> BulkVolume:
    """Split the volume of consecutive bars.

    Parameters
    ----------
    close_tick, volume_lot
        Close and volume of each bar, oldest first, int64 (n,).
    state
        What the bars before returned; None begins. Any chunking gives the same answer.
    params
        The settings; with a state, those that it was made with.

    Raises
    ------
    ConfigError
        The state was made with other settings, or a ``sigma`` of the whole sample was asked for in chunks.
    """
    params = (BulkParams() if state is None else state.params) if params is None else params
    state = BulkState(params=params) if state is None else state
    if params != state.params:
        raise ConfigError(f"this state was made with {state.params}, not {params}: keep the settings, or begin anew")
    if params.looks_ahead and state.close_tick is not None:
        raise ConfigError("a sigma of the whole sample looks ahead: give all bars at once, or take sigma trailing")
    close, volume = (np.ascontiguousarray(column, np.int64) for column in (close_tick, volume_lot))
    buy, sigma = np.full(len(close), 0.5), np.full(len(close), np.nan)
    if not len(close):
        return BulkVolume(buy, sigma, params.looks_ahead, state)
    known = [] if state.close_tick is None else [state.close_tick]
    new = 1 - len(known)  # the first bar of all has no change
    changes = np.diff(np.concatenate([np.array(known, np.int64), close]))
    changes = np.concatenate([np.array(state.change_tick, np.int64), changes])
    lots = np.concatenate([np.array(state.volume_lot, np.int64), volume[new:]])
    window = 0 if params.looks_ahead else params.window
    _split(changes, lots, len(state.change_tick), window, int(params.cdf == "student_t"), buy[new:], sigma[new:])
    keep = max(0, len(changes) - (params.window - 1))
    after = BulkState(
        params=params,
        close_tick=int(close[-1]),
        change_tick=tuple(changes[keep:].tolist()),
        volume_lot=tuple(lots[keep:].tolist()),
    )
    return BulkVolume(buy * volume, sigma, params.looks_ahead, None if params.looks_ahead else after)
