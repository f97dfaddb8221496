"""The open bar of a live chart: plain arrays that grow, and become a chart frame where somebody looks.

A chart is folded dozens of times a second, and most often only the bytes of its open bar are wanted: making the columns
of a frame costs more than folding the trades.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any

import numpy as np

from footloom.core.footprint import Bars, Footprint, Levels
from footloom.core.instrument import Instrument
from footloom.core.trades import FLAG_INFERRED, I64, U8, Trades
from footloom.engine.frame import BAR_COLUMNS, ChartFrame
from footloom.engine.spec import ChartSpec
from footloom.kernels.facts import facts
from footloom.kernels.growing import COLUMNS, grow
from footloom.studies import imbalance
from footloom.studies import value_area as areas

__all__ = ("COLUMNS", "OpenBar", "grown", "packed", "terms_of")

_BAR = len(Bars.__slots__)
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
        for array in (bar, rows, marks):
            array.setflags(write=False)
        self.bar, self.rows, self.marks, self.count = bar, rows, marks, count
        named: Any = like if isinstance(like, OpenBar) else like.footprint
        self.instrument, self.bar_rule = named.instrument, named.bar_rule
        self.spec = like.spec  # type: ignore[misc] # written here, and never again

    def __len__(self) -> int:
        return 1

    @property
    def open_ns(self) -> int:
        """When its bar opens, ns UTC."""
        return self.bar.item(0)

    # Columns that were not made yet are empty slots.
    def __getattr__(self, name: str) -> Any:
        if name not in ChartFrame.__dataclass_fields__:
            raise AttributeError(name)
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
