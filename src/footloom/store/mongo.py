"""A store in MongoDB: the same tapes, commits and manifests as in a folder, as documents (`docs/mongodb.md`).

=====================  ==============================================================================================
``footloom_store``     that this is a store, and who writes
``footloom_tapes``     a document for each tape; without it nothing of the tape is stored
``footloom_days``      a day's manifest, the only truth about its parts
``footloom_chunks``    up to 65 536 rows of a part, as packed columns
``footloom_journal``   a group commit of what arrives live
``footloom_books``     dated definitions of the instruments
``footloom_frames``    frames that could not be parsed, the newest of them
``footloom_raw.*``     texts that are kept as they came (GridFS)
=====================  ==============================================================================================

Parts that compaction replaces stay for ten minutes, for whoever is reading them; the server removes them then.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import platformdirs

from footloom.errors import StoreError
from footloom.store._reports import Quarantined, RawPart, Recovery, Settings, Unreadable
from footloom.store.chunks import Chunk, ChunkedPart, chunked, crc_of
from footloom.store.columns import Form
from footloom.store.keeping import KeptStore
from footloom.store.layout import Asked, Stream, file_name
from footloom.store.medium import Rows
from footloom.store.mongo_chunks import PartKey, check_whole, document_of, opened
from footloom.store.mongo_client import Address, Document, address_of, asking, connected
from footloom.store.mongo_extras import MongoFrames, MongoTexts, kept_frames
from footloom.store.mongo_journal import MongoJournal, MongoSegment
from footloom.store.mongo_lock import LEASE_S, WriterLease
from footloom.store.parts import Part
from footloom.store.recovery import counted
from footloom.store.segment import Content

if TYPE_CHECKING:
    from bson import ObjectId

__all__ = ("MongoMedium", "Store")

_VERSION = 1
_KEPT_S = 600  # how long a reader may take with a part that was replaced
_ASK_EVERY = 64  # times that somebody wants to know what is free


class Store(KeptStore):
    """The tapes in a MongoDB database.

    Parameters
    ----------
    address
        ``mongodb://HOST:PORT/DATABASE``. A reader takes a database without a store for an empty store.
    writer
        Take the lock, make the store where there is none, and recover what a stop left in the journal.
    settings
        How it works; the defaults suit everything but tests.

    Raises
    ------
    ConfigError
        The address cannot be, or the driver is not installed.
    StoreLocked
        Another process writes to it.
    StoreError
        The server cannot be reached, or refuses.
    """

    def __init__(self, address: Address | str, *, writer: bool = False, settings: Settings | None = None) -> None:
        named = address_of(address) if isinstance(address, str) else address
        super().__init__(MongoMedium(named), writer=writer, settings=settings)


class MongoMedium:
    """The medium of `Store`; `Medium` says what each method promises."""

    def __init__(self, address: Address, lease_s: float = LEASE_S) -> None:
        from pymongo import ReadPreference

        self.address = address
        self.where = str(address)
        self.scratch = platformdirs.user_cache_path("footloom", appauthor=False) / "fetch" / file_name(self.where)
        self._lease_s = lease_s
        self._client = connected(address)
        # Only the primary knows all that was acknowledged, in its order.
        database = self._client.get_database(address.database, read_preference=ReadPreference.PRIMARY)
        self._database = database
        self._store = database["footloom_store"]
        self._tapes = database["footloom_tapes"]
        self._days = database["footloom_days"]
        self._chunks = database["footloom_chunks"]
        self._books = database["footloom_books"]
        self._texts = MongoTexts(database, address)
        self._quarantine = database["footloom_quarantine"]
        self._journal = MongoJournal(database["footloom_journal"], address)
        self._lease: WriterLease | None = None
        self._newest = ""
        self._segment: MongoSegment | None = None
        self._asked = 0
        self._free: int | None = None

    def _asking(self, what: str) -> Any:
        return asking(what, self.address)

    def _held(self) -> WriterLease:
        if self._lease is None:
            raise StoreError(f"the store {self.where} is open for reading only: open it with writer=True")
        return self._lease

    def _checked(self) -> WriterLease:
        lease = self._held()
        lease.check()
        return lease

    def claim(self) -> None:
        """Make the database a store."""
        with self._asking("open"):
            made = {"$setOnInsert": {"version": _VERSION}}
            self._store.update_one({"_id": "store"}, made, upsert=True)
            found = self._store.find_one({"_id": "store"}) or {}
            if found["version"] > _VERSION:
                raise StoreError(
                    f"{self.where} has layout {found['version']}, this program knows up to {_VERSION}: use the newer "
                    "footloom"
                )
            self._tapes.create_index([("venue", 1), ("symbol", 1), ("tape", 1)], unique=True)
            self._days.create_index([("tape", 1), ("day", 1)])
            self._chunks.create_index([("day", 1), ("part", 1), ("sum", 1), ("n", 1)], unique=True)
            self._chunks.create_index("swept", expireAfterSeconds=_KEPT_S)

    def lock(self) -> WriterLease:
        """Take the writer's lock; what an earlier writer still sends is refused from here on."""
        lease = WriterLease(self._store, self.address, self._lease_s)
        try:
            self._journal.close_all(lease)
            if lease.after_kill:
                with self._asking("recover"):
                    of_notes = {"_id": {"$regex": "^note:"}}
                    for documents, which in ((self._days, {}), (self._books, {}), (self._store, of_notes)):
                        documents.update_many(which, {"$max": {"term": lease.term}})
            self._newest = max(self._journal.names(), default="")
        except BaseException:
            lease.release()
            raise
        self._lease = lease
        return lease

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    # --- tapes

    def _tape(self, stream: Stream) -> ObjectId | None:
        found = self._tapes.find_one(stream._asdict(), {"_id": 1})
        return found["_id"] if found else None

    def _made_tape(self, stream: Stream) -> ObjectId:
        self._tapes.update_one(stream._asdict(), {"$setOnInsert": stream._asdict()}, upsert=True)
        made = self._tape(stream)
        assert made is not None
        return made

    def streams(self) -> list[Stream]:
        """Return every tape."""
        with self._asking("list"):
            return sorted(Stream(one["venue"], one["symbol"], one["tape"]) for one in self._tapes.find())

    def days(self, stream: Stream) -> list[dt.date]:
        """Return the days of a tape."""
        with self._asking("list"):
            tape = self._tape(stream)
            found = self._days.find({"tape": tape}, {"day": 1}, sort=[("day", 1)]) if tape else ()
            return [dt.date.fromisoformat(one["day"]) for one in found]

    def place(self, stream: Stream, day: dt.date, file: str) -> str:
        """Return what a part is called."""
        return f"{self.where} {stream} {day} {file}"

    def day_bytes(self, stream: Stream, day: dt.date) -> int:
        """Return what the documents of a day take."""
        with self._asking("read"):
            sizes: list[Document] = [
                {"$match": {"day": f"{self._tape(stream)}/{day}"}},
                {"$group": {"_id": None, "bytes": {"$sum": {"$bsonSize": "$$ROOT"}}}},
            ]
            return sum([int(one["bytes"]) for one in self._chunks.aggregate(sizes)])

    def remove_tape(self, stream: Stream) -> None:
        """Remove a tape by one document; the others go with the next sweep."""
        self._checked()
        with self._asking("remove from"):
            self._tapes.delete_one(stream._asdict())

    def sweep_removed(self) -> None:
        """Remove the days of tapes that are no more."""
        with self._asking("sweep"):
            gone = set(self._days.distinct("tape")) - set(self._tapes.distinct("_id"))
            for tape in gone:
                for day in [one["_id"] for one in self._days.find({"tape": tape}, {"_id": 1})]:
                    self._chunks.update_many({"day": day}, {"$currentDate": {"swept": True}})
                    self._days.delete_one({"_id": day})

    # --- days

    def read_manifest(self, stream: Stream, day: dt.date) -> bytes | None:
        """Return the manifest of a day."""
        with self._asking("read"):
            found = self._days.find_one({"_id": f"{self._tape(stream)}/{day}"}, {"manifest": 1})
        return found["manifest"].encode() if found else None

    def write_manifest(self, stream: Stream, day: dt.date, data: bytes) -> None:
        """Replace the manifest of a day, unless a later writer has taken over."""
        with self._asking("write to"):
            tape = self._made_tape(stream)
            self._held().replace(
                self._days, f"{tape}/{day}", {"tape": tape, "day": str(day), "manifest": data.decode()}
            )

    def sweep(self, stream: Stream, day: dt.date, named: Collection[Part]) -> None:
        """Mark the parts of a day that its manifest does not name: by name and checksum, and none of a later writer."""
        lease = self._checked()
        with self._asking("sweep"):
            query = {"day": f"{self._tape(stream)}/{day}", "swept": None, "term": {"$not": {"$gt": lease.term}}}
            kept = [{"part": part.file, "sum": part.crc32} for part in named]
            self._chunks.update_many(query | ({"$nor": kept} if kept else {}), {"$currentDate": {"swept": True}})

    # --- parts

    def pack(self, rows: Rows, file: str, instrument: int) -> tuple[Part, list[Chunk]]:
        """Return rows as runs of packed columns."""
        return chunked(rows, file, instrument)

    def add_part(self, stream: Stream, day: dt.date, file: str, data: list[Chunk]) -> None:
        """Write a part, a document for each run; what a kill left of it is written over, and never absent.

        Its checksum is part of its name: a writer that has lost its lock never touches a part of the next one.
        """
        from pymongo import UpdateOne

        lease = self._checked()
        with self._asking("write to"):
            key = {"day": f"{self._made_tape(stream)}/{day}", "part": file, "sum": crc_of(one.crc32 for one in data)}
            change = {"$max": {"term": lease.term}, "$unset": {"swept": ""}}
            runs = (document_of(number, chunk) for number, chunk in enumerate(data))
            self._chunks.bulk_write(
                [UpdateOne(key | {"n": run["n"]}, change | {"$set": run}, upsert=True) for run in runs]
            )

    def remove_parts(self, stream: Stream, day: dt.date, files: Collection[str]) -> None:
        """Remove parts of this writer that no manifest names."""
        lease = self._checked()
        with self._asking("write to"):
            key = {"day": f"{self._tape(stream)}/{day}", "part": {"$in": sorted(files)}, "term": lease.term}
            self._chunks.delete_many(key)

    def open_part(self, stream: Stream, day: dt.date, part: Part, form: Form) -> ChunkedPart:
        """Open a part."""
        return opened(self._chunks, self._part(stream, day, part), part, form)

    def _part(self, stream: Stream, day: dt.date, part: Part) -> PartKey:
        with self._asking("read"):
            key = {"day": f"{self._tape(stream)}/{day}", "part": part.file, "sum": part.crc32}
            return PartKey(self.address, self.place(stream, day, part.file), key)

    def has_part(self, stream: Stream, day: dt.date, file: str) -> bool:
        """Say whether a part is there."""
        with self._asking("read"):
            key = {"day": f"{self._tape(stream)}/{day}", "part": file}
            return self._chunks.find_one(key, {"_id": 1}) is not None

    def check_part(self, stream: Stream, day: dt.date, part: Part) -> None:
        """Compare every byte of a part with its checksum."""
        check_whole(self._chunks, self._part(stream, day, part), part)

    # --- the journal

    def recover(self) -> tuple[Recovery, int]:
        """Look at every segment after a stop."""
        contents, put_aside, torn = [], [], 0
        for name in self._journal.names():
            torn += self._journal.torn(name)
            content = self._journal.read(name)
            if content.damage:
                put_aside.append(self._put_aside(name, content))
            contents.append(content)
        return counted(contents, torn, put_aside)

    def _put_aside(self, name: str, content: Content) -> Quarantined:
        with self._asking("recover"):
            moved = self._journal.put_aside(name, self._quarantine)
        return Quarantined(name, "; ".join(content.damage), f"footloom_quarantine ({moved} documents)")

    def segments(self) -> list[str]:
        """Return the names of the segments."""
        return self._journal.names()

    def new_segment(self, next_seq: int) -> MongoSegment:
        """Begin a segment; what is in doubt at the end of the one before it is taken away first."""
        if self._segment is not None:
            self._segment.settle()
        self._segment = self._journal.begin(self._held(), self._newest, next_seq)
        self._newest = self._segment.name
        return self._segment

    def read_segment(
        self, name: str, stream: Asked = None, from_ns: int | None = None, to_ns: int | None = None
    ) -> Content:
        """Return what a segment holds."""
        if self._segment is not None and name == self._segment.name:
            self._segment.settle()
        return self._journal.read(name, stream, from_ns, to_ns)

    def has_segment(self, name: str) -> bool:
        """Say whether a segment is there."""
        return self._journal.has(name)

    def delete_segment(self, name: str) -> None:
        """Remove a segment."""
        self._checked()
        self._journal.delete(name)

    def segment_place(self, name: str) -> str:
        """Return what a segment is called."""
        return f"{self.where} {name}"

    # --- what else a store keeps

    def definitions(self) -> Mapping[str, bytes]:
        """Return the definitions of every instrument."""
        with self._asking("read"):
            return {one["_id"]: one["definitions"].encode() for one in self._books.find(sort=[("_id", 1)])}

    def read_definitions(self, venue: str, symbol: str) -> tuple[str, bytes] | None:
        """Return the definitions of one instrument."""
        with self._asking("read"):
            found = self._books.find_one({"_id": f"{venue}:{symbol}"})
        return (f"{self.where} {found['_id']}", found["definitions"].encode()) if found else None

    def write_definitions(self, venue: str, symbol: str, data: bytes) -> None:
        """Replace the definitions of an instrument."""
        with self._asking("write to"):
            self._held().replace(self._books, f"{venue}:{symbol}", {"definitions": data.decode()})

    def forget_definitions(self, venue: str, symbol: str) -> None:
        """Remove the definitions of an instrument."""
        self._checked()
        with self._asking("write to"):
            self._books.delete_one({"_id": f"{venue}:{symbol}"})

    def read_note(self, name: str) -> bytes | None:
        """Return a small text."""
        with self._asking("read"):
            found = self._store.find_one({"_id": f"note:{name}"})
        return found["text"].encode() if found else None

    def write_note(self, name: str, data: bytes) -> None:
        """Replace a small text."""
        with self._asking("write to"):
            self._held().replace(self._store, f"note:{name}", {"text": data.decode()})

    def frames(self, settings: Settings) -> MongoFrames:
        """Return what keeps frames that could not be parsed."""
        return MongoFrames(self._database, self.address, settings)

    def kept_frames(self, most: int) -> Unreadable:
        """Return the newest frames that are kept."""
        return kept_frames(self._database, self.address, most)

    def free_bytes(self) -> int | None:
        """Return what is free on the server's disk, as it says now and then."""
        from pymongo import errors

        if self._asked % _ASK_EVERY == 0:
            try:
                said = self._database.command("dbStats")
                self._free = int(said["fsTotalSize"] - said["fsUsedSize"])
            except (errors.PyMongoError, KeyError):
                self._free = None
        self._asked += 1
        return self._free

    def raw_parts(self) -> list[RawPart]:
        """Return the texts that are kept as they came."""
        return self._texts.parts()

    def write_raw(self, part: RawPart, pieces: Iterable[bytes]) -> bool:
        """Keep a text."""
        return self._texts.write(part, pieces)

    def raw_text(self, part: RawPart) -> bytes:
        """Return a kept text."""
        return self._texts.text(part)
