"""One writer a store: a lock that dies with its holder."""

from __future__ import annotations

import datetime as dt
import os
import shlex
import sys
from pathlib import Path

import msgspec

from footloom.errors import StoreLocked
from footloom.store.disk import storing
from footloom.typed import from_json

__all__ = ("Holder", "WriterLock", "holder_of")


class Holder(msgspec.Struct, frozen=True):
    """Who writes to a store; ``since`` is UTC."""

    pid: int
    command: str
    since: str = ""

    def __str__(self) -> str:
        since = f" since {self.since}" if self.since else ""
        return f"process {self.pid} ({self.command}){since}"


def holder_of(locked: StoreLocked) -> str:
    """Return who writes to a store, in the words of the error that says so."""
    return str(locked).partition(" is being written to by ")[2].partition(": stop it")[0] or "another process"


class WriterLock:
    """The right to write to a store, held until `release` or the end of the process.

    The operating system gives it back when the holder ends in any way: what a dead holder left in the file says
    nothing.

    Raises
    ------
    StoreLocked
        Somebody else holds it.
    """

    def __init__(self, path: Path) -> None:
        import fcntl  # readers need none of it, and Windows has none

        self._path = path
        with storing("lock", path):
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._sign()
            except BlockingIOError:
                holder = _holder(self._handle)
                self.release()
                raise StoreLocked(
                    f"{path.parent} is being written to by {holder}: stop it, hand the work to it, or name another "
                    "folder with --store; reading needs no lock"
                ) from None
            except OSError:
                self.release()
                raise

    # The time comes from the file system, as the time of the file itself: nothing below the feeds has a clock.
    def _sign(self) -> None:
        holder = Holder(os.getpid(), shlex.join([Path(sys.argv[0]).name or "python", *sys.argv[1:]]))
        _write(self._handle, holder)
        since = dt.datetime.fromtimestamp(os.fstat(self._handle).st_mtime, dt.UTC)
        _write(self._handle, msgspec.structs.replace(holder, since=since.isoformat(timespec="seconds")))

    def release(self) -> None:
        """Let somebody else write."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def _write(handle: int, holder: Holder) -> None:
    data = msgspec.json.encode(holder)
    os.pwrite(handle, data, 0)
    os.ftruncate(handle, len(data))


def _holder(handle: int) -> Holder | str:
    try:
        return from_json(os.pread(handle, 65_536, 0), Holder)
    except msgspec.MsgspecError:
        return "a process that has only just begun"
