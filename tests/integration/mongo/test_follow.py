"""A collection that another program writes to is followed into a store: each document once, none left out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pymongo", reason="the MongoDB driver is not installed: pip install 'footloom[mongo]'")
from pymongo import MongoClient, errors

from footloom.errors import StoreError
from footloom.feeds.mongo_documents import Collection, Place
from footloom.feeds.mongo_follow import Follower, Mark, Taken
from footloom.store import Store
from footloom.store.memory import Memory
from footloom.store.memory import Store as MemoryStore
from footloom.store.mongo_client import address_of
from footloom.testing.mongod import Nodes, nodes
from tests.integration.mongo.documents import SYMBOL, document

KEY = f"upstox:{SYMBOL}"
EVER = (0, 2**62)
PATIENCE_S = 90.0


class Following:
    """A follower on a thread, until it is stopped; `wait` waits until something is told."""

    def __init__(self, url: str, store: Store) -> None:
        self.collection = Collection(Place(address_of(url), "tick_data"))
        self._stop = threading.Event()
        self._news = threading.Condition()
        self.error: BaseException | None = None
        self.follower = Follower(self.collection, store, self._told)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.follower.run(self._stop)
        except BaseException as error:  # noqa: BLE001 - told by `stop`
            self.error = error
            self._told(self.follower.taken)

    def _told(self, _taken: Taken) -> None:
        with self._news:
            self._news.notify_all()

    def wait(self, until: Callable[[Taken], bool]) -> None:
        with self._news:
            done = self._news.wait_for(lambda: self.error is not None or until(self.follower.taken), PATIENCE_S)
        if self.error is not None:
            raise self.error
        assert done, f"not after {PATIENCE_S:g} s: {self.follower.taken}"

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(PATIENCE_S)
        self.collection.close()
        if self.error is not None:
            raise self.error


def volumes(store: Store) -> list[int]:
    """The day's volume of each stored row in its order, which is the number of its document plus one."""
    return store.load(KEY, "snapshot", *EVER).vtt_lot.tolist()


@pytest.fixture
def ticks(database: str) -> Iterator[Any]:
    with MongoClient(database) as client:
        yield client[address_of(database).database]["tick_data"]


def test_what_was_there_comes_first_then_each_insert(database: str, ticks: Any) -> None:
    ticks.insert_many(document(number) for number in range(700))
    with MemoryStore() as store:
        following = Following(database, store)
        following.wait(lambda taken: taken.documents >= 700)
        for number in range(700, 760):
            ticks.insert_one(document(number))
        following.wait(lambda taken: taken.documents >= 760)
        following.stop()
        assert volumes(store) == list(range(1, 761))
        found = store.load(KEY, "snapshot", *EVER)
        assert (np.diff(found.ts_recv_ns) == 250_000_000).all()
        assert (found.ts_recv_ns - found.ts_exch_ns == 120_000_000).all()
        assert following.follower.taken.again == 0


def test_a_start_after_a_stop_goes_on_where_it_was(database: str, ticks: Any) -> None:
    memory = Memory()
    for first in (0, 100, 200):
        ticks.insert_many(document(number) for number in range(first, first + 50))  # while nobody follows
        with MemoryStore(memory) as store:
            following = Following(database, store)
            following.wait(lambda taken: taken.documents >= 50)
            ticks.insert_many(document(number) for number in range(first + 50, first + 100))
            following.wait(lambda taken: taken.documents >= 100)
            following.stop()
            assert following.follower.taken.documents == 100, "documents were read again"
            assert volumes(store) == list(range(1, first + 101))


