"""With how many ticks in a level a chart opens (definitions 2.2), remembered as long as it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Protocol

import numpy as np

from footloom.core.footprint import Bars, Footprint
from footloom.core.instrument import Instrument
from footloom.engine.default_step import MOST_BARS, default_ticks_per_level
from footloom.engine.spec import ChartSpec
from footloom.feeds.stored import CHART_TAPES
from footloom.server.stored.reach import ChartKey, whole_stretch
from footloom.server.stored.tasks import Task

__all__ = ("DefaultSteps", "step_of_pieces")

_SETTLED_BARS = 30  # from so many on, the default step of a growing tape stands
_COARSE = 100_000  # a study step under which bars have few rows: for what needs no levels


class _Charts(Protocol):
    # The charts of a store.
    def footprint(self, chart: ChartKey, from_ns: int, to_ns: int) -> Footprint | None: ...
    def sample(self, instrument: Instrument, tape: str, bars: str) -> tuple[int, int]: ...
    def is_at_hand(self, key: str, tape: str, from_ns: int, to_ns: int) -> bool: ...
    def rows(self, key: str, tape: str, from_ns: int, to_ns: int) -> int: ...
    def state(self, key: str, tape: str) -> str: ...


class DefaultSteps:
    """The default study steps of a store's charts.

    The bars of the last two sessions say it, which a chart reads anyway: one that was opened with another step tells
    it by the way (`learn`). A tape that has only begun says little of how far its bars reach: it is asked again when it
    has grown, until it holds some.

    Attributes
    ----------
    find
        Does the task of finding one for which many rows are read, as thirty days hold; it is told about how many.
    told
        The step that another has found for every chart asked for here; 0 where there is none.
    """

    find: Callable[[Task, int], bytes] | None = None
    told = 0

    def __init__(self, charts: _Charts) -> None:
        self._charts = charts
        self._settled: dict[tuple[str, str, str], tuple[Decimal, int]] = {}  # with the tick size that it counts in
        self._young: dict[tuple[str, str, str], tuple[str, int]] = {}

    def knows(self, key: str, bars: str) -> bool:
        """Say whether the step of such a chart stands, so that nothing is read for it."""
        return any((key, tape, bars) in self._settled for tape in CHART_TAPES)

    def of(self, instrument: Instrument, tape: str, bars: str) -> int:
        """Return the default step of a chart, ticks."""
        if self.told:
            return self.told
        name = (instrument.key, tape, bars)
        if step := self._stands(name, instrument):
            return step
        state = self._charts.state(instrument.key, tape)
        known = self._young.get(name)
        if known is not None and known[0] == state:
            return known[1]
        step, count = self._found(instrument, tape, bars)
        if not self._settle(name, instrument, step, count):
            self._young[name] = (state, step)
        return step

    def asked(self, instrument: Instrument, tape: str, bars: str) -> str:
        """Return what is stored before a chart is read that `learn` is told of; "" where its step stands."""
        is_known = self.told or self._stands((instrument.key, tape, bars), instrument)
        return "" if is_known else self._charts.state(instrument.key, tape)

    def learn(self, instrument: Instrument, tape: str, bars: str, read: Bars, state: str) -> None:
        """Take what bars say that were read up to the newest, those of the sample among them."""
        name = (instrument.key, tape, bars)
        if state and not self._stands(name, instrument):
            step, count = _step_of(read, self._charts.sample(instrument, tape, bars)[0])
            if not self._settle(name, instrument, step, count):
                self._young[name] = (state, step)

    def _stands(self, name: tuple[str, str, str], instrument: Instrument) -> int:
        tick_size, step = self._settled.get(name, (None, 0))
        return step if tick_size == instrument.tick_size else 0

    def _settle(self, name: tuple[str, str, str], instrument: Instrument, step: int, count: int) -> bool:
        if count <= _SETTLED_BARS:
            return False
        self._settled[name] = (instrument.tick_size, step)
        self._young.pop(name, None)
        return True

    # The step, and how many bars say so.
    def _found(self, instrument: Instrument, tape: str, bars: str) -> tuple[int, int]:
        charts, key = self._charts, instrument.key
        span = charts.sample(instrument, tape, bars)
        task = Task(step_of_pieces, (instrument, tape, bars, *span))
        if self.find is None or charts.is_at_hand(key, tape, *span):
            said = task.make(charts, *task.given)
        else:
            said = self.find(task, charts.rows(key, tape, *span))
        step, count = map(int, said.split())
        return step, count


def step_of_pieces(history: _Charts, instrument: Instrument, tape: str, bars: str, from_ns: int, to_ns: int) -> bytes:
    """Return the default step of a chart and the number of bars that say so, as text; memory stays flat."""
    chart = ChartKey(instrument, tape, ChartSpec(bars=bars, ticks_per_level=_COARSE))
    found: Footprint | None = None
    for begin_ns, end_ns in _stretches(chart, from_ns, to_ns):
        older = history.footprint(chart, begin_ns, end_ns)
        if older is not None:
            found = older if found is None else Footprint.concat([older, found])
        if found is not None and len(found) > MOST_BARS:
            break
    step, count = (1, 0) if found is None else _step_of(found.bars, from_ns)
    return f"{step} {count}".encode()


# Sessions say their bars each by itself: the newest first, as no more of them are read than are needed.
def _stretches(chart: ChartKey, from_ns: int, to_ns: int) -> Iterator[tuple[int, int]]:
    while to_ns > from_ns:
        begin_ns, until_ns = whole_stretch(chart, to_ns - 1)
        begin_ns = max(from_ns, begin_ns) if begin_ns < until_ns else from_ns  # where a time names a bar: all at once
        yield begin_ns, to_ns
        to_ns = begin_ns


# Of the bars that open from a time on, but the last: it is not final.
def _step_of(bars: Bars, from_ns: int) -> tuple[int, int]:
    first = int(np.searchsorted(bars.open_ns, from_ns))
    return default_ticks_per_level(bars.take(slice(first, max(first + 1, len(bars) - 1)))), len(bars) - first
