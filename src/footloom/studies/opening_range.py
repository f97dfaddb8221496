"""Opening ranges: the range of a session's first minutes, three of them at once (definitions 4.7)."""

from __future__ import annotations

from typing import Annotated

import msgspec

from footloom.studies._opening import HeldRange, opening_range
from footloom.studies._periods import follow, session_starts
from footloom.studies._study import NONE, Answer, Column, Output, Run

__all__ = ("OUTPUTS", "TITLE", "Params", "State", "titles_of", "update", "warmup")

TITLE = "Opening range"
OUTPUTS = (
    *(
        Output(name=f"range{i}", kind="band", unit="tick", columns=(f"low{i}", f"high{i}"), title=f"opening range {i}")
        for i in (1, 2, 3)
    ),
    *(
        Output(name=f"complete{i}", kind="column", unit="flag", columns=(f"complete{i}",), title=f"range {i} complete")
        for i in (1, 2, 3)
    ),
    Output(name="session", kind="column", unit="ns", columns=("session_ns",), title="since"),
)

Minutes = Annotated[int, msgspec.Meta(ge=1, le=1440)]


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many minutes from the session's open each of the ranges takes."""

    minutes: tuple[Minutes, Minutes, Minutes] = (5, 15, 30)


class State(msgspec.Struct, frozen=True):
    """The session so far: its open, and its ranges."""

    session_ns: int | None = None
    ranges: tuple[HeldRange, HeldRange, HeldRange] = (HeldRange(), HeldRange(), HeldRange())


def titles_of(params: Params) -> dict[str, str]:
    """Return what stands beside the lines of each range."""
    return {f"range{i}": f"OR {minutes} min" for i, minutes in enumerate(params.minutes, 1)}


def warmup(params: Params) -> int:  # noqa: ARG001 - the same for any
    """Return -1: everything since the session's open counts."""
    return -1


def update(run: Run, params: Params, state: State) -> tuple[Answer, State]:
    """Return ``high1``..``low3``, ticks, ``session_ns``, int64, and ``complete1``..``complete3``, bool, as of each bar.

    A range is what it is so far while its minutes run. A bar counts to it when its last trade lies within the minutes:
    bars that divide them make it exact, and a range shorter than a bar is undefined.
    """
    periods = follow(session_starts(run.footprint, run.calendar), state.session_ns)
    columns: dict[str, Column] = {"session_ns": periods.key}
    carried = []
    for i, (minutes, before) in enumerate(zip(params.minutes, state.ranges, strict=True), 1):
        opening, held = opening_range(run.footprint, periods, minutes, before)
        columns |= {f"high{i}": opening.high_tick, f"low{i}": opening.low_tick, f"complete{i}": opening.complete}
        carried.append(held)
    if len(run) and periods.key[-1] != NONE:
        state = State(int(periods.key[-1]), (carried[0], carried[1], carried[2]))
    return Answer(bars=columns), state
