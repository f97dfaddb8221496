"""Which venues can be listened to."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

import footloom.venues
from footloom.errors import ConfigError

__all__ = ("check_options", "live_venues", "venue_named")

_MOST_STRIKES = 50


def live_venues() -> list[str]:
    """Return the names of the venues that can be listened to."""
    names = [found.name for found in pkgutil.iter_modules(footloom.venues.__path__) if not found.name.startswith("_")]
    return [name for name in names if hasattr(importlib.import_module(f"footloom.venues.{name}"), "sockets")]


def venue_named(name: str) -> ModuleType:
    """Return the module of a venue.

    Raises
    ------
    ConfigError
        There is no such venue, or it has no live feed.
    """
    if name.isidentifier() and not name.startswith("_"):
        try:
            module = importlib.import_module(f"footloom.venues.{name}")
        except ModuleNotFoundError:
            module = None
        if module is not None and hasattr(module, "sockets"):
            return module
    raise ConfigError(f"{name!r} is no venue that can be listened to: there are {', '.join(live_venues())}")


def check_options(key: str, rule: str) -> None:
    """Refuse a rule such as ``atm±10`` that says not which options of a key to listen to.

    Raises
    ------
    ConfigError
        Its venue has no options, or it asks for too many.
    """
    venue = venue_named(key.partition(":")[0])
    if not hasattr(venue, "parse_options"):
        raise ConfigError(f"{key} has no options that could be listened to")
    if venue.parse_options(rule).strikes > _MOST_STRIKES:
        raise ConfigError(f"--options {rule!r} is no atm±N with N up to {_MOST_STRIKES}, such as atm±10")
