"""Continuous futures: which contract stands for the nearest, the second, ... at a time, and where that changes.

What is stored are contracts. A continuous future is a view of them: stretches of one contract each, and a `Roll` where
two meet. Prices are as they were traded: nothing is adjusted unless somebody asks, and a roll says what it would take.

A rule says when each contract stops being the nearest; the second, the third, ... change with it.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Literal

import msgspec

from footloom.core.decimals import parse_decimal
from footloom.core.instrument import Instrument
from footloom.errors import DataError

__all__ = (
    "Reading",
    "Roll",
    "RollRule",
    "Stretch",
    "by_expiry",
    "ends_by_date",
    "ends_by_interest",
    "rolls",
    "stretches",
)

_BEGIN, _END = -(2**62), 2**62

RollRule = Literal["date", "open_interest"]
Reading = tuple[int, int]  # ns UTC of a session's close, open interest then


class Roll(msgspec.Struct, frozen=True, kw_only=True):
    """From ``at_ns`` (ns UTC) on another contract stands for a continuous future.

    ``symbol`` is the continuous one (``NIFTY.FUT1``). ``rule`` is what made the nearest contract change then: the
    ``date`` of its expiry, or the next one's ``open_interest``. The prices are the last ones of both contracts before
    the roll, decimal text, "" where they are not known.
    """

    symbol: str
    at_ns: int
    from_symbol: str
    to_symbol: str
    rule: RollRule
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


def by_expiry(contracts: Sequence[Instrument]) -> list[Instrument]:
    """Return the futures of one underlying, the first to expire first.

    Raises
    ------
    DataError
        One of them has no day of expiry.
    """
    return sorted(contracts, key=_expiry)


def ends_by_date(ordered: Sequence[Instrument]) -> list[int]:
    """Return until when each contract is the nearest, ns UTC: the close of its day of expiry.

    Parameters
    ----------
    ordered
        Futures of one underlying, as `by_expiry` gives them.
    """
    return [_expiry(contract) for contract in ordered]


def ends_by_interest(ordered: Sequence[Instrument], readings: Mapping[str, Sequence[Reading]]) -> list[int]:
    """Return until when each contract is the nearest, ns UTC: until the next one has the greater open interest.

    It is decided at a session's close by what is known then, and holds from then on: never back, and at the day of
    expiry at the latest.

    Parameters
    ----------
    ordered
        Futures of one underlying, as `by_expiry` gives them.
    readings
        Open interest of each contract (by symbol) at the closes of sessions, oldest first, in one unit.
    """
    ends: list[int] = []
    since_ns = _BEGIN
    for old, new in itertools.pairwise(ordered):
        mine = dict(readings.get(old.symbol, ()))
        theirs = readings.get(new.symbol, ())
        ahead = (at for at, interest in theirs if at > since_ns and interest > mine.get(at, interest))
        since_ns = min(next(ahead, _END), _expiry(old))
        ends.append(since_ns)
    return ends + [_expiry(contract) for contract in ordered[-1:]]


def rolls(name: str, number: int, ordered: Sequence[Instrument], ends: Sequence[int]) -> list[Roll]:
    """Return where a continuous future passes from one contract to the next.

    Parameters
    ----------
    name
        The continuous symbol.
    number
        1 is the nearest contract, 2 the one after it.
    ordered, ends
        The contracts by expiry, and until when each is the nearest.
    """
    return [
        Roll(
            symbol=name,
            at_ns=at_ns,
            from_symbol=old.symbol,
            to_symbol=new.symbol,
            rule="date" if at_ns == nearest.expiry_ns else "open_interest",
        )
        for nearest, at_ns, old, new in zip(ordered, ends, ordered[number - 1 :], ordered[number:], strict=False)
    ]


def stretches(
    number: int, ordered: Sequence[Instrument], ends: Sequence[int], from_ns: int, to_ns: int
) -> list[Stretch]:
    """Return which contract stands for a continuous future in each part of ``[from_ns, to_ns)``.

    There is none from the time on at which fewer than ``number`` known contracts are left.
    """
    starts = [_BEGIN, *ends]
    spans = zip(ordered[number - 1 :], starts, ends, strict=False)
    cut = [(one.symbol, max(start, from_ns), min(end, to_ns)) for one, start, end in spans]
    return [Stretch(symbol=symbol, from_ns=start, to_ns=end) for symbol, start, end in cut if start < end]


def _expiry(contract: Instrument) -> int:
    if contract.expiry_ns is None:
        raise DataError(f"{contract.key} has no day of expiry: it is no contract of a continuous future")
    return contract.expiry_ns
