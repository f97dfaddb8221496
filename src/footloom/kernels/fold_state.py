"""Where a fold stands, as bytes: what every resumable inference carries over a restart."""

from __future__ import annotations

from typing import ClassVar, Self

import msgspec

from footloom.errors import DataError
from footloom.typed import from_msgpack

__all__ = ("FoldState",)


class FoldState(msgspec.Struct, frozen=True, kw_only=True):
    """The base of a fold's state; ``WHAT`` names the fold in messages."""

    WHAT: ClassVar[str]

    def to_bytes(self) -> bytes:
        """Return the state as bytes."""
        return msgspec.msgpack.encode(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return a state that `to_bytes` wrote.

        Raises
        ------
        DataError
            The bytes are no such state.
        """
        try:
            return from_msgpack(data, cls)
        except msgspec.MsgspecError as error:
            raise DataError(f"these {len(data)} bytes are no state of the {cls.WHAT}: {error}") from None
