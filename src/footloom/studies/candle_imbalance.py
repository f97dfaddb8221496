"""Imbalance of a whole bar, the "fire" of simpler tables, and several in a row (definitions 5.4)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from footloom.core.footprint import Bars
from footloom.core.trades import I64
from footloom.kernels.medians import fill_medians
from footloom.studies._study import Answer, Output, Run

__all__ = ("OUTPUTS", "TITLE", "WINDOW", "Params", "State", "candle_imbalance", "runs", "update", "warmup")

TITLE = "Candle imbalance"
OUTPUTS = (
    Output(name="side", kind="column", unit="side", columns=("side",), title="dominant side"),
    Output(name="run", kind="column", unit="count", columns=("run",), title="bars in a row, below zero for sells"),
    Output(name="stack", kind="marker", unit="side", columns=("stack_side",), title="so many in a row, told once"),
)

WINDOW = 20  # bars behind the median volume
_MOST = 1 << 62

Side = NDArray[np.int8]


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bar is flagged when its larger side exceeds ``percent`` of the smaller, or reaches it (``ge``).

    ``median`` leaves out bars with less volume than the median of the 20 bars before: thin bars pass too easily.
    ``stack_n`` bars in a row of one side make a stack.
    """

    percent: Annotated[int, msgspec.Meta(ge=100, le=10_000)] = 300
    compare: Literal["ge", "gt"] = "gt"
    min_volume: Literal["off", "median"] = "off"
    stack_n: Annotated[int, msgspec.Meta(ge=2, le=100)] = 3


class State(msgspec.Struct, frozen=True):
    """The run that the last bar belongs to, and the volumes of the last `WINDOW` bars as int64 bytes, lots."""

    run: int = 0
    volume_lot: bytes = b""


def candle_imbalance(bars: Bars, params: Params) -> Side:
    """Return +1 (buys dominate), -1 (sells dominate) or 0 for every bar, int8 (n_bars,), whatever its volume.

    One side alone counts as infinitely more; a bar without known sides has none.
    """
    strong, weak = np.maximum(bars.buy_lot, bars.sell_lot), np.minimum(bars.buy_lot, bars.sell_lot)
    # The weak side is divided first, so that no product leaves 64 bits.
    hundreds, left = np.divmod(weak, 100)
    exact = params.percent * hundreds
    if params.compare == "gt":
        over = strong > exact + params.percent * left // 100
    else:
        over = strong >= exact + (params.percent * left + 99) // 100
    over &= hundreds <= _MOST // params.percent
    return np.where(over & (strong > 0), np.sign(bars.delta_lot), 0).astype(np.int8)


def runs(side: Side, before: int = 0) -> I64:
    """Return how many bars in a row are flagged for the same side, this one included: below zero for sells.

    ``side`` int8 (n_bars,) of +1, -1, 0; ``before`` is the run of the bar before the first; int64 (n_bars,). A bar
    without a flag ends a run.

    Examples
    --------
    >>> runs(np.array([1, 1, -1, 0, -1], np.int8), before=2).tolist()
    [3, 4, -1, 0, -1]
    """
    at = np.arange(len(side))
    begun = np.maximum.accumulate(np.where(np.diff(side, prepend=np.int8(np.sign(before))) != 0, at, -1))
    return side.astype(np.int64) * np.where(begun < 0, at + 1 + abs(before), at + 1 - begun)


def warmup(params: Params) -> int:  # noqa: ARG001 - the same for any
    """Return -1: a run is as long as it is."""
    return -1


def update(run: Run, params: Params, state: State) -> tuple[Answer, State]:
    """Return ``side`` of every bar (+1, -1 or 0, int8) and ``run``; the events are bars at which a run is long enough.

    A run is told once, at its ``stack_n``-th bar.
    """
    bars = run.footprint.bars
    side = candle_imbalance(bars, params)
    volumes = state.volume_lot
    if params.min_volume == "median":
        enough, volumes = _enough(bars, volumes)
        side = np.where(enough, side, 0).astype(np.int8)
    length = runs(side, state.run)
    stacked = np.flatnonzero(np.abs(length) == params.stack_n)
    answer = Answer(bars={"side": side, "run": length}, events={"bar": stacked, "stack_side": side[stacked]})
    return answer, State(int(length[-1]) if len(run) else state.run, volumes)


def _enough(bars: Bars, before: bytes) -> tuple[NDArray[np.bool_], bytes]:
    # Against the mean of the two middle volumes, without a sum that could leave 64 bits.
    volume = np.concatenate([np.frombuffer(before, np.int64), bars.volume_lot])
    first = len(volume) - len(bars)
    lower, upper = np.empty(len(bars), np.int64), np.empty(len(bars), np.int64)
    fill_medians(volume, first, WINDOW, np.empty(WINDOW, np.int64), lower, upper)
    own = volume[first:]
    return own - lower >= upper - own, volume[max(0, len(volume) - WINDOW) :].tobytes()
