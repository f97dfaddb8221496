"""A socket of SmartAPI's WebSocket 2.0: text requests, binary packets, errors as JSON, ping and pong as text."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from footloom.testing.venues.dialect import Out, Place
from footloom.testing.venues.wire import Connection, frame

__all__ = ("EXCHANGES", "Packets", "Socket")

EXCHANGES = {1: "NSE", 2: "NFO", 3: "BSE", 4: "BFO", 5: "MCX", 7: "NCDEX", 13: "CDS"}
_MOST, _MOST_DEEP = 1000, 50


class Packets(Protocol):
    """What a socket asks its venue."""

    place: Place

    def first(self, mode: int, symbol: str) -> bytes | None:
        """Return the packet of what is known, None where nothing is."""

    def left_socket(self, client: str) -> None:
        """Take note of a socket that has ended."""


class Socket:
    """One WebSocket of a client."""

    def __init__(self, venue: Packets, client: str) -> None:
        self.connection: Connection  # from `opened` on
        self._venue, self._client = venue, client
        self._subscribed: dict[tuple[int, str], None] = {}
        self._dead = venue.place.faults.under_way("wrong_path", venue.place.since_ns) is not None

    def opened(self, connection: Connection) -> None:
        """Begin: the venue says nothing on its own."""
        self.connection = connection

    def closed(self) -> None:
        """Forget it."""
        for mode, symbol in self._subscribed:
            self._venue.place.channels.remove(f"{mode} {symbol}", self)
        self._venue.left_socket(self._client)
        self._venue.place.changed()

    def pinged(self) -> None:
        """Nothing to do: frames are answered with frames."""

    def takes(self, out: Out) -> bytes:
        """Return a packet as a frame."""
        return frame(out.payload, 2)

    def heard(self, message: str | bytes) -> None:
        """Answer a ping, take a request; only errors have an answer."""
        if message == "ping":
            self.connection.send(b"pong")
            return
        try:
            asked = msgspec.json.decode(message)
            wanted = _wanted(asked)
        except (msgspec.DecodeError, KeyError, TypeError, AttributeError, ValueError):
            self._error("", "E1001", "Invalid Request Payload.")
            return
        if asked["action"] == 0:
            for one in wanted:
                self._subscribed.pop(one, None)
                self._venue.place.channels.remove(f"{one[0]} {one[1]}", self)
        else:
            self._subscribe(asked, wanted)
        self._venue.place.changed()

    def _subscribe(self, asked: dict[str, Any], wanted: list[tuple[int, str]]) -> None:
        together = self._subscribed | dict.fromkeys(wanted)
        if len(together) > _MOST or sum(mode == 4 for mode, _ in together) > _MOST_DEEP:
            self._error(asked.get("correlationID", ""), "E1002", "Invalid Request. Subscription Limit Exceeded")
            return
        for mode, symbol in wanted:
            if (mode, symbol) in self._subscribed:
                continue
            self._subscribed[mode, symbol] = None
            if self._dead:
                continue
            first = self._venue.first(mode, symbol)
            if first is not None:
                self.connection.send(first, binary=True)
            self._venue.place.channels.add(f"{mode} {symbol}", self)

    def _error(self, request: str, code: str, text: str) -> None:
        answer = {"correlationID": request, "errorCode": code, "errorMessage": text}
        self.connection.send(msgspec.json.encode(answer))


def _wanted(asked: Any) -> list[tuple[int, str]]:
    if asked["action"] not in {0, 1} or asked["params"]["mode"] not in {1, 2, 3, 4}:
        raise ValueError(asked)
    return [
        (asked["params"]["mode"], f"{EXCHANGES[part['exchangeType']]}|{token}")
        for part in asked["params"]["tokenList"]
        for token in part["tokens"]
    ]
