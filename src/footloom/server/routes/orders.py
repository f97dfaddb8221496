"""Large aggressive orders, put together from their fills (definitions 6.7)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter

from footloom.core.instrument import Instrument
from footloom.engine.large_orders import Orders, Params, order_params
from footloom.feeds.stored import span_of
from footloom.server.rest.answers import Answer, Making, serve_answer
from footloom.server.routes.kinds import KindRow, schema_of
from footloom.server.routes.parameters import (
    JSON,
    Key,
    Ns,
    Settings,
    Shared,
    State,
    TapeName,
    check_rows,
    check_span,
    failures,
    json_object,
    key_of,
)
from footloom.server.stored.followed_orders import FollowedOrders
from footloom.server.stored.tasks import MOST_ROWS

__all__ = ("LargeOrder", "LargeOrdersReply", "large_orders", "order_kinds")

_MORE_PLACES = 2  # decimals of an average price, beyond those of the tick
_SIDES: dict[int, Literal["buy", "sell", "unknown"]] = {1: "buy", -1: "sell", 0: "unknown"}


class LargeOrder(msgspec.Struct, frozen=True):
    """One order in exact decimal text; only ``vwap`` is rounded, to two decimals more than the tick has.

    ``first`` and ``last`` are the prices of its first and its last fill, ``levels`` at how many it was filled,
    ``trades`` in how many trades; from ``threshold`` on it was large.
    """

    ts_ns: str
    side: Literal["buy", "sell", "unknown"]
    qty: str
    vwap: str
    first: str
    last: str
    levels: int
    trades: int
    threshold: str


class LargeOrdersReply(msgspec.Struct, frozen=True):
    """The large orders of a range, oldest first: from ``from_ns`` on all of them, older ones: ``to_ns`` of it.

    Behind ``settled_ns`` there may be others the next time. Where ``reading`` is not what it was before, trades came so
    late that earlier ones may be others, too; null of a range of the past. ``params`` are the settings, every default
    filled in.
    """

    symbol: str
    tape: str
    params: dict[str, Any]
    from_ns: str
    settled_ns: str
    reading: int | None
    orders: Sequence[LargeOrder]


@get("/api/v1/orders", summary="What is found of orders, and its settings", tags=["charts"])
async def order_kinds() -> list[KindRow]:
    """List what a chart can draw of orders."""
    about = "Aggressive orders put together from their fills, as circles: those larger than nearly all before them."
    return [KindRow("large", "Large orders", about, schema_of(Params))]


@get(
    "/api/v1/orders/large",
    summary="Large aggressive orders, put together from their fills",
    tags=["charts"],
    responses={200: ResponseSpec(LargeOrdersReply, description="The orders, oldest first.")}
    | failures(404, 413, 416, 422, 504),
)
async def large_orders(  # noqa: PLR0913, PLR0917 - one argument a query parameter
    request: Request[Any, Any, Any],
    services: Shared,
    rest: State,
    symbol: Key,
    from_ns: Ns = None,
    to_ns: Ns = None,
    params: Settings = "{}",
    tape: TapeName = None,
    limit: Annotated[int, QueryParameter(description="how many are listed, the last ones", ge=1, le=10_000)] = 2_000,
) -> Response[Any]:
    """Return the large orders of a range; without a beginning, of its last day."""
    check_span(from_ns, to_ns)
    key, settings, history = (
        key_of(symbol),
        order_params(json_object(params, '{"percentile":"99.5"}')),
        services.history,
    )

    def prepare() -> Making:
        found = history.tape_of(key, tape)
        end_ns = span_of(history.store, key, found)[1] + 1 if to_ns is None else to_ns
        begin_ns = max(0, end_ns - settings.span_ns) if from_ns is None else from_ns
        rows = check_rows(history, key, found, begin_ns - settings.span_ns, end_ns)
        what = ("orders", key, found, msgspec.json.encode(settings), begin_ns, to_ns, limit)
        asked = (found, settings, begin_ns, 2**62 if to_ns is None else to_ns)
        under = (*what, history.state(key, found, to_ns))
        return Making(under, lambda: _answer(rest.orders, key, asked, limit), rows >= MOST_ROWS)

    return await serve_answer(request, rest.answers, prepare, short=True)


def _answer(source: FollowedOrders, key: str, asked: tuple[str, Params, int, int], limit: int) -> Answer:
    tape, settings, from_ns, to_ns = asked
    found = source.between(key, tape, settings, from_ns, to_ns)
    every = found.orders
    newest = every.take(slice(max(0, len(every) - limit), len(every)))
    if len(newest) < len(every):
        newest = newest.between(int(every.ts_ns[-len(newest) - 1]) + 1, 2**62)  # those of one instant stay together
        from_ns = int(every.ts_ns[len(every) - len(newest) - 1]) + 1
    reply = LargeOrdersReply(
        symbol=key,
        tape=tape,
        params=msgspec.to_builtins(settings),
        from_ns=str(from_ns),
        settled_ns=str(max(from_ns, found.settled_ns)),
        reading=found.reading,
        orders=_rows(source.instrument(key, tape), newest),
    )
    return Answer.of(msgspec.json.encode(reply), JSON)


def _rows(instrument: Instrument, orders: Orders) -> list[LargeOrder]:
    tick, price, qty = instrument.tick_size, instrument.price_text, instrument.qty_text
    places = Decimal(1).scaleb(min(0, int(tick.as_tuple().exponent)) - _MORE_PLACES)
    columns = (orders.ts_ns, orders.side, orders.qty_lot, orders.first_tick, orders.last_tick, orders.levels)
    rows = zip(*(c.tolist() for c in (*columns, orders.trades, orders.threshold_lot)), strict=True)
    return [
        LargeOrder(
            ts_ns=str(ts_ns),
            side=_SIDES[side],
            qty=qty(lots),
            vwap=f"{(orders.average(i) * tick).quantize(places):f}",
            first=price(first),
            last=price(last),
            levels=levels,
            trades=trades,
            threshold=qty(least),
        )
        for i, (ts_ns, side, lots, first, last, levels, trades, least) in enumerate(rows)
    ]
