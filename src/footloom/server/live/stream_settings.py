"""What the streams of a server are made of, and how they come and go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from footloom.errors import ConfigError, FootloomError, NotStored, StoreLocked
from footloom.feeds.flow import Commit, FeedState
from footloom.store import Store
from footloom.venues._venue import Wanted

__all__ = ("LINGER_S", "MOST_STREAMS", "READY_S", "LiveFeeds", "StreamSettings", "check_follows")

LINGER_S = 300.0
READY_S = 20.0
RETRY_S = 1.0
MOST_STREAMS = 100


class LiveFeeds(Protocol):
    """Live sources of several symbols, as `footloom.feeds.recorder.Recorder` is; symbols may come and go."""

    @property
    def resolved(self) -> dict[str, str]:
        """Keys as people write them to those of the venue, where they differ."""

    async def run(self, publish: Callable[[Commit], None]) -> None:
        """Receive, record and publish until cancelled."""

    def state(self) -> Sequence[tuple[str, FeedState]]:
        """Return how the feed of every symbol stands."""

    def add(self, venue: str, wanted: Wanted) -> str:
        """Start a symbol's stream where it does not run; returns its key."""

    def drop(self, key: str) -> None:
        """End a symbol's stream."""


@dataclass(frozen=True, kw_only=True)
class StreamSettings:
    """How streams come and go.

    Attributes
    ----------
    make
        Makes the feeds of some symbols over the store that is open for writing.
    beside
        Makes the feeds of a store that another process, named in words, writes to.
    wanted_of
        Says what to listen to for a key; `ConfigError` where its venue cannot be listened to.
    pinned
        What runs from the start to the end.
    on_demand
        Whether anything else may be opened.
    linger_s
        How long a stream goes on after the last who needed it.
    ready_s
        How long who opens a stream waits for the first trade.
    retry_s
        How long after a fault streams begin again that are pinned or that somebody looks at; after further faults,
        longer.
    most
        How many may run beside the pinned ones.
    """

    make: Callable[[Store, Sequence[tuple[str, Wanted]]], LiveFeeds]
    beside: Callable[[str], LiveFeeds]
    wanted_of: Callable[[str], tuple[str, Wanted]]
    pinned: tuple[str, ...] = ()
    on_demand: bool = True
    linger_s: float = LINGER_S
    ready_s: float = READY_S
    retry_s: float = RETRY_S
    most: int = MOST_STREAMS

    def check(self, key: str) -> None:
        """Refuse a symbol that is not pinned and cannot be listened to.

        Raises
        ------
        NotStored
            Streams are not started on demand.
        ConfigError
            There is no such venue, or it needs a login.
        """
        if not self.on_demand:
            raise NotStored(
                f"nothing of {key} is stored, and streams are not started on demand here: name it behind "
                "footloom serve, or set on_demand = true"
            )
        self.wanted_of(key)

    def sends(self, key: str) -> bool:
        """Say whether a symbol that is not pinned can be listened to."""
        try:
            self.check(key)
        except FootloomError:
            return False
        return True


def check_follows(settings: StreamSettings, key: str, rule: str, holder: str | None, *, runs: bool) -> None:
    """Refuse to listen to the options of a key where that cannot be; ``runs`` says whether the key is listened to.

    Raises
    ------
    ConfigError
        Streams are not started on demand.
    StoreLocked
        Another process, ``holder``, records.
    NotStored
        Nothing listens to the key itself.
    """
    what = f"the options of {key} are not followed"
    if not settings.on_demand:
        raise ConfigError(f"{what}: nothing is started on demand here, set on_demand = true")
    if holder is not None:
        raise StoreLocked(f"{what}: the store is recorded by {holder}; add --options {rule} there")
    if not runs:
        raise NotStored(f"{what}: nothing listens to {key} here, open its chart")
