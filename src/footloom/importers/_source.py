"""A file as blocks of whole lines: plain, gzip or zip, read once from front to back in bounded memory."""

from __future__ import annotations

import hashlib
import itertools
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from footloom.errors import DataError, UnknownFormat

__all__ = ("Block", "Sample", "Source")

BLOCK_BYTES = 4 << 20
_CHUNK_BYTES = 1 << 18
_SAMPLE_BYTES = 1 << 18
_SAMPLE_LINES = 400
_LONGEST_LINE = 64 << 20  # a book snapshot of 5 000 levels has 0.3 MB
_BOMS = (b"\xef\xbb\xbf",)
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_OTHER_MAGIC = (
    (b"PAR1", "a Parquet file"),
    (b"\x28\xb5\x2f\xfd", "packed with zstd: unpack it first (zstd -d)"),
    (b"BZh", "packed with bzip2: unpack it first"),
    (b"\xfd7zXZ", "packed with xz: unpack it first"),
    (b"7z\xbc\xaf", "a 7z archive: unpack it first"),
    (b"Rar!", "a rar archive: unpack it first"),
    (b"SQLite format 3", "a SQLite database"),
    (b"ARROW1", "an Arrow file"),
)


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines: ``data`` ends with a newline, except perhaps at the end of the file; lines count from 1."""

    data: bytes
    first_line: int
    lines: int


@dataclass(frozen=True, slots=True)
class Sample:
    """The beginning of a file: its names (that inside a zip first), its folder, and its lines without their ends."""

    names: tuple[str, ...]
    folder: str
    lines: tuple[bytes, ...]


class Source:
    """One file to import.

    ``member`` is the name of the file inside a zip. ``damage`` says, after the blocks have been read, why they end
    before the file should; ``cut_line`` is the number of a line that was lost halfway by that.

    Raises
    ------
    DataError
        There is no such file, it is a folder, it is empty, or it is a zip of several files.
    UnknownFormat
        It is no text.
    """

    def __init__(self, path: Path, progress: Callable[[int], None] | None = None) -> None:
        self.path = path
        self.progress = progress
        self.member = ""
        self.damage = ""
        self.cut_line: tuple[int, str] | None = None
        self.bytes_read = 0
        if path.is_dir():
            raise DataError(f"{path} is a folder: name the files in it")
        try:
            self.size = path.stat().st_size
            with path.open("rb") as file:
                self._magic = file.read(16)
        except FileNotFoundError:
            raise DataError(f"{path}: there is no such file") from None
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror}") from error
        if self.size == 0:
            raise DataError(f"{path} is empty: 0 bytes")
        for magic, what in _OTHER_MAGIC:
            if self._magic.startswith(magic):
                raise UnknownFormat(f"{path} is {what}")

    def fingerprint(self) -> str:
        """Return what tells the file from any other, as it lies there: a hash of size, checksum and beginning.

        A whole SHA-256 would take longer than reading the rows; ids tell rows apart, so that this is enough.
        """
        crc, head = 0, b""
        with self.path.open("rb") as file:
            while chunk := file.read(BLOCK_BYTES):
                crc, head = zlib.crc32(chunk, crc), head or chunk[:_CHUNK_BYTES]
        return hashlib.sha256(f"{self.size} {crc} ".encode() + head).hexdigest()

    def content_sha256(self) -> str:
        """Return the hash of the unpacked text: the same for a file and its packed twin."""
        digest = hashlib.sha256()
        for chunk in self._chunks():
            digest.update(chunk)
        return digest.hexdigest()

    def sample(self) -> Sample:
        """Return the beginning of the file.

        Raises
        ------
        DataError
            Nothing can be read from it.
        UnknownFormat
            It is no text.
        """
        parts, size = [], 0
        for chunk in self._chunks():
            parts.append(chunk)
            size += len(chunk)
            if size >= _SAMPLE_BYTES:
                break
        data = b"".join(parts)
        if data.startswith(_UTF16):
            raise UnknownFormat(f"{self.path} is UTF-16 text: save it as UTF-8")
        if (at := data.find(0)) >= 0:
            raise UnknownFormat(f"{self.path} is no text: a byte of value 0 at offset {at}")
        if not _without_bom(data).strip():
            why = f" ({self.damage})" if self.damage else ""
            raise DataError(f"{self.path} is empty: it holds no line{why}")
        lines = [line.removesuffix(b"\r") for line in _without_bom(data).split(b"\n")]
        whole = lines if size < _SAMPLE_BYTES or len(lines) == 1 else lines[:-1]
        names = tuple(name for name in (self.member, self.path.name) if name)
        return Sample(names, self.path.absolute().parent.as_posix(), tuple(whole[:_SAMPLE_LINES]))

    def blocks(self, size: int = BLOCK_BYTES) -> Iterator[Block]:
        """Yield the file's lines in blocks of about ``size`` bytes.

        Raises
        ------
        DataError
            A line is longer than 64 MB.
        """
        line, rest = 1, b""
        for data in itertools.chain(_joined(self._chunks(), size), (b"",)):
            text = memoryview(_without_bom(data) if line == 1 and not rest else data)
            cut = data.rfind(b"\n") + len(text) - len(data) + 1 if data else 0
            if data:
                whole, rest = (b"".join((rest, text[:cut])), bytes(text[cut:])) if cut > 0 else (b"", rest + text)
            else:
                whole, rest = self._last(rest, line), b""
            if len(rest) > _LONGEST_LINE:
                raise DataError(
                    f"{self.path}, line {line}: longer than {_LONGEST_LINE >> 20} MB, which is no text of trades"
                )
            if whole:
                lines = _newlines(whole) + (not whole.endswith(b"\n"))
                yield Block(whole, line, lines)
                line += lines

    def lines(self, numbers: set[int]) -> dict[int, bytes]:
        """Return lines by their numbers; the file is read again up to the last of them."""
        found: dict[int, bytes] = {}
        for block in self.blocks() if numbers else ():
            after = block.first_line + block.lines
            here = [number for number in numbers if block.first_line <= number < after]
            if here:
                text = block.data.split(b"\n")
                found |= {number: text[number - block.first_line] for number in here}
            if after > max(numbers):
                break
        return found

    # A last line without an end: taken as it is, unless the file is known to be cut.
    def _last(self, rest: bytes, line: int) -> bytes:
        if rest and self.damage:
            self.cut_line = (line, rest[:200].decode("utf-8", "backslashreplace"))
            return b""
        return rest

    def _chunks(self) -> Iterator[bytes]:
        self.damage, self.cut_line, self.bytes_read = "", None, 0
        with self.path.open("rb") as file:
            if self._magic.startswith(b"\x1f\x8b"):
                yield from self._gunzip(file)
            elif self._magic.startswith((b"PK\x03\x04", b"PK\x05\x06")):
                yield from self._unzip(file)
            else:
                yield from self._raw(file, BLOCK_BYTES)

    def _raw(self, file: BinaryIO, size: int = _CHUNK_BYTES) -> Iterator[bytes]:
        while chunk := file.read(size):
            self._read(len(chunk))
            yield chunk

    def _gunzip(self, file: BinaryIO) -> Iterator[bytes]:
        inflate = zlib.decompressobj(31)
        for chunk in self._raw(file):
            # Another member may follow, as `cat a.gz b.gz` makes it; padding with zeros is usual too.
            data = chunk.lstrip(b"\0") if inflate.eof else chunk
            while data:
                inflate = zlib.decompressobj(31) if inflate.eof else inflate
                try:
                    yield inflate.decompress(data, BLOCK_BYTES)
                except zlib.error as error:
                    self.damage = f"the gzip stream is damaged ({error})"
                    return
                data = inflate.unused_data.lstrip(b"\0") if inflate.eof else inflate.unconsumed_tail
        yield inflate.flush()
        if not inflate.eof:
            self.damage = "the gzip stream ends too early: the file is cut"

    def _unzip(self, file: BinaryIO) -> Iterator[bytes]:
        try:
            archive = zipfile.ZipFile(file)
        except zipfile.BadZipFile:
            yield from self._unzip_without_directory(file)
            return
        with archive:
            member = self._only_member(archive)
            self.member = Path(member.filename).name
            ratio = self.size / max(member.file_size, 1)
            try:
                with archive.open(member) as inner:
                    while chunk := inner.read(_CHUNK_BYTES):
                        self._read(int(len(chunk) * ratio))
                        yield chunk
            except (zipfile.BadZipFile, zlib.error, EOFError) as error:
                self.damage = f"the zip is damaged ({error})"
            except NotImplementedError as error:
                raise DataError(
                    f"{self.path} is packed in a way that cannot be read here ({error}): unpack it first"
                ) from error

    def _only_member(self, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
        members = [m for m in archive.infolist() if not m.is_dir() and not m.filename.startswith("__MACOSX/")]
        if len(members) != 1:
            names = ", ".join(m.filename for m in members[:5])
            raise DataError(
                f"{self.path} holds {len(members)} files ({names or 'none'}), expected one: "
                "unpack it and name the one to import"
            )
        if members[0].flag_bits & 1:
            raise DataError(f"{self.path} is encrypted: unpack it with its password first")
        return members[0]

    # A zip that was cut has lost the directory at its end; its first file still begins with a header of its own.
    def _unzip_without_directory(self, file: BinaryIO) -> Iterator[bytes]:
        file.seek(0)
        head = file.read(30)
        flags, method = int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")
        name = file.read(int.from_bytes(head[26:28], "little"))
        file.seek(int.from_bytes(head[28:30], "little"), 1)
        if len(head) < 30 or flags & 1 or method not in {0, 8}:
            raise DataError(f"{self.path} is a zip that is cut or damaged: nothing can be read from it")
        self.member = Path(name.decode("utf-8", "replace")).name
        inflate = zlib.decompressobj(-15)
        for chunk in self._raw(file):
            if method == 0:
                yield chunk
                continue
            data = chunk
            while data and not inflate.eof:
                try:
                    yield inflate.decompress(data, BLOCK_BYTES)
                except zlib.error as error:
                    self.damage = f"the zip is cut and damaged ({error})"
                    return
                data = inflate.unconsumed_tail
        yield inflate.flush()
        self.damage = "the zip has no directory at its end: the file is cut"

    def _read(self, count: int) -> None:
        self.bytes_read += count
        if self.progress is not None:
            self.progress(self.bytes_read)


def _without_bom(data: bytes) -> bytes:
    return data[3:] if data.startswith(_BOMS) else data


def _newlines(data: bytes) -> int:
    return int(np.count_nonzero(np.frombuffer(data, np.uint8) == 10))  # twice as fast as bytes.count


def _joined(chunks: Iterator[bytes], size: int) -> Iterator[bytes]:
    parts, held = [], 0
    for chunk in chunks:
        parts.append(chunk)
        held += len(chunk)
        if held >= size:
            yield b"".join(parts)
            parts, held = [], 0
    if held:
        yield b"".join(parts)
