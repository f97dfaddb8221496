"""Files that clients send to be imported, and those of the import folder: no name leads anywhere else."""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

import msgspec

from footloom.errors import ConfigError, Conflict, NotFound, TookTooLong, TooMuch

__all__ = ("Upload", "Uploads", "check_name", "inside")

_LONGEST: Final = 200  # bytes of a file name
_BLOCK: Final = 1 << 20
_SILENCE_S: Final = 30.0
_ROOM: Final = 1 << 30  # what stays free on the disk
_PREFIX: Final = "footloom-uploads-"
_FORBIDDEN = frozenset('/\\:*?"<>|')


class Upload(msgspec.Struct, frozen=True):
    """A file that was sent and waits to be imported."""

    name: str
    bytes: int
    sha256: str


class Uploads:
    """The files that were sent to one server: in a folder of its own, gone when it stops.

    ``most_bytes`` is what they may take together.
    """

    def __init__(self, beside: Path | None, most_bytes: int) -> None:
        self._beside = beside
        self.most_bytes = most_bytes
        self._folder: Path | None = None
        self._making = asyncio.Lock()
        self._files: dict[str, Upload] = {}
        self._coming = 0
        self._used: dict[str, int] = {}

    def list(self) -> list[Upload]:
        """Return what waits."""
        return list(self._files.values())

    async def take(self, name: str, chunks: AsyncIterator[bytes], announced: int | None) -> Upload:
        """Keep a file under a name; one of that name is replaced.

        Raises
        ------
        ConfigError
            The name cannot be that of a file, or less came than was announced.
        Conflict
            The file of that name is being imported.
        TooMuch
            It is larger than may be sent, or than the disk has room for.
        TookTooLong
            Nothing came for a while.
        """
        check_name(name)
        self._check_unused(name)
        self._check_room(announced or 0)
        async with self._making:  # two may be the first at once
            if self._folder is None:
                self._folder = await asyncio.to_thread(_made, self._beside)
            folder = self._folder
        partial = folder / f".part-{secrets.token_hex(8)}"
        writing = _Writing(self, partial)
        try:
            upload = await writing.whole(name, chunks, announced)
            self._check_unused(name)
            partial.replace(folder / name)
            self._files[name] = upload
            return upload
        finally:
            writing.close()
            partial.unlink(missing_ok=True)

    def path(self, name: str) -> Path:
        """Return where a file lies that was sent.

        Raises
        ------
        NotFound
            None of that name was.
        """
        if name not in self._files or self._folder is None:
            raise NotFound(f"no file {name[:_LONGEST]!r} was sent: PUT it to /api/v1/uploads/NAME first")
        return self._folder / name

    def hold(self, name: str) -> None:
        """Note that a file is being imported."""
        self._used[name] = self._used.get(name, 0) + 1

    def let_go(self, name: str) -> bool:
        """Note that a file is not being imported after all; say whether nobody else imports it."""
        self._used[name] -= 1
        if self._used[name]:
            return False
        del self._used[name]
        return True

    def release(self, name: str) -> None:
        """Note that an import of a file has ended; the last one takes it away."""
        if self.let_go(name) and name in self._files:
            self.remove(name)

    def remove(self, name: str) -> Upload:
        """Take a file away.

        Raises
        ------
        NotFound
            There is none of that name.
        Conflict
            It is being imported.
        """
        path = self.path(name)
        self._check_unused(name)
        path.unlink(missing_ok=True)
        return self._files.pop(name)

    def close(self) -> None:
        """Take all files away."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
            self._files.clear()

    def _check_unused(self, name: str) -> None:
        if name in self._used:
            raise Conflict(f"{name} is being imported: wait for its job, or stop it")

    # Also what is under way counts: many small senders fill a disk too.
    def _check_room(self, more: int) -> None:
        waiting = sum(file.bytes for file in self._files.values()) + self._coming
        if waiting + more > self.most_bytes:
            raise TooMuch(
                f"{more:,} bytes more than the {waiting:,} that wait to be imported are above what may be sent, "
                f"{self.most_bytes:,}: import or DELETE what waits, or raise the setting max_upload"
            )


class _Writing:
    # One file while it comes.

    def __init__(self, uploads: Uploads, path: Path) -> None:
        self._uploads = uploads
        self._path = path
        self._file: BinaryIO | None = None
        self._digest = hashlib.sha256()
        self.size = 0

    async def whole(self, name: str, chunks: AsyncIterator[bytes], announced: int | None) -> Upload:
        self._file = await asyncio.to_thread(_opened, self._path)
        waiting = bytearray()
        while True:
            try:
                async with asyncio.timeout(_SILENCE_S):
                    chunk = await anext(chunks, None)
            except TimeoutError:
                raise TookTooLong(f"nothing of {name} came for {_SILENCE_S:g} s after {self.size:,} bytes") from None
            if chunk is not None:
                self._grow(len(chunk))
                waiting += chunk
            if len(waiting) >= _BLOCK or (chunk is None and waiting):
                await asyncio.to_thread(self._write, bytes(waiting))
                waiting.clear()
            if chunk is None:
                break
        if announced is not None and self.size != announced:
            raise ConfigError(f"{name} was cut off: {self.size:,} of {announced:,} bytes came; send it again")
        if not self.size:
            raise ConfigError(f"{name} is empty: nothing was sent")
        return Upload(name, self.size, self._digest.hexdigest())

    def _grow(self, more: int) -> None:
        self._uploads._check_room(more)  # noqa: SLF001 - one thing in two classes
        self.size += more
        self._uploads._coming += more  # noqa: SLF001

    def _write(self, block: bytes) -> None:
        assert self._file is not None
        if shutil.disk_usage(self._path.parent).free < _ROOM + len(block):
            raise TooMuch(f"the disk of {self._path.parent} has less than 1 GB left: make room, and send it again")
        self._file.write(block)
        self._digest.update(block)

    def close(self) -> None:
        self._uploads._coming -= self.size  # noqa: SLF001
        if self._file is not None:
            self._file.close()


def _opened(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def check_name(name: str) -> None:
    """Refuse what cannot be the name of a file that is sent.

    Raises
    ------
    ConfigError
        It holds a separator or a control character, is hidden, or too long.
    """
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        length = 0
    if not 0 < length <= _LONGEST or name.startswith(".") or not name.isprintable() or _FORBIDDEN & set(name):
        raise ConfigError(
            f"{name[:_LONGEST]!r} cannot be the name of a file: it has 1 to {_LONGEST} bytes, begins with no dot and "
            'holds no / \\ : * ? " < > | and no control characters'
        )


def inside(folder: Path | None, name: str) -> Path:
    """Return the file of the import folder that a name means; no name leads out of it, nor does a link in it.

    Raises
    ------
    ConfigError
        There is no import folder, or the name leads out of it.
    NotFound
        There is no such file in it.
    """
    if folder is None:
        raise ConfigError(
            "this server reads no files by name: set import_folder in footloom.toml, or send the file with PUT "
            "/api/v1/uploads/NAME"
        )
    pure = PurePosixPath(name)
    parts = pure.parts
    hidden = any(part.startswith(".") for part in parts)
    if not parts or pure.is_absolute() or hidden or not name.isprintable() or {"\\", ":"} & set(name):
        raise ConfigError(f"{name[:_LONGEST]!r} is no name within the import folder: write it as FOLDER/FILE")
    root = folder.resolve()
    try:
        path = (root / pure).resolve()
        there = path.is_file()
    except (OSError, RuntimeError):  # too long, or links in a circle
        there, path = False, root
    if not path.is_relative_to(root):
        raise ConfigError(f"{name!r} leads out of the import folder: put the file itself there, no link")
    if not there:
        raise NotFound(f"there is no file {name[:_LONGEST]!r} in the import folder")
    return path


# On the disk of the store, where there is room; what a killed server left there goes.
def _made(beside: Path | None) -> Path:
    for place in (beside, None):
        parent = Path(tempfile.gettempdir()) if place is None else place
        try:
            for old in parent.glob(f"{_PREFIX}*"):
                pid = old.name.removeprefix(_PREFIX).partition("-")[0]
                if pid.isdecimal() and not _runs(int(pid)):
                    shutil.rmtree(old, ignore_errors=True)
            return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent))
        except OSError:
            continue
    raise ConfigError(f"files that are sent can be kept neither beside the store nor in {tempfile.gettempdir()}")


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
