"""A file on its way: it grows under a name of its own and appears under the right one when it is whole."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

__all__ = ("PartialFile",)

_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
_UNMET = re.compile(r"bytes \*/(\d+)")


class PartialFile:
    """``path.part`` holds what came, ``path.part.etag`` which version of the file it is of."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_name(f"{path.name}.part")
        self._tag = path.with_name(f"{path.name}.part.etag")
        self._out: BinaryIO | None = None
        path.parent.mkdir(parents=True, exist_ok=True)

    @property
    def size(self) -> int:
        """How many bytes are here."""
        if self._out is not None:
            return self._out.tell()
        with contextlib.suppress(OSError):
            return self._part.stat().st_size
        return 0

    def headers(self) -> tuple[tuple[str, str], ...]:
        """Return what to ask with: the rest of the same version, or else all of it."""
        as_it_is = (("Accept-Encoding", "identity"),)
        tag = self._version()
        if not tag or not self.size:
            return as_it_is
        return (*as_it_is, ("Range", f"bytes={self.size}-"), ("If-Range", tag))

    def goes_on(self, headers: Mapping[str, str]) -> bool:
        """Tell whether a range that came begins where the file ends."""
        found = _RANGE.match(headers.get("Content-Range", ""))
        return found is not None and int(found[1]) == self.size

    def append(self, headers: Mapping[str, str]) -> int | None:
        """Open the file for the rest, and return how long it will be, None where nobody says."""
        found = _RANGE.match(headers.get("Content-Range", ""))
        self._out = self._part.open("ab")
        return int(found[2]) if found is not None and found[2] != "*" else None

    def begin(self, headers: Mapping[str, str]) -> int | None:
        """Open the file for all of it, and return how long it will be, None where nobody says."""
        self.restart()
        tag = headers.get("ETag", "")
        tag = headers.get("Last-Modified", "") if not tag or tag.startswith("W/") else tag  # a weak one is no proof
        if tag:
            self._tag.write_text(tag, encoding="utf-8")
        self._out = self._part.open("wb")
        length = headers.get("Content-Length", "")
        return int(length) if length.isdigit() else None

    def write(self, chunk: bytes) -> None:
        """Add what came."""
        assert self._out is not None
        self._out.write(chunk)

    def is_whole(self, headers: Mapping[str, str]) -> bool:
        """Tell whether a range behind the end was refused because all is here."""
        found = _UNMET.match(headers.get("Content-Range", ""))
        return found is not None and int(found[1]) == self.size

    def restart(self) -> None:
        """Forget what came."""
        self.close()
        self._part.unlink(missing_ok=True)
        self._tag.unlink(missing_ok=True)

    def finish(self) -> str:
        """Put the file under its name, on the disk, and return its SHA-256 as hex."""
        self.close()
        with self._part.open("rb+") as whole:
            digest = hashlib.file_digest(whole, "sha256").hexdigest()
            os.fsync(whole.fileno())
        self._part.replace(self._path)
        self._tag.unlink(missing_ok=True)
        return digest

    def close(self) -> None:
        """Let go of the file; what came stays."""
        if self._out is not None:
            self._out.close()
            self._out = None

    def _version(self) -> str:
        with contextlib.suppress(OSError):
            return self._tag.read_text(encoding="utf-8").strip()
        return ""
