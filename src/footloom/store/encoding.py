"""How columns become Parquet columns of few bytes, and back, exactly.

Measured on recordings of BTCUSDT with zstd level 1, bytes a trade:

- times as timestamps of the coarsest unit that holds them all, DELTA_BINARY_PACKED: 0.4 (0.9 as nanoseconds);
- prices in ticks, DELTA_BINARY_PACKED: 0.5;
- quantity and side as one signed number in a dictionary: 1.4 in 21 000 trades, 1.3 in three million; or, where that is
  smaller, as ``2 * quantity + sell`` split into byte streams: 1.1 and 1.15, and as fast to read. Twice the quantity
  keeps small numbers small on both sides, so that three of the four byte streams are nearly empty;
- ids, DELTA_BINARY_PACKED: 0.01; receipt times 2.0 (their difference to the exchange's time takes more, except where it
  is constant and takes nothing). Many clocks step by 100 ns while their last two digits drift: hundreds and rest in two
  columns take 1.8 then.

Of depth, of which a row is a level, receipt and ids cost next to nothing where an update has many levels, because zstd
sees them repeated; prices and quantities are smallest as byte streams. Measured: see `docs/store.md`.

A column of the form ``first + step * row`` is not stored at all: two numbers in the footer say it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from footloom.core.arrow import arrow_of
from footloom.core.snapshots import NO_QUOTE
from footloom.core.trades import I64
from footloom.store.columns import Columns

__all__ = (
    "BYTES", "DELTA", "DICTIONARY", "PLAIN", "RECEIPT", "SIGNED", "Affine", "Codec", "Rows", "Stored",
    "field_codec", "ints_of", "number_codec", "optional_codec", "pooled", "smallest_codec", "time_codec",
)  # fmt: skip

DELTA = "DELTA_BINARY_PACKED"
DICTIONARY = "RLE_DICTIONARY"
BYTES = "BYTE_STREAM_SPLIT"
PLAIN = "PLAIN"

UNKNOWN_SIDE = 128  # a bit of the stored flags only: +quantity stands for "nobody knows who crossed the spread"

Affine = tuple[int, int]
_UNSAID: Affine = (NO_QUOTE, 0)
_UNITS = (("ms", 1_000_000), ("us", 1_000), ("ns", 1))


@dataclass(frozen=True, slots=True)
class Stored:
    """One column of a file, or what stands for it in the footer."""

    name: str
    array: pa.Array | None = None
    encoding: str = DELTA
    affine: Affine | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """Decoded stored columns of consecutive rows, from row ``start`` of the file on."""

    start: int
    count: int
    arrays: Mapping[str, I64 | NDArray[np.int32]]
    affine: Mapping[str, Affine] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self.arrays or name in self.affine

    def constant(self, name: str) -> int | None:
        """Return what all rows hold in a column that is not stored, if it is one value."""
        first, step = self.affine.get(name, (0, 0))
        return first if step == 0 and name not in self.arrays else None

    def ints(self, name: str) -> Any:
        """Return a stored column as whole numbers; zeros where the file has none."""
        if name in self.arrays:
            return self.arrays[name]
        first, step = self.affine.get(name, (0, 0))
        line = pooled(self.count, np.int64)
        if step == 0:
            line[:] = first
            return line
        np.multiply(np.arange(self.start, self.start + self.count, dtype=np.int64), step, out=line)
        line += first
        return line


@dataclass(frozen=True, slots=True)
class Codec:
    """How some columns are stored.

    ``makes`` are the columns, ``names`` what they may be stored as. ``stores`` gives the ways to store them, of which
    the writer takes the smallest. ``reads`` makes the columns from what was stored.
    """

    makes: tuple[str, ...]
    names: tuple[str, ...]
    stores: Callable[[Columns], list[list[Stored]]]
    reads: Callable[[Rows], Columns]


def pooled(count: int, dtype: Any) -> NDArray[Any]:
    """Return a new array in Arrow's memory, which keeps what is given back.

    What reading makes is large and lives for one chunk. The C library returns such memory to the system each time, and
    touching new pages took longer than all the arithmetic on them.
    """
    if count == 0:
        return np.empty(0, dtype)
    return np.frombuffer(pa.allocate_buffer(count * np.dtype(dtype).itemsize), dtype)


# The same numbers in 64 bits.
def _wide(values: NDArray[Any]) -> I64:
    if values.dtype == np.int64:
        return values
    wide = pooled(len(values), np.int64)
    wide[:] = values
    return wide


def ints_of(column: pa.ChunkedArray) -> Any:
    """Return a column of a file as whole numbers, without a copy where it lies in one piece; `NO_QUOTE` for nulls."""
    array = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    if pa.types.is_timestamp(array.type):
        unit = dict(_UNITS)[array.type.unit]
        ticks = _plain(array.view(pa.int64()))
        return ticks if unit == 1 else np.multiply(ticks, unit, out=pooled(len(ticks), np.int64))
    if array.null_count:
        array = array.fill_null(arrow_of(np.array([NO_QUOTE]))[0])  # a bare number would import pandas too
    return _plain(array)


# `first + step * row`, or None where the numbers do not stand in such a line; the first rows tell it of most columns.
def _affine(values: NDArray[Any]) -> Affine | None:
    if len(values) == 0:
        return (0, 0)
    first, second = int(values[0]), int(values[min(1, len(values) - 1)])
    step = second - first
    if abs(step) >= 2**31 or int(values[-1]) != first + step * (len(values) - 1):
        return None
    in_line = (np.diff(values[:64]) == step).all() and (np.diff(values) == step).all()
    return (first, step) if in_line else None


# The numbers of an array without nulls, over the same memory; `Array.to_numpy` would import pandas.
def _plain(array: pa.Array) -> NDArray[Any]:
    kind = np.dtype(str(array.type))
    return np.frombuffer(array.buffers()[1] or b"", kind, len(array), array.offset * kind.itemsize)


# Whole numbers in the narrower of the two integer types of Parquet.
def _whole(values: NDArray[Any]) -> pa.Array:
    if len(values) and int(values.min()) >= -(2**31) and int(values.max()) < 2**31:
        return arrow_of(values.astype(np.int32))
    return arrow_of(values.astype(np.int64, copy=False))


# In the coarsest unit that holds all of them. Dividing by a constant is fast where taking the remainder is not.
def _timestamps(values: I64) -> pa.Array:
    for unit, size in _UNITS:
        if (values[:64] % size).any():
            continue
        counts = values // size if size > 1 else values
        if size == 1 or (counts * size == values).all():
            return arrow_of(counts).view(pa.timestamp(unit, tz="UTC"))
    raise AssertionError("one nanosecond divides everything")


def time_codec(column: str, name: str) -> Codec:
    """Return how times are stored under a name, which ranges are pruned by."""

    def stores(columns: Columns) -> list[list[Stored]]:
        return [[Stored(name, _timestamps(columns[column]))]]

    return Codec((column,), (name,), stores, lambda rows: {column: rows.ints(name)})


def number_codec(column: str) -> Codec:
    """Return how a column is stored that a reader of the bare file expects to find."""

    def stores(columns: Columns) -> list[list[Stored]]:
        values = columns[column]
        missing = values == NO_QUOTE
        if missing.any():
            return [[Stored(column, arrow_of(values, missing))]]
        return [[Stored(column, _whole(values))]]

    return Codec((column,), (column,), stores, lambda rows: {column: _wide(rows.ints(column))})


def field_codec(column: str) -> Codec:
    """Return how a column is stored that not every feed has: not at all where no row says it."""

    def stores(columns: Columns) -> list[list[Stored]]:
        unsaid = (columns[column] == NO_QUOTE).all()
        return [[Stored(column, affine=_UNSAID)]] if unsaid else number_codec(column).stores(columns)

    def reads(rows: Rows) -> Columns:
        if column in rows.arrays:
            return {column: _wide(rows.arrays[column])}
        return {column: np.full(rows.count, NO_QUOTE, np.int64)}

    return Codec((column,), (column,), stores, reads)


def optional_codec(column: str) -> Codec:
    """Return how a column is stored that is left out where two numbers say it."""

    def stores(columns: Columns) -> list[list[Stored]]:
        values = columns[column]
        affine = _affine(values)
        return [[Stored(column, affine=affine) if affine else Stored(column, _whole(values))]]

    return Codec((column,), (column,), stores, lambda rows: {column: _wide(rows.ints(column))})


def _signed_stores(columns: Columns) -> list[list[Stored]]:
    qty, side = columns["qty_lot"], columns["side"]
    flags = columns["flags"] | (side == 0).astype(np.uint8) * np.uint8(UNKNOWN_SIDE)
    affine = _affine(flags.astype(np.int64))
    if affine and affine[1] == 0:
        bits = Stored("flags", affine=affine)
    else:
        bits = Stored("flags", arrow_of(flags.astype(np.int32)), DICTIONARY)
    sell = side < 0
    ways = [[Stored("signed_lot", _whole(np.where(sell, -qty, qty)), DICTIONARY), bits]]
    if not len(qty) or int(qty.max()) < 2**62:
        ways.append([Stored("lot_side", _whole(2 * qty + sell), BYTES), bits])
    return ways


# Written for speed: these few passes over each row are a good part of what reading costs beside decoding.
def _signed_reads(rows: Rows) -> Columns:
    qty, side = pooled(rows.count, np.int64), pooled(rows.count, np.int8)
    if "lot_side" in rows:
        packed = rows.ints("lot_side")
        qty[:] = packed
        qty >>= 1
        np.copyto(side, packed, casting="unsafe")
        side &= 1  # the last bit is all that matters of it
    else:
        signed = rows.ints("signed_lot")
        qty[:] = signed
        np.abs(qty, out=qty)
        np.less(signed, 0, out=side.view(np.bool_))
    side *= np.int8(-2)
    side += np.int8(1)
    constant = rows.constant("flags")
    if constant is not None and constant < UNKNOWN_SIDE:  # no side is unknown: nothing to blank
        flags = pooled(rows.count, np.uint8)
        flags[:] = constant
        return {"qty_lot": qty, "side": side, "flags": flags}
    stored_flags = rows.ints("flags").astype(np.uint8)
    side[stored_flags >= UNKNOWN_SIDE] = 0
    return {"qty_lot": qty, "side": side, "flags": stored_flags & np.uint8(UNKNOWN_SIDE - 1)}


def _receipt_stores(columns: Columns) -> list[list[Stored]]:
    delta = columns["ts_recv_ns"] - columns["ts_exch_ns"]
    affine = _affine(delta)
    if affine and affine[1] == 0:
        return [[Stored("recv_delta", affine=affine)]]
    hundreds, rest = np.divmod(columns["ts_recv_ns"], 100)
    return [
        [Stored("ts_recv", _timestamps(columns["ts_recv_ns"]))],
        [Stored("recv_100ns", _whole(hundreds)), Stored("recv_rest", _whole(rest), BYTES)],
        [Stored("recv_delta", _whole(delta))],
    ]


def _receipt_reads(rows: Rows) -> Columns:
    if "ts_recv" in rows:
        return {"ts_recv_ns": rows.ints("ts_recv")}
    if "recv_100ns" in rows:
        return {"ts_recv_ns": rows.ints("recv_100ns").astype(np.int64) * 100 + rows.ints("recv_rest")}
    exchange = rows.ints("ts_exch")
    if rows.affine.get("recv_delta") == (0, 0):
        return {"ts_recv_ns": exchange}
    return {"ts_recv_ns": exchange + rows.ints("recv_delta")}


# Quantity and side as one number, and the flags, which say where that number cannot say the side.
SIGNED = Codec(("qty_lot", "side", "flags"), ("signed_lot", "lot_side", "flags"), _signed_stores, _signed_reads)
RECEIPT = Codec(
    ("ts_recv_ns",), ("ts_recv", "recv_100ns", "recv_rest", "recv_delta", "ts_exch"), _receipt_stores, _receipt_reads
)


def smallest_codec(column: str) -> Codec:
    """Return how a column of a series is stored: not at all where two numbers say it, else the smallest of all ways."""

    def stores(columns: Columns) -> list[list[Stored]]:
        values = columns[column]
        affine = _affine(values)
        if affine:
            return [[Stored(column, affine=affine)]]
        missing = values == NO_QUOTE
        array = arrow_of(values, missing) if missing.any() else _whole(values)
        return [[Stored(column, array, encoding)] for encoding in (DELTA, BYTES, DICTIONARY, PLAIN)]

    return Codec((column,), (column,), stores, lambda rows: {column: _wide(rows.ints(column))})
