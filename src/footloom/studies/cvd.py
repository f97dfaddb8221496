"""Cumulative volume delta with its anchor (definitions 3.2)."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np

from footloom.core.footprint import Footprint
from footloom.core.sessions import DAY_NS, Calendar
from footloom.core.trades import I64

__all__ = ("Carry", "Cvd", "Params", "cvd")

_LONGEST_BREAK_NS = 10 * DAY_NS  # no market rests longer


class Params(msgspec.Struct, frozen=True, kw_only=True):
    """When the sum starts again: at each session's open, or never."""

    reset: Literal["session", "never"] = "session"


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
    own = _anchors(footprint, calendar) if params.reset == "session" else np.full(len(bars), bars.open_ns[0])
    if carry is not None:
        # Bars of the piece that stand in the session of the carried sum, or off-session right behind it, continue it.
        own = np.maximum(own, carry.anchor_ns) if params.reset == "session" else np.full(len(bars), carry.anchor_ns)
    total = np.cumsum(bars.delta_lot)
    starts = np.flatnonzero(np.diff(own, prepend=own[0] - 1))
    base = np.concatenate([[0], total])[starts]
    if carry is not None and own[0] == carry.anchor_ns:
        base[0] = -carry.cvd_lot
    return Cvd(total - np.repeat(base, np.diff(starts, append=len(own))), own)


def _anchors(footprint: Footprint, calendar: Calendar) -> I64:
    # The open of the last session that had started when the bar opened: bars behind its close still count to it.
    bars = footprint.bars
    if len(bars) == 1:
        return np.array([_anchor(calendar, int(bars.open_ns[0]))])
    spans = calendar.spans(int(bars.open_ns[0]) - _LONGEST_BREAK_NS, int(bars.last_ns[-1]) + 1)
    opens = spans.start_ns[spans.in_session]
    if not len(opens):
        return np.full(len(bars), bars.open_ns[0])
    return opens[np.maximum(np.searchsorted(opens, bars.open_ns, side="right") - 1, 0)]


@functools.lru_cache(maxsize=1024)
def _anchor(calendar: Calendar, open_ns: int) -> int:
    # The same for one bar: live, it is asked again and again.
    spans = calendar.spans(open_ns - _LONGEST_BREAK_NS, open_ns + 1)
    opens = spans.start_ns[spans.in_session]
    return int(opens[-1]) if len(opens) else open_ns
