"""Stacked imbalances as zones of support and resistance, and their lives (definitions 5.2, 5.3).

A zone is told as events, each known at the close of its bar: nothing is taken back later. `zones` puts the events
together to one row a zone, `alive` says which of them stand at a bar.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from footloom.core.trades import I64, U8
from footloom.kernels import zones as kernel
from footloom.studies import imbalance
from footloom.studies._sessions import anchors
from footloom.studies._study import NONE, Answer, Column, Life, Output, Run

__all__ = (
    "BORN",
    "EXPIRED",
    "INVALID_CLOSE",
    "INVALID_TRADE",
    "OUTPUTS",
    "TESTED",
    "TITLE",
    "Params",
    "State",
    "alive",
    "standing",
    "update",
    "warmup",
    "zone_life",
    "zones",
)

TITLE = "Stacked zones"
OUTPUTS = (
    Output(
        name="zone",
        kind="zone",
        unit="tick",
        columns=("lo_tick", "hi_tick"),
        title="zone, edge to edge",
        life=Life(key=("zone",), ends="ends", ended=(1,), side="side"),
    ),
    Output(name="rows", kind="marker", unit="row", columns=("lo_row", "hi_row"), title="lowest and highest row"),
    Output(name="side", kind="marker", unit="side", columns=("side",), title="support +1, resistance -1"),
    Output(name="buy_zones", kind="column", unit="count", columns=("buy_zones",), title="support zones standing"),
    Output(name="sell_zones", kind="column", unit="count", columns=("sell_zones",), title="resistance zones standing"),
)

BORN, TESTED, EXPIRED = kernel.BORN, kernel.TESTED, kernel.EXPIRED
INVALID_TRADE, INVALID_CLOSE = kernel.INVALID_TRADE, kernel.INVALID_CLOSE
_MODES = {"close": kernel.AT_CLOSE, "trade": kernel.AT_TRADE, "touch": kernel.AT_TOUCH}
_WIDTH = len(kernel.ZONE_COLUMNS)


class Params(imbalance.Params, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The imbalances (as in the study of that name), and what ends a zone.

    ``invalidation``: a ``close`` beyond its far edge, a ``trade`` beyond it, or the first ``touch``. It expires when
    it is ``max_age`` bars old, and with ``session_only`` at the first bar of another session.
    """

    invalidation: Literal["close", "trade", "touch"] = "close"
    max_age: Annotated[int, msgspec.Meta(ge=1, le=100_000, description="bars")] = 200
    session_only: bool = False


class State(msgspec.Struct, frozen=True):
    """What the imbalances remember, the zones that stand (rows of int64 as bytes), how many there ever were."""

    cells: imbalance.State = imbalance.State()
    zones: bytes = b""
    born: int = 0
    anchor_ns: int | None = None


def warmup(params: Params) -> int:  # noqa: ARG001 - the same for any
    """Return -1: zones are numbered from the first on."""
    return -1


def update(run: Run, params: Params, state: State) -> tuple[Answer, State]:
    """Return ``buy_zones`` and ``sell_zones`` at each close, and an event for each turn in a zone's life.

    ``event`` is `BORN`, `TESTED`, `INVALID_TRADE`, `INVALID_CLOSE` or `EXPIRED`; ``zone`` its running number, ``age``
    the bars since its birth, ``ends`` whether it stands no more.
    """
    footprint = run.footprint
    found, cells = imbalance.update(run, params, state.cells)
    new_session, anchor_ns = _sessions(run, params, state)
    alive_rows, events, counts, born = _fold(run, params, state, found.cells["cell_flags"], new_session)
    told = dict(zip(kernel.EVENT_COLUMNS, events.T.copy(), strict=True))
    step = footprint.ticks_per_level
    columns: dict[str, Column] = {
        **told,
        **{name: told[name].astype(np.int8) for name in ("event", "side", "ends")},
        "lo_tick": told["lo_row"] * step,
        "hi_tick": (told["hi_row"] + 1) * step,
    }
    after = State(cells, alive_rows.tobytes(), born, anchor_ns)
    return Answer(bars={"buy_zones": counts[0], "sell_zones": counts[1]}, events=columns), after


def _sessions(run: Run, params: Params, state: State) -> tuple[I64, int | None]:
    # Which bars are the first of another session than the bar before.
    if not params.session_only or not len(run):
        return np.zeros(len(run), np.int64), state.anchor_ns
    starts = anchors(run.footprint, run.calendar, "session")
    before = int(starts[0]) if state.anchor_ns is None else state.anchor_ns
    return (np.diff(starts, prepend=before) > 0).astype(np.int64), max(before, int(starts[-1]))


