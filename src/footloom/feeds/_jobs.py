"""Tasks that come and go while a feed runs: the first that fails ends them all."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

__all__ = ("Jobs",)


class Jobs:
    """The tasks of one feed; to be made where a loop runs."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def start(self, job: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Let a job run until it ends, is cancelled, or all of them are."""
        task = asyncio.get_running_loop().create_task(job)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not self._failed.done():
            self._failed.set_exception(error)

    async def run(self) -> None:
        """Wait until cancelled, or until a job fails, whose error this raises; all jobs have ended then."""
        try:
            await self._failed
        finally:
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
