"""What the routes of one server share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import ParamSpec, Self, TypeVar

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
        self.hub.publish(commit)

    def warm(self) -> int:
        """Do once what the first requests would wait for: compile, import, choose study steps; return the symbols."""
        symbols = self.history.symbols()
        for instrument, _ in symbols:
            chart = self.history.resolve(TopicRequest(symbol=instrument.key))
            page = self.history.page(chart, None, None, _WARM_BARS)
            encode(page.frame, "snapshot")
            seed = self.history.seed(chart, _WARM_BARS)
            status = SymbolStatus(chart.instrument)
            status.fold(seed.trades)
            self.hub.watch(chart.key, status)
        return len(symbols)

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run blocking work of a request off the event loop; a few at a time, the others wait."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: work(*args, **kwargs))

    def close(self) -> None:
        """Stop the hub and the threads; what still runs in them is not waited for."""
        self.hub.close()
        self._threads.shutdown(wait=False, cancel_futures=True)
