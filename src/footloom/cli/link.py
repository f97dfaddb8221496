"""``footloom link``: the link that lets a phone or another machine in, with its token."""

from __future__ import annotations

import typer

from footloom.cli._front import ListenHostFlag, ListenPortFlag, TlsCertFlag, TlsKeyFlag, link_lines, serving_flags
from footloom.cli._shared import AllowHostFlag, as_usage

__all__ = ("link",)

_EVERYWHERE = "0.0.0.0"  # noqa: S104 - only named


def link(
    host: ListenHostFlag = None,
    port: ListenPortFlag = None,
    allow_host: AllowHostFlag = None,
    tls_cert: TlsCertFlag = None,
    tls_key: TlsKeyFlag = None,
) -> None:
    """Print the link, and a QR code of it, for a server that asks for a token.

    Give it the same flags as that server, and the same settings.
    """
    import msgspec

    from footloom import config
    from footloom.server.access.auth import kept_token
    from footloom.server.port import is_loopback

    with as_usage():
        settings = config.load(flags=serving_flags(host, port, allow_host, None, (tls_cert, tls_key)))
    if host is None and is_loopback(settings.host) and not settings.allow_host:
        settings = msgspec.structs.replace(settings, host=_EVERYWHERE)
    token = settings.token or kept_token(settings.folder)
    for line in link_lines(settings, settings.port, str(token), may_show=True):
        typer.echo(line)
