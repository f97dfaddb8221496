"""Continuous futures: which contract stands for the nearest, the second, ... at a time, and where that changes.

What is stored are contracts. A continuous future is a view of them: stretches of one contract each, and a `Roll` where
two meet. Prices are as they were traded: nothing is adjusted unless somebody asks, and a roll says what it would take.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from footloom.core.decimals import parse_decimal
from footloom.core.instrument import Instrument
from footloom.errors import DataError

__all__ = ("Roll", "Stretch", "rolls_by_date", "rolls_by_interest", "stretches")

_BEGIN, _END = -(2**62), 2**62

Reading = tuple[int, int]  # ns UTC of a session's close, open interest then


class Roll(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """From ``at_ns`` on another contract stands for a continuous future.

    ``symbol`` is the continuous one (``NIFTY.FUT1``), ``rule`` is ``date`` or ``open_interest``. The prices are the
    last ones of both contracts at the roll, decimal text, "" where they are not known.
    """

    symbol: str
    at_ns: int
    from_symbol: str
    to_symbol: str
    rule: str
    from_price: str = ""
    to_price: str = ""

    @property
    def gap(self) -> Decimal | None:
        """How far the new contract stands above the old one: what a back-adjustment adds to all before."""
        if not (self.from_price and self.to_price):
            return None
        return parse_decimal(self.to_price) - parse_decimal(self.from_price)


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """A contract and the time in which it stands for a continuous future, ``[from_ns, to_ns)``."""

    symbol: str
    from_ns: int
    to_ns: int


def rolls_by_date(name: str, number: int, contracts: Sequence[Instrument]) -> list[Roll]:
    """Return the rolls at the close of each day of expiry.

    Parameters
    ----------
    name
        The continuous symbol, for the rolls.
    number
        1 is the nearest contract that has not expired, 2 the one after it.
    contracts
        Futures of one underlying, in any order.
    """
    ordered = _ordered(contracts)
    pairs = zip(ordered[:-number], ordered[number - 1 :], ordered[number:], strict=False)
    return [
        Roll(symbol=name, at_ns=_expiry(gone), from_symbol=old.symbol, to_symbol=new.symbol, rule="date")
        for gone, old, new in pairs
    ]


def rolls_by_interest(
    name: str, contracts: Sequence[Instrument], readings: Mapping[str, Sequence[Reading]]
) -> list[Roll]:
    """Return the rolls of the nearest contract to the next, once the next has the greater open interest.

    It is decided at a session's close by what is known then, and holds from then on: never back, and at the day of
    expiry at the latest.

    Parameters
    ----------
    readings
        Open interest of each contract (by symbol) at the closes of sessions, oldest first.
    """
    ordered = _ordered(contracts)
    found: list[Roll] = []
    since_ns = _BEGIN
    for old, new in itertools.pairwise(ordered):
        mine = dict(readings.get(old.symbol, ()))
        ahead = (
            at for at, interest in readings.get(new.symbol, ()) if at > since_ns and interest > mine.get(at, interest)
        )
        at_ns = min(next(ahead, _END), _expiry(old))
        rule = "date" if at_ns == _expiry(old) else "open_interest"
        found.append(Roll(symbol=name, at_ns=at_ns, from_symbol=old.symbol, to_symbol=new.symbol, rule=rule))
        since_ns = at_ns
    return found


def stretches(rolls: Sequence[Roll], from_ns: int, to_ns: int) -> list[Stretch]:
    """Return which contract stands for a continuous future in each part of ``[from_ns, to_ns)``.

    Raises
    ------
    DataError
        The rolls do not follow each other.
    """
    found: list[Stretch] = []
    start_ns = _BEGIN
    for i, roll in enumerate(rolls):
        if i and (rolls[i - 1].to_symbol != roll.from_symbol or rolls[i - 1].at_ns > roll.at_ns):
            raise DataError(
                f"the rolls of {roll.symbol} do not follow each other: one to {rolls[i - 1].to_symbol} at "
                f"{rolls[i - 1].at_ns} ns, the next from {roll.from_symbol} at {roll.at_ns} ns"
            )
        found.append(Stretch(symbol=roll.from_symbol, from_ns=start_ns, to_ns=roll.at_ns))
        start_ns = roll.at_ns
    if rolls:
        found.append(Stretch(symbol=rolls[-1].to_symbol, from_ns=start_ns, to_ns=_END))
    cut = [(one.symbol, max(one.from_ns, from_ns), min(one.to_ns, to_ns)) for one in found]
    return [Stretch(symbol=symbol, from_ns=start, to_ns=end) for symbol, start, end in cut if start < end]


def _ordered(contracts: Sequence[Instrument]) -> list[Instrument]:
    return sorted(contracts, key=_expiry)


def _expiry(contract: Instrument) -> int:
    if contract.expiry_ns is None:
        raise DataError(f"{contract.key} has no day of expiry: it is no contract of a continuous future")
    return contract.expiry_ns
