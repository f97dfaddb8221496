"""The journal in MongoDB: a document for each group commit, on the disks of most nodes before `append` returns.

A segment is a run of documents whose ``_id`` counts on without a hole. So a writer that has lost its lock cannot add to
a segment that the next one has closed: the closing document stands where it would write.
"""

from __future__ import annotations

import contextlib
import threading
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.errors import DataError, StoreError
from footloom.store.columns import SEQ, Columns, completed, form_of, length, take
from footloom.store.layout import Asked, Stream
from footloom.store.mongo_client import Address, asking
from footloom.store.mongo_lock import WriterLease
from footloom.store.packing import pack, unpack
from footloom.store.segment import Content, Entry, Heard, HeardGap, place_in
from footloom.typed import from_json

if TYPE_CHECKING:
    from pymongo.collection import Collection

__all__ = ("MongoJournal", "MongoSegment")

Document = dict[str, Any]

_MOST_ROWS = 65_536  # of one block; a document may take 16 MB
_MOST_BYTES = 12_000_000


class MongoSegment:
    """The segment that is written to. Its first document says where it begins."""

    def __init__(self, documents: Collection[Document], lease: WriterLease, address: Address, number: int) -> None:
        self.name = f"segment-{number:08d}"
        self.next_seq = 0
        self.gap_records = 0
        self.tape_rows: Counter[str] = Counter()
        self.tape_bytes: Counter[str] = Counter()
        self.is_empty = True
        self._documents = documents
        self._lease = lease
        self._address = address
        self._commit = 0
        self._in_doubt = False
        self._one_at_a_time = threading.RLock()  # who reads settles too, and must not meet what is being written
        self._held: dict[Stream, Instrument] = {}

    def begin(self, next_seq: int) -> None:
        """Make the segment.

        Raises
        ------
        StoreError
            Another writer has made it, or the server cannot be asked.
        """
        self.next_seq = next_seq
        self._insert([{"kind": "begin", "first_seq": next_seq}])

    def append(self, entries: Sequence[Entry]) -> int:
        """Make entries durable, all or none, and return the sequence of the last row."""
        blocks, gaps, next_seq = _blocks(entries, self.next_seq), _gaps(entries, self.next_seq), self.next_seq
        next_seq += sum(length(entry.columns) for entry in entries)
        documents = _documents(blocks, gaps)
        for document in documents[:-1]:
            document["more"] = True
        self._insert(documents)
        for entry in entries:
            self._held[entry.stream] = entry.instrument
            self.tape_rows[entry.stream.tape] += length(entry.columns)
        for block in blocks:
            self.tape_bytes[block["tape"]] += len(block["data"])
        self.gap_records += len(gaps)
        self.is_empty = False
        self.next_seq = next_seq
        return next_seq - 1

    # An answer that is lost leaves a commit in doubt: it was not acknowledged, and its rows will be sent again. So what
    # may stand there of it is taken away first.
    def _insert(self, documents: list[Document]) -> None:
        with self._one_at_a_time:
            self.settle()
            self._insert_new(documents)
            self._check_lock()
            self._commit += len(documents)

    # A later writer's documents refuse what comes, but only until it has sealed and removed them.
    def _check_lock(self) -> None:
        try:
            self._lease.check()
        except StoreError:
            self._in_doubt = True
            with contextlib.suppress(StoreError):
                self.settle()
            raise

    def _insert_new(self, documents: list[Document]) -> None:
        from pymongo import errors

        with asking("append to", self._address):
            for offset, document in enumerate(documents):
                document |= {"_id": f"{self.name}/{self._commit + offset:010d}", "term": self._lease.term}
            try:
                for document in documents:
                    self._documents.insert_one(document)
            except errors.DuplicateKeyError:
                if not self._is_ours(documents):
                    raise self._lease.lost() from None
            except BaseException:
                self._in_doubt = True
                raise

    def settle(self) -> None:
        """Take away what may stand there of a commit in doubt: the next commit, or segment, gives its numbers again.

        Whoever reads what this writer has stored settles first: else rows would be taken for stored and then removed.

        Raises
        ------
        StoreError
            The server cannot be asked.
        """
        with self._one_at_a_time:
            if self._in_doubt:
                with asking("append to", self._address):
                    self._forget_after(self._commit - 1)
                self._in_doubt = False

    # The driver sends a write again when the connection breaks before the answer: then it finds itself.
    def _is_ours(self, documents: list[Document]) -> bool:
        for document in documents:
            found = self._documents.find_one({"_id": document["_id"]})
            if found is None:
                self._documents.insert_one(document)
            elif (found["term"], found.get("blocks")) != (document["term"], document.get("blocks")):
                return False
        return True

    def _forget_after(self, commit: int) -> None:
        last = {"$gt": f"{self.name}/{commit:010d}", "$lt": f"{self.name}/~"}
        self._documents.delete_many({"_id": last, "term": self._lease.term, "kind": {"$ne": "end"}})

    def holds_other_grid(self, stream: Stream, instrument: Instrument) -> bool:
        """Say whether rows of this tape with another definition of the instrument are in the segment."""
        return self._held.get(stream, instrument) != instrument

    def close(self) -> None:
        """Do nothing: it is durable."""


