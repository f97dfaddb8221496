"""Point of control, value area and totals of the session so far, as of each bar (definitions 4.5).

What stands at a bar knows no trade behind its close: it is the value that a signal or a backtest may use there.
"""

from __future__ import annotations

import msgspec
import numpy as np

from footloom.studies import value_area as areas
from footloom.studies._developing import HeldRows, develop
from footloom.studies._periods import follow, running, session_starts
from footloom.studies._study import NONE, Answer, Output, Run

__all__ = ("OUTPUTS", "TITLE", "Params", "State", "update", "warmup")

TITLE = "Developing profile"
OUTPUTS = (
    Output(name="poc", kind="line", unit="row", columns=("poc_row",), title="developing POC"),
    Output(name="value_area", kind="band", unit="row", columns=("val_row", "vah_row"), title="developing value area"),
    Output(name="volume", kind="column", unit="lot", columns=("volume_lot",), title="volume so far"),
    Output(name="delta", kind="column", unit="lot", columns=("delta_lot",), title="delta so far"),
    Output(name="unknown", kind="column", unit="lot", columns=("unknown_lot",), title="of unknown side so far"),
    Output(name="trades", kind="column", unit="count", columns=("trades",), title="trades so far"),
    Output(name="session", kind="column", unit="ns", columns=("session_ns",), title="since"),
)


class Params(areas.Params, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the area grows, which share of the volume it holds, and which row wins a tie, as in `value_area`."""


class State(msgspec.Struct, frozen=True):
    """The session so far: its open, its rows, and buys, sells, unknown lots and trades."""

    session_ns: int | None = None
    rows: HeldRows = HeldRows()
    totals: tuple[int, int, int, int] = (0, 0, 0, 0)


def warmup(params: Params) -> int:  # noqa: ARG001 - the same for any
    """Return -1: everything since the session's open counts."""
    return -1


def update(run: Run, params: Params, state: State) -> tuple[Answer, State]:
    """Return ``poc_row``, ``vah_row``, ``val_row`` and the session's totals as of each bar, int64.

    A bar outside the sessions adds nothing and repeats what stood before; before the first session rows and
    ``session_ns`` are undefined.
    """
    areas.check(params)
    bars = run.footprint.bars
    periods = follow(session_starts(run.footprint, run.calendar), state.session_ns)
    area, rows = develop(run.footprint, periods, state.rows, params)
    totals = [
        running(column, periods, held)
        for column, held in zip((bars.buy_lot, bars.sell_lot, bars.unknown_lot, bars.trades), state.totals, strict=True)
    ]
    buy, sell, unknown, trades = totals
    columns = {
        "poc_row": area.poc_row,
        "vah_row": area.vah_row,
        "val_row": area.val_row,
        "volume_lot": buy + sell + unknown,
        "delta_lot": buy - sell,
        "unknown_lot": unknown,
        "trades": trades,
        "session_ns": periods.key,
    }
    if len(run) and periods.key[-1] != NONE:
        state = State(int(periods.key[-1]), rows, tuple(np.array(totals)[:, -1].tolist()))
    return Answer(bars=columns), state