def _fold(run: Run, params: Params, state: State, flags: U8, new_session: I64) -> tuple[I64, I64, I64, int]:
    footprint, bars = run.footprint, run.footprint.bars
    before = np.frombuffer(state.zones, np.int64).reshape(-1, _WIDTH)
    most = sum(np.count_nonzero(flags & bit) for bit in (imbalance.CELL_BUY_STACK, imbalance.CELL_SELL_STACK))
    room = len(before) + most // params.stack_n
    stand = np.empty((room, _WIDTH), np.int64)
    stand[: len(before)] = before
    events = np.empty((4 * room, len(kernel.EVENT_COLUMNS)), np.int64)
    counts = np.empty((2, len(run)), np.int64)
    left, told = kernel.fold_zones(
        footprint.level_offset,
        footprint.levels.row,
        flags,
        bars.high_tick,
        bars.low_tick,
        bars.close_tick,
        new_session,
        footprint.ticks_per_level,
        _MODES[params.invalidation],
        params.max_age,
        state.born,
        len(before),
        stand,
        events,
        counts[0],
        counts[1],
    )
    events = events[:told]
    return stand[:left], events, counts, state.born + int(np.count_nonzero(events[:, 2] == BORN))


def zones(events: Mapping[str, Column]) -> dict[str, Column]:
    """Return one row a zone: ``zone, side, lo_tick, hi_tick, born_bar, tested_bar, end_bar, end_event``.

    Bars are indices of the run that the events tell of (a zone born before it has a ``born_bar`` below 0); ``NONE``
    and 0 where it was not tested, or stands still. ``end_bar`` is the bar at whose close it ended.
    """
    number, first = np.unique(events["zone"], return_index=True)
    place = np.searchsorted(number, events["zone"])
    table: dict[str, Any] = {"zone": number}
    table |= {name: events[name][first] for name in ("side", "lo_tick", "hi_tick")}
    table["born_bar"] = events["bar"][first] - events["age"][first]
    for name, mask in (("tested_bar", events["event"] == TESTED), ("end_bar", events["ends"] > 0)):
        table[name] = np.full(len(number), NONE)
        table[name][place[mask]] = events["bar"][mask]
    table["end_event"] = np.zeros(len(number), np.int8)
    table["end_event"][place[events["ends"] > 0]] = events["event"][events["ends"] > 0]
    return table


def alive(table: Mapping[str, Column], bar: int) -> NDArray[np.bool_]:
    """Return which rows of `zones` stand at the close of a bar, bool (n_zones,)."""
    end = table["end_bar"]
    stands: NDArray[np.bool_] = (table["born_bar"] <= bar) & ((end == NONE) | (end > bar))
    return stands


def standing(state: State, ticks_per_level: int) -> dict[str, Column]:
    """Return the zones that stand behind the bars folded so far: ``zone, side, lo_tick, hi_tick, born_bar, tested``.

    ``born_bar`` counts from the bar that comes next: the last one folded is -1.
    """
    rows = np.frombuffer(state.zones, np.int64).reshape(-1, _WIDTH)
    return {
        "zone": rows[:, 0],
        "side": rows[:, 1].astype(np.int8),
        "lo_tick": rows[:, 2] * ticks_per_level,
        "hi_tick": (rows[:, 3] + 1) * ticks_per_level,
        "born_bar": -1 - rows[:, 4],
        "tested": rows[:, 5] >= TESTED,
    }


def zone_life(side: int, lo_tick: int, hi_tick: int, high: I64, low: I64, close: I64) -> dict[int, int]:
    """Return the first bar of each event in the life of one zone: its bars by event, ticks, int64 (n_bars,).

    ``side`` +1 for support, -1 for resistance; the zone reaches from ``lo_tick`` to ``hi_tick``, edge to edge.

    Examples
    --------
    >>> low, close = np.array([12, 9, 7, 4]), np.array([13, 11, 8, 4])
    >>> zone_life(1, 8, 10, close, low, close)
    {2: 1, 3: 2, 4: 3}
    """
    stand = np.array([[0, side, lo_tick, hi_tick - 1, 0, BORN]], np.int64)
    events = np.empty((4, len(kernel.EVENT_COLUMNS)), np.int64)
    zeros, flags = np.zeros(len(low) + 1, np.int64), np.empty(0, np.uint8)
    counts = np.empty((2, len(low)), np.int64)
    ages, mode, none = len(low) + 1, kernel.AT_CLOSE, np.empty(0, np.int64)
    _, told = kernel.fold_zones(
        zeros, none, flags, high, low, close, zeros[1:], 1, mode, ages, 0, 1, stand, events, counts[0], counts[1]
    )
    return {int(event): int(bar) for bar, _, event, *_ in events[:told].tolist()}
