"""What is stored: symbols and days."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from litestar import Request, get
from litestar.params import QueryParameter

from footloom.server.rest.work import while_connected
from footloom.server.routes.parameters import Shared, State, failures, key_of
from footloom.server.stored.documents import instrument_words
from footloom.server.stored.history import History

__all__ = ("CoverageRow", "InstrumentRow", "coverage", "instruments")

Filter = Annotated[str | None, QueryParameter(description="VENUE:SYMBOL; left out, all", min_length=3, max_length=200)]


class InstrumentRow(msgspec.Struct, frozen=True):
    """One symbol with its grid; ``live`` says that its feed runs here.

    ``tick_size`` and ``lot_size`` are exact decimal text, ``market_lot`` the units that one contract trades in, null
    where nobody knows. ``inferred``: the venue does not tell who crossed, sides are worked out. Quantities are of the
    base asset, or contracts: each is worth ``contract_multiplier`` of the base, or of the quote currency where it is
    ``inverse``. ``tapes`` are what charts can be made of, the best first.
    """

    key: str
    venue: str
    symbol: str
    tick_size: str
    lot_size: str
    market_lot: str | None
    base: str
    quote: str
    contract_multiplier: str
    inverse: bool
    calendar: str
    tz: str
    simulated: bool
    inferred: bool
    tapes: Sequence[str]
    default_ticks_per_level: int
    live: bool


class CoverageRow(msgspec.Struct, frozen=True):
    """What is stored of one tape on one day: ``gaps`` are those that begin there and are still open."""

    key: str
    tape: str
    day: str
    rows: int
    first_ns: str | None
    last_ns: str | None
    bytes: int
    gaps: int
    parts: int


@get("/api/v1/instruments", summary="Symbols with stored trades", tags=["data"], responses=failures(504))
async def instruments(request: Request[Any, Any, Any], services: Shared, rest: State) -> list[InstrumentRow]:
    """List the symbols that charts can be made of."""
    return await while_connected(
        request, rest.work.run(lambda: _instruments(services.history, services.live), short=True)
    )


def _instruments(history: History, live: frozenset[str]) -> list[InstrumentRow]:
    rows = []
    for instrument, tapes in history.symbols():
        rows.append(
            InstrumentRow(
                key=instrument.key,
                venue=instrument.venue,
                symbol=instrument.symbol,
                **instrument_words(instrument, tapes[0]),
                tapes=tapes,
                default_ticks_per_level=history.default_step(instrument.key),
                live=instrument.key in live,
            )
        )
    return rows


@get("/api/v1/coverage", summary="What is stored", tags=["data"], responses=failures(504))
async def coverage(
    request: Request[Any, Any, Any], services: Shared, rest: State, symbol: Filter = None
) -> list[CoverageRow]:
    """List what is stored by symbol, tape and day; none where nothing is."""
    key = None if symbol is None else key_of(symbol)
    found = await while_connected(request, rest.work.run(lambda: services.history.store.coverage(key), short=True))
    return [
        CoverageRow(
            row.key,
            row.tape,
            row.day.isoformat(),
            row.rows,
            None if row.first_ns is None else str(row.first_ns),
            None if row.last_ns is None else str(row.last_ns),
            row.bytes,
            row.gaps,
            row.parts,
        )
        for row in found
    ]
