"""Which options to listen to while the price moves: ``atm±10`` is ten strikes on each side of the money."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from footloom.core.decimals import parse_decimal
from footloom.core.instrument import Instrument
from footloom.errors import ConfigError
from footloom.venues._india_names import Chain

__all__ = ("Around", "Following", "parse_options")

_RULE = re.compile(r"ATM(?:±|\+-|\+/-)?(\d{1,3})(?:\.([WM][1-9]))?", re.IGNORECASE)


class Around(NamedTuple):
    """The strike that stands for the money, and the symbols of calls and puts around it."""

    centre: Decimal
    symbols: tuple[str, ...]


class Following(NamedTuple):
    """So many strikes on each side of the money, of one series of expiries (``W1``: the nearest)."""

    strikes: int
    series: str = "W1"

    def around(
        self,
        underlying: str,
        instruments: Sequence[Instrument],
        at_ns: int,
        spot: str | Decimal,
        centre: Decimal | None = None,
    ) -> Around:
        """Return what to listen to at ``at_ns``.

        Parameters
        ----------
        spot
            Price of the underlying.
        centre
            What stood for the money before: it is held until the price has reached the next strike.

        Raises
        ------
        UnknownSymbol
            The broker lists no such options.
        """
        chain = Chain.of(underlying, self.series, instruments, at_ns)
        money = chain.follow(parse_decimal(spot), centre)
        return Around(money, tuple(chain.around(money, self.strikes)))


def parse_options(text: str) -> Following:
    """Return what a rule such as ``atm±10`` or ``atm±5.M1`` says.

    Raises
    ------
    ConfigError
        It is no such rule.

    Examples
    --------
    >>> parse_options("atm±10")
    Following(strikes=10, series='W1')
    """
    match = _RULE.fullmatch("".join(text.split()))
    if match is None:
        raise ConfigError(f"{text!r} says not which options to follow: write atm±10, or atm±5.M1 for the month's")
    return Following(int(match[1]), (match[2] or "W1").upper())
