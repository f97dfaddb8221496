"""A socket of Binance's as its clients know it: control messages, raw and combined streams, limits."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

import msgspec

from footloom.testing.venues.dialect import Out, Place
from footloom.testing.venues.wire import Connection, frame

__all__ = ("Rules", "Socket", "Streams")

_MOST_STREAMS = 1024
_METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")


class Rules(msgspec.Struct, frozen=True):
    """Pings of the server and limits of the client, in seconds."""

    ping_s: float
    pong_s: float
    messages_per_s: int
    life_s: float = 24 * 3600.0


class Streams(Protocol):
    """What a socket asks its venue."""

    place: Place
    rules: Rules

    def serves(self, route: str, stream: str) -> bool:
        """Say whether data of a stream comes on a route."""


class Socket:
    """One WebSocket of a client; what it subscribes to on the wrong route is acknowledged, and silent."""

    def __init__(self, venue: Streams, route: str, streams: tuple[str, ...], *, combined: bool) -> None:
        self.connection: Connection  # from `opened` on
        self._venue, self._route, self._combined = venue, route, combined
        self._streams = dict.fromkeys(streams)
        self._dead = venue.place.faults.under_way("wrong_path", venue.place.since_ns) is not None
        self._times: list[float] = []
        self._timers: list[asyncio.TimerHandle] = []
        self._ponged = 0.0

    def opened(self, connection: Connection) -> None:
        """Begin with the streams of the address."""
        self.connection = connection
        for stream in self._streams:
            self._listen(stream)
        self._venue.place.changed()
        self._ponged = asyncio.get_running_loop().time()
        self._later(self._venue.rules.ping_s, self._ping)
        self._later(self._venue.rules.life_s, lambda: connection.close(1001, "24 hours"))

    def closed(self) -> None:
        """Forget it."""
        for timer in self._timers:
            timer.cancel()
        for stream in self._streams:
            self._venue.place.channels.remove(stream, self)
        self._venue.place.changed()

    def pinged(self) -> None:
        """Count a ping or a pong: they are messages too."""
        self._ponged = asyncio.get_running_loop().time()
        self._allowed()

    def heard(self, message: str | bytes) -> None:
        """Answer a control message."""
        if not self._allowed():
            return
        try:
            asked = msgspec.json.decode(message)
        except msgspec.DecodeError as error:
            self._error(3, f"Invalid JSON: {error}", None)
            return
        answer = self._answer(asked) if isinstance(asked, dict) else None
        if answer is None:
            self._error(2, "Invalid request: request must be an object", None)
            return
        self.connection.send(msgspec.json.encode(answer))
        self._venue.place.changed()

    def takes(self, out: Out) -> bytes:
        """Return a message as a frame: alone, or with the name of its stream."""
        if self._combined:
            return frame(b'{"stream":"' + out.channel.encode() + b'","data":' + out.payload + b"}")
        return frame(out.payload)

    def _answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        method, params, number = asked.get("method"), asked.get("params", []), asked.get("id")
        if not isinstance(method, str) or method not in _METHODS:
            return _failure(2, f"Invalid request: unknown variant `{method}`, expected one of {_METHODS}", number)
        if not isinstance(params, list):
            return _failure(2, "Invalid request: params must be a list", number)
        if method.endswith("PROPERTY"):
            return self._property(method, params, number)
        return self._listening(method, params, number)

    def _listening(self, method: str, params: list[Any], number: Any) -> dict[str, Any]:
        if not all(isinstance(one, str) for one in params):
            return _failure(1, "Invalid value type: expected a list of strings", number)
        if method == "SUBSCRIBE":
            return self._subscribe(params, number)
        if method == "UNSUBSCRIBE":
            self._unsubscribe(params)
            return {"result": None, "id": number}
        return {"result": list(self._streams), "id": number}

    def _subscribe(self, streams: list[str], number: Any) -> dict[str, Any]:
        if len(self._streams.keys() | set(streams)) > _MOST_STREAMS:
            return _failure(2, f"Invalid request: too many streams, at most {_MOST_STREAMS}", number)
        for stream in streams:
            self._streams[stream] = None
            self._listen(stream)
        return {"result": None, "id": number}

    def _unsubscribe(self, streams: list[str]) -> None:
        for stream in streams:
            self._streams.pop(stream, None)
            self._venue.place.channels.remove(stream, self)

    def _property(self, method: str, params: list[Any], number: Any) -> dict[str, Any]:
        if not params or params[0] != "combined":
            return _failure(0, f"Unknown property: {params[:1]}", number)
        if method == "GET_PROPERTY":
            return {"result": self._combined, "id": number}
        if len(params) < 2 or not isinstance(params[1], bool):
            return _failure(1, "Invalid value type: expected Boolean", number)
        self._combined = params[1]
        return {"result": None, "id": number}

    def _listen(self, stream: str) -> None:
        if not self._dead and self._venue.serves(self._route, stream):
            self._venue.place.channels.add(stream, self)

    def _error(self, code: int, text: str, number: Any) -> None:
        self.connection.send(msgspec.json.encode(_failure(code, text, number)))

    def _allowed(self) -> bool:
        now = asyncio.get_running_loop().time()
        self._times = [at for at in self._times if at > now - 1.0] + [now]
        if len(self._times) > self._venue.rules.messages_per_s:
            self.connection.close(1008, "Too many requests")
            return False
        return True

    def _ping(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._ponged > self._venue.rules.pong_s + self._venue.rules.ping_s:
            self.connection.close(1008, "Pong timeout")
            return
        self.connection.ping(b"%d" % (self._venue.place.now_ns // 1_000_000))
        self._timers = self._timers[-1:]
        self._later(self._venue.rules.ping_s, self._ping)

    def _later(self, seconds: float, what: Any) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(seconds, what))


def _failure(code: int, text: str, number: Any) -> dict[str, Any]:
    return {"code": code, "msg": text, "id": number}
