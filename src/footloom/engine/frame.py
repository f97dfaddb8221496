"""Bars with everything that is read from them, as columns: what a chart, a table or a frame on the wire is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from footloom.core.footprint import BAR_FINAL, Footprint
from footloom.core.trades import I64, U8
from footloom.engine.spec import ChartSpec
from footloom.kernels.growing import STUDY_COLUMNS

__all__ = ("BAR_COLUMNS", "ChartFrame")

BAR_COLUMNS = STUDY_COLUMNS


@dataclass(frozen=True, slots=True, eq=False)
class ChartFrame:
    """A footprint and its studies; columns are int64 (n_bars,), ``cell_flags`` uint8 (n_levels,).

    ``poc_row``, ``vah_row``, ``val_row`` are rows: a row's label is ``row * ticks_per_level`` ticks, its top edge
    that of the row above. ``cell_flags`` holds the ``CELL_*`` bits of `footloom.studies.imbalance`.
    """

    footprint: Footprint
    spec: ChartSpec
    cvd_lot: I64
    cvd_anchor_ns: I64
    poc_row: I64
    vah_row: I64
    val_row: I64
    min_vol_lot: I64
    cell_flags: U8

    def __len__(self) -> int:
        return len(self.footprint.bars.open_ns)

    @property
    def open_ns(self) -> int:
        """When the first bar opens, ns UTC."""
        return self.footprint.bars.open_ns.item(0)

    @property
    def close_ns(self) -> int:
        """When the last bar closes, ns UTC."""
        return self.footprint.bars.close_ns.item(-1)

    @property
    def last_ns(self) -> int:
        """When the last trade of the last bar was, ns UTC."""
        return self.footprint.bars.last_ns.item(-1)

    @property
    def cvd_end(self) -> tuple[int, int]:
        """The CVD at the end, and since when it counts, ns UTC."""
        return self.cvd_lot.item(-1), self.cvd_anchor_ns.item(-1)

    @property
    def coverage(self) -> NDArray[np.float64]:
        """Share of the volume whose side is known or inferred (definitions 1.4), float64 (n_bars,)."""
        volume = self.footprint.bars.volume_lot
        return (volume - self.footprint.bars.unknown_lot) / volume

    @property
    def quote_share(self) -> NDArray[np.float64]:
        """Share of the volume signed by the previous best quote, (n_bars,); NaN where the venue states the side."""
        bars = self.footprint.bars
        with np.errstate(invalid="ignore"):
            return np.where(bars.inferred_lot > 0, bars.quote_lot / bars.volume_lot, np.nan)

    @property
    def final(self) -> NDArray[np.bool_]:
        """Whether each bar is final (definitions 2.3)."""
        return (self.footprint.bars.flags & BAR_FINAL).astype(np.bool_)

    def slice(self, start: int, stop: int) -> ChartFrame:
        """Return bars ``start`` to ``stop``."""
        start, stop, _ = slice(start, stop).indices(len(self))
        stop = max(start, stop)
        if stop - start == len(self):
            return self
        lo, hi = (int(self.footprint.level_offset[i]) for i in (start, stop))
        return ChartFrame(
            footprint=self.footprint.slice(start, stop),
            spec=self.spec,
            cell_flags=self.cell_flags[lo:hi],
            **{name: getattr(self, name)[start:stop] for name in BAR_COLUMNS},
        )

    def apart(self) -> ChartFrame:
        """Return the same bars in memory of their own: a slice holds all that it was cut from."""
        return ChartFrame(
            footprint=Footprint.concat([self.footprint]),
            spec=self.spec,
            cell_flags=self.cell_flags.copy(),
            **{name: getattr(self, name).copy() for name in BAR_COLUMNS},
        )

    def with_flags(self, flags: I64) -> ChartFrame:
        """Return the same bars with other ``BAR_*`` flags."""
        columns = {name: getattr(self, name) for name in BAR_COLUMNS}
        return ChartFrame(
            footprint=self.footprint.with_flags(flags), spec=self.spec, cell_flags=self.cell_flags, **columns
        )

    @classmethod
    def concat(cls, pieces: Sequence[ChartFrame]) -> ChartFrame:
        """Join neighbouring frames of one chart, in the order given; at least one."""
        if len(pieces) == 1:
            return pieces[0]
        return cls(
            footprint=Footprint.concat([p.footprint for p in pieces]),
            spec=pieces[0].spec,
            cell_flags=np.concatenate([p.cell_flags for p in pieces]),
            **{name: np.concatenate([getattr(p, name) for p in pieces]) for name in BAR_COLUMNS},
        )

    def equals(self, other: ChartFrame) -> bool:
        """Say whether both hold the same bars, bit for bit."""
        if self.spec != other.spec or len(self) != len(other):
            return False
        return all(np.array_equal(a, b) for a, b in zip(_columns(self), _columns(other), strict=True))


def _columns(frame: ChartFrame) -> list[NDArray[np.generic]]:
    footprint = frame.footprint
    own = [getattr(frame, name) for name in (*BAR_COLUMNS, "cell_flags")]
    blocks = [getattr(b, name) for b in (footprint.bars, footprint.levels) for name in b.__dataclass_fields__]
    return [*own, footprint.level_offset, *blocks]
