"""Tables to files: CSV, Parquet and Arrow, a chunk at a time, whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec

from footloom.errors import ConfigError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ("ENDINGS", "Written", "check_free", "csv_lines", "format_of", "whole_file", "write_tables")

ENDINGS = {".csv": "csv", ".parquet": "parquet", ".arrow": "arrow", ".feather": "arrow", ".npz": "npz"}
_ADVICE = {
    errno.ENOSPC: "free some space or write elsewhere",
    errno.EDQUOT: "free some space or write elsewhere",
    errno.EFBIG: "the file is larger than allowed here: write elsewhere, or a shorter range",
    errno.ENOENT: "make the folder first",
    errno.ENOTDIR: "name a file in a folder",
    errno.EACCES: "name a folder that you may write to",
    errno.EPERM: "name a folder that you may write to",
    errno.EROFS: "name a folder that you may write to",
    errno.ENAMETOOLONG: "use a shorter name",
}
_SPECIAL = '[",\r\n]'  # what makes a CSV value need quotes


class Written(msgspec.Struct, frozen=True):
    """What became of a file: its rows and its size in bytes."""

    rows: int
    bytes: int


def format_of(path: Path, asked: str | None = None) -> str:
    """Return the format that was asked for, else the one of the file's ending.

    Raises
    ------
    ConfigError
        Neither says one.
    """
    found = asked or ENDINGS.get(path.suffix.lower())
    if found is None:
        raise ConfigError(
            f"{path.name} does not end with {', '.join(ENDINGS)}: name it so, or say --format csv, parquet, arrow, npz"
        )
    return found


@contextlib.contextmanager
def whole_file(path: Path, *, force: bool = False) -> Iterator[IO[bytes]]:
    """Open a file that is there whole when the block ends, and not at all where an error or Ctrl-C leaves it.

    It is written beside its place under another name, flushed to the disk and renamed.

    Raises
    ------
    ConfigError
        It is there already and ``force`` is not given, or it cannot be written.
    """
    check_free(path, force=force)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        check_free(path, force=force)
        partial.replace(path)
    except OSError as error:
        _remove(partial)
        raise _refused(path, error) from None
    except BaseException:
        _remove(partial)
        raise


def check_free(path: Path, *, force: bool) -> None:
    """Raise `ConfigError` where a file may not be written: it is there already, or it is a folder or a device."""
    if path.is_dir():
        raise ConfigError(f"{path} is a folder: name a file in it")
    if path.exists() and not path.is_file():
        raise ConfigError(f"{path} is no plain file: name another one")
    if path.exists() and not force:
        raise ConfigError(f"{path} is there already: name another file, or say --force to replace it")


def _remove(partial: Path) -> None:
    with contextlib.suppress(OSError):
        partial.unlink(missing_ok=True)


def _refused(path: Path, error: OSError) -> ConfigError:
    why = os.strerror(error.errno) if error.errno else str(error)
    advice = _ADVICE.get(error.errno or 0, "look at the file system's own log")
    return ConfigError(f"{path} cannot be written: {why}; {advice}. No part of it was left behind")


def write_tables(
    path: Path, kind: str, schema: pa.Schema, tables: Iterable[pa.Table], *, force: bool = False
) -> Written:
    """Write tables of one schema as one file, one after the other; memory holds one of them.

    ``kind`` is csv, parquet or arrow. Parquet and Arrow carry the schema's metadata; CSV has one line of names, plain
    decimals, nothing where a value is null, and quotes only where a text needs them.
    """
    rows = 0
    with whole_file(path, force=force) as file:
        with _WRITERS[kind](file, schema) as write:
            for table in tables:
                write(table)
                rows += len(table)
        size = file.tell()
    return Written(rows, size)


@contextlib.contextmanager
def _parquet(file: IO[bytes], schema: pa.Schema) -> Iterator[Any]:
    import pyarrow.parquet as pq

    with pq.ParquetWriter(file, schema, compression="zstd", compression_level=3) as writer:
        yield writer.write_table


@contextlib.contextmanager
def _arrow(file: IO[bytes], schema: pa.Schema) -> Iterator[Any]:
    import pyarrow as pa

    with pa.ipc.new_file(file, schema) as writer:
        yield writer.write_table


@contextlib.contextmanager
def _csv(file: IO[bytes], schema: pa.Schema) -> Iterator[Any]:
    file.write((",".join(schema.names) + "\n").encode())
    yield lambda table: file.write(csv_lines(table))


_WRITERS = {"csv": _csv, "parquet": _parquet, "arrow": _arrow}


def csv_lines(table: pa.Table) -> bytes:
    """Return the rows of a table as CSV lines, without the line of names."""
    import pyarrow.compute as pc

    if not len(table):
        return b""
    texts = [_text(column.combine_chunks()) for column in table.columns]
    lines = pc.binary_join_element_wise(*texts, ",", null_handling="replace", null_replacement="")
    lines = pc.binary_join_element_wise(lines, "", "\n")
    return b"".join(_bytes(chunk) for chunk in getattr(lines, "chunks", [lines]))


def _bytes(lines: Any) -> bytes:
    # The texts of a column lie one behind the other in its buffer.
    import numpy as np

    ends = np.frombuffer(lines.buffers()[1], np.int32)[lines.offset : lines.offset + len(lines) + 1]
    data: bytes = lines.buffers()[2].slice(int(ends[0]), int(ends[-1] - ends[0])).to_pybytes()
    return data


def _text(column: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    from footloom.engine.exact import decimal_text

    if pa.types.is_decimal128(column.type):
        return decimal_text(column)
    text = column.cast(pa.string())
    if not pa.types.is_string(column.type):
        return text
    quoted = pc.binary_join_element_wise("", pc.replace_substring(text, '"', '""'), "", '"')
    return pc.if_else(pc.match_substring_regex(text, _SPECIAL), quoted, text)
