"""What a search for symbols answers; apart from `catalogue`, which brings HTTP along: the first page does without."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

__all__ = ("SymbolFound", "SymbolsFound", "VenueListed", "VenueState")

VenueState = Literal["listed", "loading", "unreachable", "needs_login"]


class SymbolFound(msgspec.Struct, frozen=True):
    """A symbol that can be opened; ``stored``: something of it is stored, ``live``: it is listened to now."""

    key: str
    venue: str
    symbol: str
    base: str
    quote: str
    tick_size: str
    stored: bool
    live: bool


class VenueListed(msgspec.Struct, frozen=True):
    """How the list of a venue stands, in words; ``count`` is how many symbols it has."""

    venue: str
    state: VenueState
    text: str
    count: int


class SymbolsFound(msgspec.Struct, frozen=True):
    """What a search found, the nearest first, and which venues were looked at."""

    symbols: Sequence[SymbolFound]
    venues: Sequence[VenueListed]
