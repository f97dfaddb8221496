"""What `footloom doctor` finds on the way to the venues: names, connections, certificates, clocks, tokens."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from footloom.cli._doctor_store import Finding, State
from footloom.config import Config
from footloom.errors import FootloomError, Refused
from footloom.feeds import credentials, login
from footloom.feeds.endpoints import bases_of
from footloom.feeds.http import Http

__all__ = ("network_findings",)

_PATIENCE_S = 10.0
_PORTS = {"https": 443, "wss": 443, "http": 80, "ws": 80}
_OFF_MS, _FAR_OFF_MS = 250.0, 1000.0
_ASKED = 3
_HALF_NS = 500_000_000


async def network_findings(venues: list[ModuleType], settings: Config) -> list[Finding]:
    """Try the way to each address of each venue, all at a time, and the tokens; and compare the clocks."""
    jobs: list[Any] = []
    for venue in venues:
        bases = bases_of(venue.VENUE, venue.BASES, settings)
        places = {url.rstrip("/") for url in (bases.rest, bases.ws, bases.archive) if url}
        ways = {(parts.scheme, parts.hostname or "", parts.port) for parts in map(urlsplit, sorted(places))}
        tls_first = {(_is_tls(scheme), host, port or _PORTS[scheme]) for scheme, host, port in ways}
        jobs += [_way(venue.VENUE, tls, host, port) for tls, host, port in sorted(tls_first)]
        jobs.append(_clock(venue, settings))
        values = _kept(venue.VENUE, settings)
        if values:
            jobs.append(_token(venue, settings, values))
    return list(await asyncio.gather(*jobs))


# What is wrong with the file, and a token that has ended by its own word, is told beside (`token_findings`).
def _kept(venue: str, settings: Config) -> dict[str, str]:
    try:
        is_over = credentials.standing(venue, time.time_ns(), settings.folder).state == "ended"
        return {} if is_over else credentials.load(venue, settings.folder)
    except FootloomError:
        return {}


async def _token(venue: Any, settings: Config, values: dict[str, str]) -> Finding:
    http = Http(getattr(venue, "BUDGETS", {}))
    name = venue.VENUE
    try:
        async with asyncio.timeout(_PATIENCE_S):
            bases = bases_of(name, venue.BASES, settings)
            await login.tried(name, http, bases, values, now_ns=time.time_ns())
    except Refused as error:
        advice = f"footloom login {name}"
        return Finding(area="tokens", state="bad", text=f"{name}: the token is refused: {error}", advice=advice)
    except (FootloomError, TimeoutError) as error:
        why = str(error) or f"no answer within {_PATIENCE_S:g} s"
        text, advice = (
            f"{name}: the token could not be tried: {why}",
            f"see the network lines, then footloom login {name}",
        )
        return Finding(area="tokens", state="bad", text=text, advice=advice)
    finally:
        await http.aclose()
    return Finding(area="tokens", state="ok", text=f"{name}: the token was tried, and is taken")


def _is_tls(scheme: str) -> bool:
    return scheme in {"https", "wss"}


async def _way(venue: str, tls: bool, host: str, port: int) -> Finding:
    place = f"{venue}: {host}:{port}"
    began = time.monotonic()
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
            _, writer = await asyncio.open_connection(host, port, ssl=ssl.create_default_context() if tls else None)
    except socket.gaierror as error:
        advice = "check the network and its name server; some networks block exchanges"
        return Finding(area="network", state="bad", text=f"{place}: no such name ({error.strerror})", advice=advice)
    except ssl.SSLCertVerificationError as error:
        advice = "check this machine's clock, and whether a proxy stands between"
        text = f"{place}: its certificate is not trusted ({error.verify_message})"
        return Finding(area="network", state="bad", text=text, advice=advice)
    except (OSError, TimeoutError) as error:
        number = None if isinstance(error, ssl.SSLError) else error.errno  # TLS has numbers of its own
        said = os.strerror(number) if number else str(error)
        why = "no answer" if isinstance(error, TimeoutError) else said
        advice = "check the firewall, and whether the venue is up"
        return Finding(area="network", state="bad", text=f"{place}: no connection ({why})", advice=advice)
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    kind = "connected, certificate trusted" if tls else "connected"
    return Finding(area="network", state="ok", text=f"{place}: {kind}, {(time.monotonic() - began) * 1e3:,.0f} ms")


async def _clock(venue: Any, settings: Config, wall_ns: Callable[[], int] = time.time_ns) -> Finding:
    http = Http(getattr(venue, "BUDGETS", {}))
    try:
        offsets = []
        for _ in range(_ASKED):
            before = wall_ns()
            async with asyncio.timeout(_PATIENCE_S):
                told = await _told_ns(venue, http, settings)
            after = wall_ns()
            if told is None:
                return Finding(area="clock", state="ok", text=f"{venue.VENUE}: its answers say no time")
            venue_ns, error_ns = told
            offsets.append((after - before + 2 * error_ns, ((before + after) // 2 - venue_ns) / 1e6))
    except (FootloomError, TimeoutError) as error:
        why = str(error) or f"no answer within {_PATIENCE_S:g} s"
        return Finding(area="clock", state="bad", text=f"{venue.VENUE}: {why}", advice="see its network lines")
    finally:
        await http.aclose()
    trip_ns, offset_ms = min(offsets)  # the quickest answer tells best
    return _judged(venue.VENUE, offset_ms, trip_ns / 2e6)


# The venue's time, and how far it may be off: who has no call for it says it in the head of any answer, to the second.
async def _told_ns(venue: Any, http: Http, settings: Config) -> tuple[int, int] | None:
    bases = bases_of(venue.VENUE, venue.BASES, settings)
    if hasattr(venue, "server_time"):
        return venue.read_time(await http.get(venue.server_time(bases))), 0
    told_ns = await http.date_ns(bases.rest)
    return None if told_ns is None else (told_ns + _HALF_NS, _HALF_NS)


def _judged(venue: str, offset_ms: float, error_ms: float) -> Finding:
    way = "ahead of" if offset_ms >= 0 else "behind"
    text = f"{abs(offset_ms):,.0f} ms {way} {venue} (± {error_ms:,.0f})"
    sure_ms = abs(offset_ms) - error_ms
    state: State = "bad" if sure_ms > _FAR_OFF_MS else "warn" if sure_ms > _OFF_MS else "ok"
    advice = "" if state == "ok" else "let NTP keep this machine's clock (timedatectl set-ntp true, or chrony)"
    return Finding(area="clock", state=state, text=text, advice=advice)
