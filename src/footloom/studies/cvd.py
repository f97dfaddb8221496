"""Cumulative volume delta with its anchor, as a line and as candles (definitions 3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from footloom.core.footprint import BAR_GAP, Footprint
from footloom.core.sessions import Calendar
from footloom.core.trades import I64
from footloom.studies._sessions import anchor, anchors
from footloom.studies._study import NONE, Answer, Output, Run

__all__ = ("OUTPUTS", "TITLE", "Carry", "Cvd", "Params", "State", "continued", "cvd", "update", "warmup")

TITLE = "CVD"
OUTPUTS = (
    Output(name="cvd", kind="line", unit="lot", columns=("cvd",), title="CVD"),
    Output(name="candle", kind="candle", unit="lot", columns=("open", "high", "low", "cvd"), title="CVD candles"),
    Output(name="anchor", kind="column", unit="ns", columns=("anchor_ns",), title="since"),
    Output(name="valid_since", kind="column", unit="ns", columns=("valid_since_ns",), title="without a gap since"),
)


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When the sum starts again: at each session, day, week or month of the exchange, or never.

    ``anchor_ns`` begins it once, at the first bar that opens at that time or later; ``reset`` is not looked at then.
    """

    reset: Literal["session", "day", "week", "month", "never"] = "session"
    anchor_ns: Annotated[int, msgspec.Meta(ge=0, description="begin once at this time, ns UTC")] | None = None


class State(msgspec.Struct, frozen=True):
    """The sum so far, its anchor, and the close of the last bar that a gap touched since then."""

    cvd_lot: int = 0
    anchor_ns: int | None = None
    valid_since_ns: int = NONE


@dataclass(frozen=True, slots=True)
class Carry:
    """What a later piece needs of the earlier ones: the sum so far and where it was anchored, ns UTC."""

    cvd_lot: int
    anchor_ns: int


@dataclass(frozen=True, slots=True, eq=False)
class Cvd:
    """The sum at each bar's close, lots, and the time since which it counts, ns UTC; int64 (n_bars,)."""

    cvd_lot: I64
    anchor_ns: I64


def cvd(footprint: Footprint, calendar: Calendar, params: Params, carry: Carry | None = None) -> Cvd:
    """Return the CVD of every bar; ``carry`` continues earlier bars, so that a window never re-bases the sum."""
    bars = footprint.bars
    if not len(bars):
        return Cvd(np.empty(0, np.int64), np.empty(0, np.int64))
    if len(bars) == 1:  # live, this is the open bar of every commit
        before = continued(bars.open_ns.item(), calendar, params, carry)
        return Cvd(bars.delta_lot + before.cvd_lot, np.array([before.anchor_ns]))
    own = anchors(footprint, calendar, params.reset)
    if carry is not None:
        # Bars of the piece that stand in the period of the carried sum, or off-session right behind it, continue it.
        own = np.full(len(bars), carry.anchor_ns) if params.reset == "never" else np.maximum(own, carry.anchor_ns)
    total = np.cumsum(bars.delta_lot)
    starts = np.flatnonzero(np.diff(own, prepend=own[0] - 1))
    base = np.concatenate([[0], total])[starts]
    if carry is not None and own[0] == carry.anchor_ns:
        base[0] = -carry.cvd_lot
    return Cvd(total - np.repeat(base, np.diff(starts, append=len(own))), own)


def continued(open_ns: int, calendar: Calendar, params: Params, carry: Carry | None) -> Carry:
    """Return the sum that a bar goes on from, given when it opens and the sum behind the bar before it."""
    if carry is not None and params.reset == "never":
        return carry
    own_ns = anchor(calendar, open_ns, params.reset)
    return Carry(0, own_ns) if carry is None or own_ns > carry.anchor_ns else carry


def warmup(params: Params) -> int:  # noqa: ARG001 - the same for any
    """Return -1: everything since the anchor counts."""
    return -1


def update(run: Run, params: Params, state: State) -> tuple[Answer, State]:
    """Return ``cvd`` (the close), ``open``, ``high``, ``low`` in lots, ``anchor_ns`` and ``valid_since_ns``, int64."""
    bars = run.footprint.bars
    live = np.ones(len(run), np.bool_) if params.anchor_ns is None else bars.open_ns >= params.anchor_ns
    sums = _sums(run, params, state, live)
    opened = sums.cvd_lot - bars.delta_lot
    valid = _valid_since(run.footprint, sums.anchor_ns, state)
    said = {
        "cvd": sums.cvd_lot,
        "open": opened,
        "high": opened + bars.max_delta_lot,
        "low": opened + bars.min_delta_lot,
    }
    columns = {name: np.where(live, column, NONE) for name, column in said.items()}
    columns |= {"anchor_ns": sums.anchor_ns, "valid_since_ns": valid}
    if len(run):
        state = State(int(sums.cvd_lot[-1]), int(sums.anchor_ns[-1]), int(valid[-1]))
    return Answer(bars=columns), state


def _sums(run: Run, params: Params, state: State, live: NDArray[np.bool_]) -> Cvd:
    if params.anchor_ns is not None:
        total = state.cvd_lot + np.cumsum(np.where(live, run.footprint.bars.delta_lot, 0))
        return Cvd(total, np.full(len(run), params.anchor_ns))
    carry = None if state.anchor_ns is None else Carry(state.cvd_lot, state.anchor_ns)
    return cvd(run.footprint, run.calendar, params, carry)


def _valid_since(footprint: Footprint, anchor_ns: I64, state: State) -> I64:
    # The line goes on behind a gap, and says since when it is whole: its anchor, or the close of a bar with a gap.
    broken = np.where(footprint.bars.flags & BAR_GAP, footprint.bars.close_ns, NONE)
    last = np.maximum.accumulate(np.concatenate([[state.valid_since_ns], broken]))[1:]
    return np.maximum(last, anchor_ns)
