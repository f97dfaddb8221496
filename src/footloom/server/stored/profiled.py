"""The bars that profiles of charts are added up from: those of a live chart where there is one, else stored ones."""

from __future__ import annotations

import pickle
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from footloom.core.footprint import Footprint
from footloom.server.stored.history import ChartKey, History
from footloom.server.stored.studied import studied
from footloom.server.stored.tasks import MOST_ROWS, Task

__all__ = ("ProfileBars", "stored_bars", "with_bars")

_MOST_LEVELS: Final = 2_000_000  # of stored bars that are kept, some 100 MB
_Name = tuple[str, str, str, int, int, int, str]


class ProfileBars:
    """Bars for profiles, of any thread. What was read of a finished past is kept for the next look at it.

    Parameters
    ----------
    history
        The store's charts.
    make
        Does the task of reading, told for about how many rows (`footloom.server.stored.aside.Aside.make`).
    """

    def __init__(self, history: History, make: Callable[[Task, int], bytes]) -> None:
        self._history, self._make = history, make
        self._kept: OrderedDict[_Name, Footprint | None] = OrderedDict()
        self._lock = threading.Lock()

    def between(self, chart: ChartKey, from_ns: int, to_ns: int, held: Sequence[Footprint] = ()) -> Footprint | None:
        """Return the bars that open in ``[from_ns, to_ns)``, each whole; None where there is none. Blocking.

        ``held`` are bars of a live chart of the same rule and step, oldest first and without a hole up to the newest:
        what opens before them is read.
        """
        first_ns = int(held[0].bars.open_ns[0]) if held else to_ns
        pieces = [_within(run, from_ns, to_ns) for run in held]
        if from_ns < first_ns:
            stored = self._stored(chart, from_ns, min(first_ns, to_ns))
            pieces = [*([] if stored is None else [stored]), *pieces]
        pieces = [piece for piece in pieces if len(piece)]
        return Footprint.concat(pieces) if pieces else None

    def rows_to_read(self, chart: ChartKey, from_ns: int, to_ns: int, held: Sequence[Footprint] = ()) -> int:
        """Return about how many rows `between` would read: none of what is held or kept. Blocking."""
        until_ns = min(int(held[0].bars.open_ns[0]), to_ns) if held else to_ns
        if from_ns >= until_ns or self._name(chart, from_ns, until_ns) in self._kept:
            return 0
        return self._history.rows(chart.key, chart.tape, from_ns, until_ns)

    def _stored(self, chart: ChartKey, from_ns: int, to_ns: int) -> Footprint | None:
        name = self._name(chart, from_ns, to_ns)
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
                return self._kept[name]
        found = self._read(chart, from_ns, to_ns)
        if self._name(chart, from_ns, to_ns) == name:
            self._keep(name, found)
        return found

    def _read(self, chart: ChartKey, from_ns: int, to_ns: int) -> Footprint | None:
        rows = self._history.rows(chart.key, chart.tape, from_ns, to_ns)
        if rows < MOST_ROWS:
            return studied(self._history, chart, (), from_ns, to_ns)[0]
        found: Footprint | None = pickle.loads(self._make(Task(stored_bars, (chart, from_ns, to_ns)), rows))  # noqa: S301 - from our own process
        return found

    def _name(self, chart: ChartKey, from_ns: int, to_ns: int) -> _Name:
        state = self._history.state(chart.key, chart.tape, to_ns)
        return chart.key, chart.tape, chart.spec.bars, chart.spec.ticks_per_level, from_ns, to_ns, state

    def _keep(self, name: _Name, found: Footprint | None) -> None:
        with self._lock:
            self._kept[name] = found
            while sum(_levels(one) for one in self._kept.values()) > _MOST_LEVELS:
                self._kept.popitem(last=False)


def stored_bars(history: History, chart: ChartKey, from_ns: int, to_ns: int) -> bytes:
    """Return the stored bars that open in a range, pickled; None where there is none."""
    found, _ = studied(history, chart, (), from_ns, to_ns)
    return pickle.dumps(found, pickle.HIGHEST_PROTOCOL)


def with_bars(chart: ChartKey, bars: str) -> ChartKey:
    """Return the same chart with other bars."""
    return msgspec.structs.replace(chart, spec=msgspec.structs.replace(chart.spec, bars=bars))


def _within(run: Footprint, from_ns: int, to_ns: int) -> Footprint:
    opens = run.bars.open_ns
    return run.slice(int(opens.searchsorted(from_ns)), int(opens.searchsorted(to_ns)))


def _levels(found: Footprint | None) -> int:
    return 0 if found is None else len(found.levels)
