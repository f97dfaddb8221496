"""Which symbols are listened to, and for whom: a stream starts with the first who needs it and ends after the last.

What the command line named runs from the start to the end. Everything that streams is recorded through one journal;
where another process writes to the store, its rows are read as they come instead.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import msgspec

from footloom.errors import ConfigError, FootloomError, StoreLocked, TooMuch, UnknownSymbol
from footloom.feeds.continuous import in_one_spelling, is_continuous
from footloom.feeds.flow import Commit, FeedState
from footloom.feeds.metrics import Figures
from footloom.server.live.board import Board
from footloom.server.live.first_trades import wait_for_trades
from footloom.server.live.lanes import look_up
from footloom.server.live.revival import Revival
from footloom.server.live.stream_settings import LiveFeeds, StreamSettings, check_follows
from footloom.server.live.writer import Writer
from footloom.store.lock import holder_of

__all__ = ("Streams",)

_MOST_LINGERING = 32  # streams that go on for nobody: the oldest make room
_STATES_S = 0.25


class Streams:
    """The streams of one server. Everything here happens on the event loop.

    Parameters
    ----------
    settings
        See `StreamSettings`.
    writer, board
        Where is recorded, and where it is told how they stand.
    publish
        Takes what is received.
    is_stored
        Says, blocking, whether a symbol can be charted from the store.
    failed
        Told the error that ended all streams, and None when they go on or nobody looks any more.
    """

    def __init__(
        self,
        settings: StreamSettings,
        writer: Writer,
        board: Board,
        publish: Callable[[Commit], None],
        is_stored: Callable[[str], bool],
        failed: Callable[[Exception | None], None] = lambda _error: None,
    ) -> None:
        self.settings = settings
        self._writer = writer
        self._board = board
        self._publish = publish
        self._is_stored = is_stored
        self._revival = Revival(self._lost, self._begin_again, failed, settings.retry_s)
        self._held: Counter[str] = Counter()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._running: dict[str, str] = {}  # key -> as the feeds were asked for it
        self._pinned = set(settings.pinned)
        self._with_options: set[str] = set()  # symbols whose options are listened to as well, as somebody asked
        self._feeds: LiveFeeds | None = None
        self._task: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self.holder: str | None = None  # who writes to the store, where it is not this process

    @property
    def keys(self) -> frozenset[str]:
        """The symbols that are listened to."""
        return frozenset(self._running)

    @contextlib.asynccontextmanager
    async def use(self, key: str) -> AsyncIterator[str]:
        """Hold a stream open (see `open`), and yield its key."""
        found = await self.open(key)
        try:
            yield found
        finally:
            self.close(found)

    async def open(self, key: str) -> str:
        """Hold the stream of a symbol open until `close`, and return its key as the venue has it.

        A symbol that is stored is there at once, and goes on as soon as its venue answers. Where no venue sends it, or
        streams are not started on demand, what is stored is all there is.

        Raises
        ------
        UnknownSymbol
            The venue does not list it; the message has near names.
        NotStored
            Nothing is stored of it, and no trade came within ``ready_s``; the message says what the feed says.
        ConfigError
            There is no such venue, or it needs a login.
        StoreLocked
            Another process writes to the store, and has nothing of the symbol.
        """
        self._note_resolved(self.meanings())
        key = self._resolved(key)
        stored = await look_up(self._is_stored, key)
        if stored:
            self._board.note_trades(key)
        self._hold(key)
        try:
            if key not in self._running:
                await self._start(key, is_stored=stored)
            if not stored and key in self._running:
                await self._wait_for_trades(key)
        except BaseException:
            self.close(key)
            raise
        found = self._resolved(key)
        if found != key:
            self._rename(key, found)
        return found

    async def open_beside(self, keys: Sequence[str]) -> list[str]:
        """Hold the streams of others open beside a chart, and return which; studies say which of theirs cannot be."""
        held: list[str] = []
        with contextlib.ExitStack() as undo:  # who gives up while one of them begins holds none
            for key in keys:
                with contextlib.suppress(FootloomError):
                    held.append(await self.open(key))
                    undo.callback(self.close, held[-1])
            undo.pop_all()
        return held

    def close(self, key: str) -> None:
        """Take back one `open`; the stream ends some time after the last."""
        if self._held[key] > 1:
            self._held[key] -= 1
            return
        if self._held.pop(key, 0):
            self._end_later(key)
            if key not in self._running and key not in self._pinned:  # a fault has ended it, or there was no room
                self._board.forget(key)
                self._revival.settle()

    def follow_options(self, key: str, rule: str) -> None:
        """Listen to the options around the money of a key too (``rule``: ``atm±10``), as long as its own stream runs.

        Raises
        ------
        FootloomError
            It cannot be, as `check_follows` says.
        """
        # It runs under the name that it was asked for by, until its venue has said what that means.
        key = next((one for one in self._running if key in {one, self._meant(one)}), self._resolved(key))
        venue, wanted = self.settings.wanted_of(key)
        check_follows(self.settings, key, rule, self.holder, runs=key in self._running)
        if self._feeds is not None and not self._with_options & {key, self._resolved(key)}:
            self._feeds.add(venue, msgspec.structs.replace(wanted, options=rule))
            self._with_options.add(key)

    async def run(self) -> None:
        """Listen to what is pinned, and to what is opened, until cancelled."""
        try:
            if self.settings.pinned:
                await self._begin_pinned()
            await asyncio.Event().wait()
        finally:
            self._revival.stop()
            for timer in self._timers.values():
                timer.cancel()
            await self._finish()

    def state(self) -> Sequence[tuple[str, FeedState]]:
        """Return how every stream stands."""
        return () if self._feeds is None else self._feeds.state()

    def figures(self) -> Figures | None:
        """Return counts and durations of what is listened to, None where nothing is or its feed counts nothing."""
        figures: Callable[[], Figures] | None = getattr(self._feeds, "figures", None)
        return None if figures is None else figures()

    def meanings(self) -> Mapping[str, str]:
        """Return what names of people mean now (``upstox:NIFTY.FUT1``), as far as their venues have said."""
        return {} if self._feeds is None else self._feeds.resolved

    def log_in(self, venue: str, values: Mapping[str, str]) -> None:
        """Go on with new credentials of a venue."""
        if self._feeds is not None and hasattr(self._feeds, "log_in"):
            self._feeds.log_in(venue, values)

    # Who opens another one meanwhile joins these feeds. A fault is told, and they begin again; a slip in a name ends.
    async def _begin_pinned(self) -> None:
        async with self._starting:
            try:
                await self._begin(self.settings.pinned)
            except ConfigError:
                raise
            except Exception:  # noqa: BLE001 - `_note_end` has told it
                return

    def _end_later(self, key: str) -> None:
        if key in self._running and key not in self._pinned:
            self._cancel_timer(key)
            loop = asyncio.get_running_loop()
            self._timers[key] = loop.call_later(self.settings.linger_s, self._end, key)
        while len(self._timers) > _MOST_LINGERING:
            self._end(next(iter(self._timers)))

    def _hold(self, key: str) -> None:
        self._held[key] += 1
        self._cancel_timer(key)

    # A name of people's that the venue has resolved; another may have asked for the symbol by its own name.
    def _rename(self, asked: str, found: str) -> None:
        self._held[asked] -= 1
        self._held += Counter()  # without what nobody holds
        self._hold(found)
        if asked in self._pinned:
            self._pinned.add(found)
        name = self._running.pop(asked, None)
        if name is not None and self._running.setdefault(found, name) != name and self._feeds is not None:
            self._feeds.drop(name)

    # What is pinned runs under the name that its venue has found for it, whoever asked first.
    def _note_resolved(self, meanings: Mapping[str, str]) -> None:
        for asked in self._pinned & meanings.keys():
            found = self._resolved(asked)
            self._pinned.add(found)
            if asked in self._running:
                self._running.setdefault(found, self._running.pop(asked))

    def _cancel_timer(self, key: str) -> None:
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()

    # A continuous future stays its own name: what it means changes while somebody looks at it.
    def _resolved(self, key: str) -> str:
        return in_one_spelling(key) if is_continuous(key) else self._meant(key)

    def _meant(self, key: str) -> str:
        return self.meanings().get(key, key)

    async def _start(self, key: str, *, is_stored: bool) -> None:
        try:
            self.settings.check(key)
        except FootloomError:
            if is_stored:  # what nobody sends can still be looked at
                return
            raise
        async with self._starting:
            if key in self._running:
                return
            full = self._full(key)
            if full:
                self._refuse(key, full, is_stored=is_stored)
            elif self._feeds is None:
                await self._begin((key,))
            else:
                self._add(key)
        if self.holder is not None and not is_stored:
            self._end(key)
            raise StoreLocked(
                f"{key} is not recorded: the store is being written to by {self.holder}; add it there, or stop that "
                "process"
            )

    # Why there is no room for one more stream, "" where there is: one that nobody looks at any more makes some.
    def _full(self, key: str) -> str:
        others = [one for one in self._running if one not in self._pinned]
        if key in self._pinned or len(others) < self.settings.most:
            return ""
        if self._timers:
            self._end(next(iter(self._timers)))
            return ""
        return (
            f"this server listens to {len(others)} symbols for those who look at them, and max_streams is "
            f"{self.settings.most}: close another chart, or raise max_streams where footloom serve runs"
        )

    # What is stored is drawn, and why it stands still is said.
    def _refuse(self, key: str, why: str, *, is_stored: bool) -> None:
        if not is_stored:
            raise TooMuch(f"{key} is not opened: {why}")
        self._board.tell(key, FeedState("stopped", why))

    def _add(self, key: str) -> None:
        assert self._feeds is not None
        venue, wanted = self.settings.wanted_of(key)
        self._feeds.add(venue, wanted)
        self._running[key] = key

    # The store is opened for the first stream, and the journal sealed behind the last.
    async def _begin(self, keys: Sequence[str]) -> None:
        if self._task is not None:  # what ended just now is sealed first
            await asyncio.wait({self._task})
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._follow(keys, ready))
        self._task.add_done_callback(self._note_end)
        await asyncio.wait({self._task, ready}, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            ready.cancel()
            self._task.result()

    async def _follow(self, keys: Sequence[str], ready: asyncio.Future[None]) -> None:
        async with contextlib.AsyncExitStack() as stack:
            try:
                store = await stack.enter_async_context(self._writer.lease())
            except StoreLocked as locked:
                self.holder = holder_of(locked)
                feeds = self.settings.beside(self.holder)
                for key in keys:
                    feeds.add(*self.settings.wanted_of(key))
            else:
                self.holder = None
                feeds = self.settings.make(store, [self.settings.wanted_of(key) for key in keys])
            self._feeds = feeds
            self._running |= dict(zip(keys, keys, strict=True))
            for key in keys:
                if key not in self._held:  # whoever opened it went away while the store was opened
                    self._end_later(key)
            telling = asyncio.create_task(self._tell(feeds))
            ready.set_result(None)
            try:
                await feeds.run(self._give)
            finally:
                telling.cancel()
                self._note_resolved(feeds.resolved)
                if self._feeds is feeds:
                    self._feeds, self._running, self._with_options = None, {}, set()

    def _give(self, commit: Commit) -> None:
        self._publish(commit)
        self._revival.note_commit()

    def _note_end(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            for key in list(self._timers):  # nobody looks at it: it does not begin again
                self._cancel_timer(key)
                self._board.forget(key)
            self._revival.note_fault(error)

    # What is pinned is asked for by the name that was given, which the venue may have resolved to another.
    def _lost(self) -> list[str]:
        runs = {*self._running, *self._running.values()}
        looked_at = [key for key in self._held if key not in self._pinned and self.settings.sends(key)]
        return [key for key in (*self.settings.pinned, *looked_at) if key not in runs]

    async def _begin_again(self, keys: Sequence[str]) -> None:
        async with self._starting:
            wanted = self._lost()
            lost = [key for key in keys if key in wanted]
            if lost and self._feeds is None:
                await self._begin(lost)
            else:
                for key in lost:
                    self._add(key)

    async def _tell(self, feeds: LiveFeeds) -> None:
        while True:
            states = feeds.state()
            self._board.tell_all(states, feeds.resolved, self._running)
            if any(state.phase == "live" for _, state in states):
                self._revival.note_live()
            await asyncio.sleep(_STATES_S)

    async def _wait_for_trades(self, key: str) -> None:
        try:
            await wait_for_trades(self._board, key, lambda: self._meant(key), self.state, self.settings.ready_s)
        except (ConfigError, UnknownSymbol):  # its feed has ended
            if key not in self._pinned:
                self._end(key)
            raise

    def _end(self, key: str) -> None:
        self._cancel_timer(key)
        name = self._running.pop(key, None)
        if self._feeds is None or name is None:
            return
        names = {key, name, self._meant(key)}
        self._feeds.drop(name)
        if known := self._with_options & names:  # asked for twice
            self._with_options -= known
            self._feeds.drop(name)
        for one in names - self._running.keys():
            self._board.forget(one)
        if not self._running and self._task is not None:
            self._feeds = None
            self._task.cancel()  # it writes what is left, and seals

    async def _finish(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
