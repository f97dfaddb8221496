"""One venue, live: its sockets and polls, what they say as columns, its holes mended, and how it stands."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.sessions import calendar
from footloom.errors import ConfigError, FootloomError, UnknownSymbol
from footloom.feeds._chores import Chores
from footloom.feeds._instruments import Definitions
from footloom.feeds._reader import Reader
from footloom.feeds._settings import Settings
from footloom.feeds._socket import Keeper, Surroundings
from footloom.feeds._standing import Standing, figures
from footloom.feeds._stored_ids import restore
from footloom.feeds._symbol import Symbol
from footloom.feeds.backfill import Reach, Repair
from footloom.feeds.clock import Clock, ReceiptClock
from footloom.feeds.flow import Arrival, FeedState
from footloom.feeds.http import Http
from footloom.feeds.metrics import FeedFigures
from footloom.store.files import Store
from footloom.venues._venue import Request, Socket, Wanted

__all__ = ("VenueFeed", "Yard")

_LOG = logging.getLogger(__name__)

_AGAIN_S = 5.0
_SAME_LIST_NS = 180 * 10**9
_MOST_PROBED = 5  # symbols of a socket that are asked for over REST before it is called dead
_DAY_S = 86_400.0
_HOUR_NS = 3_600_000_000_000


@dataclass(frozen=True, slots=True)
class Yard:
    """What the feeds of one process share."""

    clock: Clock
    receipts: ReceiptClock
    store: Store | None
    rng: random.Random = field(default_factory=random.Random)


class VenueFeed:
    """Symbols of one venue.

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
        self.resolved: dict[str, str] = {}  # keys as people write them, to those of the venue
        self._wanted = list(wanted)
        self._settings = settings
        self._credentials = dict(settings.credentials.get(self.name, {}))
        self._yard = yard
        self._http = Http(venue.BUDGETS)
        self._definitions = Definitions(venue, self.bases, self._http, yard.receipts, yard.store)
        self._symbols: dict[str, Symbol] = {}
        self._repairs: dict[str, Repair] = {}
        self._mend: dict[str, asyncio.Event] = {}
        self._keepers: dict[Keeper, _Seen] = {}
        self._trouble: dict[str, str] = {}  # of symbols; "" is the whole venue
        self._redefine = asyncio.Event()
        self._defined_ns: int | None = None  # when the list was asked for because of a row
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
        self._standing = Standing(
            self._symbols, self._keepers, self._repairs, self._reader, self._chores, yard.receipts, self.carriers
        )
        self._logged_in = asyncio.Event()
        for one in wanted:  # what cannot be asked for is told at once
            missing = sorted(one.streams - venue.STREAMS) if hasattr(venue, "STREAMS") else []
            if missing:
                have = ", ".join(sorted(venue.STREAMS))
                raise ConfigError(f"{self.name} has no stream {', '.join(missing)} (for {one.symbol}): it has {have}")

    @property
    def keys(self) -> list[str]:
        """The symbols, ``venue:symbol`` each."""
        return [f"{self.name}:{one.symbol}" for one in self._wanted]

    def log_in(self, credentials: Mapping[str, str]) -> None:
        """Go on with new credentials: sockets that were refused connect again, others use them from the next time."""
        self._credentials = dict(credentials)
        self._trouble.pop("", None)
        self._logged_in.set()
        sockets = {one.name: one for one in self._sockets()} if self._keepers else {}
        for keeper in self._keepers:
            if keeper.socket.name in sockets:
                keeper.renew(sockets[keeper.socket.name])

    def fail(self, error: Exception) -> None:
        """Say that nothing more is heard: the feed has ended by a fault."""
        self._trouble[""] = f"the feed stopped by a fault: {error!r}; the log has more, start footloom again"
        for keeper in self._keepers:
            keeper.phase, keeper.text = "stopped", self._trouble[""]

    def _sockets(self) -> list[Socket]:
        listed = [one for one in self._wanted if one.symbol in self._symbols]
        sockets: list[Socket] = self.venue.sockets(listed, self.bases, self._credentials)
        return sockets

    # --- towards the journal

    def receive(self, until_ns: int) -> list[Arrival]:
        """Return what was received up to a time: an arrival a symbol and tape, those without rows included."""
        for keeper, seen in self._keepers.items():
            if keeper.connections != seen.connections:
                self._note_connection(keeper, seen)
            self._reader.read(keeper)
        oldest_ns = self.oldest_ns()
        watermark_ns = until_ns if oldest_ns is None else min(until_ns, oldest_ns - 1)
        arrivals: list[Arrival] = []
        for name, symbol in self._symbols.items():
            found = symbol.arrivals(watermark_ns, self._standing.of(name))
            self._after(symbol, found)
            arrivals += found
        return arrivals

    def _note_connection(self, keeper: Keeper, seen: _Seen) -> None:
        now_ns = self._yard.receipts.now_ns()
        lost = keeper.losses != seen.losses
        seen.connections, seen.losses = keeper.connections, keeper.losses
        for symbol in self._of(keeper):
            if lost:
                symbol.missed(keeper.cause, keeper.lost_ns or now_ns, keeper.opened_ns)
            if symbol.wanted.symbol in self._mend:
                self._mend[symbol.wanted.symbol].set()

    def _of(self, keeper: Keeper) -> list[Symbol]:
        names = keeper.names
        return [symbol for name, symbol in self._symbols.items() if not names or name in names]

    def carriers(self, name: str) -> list[Keeper]:
        """Return the sockets that carry a symbol."""
        return [keeper for keeper in self._keepers if not keeper.names or name in keeper.names]

    def _after(self, symbol: Symbol, found: Sequence[Arrival]) -> None:
        if symbol.off_grid or symbol.refused:
            self._redefine.set()
        if symbol.book is not None and symbol.book.wants_snapshot:
            self._chores.book_broken.set()
        mend = self._mend.get(symbol.wanted.symbol)
        if mend is not None and any(not gap.healed for arrival in found for gap in arrival.gaps):
            mend.set()
        for text in symbol.told:
            _LOG.error("%s", text)
        symbol.told.clear()

    def oldest_ns(self) -> int | None:
        """Return the receipt of the oldest message that was not taken yet."""
        return min((keeper.oldest_ns for keeper in self._keepers if keeper.oldest_ns is not None), default=None)

    # --- how it stands

    def figures(self) -> FeedFigures:
        """Return counts since the start."""
        return figures(self.name, self._symbols, self._keepers, self._reader, self._chores.offset_ms)

    def state(self) -> list[tuple[str, FeedState]]:
        """Return how each symbol stands."""
        return [(f"{self.name}:{one.symbol}", self._standing.of(one.symbol)) for one in self._wanted]

    # --- the life of it

    async def run(self) -> None:
        """Listen until cancelled."""
        await asyncio.to_thread(self._reader.warm)
        instruments = await self._begin()
        await self._restore(instruments)
        around = Surroundings(
            clock=self._yard.clock,
            now_ns=self._yard.receipts.now_ns,
            wake=_nothing,
            authorize=self._authorize,
            is_open=self._is_open,
            is_quiet=self._is_quiet,
            rng=self._yard.rng,
        )
        self._keepers.update({Keeper(socket, around): _Seen() for socket in await self._admitted()})
        listed = [one for one in self._wanted if one.symbol in self._symbols]
        jobs = [keeper.run() for keeper in self._keepers]
        jobs += [self._chores.keep_mending(name, one, self._mend[name]) for name, one in self._repairs.items()]
        polls = self.venue.polls(listed, self.bases, self._credentials) if hasattr(self.venue, "polls") else []
        jobs += [self._chores.poll(poll) for poll in polls]
        jobs += [self._keep_defining(), self._chores.keep_auditing(self._repairs, self._settings.audit_s)]
        jobs += [self._chores.keep_time(), self._chores.keep_books()]
        tasks = [asyncio.create_task(job) for job in jobs]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._http.aclose()

    def close(self) -> None:
        """Write what waits to be kept; nothing is received behind it."""
        self._reader.close()

    # Some venues speak to accounts only: without a token nothing can be asked for, until somebody logs in.
    async def _admitted(self) -> list[Socket]:
        while True:
            try:
                return self._sockets()
            except FootloomError as error:
                self._trouble[""] = str(error)
                _LOG.error("%s", error)
                self._logged_in.clear()
                await self._logged_in.wait()

    # Until the venue has told its instruments there is no grid to put a price on.
    async def _begin(self) -> dict[str, Instrument]:
        while True:
            try:
                await self._resolve()
                names = [one.symbol for one in self._wanted if one.symbol not in self._trouble]
                found = await self._definitions.of(names)
            except FootloomError as error:
                self._trouble[""] = f"{error}; trying again in {_AGAIN_S:.0f} s"
                _LOG.warning("%s", self._trouble[""])
                await self._yard.clock.sleep(_AGAIN_S)
            else:
                self._trouble.pop("", None)
                for text in self._definitions.unknown.values():
                    _LOG.error("%s", text)
                self._trouble |= self._definitions.unknown
                return found

    # Names that people use, such as NIFTY.FUT1, are of venues that can say what they mean today.
    async def _resolve(self) -> None:
        if not hasattr(self.venue, "resolve"):
            return
        for place, one in enumerate(self._wanted):
            if one.symbol in self._trouble:
                continue
            try:
                symbol = await self._definitions.resolve(one.symbol, self._credentials)
            except (ConfigError, UnknownSymbol) as error:
                self._trouble[one.symbol] = str(error)
                _LOG.error("%s", error)
                continue
            self.resolved[f"{self.name}:{one.symbol}"] = f"{self.name}:{symbol}"
            self._wanted[place] = msgspec.structs.replace(one, symbol=symbol)

    async def _restore(self, instruments: Mapping[str, Instrument]) -> None:
        store, hours = self._yard.store, max(self._settings.backfill_hours, self._settings.repair_hours)
        now_ns = self._yard.receipts.now_ns()
        for one in self._wanted:
            if one.symbol not in instruments:
                continue
            symbol = Symbol(one, instruments[one.symbol], self.venue, self._settings.shown_only)
            for tape in symbol.tapes.values():
                if store is not None and await asyncio.to_thread(restore, store, tape, int(hours * _HOUR_NS)):
                    symbol.missed("not recording", tape.last_ns, now_ns)
            if self.venue.TAPE in symbol.tapes and hasattr(self.venue, "recent_trades"):
                self._repairs[one.symbol] = self._repair(symbol)
                self._mend[one.symbol] = asyncio.Event()
            seen = symbol.snapshots
            if store is not None and seen is not None and await asyncio.to_thread(seen.restore, store):
                seen.missed("not recording")
            self._symbols[one.symbol] = symbol
            self._reader.add(symbol)

    def _repair(self, symbol: Symbol) -> Repair:
        return Repair(
            symbol=symbol,
            tape=symbol.tapes[self.venue.TAPE],
            venue=self.venue,
            bases=self.bases,
            fetch=self._fetch,
            now_ns=self._yard.receipts.now_ns,
            reach=Reach(
                int(self._settings.backfill_hours * _HOUR_NS),
                int(max(self._settings.backfill_hours, self._settings.repair_hours) * _HOUR_NS),
            ),
        )

    async def _fetch(self, request: Request, share: float) -> bytes:
        return await self._http.get(request, share=share)

    def _send(self, name: str, text: str) -> None:
        for keeper in self._keepers:
            if (name, "depth") in keeper.socket.expects:
                keeper.send(text)

    def _is_relieving(self) -> bool:
        return any(keeper.relieving for keeper in self._keepers)

    def _is_open(self) -> bool:
        now_ns = self._yard.receipts.now_ns()
        names = {symbol.instrument.calendar for symbol in self._symbols.values()}
        spans = [calendar(name).spans(now_ns, now_ns + 1) for name in names]
        return not spans or any(bool(np.any(span.in_session)) for span in spans)

    # Whether the venue has nothing newer than what was heard: then a socket that says nothing is well.
    async def _is_quiet(self, keeper: Keeper) -> bool:
        mine = [repair for name, repair in self._repairs.items() if (name, self.venue.TAPE) in keeper.socket.expects]
        if not mine or len(mine) > _MOST_PROBED:
            return False
        try:
            return not any([await repair.found_newer() for repair in mine])
        except FootloomError:
            return False

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
            self._use(await self._defined_now())

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

    def _use(self, found: Mapping[str, Instrument]) -> None:
        for name, symbol in self._symbols.items():
            if name in found:
                symbol.adopt(found[name])
            if symbol.off_grid or symbol.refused:
                symbol.refine()
            for tick in symbol.refused:
                self._reader.quarantine(repr(tick.tick).encode(), tick.tick.ts_recv_ns, tick.reason)
            symbol.refused.clear()
            for row in symbol.give_up_off_grid():
                frame = repr(row.trade).encode()
                self._reader.quarantine(frame, row.trade.ts_recv_ns or row.trade.ts_exch_ns, row.why)


@dataclass(slots=True)
class _Seen:
    """What the feed has taken note of, of one socket."""

    connections: int = 0
    losses: int = 0


def _nothing() -> None:
    pass
