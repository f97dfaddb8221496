"""One client's interest in the bars of a topic: what has changed since it last looked, in the order of time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from footloom.core.instrument import Instrument
from footloom.engine.frame import ChartFrame
from footloom.errors import FootloomError, NotStored
from footloom.server.compat.bars import Bar, bars_of, last_bar
from footloom.server.live.topics import Topic
from footloom.server.services import Services
from footloom.server.wire.frames import Frame, Message
from footloom.server.wire.messages import TopicRequest

__all__ = ("Follower", "followed")

_NEVER = -(2**63)
_HOLD_S = 3.0  # a bar waits so long for the final numbers of the one before it (its grace is at most 2 s)
_MOST_WAITING = 256  # more changed bars than this are read anew


class Follower:
    """Reads a topic, as `footloom.server.live.topics.Subscriber`.

    ``stale`` says that the bars have to be read anew: older ones changed, or more than a slow reader may leave lying.
    ``ended`` is why there will be no more. ``news`` is set when there is something to look at.
    """

    def __init__(self, services: Services, topic: Topic) -> None:
        self._services = services
        self.topic = topic
        self.news = asyncio.Event()
        self.stale = False
        self.ended: FootloomError | None = None
        self._live = False
        self._changed_ns = _NEVER  # the open time of the first bar that changed since the bars are stale
        self._waiting: dict[int, tuple[ChartFrame, float]] = {}  # by open_ns: the newest form, when it was first seen
        self._taken: dict[int, Bar] = {}  # the newest two bars that were taken

    @property
    def client(self) -> Follower:
        """Itself: it has one topic."""
        return self

    def post_status(self, key: str, said: Message) -> None:
        """Leave the header of the symbol: these wires have none."""

    def post_bar(self, open_ns: int, frame: Frame) -> None:
        """Take note of an open bar."""
        if frame.chart is not None:
            self._note(open_ns, frame.chart)

    def post_event(self, frame: Frame, *, ends_ns: int | None = None) -> None:
        """Take note of a bar that is final, or that changed after it was; gaps are left out."""
        if frame.chart is not None and ends_ns is not None:
            self._note(ends_ns, frame.chart)

    def resnapshot(self, rebuilt: tuple[int, int] | None = None, closed: ChartFrame | None = None) -> None:
        """Take note that the bars have to be read anew; those that are final since are taken one by one."""
        if closed is None:
            self._read_anew(_NEVER if rebuilt is None else rebuilt[0])
            return
        for place in range(len(closed)):
            bar = closed.slice(place, place + 1)
            self._note(bar.open_ns, bar)

    def drop(self, error: FootloomError) -> None:
        """Take note that the topic cannot go on."""
        self.ended = error
        self.news.set()

    async def read(self, most: int) -> tuple[list[Bar], int]:
        """Return the newest bars, oldest first, and from when on bars changed since the last time (ns UTC).

        What changes from here on is news.

        Raises
        ------
        NotStored
            There is none yet.
        """
        topic, history = self.topic, self._services.history
        async with topic.folding:
            frame, changed_ns = topic.builder.frame(most), self._changed_ns
            self._live, self.stale = True, False
            self._changed_ns = _NEVER
            self._waiting.clear()
        if frame is None:
            raise NotStored(f"{topic.chart.key} has no bars yet: wait for its first trade")
        bars = await asyncio.to_thread(bars_of, frame)
        if len(bars) < most and topic.first_ns < bars[0].open_ns:  # a topic holds some sessions; the store holds all
            older = await self._services.run(history.page, topic.chart, None, bars[0].open_ns, most - len(bars))
            bars = [*bars_of(older.frame), *bars]
        self._taken = {bar.open_ns: bar for bar in bars[-2:]}
        return bars, changed_ns

    def take(self) -> list[Bar]:
        """Return the bars that changed, oldest first, each as it stands now.

        A new bar waits until the one before it is final, so that nothing of an older bar comes behind it; where a
        trade was late for even that, the bars are ``stale``.
        """
        now = asyncio.get_running_loop().time()
        found: list[Bar] = []
        for open_ns in sorted(self._waiting):
            chart, since = self._waiting[open_ns]
            before = max((at for at in self._taken if at < open_ns), default=None)
            if before is not None and not self._taken[before].final and now - since < _HOLD_S:
                break
            del self._waiting[open_ns]
            bar = last_bar(chart)
            known = self._taken.get(open_ns)
            if open_ns < max(self._taken, default=open_ns) and (known is None or not bar.same_numbers(known)):
                self._read_anew(min([open_ns, *self._waiting]))
                return []
            self._taken[open_ns] = bar
            if known is None or not bar.same_numbers(known):
                found.append(bar)
        self._taken = dict(sorted(self._taken.items())[-2:])
        if not self._waiting and not self.stale and self.ended is None:
            self.news.clear()
        return found

    def _note(self, open_ns: int, chart: ChartFrame) -> None:
        if not self._live:
            self._changed_ns = min(self._changed_ns, open_ns)
            return
        since = self._waiting[open_ns][1] if open_ns in self._waiting else asyncio.get_running_loop().time()
        self._waiting[open_ns] = (chart, since)
        self.news.set()
        if len(self._waiting) > _MOST_WAITING:
            self._read_anew(min(self._waiting))

    # Also what changes between this and the next `read` counts: a second rebuild may reach farther back.
    def _read_anew(self, from_ns: int) -> None:
        self._changed_ns = min(self._changed_ns, from_ns) if self.stale else from_ns
        self._live, self.stale = False, True
        self._waiting.clear()
        self.news.set()


@asynccontextmanager
async def followed(
    services: Services, key: str, choose: Callable[[Instrument], tuple[str, int]]
) -> AsyncIterator[Follower]:
    """Follow the bars of a symbol, one tick a level; its stream is started where it does not run and can.

    ``choose`` says which bars, and how many of them at least.

    Raises
    ------
    FootloomError
        There is no such symbol, and it cannot be listened to.
    """
    async with AsyncExitStack() as stack:
        key = await _streamed(services, key, stack)
        hub = services.hub
        bars, count = choose(await services.run(_instrument, services, key))
        topic = await hub.open(TopicRequest(symbol=key, bars=bars, ticks_per_level=1), count)
        follower = Follower(services, topic)
        hub.join(topic, follower)
        stack.callback(hub.leave, topic, follower)
        yield follower


def _instrument(services: Services, key: str) -> Instrument:
    return services.history.store.grid(key, services.history.tape_of(key))


# What is stored can be looked at where nothing can be heard, or another process records.
async def _streamed(services: Services, key: str, stack: AsyncExitStack) -> str:
    streams = getattr(services, "streams", None)
    if streams is None:
        return key
    try:
        heard: str = await stack.enter_async_context(streams.use(key))
    except FootloomError:
        try:
            await asyncio.to_thread(services.history.tape_of, key)
        except FootloomError:
            is_stored = False
        else:
            is_stored = True
        if not is_stored:
            raise
        return key
    return heard
