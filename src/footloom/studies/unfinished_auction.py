"""Highs and lows at which both sides still traded, and the levels that they leave open (definitions 6.1).

The answer belongs to rows of one tick: in wider rows both sides have nearly always traded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from footloom.core.footprint import Footprint
from footloom.core.trades import U8
from footloom.kernels import auctions as kernel
from footloom.studies._study import NONE, Answer, Column, Life, Output, Run

__all__ = (
    "BORN",
    "CLOSED",
    "EXPIRED",
    "FINISHED",
    "OUTPUTS",
    "TITLE",
    "UNFINISHED",
    "Params",
    "State",
    "levels",
    "marks",
    "update",
    "warmup",
)

TITLE = "Unfinished auctions"
OUTPUTS = (
    Output(name="high", kind="column", unit="flag", columns=("high",), title="high: 1 unfinished, 2 finished"),
    Output(name="low", kind="column", unit="flag", columns=("low",), title="low: 1 unfinished, 2 finished"),
    Output(name="open_highs", kind="column", unit="count", columns=("open_highs",), title="highs left open"),
    Output(name="open_lows", kind="column", unit="count", columns=("open_lows",), title="lows left open"),
    Output(
        name="level",
        kind="zone",
        unit="tick",
        columns=("tick",),
        title="level, as traded",
        life=Life(key=("level", "extreme"), ends="event", ended=(kernel.CLOSED, kernel.EXPIRED)),
    ),
    Output(name="extreme", kind="marker", unit="side", columns=("extreme",), title="high +1, low -1"),
)

UNFINISHED, FINISHED = kernel.UNFINISHED, 2
BORN, CLOSED, EXPIRED = kernel.BORN, kernel.CLOSED, kernel.EXPIRED
_WIDTH = len(kernel.LEVEL_COLUMNS)


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the main side must exceed, buys at a high and sells at a low, and how many levels of a kind stay open."""

    ask_filter_lot: Annotated[int, msgspec.Meta(ge=0, le=2**62, description="lots")] = 0
    bid_filter_lot: Annotated[int, msgspec.Meta(ge=0, le=2**62, description="lots")] = 0
    max_open: Annotated[int, msgspec.Meta(ge=1, le=10_000, description="the oldest gives way")] = 1_000


class State(msgspec.Struct, frozen=True):
    """How many bars there were, and the levels that are open: rows of int64 as bytes, oldest first."""

    bars: int = 0
    highs: bytes = b""
    lows: bytes = b""


def marks(footprint: Footprint, params: Params) -> tuple[U8, U8]:
    """Return for every bar's high and low whether the auction is `UNFINISHED`, `FINISHED` or neither (0); uint8.

    At the highest row the counter side is the sells, at the lowest the buys: finished is where it did not trade.
    """
    cells, ends = footprint.levels, footprint.level_offset
    highest, lowest = ends[1:] - 1, ends[:-1]
    high = _mark(cells.buy_lot[highest], cells.sell_lot[highest], params.ask_filter_lot)
    low = _mark(cells.sell_lot[lowest], cells.buy_lot[lowest], params.bid_filter_lot)
    return high, low


def _mark(main: Column, counter: Column, least: int) -> U8:
    unfinished = (counter > 0) & (main > least)
    finished = (counter == 0) & (main > 0)
    mark: U8 = (UNFINISHED * unfinished + FINISHED * finished).astype(np.uint8)
    return mark


def warmup(params: Params) -> int:  # noqa: ARG001 - the same for any
    """Return -1: a level stays open until a bar trades beyond it."""
    return -1


def update(run: Run, params: Params, state: State) -> tuple[Answer, State]:
    """Return ``high`` and ``low`` of every bar, what is open at its close, and an event where a level begins or ends.

    ``event`` is `BORN`, `CLOSED` (a later bar traded beyond the level) or `EXPIRED`; ``level`` its number,
    ``age`` the bars since it began.
    """
    bars = run.footprint.bars
    high, low = marks(run.footprint, params)
    told = np.empty((0, len(kernel.EVENT_COLUMNS)), np.int64)
    standing, left = [], []
    for price, mark, sign, before in ((bars.high_tick, high, 1, state.highs), (-bars.low_tick, low, -1, state.lows)):
        stand, events, counts = _fold(price, mark, sign, (state.bars, before), params)
        told = np.concatenate([told, events])
        standing.append(counts)
        left.append(stand.tobytes())
    told = told[np.argsort(told[:, 0], kind="stable")]
    events = dict(zip(kernel.EVENT_COLUMNS, told.T.copy(), strict=True))
    events |= {name: events[name].astype(np.int8) for name in ("event", "extreme")}
    columns = {"high": high, "low": low, "open_highs": standing[0], "open_lows": standing[1]}
    return Answer(bars=columns, events=events), State(state.bars + len(bars), *left)


def _fold(price: Column, mark: U8, sign: int, before: tuple[int, bytes], params: Params) -> tuple[Any, Any, Any]:
    first, packed = before
    held = np.frombuffer(packed, np.int64).reshape(-1, _WIDTH)
    fresh = int(np.count_nonzero(mark == UNFINISHED))
    stand = np.empty((min(params.max_open, len(held) + fresh), _WIDTH), np.int64)
    stand[: len(held)] = held
    events = np.empty((2 * fresh + len(held), len(kernel.EVENT_COLUMNS)), np.int64)
    counts = np.empty(len(price), np.int64)
    count, told = kernel.fold_auctions(price, mark, sign, first, len(held), stand, events, counts)
    return stand[:count], events[:told], counts


def levels(events: Mapping[str, Column]) -> dict[str, Column]:
    """Return one row a level: ``level, extreme, tick, born_bar, end_bar``, for drawing.

    Bars are indices of the run that the events tell of (a level born before it has a ``born_bar`` below 0);
    ``end_bar`` is the bar that traded beyond it, ``NONE`` while it is open.
    """
    number, first = np.unique(events["level"], return_index=True)
    over = events["event"] != BORN
    end: NDArray[np.int64] = np.full(len(number), NONE)
    end[np.searchsorted(number, events["level"][over])] = events["bar"][over]
    table = {name: events[name][first] for name in ("extreme", "tick")}
    return {"level": number, **table, "born_bar": events["bar"][first] - events["age"][first], "end_bar": end}