class MongoJournal:
    """All segments of a database."""

    def __init__(self, documents: Collection[Document], address: Address) -> None:
        self._documents = documents
        self._address = address

    def names(self) -> list[str]:
        """Return the names of the segments, ascending."""
        found: list[str] = []
        with asking("read the journal of", self._address):
            after = ""
            while one := self._documents.find_one({"_id": {"$gt": after}}, {"_id": 1}, sort=[("_id", 1)]):
                found.append(one["_id"].partition("/")[0])
                after = f"{found[-1]}/~"
        return found

    def close_all(self, lease: WriterLease) -> None:
        """Close every segment of earlier writers: what one of them still sends is refused from here on.

        A commit of several documents that was cut off was never acknowledged, and is removed.
        """
        from pymongo import errors

        with asking("recover", self._address):
            for name in self.names():
                while (last := self._last(name))["kind"] != "end":
                    number = int(last["_id"].partition("/")[2])
                    end = {"_id": f"{name}/{number + 1:010d}", "kind": "end", "term": lease.term}
                    try:
                        self._documents.insert_one(end)
                    except errors.DuplicateKeyError:
                        continue  # its writer is still alive, and was faster

    def _last(self, name: str) -> Document:
        found = self._documents.find_one({"_id": _within(name)}, {"kind": 1}, sort=[("_id", -1)])
        return found or {"_id": f"{name}/0", "kind": "end"}

    def begin(self, lease: WriterLease, after: str, next_seq: int) -> MongoSegment:
        """Begin a segment right behind the last one that this writer knows: another writer's takes the same name."""
        number = int(after.rpartition("-")[2] or 0) + 1
        segment = MongoSegment(self._documents, lease, self._address, number)
        segment.begin(next_seq)
        return segment

    def torn(self, name: str) -> int:
        """Return how many documents of a last commit that was cut off a segment holds."""
        return sum(1 for _ in _torn(self._every(name, {"data": 0})))

    def has(self, name: str) -> bool:
        """Say whether a segment is there."""
        with asking("read the journal of", self._address):
            return self._documents.find_one({"_id": _within(name)}, {"_id": 1}) is not None

    def delete(self, name: str) -> None:
        """Remove a segment."""
        with asking("delete from the journal of", self._address):
            self._documents.delete_many({"_id": _within(name)})

    def read(self, name: str, stream: Asked = None, from_ns: int | None = None, to_ns: int | None = None) -> Content:
        """Return what a segment holds: all of it, or the blocks of one tape that may touch a range."""
        content = Content(first_seq=0, next_seq=0, heard=[], gaps=[], damage=[])
        records = 0
        wanted = {"data": 0} if (from_ns, to_ns) == (0, 0) else {}
        for document in _whole(self._every(name, wanted)):
            if document["kind"] == "begin":
                content.first_seq = content.next_seq = document["first_seq"]
            for said in document.get("gaps", ()):
                records += 1
                _take_gap(content, said, stream, place_in(name, records))
            for said in document.get("blocks", ()):
                content.next_seq = said["first_seq"] + said["rows"]
                if "data" in said and _stream(said).is_of(stream) and _touches(said, from_ns, to_ns):
                    _take_block(content, said)
        return content

    def put_aside(self, name: str, target: Collection[Document]) -> int:
        """Move blocks that cannot be read into another collection; return how many documents held some."""
        moved = 0
        for document in list(self._every(name, {})):
            good = [block for block in document.get("blocks", ()) if _unpacked(block) is not None]
            if len(good) < len(document.get("blocks", ())):
                target.replace_one({"_id": document["_id"]}, document, upsert=True)
                self._documents.update_one({"_id": document["_id"]}, {"$set": {"blocks": good}})
                moved += 1
        return moved

    def _every(self, name: str, fields: Document) -> Iterator[Document]:
        shown = {f"blocks.{field}": value for field, value in fields.items()} or None
        with asking("read the journal of", self._address):
            yield from self._documents.find({"_id": _within(name)}, shown, sort=[("_id", 1)])


