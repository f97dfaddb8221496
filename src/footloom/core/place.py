"""Where a store lies: a folder, or a database on a server, whose address may hold a password."""

from __future__ import annotations

import os
from pathlib import Path

from footloom.core.secret import Secret

__all__ = ("StorePlace", "StoreUrl", "store_place")

_SCHEMES = ("mongodb://", "mongodb+srv://")


class StoreUrl:
    """The address of a database; ``str`` and ``repr`` show neither user nor password nor options.

    Examples
    --------
    >>> StoreUrl("mongodb://me:pass@localhost:27017/tapes?w=1")
    StoreUrl('mongodb://localhost:27017/tapes')
    """

    __slots__ = ("secret",)

    def __init__(self, url: str) -> None:
        self.secret = Secret(url)

    def __str__(self) -> str:
        scheme, _, rest = self.secret.partition("://")
        return f"{scheme}://{rest.partition('?')[0].rpartition('@')[2]}"

    def __repr__(self) -> str:
        return f"StoreUrl({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StoreUrl) and self.secret == other.secret

    def __hash__(self) -> int:
        return hash(self.secret)

    def exists(self) -> bool:
        """Say that it may hold something: only asking the server tells."""
        return True


StorePlace = Path | StoreUrl


def store_place(text: str | os.PathLike[str]) -> StorePlace:
    """Return the folder or the database that a text names.

    Examples
    --------
    >>> store_place("mongodb://localhost/tapes")
    StoreUrl('mongodb://localhost/tapes')
    """
    named = os.fspath(text)
    return StoreUrl(named) if named.startswith(_SCHEMES) else Path(named).expanduser()
