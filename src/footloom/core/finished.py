"""Footprints that another program has finished: its bars and their levels, as they came.

They are no tape: nobody can say which trades they were made of, and they cannot be cut into other bars or finer rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from footloom.core.footprint import BAR_FINAL, Bars, Footprint, Levels
from footloom.core.instrument import Instrument
from footloom.core.trades import I64
from footloom.errors import DataError

__all__ = ("FINISHED_COLUMNS", "FINISHED_RULE", "Finished")

FINISHED_RULE = "finished"  # in the place of a bar rule
FINISHED_COLUMNS = (
    "open_ns",
    "close_ns",
    "bar",
    "open_tick",
    "high_tick",
    "low_tick",
    "close_tick",
    "row_tick",
    "buy_lot",
    "sell_lot",
    "unknown_lot",
)


@dataclass(frozen=True, slots=True, eq=False)
class Finished:
    """Levels of finished bars, a row a level with volume; columns int64 (n,), a bar's rows behind each other.

    Attributes
    ----------
    open_ns, close_ns
        The times that the bar was labelled with, ns UTC; several bars may share them.
    bar
        The bar's number in its file: with ``open_ns`` it tells bars apart.
    open_tick, high_tick, low_tick, close_tick
        The bar's prices, the same in each of its rows.
    row_tick
        The price that the level was labelled with.
    buy_lot, sell_lot, unknown_lot
        Volume by aggressor, as that program saw it.
    """

    instrument: Instrument
    open_ns: I64
    close_ns: I64
    bar: I64
    open_tick: I64
    high_tick: I64
    low_tick: I64
    close_tick: I64
    row_tick: I64
    buy_lot: I64
    sell_lot: I64
    unknown_lot: I64
    tape: str = "finished:file"

    def __post_init__(self) -> None:
        for name in FINISHED_COLUMNS:
            column = getattr(self, name)
            if column.dtype != np.int64 or column.shape != self.open_ns.shape:
                raise DataError(
                    f"column {name} must be int64 of shape {self.open_ns.shape}, got {column.dtype} {column.shape}"
                )
            column.flags.writeable = False

    def __len__(self) -> int:
        return len(self.open_ns)

    def footprint(self) -> Footprint:
        """Return the bars with their levels as they came; rows are as high as all labels allow.

        The counts of trades are 0, and the extremes of the delta those of its end: nobody knows them.
        """
        new = np.ones(len(self), np.bool_)
        new[1:] = (np.diff(self.open_ns) != 0) | (np.diff(self.bar) != 0)
        starts = np.flatnonzero(new)
        number = np.cumsum(new) - 1
        height = max(1, int(np.gcd.reduce(self.row_tick, initial=0)))
        order = np.lexsort((self.row_tick, number))
        levels = Levels(
            row=self.row_tick[order] // height,
            buy_lot=self.buy_lot[order],
            sell_lot=self.sell_lot[order],
            unknown_lot=self.unknown_lot[order],
            trades=np.zeros(len(self), np.int64),
        )
        return Footprint(
            instrument=self.instrument,
            bar_rule=FINISHED_RULE,
            ticks_per_level=height,
            bars=self._bars(starts),
            level_offset=np.append(starts, len(self)).astype(np.int64),
            levels=levels,
        )

    def _bars(self, starts: I64) -> Bars:
        sums = {
            name: np.add.reduceat(getattr(self, name), starts) if len(starts) else np.zeros(0, np.int64)
            for name in ("buy_lot", "sell_lot", "unknown_lot")
        }
        delta, nothing = sums["buy_lot"] - sums["sell_lot"], np.zeros(len(starts), np.int64)
        open_ns, close_ns = self.open_ns[starts], self.close_ns[starts]
        ticks = {name: getattr(self, name)[starts] for name in ("open_tick", "high_tick", "low_tick", "close_tick")}
        return Bars(
            open_ns=open_ns,
            close_ns=close_ns,
            first_ns=open_ns.copy(),
            last_ns=close_ns.copy(),
            **ticks,
            **sums,
            min_delta_lot=np.minimum(delta, 0),
            max_delta_lot=np.maximum(delta, 0),
            trades=nothing,
            inferred_lot=nothing.copy(),
            quote_lot=nothing.copy(),
            rest_lot=nothing.copy(),
            flags=np.full(len(starts), BAR_FINAL, np.int64),
        )
