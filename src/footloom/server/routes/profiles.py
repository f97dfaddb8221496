"""Volume profiles of stored ranges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter

from footloom.core.footprint import Footprint
from footloom.core.sessions import calendar
from footloom.engine.profiles import Profile, composite, session_profiles, visible_range
from footloom.engine.runs import bar_runs
from footloom.errors import NotStored, TooMuch
from footloom.server.rest.answers import Answer, Making, serve_answer
from footloom.server.routes.parameters import (
    JSON,
    Key,
    Method,
    Shared,
    State,
    Step,
    TapeName,
    Tie,
    Whole,
    check_rows,
    check_span,
    failures,
    key_of,
)
from footloom.server.stored.history import ChartKey, History
from footloom.server.stored.studied import studied
from footloom.server.stored.tasks import Task
from footloom.server.wire.messages import TopicRequest

__all__ = ("ProfileReply", "ProfileRow", "profile")

_MOST_LEVELS = 1_000_000
Kind = Literal["fixed", "visible", "session", "composite"]
Percent = Annotated[int, QueryParameter(description="percent of the mean row", ge=1, le=10_000)]


class ProfileRow(msgspec.Struct, frozen=True):
    """One profile: prices and quantities in exact decimal text, times ns UTC as text.

    ``levels`` are ``[price, buy, sell, unknown, trades]``, the ones that traded, ascending; a price is the low edge of
    its level. ``poc``, ``vah`` and ``val`` are levels, ``vah_edge`` is the top edge of the value area. ``hvn`` and
    ``lvn`` are high and low volume nodes.
    """

    from_ns: str
    to_ns: str
    bars: int
    volume: str
    delta: str
    poc: str
    vah: str
    val: str
    vah_edge: str
    hvn: Sequence[str]
    lvn: Sequence[str]
    levels: Sequence[tuple[str, str, str, str, int]]


class ProfileReply(msgspec.Struct, frozen=True):
    """The profiles of a range; ``settings`` are those that the answers were found with."""

    symbol: str
    tape: str
    kind: Kind
    bars: str
    ticks_per_level: int
    tick_size: str
    lot_size: str
    settings: dict[str, Any]
    profiles: Sequence[ProfileRow]


class _Asked(msgspec.Struct, frozen=True):
    kind: Kind
    from_ns: int
    to_ns: int
    settings: tuple[tuple[str, Any], ...]


@get(
    "/api/v1/profile",
    summary="Volume profiles: of a range, of what is visible, of sessions",
    tags=["charts"],
    responses={200: ResponseSpec(ProfileReply, description="The profiles, oldest first.")}
    | failures(404, 413, 416, 422, 504),
)
async def profile(  # noqa: PLR0913, PLR0917 - one argument a query parameter
    request: Request[Any, Any, Any],
    services: Shared,
    rest: State,
    symbol: Key,
    from_ns: Whole,
    to_ns: Whole,
    kind: Annotated[
        Kind,
        QueryParameter(
            description=(
                "fixed: the trades of the range, to the ns; visible: the bars that open in it, whole; session: one "
                "profile for each session that it touches, whole; composite: these sessions added up"
            )
        ),
    ] = "fixed",
    bars: Annotated[str, QueryParameter(description="bar rule, for visible only", max_length=40)] = "1m",
    ticks_per_level: Step = None,
    tape: TapeName = None,
    value_area: Annotated[Method, QueryParameter(description="how the value area grows")] = "two_row",
    value_area_pct: Annotated[str, QueryParameter(description="share of the volume, percent", max_length=20)] = "70",
    poc_tie: Annotated[Tie, QueryParameter(description="which of equal rows is the point of control")] = "centre",
    node_k: Annotated[int, QueryParameter(description="neighbours that a node outdoes", ge=1, le=100)] = 3,
    node_high_percent: Percent = 150,
    node_low_percent: Percent = 50,
    node_smooth: Annotated[bool, QueryParameter(description="weigh each row with its neighbours, 1-2-1")] = False,  # noqa: FBT002
) -> Response[Any]:
    """Return the volume at each price, its point of control, value area and volume nodes (definitions 4.5)."""
    check_span(from_ns, to_ns)
    nodes = {"k": node_k, "high_percent": node_high_percent, "low_percent": node_low_percent, "smooth": node_smooth}
    settings = {"method": value_area, "pct": value_area_pct, "tie": poc_tie, **nodes}
    asked = _Asked(kind, from_ns, to_ns, tuple(settings.items()))
    shown_bars = bars if kind == "visible" else "1d"
    wanted = TopicRequest(
        symbol=key_of(symbol),
        tape=tape,
        bars=shown_bars,
        ticks_per_level=ticks_per_level,
        value_area=value_area,
        value_area_pct=value_area_pct,
        poc_tie=poc_tie,
    )
    history = services.history

    def prepare() -> Making:
        chart = history.resolve(wanted)
        rows = check_rows(history, chart.key, chart.tape, from_ns, to_ns)
        state = history.state(chart.key, chart.tape)
        task = Task(_reply, (chart, asked))
        return Making(
            ("profile", chart, asked, state),
            lambda: Answer.of(rest.aside.make(task, rows), JSON),
            rest.aside.is_large(rows),
        )

    return await serve_answer(request, rest.answers, prepare, short=history.resolves_soon(wanted))


def _reply(history: History, chart: ChartKey, asked: _Asked) -> bytes:
    found = _profiles(history, chart, asked)
    if sum(len(one.levels) for one in found) > _MOST_LEVELS:
        raise TooMuch(
            f"these profiles have more than {_MOST_LEVELS:,} levels: ask for more ticks_per_level than "
            f"{chart.spec.ticks_per_level}, or for a shorter range"
        )
    instrument = chart.instrument
    return msgspec.json.encode(
        ProfileReply(
            symbol=chart.key,
            tape=chart.tape,
            kind=asked.kind,
            bars=chart.spec.bars,
            ticks_per_level=chart.spec.ticks_per_level,
            tick_size=f"{instrument.tick_size:f}",
            lot_size=f"{instrument.lot_size:f}",
            settings=dict(asked.settings),
            profiles=[_row(one) for one in found],
        )
    )


def _profiles(history: History, chart: ChartKey, asked: _Asked) -> list[Profile]:
    settings = dict(asked.settings)
    if asked.kind == "fixed":
        return [_of_trades(history, chart, asked, settings)]
    from_ns, to_ns = asked.from_ns, asked.to_ns
    if asked.kind != "visible":
        days = calendar(chart.instrument.calendar)
        from_ns, to_ns = days.session_of(from_ns)[0], days.session_of(to_ns - 1)[1]
    footprint, _ = studied(history, chart, (), from_ns, to_ns)
    if footprint is None:
        raise _nothing(chart, asked)
    if asked.kind == "visible":
        return [visible_range(footprint, 0, len(footprint), **settings)]
    found = session_profiles(footprint, **settings)
    if not found:
        raise _nothing(chart, asked)
    return found if asked.kind == "session" else [composite(found, **settings)]


# From the trades themselves: bars would be cut at the edges of the range.
def _of_trades(history: History, chart: ChartKey, asked: _Asked, settings: dict[str, Any]) -> Profile:
    pieces = history.pieces(chart.key, chart.tape, asked.from_ns, asked.to_ns)
    runs = [run for run in bar_runs(pieces, "1d", chart.spec.ticks_per_level) if len(run)]
    if not runs:
        raise _nothing(chart, asked)
    footprint = Footprint.concat(runs)
    whole = visible_range(footprint, 0, len(footprint), **settings)
    return _between(whole, asked.from_ns, asked.to_ns)


def _between(whole: Profile, from_ns: int, to_ns: int) -> Profile:
    import dataclasses

    return dataclasses.replace(whole, from_ns=from_ns, to_ns=to_ns)


def _nothing(chart: ChartKey, asked: _Asked) -> NotStored:
    return NotStored(f"nothing of {chart.key}/{chart.tape} traded from {asked.from_ns} to {asked.to_ns} ns")


def _row(one: Profile) -> ProfileRow:
    qty, levels = one.instrument.qty_text, one.levels
    rows = zip(
        levels.row.tolist(),
        levels.buy_lot.tolist(),
        levels.sell_lot.tolist(),
        levels.unknown_lot.tolist(),
        levels.trades.tolist(),
        strict=True,
    )
    return ProfileRow(
        from_ns=str(one.from_ns),
        to_ns=str(one.to_ns),
        bars=one.bars,
        volume=qty(one.volume_lot),
        delta=qty(one.delta_lot),
        poc=one.poc,
        vah=one.vah,
        val=one.val,
        vah_edge=one.vah_edge,
        hvn=[one.price(row) for row in one.hvn_row.tolist()],
        lvn=[one.price(row) for row in one.lvn_row.tolist()],
        levels=[(one.price(row), qty(buy), qty(sell), qty(none), n) for row, buy, sell, none, n in rows],
    )
