"""Option chains: which are stored, one at a time, its measures through time, changes of open interest, the smile."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, NamedTuple, TypeVar

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import BodyKwarg, QueryParameter, SkipValidation

from footloom.engine.read_outs import charts_of, front_of, read_outs_of
from footloom.errors import ConfigError, NotStored
from footloom.feeds._venues import check_options
from footloom.feeds.stored import span_of
from footloom.feeds.stored_chain import ChainAsk, chain_at, chain_through, load_chain, stored_chains
from footloom.options.documents import chain_reply, heat_reply, history_reply, smile_reply, underlying_name
from footloom.options.heat import Heat
from footloom.options.measures import RATE
from footloom.options.replies import ChainReply, HeatReply, HistoryReply, ReadOutReply, SmileReply
from footloom.server.rest.shared import Rest
from footloom.server.rest.work import while_connected
from footloom.server.routes.parameters import JSON, Key, Ns, Shared, State, check_span, failures, key_of
from footloom.server.services import Services
from footloom.server.stored.history import History
from footloom.server.stored.tasks import Task

__all__ = (
    "ChainRow",
    "FollowAsk",
    "Followed",
    "chain",
    "chains",
    "follow_options",
    "open_interest_heat",
    "options_history",
    "read_out_now",
    "smile",
)

_SECOND_NS: Final = 1_000_000_000
_FAILURES: Final = failures(404, 413, 422, 504)
T = TypeVar("T")

Expiry = Annotated[
    str | None,
    QueryParameter(description="day of expiry, such as 2025-12-09; left out, the next one", max_length=10),
]
Around = Annotated[
    int | None,
    QueryParameter(description="strikes on each side of the money; left out, all that are known", ge=0, le=1_000),
]
Rate = Annotated[float, QueryParameter(description="interest a year: 0.055 is 5.5 %", ge=-0.5, le=1.0)]
Price = Annotated[
    float | None,
    QueryParameter(description="price of the underlying, where the chain does not say it", gt=0, le=1e12),
]
Contract = Annotated[
    str | None,
    QueryParameter(description="the contract that is traded; left out, the nearest future that is stored"),
]
Every = Annotated[int, QueryParameter(description="seconds between two instants", ge=1, le=86_400)]


class ChainRow(msgspec.Struct, frozen=True):
    """A chain that is stored: ``expiries`` are those of its last day.

    ``name`` is what people call the underlying; ``charts`` are stored symbols that stand on it: its futures, itself.
    ``front`` is the chart that goes with it: its continuous front future, else the underlying itself; null where
    nothing of both is stored.
    """

    symbol: str
    name: str
    charts: Sequence[str]
    front: str | None
    rows: int
    first_ns: str
    last_ns: str
    expiries: Sequence[str]


@get("/api/v1/options", summary="Option chains that are stored", tags=["options"], responses=failures(504))
async def chains(request: Request[Any, Any, Any], services: Shared, rest: State) -> list[ChainRow]:
    """List the underlyings whose option chain is stored."""
    return await while_connected(request, rest.work.run(lambda: _chains(services)))


def _chains(services: Services) -> list[ChainRow]:
    store, rows = services.history.store, []
    for one in stored_chains(store):
        last = load_chain(store, one.key, one.last_ns, one.last_ns + 1)
        days = [last.day_text(expiry) for expiry in last.expiries.tolist()]
        name = underlying_name(last.instrument)
        charts = charts_of(store, one.key, name)
        front = front_of(store, charts, name)
        rows.append(ChainRow(one.key, name, charts, front, one.rows, str(one.first_ns), str(one.last_ns), days))
    return rows


class FollowAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which options to listen to: those of what ``symbol`` shows, so many ``strikes`` on each side of the money."""

    symbol: str
    strikes: Annotated[int, msgspec.Meta(ge=1, le=50)] = 10


class Followed(msgspec.Struct, frozen=True):
    """Which options are listened to: those of what ``symbol`` shows, by a rule such as ``atm±10``."""

    symbol: str
    rule: str


@post(
    "/api/v1/options/follow",
    summary="Listen to the options of a live symbol",
    tags=["options"],
    status_code=200,
    responses=failures(404, 409, 415),
)
async def follow_options(
    services: Shared,
    data: Annotated[FollowAsk, BodyKwarg(examples=[Example(value={"symbol": "upstox:NIFTY.FUT1", "strikes": 10})])],
) -> Followed:
    """Record the options around the money too, as long as the symbol itself is listened to; again does no harm."""
    key, rule = key_of(data.symbol), f"atm±{data.strikes}"
    if services.streams is None:
        raise ConfigError(
            f"the options of {key} are not followed: this server listens to no venue; footloom record {key} --options "
            f"{rule} records them"
        )
    check_options(key, rule)
    services.streams.follow_options(key, rule)
    return Followed(key, rule)


