"""Threads of live charts, apart from those of everything else: what is long holds up neither what is short nor a chart.

A chart of years that somebody opens takes a thread for seconds; meanwhile names are looked up, snapshots packed and
late rows folded into the charts that are open. Charts are read for the clients by turns: whoever opens many waits for
itself, and sees first what it asked for last.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any, Final, TypeVar

__all__ = ("ASKER", "fold_late", "look_up", "read_chart")

T = TypeVar("T")

ASKER: Final[ContextVar[int]] = ContextVar("asker", default=0)  # a number that tells one client from another


class _Turns:
    # Threads that take the clients by turns, and of each one's work the newest.
    def __init__(self, threads: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._lock = threading.Lock()
        self._waiting: dict[int, list[tuple[Future[Any], Callable[[], Any]]]] = {}

    def submit(self, asker: int, work: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()
        with self._lock:
            self._waiting.setdefault(asker, []).append((future, work))
        self._pool.submit(self._take)  # one for each, whosever turn it is then
        return future

    def _take(self) -> None:
        with self._lock:
            asker = next(iter(self._waiting))
            mine = self._waiting.pop(asker)
            future, work = mine.pop()
            if mine:
                self._waiting[asker] = mine  # behind the others
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - it is raised where the work is waited for
            future.set_exception(error)


_READING: Final = _Turns(3, "chart-read")
_LOOKING: Final = ThreadPoolExecutor(2, thread_name_prefix="chart-look")
_LATE: Final = ThreadPoolExecutor(2, thread_name_prefix="chart-late")


async def read_chart(work: Callable[..., T], *given: Any) -> T:
    """Return what blocking work gives that reads as much as a chart holds; three at a time, the others wait."""
    return await asyncio.wrap_future(_READING.submit(ASKER.get(), lambda: work(*given)))


async def look_up(work: Callable[..., T], *given: Any) -> T:
    """Return what short work gives: which chart is meant, whether a symbol is stored, a snapshot as bytes."""
    return await asyncio.get_running_loop().run_in_executor(_LOOKING, lambda: work(*given))


async def fold_late(work: Callable[..., T], *given: Any) -> T:
    """Return what the fold of a late row gives, which reads the store: the chart waits for it."""
    return await asyncio.get_running_loop().run_in_executor(_LATE, lambda: work(*given))
