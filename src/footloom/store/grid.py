"""One grid for rows that stand on several: the greatest common divisors of their ticks and lots."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

import msgspec
import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.snapshots import NO_QUOTE
from footloom.errors import StoreError
from footloom.store.columns import Columns, Form

__all__ = ("common_instrument", "gcd", "regrid")

_LIMIT = 2**62


def gcd(sizes: Sequence[Decimal]) -> Decimal:
    """Return the greatest Decimal that every size is a whole multiple of.

    Examples
    --------
    >>> gcd([Decimal("0.10"), Decimal("0.25")])
    Decimal('0.05')
    """
    places = max(0, *(-int(size.as_tuple().exponent) for size in sizes))
    whole = math.gcd(*(int(size.scaleb(places)) for size in sizes))
    return Decimal(whole).scaleb(-places)


def common_instrument(instruments: Sequence[Instrument]) -> Instrument:
    """Return the last instrument on the common grid of all of them.

    Raises
    ------
    StoreError
        One quantity would stand for different amounts of money.
    """
    last = instruments[-1]
    for other in instruments:
        if other.contract_multiplier != last.contract_multiplier:
            raise StoreError(
                f"{last.key} has rows with a contract multiplier of {other.contract_multiplier} and others with "
                f"{last.contract_multiplier}: one lot means different amounts, so read the two ranges apart"
            )
    tick, lot = gcd([i.tick_size for i in instruments]), gcd([i.lot_size for i in instruments])
    if (tick, lot) == (last.tick_size, last.lot_size):
        return last
    return msgspec.structs.replace(last, tick_size=tick, lot_size=lot)


def regrid(form: Form, columns: Columns, old: Instrument, new: Instrument) -> Columns:
    """Return the rows in the ticks and lots of ``new``, exactly.

    Raises
    ------
    StoreError
        The new grid is no divisor of the old one, or a number leaves 64 bits.
    """
    factors = {name: _factor(old, old.tick_size, new.tick_size) for name in form.ticks}
    factors |= {name: _factor(old, old.lot_size, new.lot_size) for name in form.lots}
    changed = {
        name: _scaled(old, columns[name], factor) for name, factor in factors.items() if factor != 1 and name in columns
    }
    return columns | changed if changed else columns


def _factor(instrument: Instrument, old: Decimal, new: Decimal) -> int:
    top, bottom = old.as_integer_ratio()
    new_top, new_bottom = new.as_integer_ratio()
    factor, left = divmod(top * new_bottom, bottom * new_top)
    if left:
        raise StoreError(f"rows of {instrument.key} on a grid of {old} cannot stand on one of {new}: load them again")
    return factor


def _scaled(
    instrument: Instrument, values: np.ndarray[tuple[int], np.dtype[np.int64]], factor: int
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    missing = values == NO_QUOTE
    held = np.where(missing, 0, values)
    if len(held) and max(int(held.max()), -int(held.min())) > _LIMIT // factor:
        raise StoreError(f"rows of {instrument.key} do not fit a {factor} times finer grid: load a range on one grid")
    return np.where(missing, NO_QUOTE, held * factor)
