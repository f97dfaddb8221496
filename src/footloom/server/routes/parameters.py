"""What the routes share: parameters with their bounds and meanings, the errors that they describe, and their checks."""

from __future__ import annotations

import difflib
import functools
from typing import Annotated, Any, Literal, get_type_hints
from urllib.parse import quote

import msgspec
from litestar import Request
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import QueryParameter, SkipValidation

from footloom.core.instrument import split_key
from footloom.errors import ConfigError, TooMuch
from footloom.server.failures import ErrorReply
from footloom.server.rest.shared import Rest
from footloom.server.services import Services
from footloom.server.stored.history import History
from footloom.server.wire.messages import TopicRequest

__all__ = (
    "JSON",
    "MAX_NS",
    "Key",
    "Limit",
    "Ns",
    "Settings",
    "Shared",
    "Shown",
    "State",
    "TapeName",
    "Wanted",
    "Whole",
    "chart_request",
    "check_query",
    "check_rows",
    "check_span",
    "failures",
    "json_object",
    "key_of",
    "no_more_than",
)

JSON = "application/json"
MAX_NS = 2**62  # the year 2116
MOST_ROWS = 250_000_000  # some ten seconds of work
_MAX_TICKS = 2**53
_ROUTES = __name__.rpartition(".")[0]
_LONGEST_NAME = 240  # bytes of a name in the store, escaped

Shared = NamedDependency[SkipValidation[Services]]
State = NamedDependency[SkipValidation[Rest]]


def _example(value: Any) -> list[Example]:
    return [Example(summary="for example", value=value)]


_MONDAY_NS = 1_772_409_600_000_000_000

Key = Annotated[
    str,
    QueryParameter(
        description="VENUE:SYMBOL, such as sim:PERP",
        min_length=3,
        max_length=200,
        examples=_example("sim:PERP"),
    ),
]
Ns = Annotated[
    int | None,
    QueryParameter(
        description="ns since 1970 UTC; the range is half-open: from_ns belongs to it, to_ns does not",
        ge=0,
        lt=MAX_NS,
        examples=_example(_MONDAY_NS),
    ),
]
Whole = Annotated[
    int,
    QueryParameter(
        description="ns since 1970 UTC; the range is half-open", ge=0, lt=MAX_NS, examples=_example(_MONDAY_NS)
    ),
]
Step = Annotated[
    int | None,
    QueryParameter(
        description="ticks in a level; left out, the symbol's default", ge=1, le=_MAX_TICKS, examples=_example(10)
    ),
]
TapeName = Annotated[
    str | None,
    QueryParameter(
        description="trade, agg_trade or snapshot; left out, the best that is stored",
        max_length=100,
        examples=_example("trade"),
    ),
]
Limit = Annotated[
    int,
    QueryParameter(
        description="how many bars, the newest of the range; the server's setting max_history_bars bounds it",
        ge=1,
        le=1_000_000,
        examples=_example(300),
    ),
]
Settings = Annotated[
    str, QueryParameter(description="settings, as a JSON object", max_length=2_000, examples=_example("{}"))
]
Shown = Annotated[
    Literal["binary", "json"] | None,
    QueryParameter(description="left out, what Accept prefers", examples=_example("json")),
]
Method = Literal["two_row", "one_row", "one_row_capped"]
Tie = Literal["centre", "lowest"]


