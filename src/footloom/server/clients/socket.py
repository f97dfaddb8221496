"""The connection of a client, as whoever serves it needs it."""

from __future__ import annotations

from typing import Protocol

from footloom.server.wire.frames import Message

__all__ = ("Disconnected", "Socket")


class Disconnected(Exception):
    """The client went away."""


class Socket(Protocol):
    """`Disconnected` is raised when it is gone."""

    def offer(self, message: Message) -> bool:
        """Send one message if the connection takes more just now, and say whether it does."""

    async def send(self, message: Message) -> None:
        """Send one message as soon as the connection takes more."""

    async def receive(self) -> str | bytes:
        """Return the next message."""
