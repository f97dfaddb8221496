"""The endpoints of the page's login form. Other sites' requests end at the guard; what is typed is never repeated."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import Request, Response, get, post

from footloom.errors import ConfigError, FootloomError
from footloom.server.access.login_forms import LoginAsk, LoginRow
from footloom.server.routes.parameters import Shared
from footloom.server.services import Services
from footloom.typed import from_json

if TYPE_CHECKING:
    from footloom.server.access.logins import Logins

__all__ = ("LOGIN_ROUTES", "REDIRECT_PATH", "log_in", "logins", "redirected")

REDIRECT_PATH = "/login/upstox"
_NO_STORE = {"cache-control": "no-store"}
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>footloom: login</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:42em;margin:4em auto;padding:0 1em}}
body{{color:#222;background:#fff}}
@media(prefers-color-scheme:dark){{body{{color:#ddd;background:#111}}a{{color:#8bf}}}}</style>
<h1>{title}</h1><p>{text}</p><p><a href="/">To the chart</a></p></html>
"""


def _logins(services: Services) -> Logins:
    if services.logins is None:
        raise ConfigError("this server listens to no venue: start footloom serve VENUE:SYMBOL to log in here")
    return services.logins


@get("/api/v1/logins", summary="How the brokers' tokens stand", tags=["server"])
async def logins(services: Shared) -> list[LoginRow]:
    """List the brokers that need a login, how their tokens stand, and the ways to get new ones."""
    return [] if services.logins is None else await services.run(services.logins.rows)


@post("/api/v1/logins", summary="Log in to a broker", tags=["server"], status_code=200)
async def log_in(request: Request[Any, Any, Any], services: Shared) -> Response[LoginRow]:
    """Send what the form holds to the broker, and keep the token that it gives."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise ConfigError("a login is sent as application/json")
    try:
        ask = from_json(await request.body(), LoginAsk)
    except msgspec.MsgspecError as error:
        raise ConfigError(f"a login is {{venue, way, fields}}: {error}") from None
    redirect_uri = f"{request.scope['scheme']}://{request.headers.get('host', '')}{REDIRECT_PATH}"
    return Response(await _logins(services).log_in(ask, redirect_uri), headers=_NO_STORE)


@get(REDIRECT_PATH, include_in_schema=False)
async def redirected(request: Request[Any, Any, Any], services: Shared) -> Response[str]:
    """Take the browser back from Upstox's page."""
    code, state = (request.query_params.get(name, "") for name in ("code", "state"))
    try:
        row = await _logins(services).redirected(code, state)
    except FootloomError as error:
        return _page("Not logged in", str(error), 400)
    return _page("Logged in", row.text, 200)


def _page(title: str, text: str, status: int) -> Response[str]:
    body = _PAGE.format(title=html.escape(title), text=html.escape(text))
    return Response(body, status_code=status, media_type="text/html", headers=_NO_STORE)


LOGIN_ROUTES = (logins, log_in, redirected)
