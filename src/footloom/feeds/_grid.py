"""Decimal text to ticks and lots, exactly and fast: the same few prices and quantities come again and again."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal

from footloom.core.decimals import parse_decimal, to_units
from footloom.core.instrument import Instrument
from footloom.errors import DataError, OffGrid

__all__ = ("Grid", "Units", "WholeUnits", "refined")

_KEPT = 65_536  # texts remembered
_GREATEST = 2**62
_MOST_PLACES = 12  # a price with more of them is a fault of the venue


class Units(dict[str, int]):
    """Texts as whole units, worked out once each: ``units[text]``.

    Raises
    ------
    OffGrid
        The text is no whole multiple of the unit.
    DataError
        It is no number, or too great for 64 bits.
    """

    def __init__(self, unit: Decimal, what: str) -> None:
        super().__init__()
        self._unit = unit
        self._what = what

    def __missing__(self, text: str) -> int:
        units = self._units(text)
        if abs(units) >= _GREATEST:
            raise DataError(f"{self._what} {text} is too great for a grid of {self._unit}")
        if len(self) >= _KEPT:
            self.clear()
        self[text] = units
        return units

    def _units(self, text: str) -> int:
        return to_units(text, self._unit, self._what)


class WholeUnits(Units):
    """Texts as whole units downward, at least one where there is anything: for what rests in books.

    Orders that are older than a change of the lot rest there with quantities that are no whole lots. ``cut`` counts
    the texts that were.
    """

    cut = 0

    def _units(self, text: str) -> int:
        try:
            return super()._units(text)
        except OffGrid:
            self.cut += 1
            return max(1, int(parse_decimal(text) // self._unit))


def refined(instrument: Instrument, prices: Iterable[str], quantities: Iterable[str]) -> Instrument:
    """Return an instrument on the coarsest grid that its own one and all these numbers stand on; no number, no word.

    Examples
    --------
    >>> coarse = Instrument(venue="v", symbol="ABC", tick_size=Decimal("0.1"), lot_size=Decimal("0.01"))
    >>> refined(coarse, ["10.25"], ["0.005", "?"]).tick_size
    Decimal('0.05')
    """
    return instrument.with_grid(_common(instrument.tick_size, prices), _common(instrument.lot_size, quantities))


def _common(unit: Decimal, texts: Iterable[str]) -> Decimal:
    for text in texts:
        try:
            value = parse_decimal(text)
        except DataError:
            continue
        places = max(-int(one.as_tuple().exponent) for one in (unit, value))
        whole = math.gcd(*(int(one.scaleb(places)) for one in (unit, value)))
        if places <= _MOST_PLACES and whole:
            unit = Decimal(whole).scaleb(-places)
    return unit


class Grid:
    """The steps of one instrument: ``ticks[price]`` and ``lots[quantity]`` of decimal text, ``resting`` of books."""

    __slots__ = ("instrument", "lots", "resting", "ticks")

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.ticks = Units(instrument.tick_size, "price")
        self.lots = Units(instrument.lot_size, "quantity")
        self.resting = WholeUnits(instrument.lot_size, "quantity")
