"""The trades of a range, and what they sum up to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from litestar import Request, Response, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter

from footloom.core.trades import FLAG_NO_ID, Trades
from footloom.server.rest.work import while_connected
from footloom.server.routes.parameters import (
    JSON,
    Key,
    Shared,
    State,
    TapeName,
    Whole,
    check_rows,
    check_span,
    failures,
    key_of,
)
from footloom.server.stored.history import History
from footloom.server.stored.tasks import Task

__all__ = ("TradeList", "TradeRow", "trades")

MAX_TRADES = 10_000
_MAX_TICK = 2**53
Tick = Annotated[
    int | None,
    QueryParameter(
        description="price in ticks: low_tick belongs to the range, high_tick does not", ge=-_MAX_TICK, le=_MAX_TICK
    ),
]
Side = Literal["buy", "sell", "unknown"]
_SIDES: dict[int, Side] = {1: "buy", -1: "sell", 0: "unknown"}


class TradeRow(msgspec.Struct, frozen=True):
    """One trade, in exact decimal text; ``id`` is null where the venue gives none."""

    ts_ns: str
    price: str
    qty: str
    side: Side
    id: str | None


class TradeList(msgspec.Struct, frozen=True):
    """The trades of a range; ``count`` and the sums are over all of them, also where the list is ``truncated``."""

    trades: Sequence[TradeRow]
    count: int
    buy: str
    sell: str
    unknown: str
    truncated: bool


@get(
    "/api/v1/trades",
    summary="Trades of a range, and their sums",
    tags=["data"],
    responses={200: ResponseSpec(TradeList, description="The trades, in the order of their times.")}
    | failures(404, 413, 422, 504),
)
async def trades(  # noqa: PLR0913, PLR0917 - one argument a query parameter
    request: Request[Any, Any, Any],
    services: Shared,
    rest: State,
    symbol: Key,
    from_ns: Whole,
    to_ns: Whole,
    low_tick: Tick = None,
    high_tick: Tick = None,
    tape: TapeName = None,
    limit: Annotated[int, QueryParameter(description="how many are listed, the first ones", ge=0, le=MAX_TRADES)] = 500,
) -> Response[bytes]:
    """List the trades of a cell or a range: what a click on a footprint cell shows."""
    check_span(from_ns, to_ns)
    key, history = key_of(symbol), services.history
    bounds = (-_MAX_TICK if low_tick is None else low_tick, _MAX_TICK if high_tick is None else high_tick)

    def look() -> tuple[str, int]:
        found = history.tape_of(key, tape)
        return found, check_rows(history, key, found, from_ns, to_ns)

    async def made() -> bytes:
        found, rows = await rest.work.run(look, short=True)
        task = Task(_trade_list, (key, found, (from_ns, to_ns), bounds, limit))
        return await rest.work.run(lambda: rest.aside.make(task, rows), large=rest.aside.is_large(rows))

    return Response(await while_connected(request, made()), media_type=JSON)


def _trade_list(
    history: History, key: str, tape: str, span: tuple[int, int], bounds: tuple[int, int], limit: int
) -> bytes:
    instrument = history.store.grid(key, tape)
    rows: list[TradeRow] = []
    sums, count = dict.fromkeys(_SIDES.values(), 0), 0
    for piece in history.pieces(key, tape, *span):
        kept = piece.take((piece.price_tick >= bounds[0]) & (piece.price_tick < bounds[1]))
        for side, name in _SIDES.items():
            sums[name] += int(kept.qty_lot[kept.side == side].sum(dtype=np.int64))
        rows += _rows(kept.take(slice(0, max(0, limit - count))))
        count += len(kept)
    totals = {name: instrument.qty_text(total) for name, total in sums.items()}
    return msgspec.json.encode(TradeList(trades=rows, count=count, truncated=count > limit, **totals))


def _rows(listed: Trades) -> list[TradeRow]:
    instrument = listed.instrument
    columns = zip(
        listed.ts_exch_ns.tolist(),
        listed.price_tick.tolist(),
        listed.qty_lot.tolist(),
        listed.side.tolist(),
        listed.trade_id.tolist(),
        (listed.flags & FLAG_NO_ID).tolist(),
        strict=True,
    )
    return [
        TradeRow(
            str(ts),
            instrument.price_text(price),
            instrument.qty_text(qty),
            _SIDES[side],
            None if no_id else str(id_),
        )
        for ts, price, qty, side, id_, no_id in columns
    ]
