"""What the routes of one server share."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import ParamSpec, Self, TypeVar

from footloom.errors import FootloomError
from footloom.feeds.flow import Commit
from footloom.server.history import History
from footloom.server.hub import Hub
from footloom.server.messages import TopicRequest
from footloom.server.pages import Bundle
from footloom.server.session import Session
from footloom.server.status import SymbolStatus
from footloom.server.wire import encode
from footloom.store import Store

__all__ = ("Services",)

_LOG = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")

_REQUEST_THREADS = 2
_WARM_BARS = 10


@dataclass(eq=False)
class Services:
    """The store's charts, the live hub and the page.

    ``live`` holds the keys of symbols whose feed runs in this process. ``trouble`` says what is wrong, in words, while
    something is.
    """

    history: History
    hub: Hub
    bundle: Bundle
    live: frozenset[str] = frozenset()
    trouble: dict[str, str] = field(default_factory=dict)
    sessions: set[Session] = field(default_factory=set)
    _threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(_REQUEST_THREADS, thread_name_prefix="request")
    )

    @classmethod
    def over(cls, store: Store, live: Collection[str] = ()) -> Self:
        """Return the services of a store, with the page read into memory."""
        history = History(store)
        return cls(history, Hub(history), Bundle.read(), frozenset(live))

    def publish(self, commit: Commit) -> None:
        """Give a commit to the hub, and say in `health` whether it could be recorded."""
        if commit.recorded:
            self.trouble.pop("journal", None)
        else:
            self.trouble["journal"] = "what is received is not recorded: the log says why"
        if commit.refused:
            rows = f"{commit.refused:,} received rows were refused by the store and are not recorded"
            self.trouble["refused"] = f"{rows}: the log says why"
        self.hub.publish(commit)

    async def feed(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run a feed to its end; where that is an error, health and headers say so and the page stays up."""
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - what is stored can still be looked at
            _LOG.exception("the feed stopped")
            self.feed_failed(error)

    def feed_failed(self, error: Exception) -> None:
        """Say in `health` and in the headers that nothing is received any more, and why."""
        reason = str(error) if isinstance(error, FootloomError) else f"{type(error).__name__}, the log says where"
        text = f"the feed stopped, nothing is received or recorded: {reason}; start footloom again"
        self.trouble["feed"] = text
        self.hub.tell_trouble(text)

    def warm(self) -> int:
        """Do once what the first page would wait for: compile, choose its study step; return the number of symbols.

        Call it before any feed runs.
        """
        symbols = self.history.symbols()
        for instrument, _ in symbols[:1]:
            chart = self.history.resolve(TopicRequest(symbol=instrument.key))
            seed = self.history.seed(chart, _WARM_BARS)
            frame = seed.builder.frame(_WARM_BARS)
            if frame is not None:
                encode(frame, "snapshot")
            status = SymbolStatus(chart.instrument)
            status.fold(seed.trades)
            self.hub.watch(chart.key, status)
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
        self.hub.close()
        self._threads.shutdown(wait=False, cancel_futures=True)
