"""Documents that another program keeps in a MongoDB collection: all of them in order, and each as it is inserted."""

from __future__ import annotations

import contextlib
import gzip
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

import msgspec

from footloom.config import Config
from footloom.errors import ConfigError
from footloom.store.mongo_client import Address, address_of, asking, connected

__all__ = ("Collection", "Found", "Place", "id_of_text", "is_collection", "place_of", "text_of_id")

_SCHEME = "mongodb:"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,119}")
_AT_ONCE = 500  # documents of 4 kB
_WAIT_MS = 20  # how long the server may keep an empty answer back
_GATHER_S = 0.02  # what comes within becomes one commit
_LOST = frozenset((280, 286))  # a resume token that the server knows no more


class Place(NamedTuple):
    """A collection of a database; ``str`` shows no password."""

    address: Address
    collection: str

    def __str__(self) -> str:
        return f"{self.address}.{self.collection}"


class Found(NamedTuple):
    """One document: its ``_id`` as the server has it, its text as JSON, and in a stream when it was inserted."""

    id: Any
    text: bytes
    at: Any = None


def is_collection(text: str) -> bool:
    """Say whether a text names a collection and no file: ``mongodb:tick_data``, ``mongodb://HOST/DATABASE``."""
    return text.startswith((_SCHEME, "mongodb+srv:"))


def place_of(text: str, settings: Config) -> Place:
    """Return the collection that a text names.

    ``mongodb:`` and ``mongodb:COLLECTION`` lie where ``mongo_uri`` and ``mongo_db_name`` say;
    ``mongodb://HOST/DATABASE`` and ``mongodb://HOST/DATABASE.COLLECTION`` say it themselves.

    Raises
    ------
    ConfigError
        It names no collection, or nobody said which server.
    """
    name = text.removeprefix(_SCHEME)
    if name.startswith("//") or text.startswith("mongodb+srv:"):
        head, question, options = text.partition("?")
        scheme, _, rest = head.partition("://")
        hosts, _, path = rest.partition("/")
        database, _, name = path.partition(".")
        address = address_of(f"{scheme}://{hosts}/{database}{question}{options}", settings.mongo_db_name)
        name = name or settings.tick_collection
    else:
        if settings.mongo_uri is None:
            raise ConfigError(
                f"{text!r} lies on a server that nobody named: set MONGO_URI, or write mongodb://HOST/DATABASE.COLLECTION"
            )
        address = address_of(str(settings.mongo_uri), settings.mongo_db_name)
        name = name or settings.tick_collection
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{name!r} is no name of a collection: write mongodb:tick_data, say")
    return Place(address, name)


class Collection:
    """A collection that is read and never written to."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._client = connected(place.address)
        self._documents = self._client[place.address.database][place.collection]
        self._stream: Any = None
        self._since: Any = None  # the server's time from which the stream tells
        self.read_until: Any = None  # and the one after which `stored` has seen nothing

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self.unwatch()
        self._client.close()

    def count(self) -> int:
        """Return how many documents there are, about."""
        with asking("read", self.place.address):
            return int(self._documents.estimated_document_count())

    def count_until(self, last: Any) -> int:
        """Return how many documents there are up to an ``_id``, itself included."""
        with asking("read", self.place.address):
            return int(self._documents.count_documents({"_id": {"$lte": last}}))

    def stored(self, after: Any = None, most: int = 0) -> Iterator[list[Found]]:
        """Yield the documents in the order of ``_id``, behind one of them, some hundreds at a time.

        While a stream is open, all is among them that was inserted before its beginning.
        """
        query = {} if after is None else {"_id": {"$gt": after}}
        held: list[Found] = []
        with asking("read", self.place.address), self._client.start_session(causal_consistency=True) as session:
            if self._since is not None:
                session.advance_operation_time(self._since)
            documents = self._documents.find(query, sort=[("_id", 1)], limit=most, batch_size=_AT_ONCE, session=session)
            for document in documents:
                held.append(_found(document))
                if len(held) == _AT_ONCE:
                    yield held
                    held = []
            self.read_until = session.operation_time
        if held:
            yield held

    def export(self, path: Path, after: Any = None) -> tuple[Found | None, int]:
        """Write the documents behind one as lines of JSON, packed; return the last, and how many there are."""
        last, count = None, 0
        with gzip.open(path, "wb", compresslevel=1) as file:
            for found in self.stored(after):
                file.writelines(one.text + b"\n" for one in found)
                last, count = found[-1], count + len(found)
        return last, count

    # --- as they are inserted

    def can_watch(self) -> bool:
        """Say whether the server tells of inserts by itself: a single one without a replica set does not."""
        with asking("read", self.place.address):
            hello = self._client.admin.command("hello")
        return "setName" in hello or hello.get("msg") == "isdbgrid"

    def watch(self, token: Any = None) -> Any:
        """Listen to inserts from a token on, or from now on; return the token of the beginning.

        Raises
        ------
        LookupError
            The server knows the token no more.
        """
        from bson import Timestamp
        from pymongo import errors

        self.unwatch()
        inserts = [{"$match": {"operationType": "insert"}}]
        with asking("follow", self.place.address):
            token = self._now() if token is None else token
            is_time = isinstance(token, Timestamp)
            options = {"start_at_operation_time" if is_time else "resume_after": token}
            try:
                self._stream = self._documents.watch(inserts, max_await_time_ms=_WAIT_MS, **options)
            except errors.OperationFailure as error:
                if error.code in _LOST:
                    raise LookupError(str(token)) from None
                raise
        self._since = token if is_time else None
        return token

    # The server's time of what most nodes have, which is what can be read. A stream without a beginning would begin at
    # the time of the last write instead: one that most nodes have a moment later would neither be read nor told.
    def _now(self) -> Any:
        with self._client.start_session(causal_consistency=True) as session:
            self._documents.find_one({}, {"_id": 1}, session=session)
            return session.operation_time

    def unwatch(self) -> None:
        """Stop listening."""
        stream, self._stream = self._stream, None
        if stream is not None:
            with contextlib.suppress(Exception):  # the server may be gone
                stream.close()

    def inserted(self) -> tuple[list[Found], Any]:
        """Return what was inserted since the last time, waiting a little where nothing was, and the token behind it.

        Raises
        ------
        StoreError
            The server cannot be asked: `watch` again, from the last token.
        """
        found: list[Found] = []
        until = time.monotonic() + _GATHER_S
        with asking("follow", self.place.address):
            while (event := self._stream.try_next()) is not None:
                found.append(_found(event["fullDocument"], event["clusterTime"]))
                if len(found) == _AT_ONCE or time.monotonic() > until:
                    break
            return found, self._stream.resume_token


def _found(document: dict[str, Any], at: Any = None) -> Found:
    return Found(document.get("_id"), msgspec.json.encode(document, enc_hook=_plain), at)


# What JSON has no word for: an ObjectId is its digits, a 64-bit integer a number, a decimal its text.
def _plain(value: Any) -> object:
    return int(value) if isinstance(value, int) else str(value)


def text_of_id(key: Any) -> str:
    """Return an ``_id`` or a token as text that `id_of_text` reads."""
    from bson import json_util

    return json_util.dumps(key, json_options=json_util.CANONICAL_JSON_OPTIONS)


def id_of_text(text: str) -> Any:
    """Return what `text_of_id` was given."""
    from bson import json_util

    return json_util.loads(text)
