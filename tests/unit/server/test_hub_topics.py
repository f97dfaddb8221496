"""How topics start beside each other, stop, and go on when something fails."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from server_kit import TEST, MemoryStore, make_tape

from footloom.core.footprint import BAR_GAP
from footloom.core.messages import Gap
from footloom.core.trades import Trades
from footloom.errors import FootloomError, StoreError
from footloom.feeds.flow import Commit, Losses
from footloom.kernels.fold import Count
from footloom.server.live import symbol_state
from footloom.server.live.hub import Hub
from footloom.server.live.topics import Topic
from footloom.server.pages import Bundle
from footloom.server.services import Services
from footloom.server.stored.history import ChartKey, History, Seed
from footloom.server.wire.frames import Frame, Message
from footloom.server.wire.messages import TopicRequest
from footloom.store import Quarantined, Recovery

pytestmark = pytest.mark.anyio

SECOND_NS = 10**9


def after(tape: Trades, *seconds: float, ids: tuple[int, ...], recv_s: float | None = None) -> Trades:
    """Return trades at so many seconds behind a tape's last, with ids that count from its last."""
    ts = [int(tape.ts_exch_ns[-1]) + round(s * SECOND_NS) for s in seconds]
    recv = [(t if recv_s is None else int(tape.ts_exch_ns[-1]) + round(recv_s * SECOND_NS)) + 5_000_000 for t in ts]
    last_id = int(tape.trade_id[-1])
    return Trades.build(
        TEST,
        ts,
        [50_000] * len(ts),
        [5] * len(ts),
        [1] * len(ts),
        trade_id=[last_id + i for i in ids],
        ts_recv_ns=recv,
    )


def commit(trades: Trades, **more: Any) -> Commit:
    watermark_ns = int(trades.ts_recv_ns[-1]) if len(trades) else 0
    return Commit(TEST.key, trades, more.pop("gaps", ()), more.pop("watermark_ns", watermark_ns), **more)


def request(bars: str = "1m", **settings: Any) -> TopicRequest:
    return TopicRequest(symbol=TEST.key, bars=bars, **({"ticks_per_level": 1} | settings))


def count(topic: Topic) -> int:
    frame = topic.builder.frame()
    assert frame is not None
    return int(frame.footprint.bars.trades.sum())


@dataclass(eq=False)
class Looker:
    """A subscriber, and its client, that notes what it is told."""

    told: list[str] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)

    @property
    def client(self) -> Looker:
        return self

    def post_status(self, key: str, said: Message) -> None:  # noqa: ARG002 - as a client's
        self.statuses.append(str(said.data))

    def post_bar(self, open_ns: int, frame: Frame) -> None:  # noqa: ARG002 - as a subscriber's
        self.told.append("bar")

    def post_event(self, frame: Frame, *, ends_ns: int | None = None) -> None:  # noqa: ARG002 - as a subscriber's
        self.told.append("event")

    def resnapshot(self, *_: object) -> None:
        self.told.append("resnapshot")

    def drop(self, error: FootloomError) -> None:
        self.told.append(f"drop: {error}")


@asynccontextmanager
async def running(store: MemoryStore, **settings: Any) -> AsyncIterator[Hub]:
    hub = Hub(History(store), **settings)  # type: ignore[arg-type] - as much of a store as the server reads
    yield hub
    hub.close()


@contextmanager
def held(history: History, bars: str) -> Iterator[None]:
    """Let the seeds of charts with such bars, once read, wait until the block ends."""
    go_on, plain = threading.Event(), history.seed

    def seed(chart: ChartKey, history_bars: int, count: Count | None = None) -> Seed:
        found = plain(chart, history_bars, count)
        if chart.spec.bars == bars:
            assert go_on.wait(60)
        return found

    history.seed = seed  # type: ignore[method-assign]
    try:
        yield
    finally:
        go_on.set()


async def test_charts_of_one_symbol_that_start_together_miss_nothing() -> None:
    tape = make_tape(200, hours=0.1)
    store = MemoryStore(tape)
    async with running(store) as hub:
        with held(hub.history, "1h"):
            slow = asyncio.create_task(hub.open(request("1h"), 10))
            await asyncio.sleep(0.1)
            fast = await hub.open(request("1m"), 10)  # the first that came is not the first that is done
            rows = after(tape, 1, ids=(1,))
            store.append_many([(rows, ())])
            hub.publish(commit(rows))
        topics = [await slow, fast]
        more = after(tape, 2, ids=(2,))
        store.append_many([(more, ())])
        hub.publish(commit(more))
        assert [count(topic) for topic in topics] == [202, 202]
        assert not hub._symbols[TEST.key].backlogs, "a backlog that nobody takes grows for ever"


