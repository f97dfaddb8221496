"""What the rows of a tape are made of, so that one code keeps trades and snapshots alike."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from footloom.core.chains import SOURCES, UNDERLYING
from footloom.core.finished import Finished
from footloom.core.instrument import Instrument
from footloom.core.series import KINDS, SNAPSHOT, UPDATE, Series, kind_of
from footloom.core.snapshots import GREEKS, NO_QUOTE, Snapshots
from footloom.core.trades import FLAG_INFERRED, FLAG_NO_ID, FLAG_NO_RECV, FLAG_REST, Trades
from footloom.errors import ConfigError, StoreError
from footloom.store._reports import Storable
from footloom.store.layout import is_finished

__all__ = (
    "FINISHED",
    "SEQ",
    "SERIES",
    "SNAPSHOTS",
    "TRADES",
    "Columns",
    "Form",
    "blank",
    "block_of",
    "bounds",
    "columns_of",
    "completed",
    "concat",
    "form_of",
    "has_id",
    "length",
    "take",
    "wanted_columns",
)

Columns = dict[str, NDArray[Any]]

SEQ = "ingest_seq"  # the journal's number of a row, from 1; 0 for rows that never were in a journal
_I64 = np.dtype(np.int64)
_FEW = 64  # rows that Python looks through sooner than numpy
_MOST_ALIKE, _FEW_ALIKE = 2**20, 2**12
_ALIKE: dict[tuple[np.dtype[Any], int], NDArray[Any]] = {}
_NO_TAPE = FLAG_INFERRED | FLAG_REST


@dataclass(frozen=True, slots=True)
class Form:
    """One kind of row.

    ``time`` is the column that rows are filed, pruned and ordered by. ``ticks`` and ``lots`` are those on the
    instrument's grid. ``needed`` are loaded whatever the caller asks for. ``unsaid`` are the columns that say
    `NO_QUOTE` where nobody stored them; the others say 0.
    """

    name: str
    dtypes: Mapping[str, np.dtype[Any]]
    time: str
    ticks: tuple[str, ...]
    lots: tuple[str, ...]
    needed: frozenset[str]
    numbered: bool  # rows may carry the venue's id
    unsaid: frozenset[str] = frozenset()


TRADES = Form(
    name="trades",
    dtypes={
        "ts_exch_ns": _I64,
        "price_tick": _I64,
        "qty_lot": _I64,
        "side": np.dtype(np.int8),
        "trade_id": _I64,
        "ts_recv_ns": _I64,
        "flags": np.dtype(np.uint8),
    },
    time="ts_exch_ns",
    ticks=("price_tick",),
    lots=("qty_lot",),
    needed=frozenset(("ts_exch_ns", "flags")),
    numbered=True,
)
# Snapshots are filed under their receipt: the time of the last trade stands still between trades, and steps back.
SNAPSHOTS = Form(
    name="snapshots",
    dtypes={
        **dict.fromkeys(("ts_exch_ns", "ltp_tick", "ltq_lot", "vtt_lot", "bid_tick", "ask_tick", "ts_recv_ns"), _I64),
        **dict.fromkeys(("oi_lot", "bid_lot", "ask_lot", "atp_e4", *GREEKS), _I64),
    },
    time="ts_recv_ns",
    ticks=("ltp_tick", "bid_tick", "ask_tick"),
    lots=("ltq_lot", "vtt_lot", "oi_lot", "bid_lot", "ask_lot"),
    needed=frozenset(("ts_recv_ns",)),
    numbered=False,
    unsaid=frozenset(("bid_tick", "ask_tick", "oi_lot", "bid_lot", "ask_lot", "atp_e4", *GREEKS)),
)
FINISHED = Form(
    name="finished",
    dtypes={
        **dict.fromkeys(("open_ns", "close_ns", "bar", "open_tick", "high_tick", "low_tick", "close_tick"), _I64),
        **dict.fromkeys(("row_tick", "buy_lot", "sell_lot", "unknown_lot"), _I64),
    },
    time="open_ns",
    ticks=("open_tick", "high_tick", "low_tick", "close_tick", "row_tick"),
    lots=("buy_lot", "sell_lot", "unknown_lot"),
    needed=frozenset(("open_ns", "bar")),
    numbered=False,
)
SERIES = {
    tape: Form(
        name=tape,
        dtypes=dict.fromkeys(("ts_exch_ns", "ts_recv_ns", *kind.columns), _I64),
        time=kind.time,
        ticks=kind.ticks,
        lots=kind.lots,
        needed=frozenset((kind.time,)),
        numbered=False,
        unsaid=kind.optional,
    )
    for tape, kind in KINDS.items()
}
_KINDS: dict[str, type[Storable]] = {
    TRADES.name: Trades, SNAPSHOTS.name: Snapshots, FINISHED.name: Finished, **dict.fromkeys(KINDS, Series)
}  # fmt: skip


@functools.lru_cache(maxsize=1_024)
def form_of(tape: str) -> Form:
    """Return what the rows of a tape are made of."""
    if tape == "snapshot":
        return SNAPSHOTS
    if tape in SERIES:
        return SERIES[tape]
    return FINISHED if is_finished(tape) else TRADES


def blank(form: Form, name: str, count: int) -> NDArray[Any]:
    """Return a column that nobody stored; it is for reading only."""
    dtype = form.dtypes.get(name, _I64)
    return _alike(count, dtype, NO_QUOTE if name in form.unsaid else 0)


# One for all: touching eight new megabytes for each chunk of a long read took as long as decoding a column. Zeros that
# nobody has written to take no memory.
def _alike(count: int, dtype: np.dtype[Any], value: int) -> NDArray[Any]:
    held = _ALIKE.get((dtype, value))
    if held is None or len(held) < count:
        held = np.full(max(count, _FEW_ALIKE), value, dtype) if value else np.zeros(max(count, _MOST_ALIKE), dtype)
        held.setflags(write=False)
        _ALIKE[dtype, value] = held
    return held[:count]


def completed(form: Form, columns: Columns) -> Columns:
    """Return columns with those that an older footloom did not know."""
    count = length(columns)
    return columns | {name: blank(form, name, count) for name in form.dtypes if name not in columns}


def length(columns: Columns) -> int:
    """Return the number of rows."""
    for values in columns.values():
        return len(values)
    return 0


def bounds(values: NDArray[Any]) -> tuple[int, int]:
    """Return the least and the greatest of some values, at least one."""
    if len(values) <= _FEW:
        few = values.tolist()
        return min(few), max(few)
    return int(values.min()), int(values.max())


def take(columns: Columns, index: Any) -> Columns:
    """Return the rows of a slice, a mask or an index array."""
    return {name: values[index] for name, values in columns.items()}


def concat(pieces: list[Columns]) -> Columns:
    """Join rows in the order given; the pieces are emptied, so that no more than one column is held twice."""
    if len(pieces) == 1:
        return pieces[0]
    return {name: np.concatenate([piece.pop(name) for piece in pieces]) for name in list(pieces[0])}


def has_id(columns: Columns) -> NDArray[np.bool_]:
    """Say which rows carry the venue's id."""
    if "flags" not in columns:
        return np.zeros(length(columns), np.bool_)
    numbered: NDArray[np.bool_] = (columns["flags"] & FLAG_NO_ID) == 0
    return numbered


