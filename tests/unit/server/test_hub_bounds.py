"""What clients leave behind is bounded; a topic that ends takes nothing else along."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from server_kit import TEST, FakeSocket, MemoryStore, make_tape

from footloom.errors import FootloomError
from footloom.server.clients.allowance import Limits
from footloom.server.clients.mailbox import Mailbox
from footloom.server.clients.session import Session
from footloom.server.live.hub import Hub
from footloom.server.stored.history import History
from footloom.server.wire.messages import TopicRequest

pytestmark = pytest.mark.anyio

CHART = TopicRequest(symbol=TEST.key)


@pytest.fixture
def hub() -> Hub:
    return Hub(History(MemoryStore(make_tape(2_000))))


def asked(number: int) -> str:
    return json.dumps({"op": "subscribe", "id": number, "topic": {"symbol": TEST.key, "ticks_per_level": number}})


async def until_held(session: Session, count: int) -> None:
    async with asyncio.timeout(60):
        while len(session.subscriptions) != count:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0)


async def test_topics_that_were_left_are_bounded_and_one_that_is_not_read_yet_stays(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("footloom.server.live.hub._MOST_LINGERING", 2)
    fresh = await hub.open(TopicRequest(symbol=TEST.key, ticks_per_level=100), 10)
    socket = FakeSocket()
    session = Session(hub, socket, limits=Limits(messages_per_s=0))
    running = asyncio.create_task(session.run())
    for step in range(1, 7):
        socket.requests.put_nowait(asked(step))
        await until_held(session, 1)
        socket.requests.put_nowait(json.dumps({"op": "unsubscribe", "topic_id": next(iter(session.subscriptions))}))
        await until_held(session, 0)
    assert {topic.chart.spec.ticks_per_level for topic in hub.topics} == {100, 5, 6}
    assert fresh in hub.topics
    socket.requests.put_nowait(None)
    await running
    hub.close()


async def test_a_topic_whose_time_runs_out_while_it_is_opened_is_started_again(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = await hub.open(CHART, 10)
    shield = asyncio.shield

    def shielded(task: asyncio.Task[Any]) -> asyncio.Future[Any]:
        hub._stop(old)
        return shield(task)

    with monkeypatch.context() as patch:
        patch.setattr("footloom.server.live.hub.asyncio.shield", shielded)
        found = await hub.open(CHART, 10)
    assert found is not old
    assert hub.topics == [found]
    hub.close()


async def test_a_topic_that_cannot_start_takes_no_other_ones_place(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    faults: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, said: faults.append(said))

    async def fail(topic: Any) -> None:
        topic.work = None
        hub._fail(topic, FootloomError("it cannot"))

    with monkeypatch.context() as patch:
        patch.setattr(hub, "_work", fail)
        with pytest.raises(FootloomError, match="it cannot"):
            await hub.open(CHART, 10)
    assert await hub.open(CHART, 10) in hub.topics
    assert not faults
    hub.close()


async def test_a_client_that_asks_and_reads_nothing_is_cut_off_without_a_word(
    hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    socket = FakeSocket()
    socket.reading.clear()
    session = Session(hub, socket, mailbox=Mailbox(max_items=2), limits=Limits(messages_per_s=0))
    for number in range(1, 6):
        socket.requests.put_nowait(asked(number))
    async with asyncio.timeout(60):
        await session.run()
    assert not caplog.records
    assert not session.subscriptions
    hub.close()


async def test_snapshots_of_every_length_are_not_all_kept(hub: Hub) -> None:
    topic = await hub.open(CHART, 300)
    for count in range(1, 50):
        async with topic.folding:
            made = topic.snapshot(count)
        await made
    assert len(topic._snapshots) <= 8
    async with topic.folding:
        assert await topic.snapshot(49) == await topic.snapshot(49)
    hub.close()


async def test_a_symbol_that_nobody_hears_any_more_is_forgotten(hub: Hub) -> None:
    leave = [hub.listen("spot:NONE", lambda _: None) for _ in range(2)]
    leave[0]()
    leave[0]()
    assert "spot:NONE" in hub._symbols
    leave[1]()
    assert "spot:NONE" not in hub._symbols
