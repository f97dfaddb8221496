"""What `footloom doctor` finds in the settings: each value, where it comes from, and what became of others' names."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from footloom.cli._doctor_store import Finding, State
from footloom.errors import FootloomError

if TYPE_CHECKING:
    from footloom.config import Config
    from footloom.core.instrument import Instrument

__all__ = ("lot_findings", "serving_findings", "settings_findings")

_PACKAGES = ("httpx", "numba", "numpy", "pyarrow", "websockets")


def settings_findings(settings: Config) -> Iterator[Finding]:
    """Say which versions run, what each setting is, and where it comes from."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("footloom", *_PACKAGES))
    yield Finding(area="versions", state="ok", text=f"{versions}, Python {platform.python_version()}")
    for name, origin in settings.origins.items():
        if name != "endpoints":
            yield Finding(area="settings", state="ok", text=f"{name} {_shown(name, settings)} ({origin})")
    for venue, url in settings.endpoints.items():
        yield Finding(area="settings", state="ok", text=f"{url} stands for {venue}")
    for notice in settings.notices:
        state: State = "warn" if notice.is_loud else "ok"
        yield Finding(area="settings", state=state, text=f"{notice.name}: {notice.text}")


# Of a secret one learns whether it is there, of an address with a password everything else.
def _shown(name: str, settings: Config) -> str:
    from footloom.config.settings import SETTINGS

    value = getattr(settings, name)
    if SETTINGS.get(name) is not None and SETTINGS[name].is_secret:
        return "set" if value else "not set"
    if value is None or value in ("", ()):
        return "not set"
    if isinstance(value, tuple):
        return ", ".join(value)
    parts = urlsplit(str(value))
    if parts.password is not None:
        return f"{parts.scheme}://***@{parts.netloc.rpartition('@')[2]}{parts.path}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def serving_findings(settings: Config) -> Iterator[Finding]:
    """Say who could reach a server with these settings, whether its port is free, and its certificate of use."""
    from footloom.server.listening import tls_of
    from footloom.server.port import bind, is_loopback, reachable_at

    try:
        bind(settings.host, settings.port).close()
        free = Finding(area="serving", state="ok", text=f"port {settings.port} of {settings.host} is free")
    except FootloomError as error:
        free = Finding(area="serving", state="warn", text=str(error), advice="that is well if it is the one you mean")
    yield free
    try:
        if tls_of(settings.tls_cert, settings.tls_key):
            yield Finding(area="serving", state="ok", text=f"{settings.tls_cert} is a certificate with its key: https")
    except FootloomError as error:
        yield Finding(area="serving", state="bad", text=str(error), advice="footloom serve does not start with it")
    if is_loopback(settings.host) and not settings.allow_host:
        asked = "who shows the token" if settings.token else "this machine alone"
        yield Finding(area="serving", state="ok", text=f"footloom serve answers {asked}")
    else:
        places = ", ".join([*settings.allow_host, *reachable_at(settings.host)])
        yield Finding(area="serving", state="ok", text=f"footloom serve answers who shows the token, at {places}")
        if settings.tls_cert is None and not settings.allow_host:
            text = "http: others in the network can read along"
            yield Finding(
                area="serving", state="warn", text=text, advice="--tls-cert, or a proxy with TLS (docs/serving.md)"
            )


def lot_findings(settings: Config, instruments: Iterable[Instrument]) -> Iterator[Finding]:
    """Compare the lot that was expected of the first symbol with the instrument's own."""
    if not settings.lot_size or not settings.symbols:
        return
    key = settings.symbols[0]
    found = [one for one in instruments if one.key == key]
    if not found:
        text = f"lot_size {settings.lot_size} of {key}: nothing is stored of it yet, so there is nothing to compare"
        yield Finding(area="settings", state="ok", text=text)
        return
    lot = found[-1].market_lot or found[-1].lot_size
    text = f"lot_size {settings.lot_size} is expected of {key}, its exchange trades it in lots of {lot.normalize():f}"
    if lot == Decimal(settings.lot_size):
        yield Finding(area="settings", state="ok", text=text)
    else:
        advice = "volumes stay as the exchange sends them; correct LOTSIZE, or the symbol"
        yield Finding(area="settings", state="warn", text=text, advice=advice)
