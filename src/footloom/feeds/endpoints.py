"""Where a venue is: its own addresses, or one server that stands for all of them."""

from __future__ import annotations

import msgspec

from footloom.config import Config
from footloom.errors import ConfigError
from footloom.feeds._venues import venue_named
from footloom.venues._venue import Bases

__all__ = ("bases_at", "bases_of", "checked")


def bases_at(url: str) -> Bases:
    """Return the bases of a server that has everything on one host and port.

    Examples
    --------
    >>> bases_at("http://127.0.0.1:9001").ws
    'ws://127.0.0.1:9001'
    """
    return Bases(ws=f"ws{url.removeprefix('http')}", rest=url, archive=f"{url}/archive")


def checked(config: Config) -> Config:
    """Return the settings, whose endpoints are all of venues: a slip in a name would reach for the real exchange.

    Raises
    ------
    ConfigError
        An endpoint is that of no venue.
    """
    for name in config.endpoints:
        try:
            venue_named(name)
        except ConfigError as error:
            raise ConfigError(f"the endpoint of {name!r}: {error}") from None
    return config


def bases_of(venue: str, usual: Bases, config: Config) -> Bases:
    """Return a venue's bases: ``usual``, where the settings name no other server."""
    url = checked(config).endpoints.get(venue)
    if url is not None:
        return bases_at(url)
    socket = config.sockets.get(venue)
    return usual if socket is None else msgspec.structs.replace(usual, ws=socket)
