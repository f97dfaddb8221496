"""The path of a live row: source, journal, then everyone else.

`live` takes what a source has received, makes it durable, and only then hands it on, in group commits. Time comes
from a pacer and is the market's own; nothing here looks at rows beyond their order.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from footloom.core.messages import Gap
from footloom.core.snapshots import Snapshots
from footloom.core.trades import Trades
from footloom.errors import FootloomError, UnknownSymbol
from footloom.feeds.flow import Arrival, Commit, Source

__all__ = ("Journal", "Pacer", "WallPacer", "Writer", "commits", "live")

_LOG = logging.getLogger(__name__)

COMMIT_S = 0.015  # the length of a group commit: short to the eye, long enough to share one fsync
_IDLE_TICKS = 7  # without rows, time is told on every seventh tick: about ten times a second
_PENDING_ROWS = 2_000_000  # rows kept for another try while the journal fails: about 100 MB


class Writer(Protocol):
    """The store, as a journal needs it."""

    def append_many(self, items: Sequence[tuple[Trades | Snapshots, Sequence[Gap]]]) -> int:
        """Make rows durable in one group commit, all of them or none; returns the last ingest sequence."""


class Pacer(Protocol):
    """Says what time it is in the market, again and again."""

    def ticks(self) -> AsyncIterator[int]:
        """Yield the market's time, ns UTC, ascending."""


@dataclass(slots=True)
class WallPacer:
    """Market time that runs ``speed`` times as fast as the wall clock, from ``start_ns`` on."""

    start_ns: int
    speed: float = 1.0
    interval_s: float = COMMIT_S

    async def ticks(self) -> AsyncIterator[int]:
        """Yield the market's time once an interval; a tick that comes late is not made up for by several."""
        begun_ns = time.monotonic_ns()
        while True:
            await asyncio.sleep(self.interval_s)
            yield self.start_ns + int((time.monotonic_ns() - begun_ns) * self.speed)


@dataclass(slots=True)
class Journal:
    """Appends to the store on a thread of its own; when that fails, rows wait for the next try."""

    store: Writer
    recorded: bool = True
    _pending: list[tuple[Trades | Snapshots, Sequence[Gap]]] = field(default_factory=list)
    _thread: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
    )

    async def append(self, arrivals: Sequence[Arrival]) -> bool:
        """Make rows and gaps durable; False where they are not (yet)."""
        self._pending += [(a.block, a.gaps) for a in arrivals if len(a.block) or a.gaps]
        if self._pending:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._write)
        return self.recorded

    def close(self) -> None:
        """Wait for what is under way."""
        self._thread.shutdown()

    # One group commit, all of it or none: rows that waited stand before the new ones.
    def _write(self) -> None:
        try:
            self.store.append_many(self._pending)
        except (OSError, FootloomError) as error:
            if self.recorded:
                _LOG.error("not recorded from here on: %s; trying again with every commit", error)
            self.recorded = False
            self._forget_oldest()
            return
        if not self.recorded:
            _LOG.warning("recording again: everything that waited is stored")
        self._pending.clear()
        self.recorded = True

    def _forget_oldest(self) -> None:
        while sum(len(block) for block, _ in self._pending) > _PENDING_ROWS:
            del self._pending[0]


async def live(source: Source, journal: Journal | None, pacer: Pacer) -> AsyncIterator[list[Commit]]:
    """Yield commits as they become durable: when any symbol has rows or gaps, and now and then to tell the time.

    Without a journal nothing is recorded, and the commits say so.
    """
    idle = 0
    async for now_ns in pacer.ticks():
        arrivals = await source.receive(now_ns)
        news = any(len(a.block) or a.gaps for a in arrivals)
        idle = 0 if news else idle + 1
        if not news and idle % _IDLE_TICKS:
            continue
        recorded = journal is not None and await journal.append(arrivals)
        yield [Commit(a.key, a.trades, a.gaps, a.until_ns, a.quote, a.score, recorded) for a in arrivals]


async def commits(key: str) -> AsyncIterator[Commit]:
    """Yield the commits of one symbol from now on, unrecorded; the simulated market is the one that streams yet.

    Raises
    ------
    UnknownSymbol
        No venue streams that symbol.
    """
    from footloom.feeds.simulated import SIMULATED_KEYS, SimulatedMarket, session_at

    if key not in SIMULATED_KEYS:
        raise UnknownSymbol(f"{key} has no live feed in this version: {' and '.join(SIMULATED_KEYS)} do")
    start_ns = time.time_ns()
    today = await asyncio.to_thread(session_at, start_ns)
    source = await asyncio.to_thread(SimulatedMarket, today, start_ns)
    async for batch in live(source, None, WallPacer(start_ns)):
        for commit in batch:
            if commit.key == key:
                yield commit
