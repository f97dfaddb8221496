"""Several venues into one journal: what `record` and `serve` run."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from footloom.errors import FootloomError
from footloom.feeds._venues import venue_named
from footloom.feeds.clock import Clock, ReceiptClock, SystemClock
from footloom.feeds.flow import Arrival, Commit, FeedState, Losses
from footloom.feeds.live import Journal, live
from footloom.feeds.metrics import Figures, Spread
from footloom.feeds.pace import COMMIT_S, Pace, in_turns
from footloom.feeds.venue_feed import VenueFeed, Yard
from footloom.store import Store
from footloom.venues._venue import Bases, Wanted

__all__ = ("FeedSettings", "Recorder")

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FeedSettings:
    """How live feeds run.

    Attributes
    ----------
    bases
        Addresses by venue, where they are not the venue's own.
    commit_s
        From one group commit to the next, at least. The first row commits at once; what comes while it is written, or
        within this time, makes the next commit.
    credentials
        By venue, what its sockets need.
    depth_quota_bytes
        Bytes a day of depth and quotes, all symbols together; beyond it they are shown and not stored, which is told.
    backfill_hours
        How much of the past is fetched behind the live edge where it is not stored; 0 fetches none.
    repair_hours
        How far back holes of earlier runs are mended.
    shown_only
        Streams that are heard and not stored.
    audit_s
        How often is looked whether trades are missing that no id tells of.
    """

    bases: Mapping[str, Bases] = field(default_factory=dict)
    commit_s: float = COMMIT_S
    credentials: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    depth_quota_bytes: int = 0
    backfill_hours: float = 6.0
    repair_hours: float = 48.0
    shown_only: frozenset[str] = frozenset()
    audit_s: float = 15.0


class Recorder:
    """The live feeds of some symbols, journal before display; symbols may come and go while it runs.

    Parameters
    ----------
    store
        Open for writing; None records nothing, and the commits say so.
    wanted
        (venue, symbol and streams) each.
    settings
        See `FeedSettings`.
    clock
        For tests.

    Raises
    ------
    ConfigError
        There is no such live venue, or it has no such stream.
    """

    def __init__(
        self,
        store: Store | None,
        wanted: Sequence[tuple[str, Wanted]],
        settings: FeedSettings | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.settings = settings or FeedSettings()
        self.journal = None if store is None else Journal(store)
        self._clock = clock or SystemClock()
        self._receipts = ReceiptClock(self._clock)
        self._pace = Pace(self._clock, self.settings.commit_s)
        self._yard = Yard(
            self._clock,
            self._receipts,
            store,
            settled=lambda: not (self.journal and self.journal.waiting),
            wake=self._pace.wake,
        )
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._running = self._to_seal = False
        self._sealing: asyncio.Task[None] | None = None
        by_venue: dict[str, list[Wanted]] = {}
        for venue, one in wanted:
            by_venue.setdefault(venue, []).append(one)
        self.feeds = [self._feed(name, every) for name, every in by_venue.items()]

    def _feed(self, venue: str, wanted: Sequence[Wanted]) -> VenueFeed:
        return VenueFeed(venue_named(venue), wanted, self.settings, self._yard)

    def add(self, venue: str, wanted: Wanted) -> str:
        """Listen to a symbol from now on, or to more of it; returns its key, ``venue:symbol`` as it was asked for.

        To be called on the loop that `run` runs on, or before. A symbol that runs already is shared: it goes on until
        everybody has dropped it. Others notice nothing of it.

        Raises
        ------
        ConfigError
            There is no such live venue, or it has no such stream.
        """
        feed = next((one for one in self.feeds if one.name == venue), None)
        if feed is not None:
            return feed.add(wanted)
        feed = self._feed(venue, [wanted])
        self.feeds.append(feed)
        if self._running:
            self._start(feed)
        return f"{venue}:{wanted.symbol}"

    def drop(self, key: str) -> None:
        """Take one `add` (or an asking at the start) back; the last one ends the symbol.

        What was heard until now is recorded and sealed, its streams are given up, and a socket that carries nothing
        else is closed. A key that nobody asks for is left alone.
        """
        venue, _, symbol = key.partition(":")
        for feed in self.feeds:
            if feed.name == venue:
                feed.drop(symbol)
                self._to_seal |= feed.is_leaving

    @property
    def keys(self) -> list[str]:
        """The symbols, ``venue:symbol`` each, as they were asked for."""
        return [key for feed in self.feeds for key in feed.keys]

    def state(self) -> list[tuple[str, FeedState]]:
        """Return how each symbol stands."""
        return [pair for feed in self.feeds for pair in feed.state()]

    @property
    def resolved(self) -> dict[str, str]:
        """Keys as people write them (``upstox:NIFTY.FUT1``) to those that are recorded, once a venue has said."""
        return {asked: key for feed in self.feeds for asked, key in feed.resolved.items()}

    def log_in(self, venue: str, credentials: Mapping[str, str]) -> None:
        """Go on with new credentials of a venue."""
        for feed in self.feeds:
            if feed.name == venue:
                feed.log_in(credentials)

    def figures(self) -> Figures:
        """Return counts and durations since the start."""
        journal, now_ns, losses = self.journal, self._receipts.now_ns(), self._losses
        oldest = [at_ns for feed in self.feeds if (at_ns := feed.oldest_ns()) is not None]
        spread = Spread() if journal is None else journal.spread
        p50_s, p99_s = spread.below_s(0.5), spread.below_s(0.99)
        return Figures(
            commits=0 if journal is None else journal.commits,
            rows=0 if journal is None else journal.rows,
            commit_p50_ms=None if p50_s is None else p50_s * 1e3,
            commit_p99_ms=None if p99_s is None else p99_s * 1e3,
            commit_longest_ms=spread.longest_s * 1e3,
            unrecorded_rows=0 if journal is None else journal.waiting,
            refused_rows=losses.refused,
            dropped_rows=losses.given_up,
            lag_ms=(now_ns - min(oldest, default=now_ns)) / 1e6,
            clock_steps=self._receipts.steps,
            feeds=tuple(feed.figures() for feed in self.feeds),
        )

    @property
    def lost_rows(self) -> int:
        """How many received rows were not stored by the end, once `run` has come to it."""
        waiting = 0 if self.journal is None else self.journal.waiting
        return self._losses.refused + self._losses.given_up + waiting

    @property
    def _losses(self) -> Losses:
        return Losses() if self.journal is None else self.journal.losses

    async def receive(self, until_ns: int) -> list[Arrival]:
        """Return what all venues received up to a time; symbols without rows only when time is to be told."""
        whole = self.is_due()
        return [arrival for feed in self.feeds for arrival in feed.receive(until_ns, whole=whole)]

    def is_due(self) -> bool:
        """Say whether time is to be told of every symbol now: about ten times a second."""
        return self._pace.is_idle

    async def ticks(self) -> AsyncIterator[int]:
        """Yield the time of receipts, once a group commit."""
        async for _ in self._pace.beats():
            yield self._receipts.now_ns()

    async def run(self, publish: Callable[[Commit], None]) -> None:
        """Receive, store and publish until cancelled; then close the sockets and write what is left."""
        self._running = True
        for feed in self.feeds:
            self._start(feed)
        work = asyncio.create_task(self._commit(publish))
        try:
            await work
        finally:
            self._running = False
            tasks = [*self._tasks.values(), work]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self._sealing is not None:
                await asyncio.gather(self._sealing, return_exceptions=True)
            await self._finish(publish)

    def _start(self, feed: VenueFeed) -> None:
        self._tasks[feed.name] = asyncio.create_task(_guarded(feed))

    async def _commit(self, publish: Callable[[Commit], None]) -> None:
        async for commits in live(self, self.journal, self):
            await in_turns(commits, publish)
            if self._to_seal:
                self._seal_what_left()

    # In the background, once the last rows of those that left are durable.
    def _seal_what_left(self) -> None:
        store = self._yard.store
        if any(feed.is_leaving for feed in self.feeds) or not self._yard.settled():
            return
        if store is not None and (self._sealing is None or self._sealing.done()):
            self._to_seal = False
            self._sealing = asyncio.create_task(_sealed(store))

    async def _finish(self, publish: Callable[[Commit], None]) -> None:
        more = True
        try:
            while more:
                arrivals = await self.receive(self._receipts.now_ns())
                more = any(feed.oldest_ns() is not None for feed in self.feeds)
                recorded = self.journal is not None and await self.journal.append(arrivals)
                for arrival in arrivals:
                    publish(arrival.committed(recorded=recorded, losses=self._losses))
        finally:
            try:
                if self.journal is not None:
                    await self.journal.closed()
            finally:
                for feed in self.feeds:
                    feed.close()


# What goes wrong with one venue stops that venue, in words, and no other.
async def _guarded(feed: VenueFeed) -> None:
    try:
        await feed.run()
    except Exception as error:  # noqa: BLE001 - whatever it is
        _LOG.exception("the feed of %s stopped", feed.name)
        feed.fail(error)


async def _sealed(store: Store) -> None:
    try:
        await asyncio.to_thread(store.seal)
    except FootloomError as error:
        _LOG.warning("what was dropped is not sealed yet, it stays in the journal: %s", error)
