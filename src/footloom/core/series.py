"""What a venue tells beside its trades, in memory: immutable columns of one kind, in arrival order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple, Self

import numpy as np

from footloom.core.instrument import Instrument, check_same_grid
from footloom.core.snapshots import NO_QUOTE
from footloom.core.trades import I64
from footloom.errors import DataError

__all__ = (
    "ASK",
    "BID",
    "KINDS",
    "NO_LEVEL",
    "NO_QUOTE",
    "SNAPSHOT",
    "UPDATE",
    "Kind",
    "Series",
    "is_series",
    "kind_of",
)

BID, ASK, NO_LEVEL = 1, -1, 0  # `side` of a row of depth; NO_LEVEL keeps the ids of an update that changed nothing
UPDATE, SNAPSHOT = 0, 1  # `kind` of a row of depth


class Kind(NamedTuple):
    """What the rows of one tape say.

    ``ticks`` and ``lots`` are the columns on the instrument's grid. ``optional`` columns say `NO_QUOTE` where nobody
    said them. ``time`` is what rows are filed under: depth under its receipt, because a book is built in the order of
    arrival; the rest under the venue's time, as trades are.
    """

    columns: tuple[str, ...]
    ticks: tuple[str, ...] = ()
    lots: tuple[str, ...] = ()
    optional: frozenset[str] = frozenset()
    time: str = "ts_exch_ns"


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        # Contracts that are open, each counted once.
        "open_interest": Kind(("oi_lot",), lots=("oi_lot",)),
        # Mark and index price and funding rate times 10^8 (they stand on no grid), and when funding is due, ns UTC.
        "mark": Kind(
            ("mark_e8", "index_e8", "rate_e8", "next_ns"),
            optional=frozenset(("mark_e8", "index_e8", "rate_e8", "next_ns")),
        ),
        # Best bid and ask; a side that is empty says `NO_QUOTE`.
        "quote": Kind(
            ("bid_tick", "bid_lot", "ask_tick", "ask_lot", "update_id"),
            ticks=("bid_tick", "ask_tick"),
            lots=("bid_lot", "ask_lot"),
            optional=frozenset(("bid_tick", "bid_lot", "ask_tick", "ask_lot", "update_id")),
        ),
        # A row a level; rows of one update stand together. `qty_lot` is what lies there now, zero deletes the level.
        "depth": Kind(
            ("side", "price_tick", "qty_lot", "first_id", "last_id", "prev_id", "kind"),
            ticks=("price_tick",),
            lots=("qty_lot",),
            optional=frozenset(("prev_id",)),
            time="ts_recv_ns",
        ),
        # What a row says of one option of an underlying (`footloom.core.chains`); quantities in units of what is
        # traded. What a row leaves out has not changed; a side of the quote without orders says a quantity of 0.
        # Volatility and Greeks are the venue's own, times 10^8; a volatility of 0.12 is 12 %.
        "chain": Kind(
            (
                *("side", "expiry_ns", "strike_tick", "oi_lot", "prev_oi_lot", "volume_lot", "ltp_tick"),
                *("bid_tick", "bid_lot", "ask_tick", "ask_lot", "iv_e8", "delta_e8", "gamma_e8", "theta_e8", "vega_e8"),
                "source",
            ),
            ticks=("strike_tick", "ltp_tick", "bid_tick", "ask_tick"),
            lots=("oi_lot", "prev_oi_lot", "volume_lot", "bid_lot", "ask_lot"),
            optional=frozenset(
                (
                    *("oi_lot", "prev_oi_lot", "volume_lot", "ltp_tick", "bid_tick", "bid_lot", "ask_tick", "ask_lot"),
                    *("iv_e8", "delta_e8", "gamma_e8", "theta_e8", "vega_e8"),
                )
            ),
        ),
    }
)
_TIMES = ("ts_exch_ns", "ts_recv_ns")


def is_series(tape: str) -> bool:
    """Say whether a tape holds such rows, and so neither trades nor snapshots."""
    return tape in KINDS


def kind_of(tape: str) -> Kind:
    """Return what the rows of a tape say.

    Raises
    ------
    DataError
        It holds other rows.
    """
    if tape not in KINDS:
        raise DataError(f"there is no series {tape!r}: series are {', '.join(KINDS)}")
    return KINDS[tape]


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Rows of one instrument and one tape of `KINDS`, in arrival order; every column int64 (n,).

    Attributes
    ----------
    ts_exch_ns
        The venue's time, ns UTC; the receipt where the venue sends none.
    ts_recv_ns
        Local receipt, ns UTC.
    columns
        What the kind has, by name; ``series["oi_lot"]`` is the short way to one.

    Raises
    ------
    DataError
        A column is absent, unknown, or of another type or length.
    """

    instrument: Instrument
    tape: str
    ts_exch_ns: I64
    ts_recv_ns: I64
    columns: Mapping[str, I64]

    def __post_init__(self) -> None:
        names = kind_of(self.tape).columns
        if set(self.columns) != set(names):
            raise DataError(f"rows of {self.tape} have the columns {', '.join(names)}, got {', '.join(self.columns)}")
        ordered = {name: self.columns[name] for name in names}
        object.__setattr__(self, "columns", MappingProxyType(ordered))
        shape = self.ts_exch_ns.shape
        for name, column in {"ts_exch_ns": self.ts_exch_ns, "ts_recv_ns": self.ts_recv_ns, **ordered}.items():
            if column.dtype != np.int64 or column.ndim != 1 or column.shape != shape:
                raise DataError(
                    f"column {name} of {self.tape} must be int64 of shape {shape}, got {column.dtype} {column.shape}"
                )
            column.flags.writeable = False

    @classmethod
    def build(cls, instrument: Instrument, tape: str, ts_exch_ns: Any, ts_recv_ns: Any = None, **columns: Any) -> Self:
        """Make columns from any sequences; an optional column that is not given says `NO_QUOTE` in every row.

        Without ``ts_recv_ns`` the venue's time stands for the receipt. Single numbers stand for all rows.
        """
        kind = kind_of(tape)
        exchange = _column("ts_exch_ns", ts_exch_ns)
        receipt = exchange if ts_recv_ns is None else _column("ts_recv_ns", ts_recv_ns)
        absent = dict.fromkeys(kind.optional - set(columns), NO_QUOTE)
        full = {name: _column(name, values, len(exchange)) for name, values in (columns | absent).items()}
        return cls(instrument, tape, exchange, receipt, full)

    @classmethod
    def empty(cls, instrument: Instrument, tape: str) -> Self:
        """Return no rows."""
        return cls.build(instrument, tape, [], [], **{name: [] for name in kind_of(tape).columns})

    @classmethod
    def concat(cls, pieces: Sequence[Series]) -> Self:
        """Join pieces of one instrument and tape, in the order given.

        Raises
        ------
        DataError
            There is no piece, or the pieces differ in instrument, grid or tape.
        """
        if not pieces:
            raise DataError("nothing to join: no pieces were given")
        first = pieces[0]
        for other in pieces[1:]:
            if (other.tape, other.instrument.key) != (first.tape, first.instrument.key):
                raise DataError(
                    f"tapes never mix: {first.instrument.key}/{first.tape} and {other.instrument.key}/{other.tape}"
                )
            check_same_grid(first.instrument, other.instrument)
        exchange = np.concatenate([piece.ts_exch_ns for piece in pieces])
        receipt = np.concatenate([piece.ts_recv_ns for piece in pieces])
        columns = {name: np.concatenate([piece.columns[name] for piece in pieces]) for name in first.columns}
        return cls(first.instrument, first.tape, exchange, receipt, columns)

    def __len__(self) -> int:
        return len(self.ts_exch_ns)

    def __getitem__(self, name: str) -> I64:
        return self.columns[name]

    def __repr__(self) -> str:
        return f"<Series {self.instrument.key}/{self.tape}: {len(self):,} rows>"

    def take(self, index: Any) -> Series:
        """Return the rows of a slice, a mask or an index array."""
        columns = {name: values[index] for name, values in self.columns.items()}
        return Series(self.instrument, self.tape, self.ts_exch_ns[index], self.ts_recv_ns[index], columns)

    def equals(self, other: Series) -> bool:
        """Say whether both hold the same rows in the same order."""
        return (
            self.tape == other.tape
            and all(np.array_equal(getattr(self, name), getattr(other, name)) for name in _TIMES)
            and all(np.array_equal(values, other.columns[name]) for name, values in self.columns.items())
        )


# Own memory: the columns are made read-only, which must not happen to what the caller goes on writing to.
def _column(name: str, values: Any, count: int | None = None) -> I64:
    array = np.array(values)
    if array.size and array.dtype.kind not in "iu":
        raise DataError(f"column {name} must hold whole numbers, got {array.dtype}")
    whole = array.astype(np.int64)
    return np.full(count, whole) if count is not None and whole.ndim == 0 else whole
