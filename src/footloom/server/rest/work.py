"""Blocking work of requests, beside the event loop: a few at a time, dropped when nobody waits for it any more."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

from litestar import Request

from footloom.errors import Overloaded, TookTooLong
from footloom.server.stored.abandon import abandonable

__all__ = ("ClientGone", "Work", "while_connected")

T = TypeVar("T")

THREADS = 3
MOST_WAITING = 64
LIMIT_S = 60.0
_LONG_S = 0.25
_SHARE = 4  # an address may take one place in so many: the others are left to everybody else

_address: ContextVar[str] = ContextVar("address", default="")


class ClientGone(Exception):
    """Nobody is left to answer."""


@dataclass(eq=False)
class _Job:
    # Work of one request, for whom, and where its answer goes.
    begin: Callable[[], Any]
    client: str
    done: asyncio.Future[Any]
    stopped: threading.Event
    has_begun: bool = False
    lending: asyncio.TimerHandle | None = None
    has_lent: bool = False


class _Lane:
    """Threads that take the clients by turns, so that whoever asks for much waits for itself.

    Work that takes long lends its place to what waits, as long as a spare thread is there: nobody knows before how long
    it takes, and what takes a moment shall not wait for it.
    """

    def __init__(self, threads: int, name: str, ended: Callable[[_Job], None], spare: int = 0) -> None:
        self._pool = ThreadPoolExecutor(threads + spare, thread_name_prefix=name)
        self._free, self._spare, self._lends = threads, spare, bool(spare)
        self._most_of_one = max(1, threads - 1)  # one is left for somebody else
        self._ended = ended
        self._waiting: dict[str, deque[_Job]] = {}
        self._busy: Counter[str] = Counter()

    def put(self, job: _Job) -> None:
        """Take a job; it begins when it is its client's turn."""
        self._waiting.setdefault(job.client, deque()).append(job)
        self._begin()

    def drop(self, job: _Job) -> None:
        """Forget a job that has not begun."""
        mine = self._waiting.get(job.client)
        if mine is not None and job in mine:
            mine.remove(job)
            if not mine:
                del self._waiting[job.client]

    def close(self) -> list[_Job]:
        """Begin nothing more; return what waited."""
        left = [job for mine in self._waiting.values() for job in mine]
        self._waiting.clear()
        self._pool.shutdown(wait=False, cancel_futures=True)
        return left

    def _begin(self) -> None:
        while self._free and (client := self._next()) is not None:
            mine = self._waiting.pop(client)
            job = mine.popleft()
            if mine:
                self._waiting[client] = mine  # behind the others
            self._free -= 1
            self._busy[client] += 1
            job.has_begun = True
            if self._lends:
                self._lend_later(job)
            waiting = asyncio.wrap_future(self._pool.submit(job.begin))
            waiting.add_done_callback(functools.partial(self._end, job))

    # Who waits longest of those that have a thread left to them; work of the server itself has no client.
    def _next(self) -> str | None:
        turns = (client for client in self._waiting if not client or self._busy[client] < self._most_of_one)
        return next(turns, None)

    def _lend_later(self, job: _Job) -> None:
        job.lending = asyncio.get_running_loop().call_later(_LONG_S, self._lend, job)

    def _lend(self, job: _Job) -> None:
        if not self._spare:
            self._lend_later(job)
            return
        self._spare -= 1
        job.has_lent = True
        self._give_up_place(job)
        self._begin()

    def _give_up_place(self, job: _Job) -> None:
        self._free += 1
        self._busy[job.client] -= 1
        self._busy += Counter()  # without those that have nothing under way

    def _end(self, job: _Job, ended: asyncio.Future[Any]) -> None:
        if job.lending is not None:
            job.lending.cancel()
        if job.has_lent:
            self._spare += 1
        else:
            self._give_up_place(job)
        self._ended(job)
        error = None if ended.cancelled() else ended.exception()
        if not job.done.done():
            if ended.cancelled():
                job.done.cancel()
            elif error is None:
                job.done.set_result(ended.result())
            else:
                job.done.set_exception(error)
        self._begin()


class Work:
    """Threads of requests. Clients are taken by turns, and none has all threads.

    Parameters
    ----------
    threads
        How many work at a time, twice as many where some take long. One more is kept for what is known to be short, and
        one for what is known to be large: that waits for a process of its own, and one at a time is answered there.
    most_waiting
        How many may wait for one of them; who comes then is told to come again.
    limit_s
        How long a request may wait and work.
    """

    def __init__(self, threads: int = THREADS, most_waiting: int = MOST_WAITING, limit_s: float = LIMIT_S) -> None:
        self._long = _Lane(threads, "rest", self._end, spare=threads)
        self._short = _Lane(1, "rest-short", self._end)
        self._large = _Lane(1, "rest-large", self._end)
        self._most = threads + most_waiting
        self._share = max(1, self._most // _SHARE)
        self._limit_s = limit_s
        self._running: set[_Job] = set()
        self._is_closed = False

    @property
    def running(self) -> int:
        """How many requests wait or work."""
        return len(self._running)

    async def run(self, work: Callable[[], T], *, short: bool = False, large: bool = False) -> T:
        """Return what blocking work gives; whoever is cancelled meanwhile takes the work along.

        ``short`` work reads little (which chart is meant, what is stored): it waits for no long work. ``large`` work
        reads millions of rows: nothing else waits for it.

        Raises
        ------
        Overloaded
            Too many wait already, of all addresses or of this one.
        TookTooLong
            It was given up.
        """
        client = _address.get()
        self._check_room(client)
        stopped = threading.Event()

        def begin() -> T:
            with abandonable(stopped):
                return work()

        job = _Job(begin, client, asyncio.get_running_loop().create_future(), stopped)
        lane = self._short if short else self._large if large else self._long
        self._running.add(job)
        lane.put(job)
        try:
            found: T = await asyncio.wait_for(asyncio.shield(job.done), self._limit_s)
        except TimeoutError:
            raise TookTooLong(
                f"this was given up after {self._limit_s:g} s: ask for a shorter range or for fewer bars"
            ) from None
        else:
            return found
        finally:
            stopped.set()
            job.done.cancel()
            if not job.has_begun:  # it never will
                lane.drop(job)
                self._end(job)

    def _check_room(self, client: str) -> None:
        if self._is_closed:
            raise Overloaded("the server is about to stop")
        mine = sum(job.client == client for job in self._running)
        if client and mine >= self._share:
            raise Overloaded(
                f"{mine} requests from your address wait already, its share of {self._most}: try again in a few "
                "seconds, and ask for fewer at a time",
                2.0,
            )
        if len(self._running) >= self._most:
            raise Overloaded(f"{len(self._running)} requests wait already: try again in a few seconds", 2.0)

    def _end(self, job: _Job) -> None:
        self._running.discard(job)

    def close(self) -> None:
        """Drop what waits, and end what works at its next checkpoint."""
        self._is_closed = True
        for job in self._running:
            job.stopped.set()
        for job in (*self._long.close(), *self._short.close(), *self._large.close()):
            if not job.done.done():
                job.done.set_exception(Overloaded("the server is about to stop"))


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
