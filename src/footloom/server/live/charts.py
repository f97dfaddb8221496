"""Which chart a request means, looked up once for many who ask for the same at a time."""

from __future__ import annotations

import asyncio

from footloom.server.live.lanes import look_up, read_chart
from footloom.server.stored.history import ChartKey, History
from footloom.server.wire.messages import TopicRequest

__all__ = ("Charts",)


class Charts:
    """Answers requests that come while the same is being looked up: after a restart a hundred pages ask at once."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._asked: dict[TopicRequest, asyncio.Task[ChartKey]] = {}

    async def of(self, request: TopicRequest) -> ChartKey:
        """Return the chart of a request.

        Raises
        ------
        FootloomError
            The symbol is not there, or the request cannot be.
        """
        task = self._asked.get(request)
        if task is None:
            resolve = self._history.resolve
            soon = request.ticks_per_level is not None or self._history.resolves_soon(request)
            task = asyncio.create_task((look_up if soon else read_chart)(resolve, request))
            self._asked[request] = task
            task.add_done_callback(lambda done: self._drop(request, done))
        return await asyncio.shield(task)

    def forget(self, key: str) -> None:
        """Look a symbol up anew: its stored past has changed."""
        for request in [request for request in self._asked if request.symbol == key]:
            del self._asked[request]

    def _drop(self, request: TopicRequest, task: asyncio.Task[ChartKey]) -> None:
        if not task.cancelled():
            task.exception()  # whoever asked was told, if they are still there
        if self._asked.get(request) is task:
            del self._asked[request]
