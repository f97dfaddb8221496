"""Profiles as charts draw them: of live bars where there are some, in whole rows and lots, and their kinds."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import PathParameter, QueryParameter

from footloom.core.footprint import Footprint
from footloom.core.sessions import calendar
from footloom.engine.profile_kinds import (
    KINDS,
    ProfileKind,
    Tpo,
    bars_for,
    end_of,
    find_kind,
    kind_params,
    profiles_of,
    span_for,
    tpo_profiles,
)
from footloom.engine.profiles import Profile
from footloom.errors import ProtocolError, TooMuch
from footloom.server.live.hub import Hub
from footloom.server.rest.answers import Answer, Making, serve_answer
from footloom.server.routes.kinds import KindRow, schema_of
from footloom.server.routes.parameters import (
    JSON,
    Key,
    Ns,
    Settings,
    Shared,
    State,
    Step,
    TapeName,
    check_rows,
    check_span,
    failures,
    json_object,
    key_of,
)
from footloom.server.stored.history import ChartKey, History
from footloom.server.stored.profiled import ProfileBars, with_bars
from footloom.server.stored.seeded import SeededBuilder
from footloom.server.wire.layout import MAX_EXACT
from footloom.server.wire.messages import TopicRequest
from footloom.studies import NONE, tpo

__all__ = ("ChartProfile", "ChartProfilesReply", "ChartTpo", "chart_profiles", "profile_kinds")

_MOST_LEVELS = 400_000


class ChartProfile(msgspec.Struct, frozen=True, kw_only=True):
    """One profile in whole rows and lots: a row is ``ticks_per_level`` ticks high, and its number times that its tick.

    ``row`` and the columns beside it are the rows that traded, ascending: ``buy``, ``sell``, ``unknown`` in lots.
    ``opens_ns`` is the first bar that was added, ``[from_ns, to_ns)`` what is covered.
    """

    from_ns: str
    to_ns: str
    opens_ns: str
    bars: int
    volume: int
    delta: int
    poc: int
    vah: int
    val: int
    row: Sequence[int]
    buy: Sequence[int]
    sell: Sequence[int]
    unknown: Sequence[int]
    trades: Sequence[int]


class ChartTpo(msgspec.Struct, frozen=True, kw_only=True):
    """The time at price of one session, from its lowest row up: in how many brackets each row was.

    ``brackets`` are ``[number, letter, lowest row, highest row]``; ``singles`` are rows of single prints between the
    tails, ``high_tail`` and ``low_tail`` how many rows those have. ``ib_high`` and ``ib_low`` are null where nothing is
    stored of the initial balance.
    """

    from_ns: str
    to_ns: str
    low_row: int
    count: Sequence[int]
    total: int
    poc: int
    vah: int
    val: int
    ib_high: int | None
    ib_low: int | None
    above: bool
    below: bool
    high_tail: int
    low_tail: int
    singles: Sequence[int]
    poor_high: bool
    poor_low: bool
    brackets: Sequence[tuple[int, str, int, int]]


class ChartProfilesReply(msgspec.Struct, frozen=True, kw_only=True):
    """The profiles of a chart, oldest first; ``params`` are their settings, every default filled in."""

    symbol: str
    tape: str
    kind: str
    title: str
    bars: str
    ticks_per_level: int
    params: dict[str, Any]
    profiles: Sequence[ChartProfile] = ()
    letters: Sequence[ChartTpo] = ()


class _Asked(msgspec.Struct, frozen=True):
    # What is asked for, the chart that is added up, and the bars of it that are held live.
    kind: ProfileKind
    params: Any
    view: tuple[int | None, int | None]
    chart: ChartKey
    held: Sequence[Footprint]


@get("/api/v1/profiles", summary="Kinds of profiles and their settings", tags=["charts"])
async def profile_kinds() -> list[KindRow]:
    """List the profiles that a chart can draw."""
    return [KindRow(kind.name, kind.title, kind.about, schema_of(kind.params)) for kind in KINDS.values()]


@get(
    "/api/v1/profiles/{name:str}",
    summary="Profiles of a chart: of what is visible, of sessions, of a range, from a bar on, or as TPO",
    tags=["charts"],
    responses={200: ResponseSpec(ChartProfilesReply, description="The profiles, oldest first.")}
    | failures(404, 413, 416, 422, 504),
)
async def chart_profiles(  # noqa: PLR0913, PLR0917 - one argument a query parameter
    request: Request[Any, Any, Any],
    services: Shared,
    rest: State,
    symbol: Key,
    name: Annotated[str, PathParameter(description="a name of /api/v1/profiles", examples=[Example(value="session")])],
    from_ns: Ns = None,
    to_ns: Ns = None,
    params: Settings = "{}",
    bars: Annotated[str, QueryParameter(description="bar rule of the chart", max_length=40)] = "1m",
    ticks_per_level: Step = None,
    tape: TapeName = None,
) -> Response[Any]:
    """Return profiles in whole rows and lots.

    ``from_ns`` and ``to_ns`` are what is looked at: of it are ``visible``, and the sessions of ``session`` and ``tpo``,
    which come whole; left out, it is the newest session. The bars of a live chart are taken as they stand.
    """
    check_span(from_ns, to_ns)
    kind = find_kind(name)
    settings = kind_params(kind, json_object(params, '{"pct":"68"}'))
    wanted = TopicRequest(symbol=key_of(symbol), tape=tape, bars=bars, ticks_per_level=ticks_per_level)
    history, short = services.history, services.history.resolves_soon(wanted)
    chart = await rest.work.run(lambda: history.resolve(wanted), short=short)
    chart = with_bars(chart, bars_for(settings, chart.spec.bars))
    held, mark = await _held(services.hub, chart)
    asked = _Asked(kind, settings, (from_ns, to_ns), chart, held)

    def prepare() -> Making:
        state = history.state(chart.key, chart.tape) if mark is None else mark
        given, span = msgspec.json.encode(settings), _span(history, asked)
        rows = rest.profile_bars.rows_to_read(chart, *span, held)
        key = ("profiles", kind.name, given, chart, from_ns, to_ns, state)
        return Making(key, lambda: Answer.of(_reply(rest.profile_bars, asked, span), JSON), rest.aside.is_large(rows))

    return await serve_answer(request, rest.answers, prepare, short=True)


# The bars of a live chart that has the same ones, and what tells one state of them from another.
async def _held(hub: Hub, chart: ChartKey) -> tuple[list[Footprint], Hashable]:
    for topic in hub.topics:
        other = topic.chart
        is_same = (other.instrument, other.tape) == (chart.instrument, chart.tape)
        if not is_same or _shape(other) != _shape(chart):
            continue
        async with topic.folding:
            builder = topic.builder
            runs = builder.runs_since(-(2**63)) if isinstance(builder, SeededBuilder) else []
        if runs:
            trades = sum(int(run.bars.trades.sum()) for run in runs)
            return runs, (topic.id, builder.epoch, trades, int(runs[-1].bars.last_ns[-1]), int(runs[0].bars.open_ns[0]))
    return [], None


def _shape(chart: ChartKey) -> tuple[str, int]:
    return chart.spec.bars, chart.spec.ticks_per_level


def _reply(source: ProfileBars, asked: _Asked, span: tuple[int, int]) -> bytes:
    chart, params = asked.chart, asked.params
    footprint = source.between(chart, *span, asked.held)
    profiles: list[ChartProfile] = []
    letters: list[ChartTpo] = []
    if footprint is not None and isinstance(params, Tpo):
        made = sorted(tpo_profiles(params, footprint).items())
        letters = [_letters(start_ns, end_of(params, footprint, start_ns), one) for start_ns, one in made]
    elif footprint is not None:
        found = profiles_of(params, footprint)
        if sum(len(one.levels) for one in found) > _MOST_LEVELS:
            raise TooMuch(
                f"these profiles have more than {_MOST_LEVELS:,} rows: choose a larger study step than "
                f"{chart.spec.ticks_per_level} ticks, or a shorter range"
            )
        profiles = [_row(footprint, one) for one in found]
    return msgspec.json.encode(
        ChartProfilesReply(
            symbol=chart.key,
            tape=chart.tape,
            kind=asked.kind.name,
            title=asked.kind.title,
            bars=chart.spec.bars,
            ticks_per_level=chart.spec.ticks_per_level,
            params=msgspec.to_builtins(params),
            profiles=profiles,
            letters=letters,
        )
    )


def _span(history: History, asked: _Asked) -> tuple[int, int]:
    chart = asked.chart
    newest_ns = history.span(chart)[1]
    if asked.held:
        newest_ns = max(newest_ns, int(asked.held[-1].bars.last_ns[-1]))
    market = calendar(chart.instrument.calendar)
    session_ns, end_ns = market.session_of(newest_ns)[0], newest_ns + 1
    view = tuple(
        given if given is not None else own for given, own in zip(asked.view, (session_ns, end_ns), strict=True)
    )
    days = [
        (row.first_ns or 0, row.last_ns or 0) for row in history.store.coverage(chart.key) if row.tape == chart.tape
    ]
    from_ns, to_ns = span_for(
        asked.params,
        market,
        (view[0], view[1]),
        lambda a, b: any(a <= last and first < b for first, last in days),
        newest_ns,
    )
    first_held_ns = int(asked.held[0].bars.open_ns[0]) if asked.held else to_ns
    if from_ns < first_held_ns:
        check_rows(history, chart.key, chart.tape, from_ns, min(first_held_ns, to_ns))
    return from_ns, to_ns


def _row(footprint: Footprint, one: Profile) -> ChartProfile:
    levels, bars = one.levels, footprint.bars
    if one.volume_lot > MAX_EXACT:
        raise ProtocolError(
            f"a profile holds {one.volume_lot} lots, which a page cannot carry exactly: ask /api/v1/profile"
        )
    first = min(int(bars.open_ns.searchsorted(one.from_ns)), len(footprint) - 1)
    return ChartProfile(
        from_ns=str(one.from_ns),
        to_ns=str(one.to_ns),
        opens_ns=str(int(bars.open_ns[first])),
        bars=one.bars,
        volume=one.volume_lot,
        delta=one.delta_lot,
        poc=one.poc_row,
        vah=one.vah_row,
        val=one.val_row,
        row=levels.row.tolist(),
        buy=levels.buy_lot.tolist(),
        sell=levels.sell_lot.tolist(),
        unknown=levels.unknown_lot.tolist(),
        trades=levels.trades.tolist(),
    )


def _letters(start_ns: int, end_ns: int, one: tpo.TpoProfile) -> ChartTpo:
    brackets = zip(one.number.tolist(), one.low_row.tolist(), one.high_row.tolist(), strict=True)
    ib_high, ib_low = (None if row == NONE else row for row in (one.ib_high_row, one.ib_low_row))
    return ChartTpo(
        from_ns=str(start_ns),
        to_ns=str(end_ns),
        low_row=int(one.row[0]),
        count=one.count.tolist(),
        total=one.total,
        poc=one.poc_row,
        vah=one.vah_row,
        val=one.val_row,
        ib_high=ib_high,
        ib_low=ib_low,
        above=one.above,
        below=one.below,
        high_tail=len(one.high_tail_row),
        low_tail=len(one.low_tail_row),
        singles=one.single_row.tolist(),
        poor_high=one.poor_high,
        poor_low=one.poor_low,
        brackets=[(number, tpo.letter(number), low, high) for number, low, high in brackets],
    )
