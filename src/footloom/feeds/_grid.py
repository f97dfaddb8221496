"""Decimal text to ticks and lots, exactly and fast: the same few prices and quantities come again and again."""

from __future__ import annotations

from decimal import Decimal

from footloom.core.decimals import parse_decimal, to_units
from footloom.core.instrument import Instrument
from footloom.errors import DataError, OffGrid

__all__ = ("Grid", "Units", "WholeUnits")

_KEPT = 65_536  # texts remembered
_GREATEST = 2**62


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


class Grid:
    """The steps of one instrument: ``ticks[price]`` and ``lots[quantity]`` of decimal text, ``resting`` of books."""

    __slots__ = ("instrument", "lots", "resting", "ticks")

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.ticks = Units(instrument.tick_size, "price")
        self.lots = Units(instrument.lot_size, "quantity")
        self.resting = WholeUnits(instrument.lot_size, "quantity")
