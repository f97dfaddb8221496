"""`footloom serve mongodb:COLLECTION`: what is inserted while it runs moves the charts, and is stored."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

pytest.importorskip("pymongo", reason="the MongoDB driver is not installed: pip install 'footloom[mongo]'")
from pymongo import MongoClient
from websockets.sync.client import connect

from footloom.core.trades import Trades
from footloom.feeds.flow import Commit
from footloom.feeds.mongo_documents import Collection, Place
from footloom.feeds.mongo_live import DocumentFeed
from footloom.feeds.stored import stored_trades
from footloom.store import Store
from footloom.store.files import Store as FileStore
from footloom.store.memory import Memory
from footloom.store.memory import Store as MemoryStore
from footloom.store.mongo_client import address_of
from tests.integration.mongo.documents import SYMBOL, document
from tests.integration.server.process_kit import Process

KEY = f"upstox:{SYMBOL}"
OTHER = "NSE_EQ|INE000A01001"
PATIENCE_S = 90.0


class Feeding:
    """A feed that runs, and what it published; `wait` waits until something is so."""

    def __init__(self, url: str, store: Store) -> None:
        self.commits: list[Commit] = []
        self.changed: list[str] = []
        self._news = asyncio.Event()
        self.feed = DocumentFeed(Place(address_of(url), "tick_data"), store, self._on_change)
        self._task = asyncio.create_task(self.feed.run(self._on_commit))

    def _on_commit(self, commit: Commit) -> None:
        self.commits.append(commit)
        self._news.set()

    def _on_change(self, key: str) -> None:
        self.changed.append(key)
        self._news.set()

    async def wait(self, until: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not until():
                self._news.clear()
                await self._news.wait()

    async def stands(self, phase: str) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while dict(self.feed.state())[KEY].phase != phase:  # noqa: ASYNC110 - states are asked for, as the server does
                await asyncio.sleep(0.01)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def trades(self, key: str = KEY) -> list[Trades]:
        return [one.trades for one in self.commits if one.key == key]

    def last_ns(self, key: str = KEY) -> int:
        return max((one.watermark_ns for one in self.commits if one.key == key), default=0)


def received_ns(number: int) -> int:
    return round(document(number)["_insertion_time"].timestamp() * 1_000) * 1_000_000


@pytest.fixture
def ticks(database: str) -> Iterator[Any]:
    with MongoClient(database) as client:
        yield client[address_of(database).database]["tick_data"]


async def follow_in_two_runs(url: str, ticks: Any) -> None:
    memory, shown = Memory(), list[Trades]()
    ticks.insert_many(document(number) for number in range(300))
    for first in (300, 400):
        with MemoryStore(memory) as store:
            feeding = Feeding(url, store)
            await feeding.wait(lambda: feeding.last_ns() >= received_ns(299))  # noqa: B023 - awaited here
            for number in range(first, first + 60):
                await asyncio.to_thread(ticks.insert_one, document(number))
                if number % 3 == 0:
                    await asyncio.to_thread(ticks.insert_one, document(number + 1_000, OTHER))
            await feeding.wait(lambda: feeding.last_ns() >= received_ns(first + 59))  # noqa: B023 - awaited here
            assert {key: state.phase for key, state in feeding.feed.state()} == {
                KEY: "live",
                f"upstox:{OTHER}": "live",
            }
            assert feeding.changed == []
            await feeding.stop()
            shown += feeding.trades()
        ticks.insert_many(document(number) for number in range(first + 60, first + 100))  # while nobody follows
    with MemoryStore(memory) as store:
        expected = stored_trades(store, KEY, "snapshot", 0, 2**62)
        assert len(expected) > 400
        assert Trades.concat(shown).equals(expected), "what was shown is not what a chart of the store shows"


def test_what_is_shown_live_is_what_the_store_shows(database: str, ticks: Any) -> None:
    asyncio.run(follow_in_two_runs(database, ticks))


async def insert_late(url: str, ticks: Any) -> None:
    with MemoryStore() as store:
        ticks.insert_many(document(number) for number in range(50, 100))
        feeding = Feeding(url, store)
        await feeding.wait(lambda: feeding.last_ns() >= received_ns(99))
        await asyncio.to_thread(ticks.insert_one, document(10))
        await feeding.wait(lambda: feeding.changed)
        await asyncio.to_thread(ticks.insert_one, document(100))
        await feeding.wait(lambda: feeding.last_ns() >= received_ns(100))
        await feeding.stop()
        assert feeding.changed == [KEY]
        assert len(store.load(KEY, "snapshot", 0, 2**62)) == 52


def test_what_comes_late_is_stored_and_its_charts_are_read_anew(database: str, ticks: Any) -> None:
    asyncio.run(insert_late(database, ticks))


async def lose_the_server(url: str, ticks: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from footloom.errors import StoreError

    monkeypatch.setattr("footloom.feeds.mongo_follow._AGAIN_S", 0.05)
    ticks.insert_many(document(number) for number in range(20))
    with MemoryStore() as store:
        feeding = Feeding(url, store)
        await feeding.wait(lambda: feeding.last_ns() >= received_ns(19))
        inserted, watch = Collection.inserted, Collection.watch

        def refuse(*_: object) -> Any:
            raise StoreError("no server answers")

        with monkeypatch.context() as gone:
            gone.setattr(Collection, "inserted", refuse)
            gone.setattr(Collection, "watch", refuse)
            await feeding.stands("reconnecting")
            state = dict(feeding.feed.state())[KEY]
            assert "comes when it is back" in state.text
            await asyncio.to_thread(ticks.insert_one, document(20))
        assert (Collection.inserted, Collection.watch) == (inserted, watch)
        await feeding.wait(lambda: feeding.last_ns() >= received_ns(20))
        await feeding.stands("live")
        await feeding.stop()
        assert len(store.load(KEY, "snapshot", 0, 2**62)) == 21


def test_a_server_that_is_gone_is_told_and_waited_for(
    database: str, ticks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(lose_the_server(database, ticks, monkeypatch))


def volume_of(message: dict[str, Any]) -> float:
    return sum(message["bars"][side][-1] for side in ("buy", "sell", "unknown"))


def test_documents_move_the_bars_of_a_served_chart(database: str, ticks: Any, tmp_path: Path) -> None:
    ticks.insert_many(document(number) for number in range(480))
    server = Process(tmp_path / "store", [database], {})
    try:
        with connect(f"ws://127.0.0.1:{server.port}/ws/v1", open_timeout=PATIENCE_S) as socket:

            def heard(fits: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
                while not fits(told := json.loads(socket.recv(PATIENCE_S))):
                    pass
                return dict(told)

            def ask(number: int, key: str) -> None:
                topic = {"symbol": key, "bars": "1m"}
                socket.send(json.dumps({"op": "subscribe", "id": number, "topic": topic, "format": "json"}))

            state = heard(lambda told: told["type"] == "feed" and told["phase"] == "live" and told["has_trades"])
            assert state["symbol"] == KEY
            assert "tick_data" in state["text"]
            ask(1, KEY)
            heard(lambda told: told.get("kind") == "snapshot")
            for number in range(480, 500):
                ticks.insert_one(document(number))
            last_ns = received_ns(499) - 120_000_000
            moved = heard(lambda told: told.get("kind") == "bar_open" and int(told["bars"]["last_ns"][-1]) == last_ns)
            assert volume_of(moved) == 19  # the 480th document tells of a trade that was made in the minute before
            ticks.insert_many(document(number, OTHER) for number in range(500, 510))
            heard(lambda told: told["type"] == "feed" and told["symbol"] == f"upstox:{OTHER}" and told["has_trades"])
            ask(2, f"upstox:{OTHER}")
            told = heard(lambda told: told.get("kind") == "snapshot" or told["type"] == "error")
            assert told["type"] == "frame", told
        rows = httpx.get(f"{server.url}/api/v1/instruments", timeout=PATIENCE_S).json()
        assert {row["key"]: row["live"] for row in rows} == {KEY: True, f"upstox:{OTHER}": True}
        logins = httpx.get(f"{server.url}/api/v1/logins", timeout=PATIENCE_S).json()
        assert "upstox" not in {row["venue"] for row in logins}, "nobody has to log in to what is followed"
        assert "sealed in" in server.stop()
    finally:
        server.end()
    with FileStore(tmp_path / "store") as store:
        assert store.load(KEY, "snapshot", 0, 2**62).vtt_lot.tolist() == list(range(1, 501))
        assert {row.journal_rows for row in store.coverage()} == {0}
