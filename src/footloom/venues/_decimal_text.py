"""Whether a venue's text is a plain decimal number: digits and at most one point, nothing else, not endless.

Exact integers are made of it later, so whatever could mean another number to somebody (an exponent, a sign, other
scripts' digits) is refused where it comes in.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import chain

from footloom.errors import SchemaChanged

__all__ = ("LONGEST", "check_levels", "check_number", "check_signed", "is_number", "is_zero", "step")

LONGEST = 40  # characters


def is_number(text: str) -> bool:
    """Say whether the text is a plain decimal number.

    Examples
    --------
    >>> [is_number(text) for text in ("92150.10", "0", "1e5", "-1", "", ".", "NaN")]
    [True, True, False, False, False, False, False]
    """
    return len(text) <= LONGEST and text.replace(".", "", 1).isdigit() and text.isascii()


def check_number(name: str, text: str, what: str = "a message") -> None:
    """Raise `SchemaChanged` where a field is no plain decimal number."""
    # A pattern in the schema of the message takes as long as the rest of its decoding.
    if not (text.replace(".", "", 1).isdigit() and text.isascii() and len(text) <= LONGEST):
        raise SchemaChanged(f"{what} that is not as documented ({name} is {text[:40]!r}, no decimal number)")


def check_signed(name: str, text: str) -> None:
    """Raise `SchemaChanged` where a field is no plain decimal number, with or without a minus."""
    check_number(name, text.removeprefix("-"))


def check_levels(levels: Sequence[tuple[str, str]]) -> None:
    """Raise `SchemaChanged` where a price or quantity of a book is no plain decimal number."""
    if not levels:
        return
    # All at once: a book has hundreds. Without its digits, what is left of a number is a point or nothing.
    text = ",".join(chain.from_iterable(levels))
    if text.isascii():
        listed = b",%b," % text.encode()
        rest = listed.translate(None, b"0123456789")
        plain = rest.count(b",") == 2 * len(levels) + 1 and not rest.strip(b",.") and b".." not in rest
        if plain and b",," not in listed and b",.," not in listed and max(map(len, listed.split(b","))) <= LONGEST:
            return
    for price, qty in levels:
        check_number("a price", price)
        check_number("a quantity", qty)


def is_zero(text: str) -> bool:
    """Say whether a plain decimal number is zero."""
    return text[0] in "0." and not text.strip("0.")


def step(text: str) -> Decimal | None:
    """Return a step of prices or quantities, None where the text is no number above zero.

    Examples
    --------
    >>> step("0.10"), step("0.000")
    (Decimal('0.1'), None)
    """
    if not is_number(text) or is_zero(text):
        return None
    return Decimal(text).normalize() if "." in text else Decimal(text)
