"""Blocking work of requests, beside the event loop: a few at a time, dropped when nobody waits for it any more."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any, TypeVar

from litestar import Request

from footloom.errors import Overloaded, TookTooLong
from footloom.server.stored.abandon import abandonable

__all__ = ("ClientGone", "Work", "while_connected")

T = TypeVar("T")

THREADS = 2
MOST_WAITING = 64
LIMIT_S = 60.0
_SHARE = 4  # an address may take one place in so many: the others are left to everybody else

_address: ContextVar[str] = ContextVar("address", default="")


class ClientGone(Exception):
    """Nobody is left to answer."""


class Work:
    """Threads of requests.

    Parameters
    ----------
    threads
        How many work at a time.
    most_waiting
        How many may wait for one of them; who comes then is told to come again.
    limit_s
        How long a request may wait and work.
    """

    def __init__(self, threads: int = THREADS, most_waiting: int = MOST_WAITING, limit_s: float = LIMIT_S) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="rest")
        self._most = threads + most_waiting
        self._share = max(1, self._most // _SHARE)
        self._limit_s = limit_s
        self._running: dict[threading.Event, str] = {}  # for whose address

    @property
    def running(self) -> int:
        """How many requests wait or work."""
        return len(self._running)

    async def run(self, work: Callable[[], T]) -> T:
        """Return what blocking work gives; whoever is cancelled meanwhile takes the work along.

        Raises
        ------
        Overloaded
            Too many wait already, of all addresses or of this one.
        TookTooLong
            It was given up.
        """
        address = _address.get()
        mine = sum(other == address for other in self._running.values())
        if address and mine >= self._share:
            raise Overloaded(
                f"{mine} requests from your address wait already, its share of {self._most}: try again in a few "
                "seconds, and ask for fewer at a time",
                2.0,
            )
        if len(self._running) >= self._most:
            raise Overloaded(f"{len(self._running)} requests wait already: try again in a few seconds", 2.0)
        stopped = threading.Event()
        self._running[stopped] = address

        def begin() -> T:
            with abandonable(stopped):
                return work()

        try:
            future = self._pool.submit(begin)
        except RuntimeError:
            del self._running[stopped]
            raise Overloaded("the server is about to stop") from None
        waiting = asyncio.wrap_future(future)
        waiting.add_done_callback(lambda done: self._end(stopped, done))
        try:
            return await asyncio.wait_for(asyncio.shield(waiting), self._limit_s)
        except TimeoutError:
            raise TookTooLong(
                f"this was given up after {self._limit_s:g} s: ask for a shorter range or for fewer bars"
            ) from None
        finally:
            stopped.set()
            future.cancel()  # what has not begun never will

    def _end(self, stopped: threading.Event, done: asyncio.Future[Any]) -> None:
        self._running.pop(stopped, None)
        if not done.cancelled():
            done.exception()  # that of work which nobody waits for is nobody's

    def close(self) -> None:
        """Drop what waits, and end what works at its next checkpoint."""
        for stopped in list(self._running):
            stopped.set()
        self._pool.shutdown(wait=False, cancel_futures=True)


async def while_connected(request: Request[Any, Any, Any], work: Coroutine[Any, Any, T]) -> T:
    """Return what ``work`` gives, as long as the client waits for it; it counts for the client's address.

    Raises
    ------
    ClientGone
        It has gone, and the work was dropped.
    """
    token = _address.set(request.client.host if request.client else "")
    working = asyncio.ensure_future(work)  # it takes the address along
    _address.reset(token)
    leaving = asyncio.ensure_future(_leave(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientGone
        return working.result()
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _leave(request: Request[Any, Any, Any]) -> None:
    while True:
        event = await request.receive()
        if event["type"] == "http.disconnect":
            return
