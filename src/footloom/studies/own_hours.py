"""A session of own hours, such as that of London: its range, VWAP, CVD and profile so far (definitions 4.9).

The hours are those of a clock on a wall in their own zone, whatever market is looked at; a bar counts when all its
trades lie within them.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import numpy as np

from footloom.core.sessions import Calendar, calendar
from footloom.core.trades import I64, Trades
from footloom.kernels.moments import moments
from footloom.studies import value_area as areas
from footloom.studies import vwap
from footloom.studies._developing import HeldRows, develop
from footloom.studies._opening import HeldRange, opening_range
from footloom.studies._periods import Periods, follow, running, whole_starts
from footloom.studies._study import NONE, Answer, Column, Output, Run

__all__ = ("HOURS", "OUTPUTS", "TITLE", "Params", "State", "reduce", "title_of", "update", "warmup")

TITLE = "Session of own hours"
OUTPUTS = (
    Output(name="box", kind="box", unit="tick", columns=("low_tick", "high_tick", "since_ns"), title="range"),
    Output(name="vwap", kind="line", unit="tick", columns=("vwap",), title="VWAP"),
    Output(name="poc", kind="line", unit="row", columns=("poc_row",), title="POC"),
    Output(name="value_area", kind="band", unit="row", columns=("val_row", "vah_row"), title="value area"),
    Output(name="cvd", kind="line", unit="lot", columns=("cvd",), title="CVD"),
    Output(name="volume", kind="column", unit="lot", columns=("volume_lot",), title="volume so far"),
    Output(name="session", kind="column", unit="ns", columns=("since_ns",), title="since"),
)

HOURS = {
    "asia": "Asia/Tokyo 09:00-15:30",
    "london": "Europe/London 08:00-16:30",
    "new_york": "America/New_York 09:30-16:00",
}
_OWN = {"when": {"hours": "own"}}
Time = Annotated[str, msgspec.Meta(pattern=r"^\d\d:\d\d$", description="HH:MM, of own hours", extra_json_schema=_OWN)]


class Params(areas.Params, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which hours: those of a name, or with ``own`` those of the fields below it; and how the value area grows."""

    hours: Literal["asia", "london", "new_york", "own"] = "london"
    zone: Annotated[
        str,
        msgspec.Meta(
            max_length=60, description="IANA zone of own hours, such as Europe/Zurich", extra_json_schema=_OWN
        ),
    ] = "UTC"
    opens: Time = "00:00"
    closes: Time = "08:00"
    daily: Annotated[bool, msgspec.Meta(description="on Saturday and Sunday too")] = False


class State(msgspec.Struct, frozen=True):
    """The session so far: its open, its range, buys less sells and all lots, its rows, and the sums of its VWAP."""

    since_ns: int | None = None
    range: HeldRange = HeldRange()
    totals: tuple[int, int] = (0, 0)
    rows: HeldRows = HeldRows()
    sums: vwap.State = vwap.State()


def title_of(params: Params) -> str:
    """Return what a session of these hours is called."""
    if params.hours == "own":
        return f"{params.zone.rpartition('/')[2].replace('_', ' ')} {params.opens}-{params.closes}"
    return params.hours.replace("_", " ").title()


def warmup(params: Params) -> int:  # noqa: ARG001 - the same for any
    """Return -1: everything since the session's open counts."""
    return -1


def reduce(trades: Trades, ends: I64, params: Params) -> dict[str, I64]:  # noqa: ARG001 - the same for any
    """Return each bar's exact sums, in lanes."""
    return moments(trades, ends)


def update(run: Run, params: Params, state: State) -> tuple[Answer, State]:
    """Return what the session has reached as of each bar, undefined outside its hours.

    ``low_tick``, ``high_tick``: its range. ``vwap``: ticks, float64. ``poc_row``, ``val_row``, ``vah_row``: of its
    profile. ``cvd``, ``volume_lot``: lots. ``since_ns``: its open. Others int64.
    """
    areas.check(params)
    periods = follow(whole_starts(run.footprint, _hours(params)), state.since_ns)
    reached, held = opening_range(run.footprint, periods, 1, state.range)
    area, rows = develop(run.footprint, periods, state.rows, params)
    bars = run.footprint.bars
    cvd, volume = (
        running(column, periods, before)
        for column, before in zip((bars.delta_lot, bars.volume_lot), state.totals, strict=True)
    )
    values, sums = _vwap(run, periods, state.sums)
    columns: dict[str, I64] = {
        "low_tick": reached.session_low_tick,
        "high_tick": reached.session_high_tick,
        "poc_row": area.poc_row,
        "val_row": area.val_row,
        "vah_row": area.vah_row,
        "cvd": cvd,
        "volume_lot": volume,
        "since_ns": periods.key,
    }
    told: dict[str, Column] = {name: np.where(periods.live, column, NONE) for name, column in columns.items()}
    if len(run) and periods.key[-1] != NONE:
        state = State(int(periods.key[-1]), held, (int(cvd[-1]), int(volume[-1])), rows, sums)
    return Answer(bars=told | {"vwap": values}), state


def _hours(params: Params) -> Calendar:
    text = HOURS.get(params.hours, f"{params.zone} {params.opens}-{params.closes}")
    return calendar(f"iana:{text}{' daily' if params.daily else ''}")


def _vwap(run: Run, periods: Periods, state: vwap.State) -> tuple[Column, vwap.State]:
    if not len(run):
        return np.empty(0), state
    values, after = vwap.since(run, np.where(periods.key == NONE, 0, periods.key), periods.live, state)
    return values[0], after
