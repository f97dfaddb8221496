"""Finished footprints on their way from a file: bars and their levels, as numbers still to be put on a grid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from footloom.core.finished import FINISHED_COLUMNS
from footloom.core.sessions import Calendar
from footloom.errors import ConfigError
from footloom.importers._csv_rules import Grid
from footloom.importers._exact import Refused, count_refused, units_of
from footloom.importers._rows import BareRows, Dropped, Silence

__all__ = ("TAPE", "Bar", "FinishedBars", "Level", "missing_session_ns", "tape_of", "texts")

TAPE = "finished:"

BARS = "finished bars, whose levels the rows are"
EMPTY = "levels without volume, left out"
BARE = "bars without volume in their levels, left out"
BEYOND = "bars with levels beyond their high or low"
OPEN_BEYOND = "bars whose open or close is beyond their high or low"
SHORT = "bars whose levels do not reach their high or low"


class Level(NamedTuple):
    """A level's label, its volume by aggressor, as decimal text, and the line it stands on."""

    price: bytes
    sell: bytes
    buy: bytes
    line: int


class Bar(NamedTuple):
    """A bar with its times, its number in the file, its prices as decimal text, and its levels; ``text`` is its row."""

    open_ns: int
    close_ns: int
    number: int
    prices: tuple[bytes, bytes, bytes, bytes]
    levels: list[Level]
    line: int
    text: bytes


@dataclass
class FinishedBars:
    """Gathers the bars of one instrument and gives them as blocks of rows."""

    venue: str
    symbol: str
    tape: str
    grid: Grid
    rows: list[tuple[int, ...]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)
    dropped: dict[str, Dropped] = field(default_factory=dict)
    gaps: list[Silence] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.prices, self.lots = units_of(self.grid)

    def take(self, bar: Bar) -> None:
        """Take a bar, whole or not at all."""
        try:
            ticks = tuple(self.prices.of(price) for price in bar.prices)
            levels = [
                (one.line, self.prices.of(one.price), self.lots.of(one.buy), self.lots.of(one.sell))
                for one in bar.levels
            ]
            self._check(ticks, [tick for _, tick, _, _ in levels])
        except Refused as refused:
            count_refused(self.dropped, refused, bar.line, bar.text, f"bar {bar.number}")
            return
        traded = [one for one in levels if one[2] or one[3] or self.lots.places < 0]
        self.counted[EMPTY] += len(levels) - len(traded)
        self.counted[BARE if not traded else BARS] += 1
        labels = [tick for _, tick, _, _ in traded]
        if traded and self.prices.places >= 0:
            self.counted[BEYOND] += max(labels) > ticks[1] or min(labels) < ticks[2]
            self.counted[OPEN_BEYOND] += not ticks[2] <= min(ticks[0], ticks[3]) <= max(ticks[0], ticks[3]) <= ticks[1]
            self.counted[SHORT] += max(labels) < ticks[1] or min(labels) > ticks[2]
        for line, row, buy, sell in traded:
            self.rows.append((bar.open_ns, bar.close_ns, bar.number, *ticks, row, buy, sell, 0))
            self.lines.append(line)

    def _check(self, ticks: tuple[int, ...], labels: list[int]) -> None:
        if self.prices.places < 0:
            return
        if ticks[1] < ticks[2]:
            raise Refused("prices of the bar contradict each other", "its high is below its low")
        if len(set(labels)) != len(labels):
            raise Refused("a level stands twice in its bar", "two of its levels have the same price")

    def block(self) -> BareRows:
        """Return what was taken since the last time."""
        table = np.array(self.rows, np.int64).reshape(-1, len(FINISHED_COLUMNS))
        made = BareRows(
            venue=self.venue,
            symbol=self.symbol,
            tape=self.tape,
            line=np.array(self.lines, np.int64),
            columns={name: np.ascontiguousarray(table[:, i]) for i, name in enumerate(FINISHED_COLUMNS)},
            dropped=list(self.dropped.values()),
            counted=+self.counted,
            gaps=self.gaps,
        )
        self.rows, self.lines, self.dropped, self.counted, self.gaps = [], [], {}, Counter(), []
        return made


def tape_of(asked: str, usual: str) -> str:
    """Return the name under which finished footprints are kept.

    Raises
    ------
    ConfigError
        The one that was asked for is a tape's.
    """
    if asked and (not asked.startswith(TAPE) or asked == TAPE):
        raise ConfigError(f"--tape {asked}: finished footprints are no tape: name them {TAPE}NAME")
    return asked or usual


def missing_session_ns(calendar: Calendar, from_ns: int, to_ns: int) -> int:
    """Return how much of a stretch lies within sessions, ns."""
    if to_ns <= from_ns:
        return 0
    spans = calendar.spans(from_ns, to_ns)
    shared = np.minimum(spans.end_ns, to_ns) - np.maximum(spans.start_ns, from_ns)
    return int(shared[spans.in_session].sum())


def texts(values: Iterable[object]) -> list[bytes]:
    """Return numbers of a database as their shortest decimal text, which is what was meant by a binary float."""
    return [repr(value).encode() if isinstance(value, float) else str(value).encode() for value in values]
