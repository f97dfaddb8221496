"""What the routes of one server share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from footloom.server.history import History
from footloom.server.hub import Hub
from footloom.server.pages import Bundle

__all__ = ("Services",)

P = ParamSpec("P")
T = TypeVar("T")

_REQUEST_THREADS = 2


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
    _threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(_REQUEST_THREADS, thread_name_prefix="request")
    )

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run blocking work of a request off the event loop; a few at a time, the others wait."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: work(*args, **kwargs))

    def close(self) -> None:
        """Stop the hub and the threads; what still runs in them is not waited for."""
        self.hub.close()
        self._threads.shutdown(wait=False, cancel_futures=True)
