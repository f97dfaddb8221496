"""Streams that a fault has ended begin again for those who still look, after longer and longer waits."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

__all__ = ("Revival",)

_MOST_WAIT_S = 60.0
_LOG = logging.getLogger(__name__)


class Revival:
    """What happens after a fault, on the event loop.

    Parameters
    ----------
    lost
        Returns the symbols that somebody looks at and that are not listened to.
    begin
        Listens to them again.
    tell
        Told the error that ended all streams, and None when they go on or nobody looks any more.
    first_s
        The first wait; each one is twice as long as the one before, a minute at most.
    """

    def __init__(
        self,
        lost: Callable[[], Sequence[str]],
        begin: Callable[[Sequence[str]], Awaitable[None]],
        tell: Callable[[Exception | None], None],
        first_s: float,
    ) -> None:
        self._lost = lost
        self._begin = begin
        self._tell = tell
        self._first_s = first_s
        self._wait_s = first_s
        self._is_failing = False
        self._task: asyncio.Task[None] | None = None

    def note_fault(self, error: Exception) -> None:
        """Tell a fault and begin again later, where somebody looks."""
        _LOG.error("the feeds stopped", exc_info=error)
        if not self._lost():
            self.settle()
            return
        self._is_failing = True
        self._tell(error)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._revive())

    def note_live(self) -> None:
        """Tell that something is listened to again."""
        if self._is_failing:
            self._is_failing = False
            self._tell(None)

    def note_commit(self) -> None:
        """Begin the waits anew: what was received went through."""
        self._wait_s = self._first_s
        self.note_live()

    def settle(self) -> None:
        """Tell no fault, and try no more, where nobody looks at what was lost."""
        if not self._lost():
            self.note_live()
            self.stop()

    def stop(self) -> None:
        """Try no more."""
        if self._task is not None:
            self._task.cancel()

    async def _revive(self) -> None:
        while self._lost():  # a fault that comes while they begin leaves them lost again
            wait_s, self._wait_s = self._wait_s, min(2 * self._wait_s, _MOST_WAIT_S)
            await asyncio.sleep(wait_s)
            try:
                await self._begin(self._lost())
            except Exception:  # noqa: BLE001 - whatever it is: it is tried again
                _LOG.exception("the feeds cannot begin again yet")
