"""Files as they come: packed, cut, damaged, mislabelled."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footloom.errors import DataError, UnknownFormat
from footloom.importers import Source
from tests.unit.importers.files import gzipped, zipped

TEXT = b"".join(b"%d,line\n" % i for i in range(5_000))


def source(tmp_path: Path, content: bytes) -> Source:
    path = tmp_path / "file"
    path.write_bytes(content)
    return Source(path)


def content(file: Source, size: int = 1_000) -> bytes:
    text, line, ended = b"", 1, True
    for block in file.blocks(size):
        assert ended, "only the file's last line may have no end"
        data, ended = bytes(block.data), block.ended
        assert block.first_line == line
        assert block.lines == len(block.texts()) == data.count(b"\n") + (not ended)
        assert block.texts()[0] == block.line_at(0)
        assert data.endswith(b"\n") == ended
        line, text = line + block.lines, text + data
    return text


@pytest.mark.parametrize("pack", [bytes, gzipped, lambda text: zipped(("a.csv", text))])
@pytest.mark.parametrize("size", [1, 7, 1_000, 1 << 22])
def test_blocks_hold_whole_lines_whatever_the_packing(
    tmp_path: Path, pack: Callable[[bytes], bytes], size: int
) -> None:
    for text in (TEXT, TEXT[:-1], b"one line", b"\n\n"):
        file = source(tmp_path, pack(text))
        assert content(file, size) == text
        assert file.damage == ""


def test_gzip_files_joined_with_cat(tmp_path: Path) -> None:
    file = source(tmp_path, gzipped(TEXT[:100]) + gzipped(TEXT[100:]) + b"\0" * 40)
    assert content(file) == TEXT
    assert file.damage == ""


def test_a_cut_gzip_gives_what_is_whole(tmp_path: Path) -> None:
    packed = gzipped(TEXT)
    file = source(tmp_path, packed[: len(packed) // 2])
    text = content(file)
    assert TEXT.startswith(text)
    assert len(text) > 1_000
    assert text.endswith(b"\n")
    assert file.damage == "the gzip stream ends too early: the file is cut"
    assert file.cut_line is not None
    assert file.cut_line[0] == text.count(b"\n") + 1


def test_a_damaged_gzip_gives_what_comes_before(tmp_path: Path) -> None:
    packed = bytearray(gzipped(TEXT))
    packed[len(packed) // 2] ^= 0xFF
    file = source(tmp_path, bytes(packed))
    content(file)
    assert file.damage.startswith("the gzip stream is damaged")


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_a_cut_zip_gives_what_is_whole(tmp_path: Path, method: int) -> None:
    packed = zipped(("BTCUSDT-aggTrades-2024-08-08.csv", TEXT), method=method)
    file = source(tmp_path, packed[: len(packed) // 2])
    text = content(file)
    assert TEXT.startswith(text)
    assert len(text) > 1_000
    assert file.damage == "the zip has no directory at its end: the file is cut"
    assert file.sample().names == ("BTCUSDT-aggTrades-2024-08-08.csv", "file")


def test_a_zip_names_what_is_in_it(tmp_path: Path) -> None:
    file = source(tmp_path, zipped(("folder/", b""), ("folder/inner.csv", TEXT), ("__MACOSX/._inner.csv", b"x")))
    assert file.sample().names == ("inner.csv", "file")


def test_a_zip_with_a_wrong_checksum(tmp_path: Path) -> None:
    packed = bytearray(zipped(("a.csv", TEXT), method=zipfile.ZIP_STORED))
    packed[2_000] ^= 1
    file = source(tmp_path, bytes(packed))
    content(file)
    assert "damaged" in file.damage


@pytest.mark.parametrize(
    ("packed", "words"),
    [
        (zipped(("a.csv", TEXT), ("b.csv", TEXT)), r"holds 2 files \(a.csv, b.csv\), expected one"),
        (zipped(), r"holds 0 files \(none\)"),
        (b"PK\x03\x04" + b"\0" * 4, "cut or damaged"),
    ],
)
def test_zips_that_cannot_be_taken(tmp_path: Path, packed: bytes, words: str) -> None:
    with pytest.raises(DataError, match=words):
        source(tmp_path, packed).sample()


def test_an_encrypted_zip(tmp_path: Path) -> None:
    packed = bytearray(zipped(("a.csv", TEXT)))
    packed[6] |= 1
    packed[packed.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(DataError, match="encrypted"):
        source(tmp_path, bytes(packed)).sample()


@pytest.mark.parametrize(
    ("junk", "words"),
    [
        (b"\x28\xb5\x2f\xfd" + b"\0" * 20, "zstd"),
        (b"text\0and more", "a byte of value 0 at offset 4"),
        ("Zeit,Preis\n".encode("utf-16"), "UTF-16"),
    ],
)
def test_what_is_no_text(tmp_path: Path, junk: bytes, words: str) -> None:
    with pytest.raises(UnknownFormat, match=words):
        source(tmp_path, junk).sample()


@pytest.mark.parametrize("nothing", [b"", b"\n\n", b"\xef\xbb\xbf", gzipped(b"")])
def test_an_empty_file(tmp_path: Path, nothing: bytes) -> None:
    with pytest.raises(DataError, match="is empty"):
        source(tmp_path, nothing).sample()


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such file"):
        Source(tmp_path / "absent")
    with pytest.raises(DataError, match="is a folder"):
        Source(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="is a pipe or a device"):
        Source(tmp_path / "pipe")


def test_the_mark_at_the_beginning_is_no_text(tmp_path: Path) -> None:
    file = source(tmp_path, b"\xef\xbb\xbf" + TEXT)
    assert content(file) == TEXT
    assert file.sample().lines[0] == b"0,line"


def test_lines_by_number(tmp_path: Path) -> None:
    file = source(tmp_path, TEXT)
    assert file.lines({1, 3, 5_000}) == {1: b"0,line", 3: b"2,line", 5_000: b"4999,line"}
    assert file.lines(set()) == {}


def test_a_packed_twin_has_the_same_content(tmp_path: Path) -> None:
    texts = {"plain": TEXT, "packed": gzipped(TEXT), "changed": TEXT.replace(b"77,", b"78,", 1)}
    hashes, checksums = {}, {}
    for name, text in texts.items():
        (tmp_path / name).write_bytes(text)
        file = Source(tmp_path / name)
        hashes[name] = file.content_sha256()
        for _ in file.blocks(500):
            pass
        checksums[name] = file.checksum
    for told in (hashes, checksums):
        assert told["plain"] == told["packed"] != told["changed"]


def test_progress_reaches_the_size(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for packed in (TEXT, gzipped(TEXT)):
        path.write_bytes(packed)
        seen: list[int] = []
        list(Source(path, seen.append).blocks())
        assert seen[-1] == len(packed)
        assert seen == sorted(seen)


@given(st.binary(min_size=1, max_size=60), st.integers(1, 9), st.booleans())
def test_any_bytes_come_out_as_they_went_in(
    tmp_path_factory: pytest.TempPathFactory,
    text: bytes,
    size: int,
    packed: bool,  # noqa: FBT001 - drawn
) -> None:
    folder, text = tmp_path_factory.mktemp("any"), b"," + text  # never a magic number
    assert content(source(folder, gzipped(text) if packed else text), size) == text
