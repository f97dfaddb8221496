"""One venue, live: its sockets and polls, what they say as columns, its holes mended, and how it stands."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.sessions import calendar
from footloom.errors import ConfigError, FootloomError
from footloom.feeds._admission import Admission
from footloom.feeds._asks import Asks
from footloom.feeds._chores import Chores
from footloom.feeds._fleet import Carried, Fleet
from footloom.feeds._instruments import Definitions
from footloom.feeds._jobs import Jobs
from footloom.feeds._money import Money
from footloom.feeds._reader import Reader
from footloom.feeds._settings import Settings
from footloom.feeds._socket import Keeper, Surroundings
from footloom.feeds._standing import Standing, figures
from footloom.feeds._stock import Stock, Yard
from footloom.feeds._symbol import Symbol
from footloom.feeds.flow import Arrival, FeedState
from footloom.feeds.http import Http
from footloom.feeds.metrics import FeedFigures
from footloom.venues._venue import Bases, Request, Socket, Wanted

__all__ = ("VenueFeed", "Yard")

_LOG = logging.getLogger(__name__)

_SAME_LIST_NS = 180 * 10**9
_MOST_PROBED = 5  # symbols of a socket that are asked for over REST before it is called dead
_DAY_S = 86_400.0
_CLOCKS_APART_S = 2.0  # the venue's and ours
_AS_TRADES_MOVE = frozenset({"agg_trade", "trade", "quote", "depth"})  # marks and open interest come by themselves


class VenueFeed:
    """Symbols of one venue; they may come and go while it runs.

    Parameters
    ----------
    venue
        Its module (`footloom.venues._venue.Venue`).
    wanted
        Symbols and what to listen to.
    settings
        Addresses, credentials, how far to look back.
    yard
        Clocks and the store.
    """

    def __init__(self, venue: Any, wanted: Sequence[Wanted], settings: Settings, yard: Yard) -> None:
        self.venue = venue
        self.name: str = venue.VENUE
        self.bases = settings.bases.get(self.name, venue.BASES)
        for one in wanted:
            _refuse_missing(venue, one, self.bases)
        self._yard = yard
        self._http = Http(venue.BUDGETS)
        self._fleet = Fleet(venue, self.bases, settings.credentials.get(self.name, {}))
        self._stock = stock = Stock(venue, self.bases, settings, yard, Asks(wanted), self._fleet)
        self._asks, self._symbols, self._trouble = stock.asks, stock.symbols, stock.trouble
        self._definitions = Definitions(venue, self.bases, self._http, yard.receipts, yard.store)
        self._redefine = asyncio.Event()
        self._opened: tuple[tuple[int, int], bool] = ((-1, 0), True)  # of which second and how many symbols
        self._defined_ns: int | None = None  # when the list was asked for because of a row
        self._leaving: dict[str, int] = {}  # symbols that nobody asks for any more, since when
        self._reader = Reader(venue, self._symbols, self._is_relieving, yard.store)
        self._chores = Chores(
            venue=venue,
            bases=self.bases,
            symbols=self._symbols,
            fetch=self._fetch,
            send=self._send,
            take=self._reader.take,
            clock=yard.clock,
            now_ns=yard.receipts.now_ns,
            trouble=self._trouble,
        )
        self._admission = Admission(stock, self._definitions, self._reader, self._chores, self._fetch)
        self._money = Money(stock, self._definitions, self.add, self.drop)
        self._standing = Standing(
            self._symbols, self._fleet.keepers, stock.repairs, self._reader, self._chores, yard.receipts,
            self._fleet.carriers, self._money.trouble,
        )  # fmt: skip

    @property
    def keys(self) -> list[str]:
        """The symbols, ``venue:symbol`` each."""
        return [f"{self.name}:{symbol}" for symbol in self._asks.symbols]

    @property
    def resolved(self) -> dict[str, str]:
        """Keys as people write them, to those of the venue, once it has said."""
        return {f"{self.name}:{name}": f"{self.name}:{symbol}" for name, symbol in self._asks.meanings.items()}

    @property
    def is_leaving(self) -> bool:
        """Whether a symbol was dropped that has not given its last rows yet."""
        return bool(self._leaving)

    def add(self, wanted: Wanted) -> str:
        """Listen to a symbol from now on, or to more of it; returns its key, as it was asked for.

        Who asks for what runs already shares it: it goes on until everybody has dropped it.

        Raises
        ------
        ConfigError
            The venue has no such stream.
        """
        _refuse_missing(self.venue, wanted, self.bases)
        self._asks.add(wanted)
        for name in self._asks.symbols:
            self._leaving.pop(name, None)
        self._admission.asked.set()
        return f"{self.name}:{wanted.symbol}"

    def drop(self, name: str) -> None:
        """Listen to a symbol no more, unless somebody else asks for it; what was heard until now is kept."""
        self._leave(self._asks.drop(name))

    def _leave(self, symbol: str | None) -> None:
        if symbol is None:
            return
        self._trouble.pop(symbol, None)
        if symbol in self._symbols:
            self._leaving[symbol] = self._yard.receipts.now_ns()

    def log_in(self, credentials: Mapping[str, str]) -> None:
        """Go on with new credentials: sockets that were refused connect again, others use them from the next time."""
        self._trouble.pop("", None)
        self._fleet.log_in(credentials)
        self._admission.asked.set()

    def fail(self, error: Exception) -> None:
        """Say that nothing more is heard: the feed has ended by a fault."""
        self._trouble[""] = f"the feed stopped by a fault: {error!r}; the log has more, start footloom again"
        for keeper in self._fleet.keepers:
            keeper.say("stopped", self._trouble[""])

    # --- towards the journal

    def receive(self, until_ns: int, *, whole: bool = True) -> list[Arrival]:
        """Return what was received up to a time: an arrival a symbol and tape.

        Those without rows are included, or with ``whole`` false left out: asking how each one stands takes time.
        """
        self._admission.turn()
        for keeper, carried in self._fleet.keepers.items():
            if keeper.connections != carried.connections:
                self._note_connection(keeper, carried)
            mute_s, oldest_ns = keeper.mute_s, keeper.oldest_ns
            self._reader.read(keeper)
            if oldest_ns is not None:
                self._note_silence(carried, mute_s, keeper.watch.silent_until(oldest_ns))
        oldest_ns = self.oldest_ns()
        watermark_ns = until_ns if oldest_ns is None else min(until_ns, oldest_ns - 1)
        arrivals: list[Arrival] = []
        for name, symbol in self._symbols.items():
            if not whole and not symbol.has_news:
                continue
            found = symbol.arrivals(watermark_ns, self._standing.of(name))
            self._after(symbol, found)
            arrivals += found
        for name, since_ns in list(self._leaving.items()):
            if oldest_ns is None or oldest_ns > since_ns:
                del self._leaving[name]
                self._admission.let_out(name)
        return arrivals

    def _note_connection(self, keeper: Keeper, carried: Carried) -> None:
        carried.connections = keeper.connections
        breaks = keeper.take_breaks()
        for wanted in carried.wanted:
            for one in breaks if wanted.symbol in self._symbols else ():
                self._symbols[wanted.symbol].missed(one.cause, one.lost_ns, one.opened_ns, wanted.streams)
            self._stock.mend(wanted.symbol)

    def _note_silence(self, carried: Carried, seconds: float, heard_ns: int | None) -> None:
        if seconds and heard_ns is not None:
            for name in carried.names:
                if name in self._symbols:
                    self._symbols[name].muted(f"mute for {seconds:.0f} s", heard_ns)

    def carriers(self, name: str) -> Iterator[Keeper]:
        """Return the sockets that carry a symbol."""
        return self._fleet.carriers(name)

    def _after(self, symbol: Symbol, found: Sequence[Arrival]) -> None:
        if symbol.off_grid or symbol.refused:
            self._redefine.set()
        if symbol.book is not None and symbol.book.wants_snapshot:
            self._chores.book_broken.set()
        has_begun = symbol.heard_first(found)
        if has_begun or any(not gap.healed for arrival in found for gap in arrival.gaps):
            self._stock.mend(symbol.wanted.symbol, behind=has_begun)
        for text in symbol.told:
            _LOG.error("%s", text)
        symbol.told.clear()

    def oldest_ns(self) -> int | None:
        """Return the receipt of the oldest message that was not taken yet."""
        return min((keeper.oldest_ns for keeper in self._fleet.keepers if keeper.oldest_ns is not None), default=None)

    def _behind_s(self) -> float:
        oldest_ns = self.oldest_ns()
        return 0.0 if oldest_ns is None else (self._yard.receipts.now_ns() - oldest_ns) / 1e9

    # --- how it stands

    def figures(self) -> FeedFigures:
        """Return counts since the start."""
        return figures(self.name, self._symbols, self._fleet.keepers, self._reader, self._standing.offset_ms)

    def state(self) -> list[tuple[str, FeedState]]:
        """Return how each symbol stands."""
        return [(f"{self.name}:{symbol}", self._standing.of(symbol)) for symbol in self._asks.symbols]

    # --- the life of it

    async def run(self) -> None:
        """Listen until cancelled."""
        around = Surroundings(
            clock=self._yard.clock,
            now_ns=self._yard.receipts.now_ns,
            wake=self._yard.wake,
            authorize=self._authorize,
            is_open=self._is_open,
            is_quiet=self._is_quiet,
            silent=self._silent,
            rng=self._yard.rng,
            changes=self.venue.added,
            explain=getattr(self.venue, "explain", lambda _status, _text: ""),
        )
        jobs = Jobs()
        jobs.start(asyncio.to_thread(self._reader.warm))
        jobs.start(self._admission.run(around, jobs))
        jobs.start(self._keep_defining())
        jobs.start(self._chores.keep_auditing(self._stock.repairs, self._stock.settings.audit_s, self._behind_s))
        jobs.start(self._chores.keep_time())
        jobs.start(self._chores.keep_books())
        if hasattr(self.venue, "parse_options"):
            jobs.start(self._money.run())
            jobs.start(self._admission.keep_names(self._leave))
        try:
            await jobs.run()
        finally:
            await self._http.aclose()

    def close(self) -> None:
        """Write what waits to be kept; nothing is received behind it."""
        self._reader.close()

    async def _fetch(self, request: Request, share: float) -> bytes:
        return await self._http.get(request, share=share)

    def _send(self, name: str, text: str) -> None:
        for keeper in self._fleet.keepers:
            if (name, "depth") in keeper.socket.expects:
                keeper.send(text)

    def _is_relieving(self) -> bool:
        return any(keeper.relieving for keeper in self._fleet.keepers)

    # Every socket and every symbol asks again and again: it is found out once a second.
    def _is_open(self) -> bool:
        now_ns = self._yard.receipts.now_ns()
        asked = (now_ns // 10**9, len(self._symbols))
        if self._opened[0] != asked:
            names = {symbol.instrument.calendar for symbol in self._symbols.values()}
            spans = [calendar(name).spans(now_ns, now_ns + 1) for name in names]
            self._opened = (asked, not spans or any(bool(np.any(span.in_session)) for span in spans))
        return self._opened[1]

    # Whether the venue has nothing newer than what was heard: then a socket that says nothing is well.
    async def _is_quiet(self, keeper: Keeper) -> bool:
        every = [(name, one) for name, repairs in self._stock.repairs.items() for one in repairs]
        mine = [repair for name, repair in every if (name, repair.tape.tape) in keeper.socket.expects]
        if not mine or len(mine) > _MOST_PROBED:
            return False
        try:
            return not any([await repair.found_newer() for repair in mine])
        except FootloomError:
            return False

    # Which pairs were not heard because nothing was traded since they are waited for: the newest trade is older. It may
    # have come over REST or another socket; then the stream is deaf.
    async def _silent(self, unheard: Mapping[tuple[str, str], float]) -> set[tuple[str, str]]:
        quiet: set[tuple[str, str]] = set()
        for name in sorted({name for name, _ in unheard} & self._stock.repairs.keys()):
            repairs = self._stock.repairs[name]
            for repair in repairs:
                with contextlib.suppress(FootloomError):  # what is known has to do
                    await repair.found_newer()
            newest_ns = max((repair.tape.last_ns for repair in repairs), default=0)
            hushed_s = (self._yard.receipts.now_ns() - newest_ns) / 1e9 + _CLOCKS_APART_S
            waited = {pair: seconds for pair, seconds in unheard.items() if pair[0] == name}
            quiet |= {pair for pair, seconds in waited.items() if pair[1] in _AS_TRADES_MOVE and hushed_s > seconds}
        return quiet

    async def _authorize(self, socket: Socket) -> str:
        if socket.authorize is None:
            return socket.url
        url: str = self.venue.read_authorized(await self._http.get(socket.authorize))
        return url

    # Once a day, and as soon as a price is off the grid: ticks change.
    async def _keep_defining(self) -> None:
        while True:
            daily = asyncio.ensure_future(self._yard.clock.sleep(_DAY_S))
            asked = asyncio.ensure_future(self._redefine.wait())
            try:
                await asyncio.wait([daily, asked], return_when=asyncio.FIRST_COMPLETED)
            finally:
                daily.cancel()
                asked.cancel()
            self._redefine.clear()
            self._admission.use(await self._defined_now())

    # The whole list, but not for every row: within some minutes it says nothing new.
    async def _defined_now(self) -> dict[str, Instrument]:
        now_ns = self._yard.clock.monotonic_ns()
        if self._defined_ns is not None and now_ns - self._defined_ns < _SAME_LIST_NS:
            return {}
        self._defined_ns = now_ns
        try:
            return await self._definitions.of(list(self._symbols))
        except FootloomError as error:
            _LOG.warning("the instruments of %s stay as they are: %s", self.name, error)
            return {}


def _refuse_missing(venue: Any, wanted: Wanted, bases: Bases) -> None:
    missing = sorted(wanted.streams - venue.STREAMS) if hasattr(venue, "STREAMS") else []
    if missing:
        have = ", ".join(sorted(venue.STREAMS))
        raise ConfigError(f"{venue.VENUE} has no stream {', '.join(missing)} (for {wanted.symbol}): it has {have}")
    if not hasattr(venue, "resolve"):  # what a broker sends depends on the account, and on what a name means
        venue.sockets([wanted], bases, {})
