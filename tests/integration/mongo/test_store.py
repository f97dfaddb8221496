"""What only a store in MongoDB can meet: a primary that is killed, a writer that comes back after its lease."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import numpy as np
import pytest

pytest.importorskip("pymongo", reason="the MongoDB driver is not installed: pip install 'footloom[mongo]'")

from footloom.core.trades import Trades
from footloom.errors import StoreError, StoreLocked
from footloom.feeds.live import Journal
from footloom.store import Settings
from footloom.store.chunks import Chunk
from footloom.store.keeping import KeptStore
from footloom.store.layout import Stream
from footloom.store.manifest import Catalog, Manifest
from footloom.store.mongo import MongoMedium, Store
from footloom.store.mongo_client import address_of
from footloom.store.mongo_lock import WriterLease
from footloom.testing._store_sample import EVER, KEY, SMALL, loaded, tape
from footloom.testing.mongod import Nodes


@pytest.mark.soak
def test_a_killed_primary_costs_no_acknowledged_row(three: Nodes) -> None:
    trades = tape(400)
    with Store(three.database("tapes"), writer=True, settings=SMALL) as store:
        killed = None
        acknowledged = 0
        for start in range(0, 400, 10):
            if start == 150:
                killed = three.primary()
                three.kill(killed)
            for _ in range(60):
                try:
                    store.append(trades.take(slice(start, start + 10)))
                except StoreError:
                    continue  # the rows wait, and are sent again
                acknowledged += 10
                break
        assert acknowledged == 400
        assert loaded(store).equals(trades)
        store.seal()
        assert loaded(store).equals(trades)
        seq = np.concatenate(
            [piece.seq for day in store.coverage() for piece in store.iter_ingest(KEY, "trade", day.day)]
        )
        assert sorted(seq.tolist()) == list(range(1, 401)), "a commit in doubt was kept twice"
        assert killed is not None
        three.start_one(killed)


# A writer that was cut off while its lease ran out: it cannot renew it, and does not know.
def frozen(medium: MongoMedium) -> KeptStore:
    store = KeptStore(medium, writer=True, settings=Settings(roll_ns=2**62))
    lease: Any = store._lock
    lease._ended.set()
    lease._thread.join()
    return store


@pytest.mark.parametrize("is_sealed", [False, True], ids=["journal", "sealed"])
def test_a_writer_that_comes_back_after_its_lease_can_change_nothing(database: str, *, is_sealed: bool) -> None:
    trades = tape(400)
    address = address_of(database)
    old = frozen(MongoMedium(address, lease_s=0.5))
    old.append(trades.take(slice(0, 100)))
    new = None
    while new is None:  # until the lease has run out
        try:
            new = KeptStore(MongoMedium(address, lease_s=30.0), writer=True, settings=SMALL)
        except StoreLocked:
            continue
    with new:
        assert new.recovery.rows == 100
        new.append(trades.take(slice(100, 200)))
        if is_sealed:  # its segments are gone: nothing of the journal is in the old writer's way
            new.seal()
        new.put_note("how-far", b"new")
        other = msgspec.structs.replace(trades.instrument, quote="EUR")
        stream, day = Stream(*KEY.split(":"), "trade"), dt.datetime.fromtimestamp(0, dt.UTC).date()
        for attempt in (
            lambda: old.append(trades.take(slice(300, 400))),
            old.seal,
            lambda: old.write_part(trades),
            lambda: old.put_note("how-far", b"old"),
            lambda: old.put_instrument(other),
            lambda: old.medium.remove_parts(stream, day, ["part-00000001.parquet"]),
            lambda: old.medium.sweep(stream, day, []),
        ):
            with pytest.raises(StoreError, match="no longer holds the lock"):
                attempt()
        assert new.note("how-far") == b"new"
        assert new.instrument(KEY) == trades.instrument
        new.seal()
        assert loaded(new).equals(trades.take(slice(0, 200)))
        assert new.append(trades.take(slice(200, 300))) == 300
        assert loaded(new).equals(trades.take(slice(0, 300)))
    old.medium.close()


def test_a_lease_that_is_renewed_is_not_lost(database: str) -> None:
    address = address_of(database)
    medium = MongoMedium(address)
    medium.claim()
    lease = WriterLease(medium._store, address, 2.0)
    until = medium._store.find_one({"_id": "writer"})["until"]
    with medium._database.watch(full_document="updateLookup") as changes:
        for change in changes:
            if change["fullDocument"].get("_id") == "writer" and change["fullDocument"]["until"] > until:
                break
    lease.check()
    with pytest.raises(StoreLocked):
        WriterLease(medium._store, address, 2.0)
    lease.release()
    WriterLease(medium._store, address, 2.0).release()
    medium.close()


def test_a_day_of_many_rows_lies_in_documents_of_at_most_65536(database: str) -> None:
    rows = 150_000
    base = tape(1)
    time = np.full(rows, int(base.ts_exch_ns[0])) + np.arange(rows) * 1_000
    trades = Trades.build(
        base.instrument, time, time % 900, time % 7 + 1, np.ones(rows), trade_id=np.arange(1, rows + 1)
    )
    with Store(database, writer=True) as store:
        store.write_part(trades)
        chunks = list(store.medium._chunks.find({}, {"data": 0}, sort=[("n", 1)]))
        assert [one["rows"] for one in chunks] == [65_536, 65_536, 18_928]
        assert chunks[1]["from_ns"] == int(time[65_536])
        assert int(chunks[1]["from"].timestamp() * 1_000) == int(time[65_536]) // 1_000_000
        found = store.load(KEY, "trade", int(time[70_000]), int(time[70_003]))
        assert found.trade_id.tolist() == [70_001, 70_002, 70_003]
        assert len(store.load(KEY, "trade", *EVER)) == rows


def test_a_damaged_document_is_told(database: str) -> None:
    with Store(database, writer=True, settings=SMALL) as store:
        store.write_part(tape(100))
        store.medium._chunks.update_one({"n": 0}, {"$set": {"data": b"damaged"}})
        with pytest.raises(StoreError, match="is damaged: crc32"):
            store.load(KEY, "trade", *EVER)
        with pytest.raises(StoreError, match="is damaged: crc32"):
            store.verify()


class LostAnswer:
    """A collection whose inserts are made and, while ``lost``, never answered."""

    def __init__(self, documents: Any) -> None:
        self._documents = documents
        self.lost = True

    def insert_one(self, document: dict[str, Any]) -> Any:
        from pymongo.errors import AutoReconnect

        made = self._documents.insert_one(document)
        if self.lost:
            raise AutoReconnect("the answer was lost")
        return made

    def __getattr__(self, name: str) -> Any:
        return getattr(self._documents, name)


# What is in doubt has numbers that the next segment gives again: rows with the same numbers would be taken for sealed.
def test_a_segment_that_ends_with_a_commit_in_doubt_hides_no_row_of_the_next(database: str) -> None:
    trades = tape(400)
    with Store(database, writer=True, settings=SMALL) as store:
        store.append(trades.take(slice(0, 100)))
        segment: Any = store._writing()._journal.segment
        segment._documents = documents = LostAnswer(segment._documents)
        with pytest.raises(StoreError):
            store.append(trades.take(slice(100, 200)))
        documents.lost = False
        store.seal()
        store.append(trades.take(slice(200, 300)))  # what was not acknowledged comes again, behind other rows
        store.append(trades.take(slice(100, 200)))
        assert loaded(store).equals(trades.take(slice(0, 300)))
        store.seal()
        assert loaded(store).equals(trades.take(slice(0, 300)))


# Whoever sends again what was not acknowledged leaves out what it finds stored: that must not be removed behind it.
def test_a_commit_in_doubt_is_not_read_as_stored(database: str) -> None:
    trades = tape(400)
    with Store(database, writer=True, settings=SMALL) as store:
        store.append(trades.take(slice(0, 100)))
        segment: Any = store._writing()._journal.segment
        segment._documents = documents = LostAnswer(segment._documents)
        with pytest.raises(StoreError):
            store.append(trades.take(slice(100, 200)))
        documents.lost = False
        assert sum(row.rows for row in store.coverage(KEY)) == 100
        assert loaded(store).equals(trades.take(slice(0, 100)))
        store.append(trades.take(slice(100, 200)))
        assert loaded(store).equals(trades.take(slice(0, 200)))


def test_rows_wait_while_the_server_does_not_answer(database: str) -> None:
    trades = tape(400)
    with Store(database, writer=True, settings=SMALL) as store:
        store.append(trades.take(slice(0, 100)))
        segment: Any = store._writing()._journal.segment
        segment._documents = documents = LostAnswer(segment._documents)
        journal = Journal(store)
        for start in (100, 200):
            assert not journal._write([(trades.take(slice(start, start + 100)), ())])
        assert (journal.waiting, journal.losses.refused) == (200, 0)
        documents.lost = False
        assert journal._write([(trades.take(slice(300, 400)), ())])
        journal.close()
        assert loaded(store).equals(trades)


def manifest_of(store: KeptStore, stream: Stream, day: dt.date) -> Manifest:
    found = Catalog(store.medium).read(stream, day)
    assert found is not None
    return found


# What a lost writer does between asking for its lock and writing: the words of a check that went well before.
def unasked(medium: MongoMedium) -> None:
    lease: Any = medium._lease
    lease.check = lambda: None


def test_a_lost_writer_that_does_not_know_changes_nothing_of_the_next(database: str) -> None:
    trades = tape(200)
    address = address_of(database)
    old = frozen(MongoMedium(address, lease_s=0.2))
    old.put_instrument(trades.instrument)
    old.put_note("how-far", b"old")
    new = None
    while new is None:  # until the lease has run out
        try:
            new = KeptStore(MongoMedium(address, lease_s=30.0), writer=True, settings=SMALL)
        except StoreLocked:
            continue
    unasked(old.medium)
    other = msgspec.structs.replace(trades.instrument, quote="EUR")
    with new:
        new.write_part(trades)
        row = new.coverage()[0]
        stream = Stream(*KEY.split(":"), "trade")
        part = manifest_of(new, stream, row.day).parts[0]
        for attempt in (lambda: old.put_note("how-far", b"older"), lambda: old.put_instrument(other)):
            with pytest.raises(StoreError, match="no longer holds the lock"):
                attempt()
        old.medium.sweep(stream, row.day, [])
        old.medium.remove_parts(stream, row.day, [part.file])
        assert new.note("how-far") == b"old"
        assert new.instrument(KEY) == trades.instrument
        assert loaded(new).equals(trades)
        assert new.medium._chunks.count_documents({"swept": {"$ne": None}}) == 0, "not even marked"
    old.medium.close()


def test_a_part_of_the_same_name_that_no_manifest_names_is_swept_and_the_named_one_stays(database: str) -> None:
    trades = tape(100)
    with Store(database, writer=True, settings=SMALL) as store:
        store.write_part(trades)
        row = store.coverage()[0]
        stream = Stream(*KEY.split(":"), "trade")
        manifest = manifest_of(store, stream, row.day)
        medium = store.medium
        named = medium._chunks.find_one({"part": manifest.parts[0].file, "sum": manifest.parts[0].crc32})
        stray = {**named, "sum": named["sum"] + 1, "term": named["term"] - 1}
        del stray["_id"]
        medium._chunks.insert_one(stray)
        medium.sweep(stream, row.day, manifest.parts)
        marked = list(medium._chunks.find({"swept": {"$ne": None}}))
        assert [one["sum"] for one in marked] == [stray["sum"]]
        assert loaded(store).equals(trades)


def test_a_part_that_is_written_again_is_never_absent(database: str) -> None:
    trades = tape(100)
    with Store(database, writer=True, settings=SMALL) as store:
        store.write_part(trades)
        row = store.coverage()[0]
        medium, stream = store.medium, Stream(*KEY.split(":"), "trade")
        part = manifest_of(store, stream, row.day).parts[0]
        before = medium._chunks.find_one({"part": part.file})
        chunks = [
            Chunk(one["rows"], one["from_ns"], one["to_ns"], one["crc32"], one["data"])
            for one in medium._chunks.find({"part": part.file}, sort=[("n", 1)])
        ]
        medium._chunks = OnlyWrites(medium._chunks)
        medium.add_part(stream, row.day, part.file, chunks)
        medium._chunks = medium._chunks.documents
        assert medium._chunks.find_one({"part": part.file})["_id"] == before["_id"]
        assert loaded(store).equals(trades)


class OnlyWrites:
    """A collection from which nothing may be removed."""

    def __init__(self, documents: Any) -> None:
        self.documents = documents

    def __getattr__(self, name: str) -> Any:
        assert "delete" not in name
        return getattr(self.documents, name)
