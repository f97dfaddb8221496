"""How errors are answered: each becomes the one shape, and a surprise is told to the log alone."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, Response
from litestar.exceptions import HTTPException

from footloom.errors import FootloomError, Overloaded, RateLimited
from footloom.server.failures import ErrorBody, ErrorReply, code_of, status_of
from footloom.server.rest.work import ClientGone
from footloom.server.stored.abandon import Abandoned

__all__ = ("HANDLERS",)

_LOG = logging.getLogger(__name__)
_CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "timeout",
    413: "too_large",
    415: "unsupported_media_type",
    429: "too_many",
    503: "unavailable",
}
_API: Final = "/api"
_NEAR: Final = 0.85  # all paths begin alike
_GONE = 499  # nobody reads it: whoever asked has closed the connection


def _reply(status: int, body: ErrorBody, headers: Mapping[str, str] | None = None) -> Response[ErrorReply]:
    return Response(
        ErrorReply(body), status_code=status, media_type="application/json", headers=dict(headers) if headers else None
    )


def _on_footloom_error(_request: Request[Any, Any, Any], error: FootloomError) -> Response[ErrorReply]:
    headers = None
    if isinstance(error, Overloaded | RateLimited):
        headers = {"retry-after": str(max(1, round(error.retry_after_s)))}
    return _reply(status_of(error), ErrorBody(code_of(error), str(error)), headers)


def _on_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[ErrorReply]:
    status = error.status_code
    if status >= 500:  # the framework's own surprises
        return _on_surprise(request, error)
    if status in {404, 405} and request.url.path.startswith(_API) and _is_unknown(request):
        return _reply(404, ErrorBody("not_found", _nothing_at(request)))
    detail = {"parameters": error.extra} if error.extra else None
    return _reply(
        status, ErrorBody(_CODES.get(status, f"http_{status}"), _words(request, error), detail), error.headers
    )


def _words(request: Request[Any, Any, Any], error: HTTPException) -> str:
    if error.status_code == 405:
        return f"{request.method} is not what {request.url.path} takes: /schema lists what it does"
    told = error.extra if isinstance(error.extra, list) else []
    found = [f"{_place(one)}: {one.get('message', '')}" for one in told if isinstance(one, dict)]
    return f"{'; '.join(found)}; /schema says what each may be" if found else error.detail


# What is wrong with a body as a whole has the name of the argument that takes it.
def _place(told: Mapping[str, str]) -> str:
    return "the body" if (told.get("key"), told.get("source")) == ("data", "body") else told.get("key", "it")


# The page's own route takes every path that no resource has, and the framework says of it what it takes.
def _is_unknown(request: Request[Any, Any, Any]) -> bool:
    asked = request.url.path.rstrip("/").split("/")
    return not any(_is_at(asked, there.split("/")) for there in _resources(request))


def _is_at(asked: list[str], there: list[str]) -> bool:
    return len(asked) == len(there) and all(
        one == other or other.startswith("{") for one, other in zip(asked, there, strict=True)
    )


def _resources(request: Request[Any, Any, Any]) -> list[str]:
    return [route.path_format for route in request.app.routes if route.path_format.startswith(_API)]


def _nothing_at(request: Request[Any, Any, Any]) -> str:
    path = request.url.path
    near = difflib.get_close_matches(path, _resources(request), n=1, cutoff=_NEAR)
    return f"there is nothing at {path}: {f'did you mean {near[0]}?' if near else '/schema lists what there is'}"


def _on_leave(_request: Request[Any, Any, Any], _error: Exception) -> Response[bytes]:
    return Response(b"", status_code=_GONE)


def _on_surprise(request: Request[Any, Any, Any], error: Exception) -> Response[ErrorReply]:
    _LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _reply(500, ErrorBody("internal", "the server could not serve this request: its log says why"))


HANDLERS: Final[dict[int | type[Exception], Any]] = {
    FootloomError: _on_footloom_error,
    HTTPException: _on_http_error,
    ClientGone: _on_leave,
    Abandoned: _on_leave,
    Exception: _on_surprise,
}