def wanted_columns(form: Form, names: Collection[str] | None) -> frozenset[str]:
    """Return the columns to load for what a caller asked for.

    Raises
    ------
    ConfigError
        A name is no column.
    """
    if names is None:
        return frozenset(form.dtypes)
    unknown = sorted(set(names) - set(form.dtypes))
    if unknown:
        raise ConfigError(f"{form.name} have no column {', '.join(unknown)}: they have {', '.join(form.dtypes)}")
    return frozenset(names) | form.needed


def columns_of(block: Storable) -> Columns:
    """Return the columns of a block that may be stored.

    Raises
    ------
    StoreError
        The tape holds another kind of row, a trade has no quantity or no valid side, a row is inferred, or a row of a
        series says what cannot be.
    """
    form = form_of(block.tape)
    if not isinstance(block, _KINDS[form.name]):
        raise StoreError(
            f"the tape {block.tape!r} of {block.instrument.key} holds {form.name}, not {type(block).__name__}"
        )
    if isinstance(block, Series):
        columns: Columns = {"ts_exch_ns": block.ts_exch_ns, "ts_recv_ns": block.ts_recv_ns, **block.columns}
        _check_series(block, columns)
        return columns
    columns = {name: getattr(block, name) for name in form.dtypes}
    if form is TRADES:
        _check_trades(block.instrument, columns)
    return columns


