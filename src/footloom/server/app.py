"""The application: routes, the WebSocket, the page and the guard around them."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from litestar import Litestar, Request, Response, WebSocket, get, websocket
from litestar.di import NamedDependency, Provide
from litestar.exceptions import HTTPException
from litestar.params import FromPath, SkipValidation
from litestar.types import ASGIApp, Receive, Scope, Send

from footloom.server.access.auth import Access
from footloom.server.access.guard import Guard
from footloom.server.clients.connection import LitestarSocket
from footloom.server.clients.session import Session
from footloom.server.compat import compat_clients, compat_routes
from footloom.server.pages import MISSING_PAGE, Asset, Bundle
from footloom.server.port import LIVE_PATH
from footloom.server.rest.answers import Answers
from footloom.server.rest.openapi import openapi_config
from footloom.server.rest.refusals import HANDLERS
from footloom.server.rest.shared import Rest
from footloom.server.routes import ROUTES, chart_request, check_query
from footloom.server.routes.access import ACCESS_ROUTES, SESSION_PATH
from footloom.server.routes.logins import LOGIN_ROUTES, REDIRECT_PATH
from footloom.server.routes.standing import STANDING_ROUTES
from footloom.server.services import Services

if TYPE_CHECKING:
    from footloom.config import Config

__all__ = ("create_app", "live", "page")

# What answers without a token: nothing here tells what is recorded. The broker's own page leads back to the redirect.
_PUBLIC = frozenset({"/", LIVE_PATH, SESSION_PATH, REDIRECT_PATH})

Shared = NamedDependency[SkipValidation[Services]]
_HANDED = "footloom"  # where a call's scope holds what its server's routes work on


@websocket("/ws/v1")
async def live(socket: WebSocket[Any, Any, Any], services: Shared) -> None:
    """Serve one client of the live protocol."""
    await socket.accept()
    connection = LitestarSocket(socket)
    session = Session(services.hub, connection, services.streams, services.limits)
    services.welcome(session)
    try:
        await session.run()
    finally:
        services.sessions.discard(session)
        services.hub.measures.evicted += connection.was_evicted


@get(["/", "/{path:path}"], include_in_schema=False)
async def page(request: Request[Any, Any, Any], services: Shared, path: FromPath[str] = "") -> Response[bytes]:
    """Serve the built page from memory."""
    if not services.bundle.assets and not path.strip("/"):
        services.bundle = await asyncio.to_thread(Bundle.read)  # it may have been built since
        if not services.bundle.assets:
            return Response(MISSING_PAGE, status_code=503, media_type="text/html")
    asset = services.bundle.find(path)
    if asset is None:
        raise HTTPException(status_code=404, detail=f"there is no page {request.url.path}")
    return _serve_asset(request, asset)


def _serve_asset(request: Request[Any, Any, Any], asset: Asset) -> Response[bytes]:
    headers = {"etag": asset.etag, "cache-control": asset.cache_control, "vary": "accept-encoding"}
    if asset.etag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, headers=headers, media_type=asset.media_type)
    body = asset.body
    if asset.gzipped is not None and "gzip" in request.headers.get("accept-encoding", ""):
        headers["content-encoding"] = "gzip"
        body = asset.gzipped
    return Response(body, headers=headers, media_type=asset.media_type)


def create_app(
    services: Services,
    *,
    access: Access | None = None,
    settings: Config | None = None,
    origins: Collection[str] = (),
    compat: str | None = None,
) -> ASGIApp:
    """Return the ASGI application of a server.

    Parameters
    ----------
    services
        What the routes share.
    access
        Who may use the server: by default whoever reaches it.
    settings
        The limits and folders of the REST side; without them those of the environment.
    origins
        Origins of other pages that may use it where ``access`` does not say so, such as a development server's.
    compat
        Which of the older wires stands at the root too: 001, 002 or 003 (`docs/compat.md`).
    """
    door = access or Access(origins=frozenset(origins))
    rest = Rest(services, settings)
    wire = compat or (settings.compat if settings else None)
    services.on_close.append(rest.close)
    handed = {"services": services, "access": door, "rest": rest, **compat_clients()}
    routes = _routes(wire)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        call: Any = {**scope, _HANDED: handed}
        if call.get("method") == "HEAD":  # every GET is one too
            call["method"], send = "GET", _without_body(send)
        await routes(call, receive, send)

    return Guard(app, door, lambda path: path in _PUBLIC or services.bundle.find(path) is not None)


# The head of an answer, and its end; what the route says behind that is left unsaid.
def _without_body(send: Send) -> Send:
    ended = False

    async def send_head(message: Any) -> None:
        nonlocal ended
        if message["type"] != "http.response.body":
            await send(message)
        elif not ended:
            ended = True
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return send_head


# Compiled once for all servers of a process (it takes a quarter of a second): what is one server's comes with a call.
@functools.cache
def _routes(wire: str | None) -> Litestar:
    return Litestar(
        route_handlers=[
            *ROUTES,
            *STANDING_ROUTES,
            *ACCESS_ROUTES,
            *LOGIN_ROUTES,
            *compat_routes(_handed, wire),
            live,
            page,
        ],
        dependencies={
            **{name: _handed(name) for name in ("services", "access", "rest")},
            "chart": Provide(chart_request),
        },
        exception_handlers=HANDLERS,
        before_request=check_query,
        openapi_config=openapi_config(_answers_of),
        logging_config=None,
        request_max_body_size=1_000_000,
    )


def _answers_of(request: Request[Any, Any, Any]) -> Answers:
    call: Any = request.scope
    rest: Rest = call[_HANDED]["rest"]
    return rest.answers


def _handed(name: str) -> Provide:
    def take(scope: Scope) -> Any:
        call: Any = scope
        return call[_HANDED][name]

    return Provide(take, sync_to_thread=False)
