"""The one place of a server that writes to its store: opened for the first who needs it, sealed after the last.

Streams that charts opened, imports and fetches share it, so that none of them stands in another's way.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TypeVar

from footloom.errors import FootloomError
from footloom.store import Store

__all__ = ("Writer",)

_LOG = logging.getLogger(__name__)
T = TypeVar("T")


class Writer:
    """A store that is open for writing while anyone holds a lease on it.

    Parameters
    ----------
    open_store
        Opens the store for writing; blocking. `StoreLocked`, which names who writes, is passed on.
    opened
        Called with the store each time it was opened, in the thread that opened it.

    Examples
    --------
    ::

        async with services.writer.lease() as store:
            await asyncio.to_thread(store.append, rows)
    """

    def __init__(self, open_store: Callable[[], Store], opened: Callable[[Store], None] = lambda _store: None) -> None:
        self._open_store = open_store
        self.opened = opened
        self._lock = threading.Lock()
        self._leases = 0
        self._store: Store | None = None

    @property
    def store(self) -> Store | None:
        """The store while it is open for writing, None while nobody writes."""
        return self._store

    @property
    def leases(self) -> int:
        """How many hold it open."""
        return self._leases

    @contextlib.asynccontextmanager
    async def lease(self) -> AsyncIterator[Store]:
        """Hold the store open for writing; the last one to leave seals and closes it.

        Raises
        ------
        StoreLocked
            Another process writes to it; the message says which.
        StoreError
            It cannot be opened.
        """
        store = await self._whole(self._acquire, undo=self._release)
        try:
            yield store
        finally:
            await self._whole(self._release)

    @contextlib.contextmanager
    def held(self) -> Iterator[Store]:
        """Do the same where no event loop runs yet: what a server writes from its start to its end."""
        store = self._acquire()
        try:
            yield store
        finally:
            self._release()

    # Who is cancelled meanwhile, once or again, leaves nothing half done: an opening is taken back, a closing is
    # waited for.
    async def _whole(self, work: Callable[[], T], undo: Callable[[], None] | None = None) -> T:
        task, cancelled = await _to_its_end(work)
        if not cancelled:
            return task.result()
        if undo is not None and task.exception() is None:
            await _to_its_end(undo)
        raise asyncio.CancelledError

    def _acquire(self) -> Store:
        with self._lock:
            if self._store is None:
                store = self._open_store()
                try:
                    self.opened(store)
                except BaseException:
                    store.close()
                    raise
                self._store = store
            self._leases += 1
            return self._store

    # What cannot be sealed stays in the journal, safe: the next opening seals it.
    def _release(self) -> None:
        with self._lock:
            self._leases -= 1
            if self._leases or self._store is None:
                return
            store, self._store = self._store, None
            try:
                store.seal()
            except FootloomError as error:
                _LOG.error("what is in the journal could not be sealed, and stays there: %s", error)
            finally:
                store.close()


# Work in a thread that has ended, and whether who waited for it was cancelled meanwhile.
async def _to_its_end(work: Callable[[], T]) -> tuple[asyncio.Task[T], bool]:
    task, cancelled = asyncio.ensure_future(asyncio.to_thread(work)), False
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            cancelled = True
    return task, cancelled
