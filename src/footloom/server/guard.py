"""Who may talk to a server on loopback: the page that it serves and programs on this machine, no other web site.

Two attacks reach a loopback port through a browser: a foreign page opens a WebSocket or sends a request (its
``Origin`` gives it away), and a foreign name is pointed at 127.0.0.1 (its ``Host`` does). Both are refused before
anything else runs.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec
from litestar.types import ASGIApp, Receive, Scope, Send

from footloom.errors import ConfigError
from footloom.server.failures import ErrorBody, ErrorReply
from footloom.server.port import is_loopback

__all__ = ("SECURITY_HEADERS", "Guard", "checked_origins")

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


_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?", re.IGNORECASE)


def checked_origins(origins: Collection[str]) -> tuple[str, ...]:
    """Return origins of other pages as browsers send them.

    Raises
    ------
    ConfigError
        One is no origin: scheme, host and port, and nothing else.

    Examples
    --------
    >>> checked_origins(["http://localhost:5173/"])
    ('http://localhost:5173',)
    """
    found = [origin.removesuffix("/").lower() for origin in origins]
    for origin, given in zip(found, origins, strict=True):
        if not _ORIGIN.fullmatch(origin):
            raise ConfigError(
                f"--allow-origin {given!r} is no origin of a page: write scheme, host and port alone, such as "
                "http://localhost:5173"
            )
    return tuple(found)


_READS = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """ASGI middleware: checks ``Host`` and ``Origin`` of every request and WebSocket, and adds the security headers."""

    def __init__(self, app: ASGIApp, *, origins: Collection[str] = ()) -> None:
        self._app = app
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a call on, or refuse it."""
        kind: str = scope["type"]
        if kind not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(headers.get(b"host", ""), headers.get(b"origin"))
        if refusal is None and str(scope.get("method", "GET")) not in _READS:
            refusal = _foreign_write(headers)
        if refusal is None:
            await self._app(scope, receive, _with_headers(send) if kind == "http" else send)
        else:
            await _refuse(kind, refusal, receive, send)

    def _refusal(self, host: str, origin: str | None) -> str | None:
        if not is_loopback(_host_name(host)):
            return f"this server answers to localhost and 127.0.0.1 only, not to the Host {host!r}"
        if origin is None or origin in self._origins:
            return None
        if urlsplit(origin).netloc.lower() != host.lower():
            return f"requests of other web sites are refused: Origin {origin!r} is not this server's {host!r}"
        return None


# Whatever a browser does not say of a request that changes something, it comes from nobody's page.
def _foreign_write(headers: Mapping[bytes, str]) -> str | None:
    site = headers.get(b"sec-fetch-site", "same-origin")
    if site in {"same-origin", "none"} or headers.get(b"origin") is not None:
        return None
    return f"a request of another web site changes nothing here: Sec-Fetch-Site {site!r}"


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Any) -> None:
        if message["type"] == "http.response.start":
            own = {name.lower() for name, _ in message["headers"]}
            added = [(n.encode(), v.encode()) for n, v in SECURITY_HEADERS.items() if n.encode() not in own]
            message["headers"] = [*message["headers"], *added]
        await send(message)

    return send_with_headers


# A WebSocket is refused before it is accepted: the browser sees a plain 403, the page never opens.
async def _refuse(kind: str, message: str, receive: Receive, send: Send) -> None:
    body = msgspec.json.encode(ErrorReply(ErrorBody("forbidden", message)))
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    start, end = "http.response.start", "http.response.body"
    if kind == "websocket":
        await receive()
        start, end = "websocket.http.response.start", "websocket.http.response.body"
    opening: Any = {"type": start, "status": 403, "headers": headers}
    closing: Any = {"type": end, "body": body}
    await send(opening)
    await send(closing)
