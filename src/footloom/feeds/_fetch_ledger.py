"""Which archive files a store has taken in, and as what: an interrupted fetch goes on, a replaced file is noticed."""

from __future__ import annotations

from pathlib import Path

import msgspec

from footloom.errors import StoreError
from footloom.store.disk import storing, write_whole
from footloom.typed import from_json

__all__ = ("Ledger", "Taken")


class Taken(msgspec.Struct, frozen=True):
    """A file that was imported whole."""

    name: str
    sha256: str
    rows: int


class Ledger:
    """Files by symbol, tape and day, kept in the store's folder for what is on its way, where downloads grow too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = self.folder / "fetched.json"
        self._taken: dict[str, Taken] = {}
        if self._path.exists():
            try:
                self._taken = from_json(self._path.read_bytes(), dict[str, Taken])
            except (OSError, msgspec.MsgspecError) as error:
                raise StoreError(
                    f"{self._path} cannot be read: {error}; remove it: files are then fetched again, and no row is "
                    "stored twice"
                ) from None

    def get(self, key: str, tape: str, day: str) -> Taken | None:
        """Return what was taken of a day, None where nothing was."""
        return self._taken.get(f"{key} {tape} {day}")

    def put(self, key: str, tape: str, day: str, taken: Taken) -> None:
        """Remember a file, durably."""
        self._taken[f"{key} {tape} {day}"] = taken
        with storing("write", self._path):
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(self._path, msgspec.json.encode(self._taken))
