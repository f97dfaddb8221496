"""Files that are there whole or not at all, and file-system errors that say what to do."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from footloom.errors import StoreError

__all__ = ("TEMPORARY", "free_bytes", "make_folder", "remove", "storing", "sync_folder", "write_whole")

TEMPORARY = ".tmp-"  # how a file is called until it is whole; left behind only by a kill, and swept

_FULL = "free some space, or keep the store elsewhere (--store), then do it again: nothing stored was changed"
_FORBIDDEN = "give this user the right to it, or name another folder with --store"
_ADVICE = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: _FULL,
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
    errno.EROFS: _FORBIDDEN,
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "raise the limit of open files (ulimit -n)",
    errno.ENAMETOOLONG: "the symbol is too long for a file name here",
}
_SQLITE_ADVICE = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_IOERR: _FULL,  # a quota or a file-size limit reads as an I/O error
    sqlite3.SQLITE_READONLY: _FORBIDDEN,
    sqlite3.SQLITE_PERM: _FORBIDDEN,
    sqlite3.SQLITE_CANTOPEN: _FORBIDDEN,
}
_ELSE = "look at the file system's own log"


@contextlib.contextmanager
def storing(what: str, path: Path) -> Iterator[None]:
    """Turn what the file system or SQLite refuses into a `StoreError` that says what, where and what to do."""
    try:
        yield
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0, _ELSE)
        raise StoreError(f"cannot {what} {path}: {error.strerror or error}; {advice}") from error
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # extended codes keep the plain one in the low byte
        raise StoreError(f"cannot {what} {path}: {error}; {_SQLITE_ADVICE.get(code, _ELSE)}") from error


def free_bytes(folder: Path) -> int | None:
    """Return what this user may still write on the disk of a folder; None where the system does not say."""
    try:
        found = os.statvfs(folder)
    except (OSError, AttributeError):
        return None
    return found.f_bavail * found.f_frsize


def sync_folder(folder: Path) -> None:
    """Make names that were added to or removed from a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, durably."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for new in reversed(missing):
        new.mkdir(exist_ok=True)
        sync_folder(new.parent)


def write_whole(path: Path, data: bytes | memoryview) -> None:
    """Write a file so that ``path`` holds all of ``data`` or what it held before, whatever happens when.

    Written under a temporary name, flushed to the disk, renamed, and the folder flushed too.
    """
    temporary = path.with_name(TEMPORARY + path.name)
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_CLOEXEC", 0), 0o644)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(handle, rest) :]
            os.fsync(handle)
        finally:
            os.close(handle)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def remove(paths: list[Path]) -> None:
    """Remove files that nobody needs any more; one that is gone, or cannot be removed now, is left to a sweep."""
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
