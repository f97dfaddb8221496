"""Answers that are kept: made once, packed once, sent whole, in part, or not at all where the client has them.

An answer's tag is a hash of its bytes, so it is the same after a restart and on every server of the same store. What is
kept is found under everything that it was made of: what is stored, and what was asked for.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from litestar import Request, Response

from footloom.server.failures import ErrorBody, ErrorReply
from footloom.server.rest.work import Work, while_connected

__all__ = ("Answer", "Answers", "Making", "serve_answer")

KEPT_BYTES: Final = 64 << 20
_LEAST_PACKED = 1_024  # what fits one packet is not worth packing
_GZIP_LEVEL, _ZSTD_LEVEL = 1, 3
_PREFERRED = ("zstd", "gzip")
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


@dataclass(eq=False)
class Answer:
    """A body and what it was packed to, by encoding."""

    body: bytes
    media_type: str
    tag: str
    packed: dict[str, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, body: bytes, media_type: str) -> Answer:
        """Return the answer of a body."""
        return cls(body, media_type, hashlib.blake2b(body, digest_size=16).hexdigest())

    @property
    def size(self) -> int:
        """Bytes that it takes in memory."""
        return len(self.body) + sum(map(len, self.packed.values()))

    def pack(self, encoding: str) -> bytes:
        """Return the body in an encoding; ``identity`` is the body itself. Packed once."""
        if encoding == "identity":
            return self.body
        if encoding not in self.packed:
            self.packed[encoding] = _PACKERS[encoding](self.body)
        return self.packed[encoding]

    def etag(self, encoding: str) -> str:
        """Return the strong tag of the bytes that are sent in an encoding."""
        return f'"{self.tag}"' if encoding == "identity" else f'"{self.tag}-{encoding}"'


def _zstd(body: bytes) -> bytes:
    import pyarrow as pa

    packed: bytes = pa.Codec("zstd", compression_level=_ZSTD_LEVEL).compress(body, asbytes=True)
    return packed


def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, _GZIP_LEVEL, mtime=0)


_PACKERS: dict[str, Callable[[bytes], bytes]] = {"zstd": _zstd, "gzip": _gzip}


class Making(NamedTuple):
    """How an answer is made, and what it is kept under; ``is_large`` says that it reads millions of rows."""

    under: Hashable
    make: Callable[[], Answer]
    is_large: bool = False


@dataclass(eq=False)
class _Flight:
    # An answer that is being made, and how many wait for it.
    task: asyncio.Task[Answer]
    waiting: int = 0


class Answers:
    """The answers of one server: each is made once, however many ask for it at the same time; old ones make room."""

    def __init__(self, work: Work, most_bytes: int = KEPT_BYTES) -> None:
        self.work = work
        self._most = most_bytes
        self._kept: OrderedDict[Hashable, Answer] = OrderedDict()
        self._flights: dict[Hashable, _Flight] = {}

    @property
    def kept_bytes(self) -> int:
        """Bytes of what is kept."""
        return sum(answer.size for answer in self._kept.values())

    async def get(self, making: Making, encoding: str) -> Answer:
        """Return an answer, made in a thread if it is not kept, and packed in ``encoding``.

        Whoever is cancelled leaves; the work is dropped when nobody waits for it any more.
        """
        key, make, is_large = making
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            if encoding == "identity" or encoding in found.packed or len(found.body) < _LEAST_PACKED:
                return found
        flight_key = (key, encoding)
        flight = self._flights.get(flight_key)
        if flight is None:
            work = self.work.run(lambda: _packed(found or make(), encoding), large=is_large and found is None)
            flight = _Flight(asyncio.ensure_future(work))
            self._flights[flight_key] = flight
            flight.task.add_done_callback(lambda task: self._landed(key, flight_key, task))
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if not flight.waiting:
                flight.task.cancel()
                if self._flights.get(flight_key) is flight:
                    del self._flights[flight_key]

    def _landed(self, key: Hashable, flight_key: Hashable, task: asyncio.Task[Answer]) -> None:
        flight = self._flights.get(flight_key)
        if flight is not None and flight.task is task:  # one that was given up may have been begun again
            del self._flights[flight_key]
        if task.cancelled() or task.exception() is not None:
            return
        answer = task.result()
        if answer.size > self._most // 4:  # one that big would drive all others out
            return
        self._kept[key] = answer
        while self.kept_bytes > self._most:
            self._kept.popitem(last=False)


def _packed(answer: Answer, encoding: str) -> Answer:
    if len(answer.body) >= _LEAST_PACKED:
        answer.pack(encoding)
    return answer


async def serve_answer(
    request: Request[Any, Any, Any],
    answers: Answers,
    prepare: Callable[[], Making],
    *,
    short: bool,
) -> Response[Any]:
    """Answer a request from what is kept, else make it: whole, a byte range of it, or only that it is unchanged.

    ``prepare`` is called in a thread; ``short`` says that it reads little.
    """
    encoding = _chosen(request.headers.get("accept-encoding", ""))

    async def found() -> Answer:
        return await answers.get(await answers.work.run(prepare, short=short), encoding)

    answer = await while_connected(request, found())
    if len(answer.body) < _LEAST_PACKED:
        encoding = "identity"
    tag = answer.etag(encoding)
    headers = {
        "etag": tag,
        "cache-control": "no-cache",
        "vary": "accept, accept-encoding",
        "accept-ranges": "bytes",
    }
    if _names(request.headers.get("if-none-match", ""), tag):
        return Response(b"", status_code=304, headers=headers, media_type=answer.media_type)
    if encoding != "identity":
        headers["content-encoding"] = encoding
    body = answer.pack(encoding)
    span = _span(request, tag, len(body))
    if span is None:
        return Response(body, headers=headers, media_type=answer.media_type)
    first, stop = span
    if first >= stop:
        headers["content-range"] = f"bytes */{len(body)}"
        del headers["etag"]
        headers.pop("content-encoding", None)
        text = f"the range {request.headers['range']!r} lies behind the end: there are {len(body)} bytes"
        return Response(ErrorReply(ErrorBody("bad_range", text)), status_code=416, headers=headers)
    headers["content-range"] = f"bytes {first}-{stop - 1}/{len(body)}"
    return Response(body[first:stop], status_code=206, headers=headers, media_type=answer.media_type)


# The best encoding that the client takes; one that it names with q=0 it does not.
def _chosen(accepted: str) -> str:
    weights: dict[str, float] = {}
    for part in accepted.lower().split(","):
        name, _, parameter = part.strip().partition(";")
        weights[name.strip()] = _weight(parameter)
    taken = {name: weights.get(name, weights.get("*", 0.0)) for name in _PREFERRED}
    best = max(_PREFERRED, key=lambda name: taken[name])
    return best if taken[best] > 0 else "identity"


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def _names(header: str, tag: str) -> bool:
    named = {part.strip().removeprefix("W/") for part in header.split(",")}
    return bool(named & {tag, "*"})


# The bytes that are asked for, half-open; None for all of them, which is also the answer to what is no single range.
def _span(request: Request[Any, Any, Any], tag: str, size: int) -> tuple[int, int] | None:
    found = _RANGE.fullmatch(request.headers.get("range", "").replace(" ", ""))
    condition = request.headers.get("if-range")
    if found is None or (condition is not None and condition.strip() != tag):
        return None
    first, last = found.groups()
    if first:
        if last and int(last) < int(first):
            return None
        return int(first), min(int(last) + 1, size) if last else size
    return (max(0, size - int(last)), size) if last else None
