"""Best quotes in memory: immutable columns, one row a change."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.snapshots import NO_QUOTE, complete, left_out
from footloom.core.trades import I64
from footloom.errors import DataError

__all__ = ("NO_QUOTE", "Quotes")

_COLUMNS = ("ts_exch_ns", "bid_tick", "ask_tick", "bid_lot", "ask_lot")


@dataclass(frozen=True, slots=True, eq=False)
class Quotes:
    """Best bid and ask of one instrument, ascending in time; every column int64 (n,).

    Attributes
    ----------
    ts_exch_ns
        When the quote came into force, ns UTC. Of several at one time the last one holds.
    bid_tick, ask_tick
        Best prices; `NO_QUOTE` where that side is empty.
    bid_lot, ask_lot
        Quantities there; `NO_QUOTE` where nobody said them. They may be left out.

    Raises
    ------
    DataError
        A column has another length, or time steps back.
    """

    instrument: Instrument
    ts_exch_ns: I64
    bid_tick: I64
    ask_tick: I64
    bid_lot: I64 = field(default_factory=left_out)
    ask_lot: I64 = field(default_factory=left_out)

    def __post_init__(self) -> None:
        complete(self, len(self.ts_exch_ns), _COLUMNS)
        back = np.flatnonzero(self.ts_exch_ns[1:] < self.ts_exch_ns[:-1])
        if len(back):
            row = int(back[0]) + 1
            raise DataError(
                f"quotes of {self.instrument.key} must ascend in time: row {row} is at {self.ts_exch_ns[row]} ns, "
                f"the one before at {self.ts_exch_ns[row - 1]} ns ({len(back)} such rows); sort them first"
            )

    def __len__(self) -> int:
        return len(self.ts_exch_ns)

    def take(self, index: Any) -> Quotes:
        """Return the rows of a slice, a mask or an index array that keeps the order."""
        return Quotes(self.instrument, *(getattr(self, name)[index] for name in _COLUMNS))
