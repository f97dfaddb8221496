"""Which session, trading day or week each bar counts to, for studies of sessions (definitions 4.5).

A bar outside the sessions counts to none: a study adds nothing there and repeats what it said last. A bar that reaches
beyond its session, such as a week, is a period of its own.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from footloom.core.footprint import Footprint
from footloom.core.sessions import Calendar
from footloom.core.trades import I64
from footloom.studies._study import NONE

__all__ = ("Periods", "follow", "running", "session_starts", "weeks_of", "whole_starts")


def session_starts(footprint: Footprint, calendar: Calendar) -> I64:
    """Return the open of the session that each bar stands in, ns UTC, int64 (n_bars,); `NONE` outside the sessions."""
    bars = footprint.bars
    if not len(bars):
        return np.empty(0, np.int64)
    # Where the trades stand decides, not the bar's edges: bars that share an instant may open right behind the close.
    spans = calendar.spans(int(bars.first_ns[0]), int(bars.first_ns[-1]) + 1)
    span = np.searchsorted(spans.start_ns, bars.first_ns, side="right") - 1
    start = np.where(spans.in_session[span], spans.start_ns[span], NONE)
    return np.where(bars.last_ns >= spans.end_ns[span], bars.open_ns, start)


def whole_starts(footprint: Footprint, hours: Calendar) -> I64:
    """Return the open of the session of ``hours`` that holds all trades of each bar, ns UTC, int64 (n_bars,).

    For hours that are not the market's own: a bar across an edge of theirs counts to none, `NONE`.
    """
    bars = footprint.bars
    if not len(bars):
        return np.empty(0, np.int64)
    spans = hours.spans(int(bars.first_ns[0]), int(bars.last_ns[-1]) + 1)
    span = np.searchsorted(spans.start_ns, bars.first_ns, side="right") - 1
    inside = spans.in_session[span] & (bars.last_ns < spans.end_ns[span])
    return np.where(inside, spans.start_ns[span], NONE)


def weeks_of(starts_ns: I64, calendar: Calendar) -> tuple[I64, I64]:
    """Return the trading day and the Monday of its week for each session start, as ordinals, int64; `NONE` stays.

    A session belongs to the day on which it ends.
    """
    unique, at = np.unique(starts_ns, return_inverse=True)
    days = np.array([NONE if start == NONE else _day(calendar, start) for start in unique.tolist()], np.int64)
    mondays = np.where(days == NONE, NONE, days - (days - 1) % 7)  # ordinal 1 was a Monday
    return days[at], mondays[at]


@functools.lru_cache(maxsize=4096)
def _day(calendar: Calendar, start_ns: int) -> int:
    return calendar.session_date(start_ns).toordinal()


@dataclass(frozen=True, slots=True, eq=False)
class Periods:
    """Bars in periods.

    ``key`` is the period that a bar counts to, and behind its close that of the bar before (`NONE` before the first);
    ``live`` says whether the bar counts, ``fresh`` whether it is the first of its period; all (n_bars,).
    """

    key: I64
    live: NDArray[np.bool_]
    fresh: NDArray[np.bool_]

    @property
    def code(self) -> I64:
        """0: counts to none, 1: goes on, 2: begins a period."""
        return self.live.astype(np.int64) + self.fresh


def follow(keys: I64, held: int | None) -> Periods:
    """Return the periods of neighbouring bars, given the one that the bars before ended in."""
    live = keys != NONE
    at = np.maximum.accumulate(np.where(live, np.arange(len(keys)), -1)) if len(keys) else np.empty(0, np.int64)
    first = NONE if held is None else held
    key = np.where(at >= 0, keys[at], first)
    before = np.concatenate([[first], key[:-1]]) if len(key) else key
    return Periods(key, live, live & (key != before))


def running(column: I64, periods: Periods, held: int) -> I64:
    """Return the running sum of a column within each period, going on from ``held``, int64 (n_bars,)."""
    counted = np.where(periods.live, column, 0)
    total = np.cumsum(counted) + held
    starts = np.flatnonzero(periods.fresh)
    base = np.concatenate([[0], total[starts] - counted[starts]])
    since: I64 = total - base[np.cumsum(periods.fresh)]
    return since
