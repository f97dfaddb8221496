"""The numbers of the bar grammar: decimal text to exact whole units, and one spelling for each."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

from footloom.errors import ConfigError

__all__ = ("LARGEST", "NUMBER", "at_least", "number", "spelled", "whole")

NUMBER = r"\d+(?:\.\d+)?(?:e\d{1,2})?"  # no sign: "+" is a space in a URL
LARGEST = 2**60  # sums stay below 64 bits with a factor of four and one more trade on top
_MOST = Decimal(10) ** 24
_SHORT = Decimal(10) ** 5  # 1e6q is easier to read than 1000000q, 500t than 5e2t


def number(text: str, rule: str) -> Decimal:
    """Return the number of a rule's spelling.

    Raises
    ------
    ConfigError
        It is zero, or beyond all reason.
    """
    value = Decimal(text)
    if not 0 < value < _MOST:
        raise ConfigError(f"bars of {rule} cannot be: {text} must be above 0 and below 1e24")
    return value


def whole(text: str, rule: str, what: str) -> int:
    """Return the number of a rule's spelling, which counts ``what``.

    Raises
    ------
    ConfigError
        It is zero, no whole number, or too large.
    """
    value = number(text, rule)
    if value != value.to_integral_value() or value > LARGEST:
        raise ConfigError(f"bars of {rule} cannot be: {what} are counted in whole numbers up to 2^60, got {text}")
    return int(value)


def spelled(value: Decimal | int) -> str:
    """Return the one spelling of a number.

    Examples
    --------
    >>> spelled(Decimal("1000000")), spelled(Decimal("2.50")), spelled(1_234_567)
    ('1e6', '2.5', '1234567')
    """
    exact = Decimal(value)
    plain = f"{exact:f}"
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    digits = plain.rstrip("0")
    if exact < _SHORT or "." in plain:
        return plain
    mantissa = digits if len(digits) == 1 else f"{digits[0]}.{digits[1:]}"
    short = f"{mantissa}e{len(plain) - 1}"
    return short if len(short) < len(plain) else plain


def at_least(value: Decimal, unit: Decimal, rule: str, unit_text: str) -> int:
    """Return the smallest count of units that reaches a value, exactly.

    Raises
    ------
    ConfigError
        The count does not fit the 64-bit sums of a bar.
    """
    count = math.ceil(Fraction(value) / Fraction(unit))
    if count > LARGEST:
        raise ConfigError(
            f"bars of {rule} cannot be made here: {value:f} are {count} units of {unit_text}, and exact sums hold "
            f"{LARGEST} at the most; use a smaller number"
        )
    return count
