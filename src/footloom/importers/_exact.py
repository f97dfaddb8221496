"""Numbers of files that are taken apart row by row, as whole units, and what is wrong with some."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from footloom.core.decimals import parse_decimal
from footloom.errors import DataError
from footloom.importers._csv_rules import Grid
from footloom.importers._csv_words import shown
from footloom.importers._rows import Dropped
from footloom.typed import from_json

__all__ = ("Refused", "Units", "count_refused", "number", "units_of")

_MOST_KNOWN = 65_536  # texts and their numbers kept: prices come again and again
_MOST_DIGITS = 20  # those of 64 bits, and one more; Decimal computes with 28
_MOST_EXPONENT = 999  # a text of ten bytes can name a number of a gigabyte


class Refused(Exception):
    """A row or message that cannot be taken, or that is none (``defect`` False)."""

    def __init__(self, reason: str, detail: str, *, defect: bool = True) -> None:
        super().__init__(detail)
        self.reason, self.detail, self.defect = reason, detail, defect


@dataclass(slots=True)
class Units:
    """Decimal text to whole units of one kind; the same few thousand texts come again and again.

    With ``places`` below 0 it gives the decimals that a text needs, for `SCAN`.
    """

    places: int
    unit: int
    what: str
    known: dict[bytes, int] = field(default_factory=dict)

    def of(self, text: bytes | msgspec.Raw) -> int:
        """Return a number in whole units; `Refused` where it is none, or off the grid."""
        raw = bytes(text)
        found = self.known.get(raw)
        if found is None:
            if len(self.known) >= _MOST_KNOWN:  # cumulative counts never come again
                self.known.clear()
            found = self.known[raw] = self._convert(raw)
        return found

    def _convert(self, raw: bytes) -> int:
        value = number(raw)
        if value is None or not value.is_finite():
            raise Refused(f"{self.what} is no number", f"{self.what} is {shown(raw)}: no decimal number")
        if value < 0:
            raise Refused("number below zero", f"{self.what} is {value}: below zero")
        if value.adjusted() >= _MOST_DIGITS or _digits(value) > _MOST_DIGITS:
            raise Refused("number too large", f"{self.what} is {shown(raw)}: does not fit 64 bits")
        if self.places < 0:  # scanning: how many decimals it needs
            return max(0, -int(value.normalize().as_tuple().exponent))
        scaled = value.scaleb(self.places)
        count, left = divmod(int(scaled), self.unit)
        left = left or scaled != int(scaled)
        if left or count >= 2**62:
            step = f"{Decimal(self.unit).scaleb(-self.places):f}"
            raise Refused(f"{self.what} off the grid", f"{self.what} is {value}: no whole multiple of {step}")
        return int(count)


def _digits(value: Decimal) -> int:
    return len("".join(map(str, value.as_tuple().digits)).rstrip("0"))


def units_of(grid: Grid) -> tuple[Units, Units]:
    """Return the converters of prices and of quantities."""
    return Units(grid.price_places, grid.price_unit, "price"), Units(grid.qty_places, grid.qty_unit, "quantity")


def number(raw: bytes | msgspec.Raw) -> Decimal | None:
    """Return a number, given as JSON number, string or ``{"$number..": ".."}``; None for nothing, null, and no number.

    Examples
    --------
    >>> number(b'"75"'), number(b"0.05"), number(b'{"$numberLong": "75"}'), number(b'"x"')
    (Decimal('75'), Decimal('0.05'), Decimal('75'), None)
    """
    return _number(bytes(raw))


@functools.lru_cache(maxsize=65_536)
def _number(raw: bytes) -> Decimal | None:
    text = raw.strip()
    try:
        if text.startswith(b"{"):
            (inner,) = from_json(text, dict[str, msgspec.Raw]).values()
            text = bytes(inner)
        value = parse_decimal(text.strip(b'"').decode("ascii")) if text else None
    except (DataError, ValueError, msgspec.DecodeError):
        return None
    return None if value is not None and abs(value.adjusted()) > _MOST_EXPONENT else value


def count_refused(counts: dict[str, Dropped], refused: Refused, line: int, text: bytes, where: str) -> None:
    """Count one more; the first of a reason is the example, ``where`` stands before what is wrong with it."""
    if refused.reason in counts:
        known = counts[refused.reason]
        counts[refused.reason] = dataclasses.replace(known, count=known.count + 1)
    else:
        detail = f"{where}: {refused.detail}" if where else refused.detail
        counts[refused.reason] = Dropped(refused.reason, 1, line, shown(text), detail, refused.defect)
