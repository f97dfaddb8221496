"""A store in a folder: Parquet parts behind a SQLite journal (`docs/store.md`).

One process writes; any number read beside it. `footloom.store.Store` says what each method promises.
"""

from __future__ import annotations

from pathlib import Path

from footloom.store._reports import Settings
from footloom.store.folder import Folder
from footloom.store.keeping import KeptStore

__all__ = ("Store",)


class Store(KeptStore):
    """The tapes in a folder.

    Parameters
    ----------
    root
        The folder. A reader takes one that is not there for an empty store.
    writer
        Take the lock, make the folder where it is not there, and recover what a stop left in the journal.
    settings
        How it works; the defaults suit everything but tests.

    Raises
    ------
    StoreLocked
        Another process writes to it.
    StoreError
        The folder is no store, or cannot be written to.

    Examples
    --------
    >>> from footloom.store.files import Store
    >>> Store(Path("/nowhere")).coverage()
    []
    """

    def __init__(self, root: Path, writer: bool = False, settings: Settings | None = None) -> None:  # noqa: FBT001, FBT002 - the two ways to open
        self.root = Path(root)
        super().__init__(Folder(self.root), writer=writer, settings=settings)
