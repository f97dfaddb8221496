"""A socket of Bybit's v5 public streams: operations, their answers, snapshots on subscribing."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any, Protocol

import msgspec

from footloom.testing.venues.dialect import Out, Place
from footloom.testing.venues.wire import Connection, frame

__all__ = ("Socket", "Topics")

_MOST_TEXT = 21_000
_IDLE_S = 600.0


class Topics(Protocol):
    """What a socket asks its venue."""

    place: Place

    def wrong(self, topic: str) -> str:
        """Return why a topic cannot be subscribed to, "" where it can."""

    def first(self, topic: str) -> bytes | None:
        """Return what is sent first of a topic."""


class Socket:
    """One WebSocket of a client."""

    def __init__(self, venue: Topics) -> None:
        self.connection: Connection  # from `opened` on
        self._venue = venue
        self._id = str(uuid.uuid4())
        self._topics: dict[str, None] = {}
        self._dead = venue.place.faults.under_way("wrong_path", venue.place.since_ns) is not None
        self._idle: asyncio.TimerHandle | None = None

    def opened(self, connection: Connection) -> None:
        """Begin: the venue says nothing on its own."""
        self.connection = connection
        self.pinged()

    def closed(self) -> None:
        """Forget it."""
        if self._idle is not None:
            self._idle.cancel()
        for topic in self._topics:
            self._venue.place.channels.remove(topic, self)
        self._venue.place.changed()

    def pinged(self) -> None:
        """Stay open for another ten minutes."""
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(_IDLE_S, self.connection.close, 1000)

    def takes(self, out: Out) -> bytes:
        """Return a message as a frame."""
        return frame(out.payload)

    def heard(self, message: str | bytes) -> None:
        """Answer an operation."""
        self.pinged()
        try:
            asked = msgspec.json.decode(message)
        except msgspec.DecodeError:
            asked = None
        if not isinstance(asked, dict) or not isinstance(asked.get("op"), str):
            self._reply({}, "error:request body is invalid", success=False)
            return
        operation, args = asked["op"], asked.get("args", [])
        if operation == "ping":
            self._reply(asked, "pong")
        elif operation in {"subscribe", "unsubscribe"} and isinstance(args, list) and all(map(_is_text, args)):
            (self._subscribe if operation == "subscribe" else self._unsubscribe)(asked, args)
            self._venue.place.changed()
        else:
            self._reply(asked, f"error:unknown operation {operation[:40]}", success=False)

    def _subscribe(self, asked: dict[str, Any], topics: list[str]) -> None:
        wrong = next((text for topic in topics if (text := self._wrong(topic))), "")
        if not wrong and sum(map(len, (*self._topics, *topics))) > _MOST_TEXT:
            wrong = f"error:args length exceeds {_MOST_TEXT}"
        if wrong:
            self._reply(asked, wrong, success=False)
            return
        self._reply(asked, "")
        for topic in topics:
            self._topics[topic] = None
            if not self._dead:
                first = self._venue.first(topic)
                if first is not None:
                    self.connection.send(first)
                self._venue.place.channels.add(topic, self)

    def _wrong(self, topic: str) -> str:
        return f"error:already subscribed,topic:{topic}" if topic in self._topics else self._venue.wrong(topic)

    def _unsubscribe(self, asked: dict[str, Any], topics: list[str]) -> None:
        for topic in topics:
            self._topics.pop(topic, None)
            self._venue.place.channels.remove(topic, self)
        self._reply(asked, "")

    def _reply(self, asked: dict[str, Any], text: str, *, success: bool = True) -> None:
        answer = {"success": success, "ret_msg": text, "conn_id": self._id}
        answer |= {"req_id": str(asked.get("req_id", "")), "op": str(asked.get("op", ""))}
        self.connection.send(msgspec.json.encode(answer))


def _is_text(value: object) -> bool:
    return isinstance(value, str)
