"""Who looks at topics, as a topic knows them. Posting never waits: what a slow client cannot take is its own affair."""

from __future__ import annotations

from typing import Protocol

from footloom.engine.frame import ChartFrame
from footloom.errors import FootloomError
from footloom.server.wire.frames import Frame, Message

__all__ = ("Client", "StateReader", "Subscriber")


class Client(Protocol):
    """Who looks, perhaps at several topics."""

    def post_status(self, key: str, said: Message) -> None:
        """Post the header of a symbol: a newer one replaces it."""


class Subscriber(Protocol):
    """One client's interest in one topic. Posting never waits: what a slow client cannot take is its own affair."""

    @property
    def client(self) -> Client:
        """Whose interest it is."""

    def post_bar(self, open_ns: int, frame: Frame) -> None:
        """Post an open bar: a newer form of the same bar replaces it."""

    def post_event(self, frame: Frame, *, ends_ns: int | None = None) -> None:
        """Post what must arrive; ``ends_ns`` is the open time of the bar whose open form it makes obsolete."""

    def resnapshot(self, rebuilt: tuple[int, int] | None = None, closed: ChartFrame | None = None) -> None:
        """Take back what waits and send a fresh snapshot instead.

        ``rebuilt`` is the time from which on bars were built anew, and the epoch that this began; ``closed`` are the
        bars that are final since, where no other has changed.
        """

    def drop(self, error: FootloomError) -> None:
        """Say that the topic cannot go on."""


class StateReader(Protocol):
    """A subscriber that takes other states than bars too."""

    def post_state(self, key: object, frame: Frame) -> None:
        """Post what a newer frame under the same key replaces."""
