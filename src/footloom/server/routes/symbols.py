"""Symbols that can be opened: what is stored, and what venues list."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.params import QueryParameter

from footloom.core.instrument import Instrument
from footloom.server.routes.parameters import Shared
from footloom.server.stored.found_symbols import SymbolFound, SymbolsFound
from footloom.server.stored.history import History

__all__ = ("symbols",)

Text = Annotated[
    str,
    QueryParameter(
        name="q", description="words of a symbol, such as btc usdt; left out, what is stored", max_length=100
    ),
]
VenueName = Annotated[str, QueryParameter(description="of this venue alone", max_length=40)]
Most = Annotated[int, QueryParameter(description="at most so many", ge=1, le=200)]


@get("/api/v1/symbols", summary="Symbols that can be opened", tags=["data"])
async def symbols(services: Shared, text: Text = "", venue: VenueName = "", limit: Most = 50) -> SymbolsFound:
    """Find symbols, stored or listed by a venue, the nearest first.

    Lists of venues are fetched when somebody searches; one that is still ``loading`` is looked at by the next search.
    """
    stored = await services.run(_stored, services.history)
    if services.catalogue is not None:
        return await services.catalogue.find(text, stored, services.live, limit, venue)
    words = text.upper().split()
    found = [one for one in stored if all(word in one.key.upper() for word in words) and venue in {"", one.venue}]
    return SymbolsFound([_row(one, services.live) for one in found[:limit]], [])


def _stored(history: History) -> list[Instrument]:
    return [instrument for instrument, _ in history.symbols()]


def _row(one: Instrument, live: frozenset[str]) -> SymbolFound:
    is_live = one.key in live
    return SymbolFound(
        one.key, one.venue, one.symbol, one.base, one.quote, f"{one.tick_size:f}", stored=True, live=is_live
    )
