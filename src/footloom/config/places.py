"""Addresses that stand for a venue's own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import SplitResult, urlsplit

from footloom.config.settings import FILE
from footloom.errors import ConfigError

__all__ = ("endpoint_of", "endpoints_from")


def endpoint_of(text: str) -> tuple[str, str]:
    """Return venue and base address of ``VENUE=URL``.

    Raises
    ------
    ConfigError
        It is something else.

    Examples
    --------
    >>> endpoint_of("binance_usdm=http://127.0.0.1:9001/")
    ('binance_usdm', 'http://127.0.0.1:9001')
    """
    venue, equals, url = text.partition("=")
    if not equals or not re.fullmatch(r"[a-z][a-z0-9_]*", venue):
        raise ConfigError(f"the endpoint {text!r} is no VENUE=URL, such as binance_usdm=http://127.0.0.1:9001")
    return venue, _address(venue, url)


def endpoints_from(table: object, variables: Mapping[str, str], flags: Sequence[str]) -> dict[str, str]:
    """Return the endpoints of the file's table, below those of ``FOOTLOOM_ENDPOINT_VENUE``, below the flags'.

    Raises
    ------
    ConfigError
        One is no address.
    """
    if not isinstance(table, dict):
        raise ConfigError(f'{FILE}: endpoints is {table!r}, not a table: write [endpoints] and VENUE = "URL" below it')
    found = {str(venue): _address(str(venue), str(url)) for venue, url in table.items()}
    found |= {venue: _address(venue, url) for venue, url in variables.items() if url}
    return found | dict(endpoint_of(text) for text in flags)


def _address(venue: str, url: str) -> str:
    parts = urlsplit(url)
    extra = parts.query or parts.fragment or parts.username
    if parts.scheme not in {"http", "https"} or not parts.hostname or extra or not _has_port(parts):
        raise ConfigError(f"the endpoint of {venue} is {url!r}, no address such as http://127.0.0.1:9001")
    return url.rstrip("/")


def _has_port(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:
        return False