async def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let the loop believe that so much time has passed, and do what was due by then."""
    loop = asyncio.get_running_loop()
    now = loop.time
    monkeypatch.setattr(loop, "time", lambda: now() + seconds, raising=False)
    for _ in range(3):
        await asyncio.sleep(0)


async def test_a_timer_of_a_topic_that_is_gone_leaves_the_next_one_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(MemoryStore(make_tape(200, hours=0.1)), linger_s=2_000) as hub:
        first, page = await hub.open(request(), 10), Looker()
        hub.join(first, page)
        hub.leave(first, page)
        await later(monkeypatch, 1_500)
        hub.join(first, page)  # a page that is reloaded
        hub.leave(first, page)
        await later(monkeypatch, 1_000)
        assert hub.topics == [first], "it lingers from the last time on that somebody left"
        await later(monkeypatch, 1_500)
        assert not hub.topics
        second = await hub.open(request(), 10)
        hub.join(second, page)
        hub._stop(first)
        third = await hub.open(request(), 10)
        assert third is second
        assert hub.topics == [second]


async def test_a_late_row_while_the_journal_fails_erases_nothing() -> None:
    tape = make_tape(200, hours=0.1)
    async with running(MemoryStore(tape)) as hub:
        topic = await hub.open(request(), 10)
        hub.publish(commit(after(tape, 130, 140, ids=(1, 3)), recorded=False))
        hub.publish(commit(after(tape, 135, ids=(2,), recv_s=141), recorded=False))
        await settled(topic)
        assert count(topic) == 203
        later = await hub.open(request("5m"), 10)
        assert count(later) == 203, "a topic that starts now has them too"


async def test_a_fault_of_one_chart_is_logged_and_mended(caplog: pytest.LogCaptureFixture) -> None:
    tape = make_tape(200, hours=0.1)
    store = MemoryStore(tape)
    async with running(store, flush_s=0.0) as hub:
        broken, healthy = await hub.open(request(), 10), await hub.open(request("5m"), 10)
        page = Looker()
        hub.join(broken, page)

        def fail(*_: object) -> None:
            raise IndexError("index 7 is out of bounds")

        broken.builder.update = fail  # type: ignore[method-assign, assignment]
        rows = after(tape, 1, ids=(1,))
        store.append_many([(rows, ())])
        hub.publish(commit(rows))
        assert count(healthy) == 201
        unrecorded = after(tape, 2, ids=(2,))
        hub.publish(commit(unrecorded, recorded=False))
        await settled(broken)
        assert count(broken) == count(healthy) == 202
        assert page.told == ["resnapshot"] or page.told[0] == "resnapshot"
        assert any(record.exc_info for record in caplog.records), "the traceback is in the log"
        broken.builder.update = fail  # type: ignore[method-assign, assignment]
        hub.publish(commit(after(tape, 3, ids=(3,)), recorded=False))
        await settled(broken)
        assert hub.topics == [healthy]
        assert page.told[-1].startswith("drop: the chart test:ABC 1m fails again")


async def test_a_late_row_is_read_beside_the_loop_and_other_charts_go_on() -> None:
    tape = make_tape(200, hours=0.1)
    store = MemoryStore(tape)
    async with running(store) as hub:
        slow, fast = await hub.open(request(), 10), await hub.open(request("5m"), 10)
        go_on, plain = threading.Event(), store.load
        threads = set()

        def load(*args: Any) -> Trades:
            threads.add(threading.current_thread())
            assert go_on.wait(60)
            return plain(*args)

        store.load = load  # type: ignore[method-assign]
        hub._symbols[TEST.key].topics.remove(fast)  # it sees the rows that are not late alone
        late = after(tape, -1, ids=(1_000,), recv_s=1)
        store.append_many([(late, ())])
        hub.publish(commit(late))
        hub._symbols[TEST.key].topics.append(fast)
        await asyncio.sleep(0.05)
        rows = after(tape, 5, ids=(1_001,))
        store.append_many([(rows, ())])
        hub.publish(commit(rows))
        assert (count(fast), slow.work is None) == (201, False)
        go_on.set()
        await settled(slow)
        assert count(slow) == 202
        assert threading.main_thread() not in threads


async def settled(topic: Topic) -> None:
    while topic.work is not None:
        await asyncio.wait({topic.work}, timeout=10)


async def test_a_gap_behind_the_last_row_is_known_to_a_topic_that_starts_later() -> None:
    tape = make_tape(200, hours=0.1)
    store = MemoryStore(tape)
    last_ns = int(tape.ts_exch_ns[-1])
    gap = Gap(symbol=TEST.key, from_ns=last_ns + SECOND_NS, to_ns=last_ns + 5 * SECOND_NS, cause="connection lost")
    store.gaps_.append(gap)
    async with running(store) as hub:
        hub.publish(commit(tape.take(slice(0, 0)), gaps=(gap,)))
        topic = await hub.open(request("1d"), 10)
        assert topic.gaps == [gap]
        hub.publish(commit(after(tape, 6, ids=(9,))))
        frame = topic.builder.frame()
        assert frame is not None
        assert frame.footprint.bars.flags[-1] & BAR_GAP


async def test_a_feed_that_died_says_so_in_health_and_headers() -> None:
    tape = make_tape(200, hours=0.1)
    async with running(MemoryStore(tape)) as hub:
        services = Services(hub.history, hub, Bundle({}))
        page = Looker()
        topic = await hub.open(request(), 10)
        hub.join(topic, page)

        async def work() -> None:
            raise IndexError("7")

        await services.feed(work)
        assert services.trouble["feed"].startswith("the feed stopped, nothing is received or recorded: IndexError")
        told = json.loads(page.statuses[-1])
        assert (told["trouble"], told["recorded"]) == (services.trouble["feed"], False)
        services.close()


async def test_what_is_wrong_with_the_store_stands_in_every_header() -> None:
    tape = make_tape(200, hours=0.1)
    store = MemoryStore(tape)
    kept = Quarantined("segment-1.sqlite", "page 3 is torn", "/in/memory/quarantine/segment-1.sqlite")
    store.recovery = Recovery(rows=42, quarantined=(kept,))
    services = Services.over(store)  # type: ignore[arg-type] - as much of a store as is read
    hub, page = services.hub, Looker()

    def told() -> list[str]:
        notes: list[str] = json.loads(page.statuses[-1])["notes"]
        assert sorted(services.trouble.values()) == sorted(notes)
        return [note.split(":")[0] for note in notes]

    started = "the journal was damaged when footloom started"
    topic = await hub.open(request(), 10)
    hub.join(topic, page)
    assert told() == [started]
    store.seal_error = StoreError("the part cannot be written: No space left on device")
    services.publish(replace(commit(after(tape, 1, ids=(1,)), recorded=False), losses=Losses(refused=3)))
    assert told() == [
        "what is received is not recorded",
        "3 received rows were refused by the store and are not recorded",
        "sealing failed",
        started,
    ]
    store.seal_error = None
    services.publish(replace(commit(after(tape, 2, ids=(2,))), losses=Losses(refused=3, given_up=7)))
    assert told() == [
        "7 received rows are not recorded",
        "3 received rows were refused by the store and are not recorded",
        started,
    ]
    services.close()


async def test_what_waits_to_be_recorded_is_bounded_and_holds_nothing_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(symbol_state, "_UNRECORDED_BYTES", 3 * 2_100)
    tape = make_tape(200, hours=0.1)
    async with running(MemoryStore(tape)) as hub:
        waiting = hub._symbols[TEST.key]
        for number in range(1, 6):
            hub.publish(commit(after(tape, number, ids=(number,)), recorded=False))
            hub.publish(commit(tape.take(slice(0, 0)), recorded=False))
        assert [len(one.trades) for one in waiting.unrecorded] == [1, 1, 1]
        hub.publish(replace(commit(after(tape, 6, ids=(6,)), recorded=False), key="test:OTHER"))
        assert len(waiting.unrecorded) == 2, "the bound is that of all symbols: who holds most gives up its oldest"
        hub.publish(commit(after(tape, 6, ids=(6,))))
        assert (len(waiting.unrecorded), waiting.unrecorded_bytes) == (0, 0)
