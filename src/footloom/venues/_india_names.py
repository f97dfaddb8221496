"""Names of Indian instruments as people say them, and the broker's own symbol that one means at a time.

``NIFTY``
    The index, or the share.
``NIFTY.FUT1``
    The continuous future: the nearest contract, ``FUT2`` the one after it; it rolls at the close of the day of expiry.
``NIFTY.ATM+2.CE.W1``
    Two strikes above the one nearest to the spot price, a call, nearest expiry (``W2`` the next, ``M1`` the nearest
    that is the last of its month).
``NIFTY 09DEC25 26000 CE``, ``NIFTY 30DEC25 FUT``
    One contract.
``NSE_FO|45450``
    The broker's own symbol. What the broker calls a contract (``NIFTY 26000 CE 09 DEC 25``) is understood too.
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from footloom.core.decimals import parse_decimal
from footloom.core.instrument import Instrument
from footloom.errors import ConfigError, UnknownSymbol
from footloom.venues._india_master import local_date

__all__ = (
    "CONTINUOUS",
    "Atm",
    "Chain",
    "Continuous",
    "Contract",
    "Exact",
    "Plain",
    "exchange_rank",
    "futures",
    "futures_of",
    "parse_name",
    "resolve",
    "spot_of",
    "underlying_of",
)

CONTINUOUS: Final = r"(?P<underlying>[^.|:@]+)\.FUT(?P<number>[1-9])"
_CONTINUOUS = re.compile(CONTINUOUS)
_ATM = re.compile(r"(?P<underlying>[^.|]+)\.ATM(?P<offset>[+-]\d{1,3})?\.(?P<option>CE|PE)\.(?P<series>[WM][1-9])")
_CONTRACT = re.compile(
    r"(?P<underlying>[^.|]+?) (?P<day>\d{1,2}[A-Z]{3}(?:\d{2}|\d{4})) "
    r"(?:(?P<strike>\d+(?:\.\d+)?) (?P<option>CE|PE)|FUT)"
)
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"), 1
    )
}
_EXCHANGES = ("NSE", "NFO", "BSE", "BFO", "MCX")  # where two list the same name, the first of these
_SHOWN = 8
_FORMS = "NIFTY, NIFTY.FUT1, NIFTY.ATM+2.CE.W1, NIFTY 09DEC25 26000 CE, or the broker's own symbol such as NSE_FO|45450"


class Exact(NamedTuple):
    """The broker's own symbol."""

    symbol: str


class Plain(NamedTuple):
    """An index or a share, or what the broker calls a contract."""

    name: str


class Continuous(NamedTuple):
    """The nearest future (1), or one after it."""

    underlying: str
    number: int


class Atm(NamedTuple):
    """An option by its distance from the spot price, in strikes."""

    underlying: str
    offset: int
    option: str
    series: str  # W1, M1


class Contract(NamedTuple):
    """One future (no strike) or option."""

    underlying: str
    day: dt.date
    strike: Decimal | None
    option: str


Name = Exact | Plain | Continuous | Atm | Contract


def parse_name(text: str) -> Name:
    """Return what a name says.

    Raises
    ------
    ConfigError
        It is none of the forms, or names a day that is not in the calendar.

    Examples
    --------
    >>> parse_name("NIFTY.ATM-1.PE.M1")
    Atm(underlying='NIFTY', offset=-1, option='PE', series='M1')
    """
    bare = " ".join(text.split())
    if "|" in bare:
        return Exact(bare)
    upper = bare.upper()
    if match := _CONTINUOUS.fullmatch(upper):
        return Continuous(match["underlying"].strip(), int(match["number"]))
    if match := _ATM.fullmatch(upper):
        return Atm(match["underlying"].strip(), int(match["offset"] or 0), match["option"], match["series"])
    if match := _CONTRACT.fullmatch(upper):
        strike = parse_decimal(match["strike"]) if match["strike"] else None
        return Contract(match["underlying"], _day(match["day"], bare), strike, match["option"] or "")
    if not bare or re.search(r"\.(FUT|ATM)", upper):
        raise ConfigError(f"{text!r} is no name of an instrument: write {_FORMS}")
    return Plain(bare)


def resolve(name: str, instruments: Sequence[Instrument], at_ns: int, spot: str | Decimal | None = None) -> str:
    """Return the broker's symbol that a name means at ``at_ns``.

    Parameters
    ----------
    instruments
        The broker's instruments, as its file of the day lists them.
    spot
        Price of the underlying, for names with ``ATM``.

    Raises
    ------
    ConfigError
        The name has no known form, or needs a spot price and there is none.
    UnknownSymbol
        The broker lists nothing of that name; the message says what it lists.
    """
    said = parse_name(name)
    if isinstance(said, Exact):
        return _exact(said, instruments)
    if isinstance(said, Plain):
        return _plain(said, instruments)
    if isinstance(said, Continuous):
        alive = futures(said.underlying, instruments, at_ns)
        if len(alive) < said.number:
            raise UnknownSymbol(f"{name}: only {len(alive)} futures of {said.underlying} are listed: {_days(alive)}")
        return alive[said.number - 1].symbol
    if isinstance(said, Contract):
        return _contract(said, name, instruments)
    if spot is None:
        raise ConfigError(f"{name} follows the price of {said.underlying}: it needs that price, and there is none yet")
    chain = Chain.of(said.underlying, said.series, instruments, at_ns)
    return chain.at(chain.nearest(parse_decimal(spot)) + said.offset, said.option, name).symbol


