"""The REST side: what is stored, bars, footprints, trades, health. Work is done in threads; replies are structs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromQuery, QueryParameter, SkipValidation

import footloom
from footloom.core.sessions import calendar
from footloom.core.trades import FLAG_NO_ID, Trades
from footloom.errors import ConfigError
from footloom.server.documents import bars_document
from footloom.server.failures import ErrorReply
from footloom.server.history import ChartKey, History, Page
from footloom.server.messages import FeedText, TopicRequest
from footloom.server.services import Services
from footloom.server.wire import columns_json, encode, encode_columns, encode_json

__all__ = (
    "ROUTES",
    "CoverageRow",
    "Health",
    "InstrumentRow",
    "TradeList",
    "TradeRow",
    "bars",
    "chart_request",
    "coverage",
    "feeds",
    "footprint",
    "health",
    "instruments",
    "trades",
)

FRAME_TYPE = "application/vnd.footloom.frame"
MAX_BARS = 20_000
MAX_TRADES = 10_000

Shared = NamedDependency[SkipValidation[Services]]
Key = Annotated[str, QueryParameter(description="VENUE:SYMBOL, such as sim:PERP", min_length=3)]
Ns = Annotated[int | None, QueryParameter(description="ns since 1970 UTC; the range is half-open", ge=0, lt=2**62)]
Step = Annotated[int | None, QueryParameter(description="ticks per level; left out, the symbol's default", ge=1)]
Method = Literal["two_row", "one_row", "one_row_capped"]
Limit = Annotated[int, QueryParameter(description="how many bars, the newest of the range", ge=1, le=MAX_BARS)]
_FAILURES = {
    400: ResponseSpec(ErrorReply, description="A parameter cannot be used."),
    404: ResponseSpec(ErrorReply, description="Nothing is stored for that symbol."),
}


class InstrumentRow(msgspec.Struct, frozen=True):
    """One symbol with its grid; ``live`` says that its feed runs here."""

    key: str
    venue: str
    symbol: str
    tick_size: str
    lot_size: str
    base: str
    quote: str
    calendar: str
    tz: str
    simulated: bool
    inferred: bool
    tapes: Sequence[str]
    default_ticks_per_level: int
    live: bool


class CoverageRow(msgspec.Struct, frozen=True):
    """What is stored of one tape on one day."""

    key: str
    tape: str
    day: str
    rows: int
    first_ns: str | None
    last_ns: str | None
    bytes: int
    gaps: int
    parts: int


class TradeRow(msgspec.Struct, frozen=True):
    """One trade, in exact decimal text."""

    ts_ns: str
    price: str
    qty: str
    side: Literal["buy", "sell", "unknown"]
    id: str | None


class TradeList(msgspec.Struct, frozen=True):
    """The trades of a range; ``count`` and the sums are over all of them, also where the list is ``truncated``."""

    trades: Sequence[TradeRow]
    count: int
    buy: str
    sell: str
    unknown: str
    truncated: bool


class Health(msgspec.Struct, frozen=True):
    """How the server is: ``ready``, or ``degraded`` with the reasons."""

    status: Literal["ready", "degraded"]
    server: str
    reasons: Sequence[str]
    live: Sequence[str]
    topics: int
    clients: int
    feeds: Sequence[FeedText] = ()


@get("/health", summary="Is the server well?", tags=["server"])
async def health(services: Shared) -> Health:
    """Say whether everything runs, and what does not."""
    reasons = sorted(services.trouble.values())
    return Health(
        status="degraded" if reasons else "ready",
        server=f"footloom {footloom.__version__}",
        reasons=reasons,
        live=sorted(services.live),
        topics=len(services.hub.topics),
        clients=len(services.sessions),
        feeds=services.hub.board.rows(),
    )


@get("/api/v1/instruments", summary="Symbols with stored trades", tags=["data"])
async def instruments(services: Shared) -> list[InstrumentRow]:
    """List the symbols that charts can be made of."""
    return await services.run(_instruments, services.history, services.live)


def _instruments(history: History, live: frozenset[str]) -> list[InstrumentRow]:
    rows = []
    for instrument, tapes in history.symbols():
        rows.append(
            InstrumentRow(
                key=instrument.key,
                venue=instrument.venue,
                symbol=instrument.symbol,
                tick_size=f"{instrument.tick_size:f}",
                lot_size=f"{instrument.lot_size:f}",
                base=instrument.base,
                quote=instrument.quote,
                calendar=instrument.calendar,
                tz=calendar(instrument.calendar).tz,
                simulated=instrument.venue == "sim",
                inferred=tapes[0] == "snapshot",
                tapes=tapes,
                default_ticks_per_level=history.default_step(instrument.key),
                live=instrument.key in live,
            )
        )
    return rows


@get("/api/v1/feeds", summary="How the live feeds stand", tags=["server"])
async def feeds(services: Shared) -> list[FeedText]:
    """List the symbols whose feed runs here, in the order in which they were asked for."""
    return list(services.hub.board.rows())


@get("/api/v1/coverage", summary="What is stored", tags=["data"])
async def coverage(
    services: Shared, symbol: Annotated[str | None, QueryParameter(description="VENUE:SYMBOL; left out, all")] = None
) -> list[CoverageRow]:
    """List what is stored by symbol, tape and day."""
    found = await services.run(services.history.store.coverage, symbol)
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


async def chart_request(  # noqa: PLR0913, PLR0917 - one argument a query parameter
    symbol: Key,
    bars: Annotated[str, QueryParameter(description="bar rule: 15s, 1m, 1h, 1d, ...")] = "1m",
    ticks_per_level: Step = None,
    tape: Annotated[str | None, QueryParameter(description="trade, agg_trade or snapshot; left out, the best")] = None,
    value_area: FromQuery[Method | None] = None,
    value_area_pct: Annotated[str | None, QueryParameter(description="share of the volume, percent")] = None,
    poc_tie: FromQuery[Literal["centre", "lowest"] | None] = None,
    cvd_reset: FromQuery[Literal["session", "never"] | None] = None,
    imbalance_pct: Annotated[int | None, QueryParameter(ge=100, le=10_000)] = None,
) -> TopicRequest:
    """Collect the query parameters that say which chart is meant."""
    return TopicRequest(
        symbol=symbol,
        tape=tape,
        bars=bars,
        ticks_per_level=ticks_per_level,
        value_area=value_area,
        value_area_pct=value_area_pct,
        poc_tie=poc_tie,
        cvd_reset=cvd_reset,
        imbalance_pct=imbalance_pct,
    )


Wanted = NamedDependency[SkipValidation[TopicRequest]]


def _page(
    history: History, wanted: TopicRequest, from_ns: int | None, to_ns: int | None, limit: int
) -> tuple[ChartKey, Page]:
    if from_ns is not None and to_ns is not None and to_ns <= from_ns:
        raise ConfigError(f"the range is empty: from_ns {from_ns} is not below to_ns {to_ns}")
    chart = history.resolve(wanted)
    return chart, history.page(chart, from_ns, to_ns, limit)


@get(
    "/api/v1/bars",
    summary="Bars with their levels, as JSON in exact decimals",
    tags=["charts"],
    responses=_FAILURES,
)
async def bars(
    services: Shared, chart: Wanted, from_ns: Ns = None, to_ns: Ns = None, limit: Limit = 300
) -> dict[str, Any]:
    """Return the newest bars of a range in the shape of ``footloom bars --json``.

    Without ``cvd_reset`` the CVD starts anew with each session here, and runs on over the range there.
    """

    def work() -> dict[str, Any]:
        key, page = _page(services.history, chart, from_ns, to_ns, limit)
        return bars_document(page.frame, key.tape, services.history.inference)

    return await services.run(work)


@get(
    "/api/v1/footprint",
    summary="Bars with their levels, as columns",
    tags=["charts"],
    responses={200: ResponseSpec(bytes, media_type=FRAME_TYPE, description="A frame of kind snapshot.")} | _FAILURES,
)
async def footprint(  # noqa: PLR0913, PLR0917 - one argument a query parameter
    request: Request[Any, Any, Any],
    services: Shared,
    chart: Wanted,
    from_ns: Ns = None,
    to_ns: Ns = None,
    limit: Limit = 300,
    format: Annotated[Literal["binary", "json"] | None, QueryParameter(description="or Accept")] = None,  # noqa: A002
) -> Response[bytes]:
    """Return the newest bars of a range as one binary frame, or its JSON twin.

    Page back with ``to_ns`` of the oldest bar's ``open_ns``, as long as the meta says ``has_more``.
    """
    as_json = format == "json" or (
        format is None and request.accept.best_match([FRAME_TYPE, "application/json"]) == "application/json"
    )

    def work() -> tuple[ChartKey, Page, bytes]:
        key, page = _page(services.history, chart, from_ns, to_ns, limit)
        encoder = encode_json if as_json else encode
        return key, page, encoder(page.frame, "snapshot", meta=msgspec.json.encode(page.meta))

    key, page, body = await services.run(work)
    if services.shelf is not None and to_ns is not None and page.meta.candles and not len(page.frame):
        bars, more = await services.shelf.before(key, to_ns, limit)
        meta = msgspec.structs.replace(page.meta, has_more=more, open_interest=bars.open_interest)
        columns_encoder = columns_json if as_json else encode_columns
        body = columns_encoder(bars.columns, "snapshot", meta=msgspec.json.encode(meta))
    return Response(body, media_type="application/json" if as_json else FRAME_TYPE)


@get("/api/v1/trades", summary="Trades of a range, and their sums", tags=["data"], responses=_FAILURES)
async def trades(  # noqa: PLR0913, PLR0917 - one argument a query parameter
    services: Shared,
    symbol: Key,
    from_ns: Annotated[int, QueryParameter(ge=0, lt=2**62)],
    to_ns: Annotated[int, QueryParameter(ge=0, lt=2**62)],
    low_tick: Annotated[int | None, QueryParameter(description="lowest price, ticks, included")] = None,
    high_tick: Annotated[int | None, QueryParameter(description="highest price, ticks, excluded")] = None,
    tape: FromQuery[str | None] = None,
    limit: Annotated[int, QueryParameter(description="how many are listed, the first ones", ge=0, le=MAX_TRADES)] = 500,
) -> TradeList:
    """List the trades of a cell or a range: what a click on a footprint cell shows."""
    if to_ns <= from_ns:
        raise ConfigError(f"the range is empty: from_ns {from_ns} is not below to_ns {to_ns}")

    def work() -> TradeList:
        history = services.history
        found = history.trades(symbol, history.tape_of(symbol, tape), from_ns, to_ns)
        return _trade_list(found, low_tick, high_tick, limit)

    return await services.run(work)


_SIDES: dict[int, Literal["buy", "sell", "unknown"]] = {1: "buy", -1: "sell", 0: "unknown"}


def _trade_list(found: Trades, low_tick: int | None, high_tick: int | None, limit: int) -> TradeList:
    keep = np.ones(len(found), np.bool_)
    if low_tick is not None:
        keep &= found.price_tick >= low_tick
    if high_tick is not None:
        keep &= found.price_tick < high_tick
    kept = found.take(keep)
    instrument = kept.instrument
    sums = {name: int(kept.qty_lot[kept.side == side].sum()) for side, name in _SIDES.items()}
    listed = kept.take(slice(0, limit))
    rows = zip(
        listed.ts_exch_ns.tolist(),
        listed.price_tick.tolist(),
        listed.qty_lot.tolist(),
        listed.side.tolist(),
        listed.trade_id.tolist(),
        (listed.flags & FLAG_NO_ID).tolist(),
        strict=True,
    )
    return TradeList(
        trades=[
            TradeRow(
                str(ts),
                instrument.price_text(price),
                instrument.qty_text(qty),
                _SIDES[side],
                None if no_id else str(id_),
            )
            for ts, price, qty, side, id_, no_id in rows
        ],
        count=len(kept),
        truncated=len(kept) > limit,
        **{name: instrument.qty_text(total) for name, total in sums.items()},
    )


ROUTES = (health, instruments, feeds, coverage, bars, footprint, trades)
