"""With how many ticks in a level a chart opens (definitions 2.2), remembered as long as it holds."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.engine.build import build_footprint
from footloom.engine.default_step import default_ticks_per_level
from footloom.feeds.stored import CHART_TAPES, span_of
from footloom.server.stored.reach import bar_length_ns
from footloom.store import Store

__all__ = ("DefaultSteps",)

_BARS = 500  # definitions 2.2
_SETTLED_BARS = 30  # from so many on, the default step of a growing tape stands
_COARSE = 100_000  # a study step under which bars have few rows: for what needs no levels


class DefaultSteps:
    """The default study steps of a store's charts.

    ``read`` returns the trades of a key, tape and range, ``state`` a hash of what is stored of a key's tape. A tape
    that has only begun says little of how far its bars reach: it is asked again when it has grown, until it holds some.
    """

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
        name = (instrument.key, tape, bars)
        tick_size, step = self._settled.get(name, (None, 0))
        if tick_size == instrument.tick_size:
            return step
        state = self._state(instrument.key, tape)
        known = self._young.get(name)
        if known is not None and known[0] == state:
            return known[1]
        _, last_ns = span_of(self._store, instrument.key, tape)
        from_ns = last_ns - _BARS * bar_length_ns(bars)
        trades = self._read(instrument.key, tape, from_ns, last_ns + 1).on_grid(instrument)
        found = build_footprint(trades, bars, _COARSE).bars
        step = default_ticks_per_level(found.take(slice(0, max(1, len(found) - 1))))  # the last one is not final
        if len(found) > _SETTLED_BARS:
            self._settled[name] = (instrument.tick_size, step)
            self._young.pop(name, None)
        else:
            self._young[name] = (state, step)
        return step
