"""Whether the server is well, and how its feeds stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
from litestar import get

import footloom
from footloom.server.messages import FeedText
from footloom.server.routes.parameters import Shared

__all__ = ("Health", "feeds", "health")


class Health(msgspec.Struct, frozen=True):
    """How the server is: ``ready``, or ``degraded`` with the reasons."""

    status: Literal["ready", "degraded"]
    server: str
    reasons: Sequence[str]
    live: Sequence[str]
    topics: int
    clients: int
    feeds: Sequence[FeedText] = ()


@get("/health", summary="Is the server well?", tags=["server"])
async def health(services: Shared) -> Health:
    """Say whether everything runs, and what does not."""
    reasons = sorted(services.trouble.values())
    return Health(
        status="degraded" if reasons else "ready",
        server=f"footloom {footloom.__version__}",
        reasons=reasons,
        live=sorted(services.live),
        topics=len(services.hub.topics),
        clients=len(services.sessions),
        feeds=services.hub.board.rows(),
    )


@get("/api/v1/feeds", summary="How the live feeds stand", tags=["server"])
async def feeds(services: Shared) -> list[FeedText]:
    """List the symbols whose feed runs here, in the order in which they were asked for."""
    return list(services.hub.board.rows())
