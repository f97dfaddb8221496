"""What the trading day and the week before left behind: high, low, close, POC and value area (definitions 4.5).

They are frozen when the day, or the week, is over, and stand with the first bar of the next.
"""

from __future__ import annotations

import msgspec
import numpy as np

from footloom.core.trades import I64
from footloom.kernels.opening import fill_previous
from footloom.studies import value_area as areas
from footloom.studies._developing import HeldRows, develop
from footloom.studies._periods import follow, session_starts, weeks_of
from footloom.studies._study import NONE, Answer, Column, Output, Run

__all__ = ("OUTPUTS", "TITLE", "Held", "Params", "State", "update", "warmup")

TITLE = "Session levels"
_WORDS = {"day": "previous day", "week": "previous week"}
OUTPUTS = (
    *(
        Output(
            name=f"{period}_{level}",
            kind="level",
            unit="row" if level in {"poc", "vah", "val"} else "tick",
            columns=(f"{period}_{level}_{'row' if level in {'poc', 'vah', 'val'} else 'tick'}",),
            title=f"{words}'s {level.upper() if len(level) == 3 and level != 'low' else level}",
        )
        for period, words in _WORDS.items()
        for level in ("high", "low", "close", "poc", "vah", "val")
    ),
    Output(name="day_open", kind="level", unit="tick", columns=("day_open_tick",), title="open of the day"),
    Output(name="week_open", kind="level", unit="tick", columns=("week_open_tick",), title="open of the week"),
)

_COLUMNS = ("high_tick", "low_tick", "close_tick", "poc_row", "vah_row", "val_row", "open_tick")
_SEVEN = (NONE,) * 7


class Params(areas.Params, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the areas grow, which share of the volume they hold, and which row wins a tie, as in `value_area`."""


class Held(msgspec.Struct, frozen=True):
    """A day or week so far, as an ordinal with its rows and seven levels, and what the one before left behind."""

    period: int | None = None
    rows: HeldRows = HeldRows()
    so_far: tuple[int, ...] = _SEVEN
    before: tuple[int, ...] = _SEVEN[:6]


class State(msgspec.Struct, frozen=True):
    """The day and the week so far."""

    day: Held = Held()
    week: Held = Held()


def warmup(params: Params) -> int:  # noqa: ARG001 - the same for any
    """Return -1: the whole week before counts."""
    return -1


def update(run: Run, params: Params, state: State) -> tuple[Answer, State]:
    """Return the levels in force at each bar, int64: ``day_high_tick``, ``week_high_tick`` and so on.

    A session belongs to the day on which it ends, in the exchange's zone, and weeks begin on Monday. ``day_open_tick``
    and ``week_open_tick`` are of the current ones. Undefined until a whole day, or week, was seen to end; the first of
    a tape may have begun before it. Bars outside the sessions count to none.
    """
    days, weeks = weeks_of(session_starts(run.footprint, run.calendar), run.calendar)
    day_columns, day = _levels(run, days, params, state.day)
    week_columns, week = _levels(run, weeks, params, state.week)
    columns = {f"day_{name}": column for name, column in day_columns.items()}
    columns |= {f"week_{name}": column for name, column in week_columns.items()}
    return Answer(bars=columns), State(day, week)


def _levels(run: Run, keys: I64, params: Params, held: Held) -> tuple[dict[str, Column], Held]:
    bars = run.footprint.bars
    periods = follow(keys, held.period)
    area, rows = develop(run.footprint, periods, held.rows, params, ends_only=True)
    so_far, before = np.array(held.so_far, np.int64), np.array(held.before, np.int64)
    out = np.empty((len(_COLUMNS), len(run)), np.int64)
    fill_previous(
        *(periods.code, bars.open_tick, bars.high_tick, bars.low_tick, bars.close_tick),
        *(area.poc_row, area.vah_row, area.val_row, so_far, before, out),
    )
    if len(run) and periods.key[-1] != NONE:
        held = Held(int(periods.key[-1]), rows, tuple(so_far.tolist()), tuple(before.tolist()))
    return dict(zip(_COLUMNS, out, strict=True)), held
