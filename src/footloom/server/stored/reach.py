"""Which chart is meant, and how far its bars and sessions reach."""

from __future__ import annotations

import msgspec

from footloom.bars import parse_rule
from footloom.core.instrument import Instrument
from footloom.core.sessions import DAY_NS, calendar
from footloom.engine.spec import ChartSpec
from footloom.server.wire.messages import TopicRequest

__all__ = (
    "ChartKey", "bar_length_ns", "grow_until_ns", "sample_of", "session_open", "sessions_open", "whole_stretch",
)  # fmt: skip

_DAYS = {"d": 1, "w": 7, "mo": 31}
_SEQUENTIAL_NS = 60 * 10**9  # sessions are read as wholes: where they hold too few bars, more of them
_CLOCK_NS = 2 * 3600 * 10**9  # a day is longer where clocks are put back
_REST_NS = 10 * DAY_NS  # no market rests longer
_SAMPLE_BARS = 30


class ChartKey(msgspec.Struct, frozen=True):
    """What makes two charts the same topic: symbol, tape and spec.

    The instrument's grid is that of the whole tape: every bar of the chart stands on it, from whatever range it comes.
    """

    instrument: Instrument
    tape: str
    spec: ChartSpec

    @property
    def key(self) -> str:
        """The symbol: ``venue:symbol``."""
        return self.instrument.key

    def request(self) -> TopicRequest:
        """Return the request with every default filled in."""
        return TopicRequest(symbol=self.key, tape=self.tape, **msgspec.structs.asdict(self.spec))


def bar_length_ns(bars: str) -> int:
    """Return how long a bar is at most, ns; a guess for bars that end by what was traded."""
    rule = parse_rule(bars)
    if rule.sequential:
        return _SEQUENTIAL_NS
    days = _DAYS.get(getattr(rule, "unit", "d"))
    return days * DAY_NS + _CLOCK_NS if days else int(getattr(rule, "length_ns", DAY_NS))


def session_open(chart: ChartKey, ts_ns: int) -> int:
    """Return when the last session opened that had begun: behind its close, the CVD counts on (definitions 3.2)."""
    return _opened(chart.instrument, ts_ns)


def sessions_open(instrument: Instrument, last_ns: int) -> int:
    """Return when the session before the newest opened: a topic holds at least yesterday and today."""
    return _opened(instrument, _opened(instrument, last_ns) - 1)


def sample_of(instrument: Instrument, bars: str, last_ns: int) -> tuple[int, int]:
    """Return the range, ns UTC, whose bars say with which study step a chart opens (definitions 2.2)."""
    return min(sessions_open(instrument, last_ns), last_ns + 1 - _SAMPLE_BARS * bar_length_ns(bars)), last_ns + 1


def _opened(instrument: Instrument, ts_ns: int) -> int:
    spans = calendar(instrument.calendar).spans(ts_ns - _REST_NS, ts_ns + 1)
    opens = spans.start_ns[spans.in_session]
    return int(opens[-1]) if len(opens) else ts_ns


def whole_stretch(chart: ChartKey, ts_ns: int) -> tuple[int, int]:
    """Return the stretch whose bars are known only together: the session, or an instant where a time names its bar."""
    if not parse_rule(chart.spec.bars).sequential:
        return ts_ns, ts_ns
    return calendar(chart.instrument.calendar).session_of(ts_ns)


def grow_until_ns(chart: ChartKey, end_ns: int) -> int:
    """Return until when trades can join bars that open before a time, ns UTC."""
    return max(end_ns + bar_length_ns(chart.spec.bars), whole_stretch(chart, end_ns - 1)[1])
