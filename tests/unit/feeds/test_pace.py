"""Group commits by themselves: the first row commits at once, and a slow disk makes them larger, never fewer rows."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.trades import Trades
from footloom.feeds import live as live_module
from footloom.feeds._line import size_of
from footloom.feeds.clock import SystemClock
from footloom.feeds.flow import Arrival
from footloom.feeds.live import Journal, live
from footloom.feeds.pace import IDLE_S, Pace, in_turns

pytestmark = pytest.mark.anyio

TEST = Instrument(venue="test", symbol="ABC", tick_size=Decimal("0.5"), lot_size=Decimal("0.001"))
PATIENCE_S = 60.0


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def rows(ids: Sequence[int]) -> Trades:
    return Trades.build(TEST, ids, [5] * len(ids), [1] * len(ids), [1] * len(ids), trade_id=ids, ts_recv_ns=ids)


@dataclass
class Clock:
    """A clock that stands still until somebody sleeps; ``slept`` are the waits shorter than the idle time."""

    now_ns: int = 0
    slept: list[float] = field(default_factory=list)

    def monotonic_ns(self) -> int:
        return self.now_ns

    def wall_ns(self) -> int:
        return self.now_ns

    async def sleep(self, seconds: float) -> None:
        if seconds >= IDLE_S:
            await asyncio.Event().wait()  # nobody is idle here
        self.slept.append(seconds)
        self.now_ns += round(seconds * 1e9)
        await asyncio.sleep(0)


async def test_the_first_row_commits_at_once_and_the_next_ones_share() -> None:
    clock = Clock()
    pace = Pace(clock, 0.003)
    beats = pace.beats()
    await anext(beats)  # how all stands, at the start
    assert pace.is_idle
    clock.now_ns += 50_000_000
    pace.wake()
    await anext(beats)
    assert (clock.slept, pace.is_idle) == ([], False), "a row after a pause waits for nothing"
    pace.wake()
    await anext(beats)
    assert clock.slept == [0.003], "the next one shares its commit with what comes within three milliseconds"
    clock.now_ns += 2_000_000  # the commit itself took so long
    pace.wake()
    await anext(beats)
    assert clock.slept == [0.003, 0.001], "counted from the begin of the commit"


async def test_time_is_told_without_rows() -> None:
    pace = Pace(SystemClock(), 0.001)
    beats = pace.beats()
    async with asyncio.timeout(PATIENCE_S):
        told = [pace.is_idle for _ in range(3) if await anext(beats) is None]
    assert told == [True, True, True]


async def test_a_large_commit_lets_others_have_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("footloom.feeds.pace._TURN_S", -1.0)
    order: list[str] = []
    beside = asyncio.create_task(_note(order))
    await in_turns(["one", "two"], order.append)
    await beside
    assert order == ["beside", "one", "two"], "in order, and others between"


async def test_who_is_cancelled_between_two_of_a_commit_shows_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("footloom.feeds.pace._TURN_S", -1.0)
    order: list[str] = []
    giving = asyncio.create_task(in_turns(["one", "two", "three"], order.append))
    await asyncio.sleep(0)
    giving.cancel()
    await asyncio.gather(giving, return_exceptions=True)
    assert (order, giving.cancelled()) == (["one", "two", "three"], True)


async def _note(order: list[str]) -> None:
    order.append("beside")


@dataclass
class SlowDisk:
    """A store whose first commits each wait until they are let go."""

    let: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    begun: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    commits: list[list[int]] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)

    def append_many(self, items: Sequence[tuple[Trades, Sequence[Gap]]]) -> int:
        self.begun.release()
        assert self.let.acquire(timeout=PATIENCE_S)
        self.commits.append([one for block, _ in items for one in block.trade_id.tolist()])
        self.gaps += [gap for _, gaps in items for gap in gaps]
        return self.commits[-1][-1]


@dataclass
class Feed:
    """A source that is given ids from outside."""

    pace: Pace
    waiting: list[int] = field(default_factory=list)

    def hear(self, ids: Sequence[int]) -> None:
        self.waiting += ids
        self.pace.wake()

    async def receive(self, until_ns: int) -> list[Arrival]:
        ids, self.waiting = self.waiting, []
        return [Arrival(TEST.key, rows(ids), rows(ids), until_ns)]

    async def ticks(self) -> AsyncIterator[int]:
        async for _ in self.pace.beats():
            yield 1

    def is_due(self) -> bool:
        return self.pace.is_idle


async def test_under_a_slow_disk_commits_grow_and_nothing_is_lost_or_out_of_order() -> None:
    disk = SlowDisk()
    journal, feed = Journal(disk), Feed(Pace(SystemClock(), 0.0001))
    seen: list[int] = []

    async def show() -> None:
        async for batch in live(feed, journal, feed):
            for commit in batch:
                seen.extend(commit.trades.trade_id.tolist())
                assert all(commit.recorded for commit in batch)
                stored = [one for ids in disk.commits for one in ids]
                assert seen == stored[: len(seen)], "durable before it is shown"

    showing = asyncio.create_task(show())
    feed.hear([0])
    assert await asyncio.to_thread(disk.begun.acquire, timeout=PATIENCE_S)
    for number in range(1, 101):  # while the first one is written
        feed.hear([number])
        await asyncio.sleep(0)
    for _ in range(2):
        disk.let.release()
    async with asyncio.timeout(PATIENCE_S):
        while len(seen) < 101:  # noqa: ASYNC110 - nothing tells when
            await asyncio.sleep(0.001)
    assert disk.commits == [[0], list(range(1, 101))]
    showing.cancel()
    await asyncio.gather(showing, return_exceptions=True)
    journal.close()


async def test_a_write_without_an_answer_holds_nobody_up_and_rows_stand_in_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live_module, "_PATIENCE_S", 0.01)
    monkeypatch.setattr(live_module, "_GLANCE_S", 0.001)
    disk = SlowDisk()
    journal = Journal(disk)
    for ids in ([1], [2, 3], [4]):
        assert not await journal.append([Arrival(TEST.key, rows(ids), rows(ids), 0)])
    assert (journal.late, journal.waiting, disk.commits) == (True, 4, [])
    for _ in range(2):
        disk.let.release()
    async with asyncio.timeout(PATIENCE_S):
        while not await journal.append([]):  # noqa: ASYNC110 - asking again is what is tested
            await asyncio.sleep(0.001)
    assert (journal.late, journal.waiting, disk.commits) == (False, 0, [[1], [2, 3, 4]])
    journal.close()


async def test_what_stands_in_line_is_written_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "_PATIENCE_S", 0.01)
    disk = SlowDisk()
    journal = Journal(disk)
    for ids in ([1], [2]):
        assert not await journal.append([Arrival(TEST.key, rows(ids), rows(ids), 0)])
    for _ in range(2):
        disk.let.release()
    await asyncio.to_thread(journal.close)
    assert disk.commits == [[1], [2]]


async def test_who_is_cancelled_while_a_commit_is_written_shows_it_first() -> None:
    disk = SlowDisk()
    journal, feed = Journal(disk), Feed(Pace(SystemClock(), 0.0001))
    seen: list[int] = []

    async def show() -> None:
        async for batch in live(feed, journal, feed):
            seen.extend(one for commit in batch for one in commit.trades.trade_id.tolist())

    showing = asyncio.create_task(show())
    feed.hear([0, 1])
    assert await asyncio.to_thread(disk.begun.acquire, timeout=PATIENCE_S)
    showing.cancel()
    await asyncio.sleep(0)
    disk.let.release()
    await asyncio.gather(showing, return_exceptions=True)
    assert (seen, disk.commits, showing.cancelled()) == ([0, 1], [[0, 1]], True), "a chart may outlive its feed"
    journal.close()


async def test_a_journal_is_closed_beside_the_loop_and_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "_PATIENCE_S", 0.01)
    disk = SlowDisk()
    journal = Journal(disk)
    for ids in ([1], [2]):
        assert not await journal.append([Arrival(TEST.key, rows(ids), rows(ids), 0)])
    closing = asyncio.create_task(journal.closed())
    for _ in range(2):
        await asyncio.sleep(0)
        closing.cancel()
    assert not closing.done(), "what stands in line is not left behind"
    for _ in range(2):
        disk.let.release()
    await asyncio.gather(closing, return_exceptions=True)
    assert (disk.commits, closing.cancelled()) == ([[1], [2]], True)


async def test_of_what_stands_in_line_for_too_long_the_oldest_goes_and_the_tape_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in (("_PATIENCE_S", 0.01), ("_GLANCE_S", 0.001), ("_PENDING_BYTES", 4 * size_of((rows([1]), ())))):
        monkeypatch.setattr(live_module, name, value)
    disk = SlowDisk()
    journal = Journal(disk)
    for number in range(10):
        assert not await journal.append([Arrival(TEST.key, rows([number]), rows([number]), 0)])
    assert (journal.waiting, journal.losses.given_up) == (1 + 4, 5), "memory has an end"
    for _ in range(2):
        disk.let.release()
    await asyncio.to_thread(journal.close)
    assert disk.commits == [[0], [6, 7, 8, 9]]
    times = rows(range(1, 6)).ts_exch_ns
    assert [(gap.from_ns, gap.to_ns, gap.missing) for gap in disk.gaps] == [(int(times[0]), int(times[-1]) + 1, 5)]
