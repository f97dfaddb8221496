"""The wires of three older programs, so that pages which were written for them work unchanged (`docs/compat.md`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from litestar import Router
from litestar.di import Provide
from litestar.types import ControllerRouterHandler

from footloom.server.compat import blocks_sse, history_sse
from footloom.server.compat.arrow import ARROW_ROUTES
from footloom.server.compat.clients import Clients
from footloom.server.compat.orderflow_ws import orderflow
from footloom.server.routes.standing import health

__all__ = ("compat_clients", "compat_routes")

_WIRES = {
    "001": (history_sse.HISTORY_ROUTES, history_sse.DEFAULTS),
    "002": (blocks_sse.BLOCK_ROUTES, blocks_sse.DEFAULTS),
}


def compat_clients() -> dict[str, Clients]:
    """Return what is known of each wire's clients, for one server, under the names that `compat_routes` asks for."""
    return {_named(wire): Clients(wire, defaults) for wire, (_, defaults) in _WIRES.items()}


def compat_routes(handed: Callable[[str], Provide], at_root: str | None = None) -> Sequence[ControllerRouterHandler]:
    """Return the routes of the older wires; those of ``at_root`` (001, 002 or 003) stand at the root too.

    ``handed`` gives what a server has under a name.
    """
    routes: list[ControllerRouterHandler] = [orderflow, Router("/compat/003", route_handlers=[health]), *ARROW_ROUTES]
    for wire, (handlers, _) in _WIRES.items():
        provided = {"clients": handed(_named(wire))}
        routes.append(Router(f"/compat/{wire}", route_handlers=handlers, dependencies=provided))
        if at_root == wire:
            routes.append(Router("/", route_handlers=handlers, dependencies=provided))
    return routes


def _named(wire: str) -> str:
    return f"clients {wire}"
