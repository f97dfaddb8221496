"""What venues tell beside the trades of a symbol: which of it is stored, and by the bars of a chart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, get_args

import msgspec
from litestar import Request, get
from litestar.openapi.spec import Example
from litestar.params import PathParameter

from footloom.bars import parse_rule
from footloom.errors import NotStored
from footloom.feeds.stored import span_of
from footloom.server.rest.work import while_connected
from footloom.server.routes.parameters import (
    Key,
    Limit,
    Ns,
    Shared,
    State,
    Wanted,
    check_rows,
    check_span,
    failures,
    key_of,
)
from footloom.server.stored.history import ChartKey, History
from footloom.server.stored.reach import bar_length_ns
from footloom.server.stored.tasks import Task
from footloom.server.stored.told import Told, ToldName, awaited, held_of, told_by_bar
from footloom.server.wire.messages import GapSpan, TopicRequest
from footloom.typed import from_json

__all__ = ("HeldStream", "StreamBars", "stream_bars", "streams")


class HeldStream(msgspec.Struct, frozen=True):
    """A stream of which something is stored, from its first row to its last; times are ns UTC as text.

    Of one that is listened to, and has told nothing yet, there are no rows, and both times are null.
    """

    name: str
    rows: int
    first_ns: str | None
    last_ns: str | None


class StreamBars(msgspec.Struct, frozen=True):
    """What a stream told within bars, oldest first; a bar within which nothing was told has no row.

    Quantities and prices are exact decimal text, times ns UTC as text, what is not known is null. From ``from_ns`` on
    the rows are all of the range. ``first_ns`` and ``last_ns`` are the first and the last row that is stored at all,
    null while the first one is waited for; ``gaps`` what is known to be missing.

    ``open_interest``: the ``quantity`` told last, ``at_ns``; ``change`` against the value before the bar, which was
    first told at ``since_ns``; ``day_change`` against the last one before the session; ``news``: how often it changed.
    ``funding``: what was told last of ``mark``, ``index``, ``rate`` and ``next_ns``. ``liquidations``: what was sold of
    ``long`` positions and bought back of ``short`` ones, their ``count``, and the ``largest``.
    """

    symbol: str
    name: str
    bars: str
    rows: Sequence[dict[str, Any]]
    from_ns: str
    first_ns: str | None
    last_ns: str | None
    gaps: Sequence[GapSpan]
    has_more: bool


@get(
    "/api/v1/streams",
    summary="Which streams beside the trades are stored",
    tags=["data"],
    responses=failures(504),
)
async def streams(request: Request[Any, Any, Any], services: Shared, rest: State, symbol: Key) -> list[HeldStream]:
    """List what is stored, or listened to, of open interest, funding and liquidations; nothing else is named."""
    key, history = key_of(symbol), services.history
    found = rest.work.run(lambda: _held(history, key, services.heard(key)), short=True)
    return await while_connected(request, found)


def _held(history: History, key: str, heard: frozenset[str]) -> list[HeldStream]:
    found, waits = [], _awaited(history, key, heard)
    for name in get_args(ToldName):
        rows = held_of(history.store, key, name)
        if rows:
            first_ns, last_ns = min(row.first_ns or 0 for row in rows), max(row.last_ns or 0 for row in rows)
            found.append(HeldStream(name, sum(row.rows for row in rows), str(first_ns), str(last_ns)))
        elif name in waits:
            found.append(HeldStream(name, 0, None, None))
    return found


def _awaited(history: History, key: str, heard: frozenset[str]) -> Sequence[str]:
    known = next((one for one in history.store.instruments() if one.key == key), None) if heard else None
    return () if known is None else awaited(known, heard)


@get(
    "/api/v1/streams/{name:str}",
    summary="What a stream told, by the bars of a chart",
    tags=["data"],
    responses=failures(404, 413, 422, 504),
)
async def stream_bars(  # noqa: PLR0913, PLR0917 - one argument a query parameter
    request: Request[Any, Any, Any],
    services: Shared,
    rest: State,
    chart: Wanted,
    name: Annotated[
        ToldName,
        PathParameter(description="open_interest, funding or liquidations", examples=[Example(value="open_interest")]),
    ],
    from_ns: Ns = None,
    to_ns: Ns = None,
    limit: Limit = 300,
) -> StreamBars:
    """Return what was told within the newest bars of a range; older ones: ``to_ns`` of the answer's ``from_ns``.

    What was told belongs to the bar that had opened last by then. More bars than ``max_history_bars`` are never told.
    While the first row of a stream that is listened to is waited for, the answer has none.
    """
    check_span(from_ns, to_ns)
    asked = (from_ns, to_ns, min(limit, rest.most_bars))  # the answer says from when on it is whole
    history = services.history

    async def made() -> StreamBars:
        rows = await rest.work.run(lambda: _rows(history, chart, name, asked), short=True)
        if not rest.aside.is_large(rows):
            return await rest.work.run(lambda: _bars(history, chart, name, asked, services.heard(chart.symbol)))
        task = Task(_bars_body, (chart, name, asked))
        return from_json(await rest.work.run(lambda: rest.aside.make(task, rows), large=True), StreamBars)

    return await while_connected(request, made())


# About how many rows are read: those of the days that the range touches.
def _rows(history: History, chart: TopicRequest, name: ToldName, asked: tuple[int | None, int | None, int]) -> int:
    held = held_of(history.store, chart.symbol, name)
    from_ns, to_ns, limit = asked
    end_ns = max((row.last_ns or 0 for row in held), default=0) + 1
    end_ns = end_ns if to_ns is None else min(to_ns, end_ns)
    begin_ns = max(end_ns - (limit + 1) * bar_length_ns(chart.bars), -(2**62) if from_ns is None else from_ns)
    return sum(row.rows for row in held if (row.last_ns or 0) >= begin_ns and (row.first_ns or 0) < end_ns)


def _bars_body(
    history: History, chart: TopicRequest, name: ToldName, asked: tuple[int | None, int | None, int]
) -> bytes:
    return msgspec.json.encode(_bars(history, chart, name, asked))


def _bars(
    history: History,
    chart: TopicRequest,
    name: ToldName,
    asked: tuple[int | None, int | None, int],
    heard: frozenset[str] = frozenset(),
) -> StreamBars:
    key = history.resolve(msgspec.structs.replace(chart, ticks_per_level=chart.ticks_per_level or 1))
    try:
        _check_trades(history, key, asked)
        told = told_by_bar(history, key, name, asked)
    except NotStored:
        if name not in awaited(key.instrument, heard):
            raise
        told = Told([], asked[0] or 0, None, None, [], has_more=False)
    return StreamBars(
        symbol=key.key,
        name=name,
        bars=key.spec.bars,
        rows=[_timed(row) for row in told.rows],
        from_ns=str(told.from_ns),
        first_ns=_text(told.first_ns),
        last_ns=_text(told.last_ns),
        gaps=[GapSpan.of(gap) for gap in told.gaps],
        has_more=told.has_more,
    )


# Bars that end by what was traded are made of the trades.
def _check_trades(history: History, key: ChartKey, asked: tuple[int | None, int | None, int]) -> None:
    if not parse_rule(key.spec.bars).sequential:
        return
    from_ns, to_ns, limit = asked
    last_ns = span_of(history.store, key.key, key.tape)[1]
    end_ns = last_ns + 1 if to_ns is None else min(to_ns, last_ns + 1)
    check_rows(history, key.key, key.tape, max(from_ns or 0, end_ns - limit * bar_length_ns(key.spec.bars)), end_ns)


def _text(ns: int | None) -> str | None:
    return None if ns is None else str(ns)


def _timed(row: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value) if name.endswith("_ns") and value is not None else value for name, value in row.items()}
