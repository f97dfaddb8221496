"""What is written at once and what waits for its connection first: the same bytes in the same order."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from server_kit import DAY0_NS, TEST, FakeSocket, MemoryStore, make_tape
from websockets.frames import Frame as TheirFrame
from websockets.frames import Opcode

from footloom.core.messages import Gap
from footloom.core.trades import Trades
from footloom.feeds.flow import Commit
from footloom.server.clients.mailbox import Mailbox
from footloom.server.clients.session import Session
from footloom.server.live.hub import Hub
from footloom.server.live.measures import Measures
from footloom.server.stored.history import History
from footloom.server.wire.codec import Decoded, decode
from footloom.server.wire.frames import Frame, Message, chart_frame
from footloom.server.wire.messages import TopicRequest

pytestmark = pytest.mark.anyio

MINUTE_NS = 60 * 10**9
STORED = make_tape(200, hours=0.5)
LAST_NS = int(STORED.ts_exch_ns[-1])


class QueueingSocket(FakeSocket):
    """Takes nothing at once: all goes by the mailbox and its task."""

    def offer(self, message: Message) -> bool:  # noqa: ARG002 - as a socket's
        return False

    async def send(self, message: Message) -> None:
        await self.reading.wait()
        self.take(message)


class Watcher:
    """One session on a socket."""

    def __init__(self, hub: Hub, socket: FakeSocket, mailbox: Mailbox | None = None) -> None:
        self.socket = socket
        self.session = Session(hub, socket, mailbox=mailbox or Mailbox())
        self.task = asyncio.create_task(self.session.run())

    async def subscribe(self, form: str = "binary") -> None:
        topic = {"symbol": TEST.key, "bars": "1m", "ticks_per_level": 1}
        asked = {"op": "subscribe", "id": 1, "topic": topic, "history_bars": 50, "format": form}
        self.socket.requests.put_nowait(json.dumps(asked))
        async with asyncio.timeout(60):
            while not any(one.live for one in self.session.subscriptions.values()):  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0)
        await self.settled()

    async def settled(self) -> None:
        async with asyncio.timeout(60):
            while not self.session._idle:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0)

    @property
    def frames(self) -> list[bytes | str]:
        return [one for one in self.socket.sent if isinstance(one, bytes) or '"topic_seq"' in one]

    async def close(self) -> None:
        self.socket.requests.put_nowait(None)
        await asyncio.wait_for(self.task, 60)


def rows(number: int, at_s: float, count: int = 1) -> Trades:
    ts = LAST_NS + int(at_s * 1e9) + np.arange(count)
    ticks = 50_000 + (number * 7 + np.arange(count)) % 31
    return Trades.build(
        TEST, ts, ticks, np.full(count, 3), np.ones(count, np.int8),
        trade_id=int(STORED.trade_id[-1]) + 1 + number * 10 + np.arange(count), ts_recv_ns=ts,
    )  # fmt: skip


def published(hub: Hub, number: int, at_s: float, what: str) -> None:
    gap = Gap(symbol=TEST.key, from_ns=LAST_NS + number, to_ns=LAST_NS + number + 1, cause="reconnect", missing=1)
    trades = rows(number, at_s, 2)
    hub.publish(Commit(TEST.key, trades, (gap,) if what == "gap" else (), int(trades.ts_recv_ns[-1])))


steps = st.lists(
    st.tuples(st.sampled_from(["trade", "trade", "gap", "minute", "stall", "read", "turn"]), st.integers(0, 3)),
    min_size=5,
    max_size=40,
)


async def play(hub: Hub, script: list[tuple[str, int]], *stalling: Watcher) -> None:
    at_s = 1.0
    for number, (what, turns) in enumerate(script):
        if what in {"stall", "read"}:
            for one in stalling:
                (one.socket.reading.clear if what == "stall" else one.socket.reading.set)()
        elif what != "turn":
            at_s += 61.0 if what == "minute" else 0.5
            published(hub, number, at_s, what)
        for _ in range(turns):
            await asyncio.sleep(0)
    for one in stalling:
        one.socket.reading.set()
        await one.settled()


@settings(max_examples=10, deadline=None)
@given(steps, st.sampled_from(["binary", "json"]))
async def test_what_goes_by_the_mailbox_is_what_goes_at_once(script: list[tuple[str, int]], form: str) -> None:
    hub = Hub(History(MemoryStore(STORED)), flush_s=0.0)  # type: ignore[arg-type] - as much of a store as is read
    direct, queued = Watcher(hub, FakeSocket()), Watcher(hub, QueueingSocket())
    for one in (direct, queued):
        await one.subscribe(form)
    at_s = 1.0
    for number, (what, _) in enumerate(script):
        at_s += 61.0 if what == "minute" else 0.5
        published(hub, number, at_s, what)
        before = len(direct.frames)
        await queued.settled()  # it keeps up, so that nothing is conflated
        assert len(direct.frames) == before, "what is written at once is there when it was posted"
    assert direct.frames == queued.frames
    for one in (direct, queued):
        await one.close()
    hub.close()


@settings(max_examples=20, deadline=None)
@given(steps, st.integers(3, 60))
async def test_pauses_conflate_open_bars_alone_and_change_nothing_else(
    script: list[tuple[str, int]], most_items: int
) -> None:
    hub = Hub(History(MemoryStore(STORED)), flush_s=0.0)  # type: ignore[arg-type] - as much of a store as is read
    direct, pausing = Watcher(hub, FakeSocket()), Watcher(hub, FakeSocket(), Mailbox(max_items=most_items))
    for one in (direct, pausing):
        await one.subscribe()
    await play(hub, script, pausing)
    assert states_of(pausing) == states_of(direct)
    if not pausing.session.resyncs:
        assert events_of(pausing) == events_of(direct), "events come each once and in order"
    for one in (direct, pausing):
        check_places(one)
        await one.close()
    hub.close()


def states_of(one: Watcher) -> dict[int, tuple[Any, ...]]:
    """Fold the frames as a page does: a snapshot replaces all, a bar its own."""
    held: dict[int, tuple[Any, ...]] = {}
    for data in one.frames:
        if not isinstance(data, bytes):
            continue
        frame = decode(data)
        if frame.kind == "snapshot":
            held = {}
        held |= bars_of(frame)
    newest = sorted(held)[-20:]
    return {open_ns: held[open_ns] for open_ns in newest}


def bars_of(frame: Decoded) -> dict[int, tuple[Any, ...]]:
    start = frame.bars["level_start"].astype(int).tolist()
    return {
        open_ns: (
            [column[at].item() for name, column in frame.bars.items() if name not in {"level_start", "quote_share"}],
            [column[start[at] : start[at + 1]].tolist() for column in frame.levels.values()],
        )
        for at, open_ns in enumerate(frame.bars["open_ns"].tolist())
    }


def events_of(one: Watcher) -> list[object]:
    found: list[object] = []
    for data in one.frames:
        said = decode(data) if isinstance(data, bytes) else json.loads(data)
        if isinstance(said, Decoded):
            found += [(said.kind, said.topic_seq)] if said.kind in {"bar_closed", "bar_revised"} else []
        elif said["type"] == "gap":
            found.append((said["type"], said["topic_seq"]))
    return found


def check_places(one: Watcher) -> None:
    before = -1
    for data in one.frames:
        frame = decode(data) if isinstance(data, bytes) else None
        said = json.loads(data) if isinstance(data, str) else {}
        seq, prev = (frame.topic_seq, frame.prev_seq) if frame else (said["topic_seq"], said["prev_seq"])
        assert prev == before
        assert seq >= before
        before = seq


async def test_a_message_is_packed_once_for_all_who_were_sent_the_same_before() -> None:
    hub = Hub(History(MemoryStore(STORED)), flush_s=0.0)  # type: ignore[arg-type] - as much of a store as is read
    topic = await hub.open(TopicRequest(symbol=TEST.key, bars="1m", ticks_per_level=1), 50)
    chart = topic.builder.open_frame()
    assert chart is not None
    frame = chart_frame(topic.id, 7, "bar_open", chart)
    assert frame.stamped("binary", 6) is frame.stamped("binary", 6)
    stamps = [frame.stamped("binary", prev) for prev in range(7)]
    assert [decode(one.data).prev_seq for one in stamps if isinstance(one.data, bytes)] == [*range(7)]
    hub.close()


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 100_000])
@pytest.mark.parametrize("text", [False, True])
def test_packed_messages_are_frames_of_a_websocket(size: int, *, text: bool) -> None:
    payload = bytes(97 + number % 26 for number in range(size))
    theirs = TheirFrame(Opcode.TEXT if text else Opcode.BINARY, payload).serialize(mask=False)
    assert Message(payload.decode() if text else payload).packed() == theirs
    assert Message("ü").packed() == b"\x81\x02\xc3\xbc"


async def test_frames_are_timed_once_for_all_when_the_loop_has_written_them() -> None:
    measures = Measures()
    one, other = (Frame(1, seq, "gap", lambda _form: "{}", heard=(seq, seq + 10**9)) for seq in (1, 2))
    for _ in range(3):
        measures.hand(one, 10)
    measures.hand(other, 5)
    assert (measures.frames, measures.bytes) == (0, 35)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (measures.frames, measures.bytes) == (4, 35)
    assert (measures.newest.count, measures.oldest.count) == (4, 4)
    assert measures.oldest.total_s > measures.newest.total_s
    assert measures.newest.total_s * 1e9 > DAY0_NS


async def test_a_fault_while_writing_ends_the_session_with_it() -> None:
    class Faulty(FakeSocket):
        def offer(self, message: Message) -> bool:  # noqa: ARG002 - as a socket's
            return False

        async def send(self, message: Message) -> None:  # noqa: ARG002 - as a socket's
            raise ValueError("a fault of ours")

    hub = Hub(History(MemoryStore(STORED)))  # type: ignore[arg-type] - as much of a store as is read
    session = Session(hub, Faulty())
    with pytest.raises(ValueError, match="a fault of ours"):
        await asyncio.wait_for(session.run(), 60)
    assert not hub.board._readers
    hub.close()


async def test_a_session_that_is_cancelled_from_outside_is_cancelled() -> None:
    hub = Hub(History(MemoryStore(STORED)))  # type: ignore[arg-type] - as much of a store as is read
    watcher = Watcher(hub, FakeSocket())
    await watcher.socket.wait_for(1)
    watcher.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watcher.task
    assert not hub.board._readers
    hub.close()