async def chart_request(  # noqa: PLR0913, PLR0917 - one argument a query parameter
    symbol: Key,
    bars: Annotated[
        str,
        QueryParameter(
            description="bar rule: 15s, 1m, 1h, 1d, 500t, 100v, r10, ...", max_length=40, examples=_example("1m")
        ),
    ] = "1m",
    ticks_per_level: Step = None,
    tape: TapeName = None,
    value_area: Annotated[
        Method | None, QueryParameter(description="how the value area grows", examples=_example("two_row"))
    ] = None,
    value_area_pct: Annotated[
        str | None,
        QueryParameter(description="share of the volume, percent", max_length=20, examples=_example("70")),
    ] = None,
    poc_tie: Annotated[
        Tie | None,
        QueryParameter(description="which of equal rows is the point of control", examples=_example("centre")),
    ] = None,
    cvd_reset: Annotated[
        Literal["session", "never"] | None,
        QueryParameter(description="where the cumulative delta begins anew", examples=_example("session")),
    ] = None,
    imbalance_pct: Annotated[
        int | None,
        QueryParameter(description="how many percent make an imbalance", ge=100, le=10_000, examples=_example(300)),
    ] = None,
) -> TopicRequest:
    """Collect the query parameters that say which chart is meant."""
    return TopicRequest(
        symbol=key_of(symbol),
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


def key_of(symbol: str) -> str:
    """Return a symbol's key as it was given.

    Raises
    ------
    ConfigError
        It is no VENUE:SYMBOL, or a name that cannot be stored.
    """
    parts = split_key(symbol)
    for part in parts:
        try:
            length = len(quote(part, safe=""))
        except UnicodeEncodeError:
            length = 0
        if not 0 < length <= _LONGEST_NAME or not part.isprintable():
            raise ConfigError(
                f"{symbol[:60]!r} is no symbol that could be stored: write VENUE:SYMBOL in printable text, such as "
                "binance_usdm:BTCUSDT"
            )
    return symbol


def json_object(text: str, example: str) -> dict[str, object]:
    """Return settings that come as JSON in the query; the example says how they look.

    Raises
    ------
    ConfigError
        It is no JSON object.
    """
    try:
        found = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise ConfigError(f"params is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise ConfigError(f"params is a JSON object such as {example}, got {type(found).__name__}")
    return found


def check_span(from_ns: int | None, to_ns: int | None) -> None:
    """Refuse a range that holds nothing.

    Raises
    ------
    ConfigError
        Its end is not above its beginning.
    """
    if from_ns is not None and to_ns is not None and to_ns <= from_ns:
        raise ConfigError(f"the range is empty: from_ns {from_ns} is not below to_ns {to_ns}")


def no_more_than(limit: int, most: int, what: str) -> int:
    """Return what is asked for, if it is not too much.

    Raises
    ------
    TooMuch
        It is above the server's limit.
    """
    if limit > most:
        raise TooMuch(
            f"{limit:,} {what} are asked for, and this server gives at most {most:,} at once: ask for less, and page "
            "back with to_ns; its setting max_history_bars says how many"
        )
    return limit


def check_rows(history: History, key: str, tape: str, from_ns: int, to_ns: int) -> int:
    """Return how many rows are read, and refuse to read years of trades for one answer, before any of them is.

    Raises
    ------
    TooMuch
        The range holds more rows than are read at once.
    """
    count = history.rows(key, tape, from_ns, to_ns)
    if count > MOST_ROWS:
        raise TooMuch(
            f"about {count:,} rows of {key}/{tape} would be read for this answer, and at most {MOST_ROWS:,} are: ask "
            "for a shorter range; a CVD that is never reset, and a study that looks back, read it from its beginning"
        )
    return count


_MEANINGS = {
    400: ("A parameter cannot be used.", "config_error", "no bar rule reads '7x': write 15s, 1m, 1h, 1d, ..."),
    404: ("There is nothing of that name.", "not_stored", "nothing is stored for sim:NONE: see footloom coverage"),
    409: ("It is not as the request says, or not its turn.", "conflict", "the layout has changed since it was read"),
    413: ("It is too much at once.", "too_much", "1,000,000 bars are asked for, and this server gives at most 20,000"),
    415: ("The body is of another type.", "unsupported_media_type", "send the body as application/json"),
    416: ("The byte range lies behind the end.", "bad_range", "the range 'bytes=900-' lies behind the end"),
    422: ("What is stored, or was sent, cannot be taken as it is.", "data_error", "a row is off the grid"),
    502: ("A venue refused or failed.", "unreachable", "the venue did not answer"),
    504: ("It took too long and was given up.", "took_too_long", "this was given up after 60 s: ask for less"),
}


def failures(*statuses: int) -> dict[int, ResponseSpec]:
    """Return the descriptions of errors; 400 is always among them."""
    return {status: _failure(status) for status in sorted({400, *statuses})}


def _failure(status: int) -> ResponseSpec:
    meaning, code, message = _MEANINGS[status]
    example = Example(summary=code, value={"error": {"code": code, "message": message, "detail": None}})
    return ResponseSpec(ErrorReply, description=meaning, examples=[example], generate_examples=False)


# A form of another page can send text, but no JSON: whoever says JSON had to ask first (CORS).
def _check_type(request: Request[Any, Any, Any]) -> None:
    takes_json = "data" in request.route_handler.parsed_fn_signature.parameters or JSON in request.route_handler.opt
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if takes_json and sent != JSON:
        raise HTTPException(
            status_code=415, detail=f"send the body with content-type: {JSON}; this one has {sent[:60] or 'none'}"
        )


# What a handler takes from the query, by itself or through what collects parameters for it.
@functools.cache
def _query_names(handler: Any) -> frozenset[str]:
    own, collectors = handler.parsed_fn_signature.parameters, handler.resolve_dependencies()
    found = {one.kwarg_definition.name or name for name, one in own.items() if _is_query(one.kwarg_definition)}
    for name in own.keys() & collectors.keys():
        hints = get_type_hints(collectors[name].dependency, include_extras=True)
        found |= {name for name, hint in hints.items() if any(map(_is_query, getattr(hint, "__metadata__", ())))}
    return frozenset(found)


def _is_query(definition: Any) -> bool:
    return isinstance(definition, QueryParameter)


async def check_query(request: Request[Any, Any, Any]) -> None:
    """Refuse query parameters that a route does not have, or that are there twice, and bodies of another type.

    A misspelt ``from_ns`` would else be left out silently, and the answer be that of another range.

    Raises
    ------
    ConfigError
        There is such a parameter.
    HTTPException
        The body is of another type (415).
    """
    path = str(request.scope.get("path_template", ""))
    # What brokers and probes of other programs ask for is theirs to name: /login/upstox?code=...&state=..., /readyz?...
    if not path.startswith("/api/") or not request.route_handler.fn.__module__.startswith(_ROUTES):
        return
    _check_type(request)
    known = _query_names(request.route_handler)
    seen: set[str] = set()
    for name, _ in request.query_params.multi_items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(sorted(known)) or 'none'}"
            raise ConfigError(f"{path} has no parameter {name[:60]!r}: {hint}")
        if name in seen:
            raise ConfigError(f"the parameter {name} is given twice: give it once")
        seen.add(name)
