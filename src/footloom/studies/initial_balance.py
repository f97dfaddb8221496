"""Initial balance: the range of a session's first hour, what lies beyond it, and its multiples (definitions 4.7).

While the hour runs, the range is what it is so far; then it stands, and only then the multiples and extensions do.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
import numpy as np

from footloom.core.trades import I64
from footloom.studies._opening import HeldRange, Opening, opening_range
from footloom.studies._periods import follow, session_starts
from footloom.studies._study import NONE, Answer, Column, Output, Run

__all__ = ("OUTPUTS", "TITLE", "Params", "State", "titles_of", "update", "warmup")

TITLE = "Initial balance"
OUTPUTS = (
    Output(name="range", kind="band", unit="tick", columns=("low_tick", "high_tick"), title="initial balance"),
    *(
        Output(name=f"multiple{i}", kind="band", unit="tick", columns=(f"down{i}", f"up{i}"), title=f"multiple {i}")
        for i in (1, 2, 3)
    ),
    Output(name="above", kind="column", unit="tick", columns=("above_tick",), title="extension above"),
    Output(name="below", kind="column", unit="tick", columns=("below_tick",), title="extension below"),
    Output(name="complete", kind="column", unit="flag", columns=("complete",), title="complete"),
    Output(name="session", kind="column", unit="ns", columns=("session_ns",), title="since"),
)

Multiple = Annotated[float, msgspec.Meta(gt=0, le=100)]


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long the balance takes, and which multiples of its height are drawn beyond it."""

    minutes: Annotated[int, msgspec.Meta(ge=1, le=1440, description="minutes from the session's open")] = 60
    multiples: tuple[Multiple, Multiple, Multiple] = (0.5, 1.0, 2.0)


class State(msgspec.Struct, frozen=True):
    """The session so far: its open, and its ranges."""

    session_ns: int | None = None
    range: HeldRange = HeldRange()


def titles_of(params: Params) -> dict[str, str]:
    """Return what stands beside the lines of the balance and of its multiples."""
    return {"range": "IB"} | {f"multiple{i}": f"IB × {multiple:g}" for i, multiple in enumerate(params.multiples, 1)}


def warmup(params: Params) -> int:  # noqa: ARG001 - the same for any
    """Return -1: everything since the session's open counts."""
    return -1


def update(run: Run, params: Params, state: State) -> tuple[Answer, State]:
    """Return the range as of each bar, its extensions and its multiples.

    ``high_tick``, ``low_tick``: the range, int64. ``complete``: whether its minutes are over, bool. ``above_tick``,
    ``below_tick``: how far the session went beyond the finished range, 0 before. ``up1``..``down3``: the range's edges
    moved outwards by its multiples, ticks, float64, NaN before it is complete. ``session_ns``: the open, int64. A bar
    counts to the range when its last trade lies within the minutes; bars that divide them make it exact.
    """
    periods = follow(session_starts(run.footprint, run.calendar), state.session_ns)
    opening, held = opening_range(run.footprint, periods, params.minutes, state.range)
    columns: dict[str, Column] = {
        "high_tick": opening.high_tick,
        "low_tick": opening.low_tick,
        "above_tick": opening.above,
        "below_tick": opening.below,
        "complete": opening.complete,
        "session_ns": periods.key,
    }
    for i, multiple in enumerate(params.multiples, 1):
        columns[f"up{i}"] = _moved(opening, opening.high_tick, multiple)
        columns[f"down{i}"] = _moved(opening, opening.low_tick, -multiple)
    if len(run) and periods.key[-1] != NONE:
        state = State(int(periods.key[-1]), held)
    return Answer(bars=columns), state


def _moved(opening: Opening, edge: I64, multiple: float) -> Column:
    stands = opening.complete & (opening.high_tick != NONE)
    height = np.where(stands, opening.high_tick - opening.low_tick, 0)
    return np.where(stands, edge + multiple * height, np.nan)