def test_rows_that_a_stop_left_without_a_note_are_known_again(database: str, ticks: Any) -> None:
    ticks.insert_many(document(number) for number in range(50))
    memory = Memory()
    with MemoryStore(memory) as store:
        following = Following(database, store)
        following.wait(lambda taken: taken.documents >= 50)
        ticks.insert_many(document(number) for number in range(50, 60))
        following.wait(lambda taken: taken.documents >= 60)
        before = Mark.of(store, following.collection.place)
        ticks.insert_many(document(number) for number in range(60, 90))
        following.wait(lambda taken: taken.documents >= 90)
        following.stop()
        before.keep(store, following.collection.place)  # as a kill between rows and note leaves it
    ticks.insert_many(document(number) for number in range(90, 95))
    with MemoryStore(memory) as store:
        following = Following(database, store)
        following.wait(lambda taken: taken.documents >= 35)
        following.stop()
        assert following.follower.taken.again == 30
        assert volumes(store) == list(range(1, 96))


# One node acknowledges it before most nodes have it, and only what most have is read. Where a stream begins behind such
# a document, and the reading ends before it, nobody ever hears of it.
def test_what_is_inserted_as_a_stream_begins_is_read_or_told(database: str, ticks: Any) -> None:
    from pymongo import WriteConcern

    soon = ticks.with_options(write_concern=WriteConcern(w=1, j=False))
    for number in range(0, 20, 2):
        before, behind = document(number), document(number + 1)
        with Collection(Place(address_of(database), "tick_data")) as collection:
            collection.count()  # it is connected
            soon.insert_one(before)
            collection.watch()
            seen = {one.id for found in collection.stored() for one in found}
            soon.insert_one(behind)
            until = time.monotonic() + PATIENCE_S
            while behind["_id"] not in seen:
                assert time.monotonic() < until, "the stream tells of nothing"
                seen |= {one.id for one in collection.inserted()[0]}
        assert before["_id"] in seen, f"document {number} was neither read nor told"


