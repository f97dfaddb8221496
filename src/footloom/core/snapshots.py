"""Snapshots of a conflated feed in memory: immutable columns, one row a snapshot (definitions 1.3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from footloom.core.decimals import to_units
from footloom.core.instrument import Instrument
from footloom.core.trades import I64
from footloom.errors import DataError

__all__ = ("GREEKS", "NO_QUOTE", "IntervalPrice", "Snapshots", "complete", "in_e8", "interval_price", "left_out")

NO_QUOTE = np.iinfo(np.int64).min  # a missing side of the book, or anything else that a snapshot does not say

GREEKS = ("iv_e8", "delta_e8", "gamma_e8", "theta_e8", "vega_e8")  # of an option, as the venue tells them
_GIVEN = ("ts_exch_ns", "ltp_tick", "ltq_lot", "vtt_lot", "bid_tick", "ask_tick", "ts_recv_ns")
_EXTRA = ("oi_lot", "bid_lot", "ask_lot", "atp_e4", *GREEKS)
_COLUMNS = _GIVEN + _EXTRA
_LEFT_OUT = np.empty(0, np.int64)
_E8 = Decimal("0.00000001")
_PLACES = 8
_GREATEST = 2**62


def in_e8(text: str) -> int:
    """Return decimal text times 10^8, what lies behind the eighth place cut off; `NO_QUOTE` for no text.

    Raises
    ------
    DataError
        It is no number, or too great for 64 bits.
    """
    if not text:
        return NO_QUOTE
    whole, _, rest = text.partition(".")
    value = to_units(f"{whole}.{rest[:_PLACES]}" if rest else whole, _E8)
    if abs(value) >= _GREATEST:
        raise DataError(f"{text} is too great for 64 bits in steps of {_E8:f}")
    return value


def left_out() -> I64:
    """Return what stands for a column that is left out, until `complete`."""
    return _LEFT_OUT


def complete(rows: Any, count: int, names: Iterable[str]) -> None:
    """Fill the columns that were left out with `NO_QUOTE`, hold all to int64 of ``count`` rows, and freeze them.

    Raises
    ------
    DataError
        A column has another type or length.
    """
    for name in names:
        column = getattr(rows, name)
        if column is _LEFT_OUT:
            column = np.full(count, NO_QUOTE, np.int64)
            object.__setattr__(rows, name, column)
        if column.dtype != np.int64 or column.shape != (count,):
            raise DataError(f"column {name} must be int64 of shape {(count,)}, got {column.dtype} {column.shape}")
        column.flags.writeable = False


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
    oi_lot
        Open interest; `NO_QUOTE` where the feed says none, as in the columns that follow. They may be left out.
    bid_lot, ask_lot
        Quantities at the best quotes.
    atp_e4
        Average traded price of the day, in 1/10 000 of the quote currency: it does not stand on the grid.
    iv_e8, delta_e8, gamma_e8, theta_e8, vega_e8
        Volatility and Greeks of an option as the venue tells them, times 10^8; a volatility of 0.12 is 12 %.
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
    oi_lot: I64 = field(default_factory=left_out, kw_only=True)
    bid_lot: I64 = field(default_factory=left_out, kw_only=True)
    ask_lot: I64 = field(default_factory=left_out, kw_only=True)
    atp_e4: I64 = field(default_factory=left_out, kw_only=True)
    iv_e8: I64 = field(default_factory=left_out, kw_only=True)
    delta_e8: I64 = field(default_factory=left_out, kw_only=True)
    gamma_e8: I64 = field(default_factory=left_out, kw_only=True)
    theta_e8: I64 = field(default_factory=left_out, kw_only=True)
    vega_e8: I64 = field(default_factory=left_out, kw_only=True)

    def __post_init__(self) -> None:
        complete(self, len(self.ts_exch_ns), _COLUMNS)

    def __len__(self) -> int:
        return len(self.ts_exch_ns)

    def take(self, index: Any) -> Snapshots:
        """Return the rows of a slice, a mask or an index array."""
        return Snapshots(
            instrument=self.instrument, tape=self.tape, **{name: getattr(self, name)[index] for name in _COLUMNS}
        )


class IntervalPrice(NamedTuple):
    """The average price of what traded between two snapshots, and how wrong rounding may have made it.

    Worth using only where ``error`` is below one tick, which it seldom is: averages are rounded, and the day is long.
    """

    price: Fraction
    error: Fraction


def interval_price(before: tuple[Decimal, int], after: tuple[Decimal, int], decimals: int = 2) -> IntervalPrice | None:
    """Return the average price between two snapshots from the average prices of the day (definitions 1.3).

    Parameters
    ----------
    before, after
        Average traded price of the day and its volume so far, in any one unit.
    decimals
        Decimals that the average is rounded to.

    Returns
    -------
    IntervalPrice
        Exact; None where nothing traded between them.

    Examples
    --------
    >>> interval_price((Decimal("100.00"), 10_000), (Decimal("100.10"), 10_500))
    IntervalPrice(price=Fraction(1021, 10), error=Fraction(41, 200))
    """
    (atp_0, vtt_0), (atp_1, vtt_1) = before, after
    volume = vtt_1 - vtt_0
    if volume <= 0:
        return None
    price = (Fraction(atp_1) * vtt_1 - Fraction(atp_0) * vtt_0) / volume
    return IntervalPrice(price, Fraction(vtt_1 + vtt_0, 2 * 10**decimals * volume))
