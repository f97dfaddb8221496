"""What a store in MongoDB keeps beside tapes: texts as they came, and frames that could not be parsed."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from footloom.errors import CorruptPart, StoreError
from footloom.store._reports import RawPart, Settings, Unreadable, UnreadableFrame
from footloom.store.mongo_client import Address, Document, asking
from footloom.store.unreadable import FRAME_BYTES, REASON_CHARACTERS
from footloom.typed import from_json

if TYPE_CHECKING:
    from pymongo.database import Database

__all__ = ("MongoFrames", "MongoTexts", "kept_frames")

_FRAMES, _COUNTS, _TEXTS = "footloom_frames", "footloom_store", "footloom_raw"
_LEAST_BYTES = 4_096  # of a bounded collection
_LEVEL = 6
_GZIP = 31  # zlib's word for the format of gzip


class MongoFrames:
    """Keeps frames in a collection that the server bounds."""

    def __init__(self, database: Database[Document], address: Address, settings: Settings) -> None:
        from pymongo import errors

        self._database = database
        self._address = address
        size = max(_LEAST_BYTES, settings.unreadable_bytes)
        with asking("write to", address), contextlib.suppress(errors.CollectionInvalid):  # it is there
            database.create_collection(_FRAMES, capped=True, size=size, max=settings.unreadable_frames)

    def keep(self, frames: Sequence[UnreadableFrame]) -> None:
        """Keep frames, in the order given; the oldest of all make room."""
        with asking("keep unreadable frames in", self._address):
            self._database[_FRAMES].insert_many(
                msgspec.structs.asdict(one) | {"reason": one.reason[:REASON_CHARACTERS], "data": one.data[:FRAME_BYTES]}
                for one in frames
            )
            for venue, count in Counter(one.venue for one in frames).items():
                more = {"$inc": {f"counts.{venue}": count}}
                self._database[_COUNTS].update_one({"_id": "unreadable"}, more, upsert=True)

    def close(self) -> None:
        """Do nothing: the store closes its connections."""


def kept_frames(database: Database[Document], address: Address, most: int) -> Unreadable:
    """Return the newest frames that are kept, the newest first, and how many there were."""
    sizes: list[Document] = [{"$group": {"_id": None, "n": {"$sum": 1}, "b": {"$sum": {"$binarySize": "$data"}}}}]
    with asking("read", address):
        newest = list(database[_FRAMES].find({}, {"_id": 0}, sort=[("$natural", -1)], limit=most))
        kept = next(iter(database[_FRAMES].aggregate(sizes)), {"n": 0, "b": 0})
        counts = (database[_COUNTS].find_one({"_id": "unreadable"}) or {}).get("counts", {})
    return Unreadable(
        frames=tuple(UnreadableFrame(**one) for one in newest),
        counts=dict(sorted(counts.items())),
        kept=int(kept["n"]),
        bytes=int(kept["b"]),
        dropped=sum(counts.values()) - int(kept["n"]),
    )


class MongoTexts:
    """Keeps texts as packed files of GridFS; one is there with its last document."""

    def __init__(self, database: Database[Document], address: Address) -> None:
        self._database = database
        self._address = address

    def _bucket(self) -> Any:
        from gridfs import GridFSBucket

        return GridFSBucket(self._database, _TEXTS)

    def parts(self) -> list[RawPart]:
        """Return what is kept."""
        with asking("read", self._address):
            return [from_json(one.metadata["part"], RawPart) for one in self._bucket().find({})]

    def write(self, part: RawPart, pieces: Iterable[bytes]) -> bool:
        """Keep a text; False where it is there already."""
        if any(known.sha256 == part.sha256 for known in self.parts()):
            return False
        with asking("write to", self._address):
            upload = self._bucket().open_upload_stream(part.sha256)
            try:
                whole = _pack(upload, part, pieces)
                upload.metadata = {"part": msgspec.json.encode(whole).decode()}
            except BaseException:
                upload.abort()
                raise
            upload.close()
        return True

    def text(self, part: RawPart) -> bytes:
        """Return a kept text."""
        from gridfs import NoFile

        with asking("read", self._address):
            try:
                text = gzip.decompress(self._bucket().open_download_stream_by_name(part.sha256).read())
            except (NoFile, OSError, EOFError) as error:
                raise CorruptPart(
                    f"{part.name} in {self._address} is missing or damaged ({error}): import it again"
                ) from error
        if hashlib.sha256(text).hexdigest() != part.sha256:
            raise CorruptPart(f"{part.name} in {self._address} is not what its hash says: import it again")
        return text


def _pack(upload: Any, part: RawPart, pieces: Iterable[bytes]) -> RawPart:
    digest, size, taken = hashlib.sha256(), 0, 0
    packer = zlib.compressobj(_LEVEL, wbits=_GZIP)
    for piece in pieces:
        digest.update(piece)
        size += len(piece)
        packed = packer.compress(piece)
        taken += len(packed)
        upload.write(packed)
    packed = packer.flush()
    upload.write(packed)
    if digest.hexdigest() != part.sha256:
        raise StoreError(f"{part.name} changed while it was read: import it again")
    return msgspec.structs.replace(part, text_bytes=size, bytes=taken + len(packed))
