"""When a market trades: sessions as data, spans as arrays (definitions 2.3).

A calendar answers one question: how is time cut between two instants? `Calendar.spans` partitions it into sessions
and the stretches between them, so that every trade falls into exactly one span and no bar crosses a session's edge.
Names:

``crypto``
    Every UTC day from 00:00 to 24:00.
``nse_fo``, ``nse_cash``
    NSE's dated hours in Asia/Kolkata (`footloom.core.nse`).
``iana:ZONE HH:MM-HH:MM``
    Monday to Friday in any IANA zone, such as ``iana:America/New_York 09:30-16:00``; a close at or before the open is
    on the next day. With `` daily`` behind it: on Saturday and Sunday too.
``NAME cut at NS,NS,...``
    Any of these, with further cuts that no span crosses, a week or a month neither: where a continuous future rolls.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from footloom.core import nse
from footloom.core.trades import I64
from footloom.errors import ConfigError

__all__ = ("DAY_NS", "Calendar", "Spans", "calendar", "cut_at", "wall_ns")

SECOND_NS = 1_000_000_000
DAY_NS = 86_400 * SECOND_NS
_DAY = dt.timedelta(days=1)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_FIRST_NS, _LAST_NS = -(2**62), 2**62
_BLOCK_DAYS, _MARGIN_DAYS = 32, 15  # no market rests longer than the margin

Hours = tuple[dt.time, dt.time]


@dataclass(frozen=True, slots=True)
class Spans:
    """A partition of time: span ``i`` is ``[start_ns[i], end_ns[i])``, ends meet starts; int64 and bool, shape (n,)."""

    start_ns: I64
    end_ns: I64
    in_session: NDArray[np.bool_]

    def find(self, ts_ns: int) -> int:
        """Return the span that holds ``ts_ns``."""
        return int(np.searchsorted(self.start_ns, ts_ns, side="right")) - 1

    def cut(self, at_ns: Sequence[int]) -> Spans:
        """Return the same spans, those that hold one of these times cut in two there."""
        inner = [at for at in at_ns if self.start_ns[0] < at < self.end_ns[-1]]
        if not inner:
            return self
        starts, ends = np.union1d(self.start_ns, inner), np.union1d(self.end_ns, inner)
        return Spans(starts, ends, self.in_session[np.searchsorted(self.start_ns, starts, side="right") - 1])


def wall_ns(day: dt.date, time: dt.time, zone: ZoneInfo) -> int:
    """Return a wall-clock time of a zone as ns UTC; exact through DST changes (never day + 86 400 s)."""
    moment = dt.datetime.combine(day, time, tzinfo=zone) - _EPOCH
    return (moment.days * 86_400 + moment.seconds) * SECOND_NS + moment.microseconds * 1_000


@dataclass(frozen=True, slots=True)
class Calendar:
    """The sessions of one market.

    ``hours_of(date)`` gives the (open, close) wall times of the sessions that open on that local date; a close at or
    before its open is on the next day. ``cuts`` are further times that no span crosses, ns UTC ascending.
    """

    name: str
    tz: str
    hours_of: Callable[[dt.date], tuple[Hours, ...]]
    cuts: tuple[int, ...] = ()

    @property
    def zone(self) -> ZoneInfo:
        """The exchange's own time zone."""
        return ZoneInfo(self.tz)

    def local_date(self, ts_ns: int) -> dt.date:
        """Return the calendar date of an instant in the exchange's zone."""
        return (_EPOCH + dt.timedelta(seconds=ts_ns // SECOND_NS)).astimezone(self.zone).date()

    def sessions(self, first: dt.date, last: dt.date) -> Iterator[tuple[int, int]]:
        """Yield (open_ns, close_ns) of the sessions that open on the dates ``first`` to ``last``, both included."""
        zone = self.zone
        for offset in range((last - first).days + 1):
            day = first + offset * _DAY
            for opens, closes in self.hours_of(day):
                yield wall_ns(day, opens, zone), wall_ns(day if closes > opens else day + _DAY, closes, zone)

    def spans(self, from_ns: int, to_ns: int) -> Spans:
        """Cut ``[from_ns, to_ns)`` into sessions and what lies between; the first and last span may reach beyond it.

        The same span comes out for any range that touches it: spans are made of whole blocks of days, and kept.
        """
        first = (self.local_date(from_ns).toordinal() - _MARGIN_DAYS) // _BLOCK_DAYS
        last = (self.local_date(max(from_ns, to_ns - 1)).toordinal() + _MARGIN_DAYS) // _BLOCK_DAYS
        every = _partition(self, first, last)
        lo, hi = every.find(from_ns), every.find(max(from_ns, to_ns - 1)) + 1
        return Spans(every.start_ns[lo:hi], every.end_ns[lo:hi], every.in_session[lo:hi])

    def session_of(self, ts_ns: int) -> tuple[int, int]:
        """Return the (start, end) of the span that holds an instant, ns UTC."""
        spans = self.spans(ts_ns, ts_ns + 1)
        return int(spans.start_ns[0]), int(spans.end_ns[0])

    def session_date(self, ts_ns: int) -> dt.date:
        """Return the day a trade is filed under: the local date on which its session ends, else its own."""
        spans = self.spans(ts_ns, ts_ns + 1)
        if spans.in_session[0]:
            return self.local_date(int(spans.end_ns[0]) - 1)
        return self.local_date(ts_ns)

    def day_edges(self, from_ns: int, to_ns: int, first_of: Callable[[dt.date], dt.date]) -> Spans:
        """Cut time at local midnights of the dates that ``first_of`` maps to (Mondays for weeks, firsts for months)."""
        zone, midnight = self.zone, dt.time()
        day = first_of(self.local_date(from_ns))
        last = self.local_date(max(from_ns, to_ns - 1))
        edges = [wall_ns(day, midnight, zone)]
        while day <= last:
            following = day + _DAY
            while first_of(following) == day:
                following += _DAY
            day = following
            edges.append(wall_ns(day, midnight, zone))
        cuts = np.array(edges, np.int64)
        return Spans(cuts[:-1], cuts[1:], np.ones(len(cuts) - 1, np.bool_)).cut(self.cuts)


@functools.lru_cache(maxsize=256)
def _partition(market: Calendar, first_block: int, last_block: int) -> Spans:
    first = dt.date.fromordinal(first_block * _BLOCK_DAYS)
    last = dt.date.fromordinal((last_block + 1) * _BLOCK_DAYS - 1)
    starts, ends, inside = [], [], []
    previous = _FIRST_NS  # nothing trades before the first day of a table, nor behind its last
    for open_ns, close_ns in market.sessions(first, last):
        if open_ns > previous:
            starts.append(previous)
            ends.append(open_ns)
            inside.append(False)
        starts.append(open_ns)
        ends.append(close_ns)
        inside.append(True)
        previous = close_ns
    starts.append(previous)
    ends.append(_LAST_NS)
    inside.append(False)
    return Spans(np.array(starts, np.int64), np.array(ends, np.int64), np.array(inside, np.bool_)).cut(market.cuts)


def _every_day(_day: dt.date) -> tuple[Hours, ...]:
    return ((dt.time(), dt.time()),)


_CUT = re.compile(r"(?P<market>.+) cut at (?P<times>\d+(?:,\d+)*)")
_CUSTOM = re.compile(r"iana:(?P<zone>\S+) (?P<open>\d\d:\d\d)-(?P<close>\d\d:\d\d)(?P<daily> daily)?")


def _on_days(hours: Hours, count: int) -> Callable[[dt.date], tuple[Hours, ...]]:
    return lambda day: (hours,) if day.weekday() < count else ()


def cut_at(name: str, at_ns: Sequence[int]) -> str:
    """Return the name of a calendar with further cuts at some times, ns UTC.

    Examples
    --------
    >>> cut_at("nse_fo", [1764064800000000000])
    'nse_fo cut at 1764064800000000000'
    """
    return f"{name} cut at {','.join(map(str, sorted(at_ns)))}" if at_ns else name


@functools.lru_cache(maxsize=1024)  # hours are the clients' choice
def calendar(name: str) -> Calendar:
    """Return a calendar by its name (see the module's list).

    Raises
    ------
    ConfigError
        No calendar has that name, or its zone is unknown.
    """
    if cut := _CUT.fullmatch(name):
        return replace(calendar(cut["market"]), name=name, cuts=tuple(sorted(map(int, cut["times"].split(",")))))
    if name == "crypto":
        return Calendar(name, "UTC", _every_day)
    if name in nse.SEGMENT_OF:
        return Calendar(name, nse.ZONE, functools.partial(nse.hours_of, nse.SEGMENT_OF[name]))
    custom = _CUSTOM.fullmatch(name)
    if custom is None:
        known = ", ".join(["crypto", *nse.SEGMENT_OF, "iana:ZONE HH:MM-HH:MM[ daily]"])
        raise ConfigError(f"no calendar is called {name!r}: known are {known}")
    try:
        ZoneInfo(custom["zone"])
        hours = (dt.time.fromisoformat(custom["open"]), dt.time.fromisoformat(custom["close"]))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigError(f"calendar {name!r} cannot be used: {error}") from None
    return Calendar(name, custom["zone"], _on_days(hours, 7 if custom["daily"] else 5))
