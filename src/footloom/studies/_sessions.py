"""Where running sums begin again: the anchor of each bar (definitions 3.2, 4.4)."""

from __future__ import annotations

import datetime as dt
import functools
from typing import Literal

import numpy as np

from footloom.core.footprint import Footprint
from footloom.core.sessions import DAY_NS, Calendar
from footloom.core.trades import I64

__all__ = ("Reset", "anchor", "anchors", "begins_after_rest")

Reset = Literal["session", "day", "week", "month", "never"]

_LONGEST_BREAK_NS = 10 * DAY_NS  # no market rests longer
_FIRST_OF = {
    "day": lambda day: day,
    "week": lambda day: day - dt.timedelta(days=day.weekday()),
    "month": lambda day: day.replace(day=1),
}


def anchors(footprint: Footprint, calendar: Calendar, reset: Reset) -> I64:
    """Return the start of the period that each bar counts to, ns UTC, int64 (n_bars,).

    ``session``: the open of the last session that had started when the bar opened, so bars behind a close still count
    to it. ``day``, ``week``, ``month`` begin at midnight of the exchange's zone. ``never``: the first bar's open.
    """
    opens = footprint.bars.open_ns
    if not len(opens):
        return np.empty(0, np.int64)
    if reset == "never":
        return np.full(len(opens), opens[0])
    if len(opens) == 1:
        return np.array([anchor(calendar, int(opens[0]), reset)])
    starts = _starts(calendar, int(opens[0]), int(opens[-1]), reset)
    place = np.searchsorted(starts, opens, side="right") - 1
    if place[0] < 0:  # before the calendar's first session: each stretch by itself
        return np.array([anchor(calendar, ns, reset) for ns in opens.tolist()])
    return starts[place]


def begins_after_rest(footprint: Footprint, calendar: Calendar) -> I64:
    """Return when the market last began to trade after a rest, as of each bar's open, ns UTC, int64 (n_bars,).

    -2^62 where it never rests.
    """
    opens = footprint.bars.open_ns
    if not len(opens):
        return np.empty(0, np.int64)
    spans = calendar.spans(int(opens[0]) - _LONGEST_BREAK_NS, int(opens[-1]) + 1)
    rested = np.concatenate([[False], ~spans.in_session[:-1]])
    starts = np.concatenate([[-(2**62)], spans.start_ns[spans.in_session & rested]])
    return starts[np.searchsorted(starts, opens, side="right") - 1]


def _starts(calendar: Calendar, from_ns: int, to_ns: int, reset: Reset) -> I64:
    if reset != "session":
        return calendar.day_edges(from_ns, to_ns + 1, _FIRST_OF[reset]).start_ns
    spans = calendar.spans(from_ns - _LONGEST_BREAK_NS, to_ns + 1)
    return spans.start_ns[spans.in_session]


@functools.lru_cache(maxsize=1024)
def anchor(calendar: Calendar, open_ns: int, reset: Reset) -> int:
    """Return the same of one bar: live, it is asked again and again."""
    if reset == "never":
        return open_ns
    starts = _starts(calendar, open_ns, open_ns, reset)
    starts = starts[starts <= open_ns]
    return int(starts[-1]) if len(starts) else calendar.session_of(open_ns)[0]
