"""Whole units to Arrow decimals and back, a column at a time and without a rounding anywhere (definitions 0.1).

A decimal128 is a whole number of 16 bytes, two's complement, lowest byte first, with a power of ten beside it. A column
of counts becomes one by a multiplication, because a unit is a whole number times a power of ten.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from footloom.core.arrow import arrow_of, text_of, validity
from footloom.core.trades import I64
from footloom.errors import DataError, OffGrid

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ("decimal_array", "decimal_text", "to_counts")

_DIGITS = 38  # what a decimal128 can hold
_HALF = 63  # the sign's bit in a word of 64
_MOST = 2**63 - 1
_PLACES_IN_WORD = 18  # 10**18 fits into 64 bits


def _parts(unit: Decimal) -> tuple[int, int]:
    # A unit as (whole number, decimals), with its own number of decimals: 0.10 is 10 hundredths.
    _, digits, exponent = unit.as_tuple()
    number = int("".join(map(str, digits)))
    places = -int(exponent)
    return (number, places) if places >= 0 else (number * 10**-places, 0)


def decimal_array(counts: I64, unit: Decimal, valid: NDArray[np.bool_] | None = None) -> pa.Array:
    """Return ``counts`` units as exact Arrow decimals, with the unit's own number of decimals.

    Parameters
    ----------
    counts
        Whole units, int64 (n,).
    unit
        Above zero.
    valid
        bool (n,): where it is false the value is null, whatever the count.

    Raises
    ------
    DataError
        A value has more than 38 digits.

    Examples
    --------
    >>> decimal_array(np.array([618003, -5]), Decimal("0.1")).to_pylist()
    [Decimal('61800.3'), Decimal('-0.5')]
    """
    import pyarrow as pa

    number, places = _parts(unit)
    if valid is not None:
        counts = np.where(valid, counts, 0)
    words = np.empty((len(counts), 2), "<i8")
    if _largest(counts) * number <= _MOST:
        words[:, 0] = counts * number
        words[:, 1] = words[:, 0] >> _HALF
        data = words.tobytes()
    else:
        data = _long(counts, number, unit)
    buffers = [None if valid is None else validity(valid), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.decimal128(_DIGITS, places), len(counts), buffers)


def _largest(counts: I64) -> int:
    return max(int(counts.max()), -int(counts.min())) if len(counts) else 0


def _long(counts: I64, number: int, unit: Decimal) -> bytes:
    wholes = [count * number for count in counts.tolist()]
    if max(map(abs, wholes)) >= 10**_DIGITS:
        raise DataError(
            f"a count of {_largest(counts)} times {unit} has more than {_DIGITS} digits: no file holds that"
        )
    return b"".join(whole.to_bytes(16, "little", signed=True) for whole in wholes)


# The whole numbers of decimals, and whether each fits into 64 bits; nulls are 0.
def _words(column: Any) -> tuple[I64, NDArray[np.bool_], I64]:
    if not len(column):  # an empty column may have no buffer at all
        return np.empty(0, np.int64), np.empty(0, np.bool_), np.empty(0, np.int64)
    start, stop = column.offset, column.offset + len(column)
    words = np.frombuffer(column.buffers()[1], "<i8").reshape(-1, 2)[start:stop]
    low, high = words[:, 0].copy(), words[:, 1].copy()
    if column.null_count:
        empty = column.is_null().to_numpy(zero_copy_only=False)
        low[empty] = high[empty] = 0
    return low, high == low >> _HALF, high


def _wholes(column: Any) -> list[int]:
    low, _, high = _words(column)
    return [(h << 64) | (w & (2**64 - 1)) for w, h in zip(low.tolist(), high.tolist(), strict=True)]


def to_counts(column: pa.Array, unit: Decimal, what: str = "value") -> I64:
    """Return how many units make each decimal, int64 (n,): `decimal_array` backwards. Nulls are 0.

    Parameters
    ----------
    column
        decimal128 (n,).

    Raises
    ------
    OffGrid
        A value is no whole multiple of the unit; the message names the row.
    DataError
        A count needs more than 64 bits.
    """
    number, places = _parts(unit)
    low, fits, _ = _words(column)
    up, down = max(0, places - column.type.scale), max(0, column.type.scale - places)
    if fits.all() and _largest(low) * 10**up <= _MOST and number * 10**down <= _MOST:
        counts, left = np.divmod(low * np.int64(10**up), np.int64(number * 10**down))
        wrong = np.flatnonzero(left)
    else:
        pairs = [divmod(whole * 10**up, number * 10**down) for whole in _wholes(column)]
        wrong = np.flatnonzero([left != 0 for _, left in pairs])
        counts = _as_int64([count for count, _ in pairs], unit, what) if not len(wrong) else low
    if len(wrong):
        row = int(wrong[0])
        raise OffGrid(f"{column[row].as_py():f}", f"{unit:f}", f"{what} in row {row},")
    return counts


def _as_int64(counts: list[int], unit: Decimal, what: str) -> I64:
    for row, count in enumerate(counts):
        if abs(count) > _MOST:
            raise DataError(f"{what} in row {row} is {count} times {unit:f}: a count has at most 64 bits")
    return np.array(counts, np.int64)


def decimal_text(column: pa.Array) -> pa.Array:
    """Return decimals as plain text with all their decimals (never ``1E-8``), nulls kept; one string a row."""
    import pyarrow as pa
    import pyarrow.compute as pc

    places = column.type.scale
    low, fits, _ = _words(column)
    if places > _PLACES_IN_WORD or not fits.all() or (low == -_MOST - 1).any():
        return text_of([None if v is None else f"{v:f}" for v in column.to_pylist()])
    nothing, dot, null = text_of(["", ".", None])  # a bare word would import pandas
    size = np.abs(low)
    text = arrow_of(size // 10**places).cast(pa.string())
    text = pc.binary_join_element_wise(text_of(np.where(low < 0, "-", "").tolist()), text, nothing)
    if places:
        tail = pc.utf8_lpad(arrow_of(size % 10**places).cast(pa.string()), places, "0")
        text = pc.binary_join_element_wise(text, tail, dot)
    return pc.if_else(column.is_valid(), text, null) if column.null_count else text
