"""Bars as the older wires need them, in whole ticks and lots."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np

from footloom.core.footprint import BAR_FINAL
from footloom.core.trades import I64
from footloom.engine.frame import ChartFrame
from footloom.server.compat.numbers import Steps

__all__ = ("Bar", "Cells", "bars_of", "joined", "last_bar", "rounded")

_MOST_RECENT = 256
_RECENT: dict[int, tuple[ChartFrame, Bar]] = {}  # all clients of a topic are shown the same bar: it is read once


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Levels of one bar, ascending; int64 (n_levels,). ``price`` counts ticks, or multiples of a step."""

    price: I64
    buy_lot: I64
    sell_lot: I64
    unknown_lot: I64
    trades: I64

    def __len__(self) -> int:
        return len(self.price)


@dataclass(frozen=True, slots=True, eq=False)
class Bar:
    """One bar: times in ns UTC, prices in ticks as traded, volumes in lots.

    ``cvd_lot`` counts from ``cvd_anchor_ns``, the open of its session. ``made`` keeps what was made of it for a wire.
    """

    cells: Cells
    open_ns: int
    final: bool
    open_tick: int
    high_tick: int
    low_tick: int
    close_tick: int
    buy_lot: int
    sell_lot: int
    unknown_lot: int
    cvd_lot: int
    cvd_anchor_ns: int
    made: dict[object, msgspec.Raw] = field(default_factory=dict)

    @property
    def delta_lot(self) -> int:
        """Bought less sold, lots."""
        return self.buy_lot - self.sell_lot

    def same_numbers(self, other: Bar) -> bool:
        """Say whether both hold the same trades, as far as a page can see."""
        return _sums(self) == _sums(other) and all(
            np.array_equal(getattr(self.cells, name), getattr(other.cells, name)) for name in Cells.__slots__
        )


def _sums(bar: Bar) -> tuple[int, ...]:
    return bar.open_tick, bar.high_tick, bar.low_tick, bar.close_tick, bar.buy_lot, bar.sell_lot, bar.unknown_lot


def bars_of(chart: ChartFrame) -> list[Bar]:
    """Return the bars of a chart with one tick a level, oldest first."""
    footprint = chart.footprint
    levels = [getattr(footprint.levels, name) for name in ("row", "buy_lot", "sell_lot", "unknown_lot", "trades")]
    names = (
        "open_ns",
        "flags",
        "open_tick",
        "high_tick",
        "low_tick",
        "close_tick",
        "buy_lot",
        "sell_lot",
        "unknown_lot",
    )
    columns = [*(getattr(footprint.bars, name) for name in names), chart.cvd_lot, chart.cvd_anchor_ns]
    sums = zip(*(column.tolist() for column in columns), strict=True)
    found = []
    for (start, stop), (open_ns, flags, *rest) in zip(
        itertools.pairwise(footprint.level_offset.tolist()), sums, strict=True
    ):
        cells = Cells(*(column[start:stop] for column in levels))
        found.append(Bar(cells, open_ns, bool(flags & BAR_FINAL), *rest))
    return found


def last_bar(chart: ChartFrame) -> Bar:
    """Return the newest bar of a chart; who asks for the same chart gets the same bar."""
    known = _RECENT.get(id(chart))
    if known is None:
        known = _RECENT[id(chart)] = (chart, bars_of(chart.slice(len(chart) - 1, len(chart)))[0])
        if len(_RECENT) > _MOST_RECENT:
            del _RECENT[next(iter(_RECENT))]
    return known[1]


def rounded(cells: Cells, steps: Steps) -> Cells:
    """Return the levels of a bar on multiples of a step; rows where nothing traded are not among them."""
    if not len(cells):
        return cells
    price = steps.nearest(cells.price)
    starts = np.flatnonzero(np.diff(price, prepend=price[0] - 1))
    sums = (np.add.reduceat(getattr(cells, name), starts) for name in Cells.__slots__[1:])
    return Cells(price[starts], *sums)


def joined(bars: Sequence[Bar], length_ns: int) -> list[Bar]:
    """Return the bars of ``ts - ts % length_ns``, made of shorter ones that do not cross them."""
    groups = itertools.groupby(bars, key=lambda bar: bar.open_ns - bar.open_ns % length_ns)
    return [_one(list(group), open_ns) for open_ns, group in groups]


def _one(bars: list[Bar], open_ns: int) -> Bar:
    if len(bars) == 1 and bars[0].open_ns == open_ns:
        return bars[0]
    price = np.concatenate([bar.cells.price for bar in bars])
    rows, where = np.unique(price, return_inverse=True)
    sums = []
    for name in Cells.__slots__[1:]:
        column = np.zeros(len(rows), np.int64)
        np.add.at(column, where, np.concatenate([getattr(bar.cells, name) for bar in bars]))
        sums.append(column)
    return Bar(
        open_ns=open_ns,
        final=False,  # a later part may come
        open_tick=bars[0].open_tick,
        high_tick=max(bar.high_tick for bar in bars),
        low_tick=min(bar.low_tick for bar in bars),
        close_tick=bars[-1].close_tick,
        buy_lot=sum(bar.buy_lot for bar in bars),
        sell_lot=sum(bar.sell_lot for bar in bars),
        unknown_lot=sum(bar.unknown_lot for bar in bars),
        cvd_lot=bars[0].cvd_lot + sum(bar.delta_lot for bar in bars[1:]),  # a session may begin within
        cvd_anchor_ns=bars[0].cvd_anchor_ns,
        cells=Cells(rows, *sums),
    )
