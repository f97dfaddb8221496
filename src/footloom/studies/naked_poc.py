"""Points of control of finished sessions that no later bar has traded at (definitions 4.6).

Each is told as it becomes known, and when price first comes back to it: a touch counts. Bars have them too, on request.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import numpy as np

from footloom.core.trades import I64
from footloom.kernels.naked import fill_naked
from footloom.studies import value_area as areas
from footloom.studies._developing import HeldRows, develop
from footloom.studies._periods import Periods, follow, session_starts
from footloom.studies._study import NONE, Answer, Life, Output, Run

__all__ = ("OUTPUTS", "TITLE", "Params", "State", "update", "warmup")

TITLE = "Naked POC"
OUTPUTS = (
    Output(
        name="pocs",
        kind="zone",
        unit="row",
        columns=("row",),
        title="naked POCs",
        life=Life(key=("row", "since_ns"), ends="what", ended=(2, 3), since="since_ns"),
    ),
    Output(name="above", kind="level", unit="row", columns=("above_row",), title="naked POC at or above the close"),
    Output(name="below", kind="level", unit="row", columns=("below_row",), title="naked POC at or below the close"),
    Output(name="standing", kind="column", unit="count", columns=("standing",), title="naked POCs"),
)


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose points of control, which row wins a tie (as in `value_area`), and how many newer ones let one expire."""

    scope: Literal["session", "bar"] = "session"
    tie: areas.Tie = "centre"
    keep: Annotated[int, msgspec.Meta(ge=1, le=10_000, description="newer ones until one expires")] = 250


class State(msgspec.Struct, frozen=True):
    """The session so far with its rows and its POC, and those that stand: (row, since, number), oldest first."""

    session_ns: int | None = None
    rows: HeldRows = HeldRows()
    poc_row: int = NONE
    standing: tuple[tuple[int, int, int], ...] = ()
    number: int = 0


def warmup(params: Params) -> int:  # noqa: ARG001 - the same for any
    """Return -1: all sessions before count."""
    return -1


def update(run: Run, params: Params, state: State) -> tuple[Answer, State]:
    """Return the events and what stands as of each bar.

    Events: ``bar``, ``row``, ``since_ns`` (the open of its session, or of its bar) and ``what``: 1 born, 2 filled, 3
    expired. A session's POC is born with the first bar of the next session, which may fill it at once; a bar's behind
    its own close. Bars: ``standing`` counts them, ``above_row`` and ``below_row`` are the nearest to the close. Bars
    outside the sessions fill nothing.
    """
    footprint, bars = run.footprint, run.footprint.bars
    born, code, state = (_of_bars if params.scope == "bar" else _of_sessions)(run, params, state)
    step = footprint.ticks_per_level
    held, count = len(state.standing), len(run)
    standing = np.zeros((3, held + count + 1), np.int64)
    standing[:, :held] = np.array(state.standing, np.int64).reshape(-1, 3).T
    numbers = np.array([held, state.number])
    out, events = np.empty((3, count), np.int64), np.empty((4, held + 2 * count), np.int64)
    found = fill_naked(
        *(born, code, bars.low_tick // step, bars.high_tick // step, bars.close_tick // step),
        *(params.scope == "bar", params.keep, standing, numbers, out, events),
    )
    stands = tuple(tuple(one) for one in standing[:, : numbers[0]].T.tolist())
    state = msgspec.structs.replace(state, standing=stands, number=int(numbers[1]))
    columns = dict(zip(("standing", "above_row", "below_row"), out, strict=True))
    told = zip(("bar", "row", "since_ns", "what"), np.ascontiguousarray(events[:, :found]), strict=True)
    return Answer(bars=columns, events=dict(told)), state


def _of_bars(run: Run, params: Params, state: State) -> tuple[I64, I64, State]:
    poc = areas.profiles(run.footprint, areas.Params(tie=params.tie)).poc_row
    return np.stack([poc, run.footprint.bars.open_ns]), np.ones(len(run), np.int64), state


def _of_sessions(run: Run, params: Params, state: State) -> tuple[I64, I64, State]:
    periods = follow(session_starts(run.footprint, run.calendar), state.session_ns)
    area, rows = develop(run.footprint, periods, state.rows, areas.Params(tie=params.tie), ends_only=True)
    before = _before(periods, area.poc_row, state)
    if len(run) and periods.key[-1] != NONE:
        poc, key = int(area.poc_row[-1]), int(periods.key[-1])
        state = msgspec.structs.replace(state, session_ns=key, rows=rows, poc_row=poc)
    return before, periods.code, state


def _before(periods: Periods, poc: I64, state: State) -> I64:
    # What the session before ended with, at the first bar of each session.
    first = NONE if state.session_ns is None else state.session_ns
    rows, keys = (
        np.concatenate([[start], column[:-1]]) if len(column) else column
        for start, column in ((state.poc_row, poc), (first, periods.key))
    )
    return np.stack([np.where(periods.fresh, rows, NONE), keys])
