"""How fast the tape runs: trades and volume a second, and against the bars before (definitions 3.5).

A time bar lasts until its close, so one that is not over yet reads low.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
import numpy as np
from numpy.typing import NDArray

from footloom.core.trades import I64
from footloom.studies._study import Answer, Output, Run

__all__ = ("OUTPUTS", "TITLE", "Params", "State", "duration_ns", "update", "warmup")

TITLE = "Tape speed"
OUTPUTS = (
    Output(name="trades", kind="line", unit="per_second", columns=("trades_per_s",), title="trades a second"),
    Output(name="volume", kind="line", unit="lot", columns=("volume_per_s",), title="volume a second"),
    Output(name="trades_ratio", kind="line", unit="ratio", columns=("trades_ratio",), title="trades against the mean"),
    Output(name="volume_ratio", kind="line", unit="ratio", columns=("volume_ratio",), title="volume against the mean"),
)

_SECOND_NS = 1_000_000_000
_LEAST_NS = 1_000_000  # what venues' clocks tell apart
_COUNTED = 3


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many bars before make the mean that a bar is held against; with fewer bars there is none."""

    window: Annotated[int, msgspec.Meta(ge=1, le=1_000, description="bars")] = 20


class State(msgspec.Struct, frozen=True):
    """Trades, lots and ns of the last ``window`` bars: int64 bytes, one row each."""

    recent: bytes = b""


def duration_ns(open_ns: I64, close_ns: I64) -> I64:
    """Return how long each bar lasts, ns, int64 (n_bars,): at least a millisecond, which clocks can tell apart."""
    lasts: I64 = np.maximum(close_ns - open_ns, _LEAST_NS)
    return lasts


def warmup(params: Params) -> int:
    """Return the bars behind the mean."""
    return params.window


def update(run: Run, params: Params, state: State) -> tuple[Answer, State]:
    """Return ``trades_per_s``, ``volume_per_s`` (lots), and both against their mean of the bars before, float64.

    The mean is of time, not of bars: what traded in the window by how long the window lasted.
    """
    bars = run.footprint.bars
    new = np.array([bars.trades, bars.volume_lot, duration_ns(bars.open_ns, bars.close_ns)], np.int64)
    table = np.concatenate([np.frombuffer(state.recent, np.int64).reshape(_COUNTED, -1), new], axis=1)
    first = table.shape[1] - len(run)
    trades, volume, ns = new
    speeds = {"trades_per_s": trades / (ns / _SECOND_NS), "volume_per_s": volume / (ns / _SECOND_NS)}
    before = _sums(table, first, params.window)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_trades, mean_volume = before[0] / before[2], before[1] / before[2]  # NaN: too few bars
    ratios = {"trades_ratio": trades / ns / mean_trades, "volume_ratio": volume / ns / mean_volume}
    kept = table[:, max(0, table.shape[1] - params.window) :]
    return Answer(bars={**speeds, **ratios}), State(kept.tobytes())


def _sums(table: NDArray[np.int64], first: int, window: int) -> NDArray[np.int64]:
    # Sums of the `window` bars before each bar from `first` on; 0 where there are not so many.
    total = np.concatenate([np.zeros((_COUNTED, 1), np.int64), np.cumsum(table, axis=1)], axis=1)
    out = np.zeros((_COUNTED, table.shape[1] - first), np.int64)
    start = max(first, window)
    stop = table.shape[1]
    if start < stop:
        out[:, start - first :] = total[:, start:stop] - total[:, start - window : stop - window]
    return out
