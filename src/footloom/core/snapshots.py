"""Snapshots of a conflated feed in memory: immutable columns, one row a snapshot (definitions 1.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.trades import I64
from footloom.errors import DataError

__all__ = ("NO_QUOTE", "Snapshots")

NO_QUOTE = np.iinfo(np.int64).min  # a missing side of the book

_COLUMNS = ("ts_exch_ns", "ltp_tick", "ltq_lot", "vtt_lot", "bid_tick", "ask_tick", "ts_recv_ns")


@dataclass(frozen=True, slots=True, eq=False)
class Snapshots:
    """Snapshots of one instrument in arrival order, columns int64 (n,).

    Attributes
    ----------
    ts_exch_ns
        Time of the last trade (``ltt``), ns UTC.
    ltp_tick, ltq_lot, vtt_lot
        Last price, last quantity, cumulative volume of the day.
    bid_tick, ask_tick
        Best quotes; `NO_QUOTE` where that side is missing.
    ts_recv_ns
        Local receipt, ns UTC.
    """

    instrument: Instrument
    ts_exch_ns: I64
    ltp_tick: I64
    ltq_lot: I64
    vtt_lot: I64
    bid_tick: I64
    ask_tick: I64
    ts_recv_ns: I64
    tape: str = "snapshot"

    def __post_init__(self) -> None:
        for name in _COLUMNS:
            column = getattr(self, name)
            if column.dtype != np.int64 or column.shape != self.ts_exch_ns.shape:
                raise DataError(
                    f"column {name} must be int64 of shape {self.ts_exch_ns.shape}, got {column.dtype} {column.shape}"
                )
            column.flags.writeable = False

    def __len__(self) -> int:
        return len(self.ts_exch_ns)

    def take(self, index: Any) -> Snapshots:
        """Return the rows of a slice, a mask or an index array."""
        return Snapshots(
            instrument=self.instrument, tape=self.tape, **{name: getattr(self, name)[index] for name in _COLUMNS}
        )
