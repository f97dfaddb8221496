"""The path of a live row: source, journal, then everyone else.

`live` takes what a source has received, makes it durable, and only then hands it on, in group commits: the first row
commits at once, what comes meanwhile makes the next commit, so that commits grow where the disk is slow. Time comes
from a pacer and is the market's own; nothing here looks at rows beyond their order.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from footloom.core.messages import Gap
from footloom.core.series import Series, kind_of
from footloom.core.snapshots import Snapshots
from footloom.core.trades import I64, Trades
from footloom.errors import CorruptPart, StoreLocked, StoreUnavailable, UnknownSymbol
from footloom.feeds._line import Item, Line, halves_of
from footloom.feeds.flow import Arrival, Commit, Losses, Source
from footloom.feeds.metrics import Spread

__all__ = ("Journal", "Pacer", "WallPacer", "Writer", "commits", "live")

_LOG = logging.getLogger(__name__)

_IDLE_TICKS = 7  # without rows, a pacer that ticks steadily tells the time on every seventh tick
_SIM_S = 0.015  # a market that is computed from tick to tick
_PATIENCE_S = 2.0  # so long the display waits for a disk or a server; rows wait as long as it takes
_GLANCE_S = 0.05  # and so long where that was in vain already
_REFUSED = "refused by the store: not recorded"
_GIVEN_UP = "not recorded: the disk did not take it"
_CHEAP_S, _SELDOM = 0.02, 10  # tries that fail and cost more take a tenth of a core at the most
_PENDING_BYTES = 256 << 20  # of rows that are kept for another try while the journal fails


class Writer(Protocol):
    """The store, as a journal needs it."""

    def append_many(self, items: Sequence[tuple[Trades | Snapshots | Series, Sequence[Gap]]]) -> int:
        """Make rows durable in one group commit, all of them or none; returns the last ingest sequence."""


class Pacer(Protocol):
    """Says what time it is in the market, again and again.

    One that is woken by rows and not by a clock has `is_due`: whether the time is to be told now, rows or not.
    """

    def ticks(self) -> AsyncIterator[int]:
        """Yield the market's time, ns UTC, ascending."""


@dataclass(slots=True)
class WallPacer:
    """Market time that runs ``speed`` times as fast as the wall clock, from ``start_ns`` on."""

    start_ns: int
    speed: float = 1.0
    interval_s: float = _SIM_S

    async def ticks(self) -> AsyncIterator[int]:
        """Yield the market's time once an interval; a tick that comes late is not made up for by several."""
        begun_ns = time.monotonic_ns()
        while True:
            await asyncio.sleep(self.interval_s)
            yield self.start_ns + int((time.monotonic_ns() - begun_ns) * self.speed)


