"""Profiles that grow bar by bar within a period, and what they carry from one run of bars to the next."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np

from footloom.core.footprint import Footprint
from footloom.core.trades import I64
from footloom.kernels.developing import fill_developing
from footloom.studies import value_area as areas
from footloom.studies._periods import Periods

__all__ = ("HeldRows", "RowIndex", "develop", "index_rows", "settle")

_DENSE_ROWS = 8192


class HeldRows(msgspec.Struct, frozen=True):
    """The rows of a period so far, ascending, and their lots: little-endian int64 as bytes."""

    row: bytes = b""
    volume_lot: bytes = b""

    @classmethod
    def of(cls, row: I64, volume_lot: I64) -> HeldRows:
        """Return the rows that hold anything."""
        there = np.flatnonzero(volume_lot)
        return cls(row[there].astype("<i8").tobytes(), volume_lot[there].astype("<i8").tobytes())

    def arrays(self) -> tuple[I64, I64]:
        """Return rows and lots, int64 (n_rows,)."""
        return np.frombuffer(self.row, "<i8").astype(np.int64), np.frombuffer(self.volume_lot, "<i8").astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class RowIndex:
    """The rows of a run and what it carries, ascending; where each of its levels stands; the lots carried."""

    row: I64
    at: I64
    held: I64
    extent: I64  # lowest and highest index that the carried rows reach, -1 where there are none


def index_rows(levels: I64, held: HeldRows, reach: int = 0) -> RowIndex:
    """Return the row index of a run's level rows; each row brings its neighbours within ``reach``.

    All rows of the range are there where they are about as many as the levels, else only those that trade: a profile of
    half a million rows costs what was traded in it.
    """
    carried, lots = held.arrays()
    if not len(levels) and not len(carried):
        none = np.empty(0, np.int64)
        return RowIndex(none, none, none, np.array([-1, -1]))
    ends = [(int(rows.min()), int(rows.max())) for rows in (levels, carried) if len(rows)]
    lowest, highest = min(low for low, _ in ends) - reach, max(high for _, high in ends) + reach
    if highest - lowest < max(4 * (len(levels) + len(carried)), _DENSE_ROWS):
        row = np.arange(lowest, highest + 1)
        at, where = levels - lowest, carried - lowest
    else:
        row = np.unique(np.concatenate([levels, carried]))
        if reach:
            row = np.unique(row[:, None] + np.arange(-reach, reach + 1))
        at, where = np.searchsorted(row, levels), np.searchsorted(row, carried)
    volume = np.zeros(len(row), np.int64)
    volume[where] = lots
    extent = np.array([where[0], where[-1]] if len(where) else [-1, -1], np.int64)
    return RowIndex(row, at, volume, extent)


def settle(index: RowIndex) -> HeldRows:
    """Return what is held after a kernel has carried the index on."""
    return HeldRows.of(index.row, index.held)


def develop(
    footprint: Footprint, periods: Periods, held: HeldRows, params: areas.Params, *, ends_only: bool = False
) -> tuple[areas.Profiles, HeldRows]:
    """Return the point of control and the value area of each period as of each bar, and the rows to carry on.

    Rows int64 (n_bars,), `NONE` where nothing traded yet. With ``ends_only`` only the last bar of each period and of
    the run is answered.
    """
    index = index_rows(footprint.levels.row, held)
    out = [np.empty(len(footprint), np.int64) for _ in range(3)]
    fill_developing(
        footprint.level_offset,
        index.at,
        footprint.levels.volume_lot,
        periods.code,
        index.row,
        index.held,
        index.extent,
        *areas.kernel_terms(params),
        ends_only,
        *out,
    )
    return areas.Profiles(*out), settle(index)
