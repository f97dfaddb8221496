"""One writer a database: a document with a lease, renewed while its holder lives.

Time is the server's: a holder that was killed, or cut off, loses the lock when its lease has run out. What it may still
send then is refused: the next holder has a greater *term*, closes the journal segments of the earlier ones, and marks
their days.
"""

from __future__ import annotations

import os
import shlex
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from footloom.errors import StoreLocked, StoreUnavailable
from footloom.store.lock import Holder
from footloom.store.mongo_client import Address, asking

if TYPE_CHECKING:
    from pymongo.collection import Collection

__all__ = ("LEASE_S", "WriterLease")

LEASE_S = 20.0
_ID = "writer"


class WriterLease:
    """The right to write to a database, held until `release`, or until its holder can no longer renew it.

    Raises
    ------
    StoreLocked
        Somebody else holds it.
    StoreError
        The server cannot be asked.
    """

    def __init__(self, documents: Collection[dict[str, Any]], address: Address, lease_s: float = LEASE_S) -> None:
        self._documents = documents
        self._address = address
        self._lease_ms = round(1_000 * lease_s)
        self._token = uuid4().hex
        self._ended = threading.Event()
        self.after_kill = False  # the last holder did not give the lock back, and may still live
        self.term = self._take()
        self._thread = threading.Thread(target=self._renew, args=(lease_s / 4,), name="lease", daemon=True)
        self._thread.start()

    def _take(self) -> int:
        from pymongo import ReturnDocument

        command = shlex.join([Path(sys.argv[0]).name or "python", *sys.argv[1:]])
        holder = {"pid": os.getpid(), "host": socket.gethostname(), "command": command}
        change = {
            "token": self._token,
            "holder": {"$literal": holder},
            "since": "$$NOW",
            "until": {"$add": ["$$NOW", self._lease_ms]},
            "term": {"$add": [{"$ifNull": ["$term", 0]}, 1]},
            "in_order": {"$eq": [{"$ifNull": ["$token", ""]}, ""]},
        }
        free = {"_id": _ID, "$expr": {"$lte": [{"$ifNull": ["$until", "$$NOW"]}, "$$NOW"]}}
        with asking("lock", self._address):
            self._documents.update_one({"_id": _ID}, {"$setOnInsert": {"term": 0}}, upsert=True)
            found = self._documents.find_one_and_update(free, [{"$set": change}], return_document=ReturnDocument.AFTER)
            if found is None:
                raise self._locked()
        self.after_kill = not found["in_order"]
        return int(found["term"])

    def _locked(self) -> StoreLocked:
        found = self._documents.find_one({"_id": _ID}) or {}
        holder = found.get("holder", {})
        since = found["since"].isoformat(timespec="seconds") if "since" in found else ""
        who = Holder(int(holder.get("pid", 0)), str(holder.get("command", "")), since)
        return StoreLocked(
            f"{self._address} is being written to by {who} on {holder.get('host', 'an unknown host')}: stop it, hand "
            f"the work to it, or name another store with --store; reading needs no lock. After a kill the lock is free "
            f"within {self._lease_ms / 1_000:g} s"
        )

    def check(self) -> None:
        """Ask whether the lock is still held.

        Raises
        ------
        StoreError
            It is lost, or nobody can say.
        """
        with asking("look at the lock of", self._address):
            found = self._documents.find_one({"_id": _ID}, {"token": 1})
        if not found or found.get("token") != self._token:
            raise self.lost()

    def replace(self, documents: Collection[dict[str, Any]], key: str, document: dict[str, Any]) -> None:
        """Replace a document, unless a later writer has replaced it or marked it as its own.

        Raises
        ------
        StoreError
            The lock is lost, or nobody can say.
        """
        from pymongo import errors

        self.check()
        mine = {"_id": key, "term": {"$not": {"$gt": self.term}}}
        try:
            documents.replace_one(mine, document | {"term": self.term}, upsert=True)
        except errors.DuplicateKeyError:
            raise self.lost() from None
        self.check()

    def lost(self) -> StoreUnavailable:
        """Return the error of a writer that another one has taken the place of."""
        return StoreUnavailable(
            f"this process no longer holds the lock of {self._address}: it could not renew it, and another one writes "
            "now; start it again"
        )

    # A renewal that fails is tried again: the lease tells when it was too late.
    def _renew(self, every_s: float) -> None:
        from pymongo import errors

        while not self._ended.wait(every_s):
            try:
                self._documents.update_one(
                    {"_id": _ID, "token": self._token}, [{"$set": {"until": {"$add": ["$$NOW", self._lease_ms]}}}]
                )
            except errors.PyMongoError:
                continue

    def release(self) -> None:
        """Let somebody else write."""
        from pymongo import errors

        if self._ended.is_set():
            return
        self._ended.set()
        self._thread.join()
        try:
            self._documents.update_one({"_id": _ID, "token": self._token}, [{"$set": {"until": "$$NOW", "token": ""}}])
        except errors.PyMongoError:
            return  # the lease ends by itself
