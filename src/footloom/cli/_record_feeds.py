"""What `footloom record` listens to, and how: flags and settings as the feeds and the store want them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from footloom.config import Config
    from footloom.feeds.recorder import FeedSettings
    from footloom.store import Settings
    from footloom.venues._venue import Wanted

__all__ = ("settings_of", "store_settings", "wanted_of")

_ALWAYS = frozenset({"liquidation", "mark", "open_interest"})


def wanted_of(
    symbols: Sequence[str], *, depth: int | None, quotes: bool, options: str = "", tape: str = ""
) -> list[tuple[str, Wanted]]:
    """Return what to listen to; ``tape`` stands for the venue's usual one.

    Raises
    ------
    ConfigError
        A name cannot be, stands twice, or its venue has no such stream or tape.
    """
    from footloom.core.instrument import split_key
    from footloom.errors import ConfigError
    from footloom.feeds._symbol import TRADE_TAPES
    from footloom.feeds._venues import check_options, venue_named
    from footloom.venues._venue import Wanted

    asked = ({"depth"} if depth is not None else set()) | ({"quote"} if quotes else set())
    found: dict[tuple[str, str], Wanted] = {}
    for key in symbols:
        name, symbol = split_key(key)
        venue = venue_named(name)
        symbol = symbol.upper() if name.startswith(("binance", "bybit")) else symbol
        if tape and tape not in (have := sorted({venue.TAPE, *(venue.STREAMS & set(TRADE_TAPES))})):
            raise ConfigError(f"{key}: {name} has no tape {tape!r}: --tape may be {' or '.join(have)}")
        lacks = asked - venue.STREAMS
        if lacks:
            raise ConfigError(f"{key}: {name} has no {' and no '.join(sorted(lacks))}: leave the flag out")
        if (name, symbol) in found:
            raise ConfigError(f"{key} is named twice")
        streams = frozenset({tape or venue.TAPE} | (_ALWAYS & venue.STREAMS) | asked)
        if options:
            check_options(key, options)
        found[name, symbol] = Wanted(symbol=symbol, streams=streams, depth=depth or 0, options=options)
    return [(name, one) for (name, _), one in found.items()]


def settings_of(wanted: Sequence[tuple[str, Wanted]], settings: Config, **others: float) -> FeedSettings:
    """Return how the feeds shall run; ``others`` are fields of `FeedSettings`."""
    from footloom.feeds._venues import venue_named
    from footloom.feeds.endpoints import bases_of
    from footloom.feeds.recorder import FeedSettings

    names = {name for name, _ in wanted}
    fields: dict[str, float] = {"backfill_hours": 0.0, **others}
    return FeedSettings(
        bases={name: bases_of(name, venue_named(name).BASES, settings) for name in names},
        commit_s=settings.commit_ms / 1000,
        credentials={name: _credentials(name) for name in names},
        depth_quota_bytes=settings.depth_quota,
        **fields,  # type: ignore[arg-type]
    )


def store_settings(settings: Config) -> Settings:
    """Return how the store that is recorded into works."""
    from footloom.store import Settings

    return Settings(book_quota_bytes=settings.depth_quota)


def _credentials(venue: str) -> dict[str, str]:
    import importlib.util

    if importlib.util.find_spec("footloom.feeds.credentials") is None:
        return {}
    from footloom.feeds import credentials

    return dict(credentials.load(venue))
