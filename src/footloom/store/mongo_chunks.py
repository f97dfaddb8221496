"""Parts in MongoDB: a document for each run of up to 65 536 rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from footloom.errors import CorruptPart
from footloom.store.chunks import Chunk, ChunkedPart, crc_of, unpacked
from footloom.store.columns import Columns, Form
from footloom.store.medium import PartGone, missing_part
from footloom.store.mongo_client import Address, Document, asking
from footloom.store.parts import Part

if TYPE_CHECKING:
    from pymongo.collection import Collection

__all__ = ("PartKey", "check_whole", "document_of", "opened")

_CURE = "remove its tape and import it again"


class PartKey(NamedTuple):
    """A part: what messages call it, and how all its documents are asked for."""

    address: Address
    place: str
    query: Document


def opened(chunks: Collection[Document], key: PartKey, part: Part, form: Form) -> ChunkedPart:
    """Open a part.

    Raises
    ------
    PartGone
        It is not there, or not whole.
    CorruptPart
        It is another one than the manifest means.
    """
    with asking("read", key.address):
        runs = list(chunks.find(key.query, {"data": 0}, sort=[("n", 1)]))
    if sum(run["rows"] for run in runs) != part.rows:
        raise PartGone
    if crc_of(run["crc32"] for run in runs) != part.crc32:
        raise CorruptPart(f"{key.place} is not what its manifest means: {_CURE}")

    def read(from_ns: int, to_ns: int) -> Iterator[Columns]:
        numbers = [run["n"] for run in runs if run["to_ns"] >= from_ns and run["from_ns"] < to_ns]
        seen = 0
        with asking("read", key.address):
            for one in chunks.find(key.query | {"n": {"$in": numbers}}, sort=[("n", 1)]):
                seen += 1
                yield unpacked(key.place, one["crc32"], one["data"])
        if seen != len(numbers):
            raise missing_part(key.place)

    return ChunkedPart(part, form, read)


def check_whole(chunks: Collection[Document], key: PartKey, part: Part) -> None:
    """Compare every byte of a part with the manifest's checksum.

    Raises
    ------
    CorruptPart
        It is absent, or differs.
    """
    sums, size = [], 0
    with asking("read", key.address):
        for one in chunks.find(key.query, sort=[("n", 1)]):
            unpacked(key.place, one["crc32"], one["data"])
            sums.append(one["crc32"])
            size += len(one["data"])
    if not sums:
        raise missing_part(key.place)
    if (size, crc_of(iter(sums))) != (part.bytes, part.crc32):
        raise CorruptPart(f"{key.place} is not what its manifest means: {size} bytes, expected {part.bytes}; {_CURE}")


# Dates are for people and other programs: MongoDB's have milliseconds, the numbers beside them all digits.
def document_of(number: int, chunk: Chunk) -> Document:
    """Return the document of a run."""
    return {
        "n": number,
        "rows": chunk.rows,
        "from": _date(chunk.first_ns),
        "to": _date(chunk.last_ns),
        "from_ns": chunk.first_ns,
        "to_ns": chunk.last_ns,
        "crc32": chunk.crc32,
        "data": chunk.data,
    }


def _date(ns: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(milliseconds=ns // 1_000_000)
