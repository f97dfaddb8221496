"""Volume-weighted average price since an anchor, with bands of its standard deviation (definitions 4.4).

All sums are exact, in whole ticks and lots, and divided once for display: no chunking, order or length of the tape
changes a digit.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from footloom.core.trades import I64, Trades
from footloom.kernels.moments import LANES, moments, whole
from footloom.studies._sessions import anchors
from footloom.studies._study import Answer, Output, Run

__all__ = ("OUTPUTS", "TITLE", "Params", "State", "reduce", "since", "titles_of", "update", "warmup")

TITLE = "VWAP"
OUTPUTS = (
    Output(name="vwap", kind="line", unit="tick", columns=("vwap",), title="VWAP"),
    *(
        Output(name=f"band{k}", kind="band", unit="tick", columns=(f"lower{k}", f"upper{k}"), title=f"band {k}")
        for k in (1, 2, 3)
    ),
    Output(name="sd", kind="column", unit="tick", columns=("sd",), title="standard deviation"),
    Output(name="anchor", kind="column", unit="ns", columns=("anchor_ns",), title="since"),
)

Width = Annotated[float, msgspec.Meta(gt=0, le=100)]


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When the sums begin again, and how many standard deviations wide each band is.

    ``anchor_ns`` begins them once, at the first bar that opens at that time or later; ``reset`` is not looked at then.
    """

    reset: Literal["session", "day", "week", "month", "never"] = "session"
    anchor_ns: Annotated[int, msgspec.Meta(ge=0, description="begin once at this time, ns UTC")] | None = None
    bands: tuple[Width, Width, Width] = (1.0, 2.0, 3.0)


class State(msgspec.Struct, frozen=True):
    """The sums at the last bar's end: lots, tick-lots, square-tick-lots, as decimal text (they outgrow 64 bits)."""

    anchor_ns: int | None = None
    volume: str = "0"
    pv: str = "0"
    ppv: str = "0"


def titles_of(params: Params) -> dict[str, str]:
    """Return what stands beside the bands: how many standard deviations they are wide."""
    return {f"band{k}": f"{width:g} SD" for k, width in enumerate(params.bands, 1)}


def warmup(params: Params) -> int:  # noqa: ARG001 - the same for any
    """Return -1: everything since the anchor counts."""
    return -1


def reduce(trades: Trades, ends: I64, params: Params) -> dict[str, I64]:  # noqa: ARG001 - the same for any
    """Return each bar's exact sums, in lanes."""
    return moments(trades, ends)


def update(run: Run, params: Params, state: State) -> tuple[Answer, State]:
    """Return ``vwap``, ``sd``, the bands, in ticks (float64, NaN before the anchor), and ``anchor_ns``."""
    if not len(run):
        return _answer(np.empty((2, 0)), np.empty(0, np.int64), params), state
    starts, live = _anchors(run, params, state)
    values, after = since(run, starts, live, state)
    return _answer(values, starts, params), after


def since(run: Run, starts: I64, live: NDArray[np.bool_], state: State) -> tuple[NDArray[np.float64], State]:
    """Return VWAP and standard deviation since ``starts``, ticks, float64 (2, n_bars), and the sums to carry on.

    ``starts`` int64 (n_bars,), at least one bar: where it changes, the sums begin anew. Bars that are not ``live`` add
    nothing and are answered with NaN.
    """
    lanes = [run.prints[name] for name in LANES]
    sums = [run.footprint.bars.volume_lot.astype(object), whole(lanes[:3]), whole(lanes[3:])]
    for column in sums:
        column[~live] = 0
    held = [int(text) for text in (state.volume, state.pv, state.ppv)]
    volume, pv, ppv = (
        _running(column, starts, before if starts[0] == state.anchor_ns else 0)
        for column, before in zip(sums, held, strict=True)
    )
    values = np.full((2, len(run)), np.nan)
    for i in np.flatnonzero(live).tolist():
        values[0, i] = pv[i] / volume[i]
        values[1, i] = math.sqrt((ppv[i] * volume[i] - pv[i] * pv[i]) / (volume[i] * volume[i]))
    return values, State(int(starts[-1]), str(volume[-1]), str(pv[-1]), str(ppv[-1]))


def _anchors(run: Run, params: Params, state: State) -> tuple[I64, NDArray[np.bool_]]:
    opens = run.footprint.bars.open_ns
    if params.anchor_ns is not None:
        return np.full(len(opens), params.anchor_ns), opens >= params.anchor_ns
    starts = anchors(run.footprint, run.calendar, params.reset)
    if state.anchor_ns is not None:
        starts = (
            np.full(len(opens), state.anchor_ns) if params.reset == "never" else np.maximum(starts, state.anchor_ns)
        )
    return starts, np.ones(len(opens), np.bool_)


def _running(column: NDArray[np.object_], starts: I64, before: int) -> NDArray[np.object_]:
    # The running sum, begun again at each new start; the first start goes on from `before`.
    total = np.cumsum(column, dtype=object)
    first = np.flatnonzero(np.diff(starts, prepend=starts[0] - 1))
    base = np.concatenate([np.zeros(1, object), total])[first]
    base[0] = -before
    since: NDArray[np.object_] = total - np.repeat(base, np.diff(first, append=len(starts)))
    return since


def _answer(values: NDArray[np.float64], starts: I64, params: Params) -> Answer:
    vwap, sd = values
    columns: dict[str, Any] = {"vwap": vwap, "sd": sd}
    for k, width in enumerate(params.bands, 1):
        columns[f"lower{k}"], columns[f"upper{k}"] = vwap - width * sd, vwap + width * sd
    return Answer(bars={**columns, "anchor_ns": starts})
