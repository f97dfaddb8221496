"""How a symbol comes into a running feed: its name looked up, its past read from the store, its streams asked for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence

from footloom.core.instrument import Instrument
from footloom.errors import ConfigError, FootloomError, UnknownSymbol
from footloom.feeds._chores import Chores
from footloom.feeds._instruments import Definitions
from footloom.feeds._jobs import Jobs
from footloom.feeds._reader import Reader
from footloom.feeds._socket import Surroundings
from footloom.feeds._stock import Stock
from footloom.feeds._stored_ids import restore
from footloom.feeds._symbol import Symbol
from footloom.feeds._ticks import SnapshotTape
from footloom.feeds.backfill import Reach, Repair
from footloom.store import Store
from footloom.venues._venue import Request, Wanted

__all__ = ("Admission",)

_LOG = logging.getLogger(__name__)

_AGAIN_S = 5.0
_NAMES_S = 30.0
_FIRST_MEND_S = 2.0  # after this a quiet symbol is asked for over REST although nothing was heard of it
_HOUR_NS = 3_600_000_000_000

Fetch = Callable[[Request, float], Awaitable[bytes]]


class Admission:
    """Lets symbols in, one after the other, as they are asked for."""

    def __init__(self, stock: Stock, definitions: Definitions, reader: Reader, chores: Chores, fetch: Fetch) -> None:
        self.asked = asyncio.Event()  # something is asked for, or credentials are new
        self.left: dict[str, int] = {}  # symbols that were let out, with the turn in which they gave their last rows
        self._stock = stock
        self._definitions = definitions
        self._reader = reader
        self._chores = chores
        self._fetch = fetch
        self._own: dict[str, list[asyncio.Task[None]]] = {}
        self._turn = 0
        self._turned = asyncio.Event()

    def turn(self) -> None:
        """Note that rows are taken for the journal: those of the last time have been written."""
        self._turn += 1
        self._turned.set()

    def let_out(self, name: str) -> None:
        """End all that is done for a symbol; it has given its last rows."""
        stock = self._stock
        for task in self._own.pop(name, []):
            task.cancel()
        stock.fleet.remove(name)
        self._reader.remove(name)
        for held in (stock.symbols, stock.repairs):
            held.pop(name, None)
        self.left[name] = self._turn

    async def run(self, around: Surroundings, jobs: Jobs) -> None:
        """Let in what is asked for, until cancelled."""
        while True:
            self.asked.clear()
            await self._look_up()
            due = self._due()
            if not due:
                await self.asked.wait()
            elif not await self._admit(due, around, jobs):
                await self._stock.yard.clock.sleep(_AGAIN_S)

    async def keep_names(self, leave: Callable[[str | None], None]) -> None:
        """Look names up anew whose contract has ended: ``FUT1`` is the next one then; ``leave`` ends the old one."""
        stock = self._stock
        while True:
            now_ns = stock.yard.receipts.now_ns()
            for name, symbol in stock.asks.meanings.items():
                expiry_ns = self._definitions.expiry_ns(symbol)
                if name != symbol and expiry_ns is not None and expiry_ns <= now_ns:
                    await self._renew(name, symbol, leave)
            await stock.yard.clock.sleep(_NAMES_S)

    async def _renew(self, name: str, symbol: str, leave: Callable[[str | None], None]) -> None:
        stock = self._stock
        try:
            meant = await self._definitions.resolve(name, stock.fleet.credentials)
        except FootloomError as error:
            _LOG.warning("%s:%s has expired, and what follows it is not known yet: %s", stock.name, name, error)
            return
        if meant != symbol and name in stock.asks.names:
            _LOG.warning("%s:%s has expired: %s is %s from now on", stock.name, symbol, name, meant)
            leave(stock.asks.resolve(name, meant))
            self.asked.set()

    def _due(self) -> list[Wanted]:
        stock = self._stock
        wanted = [stock.asks.wanted(name) for name in stock.asks.symbols if name not in stock.trouble]
        return [one for one in wanted if one.symbol not in stock.symbols or stock.symbols[one.symbol].wanted != one]

    # Names that people use, such as NIFTY.FUT1, are of venues that can say what they mean today.
    async def _look_up(self) -> None:
        stock = self._stock
        if not hasattr(stock.venue, "resolve"):
            return
        while names := [name for name in stock.asks.unresolved if name not in stock.trouble]:
            for name in names:
                try:
                    symbol = await self._definitions.resolve(name, stock.fleet.credentials)
                except (ConfigError, UnknownSymbol) as error:
                    self._refuse([name], str(error))
                except FootloomError as error:
                    await self._pause(error)
                    break
                else:
                    if name in stock.asks.names:  # somebody may have dropped it meanwhile
                        stock.asks.resolve(name, symbol)

    # Until the venue has told its instruments there is no grid to put a price on.
    async def _admit(self, due: Sequence[Wanted], around: Surroundings, jobs: Jobs) -> bool:
        stock = self._stock
        try:
            found = await self._definitions.of([one.symbol for one in due], again=False)
        except FootloomError as error:
            self._say(f"{error}; trying again in {_AGAIN_S:.0f} s")
            return False
        stock.trouble.pop("", None)
        for one in due:
            if one.symbol in self._definitions.unknown:
                self._refuse([one.symbol], self._definitions.unknown[one.symbol])
        listed = [one for one in due if one.symbol in found]
        if not listed or not await self._is_allowed(listed):
            return True
        self._listen([one for one in listed if await self._enter(one, found[one.symbol])], around, jobs)
        return True

    def _listen(self, entered: Sequence[Wanted], around: Surroundings, jobs: Jobs) -> None:
        fleet = self._stock.fleet
        try:
            fleet.add(entered, around, jobs)
        except ConfigError as error:
            missing = [one.symbol for one in entered if not any(fleet.carriers(one.symbol))]
            self._refuse(missing, str(error))
            for name in missing:
                self.let_out(name)
        for one in entered:
            if one.symbol in self._stock.symbols:
                self._begin(one, jobs)

    # What the venue does not send is told at once; where nothing runs yet, somebody may have to log in first.
    async def _is_allowed(self, listed: Sequence[Wanted]) -> bool:
        stock = self._stock
        running = [symbol.wanted for symbol in stock.symbols.values()]
        while True:
            names = {one.symbol for one in listed}
            try:
                stock.fleet.check([*(one for one in running if one.symbol not in names), *listed])
            except FootloomError as error:
                if running:
                    self._refuse(sorted(names), str(error))
                    return False
                self._say(str(error), error=True)
                self.asked.clear()
                await self.asked.wait()
            else:
                stock.trouble.pop("", None)
                return True

    async def _enter(self, wanted: Wanted, instrument: Instrument) -> bool:
        stock, shown_only = self._stock, self._stock.settings.shown_only
        name = wanted.symbol
        await self._settled(name)
        if name not in stock.asks.symbols:
            return False  # nobody asks any more
        symbol = stock.symbols.get(name)
        if symbol is None:
            symbol = Symbol(wanted, instrument, stock.venue, shown_only)
            symbol.wake = stock.yard.wake
            await self._restore(symbol, list(symbol.tapes), symbol.missed)
            await _restore_snapshots(stock.yard.store, symbol.snapshots)
            tapes = list(symbol.tapes)
            if name not in stock.asks.symbols:
                return False  # nor while its past was read
        else:
            had = symbol.snapshots
            tapes = symbol.widen(wanted, stock.venue, shown_only)
            await self._restore(symbol, tapes, symbol.missed_trades)
            if had is None:
                await _restore_snapshots(stock.yard.store, symbol.snapshots)
        if repairs := self._repairs(symbol, tapes):
            stock.repairs[name] = (*stock.repairs.get(name, ()), *repairs)
        stock.symbols[name] = symbol
        self._reader.add(symbol)
        return True

    # Who comes again goes on from what is stored: so that has to be there first.
    async def _settled(self, name: str) -> None:
        while name in self.left and not (self._turn > self.left[name] and self._stock.yard.settled()):
            self._turned.clear()
            await self._turned.wait()
        self.left.pop(name, None)

    async def _restore(self, symbol: Symbol, tapes: Sequence[str], missed: Callable[[str, int, int], None]) -> None:
        store, settings = self._stock.yard.store, self._stock.settings
        span_ns = int(max(settings.backfill_hours, settings.repair_hours) * _HOUR_NS)
        now_ns = self._stock.yard.receipts.now_ns()
        for name in tapes:
            tape, splices = symbol.tapes[name], symbol.splices.get(name)
            if store is not None and await asyncio.to_thread(restore, store, tape, splices, span_ns):
                missed("not recording", tape.last_ns, now_ns)

    def _repairs(self, symbol: Symbol, tapes: Sequence[str]) -> list[Repair]:
        stock, settings = self._stock, self._stock.settings
        calls = {stock.venue.TAPE: stock.venue} | getattr(stock.venue, "OTHER_TAPES", {})
        reach = Reach(
            int(settings.backfill_hours * _HOUR_NS),
            int(max(settings.backfill_hours, settings.repair_hours) * _HOUR_NS),
        )
        return [
            Repair(
                symbol=symbol,
                tape=symbol.tapes[name],
                venue=calls[name],
                bases=stock.bases,
                fetch=self._fetch,
                now_ns=stock.yard.receipts.now_ns,
                reach=reach,
            )
            for name in tapes
            if hasattr(calls.get(name), "recent_trades")
        ]

    def _begin(self, wanted: Wanted, jobs: Jobs) -> None:
        stock, name = self._stock, wanted.symbol
        for task in self._own.pop(name, []):
            task.cancel()
        work: list[Coroutine[object, object, None]] = []
        work += [self._chores.keep_mending(name, repair) for repair in stock.repairs.get(name, ())]
        work += [self._rouse(name)] if work else []
        if hasattr(stock.venue, "polls"):
            polls = stock.venue.polls([wanted], stock.bases, stock.fleet.credentials)
            work += [self._chores.poll(poll) for poll in polls]
        self._own[name] = [jobs.start(job) for job in work]

    async def _rouse(self, name: str) -> None:
        await self._stock.yard.clock.sleep(_FIRST_MEND_S)
        self._stock.mend(name)

    async def _pause(self, error: FootloomError) -> None:
        self._say(f"{error}; trying again in {_AGAIN_S:.0f} s")
        await self._stock.yard.clock.sleep(_AGAIN_S)

    def _refuse(self, names: Sequence[str], text: str) -> None:
        self._stock.trouble |= dict.fromkeys(names, text)
        if names:
            _LOG.info("%s", text)  # whoever shows how it stands says it

    # While others run, the trouble of one that shall be added is not that of the venue.
    def _say(self, text: str, *, error: bool = False) -> None:
        if not self._stock.symbols:
            self._stock.trouble[""] = text
        _LOG.log(logging.ERROR if error else logging.WARNING, "%s", text)

    def use(self, found: Mapping[str, Instrument]) -> None:
        """Let symbols stand on what the venue lists now, and rows find their grid that had none."""
        for name, symbol in self._stock.symbols.items():
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


async def _restore_snapshots(store: Store | None, tape: SnapshotTape | None) -> None:
    if store is not None and tape is not None and await asyncio.to_thread(tape.restore, store):
        tape.missed("not recording", 0)  # all that comes is behind it, also by a clock that was set back
