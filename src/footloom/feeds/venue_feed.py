"""One venue, live: its sockets and polls, what they say as columns, its holes mended, and how it stands."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.sessions import calendar
from footloom.errors import FootloomError, UnknownSymbol
from footloom.feeds._chores import Chores
from footloom.feeds._instruments import Definitions
from footloom.feeds._rates import Rate
from footloom.feeds._reader import Reader
from footloom.feeds._socket import Keeper, Surroundings
from footloom.feeds._stored_ids import restore
from footloom.feeds._symbol import Symbol
from footloom.feeds.backfill import Reach, Repair
from footloom.feeds.clock import Clock, ReceiptClock
from footloom.feeds.flow import Arrival, FeedState, Phase
from footloom.feeds.http import Http
from footloom.feeds.metrics import FeedFigures
from footloom.store.files import Store
from footloom.venues._venue import Bases, Request, Socket, Wanted

__all__ = ("VenueFeed", "Yard")

_LOG = logging.getLogger(__name__)

_AGAIN_S = 5.0
_DAY_S = 86_400.0
_HOUR_NS = 3_600_000_000_000
_WORST: tuple[Phase, ...] = ("live", "closed", "stale", "reconnecting", "connecting", "stopped")


class Settings(Protocol):
    """The part of `FeedSettings` that a venue's feed reads."""

    @property
    def bases(self) -> Mapping[str, Bases]: ...
    @property
    def credentials(self) -> Mapping[str, Mapping[str, str]]: ...
    @property
    def backfill_hours(self) -> float: ...
    @property
    def repair_hours(self) -> float: ...
    @property
    def shown_only(self) -> frozenset[str]: ...


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
        self._rates = {one.symbol: Rate() for one in wanted}
        self._state: dict[str, FeedState] = {}
        self._trouble: dict[str, str] = {}  # of symbols; "" is the whole venue
        self._redefine = asyncio.Event()
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
        )
        venue.sockets(self._wanted, self.bases, self._credentials)  # what cannot be asked for is told at once

    @property
    def keys(self) -> list[str]:
        """The symbols, ``venue:symbol`` each."""
        return [f"{self.name}:{one.symbol}" for one in self._wanted]

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
            found = symbol.arrivals(watermark_ns, self._state_of(name))
            self._after(symbol, found)
            arrivals += found
        return arrivals

    def _note_connection(self, keeper: Keeper, seen: _Seen) -> None:
        now_ns = self._yard.receipts.now_ns()
        lost = keeper.losses != seen.losses
        seen.connections, seen.losses = keeper.connections, keeper.losses
        for symbol in self._of(keeper):
            if lost:
                symbol.missed(keeper.cause, keeper.lost_ns or now_ns, now_ns)
            if symbol.wanted.symbol in self._mend:
                self._mend[symbol.wanted.symbol].set()

    def _of(self, keeper: Keeper) -> list[Symbol]:
        names = {name for name, _ in keeper.socket.expects}
        return [symbol for name, symbol in self._symbols.items() if not names or name in names]

    def _after(self, symbol: Symbol, found: Sequence[Arrival]) -> None:
        if symbol.off_grid or symbol.refused:
            self._redefine.set()
        for one in symbol.refused:
            self._reader.quarantine(repr(one.tick).encode(), one.tick.ts_recv_ns, one.reason)
        symbol.refused.clear()
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
        symbols = self._symbols.values()
        ids = [tape.events or tape.ids for symbol in symbols for tape in symbol.tapes.values()]
        return FeedFigures(
            venue=self.name,
            frames=self._reader.frames,
            waiting=sum(keeper.waiting for keeper in self._keepers),
            quarantined=self._reader.quarantined,
            connections=sum(keeper.connections for keeper in self._keepers),
            losses=sum(keeper.losses for keeper in self._keepers),
            duplicates=sum(one.duplicates for one in ids),
            late=sum(one.late for one in ids),
            off_grid=sum(len(symbol.off_grid) for symbol in symbols),
            book_breaks=sum(symbol.book.breaks for symbol in symbols if symbol.book is not None),
            offset_ms=self._chores.offset_ms,
        )

    def state(self) -> list[tuple[str, FeedState]]:
        """Return how each symbol stands."""
        return [(f"{self.name}:{one.symbol}", self._state_of(one.symbol)) for one in self._wanted]

    def _state_of(self, name: str) -> FeedState:
        before = self._state.get(name)
        phase, text = self._phase_of(name)
        now_ns = self._yard.receipts.now_ns()
        symbol, repair = self._symbols.get(name), self._repairs.get(name)
        state = FeedState(
            phase=phase,
            text=text,
            since_ns=now_ns if before is None or before.phase != phase else before.since_ns,
            backfill=None if repair is None else repair.progress,
            messages_per_s=0.0 if symbol is None else self._rates[name].note(symbol.messages, now_ns),
            offset_ms=self._chores.offset_ms,
        )
        self._state[name] = state
        return state

    # The worst of the sockets that carry the symbol.
    def _phase_of(self, name: str) -> tuple[Phase, str]:
        trouble = self._trouble.get(name) or self._trouble.get("") or self._reader.trouble or self._yard.receipts.text
        if name not in self._symbols:
            return ("stopped" if self._trouble.get(name) else "connecting"), trouble
        mine = [keeper for keeper in self._keepers if self._symbols[name] in self._of(keeper)]
        if not mine:
            return "connecting", trouble
        worst = max(mine, key=lambda keeper: _WORST.index(_phase(keeper, name)))
        return _phase(worst, name), worst.text or trouble

    # --- the life of it

    async def run(self) -> None:
        """Listen until cancelled."""
        instruments = await self._begin()
        await self._restore(instruments)
        around = Surroundings(
            clock=self._yard.clock,
            now_ns=self._yard.receipts.now_ns,
            wake=_nothing,
            authorize=self._authorize,
            is_open=self._is_open,
            rng=self._yard.rng,
        )
        listed = [one for one in self._wanted if one.symbol in self._symbols]
        self._keepers = {
            Keeper(socket, around): _Seen() for socket in self.venue.sockets(listed, self.bases, self._credentials)
        }
        jobs = [keeper.run() for keeper in self._keepers]
        jobs += [self._keep_mending(name, repair) for name, repair in self._repairs.items()]
        polls = self.venue.polls(listed, self.bases, self._credentials) if hasattr(self.venue, "polls") else []
        jobs += [self._chores.poll(poll) for poll in polls]
        jobs.append(self._keep_defining())
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
            self._reader.close()

    # Until the venue has told its instruments there is no grid to put a price on.
    async def _begin(self) -> dict[str, Instrument]:
        while True:
            names = [one.symbol for one in self._wanted if one.symbol not in self._trouble]
            try:
                found = await self._definitions.of(names)
            except UnknownSymbol as error:
                unknown = next(name for name in names if f" {name}" in str(error))
                self._trouble[unknown] = str(error)
                _LOG.error("%s", error)
            except FootloomError as error:
                self._trouble[""] = f"{error}; trying again in {_AGAIN_S:.0f} s"
                _LOG.warning("%s", self._trouble[""])
                await self._yard.clock.sleep(_AGAIN_S)
            else:
                self._trouble.pop("", None)
                return found

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

    async def _authorize(self, socket: Socket) -> str:
        if socket.authorize is None:
            return socket.url
        url: str = self.venue.read_authorized(await self._http.get(socket.authorize))
        return url

    async def _keep_mending(self, name: str, repair: Repair) -> None:
        back: asyncio.Task[None] | None = None
        try:
            while True:
                await self._mend[name].wait()
                self._mend[name].clear()
                await self._persist(name, "what was missed", repair.after_connecting)
                if back is None:
                    back = asyncio.create_task(self._persist(name, "the past", repair.look_back))
        finally:
            if back is not None:
                back.cancel()

    # What cannot be fetched now is tried again: a gap stays open meanwhile, and the live stream goes on.
    async def _persist(self, name: str, what: str, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except FootloomError as error:
                wait_s = max(_AGAIN_S, getattr(error, "retry_after_s", None) or 0.0)
                self._trouble[name] = f"{what} cannot be fetched: {error}; trying again in {wait_s:.0f} s"
                _LOG.warning("%s:%s: %s", self.name, name, self._trouble[name])
                await self._yard.clock.sleep(wait_s)
            else:
                self._trouble.pop(name, None)
                return

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
            try:
                found = await self._definitions.of(list(self._symbols))
            except FootloomError as error:
                _LOG.warning("the instruments of %s stay as they are: %s", self.name, error)
                await self._yard.clock.sleep(_AGAIN_S)
                continue
            self._use(found)

    def _use(self, found: Mapping[str, Instrument]) -> None:
        for name, symbol in self._symbols.items():
            old, new = symbol.instrument, found[name]
            if (old.tick_size, old.lot_size) != (new.tick_size, new.lot_size):
                symbol.redefine(new)
            for row in symbol.give_up_off_grid():
                frame = repr(row.trade).encode()
                self._reader.quarantine(frame, row.trade.ts_recv_ns or row.trade.ts_exch_ns, row.why)


@dataclass(slots=True)
class _Seen:
    """What the feed has taken note of, of one socket."""

    connections: int = 0
    losses: int = 0


def _phase(keeper: Keeper, name: str) -> Phase:
    if keeper.phase == "live" and any(silent == name for silent, _ in keeper.watch.silent):
        return "stale"
    return keeper.phase


def _nothing() -> None:
    pass
