"""How the server stands: alive, ready, or degraded and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import SkipValidation

import footloom
from footloom.feeds.clock import clock_words
from footloom.server.port import LIVE_PATH
from footloom.server.routes.metrics import metrics
from footloom.server.services import Services
from footloom.server.wire.messages import FeedText

__all__ = ("STANDING_ROUTES", "Alive", "Health", "alive", "health", "ready")

Shared = NamedDependency[SkipValidation[Services]]
_NO_STORE = {"cache-control": "no-store"}
_TROUBLED = frozenset({"reconnecting", "stale", "stopped"})
_OFF_MS = 1000.0  # what is late, and when bars end, cannot be told with a clock that is off by more
_ANOTHER_TIME_MS = 86_400_000.0  # who differs by more is no wrong clock: a replay, a venue for tests


class Alive(msgspec.Struct, frozen=True):
    """The process answers."""

    status: Literal["live"]
    server: str


class Health(msgspec.Struct, frozen=True):
    """Whether the server is well, and what does not run.

    ``status`` is ``degraded`` while there are ``reasons``; ``server`` is the version, ``live`` the keys whose feeds run
    here, ``topics`` and ``clients`` count what is watched and by how many.
    """

    status: Literal["ready", "degraded"]
    server: str
    reasons: Sequence[str]
    live: Sequence[str]
    topics: int
    clients: int
    feeds: Sequence[FeedText] = ()


@get(LIVE_PATH, summary="Does the process answer?", tags=["server"], sync_to_thread=False)
def alive() -> Response[Alive]:
    """Answer: whoever asks, without a token, and whatever else is wrong."""
    return Response(Alive("live", "footloom"), headers=_NO_STORE)


@get("/health", summary="Is the server well?", tags=["server"], sync_to_thread=False)
def health(services: Shared) -> Response[Health]:
    """Say whether everything runs, and what does not."""
    return Response(_health(services), headers=_NO_STORE)


@get("/readyz", summary="Does it receive and record?", tags=["server"], sync_to_thread=False)
def ready(services: Shared) -> Response[Health]:
    """Answer as `/health`, with status 503 while a feed that was asked for has stopped, or nothing is recorded.

    A feed that connects again by itself is degraded, and ready: nobody else could receive it sooner.
    """
    found = _health(services)
    stopped = any(row.phase == "stopped" and row.symbol in found.live for row in found.feeds)
    lost = {"feed", "journal"} & set(services.trouble) or stopped
    return Response(found, status_code=503 if lost else 200, headers=_NO_STORE)


def _health(services: Services) -> Health:
    reasons = _reasons(services)
    return Health(
        status="degraded" if reasons else "ready",
        server=f"footloom {footloom.__version__}",
        reasons=reasons,
        live=sorted(services.live),
        topics=len(services.hub.topics),
        clients=services.clients,
        feeds=services.hub.board.rows(),
    )


# A market that is shut is well, and one that has only begun to connect is not yet in trouble: one that says what it
# waits for (a login, a listing, an answer) is.
def _reasons(services: Services) -> list[str]:
    rows = services.hub.board.rows()
    feeds = [
        f"{row.symbol} is {row.phase}{f': {row.text}' if row.text else ''}"
        for row in rows
        if row.phase in _TROUBLED or (row.phase == "connecting" and row.text)
    ]
    offsets = [(row.symbol, row.offset_ms) for row in rows if abs(row.offset_ms or 0.0) < _ANOTHER_TIME_MS]
    clock = clock_words(offsets, _OFF_MS)
    return sorted(services.trouble.values()) + feeds + ([clock] if clock else [])


STANDING_ROUTES = (alive, health, ready, metrics)
