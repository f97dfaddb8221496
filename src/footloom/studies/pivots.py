"""Pivots and the central pivot range: levels that the day, or the week, before gives the current one (definitions 4.8).

They are made of its high, low and close, frozen when it is over, and stand with the first bar of the next.
"""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from footloom.kernels.opening import fill_previous
from footloom.studies._periods import follow, session_starts, weeks_of
from footloom.studies._study import NONE, Answer, Column, Output, Run

__all__ = ("OUTPUTS", "TITLE", "Params", "State", "update", "warmup")

TITLE = "Pivots and CPR"
OUTPUTS = (
    Output(name="pivot", kind="level", unit="tick", columns=("pivot",), title="P"),
    Output(name="cpr", kind="band", unit="tick", columns=("cpr_low", "cpr_high"), title="central pivot range"),
    *(Output(name=f"r{k}", kind="level", unit="tick", columns=(f"r{k}",), title=f"R{k}") for k in (1, 2, 3, 4)),
    *(Output(name=f"s{k}", kind="level", unit="tick", columns=(f"s{k}",), title=f"S{k}") for k in (1, 2, 3, 4)),
)

_CAMARILLA = tuple(1.1 / parts for parts in (12, 6, 4, 2))
_FIBONACCI = (0.382, 0.618, 1.0, 1.618)
_F64 = NDArray[np.float64]


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far the levels stand from each other, and whose high, low and close they are made of."""

    method: Literal["classic", "fibonacci", "camarilla"] = "classic"
    period: Literal["day", "week"] = "day"


class State(msgspec.Struct, frozen=True):
    """The period so far as an ordinal, with its levels, and what the one before left behind, as the kernel has them."""

    period: int | None = None
    so_far: tuple[int, ...] = (NONE,) * 7
    before: tuple[int, ...] = (NONE,) * 6


def warmup(params: Params) -> int:  # noqa: ARG001 - the same for any
    """Return -1: the whole period before counts."""
    return -1


def update(run: Run, params: Params, state: State) -> tuple[Answer, State]:
    """Return the levels in force at each bar, ticks, float64: ``pivot``, ``cpr_low``, ``cpr_high``, ``r1``..``s4``.

    A session belongs to the day on which it ends, in the exchange's zone, and weeks begin on Monday. NaN until a whole
    period was seen to end; the first of a tape may have begun before it. Bars outside the sessions count to none.
    """
    bars = run.footprint.bars
    days, weeks = weeks_of(session_starts(run.footprint, run.calendar), run.calendar)
    periods = follow(days if params.period == "day" else weeks, state.period)
    so_far, before = np.array(state.so_far, np.int64), np.array(state.before, np.int64)
    out, nothing = np.empty((7, len(run)), np.int64), np.full(len(run), NONE)
    fill_previous(
        *(periods.code, bars.open_tick, bars.high_tick, bars.low_tick, bars.close_tick),
        *(nothing, nothing, nothing, so_far, before, out),
    )
    if len(run) and periods.key[-1] != NONE:
        state = State(int(periods.key[-1]), tuple(so_far.tolist()), tuple(before.tolist()))
    high, low, close = (np.where(column == NONE, np.nan, column) for column in out[:3])
    return Answer(bars=_levels(high, low, close, params.method)), state


def _levels(high: _F64, low: _F64, close: _F64, method: str) -> dict[str, Column]:
    pivot, middle, height = (high + low + close) / 3, (high + low) / 2, high - low
    other = 2 * pivot - middle  # as far from the pivot as the middle is, on its other side
    columns = {"pivot": pivot, "cpr_low": np.minimum(middle, other), "cpr_high": np.maximum(middle, other)}
    above: tuple[_F64, ...]
    below: tuple[_F64, ...]
    if method == "classic":
        above = (2 * pivot - low, pivot + height, high + 2 * (pivot - low), high + 3 * (pivot - low))
        below = (2 * pivot - high, pivot - height, low - 2 * (high - pivot), low - 3 * (high - pivot))
    else:
        middle, shares = (pivot, _FIBONACCI) if method == "fibonacci" else (close, _CAMARILLA)
        above = tuple(middle + share * height for share in shares)
        below = tuple(middle - share * height for share in shares)
    columns |= {f"r{k}": column for k, column in enumerate(above, 1)}
    return columns | {f"s{k}": column for k, column in enumerate(below, 1)}
