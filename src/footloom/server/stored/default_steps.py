"""With how many ticks in a level a chart opens (definitions 2.2), remembered as long as it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Protocol

from footloom.core.footprint import Bars, Footprint
from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.engine.build import build_footprint
from footloom.engine.default_step import default_ticks_per_level
from footloom.engine.runs import bar_runs
from footloom.feeds.stored import CHART_TAPES, span_of
from footloom.server.stored.reach import bar_length_ns
from footloom.server.stored.tasks import MOST_ROWS, Task
from footloom.store import Store

__all__ = ("DefaultSteps", "step_of_pieces")

_BARS = 500  # definitions 2.2
_SETTLED_BARS = 30  # from so many on, the default step of a growing tape stands
_COARSE = 100_000  # a study step under which bars have few rows: for what needs no levels


class DefaultSteps:
    """The default study steps of a store's charts.

    ``read`` returns the trades of a key, tape and range, ``state`` a hash of what is stored of a key's tape. A tape
    that has only begun says little of how far its bars reach: it is asked again when it has grown, until it holds some.

    Attributes
    ----------
    find
        Does the task of finding one for which many rows are read, as 500 days hold; it is told about how many.
    told
        The step that another has found for every chart asked for here; 0 where there is none.
    most_rows
        How many rows are read at once.
    """

    find: Callable[[Task, int], bytes]
    told = 0
    most_rows = MOST_ROWS

    def __init__(
        self, store: Store, read: Callable[[str, str, int, int], Trades], state: Callable[[str, str], str]
    ) -> None:
        self._store = store
        self._read = read
        self._state = state
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
        tick_size, step = self._settled.get(name, (None, 0))
        if tick_size == instrument.tick_size:
            return step
        state = self._state(instrument.key, tape)
        known = self._young.get(name)
        if known is not None and known[0] == state:
            return known[1]
        step, count = self._found(instrument, tape, bars)
        if count > _SETTLED_BARS:
            self._settled[name] = (instrument.tick_size, step)
            self._young.pop(name, None)
        else:
            self._young[name] = (state, step)
        return step

    # The step, and how many bars say so.
    def _found(self, instrument: Instrument, tape: str, bars: str) -> tuple[int, int]:
        first_ns, last_ns = span_of(self._store, instrument.key, tape)
        from_ns = max(first_ns, last_ns - _BARS * bar_length_ns(bars))
        days = [
            row for row in self._store.coverage(instrument.key) if row.tape == tape and (row.last_ns or 0) >= from_ns
        ]
        rows = sum(row.rows for row in days)
        if rows > self.most_rows:
            said = self.find(Task(step_of_pieces, (instrument, tape, bars, from_ns, last_ns + 1)), rows)
            step, count = map(int, said.split())
            return step, count
        trades = self._read(instrument.key, tape, from_ns, last_ns + 1).on_grid(instrument)
        return _step_of(build_footprint(trades, bars, _COARSE).bars)


class _Pieces(Protocol):
    # The charts of a store.
    def pieces(self, key: str, tape: str, from_ns: int, to_ns: int) -> Iterator[Trades]: ...


def step_of_pieces(history: _Pieces, instrument: Instrument, tape: str, bars: str, from_ns: int, to_ns: int) -> bytes:
    """Return the default step of a chart and the number of bars that say so, as text; memory stays flat."""
    pieces = (piece.on_grid(instrument) for piece in history.pieces(instrument.key, tape, from_ns, to_ns))
    runs = [run for run in bar_runs(pieces, bars, _COARSE) if len(run)]
    step, count = _step_of(Footprint.concat(runs).bars) if runs else (1, 0)
    return f"{step} {count}".encode()


def _step_of(bars: Bars) -> tuple[int, int]:
    return default_ticks_per_level(bars.take(slice(0, max(1, len(bars) - 1)))), len(bars)  # the last one is not final
