"""The store that a user has named: a folder, or a MongoDB database."""

from __future__ import annotations

from footloom.core.place import StorePlace, StoreUrl
from footloom.store._protocol import Store
from footloom.store._reports import Settings

__all__ = ("open_store",)


def open_store(place: StorePlace, *, writer: bool = False, settings: Settings | None = None) -> Store:
    """Open the store in a folder or at ``mongodb://HOST:PORT/DATABASE``.

    Raises
    ------
    StoreLocked
        It shall be written to, and another process does.
    StoreError
        It cannot be opened.
    ConfigError
        The address cannot be, or the MongoDB driver is not installed.
    """
    if isinstance(place, StoreUrl):
        from footloom.store.mongo import Store as MongoStore

        return MongoStore(place.secret, writer=writer, settings=settings)
    from footloom.store.files import Store as FileStore

    return FileStore(place, writer=writer, settings=settings)
