"""What a venue's wire has to say for itself: messages by channel, sessions, answers over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from footloom.core.trades import Trades
from footloom.testing.venues.faults import Faults
from footloom.testing.venues.market import Listing, Market
from footloom.testing.venues.wire import Call, Connection, Reply, Session

__all__ = ("Channels", "Dialect", "Listener", "Out", "Place")


class Out(msgspec.Struct, frozen=True, gc=False):
    """One message to all who listen to a channel.

    ``kind`` is what faults call it (``trade``, ``book`` ...), ``key`` its unique name.
    """

    channel: str
    payload: bytes
    kind: str
    key: bytes


class Channels:
    """Who listens to what."""

    def __init__(self) -> None:
        self._listeners: dict[str, dict[Listener, None]] = {}

    def add(self, channel: str, listener: Listener) -> None:
        """Let a session listen."""
        self._listeners.setdefault(channel, {})[listener] = None

    def remove(self, channel: str, listener: Listener) -> None:
        """Let it no longer listen."""
        listeners = self._listeners.get(channel, {})
        listeners.pop(listener, None)
        if not listeners:
            self._listeners.pop(channel, None)

    def __contains__(self, channel: str) -> bool:
        return channel in self._listeners

    def names(self) -> tuple[str, ...]:
        """Return the channels that somebody listens to."""
        return tuple(self._listeners)

    def of(self, channel: str) -> Iterable[Listener]:
        """Return who listens to a channel."""
        return tuple(self._listeners.get(channel, ()))


class Listener(Session, Protocol):
    """A session that takes messages of channels."""

    connection: Connection

    def takes(self, out: Out) -> bytes:
        """Return a message as frames of this socket."""


class Place(Protocol):
    """What a dialect sees of the venue that speaks it."""

    market: Market
    faults: Faults
    channels: Channels

    @property
    def now_ns(self) -> int:
        """The venue's clock."""

    @property
    def since_ns(self) -> int:
        """How long the market has been open."""

    def uptime_s(self) -> float:
        """Return the seconds of real time that the venue runs."""

    def changed(self) -> None:
        """Say that something changed which somebody may wait for."""


class Dialect(Protocol):
    """One venue's protocol."""

    venue: str
    beat_ns: int  # what is sent in regular intervals comes at multiples of this
    too_often: Mapping[str, object]  # what it says with a 429

    def open(self, call: Call) -> Session | Reply:
        """Take a new socket, or refuse it."""

    def answer(self, call: Call) -> Reply | Awaitable[Reply]:
        """Answer a call."""

    def trades(self, listing: Listing, rows: Trades) -> Sequence[Out]:
        """Return the messages of what was traded."""

    def beat(self, at_ns: int) -> Sequence[Out]:
        """Return the messages that are due at an instant."""

    def ordered(self, kind: str) -> Sequence[Out]:
        """Do what only this venue can do of a fault: ``token``, ``u_reset``."""
