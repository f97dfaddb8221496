"""When the next group commit begins: with the first row, and what comes while it is written makes the one behind it.

So a row on a quiet market waits for its own fsync and for nothing else, and where rows come fast or the disk is slow,
commits grow by themselves.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from typing import TypeVar

from footloom.feeds.clock import Clock

__all__ = ("COMMIT_S", "IDLE_S", "Pace", "in_turns")

COMMIT_S = 0.003  # from the begin of one commit to that of the next, at least: what comes within shares an fsync
IDLE_S = 0.1  # without rows, time is told so often
_SECOND = 1e9
_TURN_S = 0.0005
T = TypeVar("T")


class Pace:
    """Begins a commit when it is woken and the last one is done, at most every ``least_s`` seconds.

    Attributes
    ----------
    is_idle
        Whether all shall be asked, not only those who have rows: about ten times a second.

    Examples
    --------
    ::

        async for _ in pace.beats():  # whoever hears a row calls `pace.wake`
            ...  # take what is there, and make it durable
    """

    def __init__(self, clock: Clock, least_s: float = COMMIT_S) -> None:
        self.is_idle = True
        self._clock = clock
        self._least_s = least_s
        self._idle_ns = int(max(IDLE_S, least_s) * _SECOND)
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Say that there is a row."""
        self._woken.set()

    async def beats(self) -> AsyncIterator[None]:
        """Yield when a commit shall begin."""
        clock, begun_ns, told_ns = self._clock, -(2**63), -(2**63)
        ticking = asyncio.create_task(self._tick())
        try:
            while True:
                await self._woken.wait()
                left_s = self._least_s - (clock.monotonic_ns() - begun_ns) / _SECOND
                if left_s > 0:
                    await clock.sleep(left_s)
                self._woken.clear()
                begun_ns = clock.monotonic_ns()
                self.is_idle = begun_ns - told_ns >= self._idle_ns
                if self.is_idle:
                    told_ns = begun_ns
                yield
        finally:
            ticking.cancel()

    async def _tick(self) -> None:
        while True:
            self._woken.set()
            await self._clock.sleep(self._idle_ns / _SECOND)


async def in_turns(every: Iterable[T], give: Callable[[T], None]) -> None:
    """Call a function with each of many, and let others have their turn every half a millisecond.

    A commit may be of all symbols: frames of the first ones leave before the last ones are folded. Who is cancelled
    meanwhile gives the rest first: what is durable is shown.
    """
    begun_s, rest = time.perf_counter(), iter(every)
    for one in rest:
        if time.perf_counter() - begun_s > _TURN_S:
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                for left in (one, *rest):
                    give(left)
                raise
            begun_s = time.perf_counter()
        give(one)