class _Asked(NamedTuple):
    key: str
    ask: ChainAsk


async def _asked(
    symbol: Key, expiry: Expiry = None, strikes: Around = None, rate: Rate = RATE, price: Price = None
) -> _Asked:
    return _Asked(key_of(symbol), ChainAsk(expiry=expiry, around=strikes, rate=rate, price=price))


Asked = NamedDependency[SkipValidation[_Asked]]
_get = functools.partial(get, tags=["options"], responses=_FAILURES, dependencies={"asked": Provide(_asked)})


@_get("/api/v1/options/chain", summary="An option chain at a time")
async def chain(
    request: Request[Any, Any, Any], services: Shared, rest: State, asked: Asked, at_ns: Ns = None
) -> ChainReply:
    """Return an expiry's calls and puts as they stood at a time (left out: last), and what they say (definitions 7)."""
    store = services.history.store
    return await _answer(request, rest, lambda: chain_reply(chain_at(store, *asked, at_ns)))


@_get("/api/v1/options/smile", summary="Volatility by strike")
async def smile(
    request: Request[Any, Any, Any], services: Shared, rest: State, asked: Asked, at_ns: Ns = None
) -> SmileReply:
    """Return the volatility that each strike's price implies at a time (definitions 7.6)."""
    store = services.history.store
    return await _answer(request, rest, lambda: smile_reply(chain_at(store, *asked, at_ns)))


@_get(
    "/api/v1/options/readout",
    summary="What price, open interest and aggressive volume say together",
    responses={200: ResponseSpec(ReadOutReply, description="The readings.")} | _FAILURES,
)
async def read_out_now(
    request: Request[Any, Any, Any],
    services: Shared,
    rest: State,
    asked: Asked,
    contract: Contract = None,
    at_ns: Ns = None,
) -> Response[bytes]:
    """Return the reading of a contract against the previous close and over the last interval (definitions 7.2).

    ``symbol`` is the chain of its underlying, whose walls tell the key level; or the contract itself, without a chain.
    """
    traded, history = None if contract is None else key_of(contract), services.history

    async def made() -> bytes:
        rows = await rest.work.run(lambda: _session_rows(history, traded or asked.key, at_ns), short=True)
        task = Task(_read_out, (*asked, traded, at_ns))
        return await rest.work.run(lambda: rest.aside.make(task, rows), large=rest.aside.is_large(rows))

    return Response(await while_connected(request, made()), media_type=JSON)


def _read_out(history: History, key: str, ask: ChainAsk, traded: str | None, at_ns: int | None) -> bytes:
    return msgspec.json.encode(read_outs_of(history.store, key, ask, traded, at_ns))


# About how many rows are read of a contract: those of a day. A chain's own future has not so many that it matters.
def _session_rows(history: History, key: str, at_ns: int | None) -> int:
    try:
        tape = history.tape_of(key)
    except NotStored:
        return 0
    until_ns = span_of(history.store, key, tape)[1] if at_ns is None else at_ns
    return history.rows(key, tape, until_ns, until_ns + 1)


@_get("/api/v1/options/history", summary="PCR, max pain, walls, straddle and volatility through time")
async def options_history(  # noqa: PLR0913, PLR0917 - one argument a query parameter
    request: Request[Any, Any, Any],
    services: Shared,
    rest: State,
    asked: Asked,
    from_ns: Ns = None,
    to_ns: Ns = None,
    every_s: Every = 60,
) -> HistoryReply:
    """Return what a chain said at each instant with news; without a range, its last day (definitions 7.3, 7.4, 7.6)."""
    store = services.history.store
    check_span(from_ns, to_ns)
    return await _answer(
        request, rest, lambda: history_reply(chain_through(store, *asked, from_ns, to_ns, every_s * _SECOND_NS))
    )


@_get("/api/v1/options/heat", summary="Changes of open interest by strike and time")
async def open_interest_heat(  # noqa: PLR0913, PLR0917 - one argument a query parameter
    request: Request[Any, Any, Any],
    services: Shared,
    rest: State,
    asked: Asked,
    from_ns: Ns = None,
    to_ns: Ns = None,
    every_s: Every = 60,
) -> HeatReply:
    """Return how open interest changed between instants; strikes stay where they are (definitions 7.5)."""
    store = services.history.store
    check_span(from_ns, to_ns)

    def work() -> HeatReply:
        measures = chain_through(store, *asked, from_ns, to_ns, every_s * _SECOND_NS)
        return heat_reply(Heat(measures.board), measures)

    return await _answer(request, rest, work)


async def _answer(request: Request[Any, Any, Any], rest: Rest, work: Callable[[], T]) -> T:
    return await while_connected(request, rest.work.run(work))