def _check_trades(instrument: Instrument, columns: Columns) -> None:
    qty, side, flags = columns["qty_lot"], columns["side"], columns["flags"]
    if 0 < len(qty) <= _FEW:  # a live commit: a few rows, for which numpy takes longer than Python
        bits, sides = flags.tolist(), side.tolist()
        if min(qty.tolist()) > 0 and min(sides) >= -1 and max(sides) <= 1 and not any(map(_NO_TAPE.__and__, bits)):
            return
    where = f"of {instrument.key}"
    _refuse(columns["qty_lot"], columns["qty_lot"] <= 0, f"a trade {where} must have a quantity above zero lots, got")
    _refuse(columns["side"], np.abs(columns["side"]) > 1, f"the side of a trade {where} must be +1, 0 or -1, got")
    inferred = (columns["flags"] & _NO_TAPE) != 0
    _refuse(
        columns["flags"],
        inferred,
        f"trades {where} that were inferred from snapshots are not the tape: store the snapshots; got flags",
    )


def _check_series(block: Series, columns: Columns) -> None:
    where = f"{block.tape} of {block.instrument.key}"
    for name in kind_of(block.tape).lots:
        values = columns[name]
        _refuse(values, (values < 0) & (values != NO_QUOTE), f"{name} in {where} must not be below zero, got")
    if block.tape == "depth":
        sides, kinds = columns["side"], columns["kind"]
        _refuse(sides, np.abs(sides) > 1, f"side in {where} must be +1 (bid), -1 (ask) or 0 (no level), got")
        _refuse(kinds, (kinds != UPDATE) & (kinds != SNAPSHOT), f"kind in {where} must be 0 or 1, got")
    if block.tape == "chain":
        sides, sources = columns["side"], columns["source"]
        _refuse(sides, np.abs(sides) > 1, f"side in {where} must be +1 (call), -1 (put) or 0 (the underlying), got")
        option = sides != UNDERLYING
        _refuse(columns["strike_tick"], option & (columns["strike_tick"] <= 0), f"strikes in {where} are above 0, got")
        _refuse(columns["expiry_ns"], option & (columns["expiry_ns"] <= 0), f"options in {where} expire, got expiry_ns")
        _refuse(sources, (sources < 0) | (sources >= len(SOURCES)), f"source in {where} is none that is known, got")


def _refuse(values: NDArray[Any], wrong: NDArray[np.bool_], message: str) -> None:
    if wrong.any():
        row = int(np.argmax(wrong))
        raise StoreError(f"{message} {values[row]} in row {row} of the block ({int(wrong.sum())} such rows)")


def block_of(form: Form, instrument: Instrument, tape: str, columns: Columns) -> Storable:
    """Return a block; columns that are absent are blank, and trades say so in their flags."""
    count = length(columns)
    full = {
        name: columns[name].astype(dtype, copy=False) if name in columns else blank(form, name, count)
        for name, dtype in form.dtypes.items()
    }
    if form is SNAPSHOTS:
        return Snapshots(instrument=instrument, tape=tape, **full)
    if form is FINISHED:
        return Finished(instrument=instrument, tape=tape, **full)
    if form.name in SERIES:
        times = (full.pop("ts_exch_ns"), full.pop("ts_recv_ns"))
        return Series(instrument, tape, *times, full)
    if "trade_id" not in columns:
        full["flags"] = full["flags"] | np.uint8(FLAG_NO_ID)
    if "ts_recv_ns" not in columns:
        full["flags"] = full["flags"] | np.uint8(FLAG_NO_RECV)
        full["ts_recv_ns"] = full["ts_exch_ns"]
    return Trades(instrument=instrument, tape=tape, **full)
