"""What comes from outside, read as a type: JSON, msgpack and plain values, in any thread.

msgspec learns a type from whoever asks for it first. A second thread that asks meanwhile reads what is half learnt, and
the process dies (msgspec 0.22, seen 2026-11-22 in a server whose threads read the first parts of a store). So types are
learnt here, one at a time, and never with a bare ``msgspec.json.decode(data, type=...)``.
"""

from __future__ import annotations

import functools
import threading
from typing import Any, TypeVar, overload

import msgspec

__all__ = ("from_json", "from_msgpack", "from_plain")

T = TypeVar("T")
_learning = threading.Lock()


@functools.cache
def _json(kind: Any) -> msgspec.json.Decoder[Any]:
    with _learning:
        return msgspec.json.Decoder(kind)


@functools.cache
def _msgpack(kind: Any) -> msgspec.msgpack.Decoder[Any]:
    with _learning:
        return msgspec.msgpack.Decoder(kind)


@overload
def from_json(data: bytes | str, kind: type[T]) -> T: ...
@overload
def from_json(data: bytes | str, kind: object) -> Any: ...
def from_json(data: bytes | str, kind: Any) -> Any:
    """Return a JSON document as a type.

    Raises
    ------
    msgspec.DecodeError
        It is no JSON, or not of that type (`msgspec.ValidationError`).
    """
    return _json(kind).decode(data)


@overload
def from_msgpack(data: bytes, kind: type[T]) -> T: ...
@overload
def from_msgpack(data: bytes, kind: object) -> Any: ...
def from_msgpack(data: bytes, kind: Any) -> Any:
    """Return a msgpack document as a type; it raises what `from_json` does."""
    return _msgpack(kind).decode(data)


@overload
def from_plain(value: object, kind: type[T], *, strict: bool = True) -> T: ...
@overload
def from_plain(value: object, kind: object, *, strict: bool = True) -> Any: ...
def from_plain(value: object, kind: Any, *, strict: bool = True) -> Any:
    """Return plain values (mappings, lists, texts, numbers) as a type; not ``strict`` takes numbers from texts.

    Raises
    ------
    msgspec.ValidationError
        The values are not of that type.
    """
    _json(kind)
    return msgspec.convert(value, kind, strict=strict)
