"""High and low volume nodes: rows that stand out from their neighbours (definitions 4.3).

By default of the session so far, as of each bar; or of each bar by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from footloom.core.trades import I64
from footloom.kernels.developing import FRESH
from footloom.kernels.nodes import NEAREST, ROOM, fill_nodes
from footloom.studies._developing import HeldRows, RowIndex, index_rows, settle
from footloom.studies._periods import follow, session_starts
from footloom.studies._study import NONE, Answer, Output, Run

__all__ = ("OUTPUTS", "TITLE", "Nodes", "Params", "State", "nodes_of_rows", "update", "warmup")

TITLE = "Volume nodes"
OUTPUTS = (
    Output(name="node", kind="cell_flag", unit="flag", columns=("node",), title="+1 high, -1 low volume node"),
    Output(name="nodes", kind="zone", unit="row", columns=("row",), title="nodes as they come"),
    Output(name="hvn_above", kind="level", unit="row", columns=("hvn_above",), title="high node at or above the close"),
    Output(name="hvn_below", kind="level", unit="row", columns=("hvn_below",), title="high node at or below the close"),
    Output(name="lvn_above", kind="level", unit="row", columns=("lvn_above",), title="low node at or above the close"),
    Output(name="lvn_below", kind="level", unit="row", columns=("lvn_below",), title="low node at or below the close"),
    Output(name="hvn", kind="column", unit="count", columns=("hvn",), title="high nodes"),
    Output(name="lvn", kind="column", unit="count", columns=("lvn",), title="low nodes"),
)

Percent = Annotated[int, msgspec.Meta(ge=1, le=10_000)]


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which profile, how many neighbours a node outdoes on each side, and how far it stands off the mean row.

    ``smooth`` weighs each row with its neighbours, 1-2-1, before looking; the mean is not changed by it.
    """

    scope: Literal["session", "bar"] = "session"
    k: Annotated[int, msgspec.Meta(ge=1, le=100, description="neighbours on each side")] = 3
    high_percent: Percent = 150
    low_percent: Percent = 50
    smooth: bool = False


class State(msgspec.Struct, frozen=True):
    """The session so far: its open and its rows."""

    session_ns: int | None = None
    rows: HeldRows = HeldRows()


@dataclass(frozen=True, slots=True, eq=False)
class Nodes:
    """Rows of one profile's high and low volume nodes, ascending, int64."""

    hvn_row: I64
    lvn_row: I64


@dataclass(frozen=True, slots=True, eq=False)
class _Marked:
    cells: NDArray[np.int8]
    counts: I64
    nearest: I64
    events: I64
    index: RowIndex


def nodes_of_rows(row: I64, volume_lot: I64, params: Params) -> Nodes:
    """Return the nodes of one profile: rows ascending with their lots, int64 (n,); rows left out hold nothing.

    The lowest and the highest row given are the profile's edges.
    """
    row, volume = np.asarray(row, np.int64), np.asarray(volume_lot, np.int64)
    if not len(row):
        return Nodes(row, row)
    index = index_rows(row, HeldRows(), params.k + ROOM)
    edges = np.array([0, len(row)], np.int64)
    marked = _mark(edges, volume, np.array([FRESH], np.int64), row[:1], index, params)
    _, found, node, _ = marked.events
    return Nodes(found[node > 0], found[node < 0])


def warmup(params: Params) -> int:
    """Return -1, everything since the session's open counts, or 0 where each bar stands by itself."""
    return 0 if params.scope == "bar" else -1


def update(run: Run, params: Params, state: State) -> tuple[Answer, State]:
    """Return the nodes as of each bar: cells, the nearest to its close, and as events.

    Cells: ``node`` +1, -1 or 0, int8. Bars: ``hvn`` and ``lvn`` count them; ``hvn_above``, ``hvn_below``,
    ``lvn_above``, ``lvn_below`` are rows. Events: ``bar``, ``row``, ``node`` and ``change``, +1 born and -1 gone; a new
    session (or bar) begins with none, so that the events since then tell the nodes of any bar.
    """
    footprint = run.footprint
    if params.scope == "bar":
        code, held = np.full(len(run), FRESH), HeldRows()
    else:
        periods = follow(session_starts(footprint, run.calendar), state.session_ns)
        code, held = periods.code, state.rows
    index = index_rows(footprint.levels.row, held, params.k + ROOM)
    close = footprint.bars.close_tick // footprint.ticks_per_level
    marked = _mark(footprint.level_offset, footprint.levels.volume_lot, code, close, index, params)
    if params.scope == "session" and len(run) and periods.key[-1] != NONE:
        state = State(int(periods.key[-1]), settle(marked.index))
    bars = dict(zip(("hvn", "lvn"), marked.counts, strict=True))
    bars |= dict(zip(("hvn_above", "hvn_below", "lvn_above", "lvn_below"), marked.nearest, strict=True))
    events = dict(zip(("bar", "row", "node", "change"), marked.events, strict=True))
    return Answer(bars=bars, cells={"node": marked.cells}, events=events), state


def _mark(offset: I64, volume: I64, code: I64, close: I64, index: RowIndex, params: Params) -> _Marked:
    bars = len(code)
    room = 64 + 8 * bars
    while True:
        fresh = RowIndex(index.row, index.at, index.held.copy(), index.extent.copy())
        cells = np.empty(len(volume), np.int8)
        counts, nearest = np.empty((2, bars), np.int64), np.empty((NEAREST, bars), np.int64)
        events = np.empty((4, room), np.int64)
        found = fill_nodes(
            *(offset, fresh.at, volume, code, close, fresh.row, fresh.held, fresh.extent),
            *(np.zeros(len(fresh.row), np.int8), params.k, params.smooth, params.high_percent, params.low_percent),
            *(cells, counts, nearest, events),
        )
        if found <= room:
            return _Marked(cells, counts, nearest, np.ascontiguousarray(events[:, :found]), fresh)
        room = found
