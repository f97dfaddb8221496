"""Columns as one blob: what a commit of the journal writes."""

from __future__ import annotations

import functools
import struct
import sys
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from footloom.errors import DataError
from footloom.store.columns import Columns, length
from footloom.typed import from_msgpack

__all__ = ("pack", "unpack")

_PLAIN_BYTES = 16_384  # below this, compressing costs more time than writing
_LENGTH = struct.Struct("<I")
_Kinds = tuple[tuple[str, np.dtype[Any]], ...]
_ENDIAN_FREE = "|"  # numpy's mark for types of one byte


class _Header(msgspec.Struct, array_like=True):
    rows: int
    columns: list[tuple[str, str]]  # name and little-endian numpy type
    plain_bytes: int
    compressed: bool


def pack(columns: Columns) -> bytes:
    """Return columns of equal length as one blob: a small header, then one little-endian column behind the other."""
    kinds = tuple([(name, values.dtype) for name, values in columns.items()])
    plain = _plain_head(kinds, length(columns))
    if plain is not None:
        return plain + b"".join([values.tobytes() for values in columns.values()])
    if _is_little(kinds):
        body = b"".join([values.tobytes() for values in columns.values()])
        named = _named(kinds)
    else:
        little = {name: _little(values) for name, values in columns.items()}
        body = b"".join([values.tobytes() for values in little.values()])
        named = [(name, values.dtype.str) for name, values in little.items()]
    compressed = len(body) >= _PLAIN_BYTES
    head = _head(length(columns), named, len(body), compressed=compressed)
    if compressed:
        body = pa.Codec("zstd", 1).compress(body, asbytes=True)
    return head + body


def _head(rows: int, named: list[tuple[str, str]], plain_bytes: int, *, compressed: bool) -> bytes:
    header = msgspec.msgpack.encode(_Header(rows, named, plain_bytes, compressed))
    return _LENGTH.pack(len(header)) + header


def _is_little(kinds: _Kinds) -> bool:
    return sys.byteorder == "little" and all(kind.isnative for _, kind in kinds)


def _named(kinds: _Kinds) -> list[tuple[str, str]]:
    return [(name, kind.str) for name, kind in kinds]


# Commits of a few rows have the same header again and again; None where the columns are not stored as they lie.
@functools.lru_cache(maxsize=256)
def _plain_head(kinds: _Kinds, rows: int) -> bytes | None:
    plain_bytes = rows * sum(kind.itemsize for _, kind in kinds)
    if plain_bytes >= _PLAIN_BYTES or not _is_little(kinds):
        return None
    return _head(rows, _named(kinds), plain_bytes, compressed=False)


def _little(values: np.ndarray[tuple[int], np.dtype[np.int64]]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    if values.dtype.byteorder == _ENDIAN_FREE:
        return values
    return values.astype(values.dtype.newbyteorder("<"), copy=False)


def unpack(blob: bytes) -> Columns:
    """Return what `pack` was given.

    Raises
    ------
    DataError
        The blob is not one of ours.
    """
    try:
        (size,) = _LENGTH.unpack_from(blob)
        header = _header(blob[_LENGTH.size : _LENGTH.size + size])
        if header.compressed:
            body = pa.Codec("zstd", 1).decompress(blob[_LENGTH.size + size :], header.plain_bytes, asbytes=True)
            return _columns(header, body, 0)
        return _columns(header, blob, _LENGTH.size + size)
    except (struct.error, msgspec.MsgspecError, ValueError, TypeError, OSError) as error:
        raise DataError(f"a block of the journal cannot be unpacked: {error}") from error


# Commits of a few rows have the same header again and again.
@functools.lru_cache(maxsize=256)
def _header(data: bytes) -> _Header:
    return from_msgpack(data, _Header)


def _columns(header: _Header, body: bytes, start: int) -> Columns:
    columns: Columns = {}
    for name, kind in header.columns:
        dtype = _dtype(kind)
        values = np.frombuffer(body, dtype, header.rows, start)
        columns[name] = values if dtype.isnative else values.astype(dtype.newbyteorder("="))
        start += header.rows * dtype.itemsize
    return columns


@functools.lru_cache(maxsize=64)
def _dtype(kind: str) -> np.dtype[Any]:
    return np.dtype(kind)