def spot_of(name: str, instruments: Sequence[Instrument]) -> str | None:
    """Return the symbol whose price a name needs to be resolved, None where it needs none."""
    said = parse_name(name)
    return _plain(Plain(said.underlying), instruments) if isinstance(said, Atm) else None


def underlying_of(name: str, instruments: Sequence[Instrument]) -> str:
    """Return what a name stands on: ``NIFTY`` of ``NIFTY.FUT1``, of the future's own symbol, and of the index.

    Raises
    ------
    ConfigError
        The name has no known form.
    UnknownSymbol
        The broker lists nothing of that name.
    """
    said = parse_name(name)
    if not isinstance(said, Exact | Plain):
        return said.underlying
    symbol = resolve(name, instruments, 0)
    found = next((one for one in instruments if one.symbol == symbol), None)
    if found is None:
        raise UnknownSymbol(f"the broker lists no {name}")
    return found.underlying or found.name


def futures_of(name: str, instruments: Sequence[Instrument], at_ns: int) -> list[Instrument]:
    """Return the futures of what a name stands on that have not expired at ``at_ns``, nearest first; none is none."""
    try:
        return futures(underlying_of(name, instruments), instruments, at_ns)
    except UnknownSymbol:
        return []


def futures(underlying: str, instruments: Sequence[Instrument], at_ns: int) -> list[Instrument]:
    """Return the futures of an underlying that have not expired at ``at_ns``, nearest first.

    Raises
    ------
    UnknownSymbol
        There are none.
    """
    return _alive(_derivatives(underlying, "future", instruments), underlying, at_ns)


class Chain(NamedTuple):
    """The options of one underlying and one expiry."""

    strikes: tuple[Decimal, ...]
    calls: dict[Decimal, Instrument]
    puts: dict[Decimal, Instrument]

    @classmethod
    def of(cls, underlying: str, series: str, instruments: Sequence[Instrument], at_ns: int) -> Chain:
        """Return the chain of a series (``W1``, ``M1``) as it stands at ``at_ns``.

        Raises
        ------
        UnknownSymbol
            There is no such expiry.
        """
        options = _alive(_derivatives(underlying, "option", instruments), underlying, at_ns)
        ends = sorted({one.expiry_ns for one in options if one.expiry_ns is not None})
        if series[0] == "M":
            last = {(day.year, day.month): end for end in ends for day in (local_date(end),)}
            ends = sorted(last.values())
        number = int(series[1:])
        if number > len(ends):
            raise UnknownSymbol(
                f"{underlying} has {len(ends)} expiries of kind {series[0]}, not {number}: {_days(options)}"
            )
        chosen = [one for one in options if one.expiry_ns == ends[number - 1] and one.strike is not None]
        calls = {one.strike: one for one in chosen if one.option == "CE" and one.strike is not None}
        puts = {one.strike: one for one in chosen if one.option == "PE" and one.strike is not None}
        return cls(tuple(sorted({*calls, *puts})), calls, puts)

    def nearest(self, spot: Decimal) -> int:
        """Return the place of the strike nearest to a price; of two as near, the lower."""
        return min(range(len(self.strikes)), key=lambda i: (abs(self.strikes[i] - spot), i))

    def follow(self, spot: Decimal, centre: Decimal | None = None) -> Decimal:
        """Return the strike that stands for the money, after ``centre`` stood for it.

        The nearest strike changes half a strike away from the centre. It is held for another half: it moves once the
        price has reached the next strike.
        """
        if centre not in self.strikes:
            return self.strikes[self.nearest(spot)]
        i = self.strikes.index(centre)
        below = self.strikes[i - 1] if i else None
        above = self.strikes[i + 1] if i + 1 < len(self.strikes) else None
        moved = (below is not None and spot <= below) or (above is not None and spot >= above)
        return self.strikes[self.nearest(spot)] if moved else centre

    def around(self, centre: Decimal, count: int) -> list[str]:
        """Return the symbols of calls and puts from ``count`` strikes below a strike to as many above it."""
        i = self.strikes.index(centre)
        chosen = self.strikes[max(0, i - count) : i + count + 1]
        return [side[strike].symbol for strike in chosen for side in (self.calls, self.puts) if strike in side]

    def at(self, place: int, option: str, name: str) -> Instrument:
        """Return the option at a place of the strikes.

        Raises
        ------
        UnknownSymbol
            The strikes do not reach so far.
        """
        side = self.calls if option == "CE" else self.puts
        if not 0 <= place < len(self.strikes) or self.strikes[place] not in side:
            raise UnknownSymbol(
                f"{name}: {len(self.strikes)} strikes are listed, from {self.strikes[0]:f} to {self.strikes[-1]:f}, "
                "and that one is not among them"
            )
        return side[self.strikes[place]]