@dataclass(slots=True)
class Journal:
    """Appends to the store on a thread of its own; when that fails, rows wait for the next try.

    Rows that the store refuses for what they are would stop all others: they are set aside. Of rows that wait too long
    the oldest are given up. ``losses`` counts both, and the tape says that they are missing: a gap, which is told again
    where another gap around it heals: what the feed has seen it counts as there. ``late`` says that a write takes too
    long. ``commits`` and ``rows`` count what is durable, ``spread`` how long that took, ``waiting`` are rows that are
    not durable yet.
    """

    store: Writer
    recorded: bool = True
    losses: Losses = field(default_factory=Losses)
    late: bool = False
    commits: int = 0
    rows: int = 0
    spread: Spread = field(default_factory=Spread)
    _pending: Line = field(default_factory=Line)
    _lost: dict[tuple[str, str], Item] = field(default_factory=dict)
    _gone: dict[tuple[str, str], list[Gap]] = field(default_factory=dict)  # lost for good, and told
    _again: list[Item] = field(default_factory=list)  # gaps of those to be told once more
    _next: Line = field(default_factory=Line)  # what came while a write was under way that takes too long
    _over: dict[tuple[str, str], Item] = field(default_factory=dict)  # gaps of what was too much even for that
    _on_the_way: int = 0  # rows that are in no line, for the thread has them in its hands
    _writing: asyncio.Future[bool] | None = None
    _begun_s: float = 0.0
    _again_s: float = 0.0  # what waits is not tried before
    _told_given_up: int = 0
    _counting: threading.Lock = field(default_factory=threading.Lock)  # of losses, on the loop and on the thread
    _thread: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
    )

    async def append(self, arrivals: Sequence[Arrival]) -> bool:
        """Make rows and gaps durable; False where they are not (yet).

        A disk or a server that does not answer is waited for two seconds and no longer: then the rows stand in line
        behind those that are being written, and are durable when a later call says so.
        """
        self._next.put(item for arrival in arrivals for item in arrival.stored())
        if await self._ended() is None or time.perf_counter() < self._again_s:
            self._give_up_next()
            return False
        if not (self._next or self._over or self._pending or self._lost):
            return self.recorded
        self._begun_s = time.perf_counter()
        self._writing = asyncio.get_running_loop().run_in_executor(self._thread, self._write, *self._taken())
        return bool(await self._ended())

    def _taken(self) -> tuple[list[Item], list[Item]]:
        taken = [*self._next], [*self._over.values()]
        self._on_the_way = self._next.rows
        self._next, self._over = Line(), {}
        return taken

    # As `_wait` does; what the thread holds is not touched while it writes.
    def _give_up_next(self) -> None:
        while self._next.nbytes > _PENDING_BYTES:
            self._give_up(self._next.pop(), self._over)

    # What became of the write under way; None where it takes too long.
    async def _ended(self) -> bool | None:
        writing = self._writing
        if writing is None:
            return True
        if not writing.done():
            left_s = self._begun_s + _PATIENCE_S - time.perf_counter()
            await asyncio.wait({writing}, timeout=max(_GLANCE_S, left_s))
        if not writing.done():
            if not self.late:
                _LOG.error(
                    "a commit takes longer than %.0f s: what comes is shown, and recorded behind it", _PATIENCE_S
                )
            self.late = True
            return None
        self._writing, self.late = None, False
        self.spread.note(time.perf_counter() - self._begun_s)
        return writing.result()

    @property
    def waiting(self) -> int:
        """How many rows are not durable yet."""
        return self._pending.rows + self._next.rows + self._on_the_way

    def close(self) -> None:
        """Wait for what is under way, and write what stands in line behind it, or has failed before."""
        self._thread.submit(self._write_rest, *self._taken())
        self._thread.shutdown()

    async def closed(self) -> None:
        """Do the same beside the event loop; who is cancelled meanwhile waits for it all the same."""
        closing, cancelled = asyncio.ensure_future(asyncio.to_thread(self.close)), False
        while not closing.done():
            try:
                await asyncio.wait({closing})
            except asyncio.CancelledError:
                cancelled = True
        closing.result()
        if cancelled:
            raise asyncio.CancelledError

    # Behind the write that is under way, which may fail yet.
    def _write_rest(self, new: list[Item], over: Sequence[Item]) -> None:
        if new or over or self._pending or self._lost:
            self._write(new, over)
        if self.waiting:
            _LOG.error("nothing took the last %d rows, to the end: they are not recorded", self.waiting)

    # One group commit, all of it or none: rows that waited stand before the new ones.
    def _write(self, new: list[Item], over: Sequence[Item] = ()) -> bool:
        for item in over:
            self._lose(item, _GIVEN_UP, self._lost)
        self._pending.put(new)
        self._on_the_way = 0
        self._again += [one for item in new if (one := self._hidden_by(item)) is not None]
        refused, begun_s = self.losses.refused, time.thread_time()
        try:
            # What is lost is told behind what heals.
            self.store.append_many([*self._pending, *self._lost.values(), *self._again])
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing that was received may stop the others
            trouble = error if _is_of_disk(error) else self._write_singly()
            if trouble is not None:
                self._wait(trouble)
                # Each try packs all that waits, on the interpreter that hears the market.
                cost_s = time.thread_time() - begun_s
                self._again_s = time.perf_counter() + (_SELDOM * cost_s if cost_s > _CHEAP_S else 0.0)
                return False
        else:
            self.commits += 1
            self.rows += self._pending.rows
            for key in list(self._lost):
                self._told(key)
            self._again.clear()
            self._pending = Line()
        if not self.recorded:
            lost, self._told_given_up = self.losses.given_up - self._told_given_up, self.losses.given_up
            what = f"all but {lost:,} rows, whose gap is recorded," if lost else "everything that waited"
            _LOG.warning("recording again: %s is stored", what)
        self.recorded = True
        return self.losses.refused == refused

    # Something was refused for what it is: each item for itself, until the disk fails. Rows of a damaged day wait.
    def _write_singly(self) -> Exception | None:
        trouble: Exception | None = None
        self._on_the_way = self._pending.rows
        waiting, self._pending = deque(self._pending), Line()
        while waiting:
            error = self._try(waiting[0])
            if error is not None and _is_of_disk(error):
                self._pending.put(waiting)
                self._on_the_way = 0
                return error
            item = waiting.popleft()
            if isinstance(error, CorruptPart):
                trouble = error
                self._pending.put([item])
            elif error is not None and (halves := halves_of(item)):
                waiting.extendleft(reversed(halves))  # of joined rows the store may take the most
            elif error is not None:
                self._refuse(item, error)
        self._on_the_way = 0
        return trouble or self._write_lost()

    def _write_lost(self) -> Exception | None:
        for key, item in list(self._lost.items()):
            error = self._try(item)
            if error is not None and (_is_of_disk(error) or isinstance(error, CorruptPart)):
                return error
            if error is not None:
                _LOG.error("the gaps of %s are not recorded: %s", key[0], error)
            self._told(key)
        while self._again:
            error = self._try(self._again[0])
            if error is not None and (_is_of_disk(error) or isinstance(error, CorruptPart)):
                return error
            del self._again[0]
        return None

    def _told(self, key: tuple[str, str]) -> None:
        _, gaps = self._lost.pop(key)
        self._gone.setdefault(key, []).extend(gap for gap in gaps if gap.cause in {_REFUSED, _GIVEN_UP})

    # Healed is what the feed has seen; what never reached the disk is still missing there.
    def _hidden_by(self, item: Item) -> Item | None:
        block, gaps = item
        gone = self._gone.get((block.instrument.key, block.tape), [])
        healed = [gap for gap in gaps if gap.healed]
        hidden = [lost for lost in gone if any(one.from_ns < lost.to_ns and lost.from_ns < one.to_ns for one in healed)]
        return (block.take(slice(0, 0)), hidden) if hidden else None

    def _try(self, item: Item) -> Exception | None:
        try:
            self.store.append_many([item])
        except Exception as error:  # noqa: BLE001 - judged by the caller
            return error
        self.commits += 1
        self.rows += len(item[0])
        return None

    def _refuse(self, item: Item, error: Exception) -> None:
        block = item[0]
        self._count(block, refused=len(block))
        _LOG.error(
            "%d rows of %s are set aside, not recorded: %s", len(block), block.instrument.key, error, exc_info=error
        )
        self._lose((block, [gap for gap in item[1] if not gap.healed]), _REFUSED, self._lost)

    def _wait(self, trouble: Exception) -> None:
        if self.recorded:
            _LOG.error("not recorded from here on: %s; trying again and again", trouble)
        self.recorded = False
        while self._pending.nbytes > _PENDING_BYTES:
            self._give_up(self._pending.pop(), self._lost)

    def _give_up(self, item: Item, lost: dict[tuple[str, str], Item]) -> None:
        if self.losses.given_up == self._told_given_up:
            _LOG.error("more than %d MB wait to be recorded: the oldest rows are given up", _PENDING_BYTES >> 20)
        self._count(item[0], given_up=len(item[0]))
        self._lose(item, _GIVEN_UP, lost)

    def _count(self, block: Trades | Snapshots | Series, **lost: int) -> None:
        with self._counting:
            self.losses = self.losses.and_more(block.instrument.key, **lost)

    # One gap a tape, from the first row that was lost to the last; gaps of the rows are kept.
    def _lose(self, item: Item, cause: str, into: dict[tuple[str, str], Item]) -> None:
        block, gaps = item
        key = (block.instrument.key, block.tape)
        every = list(into[key][1]) if key in into else []
        known = [gap for gap in every if gap.cause in {_REFUSED, _GIVEN_UP}]
        others = [gap for gap in every if gap not in known]
        if len(block):
            times = _times(block)
            lost = Gap(
                symbol=block.instrument.symbol,
                from_ns=int(times.min()),
                to_ns=int(times.max()) + 1,
                cause=cause,
                missing=len(block),
            )
            same = next((gap for gap in known if gap.cause == cause), None)
            if same is not None:
                known.remove(same)
                lost = Gap(
                    symbol=lost.symbol,
                    from_ns=min(same.from_ns, lost.from_ns),
                    to_ns=max(same.to_ns, lost.to_ns),
                    cause=cause,
                    missing=(same.missing or 0) + len(block),
                )
            known.append(lost)
        into[key] = (block.take(slice(0, 0)), [*others, *gaps, *known])


