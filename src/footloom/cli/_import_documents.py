"""Documents of a MongoDB collection for `footloom import`: written to a file once, and then imported as any file."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from footloom.cli._shared import say

if TYPE_CHECKING:
    from footloom.config import Config
    from footloom.feeds.ingest import ImportReport
    from footloom.feeds.mongo_documents import Place
    from footloom.feeds.mongo_follow import Mark

__all__ = ("Documents", "exported", "named_places")


class Documents:
    """A file of documents, and how far the store has taken their collection once it is imported."""

    def __init__(self, place: Place, path: Path, mark: Mark | None) -> None:
        self.place = place
        self.path = path
        self.mark = mark

    def rename(self, report: ImportReport) -> None:
        """Let a report speak of the collection where it means the file."""
        for file in report.files:
            if file.file == str(self.path):
                file.file = str(self.place)


def named_places(names: Sequence[str], settings: Config) -> list[Place]:
    """Return the collections among names of files.

    Raises
    ------
    ConfigError
        One cannot be.
    """
    from footloom.feeds.mongo_documents import is_collection, place_of

    return [place_of(name, settings) for name in names if is_collection(name)]


@contextlib.contextmanager
def exported(
    places: Sequence[Place], settings: Config, *, dry_run: bool
) -> Iterator[tuple[list[Documents], Callable[[], None]]]:
    """Yield files of the documents that the store has not taken yet, and what writes down that it has.

    Raises
    ------
    StoreError
        The server cannot be asked, or the store not be read.
    """
    if not places:
        yield [], lambda: None
        return
    from footloom.store.open import open_store

    with tempfile.TemporaryDirectory(prefix="footloom-documents-") as folder:
        with open_store(settings.store) as store:
            found = [_export(place, Path(folder), store) for place in places]

        def done() -> None:
            if dry_run or not any(one.mark for one in found):
                return
            with open_store(settings.store, writer=True) as store:
                for one in found:
                    if one.mark is not None:
                        one.mark.keep(store, one.place)

        yield [one for one in found if one.mark is not None], done


# What is inserted while the documents are read is told by a stream that begins before: who follows goes on from there.
def _export(place: Place, folder: Path, store: object) -> Documents:
    from footloom.feeds.mongo_documents import Collection, id_of_text, text_of_id
    from footloom.feeds.mongo_follow import Mark

    path = folder / f"{place.address.database}.{place.collection}.jsonl.gz"
    with Collection(place) as collection:
        known = Mark.of(store, place)  # type: ignore[arg-type] # a store, imported where it is opened
        token = collection.watch() if collection.can_watch() else None
        after = None if known.last_id is None else id_of_text(known.last_id)
        before = 0 if after is None else collection.count_until(after)
        _say_late(place, known.count, before, after)
        last, count = collection.export(path, after)
    if last is None:
        behind = " behind those that were imported before" if after is not None else ""
        say(f"{place} holds no documents{behind}")
        return Documents(place, path, None)
    mark = Mark(None if token is None else text_of_id(token), text_of_id(last.id), count=before + count)
    return Documents(place, path, mark)


# A document gets its _id from the program that makes it, and may be inserted behind younger ones. Its rows lie among
# those of the first import, which have no ids to be told from: so they are not stored, and that is said.
def _say_late(place: Place, known: int | None, count: int, after: Any) -> None:
    if known is None or (late := count - known) <= 0:
        return
    say(
        f"footloom: {late:,} documents of {place} were inserted since the last import with an older _id "
        f"than its last ({after}): they are not imported. An import into an empty store (--store FOLDER) reads all of "
        "them; footloom record follows each insert"
    )
