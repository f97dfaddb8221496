"""Named chart layouts: JSON documents that the page keeps, in one SQLite file beside the settings.

A name is a value in a table and never part of a path. Each change is one transaction.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import time
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from footloom.errors import ConfigError, Conflict, NotFound, StoreError, TooMuch

__all__ = ("MOST_BYTES", "MOST_LAYOUTS", "Layout", "LayoutRow", "Layouts", "checked")

MOST_BYTES: Final = 256 * 1024
MOST_LAYOUTS: Final = 500
_LONGEST: Final = 100
_TABLE = """create table if not exists layouts (
    name text primary key not null, document blob not null, changed_ns integer not null) strict, without rowid"""


class LayoutRow(msgspec.Struct, frozen=True):
    """A layout without its document; ``etag`` is what ``If-Match`` takes, ``changed_ns`` ns UTC as text."""

    name: str
    bytes: int
    changed_ns: str
    etag: str


class Layout(msgspec.Struct, frozen=True):
    """A layout with its document, as it was sent."""

    row: LayoutRow
    document: bytes


class Layouts:
    """The layouts in a file; blocking, from any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def list(self) -> list[LayoutRow]:
        """Return all layouts, by name."""
        if not self._path.exists():
            return []
        with self._open() as db:
            found = db.execute("select name, document, changed_ns from layouts order by name").fetchall()
        return [_row(*each) for each in found]

    def load(self, name: str) -> Layout:
        """Return a layout.

        Raises
        ------
        NotFound
            There is none of that name.
        """
        name = checked(name)
        if self._path.exists():
            with self._open() as db:
                found = _find(db, name)
            if found is not None:
                return found
        raise _absent(name)

    def save(self, name: str, document: bytes, expected: str | None = None) -> tuple[LayoutRow, bool]:
        """Keep a layout; return it, and whether it is new.

        ``expected`` is the etag that it must still have; ``*`` that it must be there, and ``-`` that it must not be.

        Raises
        ------
        ConfigError
            The name cannot be, or the document is no JSON object.
        TooMuch
            It is too large, or there are too many.
        Conflict
            It is not as expected: somebody else has changed it.
        """
        name = checked(name)
        _check_document(document)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as db:
            db.execute("begin immediate")
            known = _find(db, name)
            _check_expected(name, known, expected)
            count = int(db.execute("select count(*) from layouts").fetchone()[0])
            if known is None and count >= MOST_LAYOUTS:
                raise TooMuch(f"there are {count} layouts, and no more than {MOST_LAYOUTS} are kept: delete one first")
            changed_ns = time.time_ns()
            db.execute(
                "insert into layouts values (?, ?, ?) on conflict (name) do update "
                "set document = excluded.document, changed_ns = excluded.changed_ns",
                (name, document, changed_ns),
            )
            db.commit()
        return _row(name, document, changed_ns), known is None

    def delete(self, name: str, expected: str | None = None) -> None:
        """Take a layout away.

        Raises
        ------
        NotFound
            There is none of that name.
        Conflict
            It is not as expected.
        """
        name = checked(name)
        if not self._path.exists():
            raise _absent(name)
        with self._open() as db:
            db.execute("begin immediate")
            known = _find(db, name)
            if known is None:
                raise _absent(name)
            _check_expected(name, known, expected)
            db.execute("delete from layouts where name = ?", (name,))
            db.commit()

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with contextlib.closing(sqlite3.connect(self._path, timeout=10.0, isolation_level=None)) as db:
                db.execute("pragma synchronous = full")
                db.execute(_TABLE)
                yield db
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"the layouts in {self._path} cannot be read or written: {error}; make room, mend its rights, or move "
                "the file away"
            ) from None


def checked(name: str) -> str:
    """Return the name of a layout in its one form.

    Raises
    ------
    ConfigError
        It cannot be one: empty, too long, not printable, or only dots.
    """
    text = unicodedata.normalize("NFC", name)
    if not 0 < len(text) <= _LONGEST or not text.isprintable() or text != text.strip() or not text.strip("."):
        raise ConfigError(
            f"{text[:_LONGEST]!r} cannot be the name of a layout: it has 1 to {_LONGEST} printable characters, does "
            "not begin or end with a space, and is more than dots"
        )
    return text


def _check_document(document: bytes) -> None:
    if len(document) > MOST_BYTES:
        raise TooMuch(f"the layout has {len(document):,} bytes, and at most {MOST_BYTES:,} are kept")
    try:
        found = msgspec.json.decode(document)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise ConfigError(f"the layout is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise ConfigError(f"a layout is a JSON object, got {type(found).__name__}")


def _check_expected(name: str, known: Layout | None, expected: str | None) -> None:
    if expected is None:
        return
    etag = None if known is None else known.row.etag
    fits = etag is None if expected == "-" else etag is not None and expected in {"*", etag}
    if not fits:
        stands = "is not there any more" if etag is None else f"stands at {etag}"
        raise Conflict(f"the layout {name!r} {stands}, not at {expected}: read it again before it is changed")


def _find(db: sqlite3.Connection, name: str) -> Layout | None:
    found = db.execute("select document, changed_ns from layouts where name = ?", (name,)).fetchone()
    return None if found is None else Layout(_row(name, found[0], found[1]), found[0])


def _row(name: str, document: bytes, changed_ns: int) -> LayoutRow:
    tag = hashlib.blake2b(document, digest_size=16).hexdigest()
    return LayoutRow(name, len(document), str(changed_ns), f'"{tag}"')


def _absent(name: str) -> NotFound:
    return NotFound(f"there is no layout {name!r}: GET /api/v1/layouts lists them")
