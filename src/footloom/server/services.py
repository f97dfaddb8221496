"""What the routes of one server share."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ParamSpec, Protocol, Self, TypeVar

from footloom.errors import FootloomError, StoreError
from footloom.feeds.flow import Commit, FeedState
from footloom.server.clients.allowance import Limits
from footloom.server.clients.session import Session
from footloom.server.live.hub import Hub
from footloom.server.live.stream_settings import StreamSettings
from footloom.server.live.streams import Streams
from footloom.server.live.symbol_state import status_of
from footloom.server.live.warming import compile_beside, warm_kernels, warm_other_bars
from footloom.server.live.writer import Writer
from footloom.server.memory import give_back_freed
from footloom.server.pages import Bundle
from footloom.server.stored.rolled import RolledHistory
from footloom.server.troubles import feed_stopped, found_at_start, not_recorded, not_sealed, rows_given_up, rows_refused
from footloom.server.wire.codec import encode
from footloom.server.wire.messages import TopicRequest
from footloom.store import Store

if TYPE_CHECKING:  # it brings HTTP and the brokers along, which a server of stored charts does without
    from footloom.server.access.logins import Logins
    from footloom.server.stored.aside import Aside
    from footloom.server.stored.candles import Shelf
    from footloom.server.stored.catalogue import Catalogue

__all__ = ("Feeds", "Services")

_LOG = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")

_REQUEST_THREADS = 2
_WARM_BARS = 10
_BEHIND_FIRST_S = 1.5  # a page has drawn its chart and asked for its history
_STATES_S = 0.25


class Feeds(Protocol):
    """Live sources of several symbols, as `footloom.feeds.recorder.Recorder` is."""

    async def run(self, publish: Callable[[Commit], None]) -> None:
        """Receive, record and publish until cancelled."""

    def state(self) -> Sequence[tuple[str, FeedState]]:
        """Return how the feed of every symbol stands, in the order in which they were asked for."""


@dataclass(eq=False)
class Services:
    """The store's charts, the live hub and the page.

    ``trouble`` says what is wrong, in words, while something is: `health` tells it, and so does every header.
    ``writer`` is where this process writes to its store, ``streams`` what is listened to (`listen_to_venues`).
    ``sessions`` are the clients of our own WebSocket, ``visitors`` counts those of the older wires.
    ``logins``, ``shelf`` (candles of venues without a history of trades) and ``catalogue`` (what venues list) are for
    servers that listen to venues.
    """

    history: RolledHistory
    hub: Hub
    bundle: Bundle
    fed: set[str] = field(default_factory=set)  # symbols of feeds that this process runs by itself, as the demo does
    writer: Writer | None = None
    streams: Streams | None = None
    limits: Limits = field(default_factory=Limits)
    trouble: dict[str, str] = field(default_factory=dict)
    logins: Logins | None = None
    shelf: Shelf | None = None
    catalogue: Catalogue | None = None
    asides: Sequence[Aside] = ()  # the processes for large requests, of a server with a REST side
    sessions: set[Session] = field(default_factory=set)
    visitors: int = 0
    on_close: list[Callable[[], object]] = field(default_factory=list)
    _store: Store | None = None
    _loop: asyncio.AbstractEventLoop | None = None
    _was_visited: bool = False
    _threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(_REQUEST_THREADS, thread_name_prefix="request")
    )

    @classmethod
    def over(cls, store: Store, live: Collection[str] = ()) -> Self:
        """Return the services of a store, with the page read into memory."""
        give_back_freed()
        history = RolledHistory(store)
        services = cls(history, Hub(history), Bundle.read(), set(live))
        try:
            found = found_at_start(store.recovery)
        except StoreError:  # open for reading only: another process records, and knows
            return services
        services._store = store
        services._tell("start", found)
        return services

    @property
    def live(self) -> frozenset[str]:
        """The symbols whose feed runs in this process."""
        return frozenset(self.fed) if self.streams is None else self.streams.keys | self.fed

    def heard(self, key: str) -> frozenset[str]:
        """Return which tapes of a symbol are listened to, where its feed runs here: they may yet say something.

        Blocking: a login may be read for it. Of a venue whose login has ended nothing more comes.
        """
        if self.streams is None or key not in self.streams.keys:
            return frozenset()
        with contextlib.suppress(FootloomError):
            return self.streams.settings.wanted_of(key)[1].streams
        return frozenset()

    @property
    def clients(self) -> int:
        """How many are connected and told what happens."""
        return len(self.sessions) + self.visitors

    def welcome(self, session: Session) -> None:
        """Note a client; a while behind the first one's chart, what charts of other bars need is loaded."""
        self.sessions.add(session)
        if not self._was_visited:
            self._was_visited = True
            asyncio.get_running_loop().call_later(_BEHIND_FIRST_S, self._warm_behind)

    def _warm_behind(self) -> None:
        with contextlib.suppress(RuntimeError):  # about to stop
            self._threads.submit(warm_other_bars)

    @contextlib.contextmanager
    def visiting(self) -> Iterator[None]:
        """Count a client of an older wire."""
        self.visitors += 1
        try:
            yield
        finally:
            self.visitors -= 1

    @property
    def writes(self) -> Store | None:
        """The store where this process writes to it now."""
        return self._store if self.writer is None else self.writer.store

    def publish(self, commit: Commit) -> None:
        """Give a commit to the hub, and say in `health` and in the headers whether it could be recorded and sealed."""
        writes = self.writes
        self._tell("journal", None if commit.recorded else not_recorded(writes))
        if commit.losses.refused:
            self._tell("refused", rows_refused(commit.losses.refused))
        if commit.losses.given_up:
            self._tell("given_up", rows_given_up(commit.losses.given_up))
        if writes is not None:
            error = writes.seal_error
            self._tell("seal", None if error is None else not_sealed(error))
        self.hub.publish(commit)

    def _tell(self, what: str, text: str | None) -> None:
        if self.trouble.get(what) == text:
            return
        if text is None:
            del self.trouble[what]
        else:
            self.trouble[what] = text
        self.hub.tell_notes(tuple(said for name, said in sorted(self.trouble.items()) if name != "feed"))

    def listen_to_venues(self, logins: Logins, shelf: Shelf, catalogue: Catalogue | None = None) -> None:
        """Offer what only a server that listens to venues has."""
        self.logins, self.shelf, self.catalogue = logins, shelf, catalogue
        self.history.has_candles = shelf.has

    def stream(self, settings: StreamSettings, writer: Writer) -> Streams:
        """Let clients open streams, which are recorded through ``writer``."""
        writer.opened = self._note_opened
        self.writer = writer
        told = functools.partial(self.feed_failed, again=True)
        self.streams = Streams(settings, writer, self.hub.board, self.publish, self.history.can_chart, told)
        self.hub.meanings = self.streams.meanings
        return self.streams

    # What opening found, and what of it is damaged; called in a thread.
    def _note_opened(self, store: Store) -> None:
        for text in store.recovery.texts:
            _LOG.warning("%s: %s", store.where, text)
        found = found_at_start(store.recovery)
        if self._loop is None:
            self._tell("start", found)
        else:
            self._loop.call_soon_threadsafe(self._tell, "start", found)

    async def follow(self, feeds: Feeds) -> None:
        """Run live feeds to their end, and tell all the time how they stand; symbols may come while they run."""
        for row in self.history.store.coverage():
            if row.rows and row.key in self.live:
                self.hub.board.note_trades(row.key)
        telling = asyncio.create_task(self._tell_states(feeds))
        try:
            await feeds.run(self._publish_fed)
        finally:
            telling.cancel()

    # Who is told by the hub how a feed stands, and asks then, finds the symbol among the live ones.
    def _publish_fed(self, commit: Commit) -> None:
        if commit.state is not None:
            self.fed.add(commit.key)
        self.publish(commit)

    async def _tell_states(self, feeds: Feeds) -> None:
        while True:
            for key, state in feeds.state():
                self.fed.add(key)
                self.hub.board.tell(key, state)
            await asyncio.sleep(_STATES_S)

    async def feed(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run a feed to its end; where that is an error, health and headers say so and the page stays up."""
        self._loop = asyncio.get_running_loop()
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - what is stored can still be looked at
            _LOG.exception("the feed stopped")
            self.feed_failed(error)

    def feed_failed(self, error: Exception | None, *, again: bool = False) -> None:
        """Say in `health` and in the headers that nothing is received any more, and why; with None, that it goes on.

        ``again`` says that it is tried again by itself.
        """
        text = None if error is None else feed_stopped(error, again=again)
        if text is None:
            self.trouble.pop("feed", None)
        else:
            self.trouble["feed"] = text
        self.hub.tell_trouble(text)

    def warm(self) -> int:
        """Do once what the first page would wait for: compile, choose its study step; return the number of symbols.

        Call it before any feed runs.
        """
        self.warm_kernels()
        return self.warm_chart()

    def warm_kernels(self) -> None:
        """Compile, or load, what every live chart needs; the rest beside, in a process that ends with this one."""
        warm_kernels()
        if (compiling := compile_beside()) is not None:
            self.on_close += [compiling.kill, compiling.wait]

    def warm_chart(self) -> int:
        """Make the first picture of the first symbol, a live one where there is one; return the number of symbols."""
        symbols = self.history.symbols()
        first = sorted(symbols, key=lambda row: row[0].key not in self.live)[:1]
        for instrument, _ in first:
            chart = self.history.resolve(TopicRequest(symbol=instrument.key))
            seed = self.history.seed(chart, _WARM_BARS)
            frame = seed.builder.frame(_WARM_BARS)
            if frame is not None:
                encode(frame, "snapshot")
            self.hub.watch(chart.key, status_of(chart, seed))
        return len(symbols)

    async def warm_others(self) -> None:
        """Do the same for the other live symbols, while the feed runs: their default topics start and wait a while."""
        for key in sorted(self.live):
            try:
                await self.hub.open(TopicRequest(symbol=key), _WARM_BARS)
            except FootloomError as error:
                _LOG.warning("%s cannot be shown: %s", key, error)

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run blocking work of a request off the event loop; a few at a time, the others wait."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: work(*args, **kwargs))

    def close(self) -> None:
        """Stop the hub and the threads; what still runs in them is not waited for."""
        for call in self.on_close:
            call()
        self.hub.close()
        self._threads.shutdown(wait=False, cancel_futures=True)
