"""The bars that profiles of charts are added up from: those of a live chart where there is one, else stored ones."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

import msgspec

from footloom.core.footprint import Footprint
from footloom.server.stored.history import ChartKey, History
from footloom.server.stored.studied import studied

__all__ = ("ProfileBars", "with_bars")

_MOST_LEVELS: Final = 2_000_000  # of stored bars that are kept, some 100 MB
_Name = tuple[str, str, str, int, int, int, str]


class ProfileBars:
    """Bars for profiles, of any thread. What was read of a finished past is kept for the next look at it.

    Parameters
    ----------
    history
        The store's charts.
    """

    def __init__(self, history: History) -> None:
        self._history = history
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

    def _stored(self, chart: ChartKey, from_ns: int, to_ns: int) -> Footprint | None:
        state = self._history.state(chart.key, chart.tape, to_ns)
        name = (chart.key, chart.tape, chart.spec.bars, chart.spec.ticks_per_level, from_ns, to_ns, state)
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
                return self._kept[name]
        found, _ = studied(self._history, chart, (), from_ns, to_ns)
        if self._history.state(chart.key, chart.tape, to_ns) == state:
            self._keep(name, found)
        return found

    def _keep(self, name: _Name, found: Footprint | None) -> None:
        with self._lock:
            self._kept[name] = found
            while sum(_levels(one) for one in self._kept.values()) > _MOST_LEVELS:
                self._kept.popitem(last=False)


def with_bars(chart: ChartKey, bars: str) -> ChartKey:
    """Return the same chart with other bars."""
    return msgspec.structs.replace(chart, spec=msgspec.structs.replace(chart.spec, bars=bars))


def _within(run: Footprint, from_ns: int, to_ns: int) -> Footprint:
    opens = run.bars.open_ns
    return run.slice(int(opens.searchsorted(from_ns)), int(opens.searchsorted(to_ns)))


def _levels(found: Footprint | None) -> int:
    return 0 if found is None else len(found.levels)
