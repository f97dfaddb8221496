"""The wires of three older programs, so that pages which were written for them work unchanged (`docs/compat.md`)."""

from __future__ import annotations

from collections.abc import Sequence

from litestar.types import ControllerRouterHandler

from footloom.server.arrow import ARROW_ROUTES
from footloom.server.compat.orderflow_ws import orderflow

__all__ = ("WIRES", "compat_routes")

WIRES = ("001", "002", "003")


def compat_routes(at_root: str | None = None) -> Sequence[ControllerRouterHandler]:
    """Return the routes of the older wires; those of ``at_root`` (001, 002 or 003) stand at the root too."""
    del at_root
    return [orderflow, *ARROW_ROUTES]
