"""``GET /trades.arrow``: the trades of a range as an Arrow IPC stream, read from the store while it is sent.

The names of venues, markets and columns are those with which the flowsurface desktop app asks its trade server. It asks
on behind the last millisecond that it got, so no answer ends within one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
from litestar import get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter, SkipValidation
from litestar.types import ASGIApp
from numpy.typing import NDArray

from footloom.core.trades import I64, Trades
from footloom.errors import ConfigError
from footloom.feeds.stored import span_of, stored_pieces
from footloom.server.compat.asking import stored_key
from footloom.server.failures import ErrorReply
from footloom.server.rest.flowing import Flow, worked_out
from footloom.server.services import Services
from footloom.server.stored.history import History

__all__ = ("ARROW_ROUTES", "MARKETS", "SCHEMA", "arrow_pieces", "trades_arrow", "whole_milliseconds")

MARKETS = {
    ("binance", "linear"): "binance_usdm",
    ("binance", "spot"): "binance_spot",
    ("binance", "inverse"): "binance_coinm",
    ("bybit", "linear"): "bybit_linear",
}
MEDIA_TYPE = "application/vnd.apache.arrow.stream"
SCHEMA = pa.schema(
    [
        pa.field("ts", pa.int64(), nullable=False),
        pa.field("price", pa.float64(), nullable=False),
        pa.field("qty", pa.float64(), nullable=False),
        pa.field("is_sell", pa.bool_()),
    ]
)
_NS_PER_MS = 1_000_000
_BATCH_ROWS = 16_384  # a piece of 400 kB: larger ones hold the event loop up
_LATEST_MS = 2**62 // _NS_PER_MS

Shared = NamedDependency[SkipValidation[Services]]


@get(
    "/trades.arrow",
    summary="Trades of a range as an Arrow IPC stream",
    tags=["data"],
    responses={
        200: ResponseSpec(bytes, media_type=MEDIA_TYPE, description="Columns ts, price, qty, is_sell."),
        404: ResponseSpec(ErrorReply, description="Nothing is stored for that symbol."),
    },
)
async def trades_arrow(  # noqa: PLR0913, PLR0917 - one argument a query parameter
    services: Shared,
    venue: Annotated[str, QueryParameter(description="binance, bybit, or a venue of footloom such as upstox")],
    symbol: Annotated[str, QueryParameter(description="as the venue writes it; its case does not matter")],
    market: Annotated[str | None, QueryParameter(description="spot, linear or inverse; of binance and bybit")] = None,
    from_ms: Annotated[
        int | None, QueryParameter(name="from", description="ms since 1970 UTC, included", ge=0, le=_LATEST_MS)
    ] = None,
    to_ms: Annotated[
        int | None, QueryParameter(name="to", description="ms since 1970 UTC, included", ge=0, le=_LATEST_MS)
    ] = None,
    limit: Annotated[int | None, QueryParameter(description="about how many, the first ones", ge=1, lt=2**62)] = None,
) -> ASGIApp:
    """Return every stored trade of ``[from, to]`` once, in the order of time; left out, a bound is the tape's own.

    At most ``limit`` trades, and whole milliseconds: the answer to go on with begins one behind its last ``ts``. Only
    where one millisecond holds more than that it is longer. A trade whose side nobody knows has ``is_sell`` null. Of
    inverse contracts ``qty`` is in the quote currency.
    """
    if from_ms is not None and to_ms is not None and to_ms < from_ms:
        raise ConfigError(f"the range is empty: from {from_ms} is behind to {to_ms}")
    span = (from_ms or 0, _LATEST_MS if to_ms is None else to_ms)
    key, tape = await services.run(_found, services, _venue(venue, market), symbol)
    pieces = arrow_pieces(services.history, key, tape, span, limit)
    return Flow(worked_out(services.run, pieces), MEDIA_TYPE)


def _venue(venue: str, market: str | None) -> str:
    named = venue.strip().lower()
    known = [one for one, _ in MARKETS]
    if named not in known:
        return named
    found = MARKETS.get((named, (market or "").strip().lower()))
    if found is None:
        markets = " or ".join(f"market={own}" for one, own in MARKETS if one == named)
        what = "the market is missing" if not market else f"market {market[:40]!r} is not served"
        raise ConfigError(f"{what}: with venue={named} write {markets}")
    return found


def _found(services: Services, venue: str, symbol: str) -> tuple[str, str]:
    key = stored_key(services, venue, symbol.strip())
    tape = services.history.tape_of(key)
    span_of(services.history.store, key, tape)
    return key, tape


def arrow_pieces(
    history: History, key: str, tape: str, span_ms: tuple[int, int], limit: int | None = None
) -> Iterator[bytes]:
    """Yield the trades of a range as an Arrow IPC stream, piece by piece; blocking, and with little memory.

    Parameters
    ----------
    history
        The store's charts: its inference stands for the sides of snapshots.
    key, tape
        What is read.
    span_ms
        First and last millisecond, both included.
    limit
        How many trades at the most, but whole milliseconds; None for all.
    """
    sink = _Sink()
    from_ns, to_ns = span_ms[0] * _NS_PER_MS, (span_ms[1] + 1) * _NS_PER_MS
    pieces = stored_pieces(history.store, key, tape, from_ns, to_ns, history.inference)
    with pa.ipc.new_stream(sink, SCHEMA) as writer:
        for trades in pieces if limit is None else whole_milliseconds(pieces, limit):
            for start in range(0, len(trades), _BATCH_ROWS):
                writer.write_batch(_batch(trades.take(slice(start, start + _BATCH_ROWS))))
                yield sink.taken()
    yield sink.taken()


class _Sink:
    """A file that keeps what was written until it is taken."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        return len(self._parts[-1])

    def flush(self) -> None:
        pass

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


