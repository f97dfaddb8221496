"""Bars and footprints of stored ranges."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import msgspec
from litestar import Request, Response, get
from litestar.openapi.datastructures import ResponseSpec
from msgspec import UNSET

from footloom.feeds.stored import span_of
from footloom.server.rest.answers import Answer, Making, serve_answer
from footloom.server.rest.work import while_connected
from footloom.server.routes.parameters import (
    JSON,
    Limit,
    Ns,
    Shared,
    Shown,
    State,
    Wanted,
    check_rows,
    check_span,
    failures,
    no_more_than,
)
from footloom.server.services import Services
from footloom.server.stored.documents import bars_json
from footloom.server.stored.history import ChartKey, History, Page
from footloom.server.stored.reach import bar_length_ns, grow_until_ns
from footloom.server.stored.tasks import Task
from footloom.server.wire.codec import columns_json, encode, encode_columns, encode_json
from footloom.server.wire.messages import TopicRequest

__all__ = ("FRAME_TYPE", "BarRow", "BarsReply", "bars", "footprint")

_LIKE_TRADES = 1_000  # a bar is written as JSON in the time in which so many trades are read
FRAME_TYPE = "application/vnd.footloom.frame"
_FAILURES = failures(404, 413, 416, 422, 504)


class BarRow(msgspec.Struct, frozen=True):
    """One bar: prices and quantities are exact decimal text, times ns UTC.

    ``levels`` are ``[price, buy, sell, unknown, trades]``, ascending; a price is the low edge of its level. ``poc``,
    ``vah`` and ``val`` are levels too, ``vah_edge`` the top edge of the highest one in the value area. ``coverage`` is
    the share of the volume whose side is known or inferred; the ``by_`` quantities say how.
    """

    open_ns: int
    close_ns: int
    open: str
    high: str
    low: str
    close: str
    buy: str
    sell: str
    unknown: str
    delta: str
    min_delta: str
    max_delta: str
    cvd: str
    trades: int
    poc: str
    vah: str
    val: str
    vah_edge: str
    coverage: float | None
    quote_share: float | None
    sure: str
    rest: str
    by_stated: str
    by_prev_quote: str
    by_prev_mid: str
    by_tick: str
    levels: Sequence[tuple[str, str, str, str, int]]


class BarsReply(msgspec.Struct, frozen=True):
    """Bars of a range; ``has_more`` says that the tape holds older ones, ``chart`` what the numbers mean."""

    chart: dict[str, Any]
    bars: Sequence[BarRow]
    has_more: bool


class _Asked(NamedTuple):
    # The newest `limit` bars that open in `[from_ns, to_ns)`.
    chart: TopicRequest
    from_ns: int | None
    to_ns: int | None
    limit: int


def _page(history: History, key: ChartKey, asked: _Asked) -> Page:
    return history.page(key, asked.from_ns, asked.to_ns, asked.limit)


def _bars_body(history: History, key: ChartKey, asked: _Asked) -> bytes:
    page = _page(history, key, asked)
    inference = history.inference if key.tape == "snapshot" else None
    rolls = {} if page.meta.rolls is UNSET else {"rolls": page.meta.rolls}
    return bars_json(page.frame, key.tape, inference, has_more=page.meta.has_more, **rolls)


def _footprint_body(history: History, key: ChartKey, asked: _Asked, as_json: bool) -> bytes:  # noqa: FBT001 - one of two forms
    page = _page(history, key, asked)
    encoder = encode_json if as_json else encode
    return encoder(page.frame, "snapshot", meta=msgspec.json.encode(page.meta))


# Everything that a page is made of: the chart, the range, and what is stored as far as it matters to it; and how many
# rows are read for it, none where the server has them at hand as its charts do.
def _found_under(history: History, key: ChartKey, asked: _Asked) -> tuple[Hashable, int]:
    _, last_ns = span_of(history.store, key.key, key.tape)
    until_ns = None if asked.to_ns is None else grow_until_ns(key, min(asked.to_ns, last_ns + 1))
    end_ns = last_ns + 1 if asked.to_ns is None else min(asked.to_ns, last_ns + 1)
    begin_ns = max(asked.from_ns or 0, end_ns - asked.limit * bar_length_ns(key.spec.bars))
    span = (0 if key.spec.cvd_reset == "never" else begin_ns, end_ns)
    rows = check_rows(history, key.key, key.tape, *span)
    if history.is_at_hand(key.key, key.tape, *span):
        rows = 0
    reached_ns = last_ns if until_ns is None else min(last_ns, until_ns)
    told = history.opening_step(key), history.has_candles(key)  # the meta says them
    return (key, asked[1:], history.state(key.key, key.tape, until_ns), reached_ns, told), rows


@get(
    "/api/v1/bars",
    summary="Bars with their levels, as JSON in exact decimals",
    tags=["charts"],
    responses={200: ResponseSpec(BarsReply, description="The bars, oldest first.")} | _FAILURES,
)
async def bars(  # noqa: PLR0913, PLR0917 - one argument a query parameter
    request: Request[Any, Any, Any],
    services: Shared,
    rest: State,
    chart: Wanted,
    from_ns: Ns = None,
    to_ns: Ns = None,
    limit: Limit = 300,
) -> Response[Any]:
    """Return the newest bars of a range in the shape of ``footloom bars --json``.

    Older ones: ``to_ns`` of the oldest bar's ``open_ns``, as long as ``has_more``. Without ``cvd_reset`` the CVD starts
    anew with each session here, and runs on over the range there.
    """
    check_span(from_ns, to_ns)
    asked = _Asked(chart, from_ns, to_ns, no_more_than(limit, rest.most_bars, "bars"))
    history = services.history

    def prepare() -> Making:
        key = history.resolve(chart)
        found, rows = _found_under(history, key, asked)
        rows += asked.limit * _LIKE_TRADES
        task = Task(_bars_body, (key, asked), history.has_candles(key), history.opening_step(key))
        return Making(("bars", found), lambda: Answer.of(rest.aside.make(task, rows), JSON), rest.aside.is_large(rows))

    return await serve_answer(request, rest.answers, prepare, short=history.resolves_soon(chart))


@get(
    "/api/v1/footprint",
    summary="Bars with their levels, as columns",
    tags=["charts"],
    responses={
        200: ResponseSpec(
            bytes,
            media_type=FRAME_TYPE,
            description="A frame of kind snapshot (docs/protocol.md has its layout), or its JSON twin.",
        )
    }
    | _FAILURES
    | failures(502),
)
async def footprint(  # noqa: PLR0913, PLR0917 - one argument a query parameter
    request: Request[Any, Any, Any],
    services: Shared,
    rest: State,
    chart: Wanted,
    from_ns: Ns = None,
    to_ns: Ns = None,
    limit: Limit = 300,
    format: Shown = None,  # noqa: A002 - the parameter's name
) -> Response[Any]:
    """Return the newest bars of a range as one binary frame, or its JSON twin.

    Page back with ``to_ns`` of the oldest bar's ``open_ns``, as long as the meta says ``has_more``.
    """
    check_span(from_ns, to_ns)
    asked = _Asked(chart, from_ns, to_ns, no_more_than(limit, rest.most_bars, "bars"))
    history = services.history
    as_json = format == "json" or (format is None and request.accept.best_match([FRAME_TYPE, JSON]) == JSON)
    if services.shelf is not None and to_ns is not None:
        candles = await while_connected(request, _candles(services, rest, asked, as_json=as_json))
        if candles is not None:
            return candles

    def prepare() -> Making:
        key = history.resolve(chart)
        found, rows = _found_under(history, key, asked)
        task = Task(_footprint_body, (key, asked, as_json), history.has_candles(key), history.opening_step(key))
        media_type = JSON if as_json else FRAME_TYPE
        return Making(
            ("footprint", as_json, found),
            lambda: Answer.of(rest.aside.make(task, rows), media_type),
            rest.aside.is_large(rows),
        )

    return await serve_answer(request, rest.answers, prepare, short=history.resolves_soon(chart))


# Where a venue tells no trades of the past, its candles stand before the first trade that is stored.
async def _candles(services: Services, rest: Any, asked: _Asked, *, as_json: bool) -> Response[bytes] | None:
    history, shelf = services.history, services.shelf

    def look() -> tuple[ChartKey, int, Page] | None:
        key = history.resolve(asked.chart)
        if not history.has_candles(key):
            return None
        page = _page(history, key, asked)
        return (*history.candled(key), page) if page.meta.candles and not len(page.frame) else None

    found = await rest.work.run(look)
    if found is None or shelf is None or asked.to_ns is None:
        return None
    key, since_ns, page = found
    made, more = await shelf.before(key, asked.to_ns, asked.limit, since_ns)
    meta = msgspec.structs.replace(page.meta, has_more=more, open_interest=made.open_interest)
    encoder = columns_json if as_json else encode_columns
    body = encoder(made.columns, "snapshot", meta=msgspec.json.encode(meta))
    return Response(body, media_type=JSON if as_json else FRAME_TYPE)
