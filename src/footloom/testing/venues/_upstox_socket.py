"""A socket of Upstox's market data feed V3: binary frames, requests without acknowledgement, limits without a word."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from footloom.testing.venues.dialect import Out, Place
from footloom.testing.venues.wire import Connection, frame

__all__ = ("Feeds", "Socket")

_ALONE = {"ltpc": 5000, "option_greeks": 3000, "full": 2000, "full_d30": 50}
_TOGETHER = {"ltpc": 2000, "option_greeks": 2000, "full": 1500, "full_d30": 1500}
_PING_S = 20.0


class Feeds(Protocol):
    """What a socket asks its venue."""

    place: Place

    def market_info(self) -> bytes:
        """Return the first message of a socket."""

    def initial(self, mode: str, keys: Sequence[str]) -> bytes | None:
        """Return what is known of keys, None where nothing is."""

    def left_socket(self, token: str) -> None:
        """Take note of a socket that has ended."""


class Socket:
    """One WebSocket of a client."""

    def __init__(self, venue: Feeds, token: str, *, plus: bool) -> None:
        self.connection: Connection  # from `opened` on
        self._venue, self._token, self._plus = venue, token, plus
        self._modes: dict[str, str] = {}
        self._dead = venue.place.faults.under_way("wrong_path", venue.place.since_ns) is not None
        self._timer: asyncio.TimerHandle | None = None

    def opened(self, connection: Connection) -> None:
        """Begin with the state of the market."""
        self.connection = connection
        connection.send(self._venue.market_info(), binary=True)
        self._ping()

    def closed(self) -> None:
        """Forget it."""
        if self._timer is not None:
            self._timer.cancel()
        for key in tuple(self._modes):
            self._leave(key)
        self._venue.left_socket(self._token)
        self._venue.place.changed()

    def pinged(self) -> None:
        """Nothing to do: a pong is a sign of life."""

    def takes(self, out: Out) -> bytes:
        """Return a message as a frame."""
        return frame(out.payload, 2)

    def heard(self, message: str | bytes) -> None:
        """Take a request; a text frame, or what is no request, is ignored without a word."""
        if isinstance(message, str):
            return
        try:
            asked = msgspec.json.decode(message)
            method, data = asked["method"], asked["data"]
            keys, mode = list(data["instrumentKeys"]), data.get("mode", "ltpc")
        except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
            return
        if method == "unsub":
            for key in keys:
                self._leave(key)
        elif method in {"sub", "change_mode"} and mode in _ALONE:
            self._join(mode, [key for key in keys if isinstance(key, str)])
        self._venue.place.changed()

    def _join(self, mode: str, keys: list[str]) -> None:
        taken = []
        for key in keys:
            self._leave(key)
            if self._room(mode) > 0 and (mode != "full_d30" or self._plus):
                self._modes[key] = mode
                taken.append(key)
        if self._dead or not taken:
            return
        first = self._venue.initial(mode, taken)
        if first is not None:
            self.connection.send(first, binary=True)
        for key in taken:
            self._venue.place.channels.add(f"{mode} {key}", self)

    def _room(self, mode: str) -> int:
        used = set(self._modes.values())
        mine = sum(1 for one in self._modes.values() if one == mode)
        room = _ALONE[mode] - mine
        if used - {mode}:
            room = min(room, min(_TOGETHER[one] for one in used | {mode}) - len(self._modes))
        return room

    def _leave(self, key: str) -> None:
        mode = self._modes.pop(key, None)
        if mode is not None:
            self._venue.place.channels.remove(f"{mode} {key}", self)

    def _ping(self, *_: Any) -> None:
        self.connection.ping(b"")
        self._timer = asyncio.get_running_loop().call_later(_PING_S, self._ping)
