"""What a venue's feed does again and again beside its sockets: polls, the venue's clock, fresh books."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from footloom.core.book import Chain
from footloom.errors import FootloomError
from footloom.feeds._symbol import Symbol
from footloom.feeds.backfill import Repair
from footloom.feeds.clock import Clock
from footloom.venues._venue import Bases, Poll, Request

__all__ = ("Chores",)

_LOG = logging.getLogger(__name__)

_AGAIN_S = 5.0
_LATER_S = 2.0
_PASSES, _PASSES_S = 3, 3.0  # a tape is mended at once, but not more often than so
_CLOCK_S = 60.0
_BOOK_S, _LONGEST_BOOK_S = 0.5, 30.0
_POLLS_A_SECOND = 4  # of all symbols: a tenth of the smallest rate limit
_SENT_S = 5.0  # so long a book that was asked for on the socket may take


@dataclass(slots=True)
class Chores:
    """The repeated calls of one venue.

    ``offset_ms`` is how far our clock is ahead of the venue's, None until it has said. ``book_broken`` is set by
    whoever sees that a book needs a snapshot. ``fetch`` makes a call with a share of the rate limit, ``send`` sends a
    text on the socket that carries a symbol's book, ``take`` takes in a message. What is
    wrong with a symbol goes into ``trouble``, in words.
    """

    venue: Any
    bases: Bases
    symbols: Mapping[str, Symbol]
    fetch: Callable[[Request, float], Awaitable[bytes]]
    send: Callable[[str, str], None]
    take: Callable[[Any], None]
    clock: Clock
    now_ns: Callable[[], int]
    trouble: dict[str, str]
    offset_ms: float | None = None
    book_broken: asyncio.Event = field(default_factory=asyncio.Event)

    async def poll(self, poll: Poll) -> None:
        """Ask again and again, ever more seldom the more symbols there are; the answers go the way of messages."""
        while True:
            try:
                document = await self.fetch(poll.request, 1.0)
                for message in self.venue.read_poll(document, poll.symbol, self.now_ns()):
                    self.take(message)
            except FootloomError as error:
                _LOG.warning("%s:%s: %s", self.venue.VENUE, poll.symbol, error)
            await self.clock.sleep(max(poll.every_s, len(self.symbols) / _POLLS_A_SECOND))

    async def keep_time(self) -> None:
        """Measure how far our clock is ahead of the venue's, by the middle of a call."""
        if not hasattr(self.venue, "server_time"):
            return
        while True:
            try:
                asked_ns = self.now_ns()
                document = await self.fetch(self.venue.server_time(self.bases), 1.0)
                middle_ns = (asked_ns + self.now_ns()) // 2
                self.offset_ms = (middle_ns - self.venue.read_time(document)) / 1e6
            except FootloomError as error:
                _LOG.info("the clock of %s is not known: %s", self.venue.VENUE, error)
            await self.clock.sleep(_CLOCK_S)

    async def keep_mending(self, name: str, repair: Repair) -> None:
        """Mend a tape whenever that is asked for; after the first time, fetch the past behind it beside."""
        back: asyncio.Task[None] | None = None
        begun_ns: deque[int] = deque(maxlen=_PASSES)
        try:
            while True:
                await repair.asked.wait()
                if len(begun_ns) == _PASSES:  # one page brings all that is lost meanwhile
                    passed_s = (self.clock.monotonic_ns() - begun_ns[0]) / 1e9
                    await self.clock.sleep(max(0.0, _PASSES_S - passed_s))
                repair.asked.clear()
                begun_ns.append(self.clock.monotonic_ns())
                await self._persist(name, "what was missed", repair.after_connecting)
                if repair.unfinished:
                    await self.clock.sleep(_LATER_S)
                    repair.asked.set()
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
                self.trouble[name] = f"{what} cannot be fetched: {error}; trying again in {wait_s:.0f} s"
                _LOG.warning("%s:%s: %s", self.venue.VENUE, name, self.trouble[name])
                await self.clock.sleep(wait_s)
            else:
                self.trouble.pop(name, None)
                return

    async def keep_auditing(
        self, repairs: Mapping[str, Sequence[Repair]], every_s: float, behind_s: Callable[[], float]
    ) -> None:
        """Look again and again whether trades are missing that no id tells of.

        ``behind_s`` is how long the oldest message waits to be read: what waits since the last time is not missing.
        """
        while True:
            await self.clock.sleep(every_s)
            if behind_s() > every_s / 2:
                continue
            for name, repair in [(name, one) for name, every in repairs.items() for one in every]:
                try:
                    await repair.audit()
                except FootloomError as error:
                    _LOG.info("%s:%s %s: not audited: %s", self.venue.VENUE, name, repair.tape.tape, error)

    async def keep_books(self) -> None:
        """Fetch a snapshot for every book that needs one, whatever becomes of the others."""
        under_way: dict[str, asyncio.Task[None]] = {}
        try:
            while True:
                await self.book_broken.wait()
                self.book_broken.clear()
                for name, task in list(under_way.items()):
                    if task.done():
                        del under_way[name]
                        task.result()
                for name, symbol in self.symbols.items():
                    if symbol.book is not None and symbol.book.wants_snapshot and name not in under_way:
                        under_way[name] = asyncio.create_task(self._keep_book(name, symbol))
        finally:
            for task in under_way.values():
                task.cancel()
            await asyncio.gather(*under_way.values(), return_exceptions=True)

    # A snapshot that does not help is asked for again, ever later.
    async def _keep_book(self, name: str, symbol: Symbol) -> None:
        wait_s = _BOOK_S
        while self.symbols.get(name) is symbol and symbol.book is not None and symbol.book.wants_snapshot:
            await self._renew(name, symbol)
            await self.clock.sleep(wait_s)
            wait_s = min(wait_s * 2, _LONGEST_BOOK_S)

    async def _renew(self, name: str, symbol: Symbol) -> None:
        book = symbol.book
        assert book is not None
        if self.venue.BOOK is Chain.COUNTED or not hasattr(self.venue, "book_snapshot"):
            if book.breaks and hasattr(self.venue, "renew_book"):
                for text in self.venue.renew_book(symbol.wanted):
                    self.send(name, text)
                await self.clock.sleep(_SENT_S)
            return
        try:
            document = await self.fetch(self.venue.book_snapshot(name, self.bases), 1.0)
            book.add(self.venue.read_book(document, name, self.now_ns()))
        except FootloomError as error:
            _LOG.warning("%s: the order book cannot be fetched: %s", symbol.key, error)
