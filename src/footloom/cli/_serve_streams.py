"""How `footloom serve` listens to venues: what is asked for at the start, and what a client opens later."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from footloom.errors import ConfigError

if TYPE_CHECKING:
    from footloom.config import Config
    from footloom.server.live.stream_settings import LiveFeeds, StreamSettings
    from footloom.server.services import Services
    from footloom.server.stored.catalogue import Catalogue
    from footloom.store import Store
    from footloom.venues._venue import Wanted

__all__ = ("Venues", "shown")

_SHOWN = frozenset({"quote"})  # heard, and not stored


def shown(keys: Sequence[str]) -> list[tuple[str, Wanted]]:
    """Return what is listened to for some keys: what is recorded, and best bid and ask, which are shown alone.

    Raises
    ------
    ConfigError
        There is no such venue, or a key stands twice.
    """
    if not keys:
        return []
    import msgspec

    from footloom.cli._record_feeds import wanted_of
    from footloom.feeds._venues import venue_named

    return [
        (name, msgspec.structs.replace(one, streams=one.streams | (_SHOWN & venue_named(name).STREAMS)))
        for name, one in wanted_of(keys, depth=None, quotes=False)
    ]


class Venues:
    """The venues of one server: where they are, and what their accounts need.

    Parameters
    ----------
    settings
        The process's settings.
    followed
        The collection that messages of Upstox come from, "" where there is none: the account itself is then not
        listened to, or each of them would come twice.
    """

    def __init__(self, settings: Config, followed: str = "") -> None:
        from footloom.cli._record_feeds import settings_of
        from footloom.feeds._venues import live_venues

        self._settings = settings
        self._followed = followed
        every: Any = [(name, None) for name in live_venues()]
        how = settings_of(every, settings, backfill_hours=settings.backfill_hours)
        self._credentials = {name: dict(values) for name, values in how.credentials.items()}
        self._pinned: frozenset[str] = frozenset()
        self._how = dataclasses.replace(how, shown_only=_SHOWN, credentials=self._credentials)

    def stream_settings(self, services: Services, pinned: Sequence[str]) -> StreamSettings:
        """Return how streams come and go; ``pinned`` runs from the start to the end."""
        from footloom.server.live.stream_settings import StreamSettings
        from footloom.server.stored.beside import Beside

        self._pinned = frozenset(pinned)

        def beside(holder: str) -> LiveFeeds:
            return Beside(services.history, (), holder, services.hub.reread)

        return StreamSettings(
            make=self._recorder,
            beside=beside,
            wanted_of=self._wanted_of,
            pinned=tuple(pinned),
            on_demand=self._settings.on_demand,
            linger_s=self._settings.linger_s,
            most=self._settings.max_streams,
        )

    def catalogue(self) -> Catalogue:
        """Return what the venues list, to search in."""
        from footloom.server.stored.catalogue import Catalogue

        return Catalogue(self._how.bases, self._lacks_login)

    def log_in(self, services: Services, venue: str, values: Mapping[str, str]) -> None:
        """Go on with new credentials, also where a feed of that venue starts later."""
        self._credentials[venue] = dict(values)
        if services.streams is not None:
            services.streams.log_in(venue, values)

    def _recorder(self, store: Store, wanted: Sequence[tuple[str, Wanted]]) -> LiveFeeds:
        from footloom.feeds.recorder import Recorder

        return Recorder(store, wanted, self._how)

    # A symbol of an account that nobody has logged in to would wait for ever. One that was named at the start may wait:
    # its feed says for what, the form on the page lets it go on, and the other venues are not held up.
    def _wanted_of(self, key: str) -> tuple[str, Wanted]:
        lacks = self._lacks_login(key.partition(":")[0])
        if lacks and key not in self._pinned:
            raise ConfigError(f"{key} cannot be listened to: {lacks}")
        return shown([key])[0]

    def _lacks_login(self, venue: str) -> str:
        from footloom.cli._serve_documents import DOCUMENTS
        from footloom.feeds import credentials
        from footloom.server.access.login_forms import LOGIN_WAYS

        if self._followed and venue == DOCUMENTS:
            return f"its messages come from {self._followed}, and are there to chart once one is inserted"
        if venue not in LOGIN_WAYS or self._credentials.get(venue):
            return ""
        stands = credentials.standing(venue, time.time_ns(), self._settings.folder)
        if stands.state not in {"none", "ended"}:
            return ""
        return f"{stands.text}, or log in on the page"