def _within(name: str) -> Document:
    return {"$gt": f"{name}/", "$lt": f"{name}/~"}


# Rows of one tape as they are kept; a document takes no more than so many.
def _blocks(entries: Sequence[Entry], next_seq: int) -> list[Document]:
    blocks = []
    for entry in entries:
        for start in range(0, length(entry.columns), _MOST_ROWS):
            columns = take(entry.columns, slice(start, start + _MOST_ROWS))
            time = columns[form_of(entry.stream.tape).time]
            data = pack(columns)
            blocks.append(
                _head(entry)
                | {"first_seq": next_seq, "rows": len(time), "from_ns": int(time.min()), "to_ns": int(time.max())}
                | {"crc32": zlib.crc32(data), "data": data}
            )
            next_seq += len(time)
    return blocks


def _gaps(entries: Sequence[Entry], next_seq: int) -> list[Document]:
    gaps = []
    for entry in entries:
        gaps += [_head(entry) | {"at_seq": next_seq, "gap": msgspec.json.encode(gap).decode()} for gap in entry.gaps]
        next_seq += length(entry.columns)
    return gaps


def _head(entry: Entry) -> Document:
    return entry.stream._asdict() | {"instrument": msgspec.json.encode(entry.instrument).decode()}


# As few documents as hold them.
def _documents(blocks: list[Document], gaps: list[Document]) -> list[Document]:
    documents: list[Document] = [{"kind": "commit", "gaps": gaps, "blocks": []}]
    size = 0
    for block in blocks:
        if size and size + len(block["data"]) > _MOST_BYTES:
            documents.append({"kind": "commit", "blocks": []})
            size = 0
        documents[-1]["blocks"].append(block)
        size += len(block["data"])
    return documents


# All documents but those of a commit that was cut off.
def _whole(documents: Iterator[Document]) -> Iterator[Document]:
    held: list[Document] = []
    for document in documents:
        if document["kind"] == "end":
            return
        held.append(document)
        if not document.get("more"):
            yield from held
            held.clear()


def _torn(documents: Iterator[Document]) -> list[Document]:
    held: list[Document] = []
    for document in documents:
        held = [*held, document] if document.get("more") else ([] if document["kind"] != "end" else held)
    return held


def _stream(said: Document) -> Stream:
    return Stream(said["venue"], said["symbol"], said["tape"])


def _touches(said: Document, from_ns: int | None, to_ns: int | None) -> bool:
    return from_ns is None or to_ns is None or (said["to_ns"] >= from_ns and said["from_ns"] < to_ns)


def _take_gap(content: Content, said: Document, stream: Asked, place: int) -> None:
    if _stream(said).is_of(stream):
        gap, instrument = from_json(said["gap"], Gap), _instrument(said)
        content.gaps.append(HeardGap(_stream(said), instrument, said["at_seq"], gap, place))


def _instrument(said: Document) -> Instrument:
    return from_json(said["instrument"], Instrument)


def _take_block(content: Content, said: Document) -> None:
    columns = _unpacked(said)
    if columns is None:
        content.damage.append(f"the block at sequence {said['first_seq']} has a wrong checksum")
        return
    columns[SEQ] = np.arange(said["first_seq"], said["first_seq"] + said["rows"], dtype=np.int64)
    columns = completed(form_of(said["tape"]), columns)
    content.heard.append(Heard(_stream(said), _instrument(said), said["first_seq"], columns))


def _unpacked(said: Document) -> Columns | None:
    if zlib.crc32(said["data"]) != said["crc32"]:
        return None
    try:
        return unpack(said["data"])
    except (DataError, StoreError):
        return None