def _exact(said: Exact, instruments: Sequence[Instrument]) -> str:
    if not instruments or any(one.symbol == said.symbol for one in instruments):
        return said.symbol
    segment, _, token = said.symbol.partition("|")
    segments = sorted({one.symbol.partition("|")[0] for one in instruments})
    if segment in segments and token.isdigit():  # tokens that look alike are contracts that are not
        raise UnknownSymbol(f"the broker lists no {said.symbol}: an expired contract is not listed any more")
    near = difflib.get_close_matches(said.symbol, _spread(one.symbol for one in instruments), n=3)
    known = f"; near it are {', '.join(near)}" if near else f"; its segments are {', '.join(segments)}"
    raise UnknownSymbol(f"the broker lists no {said.symbol}{known}")


def _plain(said: Plain, instruments: Sequence[Instrument]) -> str:
    wanted = said.name.upper()
    found = [one for one in instruments if wanted in _called(one)]
    if not found:
        near = difflib.get_close_matches(wanted, {word for one in instruments for word in _called(one)}, n=3)
        known = f"; did you mean {' or '.join(near)}?" if near else f": write {_FORMS}"
        raise UnknownSymbol(f"the broker lists no {said.name}{known}")
    return min(found, key=lambda one: (one.kind != "index", exchange_rank(one), one.symbol)).symbol


def _called(one: Instrument) -> set[str]:
    # What an index or a share is called; a derivative has its whole name only.
    words = {one.name.upper()}
    if one.kind in {"index", "spot"}:
        words |= {one.name.upper().removesuffix("-EQ"), one.underlying.upper(), one.symbol.partition("|")[2].upper()}
    return words - {""}


def _contract(said: Contract, name: str, instruments: Sequence[Instrument]) -> str:
    kind = "future" if said.strike is None else "option"
    listed = _derivatives(said.underlying, kind, instruments)
    same_day = [one for one in listed if one.expiry_ns is not None and local_date(one.expiry_ns) == said.day]
    if not same_day:
        raise UnknownSymbol(
            f"{name}: no {kind} of {said.underlying} expires on {said.day:%d %b %Y}; listed are {_days(listed)}"
        )
    for one in same_day:
        if one.strike == said.strike and one.option == said.option:
            return one.symbol
    strikes = sorted(
        {one.strike for one in same_day if one.strike is not None}, key=lambda one: abs(one - (said.strike or 0))
    )
    shown = ", ".join(f"{one:f}" for one in sorted(strikes[:_SHOWN]))
    raise UnknownSymbol(f"{name}: there is no such strike on {said.day:%d %b %Y}; the nearest are {shown}")


def _derivatives(underlying: str, kind: str, instruments: Sequence[Instrument]) -> list[Instrument]:
    wanted = underlying.upper()
    found = [one for one in instruments if one.kind == kind and one.underlying.upper() == wanted]
    if not found:
        names = {one.underlying.upper() for one in instruments if one.kind == kind}
        near = difflib.get_close_matches(wanted, names, n=3)
        known = f"; did you mean {' or '.join(near)}?" if near else f"; {len(names)} underlyings have {kind}s"
        raise UnknownSymbol(f"the broker lists no {kind}s of {underlying}{known}")
    first = min(exchange_rank(one) for one in found)
    return [one for one in found if exchange_rank(one) == first]


def _alive(listed: list[Instrument], underlying: str, at_ns: int) -> list[Instrument]:
    alive = [one for one in listed if one.expiry_ns is not None and one.expiry_ns > at_ns]
    if not alive:
        raise UnknownSymbol(
            f"all contracts of {underlying} that are listed have expired ({_days(listed)}): the file is old"
        )
    return sorted(alive, key=lambda one: (one.expiry_ns or 0, one.symbol))


def exchange_rank(one: Instrument) -> int:
    """Return the place of an instrument's exchange: where two list the same name, the lower one is meant."""
    segment = one.symbol.partition("|")[0]
    return next((i for i, name in enumerate(_EXCHANGES) if segment.startswith(name)), len(_EXCHANGES))


def _days(listed: Sequence[Instrument]) -> str:
    days = sorted({local_date(one.expiry_ns) for one in listed if one.expiry_ns is not None})
    more = " ..." if len(days) > _SHOWN else ""
    return ", ".join(f"{day:%d%b%y}".upper() for day in days[:_SHOWN]) + more


def _day(text: str, name: str) -> dt.date:
    match = re.fullmatch(r"(\d{1,2})([A-Z]{3})(\d+)", text)
    assert match is not None
    year = int(match[3]) + (2000 if len(match[3]) == 2 else 0)
    try:
        return dt.date(year, _MONTHS[match[2]], int(match[1]))
    except (KeyError, ValueError):
        raise ConfigError(f"{text} in {name!r} is no day: write it as 09DEC25") from None


def _spread(symbols: Iterable[str], most: int = 20_000) -> list[str]:
    # A comparison with every symbol of a broker takes a second: some of them are enough for a hint.
    every = list(symbols)
    return every[:: max(1, len(every) // most)]
