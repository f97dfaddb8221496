"""Who may talk to a server: the page that it serves, programs that know its token, no other web site.

Two attacks reach a port through a browser: a foreign page opens a WebSocket or sends a request (its ``Origin`` gives it
away), and a foreign name is pointed at this machine (its ``Host`` does). Both are refused before anything else runs;
then whoever has to show a token is asked for it.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Mapping
from ipaddress import IPv6Address, ip_address
from typing import Any
from urllib.parse import urlsplit

import msgspec
from litestar.types import ASGIApp, Receive, Scope, Send

from footloom.server.access.auth import Access
from footloom.server.failures import ErrorBody, ErrorReply
from footloom.server.logs import REQUEST_ID
from footloom.server.port import is_loopback

__all__ = ("SECURITY_HEADERS", "Guard")

SECURITY_HEADERS: dict[str, str] = {
    # Blob and data images are the page's own PNG export; style attributes are set by its components.
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


_LOG = logging.getLogger("footloom.requests")
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_BEARER = "bearer "


class _Refusal(msgspec.Struct, frozen=True):
    """Why a call is not passed on."""

    status: int
    code: str
    text: str
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Guard:
    """ASGI middleware: checks ``Host``, ``Origin`` and token of every request and WebSocket, and adds headers.

    Parameters
    ----------
    app
        What is guarded.
    access
        Who may use it.
    is_public
        Says of a path whether whoever reaches the server may read it: the page itself, which holds no data.
    """

    def __init__(
        self, app: ASGIApp, access: Access | None = None, is_public: Callable[[str], bool] = lambda _path: False
    ) -> None:
        self._app = app
        self._access = access or Access()
        self._is_public = is_public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a call on, or refuse it."""
        kind: str = scope["type"]
        if kind not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(6)
        REQUEST_ID.set(request_id)
        told = _Told(send, request_id)
        began = time.monotonic()
        try:
            await self._guarded(scope, receive, told)
        finally:
            if _LOG.isEnabledFor(logging.INFO):
                took_ms = round((time.monotonic() - began) * 1e3, 1)
                words = {"method": scope.get("method", "WS"), "path": scope["path"], "client": _client(scope)}
                _LOG.info("request", extra=words | {"status": told.status, "ms": took_ms})

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind: str = scope["type"]
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._foreign(scope, headers)
        other = self._shared_with(headers)
        if kind == "http" and other is not None and refusal is None:
            if str(scope.get("method")) == "OPTIONS":
                await _answer_preflight(other, headers, send)
                return
            send = _with_headers(send, _cross_origin(other))
        refusal = refusal or self._unknown(scope, headers)
        if refusal is not None:
            await _refuse(kind, refusal, receive, send)
            return
        del headers  # a WebSocket stays here for as long as it is open
        await self._app(scope, receive, _with_headers(send, SECURITY_HEADERS) if kind == "http" else send)

    def _foreign(self, scope: Any, headers: Mapping[bytes, str]) -> _Refusal | None:
        host, origin = headers.get(b"host", ""), headers.get(b"origin")
        if not self._is_ours(_host_name(host), scope.get("server")):
            return _forbidden(
                f"this server does not answer to the Host {host!r}: open it by its address, or start it with "
                "--allow-host and that name"
            )
        if (
            origin is not None
            and origin not in self._access.origins
            and origin.partition("://")[2].lower() != host.lower()
        ):
            return _forbidden(
                f"requests of other web sites are refused: Origin {origin!r} is not this server's {host!r}"
            )
        return _foreign_call(headers, writes=str(scope.get("method", "GET")) not in _READS)

    # An address is its own proof: whoever points a foreign name at this machine sends that name. Of addresses only the
    # one that this very connection came in on counts, so that a new network needs no new start.
    def _is_ours(self, name: str, server: Any) -> bool:
        if is_loopback(name) or name.rstrip(".") in self._access.hosts:
            return True
        local = _address(server[0]) if server else None
        return local is not None and _address(name) == local

    def _shared_with(self, headers: Mapping[bytes, str]) -> str | None:
        origin = headers.get(b"origin")
        return origin if origin in self._access.origins else None

    def _unknown(self, scope: Any, headers: Mapping[bytes, str]) -> _Refusal | None:
        access = self._access
        if access.token is None or access.is_cookie(headers.get(b"cookie", "")):
            return None
        if scope["type"] == "http" and self._is_public(scope["path"]):
            return None
        address = _client(scope)
        if headers.get(b"authorization", "")[: len(_BEARER)].lower() == _BEARER:
            wait_s = access.attempts.wait_s(address)
            if wait_s > 0:
                retry = ((b"retry-after", str(max(1, round(wait_s))).encode()),)
                text = f"too many wrong tokens came from {address}: try again in {wait_s:.0f} s"
                return _Refusal(429, "too_many", text, retry)
            if access.is_known(headers):
                return None
            access.attempts.failed(address)
        text = (
            "this server asks for a token: open the link that footloom link prints on the machine where it runs, or "
            "send the header Authorization: Bearer TOKEN"
        )
        return _Refusal(401, "unauthorized", text, ((b"www-authenticate", b"Bearer"),))


