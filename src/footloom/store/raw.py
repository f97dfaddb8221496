"""Text that a store keeps as it came, packed: recorded order books, until there is a tape for them.

``raw/VENUE/SYMBOL/KIND/SHA256.gz`` beside ``SHA256.json``, which says what it is. The hash is that of the unpacked
text, so that the same recording lies there once, however it was packed. The small file is written last: a text without
one is what a stop left, and is written anew.
"""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from footloom.errors import CorruptPart, StoreError
from footloom.store._reports import RawPart
from footloom.store.disk import TEMPORARY, make_folder, remove, storing, sync_folder, write_whole
from footloom.store.layout import file_name
from footloom.typed import from_json

__all__ = ("RawPart", "raw_parts", "raw_text", "write_raw")

_FOLDER = "raw"
_LEVEL = 6


def write_raw(root: Path, part: RawPart, pieces: Iterable[bytes]) -> bool:
    """Keep a text; False where it is there already. The caller holds the store's lock.

    Raises
    ------
    StoreError
        It cannot be written, or is not the text that ``part`` names.
    """
    folder = root / _FOLDER / file_name(part.venue) / file_name(part.symbol) / file_name(part.kind)
    label = folder / f"{part.sha256}.json"
    if label.exists():
        return False
    path = folder / f"{part.sha256}.gz"
    temporary = path.with_name(TEMPORARY + path.name)
    with storing("write", path):
        make_folder(folder)
        try:
            digest, size = _pack(temporary, pieces)
            if digest != part.sha256:
                raise StoreError(f"{part.name} changed while it was read: import it again")
            temporary.replace(path)
            sync_folder(folder)
        finally:
            remove([temporary])
        write_whole(
            label, msgspec.json.encode(msgspec.structs.replace(part, text_bytes=size, bytes=path.stat().st_size))
        )
    return True


def _pack(path: Path, pieces: Iterable[bytes]) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with path.open("wb") as file:
        with gzip.GzipFile("", "wb", _LEVEL, file, mtime=0) as packed:
            for piece in pieces:
                digest.update(piece)
                size += len(piece)
                packed.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest(), size


def raw_parts(root: Path, key: str | None = None) -> list[RawPart]:
    """Return the texts that a store keeps, by key, kind and time.

    Raises
    ------
    CorruptPart
        What says what a text is cannot be read.
    """
    found = []
    for path in sorted((root / _FOLDER).glob("*/*/*/*.json")):
        try:
            part = from_json(path.read_bytes(), RawPart)
        except (OSError, msgspec.MsgspecError) as error:
            raise CorruptPart(f"{path} is damaged ({error}): remove it, and import its file again") from error
        if key in (None, part.key):
            found.append(part)
    return sorted(found, key=lambda part: (part.key, part.kind, part.first_ns))


def raw_text(root: Path, part: RawPart) -> bytes:
    """Return a kept text.

    Raises
    ------
    CorruptPart
        It is not what was kept.
    """
    folder = root / _FOLDER / file_name(part.venue) / file_name(part.symbol) / file_name(part.kind)
    path = folder / f"{part.sha256}.gz"
    try:
        text = gzip.decompress(path.read_bytes())
    except (OSError, EOFError) as error:
        raise CorruptPart(f"{path} is missing or damaged ({error}): import {part.name} again") from error
    if hashlib.sha256(text).hexdigest() != part.sha256:
        raise CorruptPart(f"{path} does not hold what its hash says: remove it, and import {part.name} again")
    return text