# It comes by both ways. A stream may have nothing to say for a moment, and break, before it tells of it.
def test_what_is_read_and_told_is_stored_once(database: str, ticks: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    watch, inserted = Collection.watch, Collection.inserted
    answers = iter(["nothing", "gone"])

    def watch_and_insert(collection: Collection, token: Any = None) -> Any:
        begun = watch(collection, token)
        if ticks.count_documents({}) == 20:
            ticks.insert_one(document(20))
        return begun

    def say_nothing_first(collection: Collection) -> Any:
        answer = next(answers, None)
        if answer == "gone":
            raise StoreError("no server answers")
        return ([], None) if answer else inserted(collection)

    monkeypatch.setattr("footloom.feeds.mongo_follow._AGAIN_S", 0.05)
    monkeypatch.setattr(Collection, "watch", watch_and_insert)
    monkeypatch.setattr(Collection, "inserted", say_nothing_first)
    ticks.insert_many(document(number) for number in range(20))
    with MemoryStore() as store:
        following = Following(database, store)
        following.wait(lambda taken: taken.broken == 1)
        ticks.insert_one(document(21))
        following.wait(lambda taken: taken.rows >= 22)
        following.stop()
        assert volumes(store) == list(range(1, 23))


# Its rest is read, and its stream tells of what was inserted since: several recorders do so, a later _id may be older.
def test_a_reading_that_was_cut_off_goes_on_with_its_stream(database: str, ticks: Any) -> None:
    ticks.insert_many(document(number) for number in range(1, 701))
    memory = Memory()
    with MemoryStore(memory) as store, Collection(Place(address_of(database), "tick_data")) as collection:
        stop = threading.Event()
        Follower(collection, store, lambda _taken: stop.set()).run(stop)
        assert 0 < len(volumes(store)) < 700
    ticks.insert_one(document(701) | {"_id": document(0)["_id"]})
    with MemoryStore(memory) as store:
        following = Following(database, store)
        ticks.insert_one(document(702))
        following.wait(lambda taken: taken.rows >= 202)
        following.stop()
        assert volumes(store) == list(range(2, 704))


def test_documents_are_asked_for_where_nothing_tells_of_them(
    database: str, ticks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Collection, "can_watch", lambda _self: False)
    monkeypatch.setattr(Collection, "watch", None)
    ticks.insert_many(document(number) for number in range(20))
    with MemoryStore() as store:
        following = Following(database, store)
        following.wait(lambda taken: taken.documents >= 20)
        ticks.insert_many(document(number) for number in range(20, 40))
        following.wait(lambda taken: taken.documents >= 40)
        following.stop()
        assert volumes(store) == list(range(1, 41))


@pytest.mark.soak
def test_a_server_without_a_replica_set_is_asked(tmp_path: Path) -> None:
    with nodes(tmp_path, replica_set=False) as alone, MongoClient(alone.url) as client, MemoryStore() as store:
        collection = client["strategy"]["tick_data"]
        collection.insert_many(document(number) for number in range(20))
        following = Following(alone.database("strategy"), store)
        following.wait(lambda taken: taken.documents >= 20)
        collection.insert_many(document(number) for number in range(20, 40))
        following.wait(lambda taken: taken.documents >= 40)
        following.stop()
        assert volumes(store) == list(range(1, 41))


# Its first document has a price of one decimal, those behind it have two: nothing of them may be off the grid.
def test_an_instrument_that_appears_later_is_stored_whole(database: str, ticks: Any) -> None:
    other = "NSE_EQ|INE000A01001"
    ticks.insert_many(document(number) for number in range(20))
    with MemoryStore() as store:
        following = Following(database, store)
        following.wait(lambda taken: taken.documents >= 20)
        for number in range(24, 40):  # 3183.8 is the first price
            ticks.insert_one(document(number, other))
        following.wait(lambda taken: taken.documents >= 36)
        following.stop()
        assert following.follower.taken.drops == []
        found = store.load(f"upstox:{other}", "snapshot", *EVER)
        assert found.vtt_lot.tolist() == list(range(25, 41))
        assert str(found.instrument.tick_size) == "0.01"


# Inserts documents one after the other, each until it is acknowledged, and says how many there are.
class Recorder:
    def __init__(self, url: str, count: int) -> None:
        self.count = count
        self.acknowledged = 0
        self.news = threading.Condition()
        self.error: BaseException | None = None
        self._client: Any = MongoClient(url, w="majority", journal=True)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        ticks = self._client["strategy"]["tick_data"]
        try:
            for number in range(self.count):
                self._insert(ticks, document(number))
                with self.news:
                    self.acknowledged = number + 1
                    self.news.notify_all()
        except BaseException as error:  # noqa: BLE001 - told by `stop`
            self.error = error
            with self.news:
                self.news.notify_all()

    def _insert(self, ticks: Any, one: dict[str, Any]) -> None:
        while True:
            try:
                ticks.insert_one(one)
            except errors.DuplicateKeyError:
                return  # the try before it was stored, and its answer was lost
            except errors.ConnectionFailure:
                continue
            else:
                return

    def wait(self, acknowledged: int) -> None:
        with self.news:
            enough = self.news.wait_for(lambda: self.error or self.acknowledged >= acknowledged, PATIENCE_S)
        assert enough, f"{self.acknowledged} of {acknowledged} documents were acknowledged"

    def stop(self) -> None:
        self._thread.join(PATIENCE_S)
        self._client.close()
        if self.error is not None:
            raise self.error


def test_a_killed_server_that_comes_back_costs_no_document(tmp_path: Path) -> None:
    with nodes(tmp_path) as one, MemoryStore() as store:
        following = Following(one.database("strategy"), store)
        recorder = Recorder(one.url, 100)
        recorder.wait(30)
        (port,) = one.ports
        one.kill(port)
        one.start_one(port)
        recorder.stop()
        following.wait(lambda taken: taken.documents >= 100)
        following.stop()
        assert volumes(store) == list(range(1, 101))


@pytest.mark.soak
def test_a_killed_primary_costs_no_document(three: Nodes) -> None:
    with MemoryStore() as store:
        following = Following(three.database("strategy"), store)
        recorder = Recorder(three.url, 600)
        recorder.wait(150)
        killed = three.primary()
        three.kill(killed)
        recorder.stop()
        following.wait(lambda taken: taken.documents >= 600)
        following.stop()
        three.start_one(killed)
        assert volumes(store) == list(range(1, 601))
