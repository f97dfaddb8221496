"""Options that follow the money: as the price of an underlying moves, the strikes around it are listened to as well.

A strike that was listened to in a session goes on until that session ends: what came near the money has no hole when
the price comes back. Between sessions only those around the money stay.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.sessions import calendar
from footloom.errors import ConfigError, DataError, FootloomError, UnknownSymbol
from footloom.feeds._instruments import Definitions
from footloom.feeds._stock import Stock
from footloom.venues._venue import Wanted

__all__ = ("Money",)

_LOG = logging.getLogger(__name__)

_LOOK_S = 1.0
_ASK_NS = 30 * 10**9  # a price that comes over REST is asked for so often


@dataclass(slots=True)
class _Chase:
    # The options of one underlying.
    wanted: Wanted
    rule: Any  # the venue's: how many strikes, of which series
    underlying: str
    index: str  # whose price is the money
    options: list[Instrument]
    listed: int  # how many instruments there were when ``options`` were chosen
    centre: Decimal | None = None
    around: tuple[str, ...] = ()
    held: dict[str, None] = field(default_factory=dict)
    was_open: bool = False
    asked_ns: int | None = None
    asked: Decimal | None = None  # the price as REST had it
    before_of: dt.date | None = None  # the session of which ``before`` is the baseline
    before: dict[str, str] = field(default_factory=dict)  # open interest at the previous close
    told: set[str] = field(default_factory=set)  # the options whose chain has it
    before_ns: int | None = None  # when it was asked for


class Money:
    """Keeps the options of one venue's underlyings around the money.

    Parameters
    ----------
    stock
        The venue and its symbols.
    definitions
        What it lists.
    ask, drop
        How a symbol is listened to, and given up.
    """

    def __init__(
        self, stock: Stock, definitions: Definitions, ask: Callable[[Wanted], object], drop: Callable[[str], None]
    ) -> None:
        self._stock = stock
        self._definitions = definitions
        self._ask = ask
        self._drop = drop
        self._chases: dict[str, _Chase] = {}
        self._told: dict[str, str] = {}

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            wanted = {name: one for name in self._stock.asks.names if (one := self._stock.asks.named(name)).options}
            for name in self._chases.keys() - wanted.keys():
                self._end(name)
            for name, one in wanted.items():
                try:
                    await self._follow(name, one)
                except FootloomError as error:
                    self._tell(name, f"the options of {self._stock.name}:{name} are not followed: {error}")
                else:
                    self._told.pop(name, None)
            await self._stock.yard.clock.sleep(_LOOK_S)

    def _tell(self, name: str, text: str) -> None:
        if self._told.get(name) != text:
            self._told[name] = text
            _LOG.error("%s", text)

    def trouble(self, symbol: str) -> str:
        """Return why the options of a symbol are not followed, "" where they are."""
        meant = self._stock.asks.meanings
        return next((text for name, text in self._told.items() if symbol in {name, meant.get(name)}), "")

    def _end(self, name: str) -> None:
        chase = self._chases.pop(name)
        for symbol in (*chase.held, chase.index):
            self._drop(symbol)

    async def _follow(self, name: str, wanted: Wanted) -> None:
        chase = self._chases.get(name) or await self._begin(name, wanted)
        now_ns = self._stock.yard.receipts.now_ns()
        price = await self._price(chase, now_ns)
        if price is None:
            raise UnknownSymbol(f"{chase.index} has no price yet")
        listed = await self._definitions.listed()
        if len(listed) != chase.listed:
            chase.options, chase.listed = _options(chase.underlying, listed), len(listed)
        found = chase.rule.around(chase.underlying, chase.options, now_ns, price, chase.centre)
        if found.symbols != chase.around:
            self._move(chase, found.centre, found.symbols)
        is_open = self._is_open(chase, now_ns)
        if chase.was_open and not is_open:
            self._let_go(chase)
        chase.was_open = is_open
        if is_open:
            await self._look_back(name, chase, now_ns)

    # Once a session, while it is open: before it, a venue may still tell the close before the last. That it is not
    # known is no reason to follow nothing.
    async def _look_back(self, name: str, chase: _Chase, now_ns: int) -> None:
        ends = {one.expiry_ns: one.calendar for one in chase.options if one.symbol in chase.held and one.expiry_ns}
        if not ends:
            return
        market = calendar(next(iter(ends.values())))
        day = market.session_date(now_ns)
        if chase.before_of != day and (chase.before_ns is None or now_ns - chase.before_ns > _ASK_NS):
            chase.before_ns = now_ns
            try:
                found = await self._asked_before(chase.index, sorted({market.local_date(end) for end in ends}))
            except FootloomError as error:
                self._tell(
                    f"{name} before", f"what was open of {chase.underlying} the day before is not known: {error}"
                )
                return
            self._told.pop(f"{name} before", None)
            chase.before_of, chase.before, chase.told = day, found, set()
        self._tell_before(chase, now_ns)

    async def _asked_before(self, index: str, days: list[dt.date]) -> dict[str, str]:
        found: dict[str, str] = {}
        for day in days:
            found |= await self._definitions.previous_interest(index, day.isoformat(), self._stock.fleet.credentials)
        return found

    # An option that joins later is told it then.
    def _tell_before(self, chase: _Chase, now_ns: int) -> None:
        for symbol in chase.held.keys() - chase.told:
            known, units = self._stock.symbols.get(symbol), chase.before.get(symbol)
            if known is None or known.side.chain is None:
                continue
            chase.told.add(symbol)
            if units is not None:
                try:
                    known.side.chain.stood(units, now_ns)
                except (DataError, ValueError) as error:
                    _LOG.error("%s: what was open the day before is left out: %s", symbol, error)

    async def _begin(self, name: str, wanted: Wanted) -> _Chase:
        venue = self._stock.venue
        if not hasattr(venue, "parse_options"):
            raise ConfigError(f"{self._stock.name} has no options")
        listed = await self._definitions.listed()
        underlying = venue.underlying_of(name, listed)
        index = venue.spot_of(f"{underlying}.ATM.CE.W1", listed)
        chase = _Chase(
            wanted=wanted,
            rule=venue.parse_options(wanted.options),
            underlying=underlying,
            index=index,
            options=_options(underlying, listed),
            listed=len(listed),
        )
        now_ns = self._stock.yard.receipts.now_ns()
        chase.rule.around(underlying, chase.options, now_ns, "1")  # there are such options
        self._ask(Wanted(symbol=index, streams=frozenset({venue.TAPE}), chain=index))
        self._chases[name] = chase
        return chase

    # What the index says itself; before it has said anything, and while it does not, the close of its newest candle.
    async def _price(self, chase: _Chase, now_ns: int) -> Decimal | None:
        symbol = self._stock.symbols.get(chase.index)
        if symbol is not None and symbol.snapshots is not None and symbol.snapshots.price is not None:
            return symbol.snapshots.price
        if chase.asked_ns is None or now_ns - chase.asked_ns > _ASK_NS:
            chase.asked_ns = now_ns
            close = await self._definitions.price(chase.index, self._stock.fleet.credentials)
            chase.asked = None if close is None else Decimal(close)
        return chase.asked

    def _move(self, chase: _Chase, centre: Decimal, symbols: tuple[str, ...]) -> None:
        new = [symbol for symbol in symbols if symbol not in chase.held]
        _LOG.info("%s: the money of %s is at %s: %d options more", self._stock.name, chase.underlying, centre, len(new))
        chase.centre, chase.around = centre, symbols
        streams = chase.wanted.streams & frozenset(self._stock.venue.STREAMS)
        for symbol in new:
            chase.held[symbol] = None
            self._ask(Wanted(symbol=symbol, streams=streams, depth=chase.wanted.depth, chain=chase.index))

    def _let_go(self, chase: _Chase) -> None:
        for symbol in [one for one in chase.held if one not in chase.around]:
            del chase.held[symbol]
            self._drop(symbol)

    def _is_open(self, chase: _Chase, now_ns: int) -> bool:
        names = {one.calendar for one in chase.options}
        spans = [calendar(name).spans(now_ns, now_ns + 1) for name in names]
        return any(bool(np.any(span.in_session)) for span in spans)


def _options(underlying: str, listed: list[Instrument]) -> list[Instrument]:
    wanted = underlying.upper()
    return [one for one in listed if one.kind == "option" and one.underlying.upper() == wanted]
