"""Columns of any frame to whole numbers: each of them exactly, or refused with the row and the value."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from footloom.core.decimals import to_units
from footloom.core.trades import I8, I64
from footloom.engine.exact import to_counts
from footloom.errors import ConfigError, DataError, OffGrid

__all__ = ("counts", "maker_sides", "plain", "sides", "times", "wholes")

_SCALES = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_SUFFIX = re.compile(r"_(ns|us|ms|s)$")
_LEAST_NS = 10**17  # 1973: what is below counts another unit
_MOST = 2**63 - 1
_EXACT_FLOATS = 2**53
_RELATIVE, _OF_A_UNIT = 1e-9, 1e-2  # how far a float may lie from its place on the grid: the smaller of the two
_SIDES = {"buy": 1, "sell": -1, "unknown": 0, "": 0, "1": 1, "+1": 1, "-1": -1, "0": 0}
_TRUTH = {"true": -1, "false": 1, "": 0}  # the buyer was the maker: the taker sold (definitions 1.1)


def plain(column: Any) -> pa.Array:
    """Return a table's column as one array, without dictionary, and text as plain strings."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):  # no chunks at all
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    text = pa.types.is_large_string(array.type) or pa.types.is_string_view(array.type)
    return array.cast(pa.string()) if text else array


def _say(what: str, row: int, value: object, why: str) -> DataError:
    return DataError(f"{what} in row {row} is {value!r}: {why}")


def _first(wrong: NDArray[np.bool_]) -> int:
    return int(np.argmax(wrong))


def _full(column: pa.Array, what: str) -> None:
    if column.null_count:
        row = _first(column.is_null().to_numpy(zero_copy_only=False))
        raise DataError(f"{what} in row {row} is missing: every trade has one")


