"""Where a venue is: its own addresses, or one server that stands for all of them."""

from __future__ import annotations

from footloom.config import Config
from footloom.venues._venue import Bases

__all__ = ("bases_at", "bases_of")


def bases_at(url: str) -> Bases:
    """Return the bases of a server that has everything on one host and port.

    Examples
    --------
    >>> bases_at("http://127.0.0.1:9001").ws
    'ws://127.0.0.1:9001'
    """
    return Bases(ws=f"ws{url.removeprefix('http')}", rest=url, archive=f"{url}/archive")


def bases_of(venue: str, usual: Bases, config: Config) -> Bases:
    """Return a venue's bases: ``usual``, where the settings name no other server."""
    url = config.endpoints.get(venue)
    return usual if url is None else bases_at(url)