class _Told:
    """Passes answers on, with the request's id, and remembers their status."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send, self._id = send, request_id.encode()
        self.status = 0

    async def __call__(self, message: Any) -> None:
        """Send a message of the answer."""
        if message["type"] in {"http.response.start", "websocket.http.response.start"}:
            self.status = message["status"]
            message["headers"] = [*message["headers"], (b"x-request-id", self._id)]
        elif message["type"] == "websocket.accept":
            self.status = 101
        await self._send(message)


def _forbidden(text: str) -> _Refusal:
    return _Refusal(403, "forbidden", text)


# Browsers send no origin with what a page merely embeds or links to. A reading may start a stream, so that of another
# web site's page only a link is followed.
def _foreign_call(headers: Mapping[bytes, str], *, writes: bool) -> _Refusal | None:
    site = headers.get(b"sec-fetch-site", "same-origin")
    if site in {"same-origin", "none"} or headers.get(b"origin") is not None:
        return None
    if not writes and headers.get(b"sec-fetch-dest") == "document":
        return None
    return _forbidden(f"a page of another web site may only link to this server: Sec-Fetch-Site {site!r}")


def _client(scope: Any) -> str:
    return str(scope["client"][0]) if scope.get("client") else ""


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _address(text: str) -> object | None:
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def _cross_origin(origin: str) -> dict[str, str]:
    return {
        "access-control-allow-origin": origin,
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": "etag, location, retry-after, content-range, x-request-id",
        "vary": "Origin",
    }


# What a browser asks before it lets a page of another origin send JSON, a token, or anything to a private address.
async def _answer_preflight(origin: str, headers: Mapping[bytes, str], send: Send) -> None:
    said = _cross_origin(origin) | {
        "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
        "access-control-allow-headers": "authorization, content-type, if-match, if-none-match, if-range, range",
        "access-control-max-age": "600",
    }
    if headers.get(b"access-control-request-private-network") == "true":
        said["access-control-allow-private-network"] = "true"
    opening: Any = {"type": "http.response.start", "status": 204, "headers": _encoded(said)}
    closing: Any = {"type": "http.response.body", "body": b""}
    await send(opening)
    await send(closing)


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def _with_headers(send: Send, extra: Mapping[str, str]) -> Send:
    async def send_with_headers(message: Any) -> None:
        if message["type"] == "http.response.start":
            own = {name.lower() for name, _ in message["headers"]}
            added = [(name, value) for name, value in _encoded(extra) if name not in own or name == b"vary"]
            message["headers"] = [*message["headers"], *added]
        await send(message)

    return send_with_headers


# A WebSocket is refused before it is accepted: the browser sees a plain 403, the page never opens.
async def _refuse(kind: str, refusal: _Refusal, receive: Receive, send: Send) -> None:
    body = msgspec.json.encode(ErrorReply(ErrorBody(refusal.code, refusal.text)))
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *refusal.headers,
    ]
    start, end = "http.response.start", "http.response.body"
    if kind == "websocket":
        await receive()
        start, end = "websocket.http.response.start", "websocket.http.response.body"
    opening: Any = {"type": start, "status": refusal.status, "headers": headers}
    closing: Any = {"type": end, "body": body}
    await send(opening)
    await send(closing)
