"""A file as blocks of whole lines: plain, gzip or zip, read once from front to back in bounded memory."""

from __future__ import annotations

import hashlib
import stat
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
_KINDS = ((b"PAR1", "parquet"), (b"SQLite format 3", "sqlite"))
_OTHER_MAGIC = (
    (b"\x28\xb5\x2f\xfd", "packed with zstd: unpack it first (zstd -d)"),
    (b"BZh", "packed with bzip2: unpack it first"),
    (b"\xfd7zXZ", "packed with xz: unpack it first"),
    (b"7z\xbc\xaf", "a 7z archive: unpack it first"),
    (b"Rar!", "a rar archive: unpack it first"),
    (b"ARROW1", "an Arrow file"),
)


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines, each ended by a newline, except perhaps the file's last; lines count from 1.

    They are the first ``size`` bytes of ``buffer``, which the next block overwrites.
    """

    buffer: bytearray
    size: int
    first_line: int
    lines: int

    @property
    def data(self) -> memoryview:
        """The bytes."""
        return memoryview(self.buffer)[: self.size]

    @property
    def ended(self) -> bool:
        """Whether the last line has a newline."""
        return self.buffer[self.size - 1] == 10

    def line_at(self, start: int) -> bytes:
        """Return the line that starts at an offset, without its newline."""
        end = self.buffer.find(b"\n", start, self.size)
        return bytes(self.buffer[start : self.size if end < 0 else end])

    def texts(self) -> list[bytes]:
        """Return all lines, without their newlines."""
        lines = bytes(self.data).split(b"\n")
        return lines[:-1] if self.ended else lines


@dataclass(frozen=True, slots=True)
class Sample:
    """The beginning of a file: its names (that inside a zip first), its folder, and its lines without their ends.

    A file that is no text has no lines; ``path`` is for those who read it in another way.
    """

    names: tuple[str, ...]
    folder: str
    lines: tuple[bytes, ...]
    path: Path = Path()


class Source:
    """One file to import.

    ``kind`` is ``text``, ``sqlite`` or ``parquet``. ``member`` is the name of the file inside a zip. ``damage`` says,
    after the blocks have been read, why they end before the file should; ``cut_line`` is the number of a line that was
    lost halfway by that.

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
        self._crc = self._text_bytes = 0
        if path.is_dir():
            raise DataError(f"{path} is a folder: name the files in it")
        try:
            state = path.stat()
            if not stat.S_ISREG(state.st_mode):  # opening a pipe would wait for its other end
                raise DataError(f"{path} is a pipe or a device: write what it gives to a file, and import that")
            self.size = state.st_size
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
        self.kind = next((kind for magic, kind in _KINDS if self._magic.startswith(magic)), "text")

    @property
    def checksum(self) -> str:
        """What tells the text that has been read so far from any other of its length: a CRC-32 of it, and its size.

        A SHA-256 of it all would take longer than reading the rows; where ids tell rows apart, this is enough.
        """
        return f"{self._crc:08x}-{self._text_bytes}"

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
        folder = self.path.absolute().parent.as_posix()
        if self.kind != "text":
            return Sample((self.path.name,), folder, (), self.path)
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
        return Sample(names, folder, tuple(whole[:_SAMPLE_LINES]), self.path)

    def blocks(self, size: int = BLOCK_BYTES) -> Iterator[Block]:
        """Yield the file's lines in blocks of about ``size`` bytes.

        Raises
        ------
        DataError
            A line is longer than 64 MB.
        """
        held = _Held(size)
        for chunk in self._chunks():
            if not held.has_room(chunk):
                if held.newlines:
                    yield held.block()
                    held.release()
                held.make_room(chunk)
                if len(held.buffer) > _LONGEST_LINE:
                    raise DataError(
                        f"{self.path}, line {held.line}: longer than {_LONGEST_LINE >> 20} MB, which is no text"
                    )
            held.add(chunk)
            self._crc = zlib.crc32(chunk, self._crc)
            self._text_bytes += len(chunk)
        if held.newlines:
            yield held.block()
            held.release()
        if held.size and self.damage:
            self.cut_line = (held.line, held.buffer[: min(held.size, 200)].decode("utf-8", "backslashreplace"))
        elif held.size:
            yield Block(held.buffer, held.size, held.line, 1)

    def content(self) -> Iterator[bytes]:
        """Yield the unpacked bytes, of which `content_sha256` is the hash."""
        yield from self._chunks()

    def pieces(self) -> Iterator[bytes]:
        """Yield the text in pieces of any length, which end anywhere."""
        begun = False
        for chunk in self._chunks():
            self._crc = zlib.crc32(chunk, self._crc)
            self._text_bytes += len(chunk)
            yield chunk if begun else _without_bom(chunk)
            begun = begun or bool(chunk)

    def lines(self, numbers: set[int]) -> dict[int, bytes]:
        """Return lines by their numbers; the file is read again up to the last of them."""
        found: dict[int, bytes] = {}
        for block in self.blocks() if numbers else ():
            after = block.first_line + block.lines
            here = [number for number in numbers if block.first_line <= number < after]
            if here:
                texts = block.texts()
                found |= {number: texts[number - block.first_line] for number in here}
            if after > max(numbers):
                break
        return found

    def _chunks(self) -> Iterator[bytes]:
        self.damage, self.cut_line, self.bytes_read = "", None, 0
        self._crc = self._text_bytes = 0
        with self.path.open("rb") as file:
            if self._magic.startswith(b"\x1f\x8b"):
                yield from self._gunzip(file)
            elif self._magic.startswith((b"PK\x03\x04", b"PK\x05\x06")):
                yield from self._unzip(file)
            else:
                yield from self._raw(file)

    def _raw(self, file: BinaryIO) -> Iterator[bytes]:
        while chunk := file.read(_CHUNK_BYTES):
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
                    yield inflate.decompress(data, _CHUNK_BYTES)
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
                    yield inflate.decompress(data, _CHUNK_BYTES)
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


class _Held:
    # What has been read and not been given out: whole lines, and the beginning of one.
    def __init__(self, size: int) -> None:
        self.buffer = bytearray(size)
        self.size = 0
        self.line = 1
        self.newlines = 0
        self._begun = False

    def has_room(self, chunk: bytes) -> bool:
        return self.size + len(chunk) <= len(self.buffer)

    def make_room(self, chunk: bytes) -> None:
        if not self.has_room(chunk):
            # A new one: the old one may not be resized while somebody looks at it.
            self.buffer = self.buffer[: self.size] + bytearray(self.size + len(chunk))

    def add(self, chunk: bytes) -> None:
        text = chunk if self._begun else _without_bom(chunk)
        self._begun = self._begun or bool(chunk)
        self.buffer[self.size : self.size + len(text)] = text
        self.size += len(text)
        self.newlines += int(np.count_nonzero(np.frombuffer(text, np.uint8) == 10))  # twice as fast as bytes.count

    def block(self) -> Block:
        return Block(self.buffer, self.buffer.rfind(b"\n", 0, self.size) + 1, self.line, self.newlines)

    def release(self) -> None:
        # Keeps what follows the lines that were given out.
        cut = self.buffer.rfind(b"\n", 0, self.size) + 1
        self.buffer[: self.size - cut] = self.buffer[cut : self.size]
        self.size -= cut
        self.line += self.newlines
        self.newlines = 0


def _without_bom(data: bytes) -> bytes:
    return data[3:] if data.startswith(_BOMS) else data
