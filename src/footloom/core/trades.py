"""The tape in memory: immutable columns, one row a trade."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from operator import attrgetter
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from footloom.core.decimals import to_units
from footloom.core.instrument import Instrument, check_same_grid
from footloom.errors import DataError

__all__ = (
    "FLAG_BACKFILLED",
    "FLAG_BY_QUOTE",
    "FLAG_BY_TICK",
    "FLAG_INFERRED",
    "FLAG_NO_ID",
    "FLAG_NO_RECV",
    "FLAG_REST",
    "I8",
    "I64",
    "U8",
    "Trades",
)

I64 = NDArray[np.int64]
I8 = NDArray[np.int8]
U8 = NDArray[np.uint8]

FLAG_NO_ID = 1  # the venue or file gave no trade id: `trade_id` is the row number in its file
FLAG_NO_RECV = 2  # archive row: nobody recorded when it was received, `ts_recv_ns` repeats `ts_exch_ns`
FLAG_BACKFILLED = 4  # fetched after the fact, not heard live
FLAG_INFERRED = 8  # a row made from snapshots: its side is inferred (definitions 1.3), never archived as truth
FLAG_BY_QUOTE = 16  # inferred: at or through the previous best quote
FLAG_BY_TICK = 32  # inferred: by the tick rule (neither bit: by the previous mid, or unknown)
FLAG_REST = 64  # inferred: the part of the volume that is not known to have traded at this price

_DTYPES: dict[str, np.dtype[Any]] = {
    "ts_exch_ns": np.dtype(np.int64),
    "price_tick": np.dtype(np.int64),
    "qty_lot": np.dtype(np.int64),
    "side": np.dtype(np.int8),
    "trade_id": np.dtype(np.int64),
    "ts_recv_ns": np.dtype(np.int64),
    "flags": np.dtype(np.uint8),
}

_TYPES = tuple(_DTYPES.values())
_columns: Callable[[object], tuple[Any, ...]] = attrgetter(*_DTYPES)


@dataclass(frozen=True, slots=True, eq=False)
class Trades:
    """Trades of one instrument and one tape, as columns of equal length.

    Attributes
    ----------
    ts_exch_ns
        Event time at the exchange, ns since 1970 UTC, int64 (n,). Bars key on it.
    price_tick, qty_lot
        Price in ticks, quantity in lots (always above zero), int64 (n,).
    side
        Aggressor, int8 (n,): +1 buy, -1 sell, 0 unknown.
    trade_id
        The venue's id, int64 (n,); with `FLAG_NO_ID` the row number in its file.
    ts_recv_ns
        Local receipt, int64 (n,); with `FLAG_NO_RECV` a copy of ``ts_exch_ns``.
    flags
        Bits of ``FLAG_*``, uint8 (n,).

    Folds take them in the ordering key of definitions 0.4: see `order`.
    """

    instrument: Instrument
    ts_exch_ns: I64
    price_tick: I64
    qty_lot: I64
    side: I8
    trade_id: I64
    ts_recv_ns: I64
    flags: U8
    tape: str = "trade"
    noted: object = field(default=None, init=False, repr=False)  # what `note` left here, or None

    def __post_init__(self) -> None:
        columns, shape = _columns(self), self.ts_exch_ns.shape
        for column, dtype in zip(columns, _TYPES, strict=True):
            if column.dtype is not dtype or column.shape != shape or len(shape) != 1:
                self._refuse()
            column.setflags(False)  # noqa: FBT003 - a keyword costs twice as much, and live commits are small

    def _refuse(self) -> None:
        for name, dtype in _DTYPES.items():
            column = getattr(self, name)
            if column.shape != (len(self.ts_exch_ns),) or column.dtype != dtype:
                raise DataError(
                    f"column {name} must be {dtype.name} of shape ({len(self.ts_exch_ns)},), "
                    f"got {column.dtype} of shape {column.shape}"
                )

    @classmethod
    def build(  # noqa: PLR0913 - one argument a column
        cls,
        instrument: Instrument,
        ts_exch_ns: Any,
        price_tick: Any,
        qty_lot: Any,
        side: Any,
        *,
        trade_id: Any = None,
        ts_recv_ns: Any = None,
        flags: Any = None,
        tape: str = "trade",
    ) -> Self:
        """Make columns from any sequences; what is not given is filled in and flagged so."""
        ts = np.asarray(ts_exch_ns, np.int64)
        bits = np.zeros(len(ts), np.uint8) if flags is None else np.array(flags, np.uint8)
        if trade_id is None:
            trade_id = np.arange(len(ts), dtype=np.int64)
            bits |= FLAG_NO_ID
        if ts_recv_ns is None:
            ts_recv_ns = ts
            bits |= FLAG_NO_RECV
        return cls(
            instrument=instrument,
            ts_exch_ns=ts,
            price_tick=np.asarray(price_tick, np.int64),
            qty_lot=np.asarray(qty_lot, np.int64),
            side=np.asarray(side, np.int8),
            trade_id=np.asarray(trade_id, np.int64),
            ts_recv_ns=np.asarray(ts_recv_ns, np.int64),
            flags=bits,
            tape=tape,
        )

    @classmethod
    def empty(cls, instrument: Instrument, tape: str = "trade") -> Self:
        """Return no trades."""
        return cls.build(instrument, [], [], [], [], trade_id=[], ts_recv_ns=[], tape=tape)

    @classmethod
    def concat(cls, pieces: Sequence[Trades]) -> Self:
        """Join pieces of one instrument and tape, in the order given.

        Raises
        ------
        DataError
            There is no piece, or the pieces differ in instrument grid or tape: tapes never mix.
        """
        if not pieces:
            raise DataError("nothing to join: no pieces were given")
        first = pieces[0]
        if len(pieces) == 1 and type(first) is cls:
            return first
        for other in pieces[1:]:
            if (other.tape, other.instrument.key) != (first.tape, first.instrument.key):
                raise DataError(
                    f"tapes never mix: {first.instrument.key}/{first.tape} and {other.instrument.key}/{other.tape}"
                )
            check_same_grid(first.instrument, other.instrument)
        columns: Any = map(np.concatenate, zip(*map(_columns, pieces), strict=True))
        return cls(instrument=first.instrument, tape=first.tape, **dict(zip(_DTYPES, columns, strict=True)))

    @property
    def nbytes(self) -> int:
        """Bytes of the columns."""
        return sum(column.nbytes for column in _columns(self))

    def __len__(self) -> int:
        return len(self.ts_exch_ns)

    def __repr__(self) -> str:
        return f"<Trades {self.instrument.key}/{self.tape}: {len(self):,} rows>"

    def take(self, index: Any) -> Trades:
        """Return the rows of a slice, a mask or an index array."""
        columns: Any = (column[index] for column in _columns(self))
        return Trades(instrument=self.instrument, tape=self.tape, **dict(zip(_DTYPES, columns, strict=True)))

    def between(self, from_ns: int, to_ns: int) -> Trades:
        """Return the rows of ``[from_ns, to_ns)``; rows must ascend in time."""
        lo, hi = np.searchsorted(self.ts_exch_ns, (from_ns, to_ns))
        return self.take(slice(int(lo), int(hi)))

    def order(self) -> I64:
        """Return the row numbers in the ordering key of definitions 0.4: time, id, arrival."""
        return np.lexsort((np.arange(len(self)), self.trade_id, self.ts_exch_ns)).astype(np.int64)

    def on_grid(self, instrument: Instrument) -> Trades:
        """Return the same trades in the ticks and lots of ``instrument``, exactly.

        Raises
        ------
        OffGrid
            Its tick or lot is no whole part of this tape's.
        """
        own = self.instrument
        if own is instrument or (own.tick_size, own.lot_size) == (instrument.tick_size, instrument.lot_size):
            return self
        ticks = to_units(own.tick_size, instrument.tick_size, "tick size")
        lots = to_units(own.lot_size, instrument.lot_size, "lot size")
        return replace(self, instrument=instrument, price_tick=self.price_tick * ticks, qty_lot=self.qty_lot * lots)

    def note(self, fact: object) -> None:
        """Remember something that was worked out from the columns: they never change, so it stays true."""
        object.__setattr__(self, "noted", fact)

    def equals(self, other: Trades) -> bool:
        """Say whether both hold the same rows in the same order."""
        return self.tape == other.tape and all(
            np.array_equal(getattr(self, f.name), getattr(other, f.name)) for f in fields(self) if f.name in _DTYPES
        )