# What the rows of a tape are ordered by.
def _times(block: Trades | Snapshots | Series) -> I64:
    if isinstance(block, Trades):
        return block.ts_exch_ns
    by_exchange = isinstance(block, Series) and kind_of(block.tape).time == "ts_exch_ns"
    return block.ts_exch_ns if by_exchange else block.ts_recv_ns


def _is_of_disk(error: BaseException | None) -> bool:
    """Say whether the disk, a server or who holds the store is in the way: the same rows may be taken another time."""
    while error is not None and not isinstance(error, CorruptPart):
        if isinstance(error, (OSError, sqlite3.Error, StoreLocked, StoreUnavailable)):
            return True
        error = error.__cause__
    return False


async def live(source: Source, journal: Journal | None, pacer: Pacer) -> AsyncIterator[list[Commit]]:
    """Yield commits as they become durable: of symbols that have rows or gaps, and now and then of all, to tell time.

    Without a journal nothing is recorded, and the commits say so.
    """
    idle, is_due = 0, getattr(pacer, "is_due", None)
    async for now_ns in pacer.ticks():
        arrivals = await source.receive(now_ns)
        news = [arrival for arrival in arrivals if len(arrival.trades) or arrival.stored()]
        idle = 0 if news else idle + 1
        told = bool(news) or not idle % _IDLE_TICKS if is_due is None else is_due()
        if not news and not told:
            continue
        recorded, is_over = False, False
        if journal is not None:
            try:
                recorded = await journal.append(news)
            except asyncio.CancelledError:  # charts may stand longer than their feed: what is durable is shown
                recorded, is_over = await journal.append([]), True
        losses = Losses() if journal is None else journal.losses
        yield [arrival.committed(recorded=recorded, losses=losses) for arrival in (arrivals if told else news)]
        if is_over:
            raise asyncio.CancelledError


async def commits(*keys: str) -> AsyncIterator[Commit]:
    """Yield the commits of some symbols from now on, unrecorded; the simulated market is the one that streams yet.

    Raises
    ------
    UnknownSymbol
        No venue streams one of these symbols.
    """
    from footloom.feeds.simulated import SIMULATED_KEYS, SimulatedMarket
    from footloom.venues.sim import session_at

    for key in keys:
        if key not in SIMULATED_KEYS:
            raise UnknownSymbol(f"{key} has no live feed in this version: {' and '.join(SIMULATED_KEYS)} do")
    start_ns = time.time_ns()
    today = await asyncio.to_thread(session_at, start_ns)
    source = await asyncio.to_thread(SimulatedMarket, today, start_ns)
    async for batch in live(source, None, WallPacer(start_ns)):
        for commit in batch:
            if commit.key in keys:
                yield commit
