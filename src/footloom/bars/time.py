"""Time bars: ``1s 15s 1m 15m 1h 4h 1d 1w 1mo``, anchored at the session (definitions 2.3).

Within a session a bar opens at ``S + floor((ts - S) / length) * length``, where S is the session's open; the last one
is cut at the session's end. ``1d`` is one session, ``1w`` starts on Monday and ``1mo`` on the first, at midnight of the
exchange's zone.
Trades outside the sessions get bars of their own, anchored where the last session ended and marked `BAR_OFF_SESSION`. A
time bar is a pure function of its trades' times; the state is only the last bar's edges, which the next trades mostly
share.
"""

from __future__ import annotations

import datetime as dt
import re
import struct
from dataclasses import dataclass

import numpy as np

from footloom.core.edges import Edges
from footloom.core.sessions import DAY_NS, Calendar, Spans
from footloom.core.trades import I64, Trades
from footloom.errors import ConfigError
from footloom.kernels.edges import time_edges

__all__ = ("TimeRule", "parse")

_SECOND_NS = {"s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_LAST_BAR = struct.Struct("<qqq")  # open_ns, close_ns, off_session
_TEXT = re.compile(r"(?P<count>[1-9]\d*)(?P<unit>s|m|h|d|w|mo)")


@dataclass(frozen=True, slots=True)
class TimeRule:
    """A bar of ``length_ns`` within each span; ``unit`` chooses them: sessions, weeks (``w``), months (``mo``)."""

    text: str
    unit: str
    length_ns: int

    @property
    def sequential(self) -> bool:
        """Never: the time of a trade names its bar."""
        return False

    def spans(self, calendar: Calendar, from_ns: int, to_ns: int) -> Spans:
        """Return the spans that no bar of this rule crosses."""
        if self.unit == "w":
            return calendar.day_edges(from_ns, to_ns, lambda day: day - dt.timedelta(days=day.weekday()))
        if self.unit == "mo":
            return calendar.day_edges(from_ns, to_ns, lambda day: day.replace(day=1))
        return calendar.spans(from_ns, to_ns)

    def edges(self, trades: Trades, calendar: Calendar, state: bytes = b"") -> tuple[Edges, bytes]:
        """Cut the trades (see `footloom.bars.BarRule`)."""
        ts = trades.ts_exch_ns
        if not len(ts):
            return Edges.none(), state
        if state:
            opened, closed, outside = (np.array([edge]) for edge in _LAST_BAR.unpack(state))
            if opened[0] <= ts[0] and ts[-1] < closed[0]:
                return Edges(np.array([0, len(ts)]), opened, closed, outside), state
        edges = self.cut(ts, calendar)
        return edges, self.state_behind(edges)

    def cut(self, ts_ns: I64, calendar: Calendar) -> Edges:
        """Cut ascending times, ns UTC, int64 (n,), n >= 1: those of trades, or of finer bars' first trades."""
        spans = self.spans(calendar, int(ts_ns[0]), int(ts_ns[-1]) + 1)
        ends, open_ns, close_ns, span = time_edges(ts_ns, spans.start_ns, spans.end_ns, self.length_ns)
        return Edges(ends, open_ns, close_ns, (~spans.in_session[span]).astype(np.int64))

    def state_behind(self, edges: Edges) -> bytes:
        """Return the state that the next trades need behind edges that were cut, at least one bar of them."""
        return _LAST_BAR.pack(edges.open_ns[-1], edges.close_ns[-1], edges.off_session[-1])


def parse(text: str) -> TimeRule | None:
    """Return the rule that ``text`` spells, or None where it is not a time bar.

    Raises
    ------
    ConfigError
        It is a time bar that cannot be: zero, several days, or longer than a day.
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        return None
    count, unit = int(match["count"]), match["unit"]
    if unit in {"d", "w", "mo"}:
        if count != 1:
            raise ConfigError(f"bars of {text} are not offered: 1d is a session, 1w a week, 1mo a month")
        return TimeRule(text, unit, 2**62)
    length_ns = count * _SECOND_NS[unit]
    if length_ns > DAY_NS:
        raise ConfigError(f"a bar of {text} is longer than a day: use 1d, 1w or 1mo")
    return TimeRule(_canonical(length_ns), unit, length_ns)


def _canonical(length_ns: int) -> str:
    # 60m and 1h are one topic, one cache entry, one legend.
    for unit in ("h", "m", "s"):
        count, left = divmod(length_ns, _SECOND_NS[unit])
        if not left:
            return f"{count}{unit}"
    raise AssertionError(length_ns)
