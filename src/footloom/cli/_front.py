"""Where a page is served, to whom, and what is said of it: `serve` and `demo` alike."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from footloom.cli._shared import open_in_browser, say

if TYPE_CHECKING:
    import asyncio
    import socket

    from litestar.types import ASGIApp

    from footloom.config import Config
    from footloom.server.access.auth import Access
    from footloom.server.listening import ConnectionLimits

__all__ = (
    "Front",
    "ListenHostFlag",
    "ListenPortFlag",
    "TlsCertFlag",
    "TlsKeyFlag",
    "front_of",
    "link_lines",
    "serving_flags",
)

ListenHostFlag = Annotated[
    str | None,
    typer.Option(
        help="The address to listen on: 127.0.0.1, this machine alone; 0.0.0.0 lets others in, with a token.",
        show_default=False,
    ),
]
ListenPortFlag = Annotated[
    int | None, typer.Option(min=0, max=65535, help="8123; 0 takes a free one.", show_default=False)
]
TlsCertFlag = Annotated[
    Path | None, typer.Option("--tls-cert", metavar="FILE", help="A certificate (PEM): the page is served over https.")
]
TlsKeyFlag = Annotated[Path | None, typer.Option("--tls-key", metavar="FILE", help="The certificate's key (PEM).")]


@dataclass(frozen=True, slots=True)
class Front:
    """A port that is taken, who may use it, its limits, and what to do when it answers."""

    listener: socket.socket
    access: Access
    limits: ConnectionLimits
    on_ready: Callable[[], None]

    async def listen(
        self,
        app: ASGIApp,
        *,
        background: Callable[[], Awaitable[None]] | None = None,
        stop: asyncio.Event | None = None,
    ) -> None:
        """Serve an application until a signal comes or ``stop`` is set; ``background`` (the feed) runs beside it."""
        from footloom.server.run import listen

        await listen(app, self.listener, background=background, on_ready=self.on_ready, stop=stop, limits=self.limits)


def serving_flags(
    host: str | None,
    port: int | None,
    allow_host: list[str] | None,
    allow_origin: list[str] | None,
    tls: tuple[Path | None, Path | None],
) -> dict[str, object]:
    """Return the flags of serving as settings; what was not given stays with the settings."""
    cert, key = tls
    return {
        "host": host,
        "port": port,
        "allow_host": allow_host or None,
        "allow_origin": allow_origin or None,
        "tls_cert": None if cert is None else str(cert),
        "tls_key": None if key is None else str(key),
    }


def front_of(settings: Config, *, open_page: bool, as_json: bool) -> Front:
    """Take the port, and find out who may use it.

    Raises
    ------
    ConfigError
        The port is taken, the certificate cannot be used, or the token cannot be kept.
    """
    from footloom.server.port import bind

    # First the port: everything else takes longer to load than to say that it is in use.
    listener = bind(settings.host, settings.port)
    try:
        return _front_at(listener, settings, open_page=open_page, as_json=as_json)
    except BaseException:
        listener.close()
        raise


def _front_at(listener: socket.socket, settings: Config, *, open_page: bool, as_json: bool) -> Front:
    from footloom.server.access.auth import access_of, checked_origins
    from footloom.server.listening import ConnectionLimits, tls_of
    from footloom.server.logs import configure

    access = access_of(settings, origins=checked_origins(settings.allow_origin))
    configure(settings.log_format, secrets=secrets_of(settings, access))
    tls_of(settings.tls_cert, settings.tls_key)
    for notice in settings.notices:
        if notice.is_loud:
            say(f"{notice.name}: {notice.text}")
    limits = ConnectionLimits(
        max_connections=settings.max_connections,
        request_timeout_s=settings.request_timeout_s,
        ws_ping_interval=settings.ws_ping_interval,
        tls_cert=settings.tls_cert,
        tls_key=settings.tls_key,
    )
    port = listener.getsockname()[1]

    def on_ready() -> None:
        _announce(settings, port, access, open_page=open_page, as_json=as_json)

    return Front(listener, access, limits, on_ready)


def secrets_of(settings: Config, access: Access | None = None) -> list[str]:
    """Return every secret that this process knows, so that no log line shows one."""
    found = [settings.token, settings.mongo_uri, *settings.angelone.values()]
    if access is not None and access.token is not None:
        found += [access.token, access.cookie]
    return [str(one) for one in found if one]


def _announce(settings: Config, port: int, access: Access, *, open_page: bool, as_json: bool) -> None:
    scheme = "https" if settings.tls_cert else "http"
    near = _near(settings.host)
    address = _address(scheme, near, port)
    others = [_address(scheme, host, port) for host in _others(settings)]
    if as_json:
        import json

        from footloom.server.access.auth import token_path

        said: dict[str, Any] = {"status": "ready", "url": address}
        if access.token is not None:
            kept = None if settings.token is not None else str(token_path(settings.folder))
            said |= {"links": others, "token_required": True, "token_file": kept}
        typer.echo(json.dumps(said))
    else:
        may_show = access.token is not None and _may_show(settings)
        shown = f"{address}#token={access.token}" if may_show else address
        typer.echo(f"footloom is ready: {shown}   (Ctrl-C stops it)")
        if access.token is not None:
            for line in link_lines(settings, port, str(access.token), may_show=may_show):
                typer.echo(line)
    if open_page:
        open_in_browser(address)


# A token that the user set is shown to nobody but a person at a terminal; one that was made has to be told once,
# but not into a log.
def _may_show(settings: Config) -> bool:
    if settings.log_format == "json":
        return False
    return settings.token is None or sys.stdout.isatty()


def link_lines(settings: Config, port: int, token: str, *, may_show: bool) -> list[str]:
    """Return what to say of the links under which others open the page, with a QR code for the first one."""
    from footloom.server.port import is_loopback

    scheme = "https" if settings.tls_cert else "http"
    near = _near(settings.host)
    links = [_address(scheme, host, port) for host in dict.fromkeys((*_others(settings), near))]
    if not may_show:
        shown = ", ".join(links)
        return [f"it asks for a token. Addresses: {shown}. footloom link shows the link that holds the token"]
    lines = ["It asks for a token. Phones and other machines in this network open one of these links, which hold it:"]
    lines += [f"  {link}#token={token}" for link in links]
    if is_loopback(near):
        lines[-1] += "   (this machine alone)"
    lines += _qr(f"{links[0]}#token={token}") if sys.stdout.isatty() else []
    lines.append("Whoever has the link sees and does what you can here. footloom link shows it again.")
    if scheme == "http":
        lines.append(
            "This is http: others in the network can read along, and browsers off this machine offer no clipboard and "
            "no installing as an app. --tls-cert and --tls-key, or a proxy with TLS, bring both (docs/serving.md)."
        )
    return lines


def _others(settings: Config) -> list[str]:
    from footloom.server.port import reachable_at

    return [*settings.allow_host, *reachable_at(settings.host)]


def _near(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - only compared


def _address(scheme: str, host: str, port: int) -> str:
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/"


def _qr(link: str) -> list[str]:
    import io

    import segno

    drawn = io.StringIO()
    segno.make(link, error="l", micro=False).terminal(drawn, compact=True, border=2)
    return drawn.getvalue().splitlines()