def wholes(column: pa.Array, what: str) -> tuple[I64, NDArray[np.bool_]]:
    """Return whole numbers and which rows have one; digits as text count, and floats that hold a whole number exactly.

    Raises
    ------
    DataError
        A value is no whole number, or has lost its last digits in a float.
    """
    valid = column.is_valid().to_numpy(zero_copy_only=False)
    if pa.types.is_floating(column.type):
        valid &= ~np.isnan(pc.fill_null(column, float("nan")).to_numpy(zero_copy_only=False))
        values = np.where(valid, pc.fill_null(column, 0.0).to_numpy(zero_copy_only=False), 0)
        wrong = (values != np.floor(values)) | (np.abs(values) >= _EXACT_FLOATS)
        if wrong.any():
            row = _first(wrong)
            why = "a float does not hold such a number exactly; give whole numbers (Int64) or text"
            raise _say(what, row, float(values[row]), why)
        return values.astype(np.int64), valid
    try:
        numbers = column.cast(pa.int64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(f"{what} must be whole numbers of 64 bits, got {column.type}: {error}") from None
    return np.array(pc.fill_null(numbers, 0)), valid


def times(column: pa.Array, name: str, unit: str | None, what: str = "the time") -> tuple[I64, NDArray[np.bool_]]:
    """Return times as ns UTC and which rows have one; a timestamp without a zone is UTC.

    Whole numbers count the unit that is given, or that the column's name ends with: ``_ns``, ``_us``, ``_ms``, ``_s``.

    Raises
    ------
    ConfigError
        Nothing says what the numbers count.
    DataError
        A time is none, or lies before 1973: then its unit is another one.
    """
    if pa.types.is_timestamp(column.type):
        unit = column.type.unit
        column = column.cast(pa.int64())
    elif unit is None:
        named = _SUFFIX.search(name)
        if named is None:
            raise ConfigError(
                f"column {name!r} holds {column.type}: say what it counts with ts_unit= (s, ms, us or ns)"
            )
        unit = named[1]
    if unit not in _SCALES:
        raise ConfigError(f"ts_unit is s, ms, us or ns, not {unit!r}")
    values, valid = wholes(column, f"{what} ({name})")
    wrong = valid & ((np.abs(values) > _MOST // _SCALES[unit]) | ((values > 0) & (values < _LEAST_NS // _SCALES[unit])))
    if wrong.any():
        row = _first(wrong)
        why = f"counted in {unit} since 1970 that is before 1973 or beyond 2262; give its unit with ts_unit="
        raise _say(f"{what} ({name})", row, int(values[row]), why)
    return values * _SCALES[unit], valid


def counts(column: pa.Array, unit: Decimal, what: str) -> I64:
    """Return prices or quantities as whole units, int64 (n,): decimals, decimal text, whole numbers and floats.

    Raises
    ------
    OffGrid
        A value is no whole multiple of the unit; the message names row and value.
    DataError
        A value is missing or no number.
    """
    _full(column, what)
    if pa.types.is_floating(column.type):
        return _float_counts(column, unit, what)
    if pa.types.is_integer(column.type):
        column = column.cast(pa.decimal128(38, 0))
    if pa.types.is_decimal128(column.type):
        return to_counts(column, unit, what)
    if pa.types.is_decimal(column.type):
        column = pa.array([f"{value:f}" for value in column.to_pylist()], pa.string())
    if not pa.types.is_string(column.type):
        raise DataError(f"{what} must be decimals, decimal text, whole numbers or floats, got {column.type}")
    return _text_counts(column, unit, what)


def _text_counts(column: pa.Array, unit: Decimal, what: str) -> I64:
    # A tape repeats its prices and quantities: each text is read once.
    coded = pc.dictionary_encode(column)
    codes = np.array(coded.indices)
    values = []
    for code, text in enumerate(coded.dictionary.to_pylist()):
        try:
            values.append(to_units(text, unit, what))
        except OffGrid:
            raise OffGrid(text, f"{unit:f}", f"{what} in row {_first(codes == code)},") from None
        except DataError:
            raise _say(what, _first(codes == code), text, "that is no decimal number") from None
    try:
        return np.array(values, np.int64)[codes] if values else np.empty(0, np.int64)
    except OverflowError:
        raise DataError(f"{what}: a value has more than 64 bits of {unit:f}") from None


def _float_counts(column: pa.Array, unit: Decimal, what: str) -> I64:
    values = column.to_numpy(zero_copy_only=False).astype(np.float64)
    top, bottom = unit.as_integer_ratio()
    with np.errstate(invalid="ignore", over="ignore"):
        nearest = np.rint(values * bottom / top)
        allowed = np.minimum(np.abs(values) * _RELATIVE, float(unit) * _OF_A_UNIT)
        wrong = ~(np.abs(values - nearest * top / bottom) <= allowed) | (np.abs(nearest) >= _EXACT_FLOATS)
    if wrong.any():
        row = _first(wrong)
        raise OffGrid(repr(float(values[row])), f"{unit:f}", f"{what} in row {row}, a float,")
    found: I64 = nearest.astype(np.int64)
    return found


def sides(column: pa.Array) -> I8:
    """Return the aggressor of +1, -1, 0, or of the words buy, sell and unknown; int8 (n,), 0 where nothing is said.

    Raises
    ------
    DataError
        Another value: what A, B, ASK or BID stand for differs from vendor to vendor, so they are not guessed.
    """
    why = "a side is +1, -1 or 0, or buy, sell or unknown, of the taker"
    if pa.types.is_boolean(column.type):
        raise ConfigError("the side is a column of true and false: if it says whether the buyer was the maker, name it "
                          "with is_buyer_maker=")  # fmt: skip
    if pa.types.is_string(column.type):
        return _words(column, _SIDES, why)
    values, _ = wholes(column, "the side")
    wrong = np.abs(values) > 1
    if wrong.any():
        raise _say("the side", _first(wrong), int(values[_first(wrong)]), why)
    return values.astype(np.int8)


def maker_sides(column: pa.Array) -> I8:
    """Return the aggressor where a column says whether the buyer was the maker: then the taker sold."""
    if not (pa.types.is_boolean(column.type) or pa.types.is_string(column.type)):
        raise DataError(f"is_buyer_maker must be true or false, got {column.type}")
    return _words(column.cast(pa.string()), _TRUTH, "is_buyer_maker is true or false")


def _words(column: pa.Array, meaning: dict[str, int], why: str) -> I8:
    coded = pc.dictionary_encode(pc.fill_null(column, ""))
    codes = np.array(coded.indices)
    values = np.zeros(len(coded.dictionary), np.int8)
    for code, text in enumerate(coded.dictionary.to_pylist()):
        said = meaning.get(text.strip().lower())
        if said is None:
            raise _say("the side", _first(codes == code), text, why)
        values[code] = said
    found: I8 = values[codes] if len(codes) else np.empty(0, np.int8)
    return found
