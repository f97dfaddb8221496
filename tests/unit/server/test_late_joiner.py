"""Who comes while commits wait for the next frame: a snapshot holds them, and nothing of them comes again behind it."""

from __future__ import annotations

import pytest
from server_kit import FakeSocket, MemoryStore
from test_hub_direct import STORED, Watcher, check_places, published, states_of

from footloom.server.live.hub import Hub
from footloom.server.stored.history import History
from footloom.server.wire.codec import decode

pytestmark = pytest.mark.anyio


async def test_a_snapshot_holds_what_waits_for_the_next_frame_and_is_the_newest_of_its_topic() -> None:
    hub = Hub(History(MemoryStore(STORED)), flush_s=3600.0)  # type: ignore[arg-type] - as much of a store as is read
    first = Watcher(hub, FakeSocket())
    await first.subscribe()
    published(hub, 1, 1.0, "trade")  # shown at once
    published(hub, 2, 62.0, "trade")  # waits, and closes a bar
    late = Watcher(hub, FakeSocket())
    await late.subscribe()
    published(hub, 3, 124.0, "gap")
    for one in (first, late):
        await one.settled()
        check_places(one)
    snapshot = decode(late.frames[0])  # type: ignore[arg-type] - binary
    behind = [decode(one).topic_seq for one in late.frames[1:] if isinstance(one, bytes)]
    assert snapshot.kind == "snapshot"
    assert behind, "a bar has closed since"
    assert min(behind) > snapshot.topic_seq, "what a snapshot holds does not come again"
    for one in (first, late):
        await one.close()
    for topic in hub.topics:
        topic._when_due()
    hub.close()
    assert states_of(late).keys() == states_of(first).keys()
