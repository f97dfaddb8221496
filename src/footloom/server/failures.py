"""Errors as clients see them: one shape, one code a class, and no traceback."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from footloom.errors import (
    ConfigError,
    Conflict,
    CorruptPart,
    DataError,
    FootloomError,
    NotFound,
    NotStored,
    Overloaded,
    ProtocolError,
    StoreError,
    StoreLocked,
    TookTooLong,
    TooMuch,
    UnknownSymbol,
    VenueError,
)

__all__ = ("ErrorBody", "ErrorReply", "code_of", "status_of")

# The first class that fits decides: special before general.
_STATUS: tuple[tuple[type[FootloomError], int], ...] = (
    (NotStored, 404),
    (UnknownSymbol, 404),
    (NotFound, 404),
    (TooMuch, 413),
    (Conflict, 409),
    (Overloaded, 429),
    (TookTooLong, 504),
    (ConfigError, 400),
    (ProtocolError, 400),
    (StoreLocked, 409),
    (CorruptPart, 500),
    (StoreError, 500),
    (DataError, 422),
    (VenueError, 502),
)


class ErrorBody(msgspec.Struct, frozen=True):
    """What went wrong: a code for programs, a message for people, and what else is known."""

    code: str
    message: str
    detail: dict[str, Any] | None = None


class ErrorReply(msgspec.Struct, frozen=True):
    """The one shape of every error."""

    error: ErrorBody


def code_of(error: FootloomError) -> str:
    """Return the error's class as a code, ``not_stored`` for `NotStored`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()


def status_of(error: FootloomError) -> int:
    """Return the HTTP status that says whose fault it was."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
