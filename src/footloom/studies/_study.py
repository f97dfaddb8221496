"""What a study is: a pure, resumable fold from bars to columns and events.

A study is a module (or any object) with the attributes of `Study`; `footloom.studies.value_area` is the model. It never
knows a venue, does no I/O and asks no clock, so batch, live, replay and backtest give the same answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec
import numpy as np
from numpy.typing import NDArray

from footloom.core.footprint import Footprint
from footloom.core.sessions import Calendar
from footloom.core.trades import I64, Trades
from footloom.studies._beside import Beside

__all__ = ("NONE", "Answer", "Column", "Counting", "Kind", "Life", "NoState", "Output", "Run", "Study", "Unit")

Column = NDArray[Any]
Kind = Literal["line", "histogram", "candle", "band", "level", "box", "zone", "marker", "cell_flag", "column"]
Unit = Literal[
    "tick", "row", "lot", "count", "ratio", "percent", "ns", "per_second", "text", "side", "flag", "base", "price"
]

NONE = int(np.iinfo(np.int64).min)  # in an integer column: undefined (definitions 0.6); a float column says NaN


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """How the events of a zone tell its life, so that it can be drawn from where it begins to where it ends.

    Events with the same values of the columns ``key`` are of one zone. It stands from the first of them that was seen,
    or from the time in the column ``since``, until the column ``ends`` holds one of ``ended``. ``side`` names the
    column of its side: above zero support, below zero resistance.
    """

    key: tuple[str, ...]
    ends: str
    ended: tuple[int, ...]
    since: str = ""
    side: str = ""


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a study says, and how it wants to be drawn.

    ``columns`` names its columns in the `Answer`, in the order that the kind needs: a line, histogram, level or column
    has one; a band a lower and an upper one; a candle open, high, low and close; a box its lower and its upper edge so
    far and the time since which it stands (bars of the same time are of one box, as its last bar says); zones and
    markers the columns of their events. A zone with a ``life`` is drawn for as long as it stands: between its two
    columns, or along its only one.
    What reads other symbols counts in units that it shares with them: ``base`` are whole units of the base asset,
    ``price`` of the price (`footloom.studies._beside.Beside`).
    A marker in ticks or rows stands at that price, at the bar at whose close it is known, or where a marker in ns with
    as many columns puts it; without one, at the bar's high or low. A marker in sides says which way it points. A cell
    flag marks its levels by its sign; where it has ``bits``, each of its bits is a flag, and they say the sides.
    """

    name: str
    kind: Kind
    unit: Unit
    columns: tuple[str, ...]
    title: str
    life: Life | None = None
    bits: tuple[int, ...] = ()


class NoState(msgspec.Struct, frozen=True):
    """The state of a study that reads each bar by itself."""


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Neighbouring bars of one tape, oldest first, and what was counted in their trades.

    ``prints`` holds the columns of the study's ``reduce``, int64, one row a bar; ``beside`` the other symbols that it
    reads, None where it names none.
    """

    footprint: Footprint
    calendar: Calendar
    prints: Mapping[str, I64] = field(default_factory=dict)
    beside: Beside | None = None

    def __len__(self) -> int:
        return len(self.footprint)

    def slice(self, start: int, stop: int) -> Run:
        """Return the bars ``start`` to ``stop``."""
        part = {name: column[start:stop] for name, column in self.prints.items()}
        return Run(self.footprint.slice(start, stop), self.calendar, part, self.beside)


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a study says of a run.

    ``bars`` are columns of one row a bar, ``cells`` of one row a level, ``events`` of one row an event: their column
    ``bar`` is the index of the bar at whose close the event is known, ascending.
    """

    bars: Mapping[str, Column] = field(default_factory=dict)
    cells: Mapping[str, Column] = field(default_factory=dict)
    events: Mapping[str, Column] = field(default_factory=dict)

    def part(self, start: int, stop: int, level_offset: I64) -> Answer:
        """Return what is said of the bars ``start`` to ``stop``; ``level_offset`` is that of the run's footprint."""
        cells = slice(int(level_offset[start]), int(level_offset[stop]))
        events: dict[str, Column] = {}
        if self.events:
            at = self.events["bar"]
            mine = (at >= start) & (at < stop)
            events = {name: column[mine] - (start if name == "bar" else 0) for name, column in self.events.items()}
        return Answer(
            {name: column[start:stop] for name, column in self.bars.items()},
            {name: column[cells] for name, column in self.cells.items()},
            events,
        )

    @classmethod
    def concat(cls, pieces: Sequence[tuple[Answer, int]]) -> Answer:
        """Join the answers of neighbouring runs; each comes with its number of bars."""
        starts = np.cumsum([0] + [length for _, length in pieces[:-1]])
        moved = [
            {name: column + start if name == "bar" else column for name, column in answer.events.items()}
            for (answer, _), start in zip(pieces, starts.tolist(), strict=True)
        ]
        return cls(_join([a.bars for a, _ in pieces]), _join([a.cells for a, _ in pieces]), _join(moved))


def _join(tables: Sequence[Mapping[str, Column]]) -> dict[str, Column]:
    return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}


class Study(Protocol):
    """The attributes of a study's module.

    ``Params`` is a frozen `msgspec.Struct` whose Meta gives range, unit and choices: forms, the REST schema and the
    docs come from it. ``State`` is one too; ``State()`` is the beginning, and it must survive
    `footloom.studies.encode_state`. A study that counts in the trades themselves has ``reduce(trades, ends, params)``,
    which returns int64 columns of one row a bar that *add up* when two parts of a bar are joined. Where there is a
    ``title_of(params)``, it says what the study is called with these settings; a ``titles_of(params)`` gives outputs,
    by their names, the short titles that stand beside their lines with these settings.
    """

    TITLE: str
    OUTPUTS: tuple[Output, ...]
    Params: type[msgspec.Struct]
    State: type[msgspec.Struct]

    def warmup(self, params: Any) -> int:
        """Return how many bars before the first one shown change its answer; -1: all since the anchor."""
        ...

    def update(self, run: Run, params: Any, state: Any) -> tuple[Answer, Any]:
        """Fold one run and return its answer and the new state.

        Cutting a run anywhere and folding the parts one after the other gives the same answer and the same state: so
        no answer depends on what comes later.
        """
        ...


@runtime_checkable
class Counting(Protocol):
    """A study that reads trades too."""

    def reduce(self, trades: Trades, ends: I64, params: Any) -> dict[str, I64]:
        """Return what it needs of the trades ``ends[i] : ends[i + 1]`` of each bar."""
        ...
