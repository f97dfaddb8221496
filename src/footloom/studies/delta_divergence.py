"""A new high on falling delta, or a new low on rising delta, within one bar (definitions 3.4)."""

from __future__ import annotations

from typing import Annotated

import msgspec
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from footloom.core.trades import I64
from footloom.studies._study import Answer, Output, Run

__all__ = ("OUTPUTS", "TITLE", "Params", "State", "delta_divergence", "update", "warmup")

TITLE = "Delta divergence"
OUTPUTS = (
    Output(name="signal", kind="column", unit="side", columns=("signal",), title="bullish +1, bearish -1"),
    Output(name="mark", kind="marker", unit="tick", columns=("extreme_tick",), title="new low or high"),
    Output(name="side", kind="marker", unit="side", columns=("side",), title="bullish +1, bearish -1"),
)


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A high is new above all of the ``n`` bars before, a low below them; the first ``n`` bars say nothing."""

    n: Annotated[int, msgspec.Meta(ge=1, le=500, description="bars before")] = 4


class State(msgspec.Struct, frozen=True):
    """Highs and lows of the last ``n`` bars, ticks."""

    high_tick: tuple[int, ...] = ()
    low_tick: tuple[int, ...] = ()


def delta_divergence(high_tick: I64, low_tick: I64, delta_lot: I64, n: int) -> NDArray[np.int8]:
    """Return +1 (bullish), -1 (bearish) or 0 for each of the last bars, int8 (n_deltas,).

    ``high_tick`` and ``low_tick`` int64 may begin earlier than ``delta_lot``: with up to ``n`` bars before.

    Examples
    --------
    >>> high, low = np.array([20, 18, 16, 18, 15]), np.array([18, 16, 14, 16, 13])
    >>> delta_divergence(high, low, np.array([1, -2, -3, 1, 4]), 4).tolist()
    [0, 0, 0, 0, 1]
    """
    signal = np.zeros(len(delta_lot), np.int8)
    count = min(len(delta_lot), len(high_tick) - n)
    if count <= 0:
        return signal
    first = len(high_tick) - count  # the first bar with n before it
    before = slice(first - n, len(high_tick) - 1)
    new_high = high_tick[first:] > sliding_window_view(high_tick[before], n).max(axis=1)
    new_low = low_tick[first:] < sliding_window_view(low_tick[before], n).min(axis=1)
    delta = delta_lot[len(delta_lot) - count :]
    signal[len(delta_lot) - count :] = (new_low & (delta > 0)).astype(np.int8) - (new_high & (delta < 0))
    return signal


def warmup(params: Params) -> int:
    """Return the bars that a high is compared with."""
    return params.n


def update(run: Run, params: Params, state: State) -> tuple[Answer, State]:
    """Return ``signal`` of every bar, int8, and an event for each with its extreme; known at the bar's close."""
    bars = run.footprint.bars
    high = np.concatenate([np.array(state.high_tick, np.int64), bars.high_tick])
    low = np.concatenate([np.array(state.low_tick, np.int64), bars.low_tick])
    signal = delta_divergence(high, low, bars.delta_lot, params.n)
    at = np.flatnonzero(signal)
    side = signal[at]
    extreme = np.where(side > 0, bars.low_tick[at], bars.high_tick[at])
    after = State(tuple(high[-params.n :].tolist()), tuple(low[-params.n :].tolist()))
    return Answer(bars={"signal": signal}, events={"bar": at, "side": side, "extreme_tick": extreme}), after
