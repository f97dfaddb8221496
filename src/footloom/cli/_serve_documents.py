"""`footloom serve mongodb:COLLECTION`: what another program inserts there is stored, and its charts move."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from footloom.errors import ConfigError, FootloomError, StoreLocked

if TYPE_CHECKING:
    from footloom.config import Config
    from footloom.feeds.mongo_documents import Place
    from footloom.server.live.writer import Writer
    from footloom.server.services import Services
    from footloom.server.stored.beside import Beside

__all__ = ("DOCUMENTS", "follow", "parted", "reached")

DOCUMENTS = "upstox"  # whose messages such documents are
_LOOK_S = 2.0


def parted(names: Sequence[str], settings: Config) -> tuple[list[str], Place | None]:
    """Return the symbols among what shall be served, and the collection that shall be followed.

    Raises
    ------
    ConfigError
        There are two collections, or symbols whose messages come from the collection.
    """
    from footloom.feeds.mongo_documents import is_collection, place_of

    places = [name for name in names if is_collection(name)]
    symbols = [name for name in names if name not in places]
    if not places:
        return symbols, None
    if len(places) > 1:
        raise ConfigError(f"{len(places)} collections cannot be followed into one store: serve each with a --store")
    twice = [name for name in symbols if name.partition(":")[0] == DOCUMENTS]
    if twice:
        raise ConfigError(f"{twice[0]} would come twice, from the collection and from its account: leave one out")
    return symbols, place_of(places[0], settings)


def reached(place: Place) -> str:
    """Say how a collection will be followed.

    Raises
    ------
    StoreError
        No server answers there.
    """
    from footloom.feeds.mongo_documents import Collection

    with Collection(place) as collection:
        how = "as they are inserted" if collection.can_watch() else "by their _id: there is no replica set"
    return f"following documents of {place}, {how}"


async def follow(services: Services, writer: Writer, place: Place) -> None:
    """Follow a collection until cancelled; where another process writes to the store, show what that one stores."""
    from footloom.feeds.mongo_live import DocumentFeed
    from footloom.server.stored.beside import Beside
    from footloom.store.lock import holder_of

    try:
        async with writer.lease() as store:
            await services.follow(DocumentFeed(place, store, services.hub.reread))
    except StoreLocked as locked:
        beside = Beside(services.history, (), holder_of(locked), services.hub.reread)
        looking = asyncio.create_task(_look(services, beside))
        try:
            await services.follow(beside)
        finally:
            looking.cancel()


# What the other process stores of new symbols is shown as well.
async def _look(services: Services, beside: Beside) -> None:
    from footloom.venues._venue import Wanted

    while True:
        try:
            symbols = await asyncio.to_thread(services.history.symbols)
        except FootloomError:
            symbols = []  # the store cannot be read now: each symbol's state says so
        for instrument, _ in symbols:
            if instrument.venue == DOCUMENTS:
                beside.add(DOCUMENTS, Wanted(symbol=instrument.symbol, streams=frozenset()))
        await asyncio.sleep(_LOOK_S)
