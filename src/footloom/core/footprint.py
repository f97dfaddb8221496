"""Bars with their cells, as columns: level rows behind bar offsets (CSR)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from footloom.core.instrument import Instrument, check_same_grid
from footloom.core.trades import I64
from footloom.errors import DataError

__all__ = ("BAR_FINAL", "BAR_GAP", "BAR_OFF_SESSION", "Bars", "Footprint", "Levels")

BAR_FINAL = 1  # nothing more will be announced for it (definitions 2.3)
BAR_GAP = 2  # a known gap of the tape touches it
BAR_OFF_SESSION = 4  # outside the calendar's sessions


_NOTHING = np.empty(0, np.int64)


def _nothing() -> I64:
    return _NOTHING


def _rows_of(block: Any, index: Any) -> list[Any]:
    return [getattr(block, name)[index] for name in type(block).__slots__]


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """One row a bar, ascending by ``open_ns``; every column int64 (n_bars,).

    Prices are ticks as traded (never row labels), volumes lots by aggressor, times ns UTC; a bar is ``[open_ns,
    close_ns)``. ``min_delta_lot`` and ``max_delta_lot`` start at 0 (definitions 3.1). ``first_ns`` and ``last_ns``
    are the times of the first and the last trade. ``inferred_lot``, ``quote_lot``, ``rest_lot`` are the parts of the
    volume whose side was inferred, was signed by the previous quote, and is not known to have traded at its price
    (definitions 1.4). ``flags`` holds bits of ``BAR_*``. The ``by_*`` columns part the volume with an inferred side by
    how it was found, each lot once: ``by_rest_lot`` is what is not known to have traded at its price, the others are
    the rest, signed at or through the quote, by its middle and by the tick rule.
    """

    open_ns: I64
    close_ns: I64
    first_ns: I64
    last_ns: I64
    open_tick: I64
    high_tick: I64
    low_tick: I64
    close_tick: I64
    buy_lot: I64
    sell_lot: I64
    unknown_lot: I64
    min_delta_lot: I64
    max_delta_lot: I64
    trades: I64
    inferred_lot: I64
    quote_lot: I64
    rest_lot: I64
    flags: I64
    by_quote_lot: I64 = field(default_factory=_nothing)
    by_mid_lot: I64 = field(default_factory=_nothing)
    by_tick_lot: I64 = field(default_factory=_nothing)
    by_rest_lot: I64 = field(default_factory=_nothing)

    def __post_init__(self) -> None:
        for name in ("by_quote_lot", "by_mid_lot", "by_tick_lot", "by_rest_lot"):
            if getattr(self, name) is _NOTHING:
                object.__setattr__(self, name, np.zeros(len(self.open_ns), np.int64))

    @property
    def delta_lot(self) -> I64:
        """Buy minus sell, lots."""
        return self.buy_lot - self.sell_lot

    @property
    def volume_lot(self) -> I64:
        """Buy, sell and unknown together, lots."""
        return self.buy_lot + self.sell_lot + self.unknown_lot

    @property
    def sure_lot(self) -> I64:
        """Volume with a side that is known to have traded at its price, lots (definitions 1.4)."""
        return self.buy_lot + self.sell_lot - self.by_rest_lot

    @property
    def stated_lot(self) -> I64:
        """Volume whose side the venue states, lots."""
        return self.sure_lot - self.by_quote_lot - self.by_mid_lot - self.by_tick_lot

    @property
    def delta_pct(self) -> NDArray[np.float64]:
        """Delta in percent of the volume of known side, float64 (n_bars,); NaN where there is none (3.1)."""
        known = self.buy_lot + self.sell_lot
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(known > 0, 100 * self.delta_lot / known, np.nan)

    def __len__(self) -> int:
        return len(self.open_ns)

    def take(self, index: Any) -> Bars:
        """Return the bars of a slice, a mask or an index array."""
        return Bars(*_rows_of(self, index))


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """One row a traded level, ascending by row within its bar; every column int64 (n_levels,).

    ``row`` is ``floor(price_tick / ticks_per_level)``: the level covers ``[row * k, row * k + k)`` ticks and is named
    by its low edge (definitions 2.2). Rows where nothing traded are left out.
    """

    row: I64
    buy_lot: I64
    sell_lot: I64
    unknown_lot: I64
    trades: I64

    @property
    def volume_lot(self) -> I64:
        """Buy, sell and unknown together, lots."""
        return self.buy_lot + self.sell_lot + self.unknown_lot

    @property
    def delta_lot(self) -> I64:
        """Buy minus sell, lots."""
        return self.buy_lot - self.sell_lot

    def __len__(self) -> int:
        return len(self.row)

    def take(self, index: Any) -> Levels:
        """Return the levels of a slice, a mask or an index array."""
        return Levels(*_rows_of(self, index))


_bar_columns = attrgetter(*Bars.__slots__)
_level_columns = attrgetter(*Levels.__slots__)


@dataclass(frozen=True, slots=True, eq=False)
class Footprint:
    """Bars and their cells: bar ``i`` owns levels ``level_offset[i] : level_offset[i + 1]``.

    ``bar_rule`` is the canonical text of the bar grammar (``"1m"``), ``ticks_per_level`` the study step (definitions
    2.2). ``prints`` holds what studies counted in the trades of each bar: int64 (n_bars,), sums, so that the parts of a
    bar add up.
    """

    instrument: Instrument
    bar_rule: str
    ticks_per_level: int
    bars: Bars
    level_offset: I64
    levels: Levels
    prints: Mapping[str, I64] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.level_offset) != len(self.bars.open_ns) + 1 or self.level_offset[-1] != len(self.levels.row):
            raise DataError(
                f"level_offset must hold {len(self.bars) + 1} entries ending at {len(self.levels)}, "
                f"got {len(self.level_offset)} ending at {self.level_offset[-1:]}"
            )
        for column in (*_bar_columns(self.bars), *_level_columns(self.levels), self.level_offset):
            column.setflags(False)  # noqa: FBT003 - a keyword costs twice as much, and live commits are small

    def __len__(self) -> int:
        return len(self.bars.open_ns)

    def __repr__(self) -> str:
        return (
            f"<Footprint {self.instrument.key} {self.bar_rule}, {self.ticks_per_level} ticks a level: "
            f"{len(self.bars):,} bars, {len(self.levels):,} levels>"
        )

    def cells(self, bar: int) -> Levels:
        """Return the traded levels of one bar."""
        return self.levels.take(slice(int(self.level_offset[bar]), int(self.level_offset[bar + 1])))

    def cell_totals(self) -> Levels:
        """Return the sums of each bar's cells, one row a bar: equal to the bar's own totals (definitions 2.1)."""
        starts = self.level_offset[:-1]
        sums = [np.add.reduceat(getattr(self.levels, name), starts) for name in Levels.__slots__[1:]]
        return Levels(self.levels.row[starts], *sums)

    def slice(self, start: int, stop: int) -> Footprint:
        """Return bars ``start`` to ``stop`` with their levels."""
        count = len(self)
        start, stop, _ = slice(start, stop).indices(count)
        stop = max(start, stop)
        if stop - start == count:
            return self
        lo, hi = int(self.level_offset[start]), int(self.level_offset[stop])
        return Footprint(
            instrument=self.instrument,
            bar_rule=self.bar_rule,
            ticks_per_level=self.ticks_per_level,
            bars=self.bars.take(slice(start, stop)),
            level_offset=self.level_offset[start : stop + 1] - lo,
            levels=self.levels.take(slice(lo, hi)),
            prints={name: column[start:stop] for name, column in self.prints.items()},
        )

    def with_flags(self, flags: I64) -> Footprint:
        """Return the same bars with other flags."""
        return replace(self, bars=replace(self.bars, flags=flags))

    @classmethod
    def concat(cls, pieces: Sequence[Footprint]) -> Footprint:
        """Join pieces whose bars do not overlap, in order (`footloom.kernels.fold.combine` joins those that do)."""
        first = pieces[0]
        for piece in pieces[1:]:
            check_same_grid(first.instrument, piece.instrument)
        bars = Bars(*(np.concatenate([getattr(p.bars, name) for p in pieces]) for name in Bars.__slots__))
        levels = Levels(*(np.concatenate([getattr(p.levels, name) for p in pieces]) for name in Levels.__slots__))
        starts = np.cumsum([0] + [len(p.levels) for p in pieces[:-1]])
        offsets = [p.level_offset[:-1] + start for p, start in zip(pieces, starts, strict=True)]
        end = np.array([len(levels)], np.int64)
        return cls(
            instrument=first.instrument,
            bar_rule=first.bar_rule,
            ticks_per_level=first.ticks_per_level,
            bars=bars,
            level_offset=np.concatenate([*offsets, end]).astype(np.int64),
            levels=levels,
            prints={name: np.concatenate([p.prints[name] for p in pieces]) for name in first.prints},
        )
