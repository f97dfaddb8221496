"""Decimal text to whole units and back, exactly (definitions 0.1)."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from footloom.errors import DataError, OffGrid

__all__ = ("from_units", "parse_decimal", "to_units")


def parse_decimal(text: str | int | Decimal) -> Decimal:
    """Return ``text`` as a finite Decimal.

    Raises
    ------
    DataError
        The text is no decimal number, or is not finite. Floats are refused: their text is not what the venue sent.
    """
    if isinstance(text, float):
        raise DataError(f"a binary float ({text!r}) cannot be taken exactly: pass the text or a Decimal")
    try:
        value = Decimal(text)
    except (InvalidOperation, ValueError, TypeError):
        raise DataError(f"{text!r} is no decimal number") from None
    if not value.is_finite():
        raise DataError(f"{text!r} is no finite number")
    return value


def to_units(text: str | int | Decimal, unit: Decimal, what: str = "value") -> int:
    """Return how many ``unit`` make ``text``.

    Raises
    ------
    DataError
        The text is no decimal number.
    OffGrid
        It is no whole multiple of the unit.

    Examples
    --------
    >>> to_units("4.35", Decimal("0.05"))
    87
    """
    value = parse_decimal(text)
    top, bottom = value.as_integer_ratio()
    unit_top, unit_bottom = unit.as_integer_ratio()
    count, left = divmod(top * unit_bottom, bottom * unit_top)
    if left:
        raise OffGrid(str(text), f"{unit:f}", what)
    return count


def from_units(count: int, unit: Decimal) -> str:
    """Return ``count`` units as exact decimal text, with the unit's own number of decimals.

    Examples
    --------
    >>> from_units(618003, Decimal("0.1"))
    '61800.3'
    >>> from_units(-5, Decimal("0.00001"))
    '-0.00005'
    """
    sign, digits, exponent = unit.as_tuple()
    places = -int(exponent)
    whole = count * int("".join(map(str, digits))) * (-1 if sign else 1)
    if places <= 0:
        return str(whole * 10**-places)
    head, tail = divmod(abs(whole), 10**places)
    return f"{'-' if whole < 0 else ''}{head}.{tail:0{places}d}"
