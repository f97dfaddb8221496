"""How a page gets in: it sends the token of its link once, and gets a cookie that scripts cannot read."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from footloom.errors import ConfigError
from footloom.server.access.auth import Access
from footloom.server.failures import ErrorBody, ErrorReply
from footloom.typed import from_json

__all__ = ("ACCESS_ROUTES", "SESSION_PATH", "Entry", "SessionState", "enter", "leave", "session_state")

SESSION_PATH = "/api/v1/session"
_NO_STORE = {"cache-control": "no-store"}
Entrance = NamedDependency[SkipValidation[Access]]


class Entry(msgspec.Struct, forbid_unknown_fields=True):
    """What a page sends to get in."""

    token: str

    def __repr__(self) -> str:
        return "<Entry>"


class SessionState(msgspec.Struct, frozen=True):
    """Whether this server asks for a token, and whether who asks is known."""

    required: bool
    authorized: bool


@get(SESSION_PATH, summary="May this client use the server?", tags=["server"], sync_to_thread=False)
def session_state(request: Request[Any, Any, Any], access: Entrance) -> Response[SessionState]:
    """Say whether a token is needed here, and whether the cookie or token that came along is right."""
    return Response(SessionState(access.token is not None, _is_known(request, access)), headers=_NO_STORE)


@post(SESSION_PATH, summary="Get in with a token", tags=["server"], status_code=200)
async def enter(request: Request[Any, Any, Any], access: Entrance) -> Response[SessionState | ErrorReply]:
    """Exchange the token for a cookie; wrong ones have to wait longer and longer."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise ConfigError("a token is sent as application/json")
    try:
        token = from_json(await request.body(), Entry).token
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise ConfigError('a token is sent as {"token": "..."}') from None
    if access.token is None:
        return Response(SessionState(required=False, authorized=True), headers=_NO_STORE)
    address = request.client.host if request.client else ""
    wait_s = access.attempts.wait_s(address)
    if wait_s > 0:
        text = f"too many wrong tokens came from {address}: try again in {wait_s:.0f} s"
        headers = {**_NO_STORE, "retry-after": str(max(1, round(wait_s)))}
        return Response(ErrorReply(ErrorBody("too_many", text)), status_code=429, headers=headers)
    if not access.is_token(token):
        access.attempts.failed(address)
        text = (
            "this is not the token of this server, or no longer: footloom link, on the machine where it runs, prints "
            "the link that is right"
        )
        return Response(ErrorReply(ErrorBody("wrong_token", text)), status_code=401, headers=_NO_STORE)
    cookie = access.set_cookie(is_secure=request.scope["scheme"] == "https")
    return Response(SessionState(required=True, authorized=True), headers={**_NO_STORE, "set-cookie": cookie})


@delete(SESSION_PATH, summary="Forget this client", tags=["server"], status_code=200, sync_to_thread=False)
def leave(access: Entrance) -> Response[SessionState]:
    """Take the cookie back."""
    headers = {**_NO_STORE, "set-cookie": f"{access.cookie_name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"}
    return Response(SessionState(access.token is not None, access.token is None), headers=headers)


def _is_known(request: Request[Any, Any, Any], access: Access) -> bool:
    headers = {name.lower(): value.decode("latin-1") for name, value in request.scope["headers"]}
    return access.token is None or access.is_known(headers)


ACCESS_ROUTES = (session_state, enter, leave)
