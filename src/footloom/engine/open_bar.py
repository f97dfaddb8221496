"""The open bar of a live chart: plain arrays that grow, and become a chart frame where somebody looks.

A chart is folded dozens of times a second, and most often only the bytes of its open bar are wanted: making the columns
of a frame costs more than folding the trades.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from operator import attrgetter
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from footloom.core.footprint import BAR_FINAL, Bars, Footprint, Levels
from footloom.core.instrument import Instrument
from footloom.core.trades import FLAG_INFERRED, I64, U8, Trades
from footloom.engine.frame import BAR_COLUMNS, ChartFrame
from footloom.engine.spec import ChartSpec
from footloom.kernels.facts import facts
from footloom.kernels.growing import COLUMNS, grow
from footloom.studies import imbalance
from footloom.studies import value_area as areas

__all__ = ("COLUMNS", "OpenBar", "cells_of", "grown", "joined", "packed", "terms_of")

_BAR = len(Bars.__slots__)
_PLACE = {name: place for place, name in enumerate(COLUMNS)}
_OPEN_NS, _CLOSE_NS, _FIRST_NS, _LAST_NS = (_PLACE[f"{name}_ns"] for name in ("open", "close", "first", "last"))
_OPEN, _HIGH, _LOW = (_PLACE[f"{name}_tick"] for name in ("open", "high", "low"))
_FLAGS, _CVD, _ANCHOR, _LEAST = (_PLACE[name] for name in ("flags", "cvd_lot", "cvd_anchor_ns", "min_vol_lot"))
_NO_LEVELS, _NO_MARKS = np.empty((5, 0), np.int64), np.empty(0, np.uint8)
_LEAST_I64, _MOST_I64 = -(2**63), 2**63 - 1
_of_bars = attrgetter(*Bars.__slots__)
_of_frame = attrgetter(*BAR_COLUMNS)
_of_levels = attrgetter(*Levels.__slots__)


class OpenBar(ChartFrame):
    """A frame of one bar without prints, whose columns are made when they are asked for.

    Attributes
    ----------
    bar
        Its `COLUMNS`, int64 (28,).
    rows
        Its levels in the order of `Levels`, int64 (5, at least ``count``), of which ``count`` are used.
    marks
        The ``CELL_*`` bits of each level, uint8.
    """

    __slots__ = ("bar", "bar_rule", "count", "instrument", "marks", "rows")
    __setattr__ = object.__setattr__  # a frozen frame's own refuses the slots of this class too

    bar: I64
    rows: I64
    marks: U8
    count: int
    instrument: Instrument
    bar_rule: str

    def __init__(self, bar: I64, rows: I64, marks: U8, count: int, like: ChartFrame) -> None:
        self.bar, self.rows, self.marks, self.count = bar, rows, marks, count
        named: Any = like if isinstance(like, OpenBar) else like.footprint
        self.instrument, self.bar_rule = named.instrument, named.bar_rule
        self.spec = like.spec  # type: ignore[misc] # written here, and never again

    def __len__(self) -> int:
        return 1

    @classmethod
    def begun(
        cls, like: ChartFrame, trades: Trades, edges_ns: tuple[int, int], flags: int, before: tuple[int, int, int]
    ) -> OpenBar:
        """Return the bar that these trades begin, before it has taken the first of them (`grown`).

        ``edges_ns`` are its open and its close, ns UTC; ``before`` is the CVD that it goes on from, since when that
        counts, and its minimum volume.
        """
        bar = np.zeros(len(COLUMNS), np.int64)
        bar[_OPEN_NS], bar[_CLOSE_NS] = edges_ns
        bar[_FIRST_NS], bar[_OPEN] = trades.ts_exch_ns.item(0), trades.price_tick.item(0)
        bar[_HIGH], bar[_LOW], bar[_FLAGS] = _LEAST_I64, _MOST_I64, flags
        bar[_CVD], bar[_ANCHOR], bar[_LEAST] = before
        return cls(bar, _NO_LEVELS, _NO_MARKS, 0, like)

    @property
    def open_ns(self) -> int:
        """When its bar opens, ns UTC."""
        return self.bar.item(_OPEN_NS)

    @property
    def close_ns(self) -> int:
        """When it closes, ns UTC."""
        return self.bar.item(_CLOSE_NS)

    @property
    def last_ns(self) -> int:
        """When its last trade was, ns UTC."""
        return self.bar.item(_LAST_NS)

    @property
    def cvd_end(self) -> tuple[int, int]:
        """The CVD at its end, and since when it counts, ns UTC."""
        return self.bar.item(_CVD), self.bar.item(_ANCHOR)

    def finished(self) -> OpenBar:
        """Return the same bar as a final one; what it does not need is given back."""
        bar = self.bar.copy()
        bar[_FLAGS] |= BAR_FINAL
        return OpenBar(bar, self.rows[:, : self.count].copy(), self.marks[: self.count].copy(), self.count, self)

    # Columns that were not made yet are empty slots.
    def __getattr__(self, name: str) -> Any:
        if name not in ChartFrame.__dataclass_fields__:
            raise AttributeError(name)
        for array in (self.bar, self.rows, self.marks):  # nobody writes to them, and now nobody can
            array.setflags(write=False)
        bar = self.bar.reshape(len(COLUMNS), 1)
        made: dict[str, object] = dict(zip(BAR_COLUMNS, bar[_BAR:], strict=True))
        made["cell_flags"] = self.marks[: self.count]
        made["footprint"] = Footprint(
            instrument=self.instrument,
            bar_rule=self.bar_rule,
            ticks_per_level=self.spec.ticks_per_level,
            bars=Bars(*bar[:_BAR]),
            level_offset=np.array([0, self.count], np.int64),
            levels=Levels(*self.rows[:, : self.count]),
        )
        for field, value in made.items():
            setattr(self, field, value)
        return made[name]


def packed(frame: ChartFrame) -> OpenBar:
    """Return a frame of one bar as an open bar."""
    if isinstance(frame, OpenBar):
        return frame
    footprint = frame.footprint
    bar = np.concatenate((*_of_bars(footprint.bars), *_of_frame(frame)))
    levels = np.stack(_of_levels(footprint.levels))
    return OpenBar(bar, levels, np.array(frame.cell_flags), len(footprint.levels), frame)


def cells_of(frame: ChartFrame, most: int) -> tuple[I64, NDArray[np.int64]]:
    """Return where the levels of the last ``most`` bars begin and end, int64 (n_bars + 1,), and their buys and sells.

    Lots are int64 (2, n_levels).
    """
    if isinstance(frame, OpenBar):
        return np.array((0, frame.count)), frame.rows[1:3, : frame.count]
    footprint = frame.footprint
    offset = footprint.level_offset[max(0, len(frame) - most) :]
    rows = slice(int(offset[0]), int(offset[-1]))
    return offset - offset[0], np.stack((footprint.levels.buy_lot[rows], footprint.levels.sell_lot[rows]))


def joined(frames: Sequence[ChartFrame]) -> ChartFrame:
    """Return neighbouring frames of one chart as one, in the order given; at least one."""
    pieces: list[ChartFrame] = []
    for is_open, group in itertools.groupby(frames, lambda frame: isinstance(frame, OpenBar)):
        run = list(group)
        pieces += [_together(cast("list[OpenBar]", run))] if is_open else run
    return ChartFrame.concat(pieces)


# A column of each costs as much as one of all.
def _together(bars: Sequence[OpenBar]) -> ChartFrame:
    first = bars[0]
    if len(bars) == 1:
        return first
    columns = np.stack([one.bar for one in bars], axis=1)
    levels = np.concatenate([one.rows[:, : one.count] for one in bars], axis=1)
    footprint = Footprint(
        instrument=first.instrument,
        bar_rule=first.bar_rule,
        ticks_per_level=first.spec.ticks_per_level,
        bars=Bars(*columns[:_BAR]),
        level_offset=np.cumsum([0, *(one.count for one in bars)]),
        levels=Levels(*levels),
    )
    marks = np.concatenate([one.marks[: one.count] for one in bars])
    studies: Any = dict(zip(BAR_COLUMNS, columns[_BAR:], strict=True))
    return ChartFrame(footprint=footprint, spec=first.spec, cell_flags=marks, **studies)


def terms_of(spec: ChartSpec) -> I64:
    """Return the settings of a chart as `footloom.kernels.growing.grow` takes them, int64 (11,)."""
    terms = (spec.ticks_per_level, *areas.kernel_terms(spec.profile), *imbalance.kernel_terms(spec.imbalance))
    return np.array(terms, np.int64)


def grown(frame: ChartFrame, trades: Trades, close_ns: int, terms: I64) -> OpenBar | None:
    """Return the frame of one open bar with trades behind it that belong to it all; None where that is folded.

    Both ways give the same bits. The bar's minimum volume stands while it is open, and so does the anchor of its CVD.
    Which sides were inferred, and how, is counted elsewhere, and so is what studies count in the trades.
    """
    if len(frame) != 1 or facts(trades).flags & FLAG_INFERRED:
        return None
    if not isinstance(frame, OpenBar) and frame.footprint.prints:
        return None
    before = packed(frame)
    found = grow(before.bar, before.rows, before.count, trades, close_ns, terms)
    return None if found is None else OpenBar(*found, before)
