"""How the feeds stand."""

from __future__ import annotations

from litestar import get

from footloom.server.routes.parameters import Shared
from footloom.server.wire.messages import FeedText

__all__ = ("feeds",)


@get("/api/v1/feeds", summary="How the live feeds stand", tags=["server"])
async def feeds(services: Shared) -> list[FeedText]:
    """List the symbols whose feed runs here, in the order in which they were asked for."""
    return list(services.hub.board.rows())
