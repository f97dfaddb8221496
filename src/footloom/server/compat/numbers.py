"""JSON numbers that print exactly the decimals, and prices rounded to a step in whole numbers (definitions 2.2)."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec
import numpy as np

from footloom.core.decimals import parse_decimal
from footloom.core.trades import I64
from footloom.errors import ConfigError, DataError

__all__ = ("JsonNumbers", "Steps", "Ties", "parse_step")

Ties = Literal["even", "up"]
_INT64_MAX = 2**63 - 1
_MOST_DIGITS = 18


class JsonNumbers:
    """Whole counts of a decimal unit as JSON numbers, such as ``12.5``: never a binary float's text.

    A number has at least one decimal and no zeros behind, as Python prints floats.

    Examples
    --------
    >>> JsonNumbers(Decimal("0.001")).text(12500)
    '12.5'
    >>> JsonNumbers(Decimal("0.5")).text(85000)
    '42500.0'
    """

    def __init__(self, unit: Decimal) -> None:
        _, digits, exponent = unit.as_tuple()
        self._times = int("".join(map(str, digits))) * 10 ** max(0, int(exponent))
        self._places = max(0, -int(exponent))

    def text(self, count: int) -> str:
        """Return ``count`` units."""
        whole = count * self._times
        head, tail = divmod(abs(whole), 10**self._places)
        decimals = f"{tail:0{self._places}d}".rstrip("0") if self._places else ""
        return f"{'-' if whole < 0 else ''}{head}.{decimals or '0'}"

    def raw(self, count: int) -> msgspec.Raw:
        """Return the same for a message."""
        return msgspec.Raw(self.text(count))


def parse_step(text: str, name: str) -> Decimal:
    """Return a price step.

    Raises
    ------
    ConfigError
        It is no decimal number above zero, or has more than 18 digits; ``name`` is how the client calls it.
    """
    try:
        step = parse_decimal(text.strip())
    except DataError:
        step = Decimal(0)
    if step <= 0:
        raise ConfigError(f"{name} {text[:40]!r} is no price step: write a decimal number above zero, such as 0.5")
    if len(step.as_tuple().digits) > _MOST_DIGITS or abs(int(step.as_tuple().exponent)) > _MOST_DIGITS:
        raise ConfigError(f"{name} {text[:40]!r} has too many digits: at most {_MOST_DIGITS}")
    return step


class Steps:
    """Prices of one grid rounded to the nearest multiple of a step, exactly.

    A price halfway between two multiples goes to the even one (``ties="even"``, as Python's ``round`` does), or to the
    upper one (``"up"``). The step need not be a whole number of ticks.
    """

    def __init__(self, tick_size: Decimal, step: Decimal, ties: Ties = "even") -> None:
        tick_top, tick_bottom = tick_size.as_integer_ratio()
        step_top, step_bottom = step.as_integer_ratio()
        top, bottom = tick_top * step_bottom, tick_bottom * step_top
        common = np.gcd.reduce(np.array([top, bottom], object))
        self._top, self._bottom = int(top // common), int(bottom // common)
        self._ties = ties
        self.step = step
        self.numbers = JsonNumbers(step)

    def nearest(self, price_tick: I64) -> I64:
        """Return the multiples of the step nearest to prices in ticks; int64, in the order of the prices.

        Raises
        ------
        ConfigError
            The numbers would not fit 64 bits: the step is too fine for these prices.
        """
        if not len(price_tick):
            return price_tick
        largest = max(abs(int(price_tick.max())), abs(int(price_tick.min())))
        if 2 * (largest * self._top + self._bottom) > _INT64_MAX:
            raise ConfigError(f"the step {self.step} is too fine for these prices: choose a coarser one")
        doubled = 2 * self._top * price_tick + self._bottom
        upper, left = np.divmod(doubled, 2 * self._bottom)
        return upper - ((left == 0) & (upper % 2 == 1)) if self._ties == "even" else upper
