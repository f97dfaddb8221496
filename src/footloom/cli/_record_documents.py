"""`footloom record mongodb:COLLECTION`: what another program inserts there goes into the store."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from footloom.errors import ConfigError

if TYPE_CHECKING:
    from footloom.config import Config
    from footloom.feeds.mongo_follow import Taken

__all__ = ("are_documents", "record_documents")

_TOLD_S = 5.0


def are_documents(names: list[str]) -> bool:
    """Say whether names are of a collection.

    Raises
    ------
    ConfigError
        They are mixed with symbols, or there are several.
    """
    from footloom.feeds.mongo_documents import is_collection

    found = [name for name in names if is_collection(name)]
    if found and len(names) > 1:
        raise ConfigError(f"{found[0]} is followed alone: start another footloom record, with a store of its own")
    return bool(found)


def record_documents(
    name: str, settings: Config, seconds: float | None, tell: Callable[[str], None], *, json: bool
) -> None:
    """Follow a collection until Ctrl-C, SIGTERM or the end of the time.

    Raises
    ------
    StoreLocked
        Another process writes to the store.
    StoreError
        The store, or the collection at the start, cannot be reached.
    """
    from footloom.cli._record_feeds import store_settings
    from footloom.feeds.mongo_documents import Collection, place_of
    from footloom.feeds.mongo_follow import Follower
    from footloom.store.open import open_store

    place = place_of(name, settings)
    with (
        open_store(settings.store, writer=True, settings=store_settings(settings)) as store,
        Collection(place) as collection,
        _stopped(seconds) as stop,
    ):
        how = "as they are inserted" if collection.can_watch() else "by their _id: there is no replica set"
        tell(f"recording documents of {place} into {settings.store}, {how}   (Ctrl-C stops it)")
        follower = Follower(collection, store, _Teller(tell, json=json))
        try:
            follower.run(stop)
        finally:
            store.seal()
            tell(_said(follower.taken))


class _Teller:
    def __init__(self, tell: Callable[[str], None], *, json: bool) -> None:
        self._tell = tell
        self._json = json
        self._next = time.monotonic() + _TOLD_S
        self._documents = -1

    def __call__(self, taken: Taken) -> None:
        if time.monotonic() < self._next or taken.documents == self._documents:
            return
        self._next, self._documents = time.monotonic() + _TOLD_S, taken.documents
        if self._json:
            sys.stdout.write(_as_json(taken) + "\n")
            sys.stdout.flush()
        else:
            self._tell(_said(taken))


def _as_json(taken: Taken) -> str:
    import msgspec

    said = {name: getattr(taken, name) for name in ("documents", "rows", "again", "left_out", "broken", "lost_token")}
    return msgspec.json.encode(said | {"symbols": dict(taken.symbols), "drops": taken.drops}).decode()


def _said(taken: Taken) -> str:
    text = f"{taken.documents:,} documents, {taken.rows:,} rows of {len(taken.symbols):,} instruments"
    dropped = sum(drop.count for drop in taken.drops)
    extra = [
        f"{count:,} {what}"
        for count, what in (
            (taken.again, "were stored before"),
            (taken.left_out, "left out: they lie among rows of an import without ids"),
            (dropped, f"not readable, the first: {taken.drops[0].detail}" if dropped else ""),
            (taken.broken, "interruptions"),
        )
        if count
    ]
    if taken.lost_token:
        extra.append("the server no longer knew where we were: documents behind the last _id were read instead")
    return "; ".join([text, *extra])


@contextmanager
def _stopped(seconds: float | None) -> Iterator[threading.Event]:
    stop = threading.Event()

    def on_signal(*_: Any) -> None:
        stop.set()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    timer = threading.Timer(seconds, stop.set) if seconds else None
    if timer is not None:
        timer.daemon = True
        timer.start()
    try:
        yield stop
    finally:
        if timer is not None:
            timer.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)
