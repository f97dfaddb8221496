"""Frames to tapes and back: polars, pandas and Arrow, by the names and the units of their columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.trades import FLAG_NO_ID, FLAG_NO_RECV, I8, I64, U8, Trades
from footloom.engine.table_facts import Facts, read_facts
from footloom.errors import ConfigError, DataError

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

__all__ = ("ColumnNames", "Columns", "from_arrow", "from_pandas", "from_polars", "to_polars", "trades_of")

# What a column may be called where nobody says; the first that is there is taken.
_KNOWN = {
    "ts": ("ts_exch_ns", "ts"),
    "price": ("price", "price_tick"),
    "qty": ("qty", "qty_lot"),
    "side": ("side",),
    "id": ("trade_id", "id"),
    "recv": ("ts_recv_ns",),
}
_OWN = ("file_row", "flags")  # the columns by which a table of ours gives every bit of a tape back


@dataclass(frozen=True, kw_only=True)
class ColumnNames:
    """Which column of a frame is what. ``""``: the first of the usual names; None: the frame does not say it.

    ``ts`` is the exchange's time, ``recv`` the local receipt; ``ts_unit`` says what times that are plain numbers count.
    ``price`` and ``qty`` are in the instrument's money and quantity: decimals, decimal text, whole numbers, or floats;
    ``price_tick`` and ``qty_lot`` name columns of whole ticks and lots instead. ``side`` is the taker's; where the
    frame says who was the maker, name that column with ``is_buyer_maker``.
    """

    ts: str = ""
    price: str = ""
    qty: str = ""
    side: str | None = ""
    id: str | None = ""
    recv: str | None = ""
    price_tick: str = ""
    qty_lot: str = ""
    is_buyer_maker: str = ""
    ts_unit: str | None = None


class Columns(TypedDict, total=False):
    """The keywords of `from_arrow` that name columns; the other functions that read frames take them too."""

    ts: str
    price: str
    qty: str
    side: str | None
    id: str | None
    recv: str | None
    price_tick: str
    qty_lot: str
    is_buyer_maker: str
    ts_unit: str | None


def from_arrow(  # noqa: PLR0913 - one argument a column
    table: pa.Table,
    instrument: Instrument | None = None,
    *,
    ts: str = "",
    price: str = "",
    qty: str = "",
    side: str | None = "",
    id: str | None = "",  # noqa: A002 - what the column is called
    recv: str | None = "",
    price_tick: str = "",
    qty_lot: str = "",
    is_buyer_maker: str = "",
    ts_unit: str | None = None,
    tape: str = "",
) -> Trades:
    """Return the trades of an Arrow table, exactly, in the order given.

    Parameters
    ----------
    table
        One row a trade. A table of `footloom.engine.tables.trades_table` needs nothing else.
    instrument
        Whose trades they are; left out, the one that the table names itself.
    ts, price, qty, side, id, recv
        The names of the columns; left out, the usual ones. None: there is no such column (side, id and recv). A column
        of whole numbers as ``price`` or ``qty`` holds prices or quantities, not ticks or lots. Floats are taken where
        they are the nearest to their place on the grid (within 1e-9 of their size), else refused. Sides are +1, -1, 0
        or the words buy, sell, unknown.
    price_tick, qty_lot
        Columns of whole ticks and lots, instead of ``price`` and ``qty``.
    is_buyer_maker
        A column that says whether the buyer was the maker, instead of ``side``: true is a sell (definitions 1.1).
    ts_unit
        What times that are plain numbers count: s, ms, us or ns; left out, the end of the column's name says it.
    tape
        The tape's name; left out, the table's own, else ``trade``.

    Raises
    ------
    ConfigError
        A column or the instrument is missing, or nothing says what the times count.
    OffGrid
        A price or quantity is no whole multiple of the tick or lot; the message names row and value.
    DataError
        A value cannot be taken as it is.
    """
    names = ColumnNames(
        ts=ts, price=price, qty=qty, side=side, id=id, recv=recv, price_tick=price_tick, qty_lot=qty_lot,
        is_buyer_maker=is_buyer_maker, ts_unit=ts_unit,
    )  # fmt: skip
    return trades_of(table, instrument, names, tape)


def from_polars(
    frame: pl.DataFrame | pl.LazyFrame, instrument: Instrument, *, tape: str = "", **columns: Unpack[Columns]
) -> Trades:
    """Return the trades of a polars frame, exactly, in the order given; ``columns`` are those of `from_arrow`.

    Examples
    --------
    >>> import footloom as fl, polars as pl
    >>> from decimal import Decimal
    >>> frame = pl.DataFrame({"t": [1772409600000], "p": ["61800.3"], "q": ["0.005"], "m": [True]})
    >>> btc = fl.Instrument(venue="mine", symbol="BTC", tick_size=Decimal("0.1"), lot_size=Decimal("0.001"))
    >>> from_polars(frame, btc, ts="t", ts_unit="ms", price="p", qty="q", is_buyer_maker="m").side
    array([-1], dtype=int8)
    """
    whole: Any = frame.collect() if hasattr(frame, "collect") else frame
    return from_arrow(whole.to_arrow(), instrument, tape=tape, **columns)


def from_pandas(frame: pd.DataFrame, instrument: Instrument, *, tape: str = "", **columns: Unpack[Columns]) -> Trades:
    """Return the trades of a pandas frame, exactly, in the order given; ``columns`` are those of `from_arrow`.

    An index with a name counts as a column.
    """
    import pyarrow as pa

    try:
        table = pa.Table.from_pandas(frame)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(f"the frame has a column of mixed types: {error}") from None
    return from_arrow(table, instrument, tape=tape, **columns)


def to_polars(table: pa.Table) -> pl.DataFrame:
    """Return an Arrow table as a polars frame.

    Raises
    ------
    ConfigError
        polars is not installed.
    """
    try:
        import polars as pl
    except ImportError:
        raise ConfigError(
            "polars is not installed: pip install 'footloom[polars]'; to_arrow() works without it"
        ) from None
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame


def trades_of(table: pa.Table, instrument: Instrument | None, names: ColumnNames, tape: str = "") -> Trades:
    """Return the trades of a table whose columns ``names`` name: what `from_arrow` does."""
    facts = read_facts(table.schema.metadata)
    if facts is not None and facts.what != "trades":
        raise DataError(f"the table holds {facts.what} of {facts.instrument.key}, not trades: export --what trades")
    found = _Found(table, names)
    one = _instrument(instrument, facts)
    ts, there = found.times("ts")
    if not there.all():
        raise DataError(f"the time in row {int(np.argmin(there))} is missing: every trade has one")
    price_tick, qty_lot = found.counts("price", one.tick_size), found.counts("qty", one.lot_size)
    if (qty_lot <= 0).any():
        row = int(np.argmax(qty_lot <= 0))
        raise DataError(f"the quantity in row {row} is {one.qty_text(qty_lot[row])}: a trade has one above zero")
    trade_id, recv, flags = found.marks(ts)
    return Trades(
        instrument=one,
        ts_exch_ns=ts,
        price_tick=price_tick,
        qty_lot=qty_lot,
        side=found.sides(),
        trade_id=trade_id,
        ts_recv_ns=recv,
        flags=flags,
        tape=tape or (facts.tape if facts is not None else "") or "trade",
    )


def _instrument(given: Instrument | None, facts: Facts | None) -> Instrument:
    if given is not None:
        return given
    if facts is None:
        raise ConfigError(
            "nothing says whose trades these are: give instrument=, such as Instrument(venue='binance_usdm', "
            "symbol='BTCUSDT', tick_size=Decimal('0.1'), lot_size=Decimal('0.001'))"
        )
    return facts.instrument


class _Found:
    # The columns of a table under the names that they have here.

    def __init__(self, table: pa.Table, names: ColumnNames) -> None:
        self.table = table
        self.names = names

    def _name(self, what: str) -> str | None:
        said: str | None = getattr(self.names, what)
        if said == "":
            return next((name for name in _KNOWN[what] if name in self.table.column_names), "")
        if said is not None and said not in self.table.column_names:
            raise ConfigError(f"there is no column {said!r} for {what}=: there are {self._there()}")
        return said

    def _there(self) -> str:
        return ", ".join(self.table.column_names) or "none"

    def _column(self, name: str) -> pa.Array:
        from footloom.notebook._columns import plain

        if name not in self.table.column_names:
            raise ConfigError(f"there is no column {name!r}: there are {self._there()}")
        return plain(self.table.column(name))

    def times(self, what: str) -> tuple[I64, Any]:
        from footloom.notebook._columns import times

        name = self._needed(what)
        return times(self._column(name), name, self.names.ts_unit if what == "ts" else None, what)

    def _needed(self, what: str) -> str:
        name = self._name(what)
        if not name:
            usual = " or ".join(_KNOWN[what])
            raise ConfigError(f"no column is called {usual}: name it with {what}=; there are {self._there()}")
        return name

    def counts(self, what: str, unit: Any) -> I64:
        from footloom.notebook._columns import counts, wholes

        in_units = {"price": "price_tick", "qty": "qty_lot"}[what]
        name = getattr(self.names, in_units) or self._needed(what)
        column = self._column(name)
        if getattr(self.names, in_units) or (not getattr(self.names, what) and name == in_units):
            values, valid = wholes(column, name)
            if not valid.all():
                raise DataError(f"{name} in row {int(np.argmin(valid))} is missing: every trade has one")
            return values
        return counts(column, unit, what)

    def sides(self) -> I8:
        from footloom.notebook._columns import maker_sides, sides

        if self.names.is_buyer_maker:
            if self.names.side:
                raise ConfigError("side= and is_buyer_maker= say the same: give one of them")
            return maker_sides(self._column(self.names.is_buyer_maker))
        name = self._name("side")
        if name is None:
            return np.zeros(len(self.table), np.int8)
        if not name:
            raise ConfigError(
                "no column is called side: name it with side=, or one that says whether the buyer was the maker with "
                f"is_buyer_maker=, or say side=None where nobody states the side; there are {self._there()}"
            )
        return sides(self._column(name))

    def marks(self, ts: I64) -> tuple[I64, I64, U8]:
        """Return ids, receipts and flags; what is missing is filled in and flagged so."""
        from footloom.notebook._columns import wholes

        own = all(name in self.table.column_names for name in _OWN)
        flags = wholes(self._column("flags"), "flags")[0].astype(np.uint8) if own else np.zeros(len(ts), np.uint8)
        flags &= np.uint8(0xFF ^ (FLAG_NO_ID | FLAG_NO_RECV))
        trade_id = wholes(self._column("file_row"), "file_row")[0] if own else np.arange(len(ts), dtype=np.int64)
        recv = ts.copy()
        numbered = received = np.zeros(len(ts), np.bool_)
        if name := self._name("id"):
            ids, numbered = wholes(self._column(name), name)
            trade_id = np.where(numbered, ids, trade_id)
        if name := self._name("recv"):
            heard, received = self.times("recv")
            recv = np.where(received, heard, recv)
        flags |= np.where(numbered, 0, FLAG_NO_ID).astype(np.uint8)
        flags |= np.where(received, 0, FLAG_NO_RECV).astype(np.uint8)
        return trade_id, recv, flags