def whole_milliseconds(pieces: Iterator[Trades], limit: int) -> Iterator[Trades]:
    """Yield the first rows of neighbouring pieces: at most ``limit``, or those of one millisecond, and whole ones."""
    left, held = limit, None
    for piece in pieces:
        rows = piece if held is None else Trades.concat([held, piece])
        begins = _milliseconds(rows)
        end = int(np.searchsorted(begins, begins[-1])) if len(rows) else 0  # the last one may go on in the next piece
        if len(rows) > left:
            end = min(end, int(np.searchsorted(begins, begins[left])))
            if end or left < limit:
                yield rows.take(slice(0, end))
                return
            end = int(np.searchsorted(begins, begins[0], side="right"))
            if end < len(rows):
                yield rows.take(slice(0, end))
                return
            end = 0
        if end:
            yield rows.take(slice(0, end))
            left -= end
        held = rows.take(slice(end, len(rows)))
    if held is not None and len(held) and (len(held) <= left or left == limit):
        yield held


def _milliseconds(trades: Trades) -> I64:
    return trades.ts_exch_ns // _NS_PER_MS


def _batch(trades: Trades) -> pa.RecordBatch:
    instrument = trades.instrument
    size = instrument.lot_size * (instrument.contract_multiplier if instrument.inverse else 1)
    unknown = trades.side == 0
    is_sell = pa.array(trades.side < 0, mask=unknown) if unknown.any() else pa.array(trades.side < 0)
    columns = [
        pa.array(_milliseconds(trades)),
        pa.array(_floats(trades.price_tick, instrument.tick_size)),
        pa.array(_floats(trades.qty_lot, size)),
        is_sell,
    ]
    return pa.record_batch(columns, schema=SCHEMA)


# The double nearest to the decimal: a product and a divisor that are exact, rounded once.
def _floats(counts: I64, unit: Any) -> NDArray[np.float64]:
    top, bottom = unit.as_integer_ratio()
    exact: NDArray[np.float64] = (counts * top).astype(np.float64) / float(bottom)
    return exact


ARROW_ROUTES = (trades_arrow,)
