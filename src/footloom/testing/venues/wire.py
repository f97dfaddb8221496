"""One connection of a local venue, byte by byte: HTTP until a WebSocket is opened, then frames.

Frames to the client are written here, so that they can be halved, split, or never sent; what the client sends is read
by the protocol of the `websockets` package, which answers pings and closes as the standard asks.
"""

from __future__ import annotations

import asyncio
import email.utils
import http
import struct
from collections.abc import Awaitable
from typing import Protocol
from urllib.parse import parse_qsl, unquote

import msgspec
from websockets.frames import Frame, Opcode
from websockets.http11 import Request as Handshake
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

__all__ = ("Call", "Connection", "Desk", "Reply", "Session", "frame")

_MOST_HEAD = 64 << 10
_MOST_WAITING = 512 << 20  # a client that reads nothing is cut before it eats the memory
_TEXT, _BINARY = 1, 2


class Call(msgspec.Struct, frozen=True):
    """A request over HTTP; header names are lowercase."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""


class Reply(msgspec.Struct, frozen=True):
    """An answer over HTTP."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/json;charset=UTF-8"

    @classmethod
    def json(cls, value: object, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
        """Return a value as JSON."""
        return cls(status, msgspec.json.encode(value), headers)


class Session(Protocol):
    """What a venue remembers of one open socket."""

    def opened(self, connection: Connection) -> None:
        """Send what comes first."""

    def heard(self, message: str | bytes) -> None:
        """Take a message of the client's."""

    def pinged(self) -> None:
        """Take note of a ping or pong frame."""

    def closed(self) -> None:
        """Forget it."""


class Desk(Protocol):
    """Who answers; ``now_ns`` is the time there, ns UTC."""

    @property
    def now_ns(self) -> int:
        """Return the time."""

    def open(self, call: Call) -> Session | Reply:
        """Take a new socket, or refuse it."""

    def answer(self, call: Call) -> Reply | Awaitable[Reply]:
        """Answer a call."""

    def joined(self, connection: Connection) -> None:
        """Take note of a new connection."""

    def left(self, connection: Connection) -> None:
        """Take note of a connection that has ended."""


def frame(payload: bytes, opcode: int = _TEXT, *, fin: bool = True) -> bytes:
    """Return a frame from server to client, which is not masked (RFC 6455, 5.2)."""
    first = (0x80 if fin else 0) | opcode
    size = len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 1 << 16:
        return struct.pack("!BBH", first, 126, size) + payload
    return struct.pack("!BBQ", first, 127, size) + payload


class Connection(asyncio.Protocol):
    """One TCP connection."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.session: Session | None = None
        self._socket: ServerProtocol | None = None
        self._read = bytearray()
        self._waiting: list[bytes] = []
        self._answering: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None

    # --- what asyncio calls ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.desk.joined(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the signature is the base class's
        """End."""
        self._transport = None
        if self._answering is not None:
            self._answering.cancel()
        if self.session is not None:
            self.session.closed()
        self.desk.left(self)

    def data_received(self, data: bytes) -> None:
        """Take bytes."""
        if self._socket is not None:
            self._frames(data)
            return
        self._read += data
        self._next_call()

    # --- HTTP ---

    def _next_call(self) -> None:
        while self._answering is None and self._socket is None and (end := self._read.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._read[: end + 4])
            call = _parsed(head)
            if call is None:
                self._write(self._in_bytes(Reply.json({"msg": "no HTTP request"}, 400)))
                self.abort()
                return
            length = int(call.headers.get("content-length") or 0)
            if len(self._read) < end + 4 + length:
                return
            body = bytes(self._read[end + 4 : end + 4 + length])
            del self._read[: end + 4 + length]
            if call.headers.get("upgrade", "").lower() == "websocket":
                self._upgrade(head, call)
            else:
                self._call(msgspec.structs.replace(call, body=body))
        if len(self._read) > _MOST_HEAD and b"\r\n\r\n" not in self._read:
            self.abort()

    def _in_bytes(self, reply: Reply, method: str = "GET") -> bytes:
        data = _reply_bytes(reply, self.desk.now_ns)
        return data[: data.index(b"\r\n\r\n") + 4] if method == "HEAD" else data

    def _call(self, call: Call) -> None:
        answer = self.desk.answer(call)
        if isinstance(answer, Reply):
            self._write(self._in_bytes(answer, call.method))
        else:
            self._answering = asyncio.ensure_future(self._wait_for(answer, call.method))

    async def _wait_for(self, answer: Awaitable[Reply], method: str) -> None:
        self._write(self._in_bytes(await answer, method))
        self._answering = None
        self._next_call()

    def _upgrade(self, head: bytes, call: Call) -> None:
        taken = self.desk.open(call)
        if isinstance(taken, Reply):
            self._write(self._in_bytes(taken))
            return
        protocol = ServerProtocol()
        protocol.receive_data(head)
        events = protocol.events_received()
        if not events or not isinstance(events[0], Handshake):
            self._write(self._in_bytes(Reply.json({"msg": "no WebSocket handshake"}, 400)))
            return
        protocol.send_response(protocol.accept(events[0]))
        self._flush(protocol)
        if protocol.state is not OPEN:
            self.close_transport()
            return
        self._socket, self.session = protocol, taken
        taken.opened(self)
        self.flush()
        if self._read:
            rest, self._read = bytes(self._read), bytearray()
            self._frames(rest)

    # --- WebSocket ---

    def _frames(self, data: bytes) -> None:
        protocol, session = self._socket, self.session
        assert protocol is not None
        assert session is not None
        protocol.receive_data(data)
        self._flush(protocol)  # pongs, and the answer to a close
        parts: list[bytes] = []
        is_text = True
        for event in protocol.events_received():
            assert isinstance(event, Frame)
            if event.opcode in {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}:
                is_text = event.opcode is Opcode.TEXT if event.opcode is not Opcode.CONT else is_text
                parts.append(bytes(event.data))
                if event.fin:
                    whole = b"".join(parts)
                    parts.clear()
                    session.heard(whole.decode("utf-8", "replace") if is_text else whole)
            elif event.opcode in {Opcode.PING, Opcode.PONG}:
                session.pinged()
        self.flush()
        if protocol.close_expected():
            self.close_transport()

    def _flush(self, protocol: ServerProtocol) -> None:
        self.flush()
        for data in protocol.data_to_send():
            if data:
                self._write(data)

    @property
    def is_open(self) -> bool:
        """Whether data can be sent."""
        return self._transport is not None and self._socket is not None and self._socket.state is OPEN

    def send(self, payload: bytes, *, binary: bool = False) -> None:
        """Send a message; `flush` writes it."""
        if self.is_open:
            self._waiting.append(frame(payload, _BINARY if binary else _TEXT))

    def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are, whole frames or not; `flush` writes them."""
        if self.is_open:
            self._waiting.append(data)

    def ping(self, payload: bytes) -> None:
        """Send a ping frame."""
        self.send_bytes(frame(payload, 9))
        self.flush()

    def flush(self) -> None:
        """Write what waits."""
        if self._waiting:
            data = b"".join(self._waiting)
            self._waiting.clear()
            self._write(data)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close with a code; 1006 cuts without a word."""
        if code == 1006 or self._socket is None:
            self.abort()
        elif self.is_open:
            self.flush()
            self._socket.send_close(code, reason)
            self._flush(self._socket)

    def abort(self) -> None:
        """Cut the connection after what was written."""
        if self._transport is not None:
            self._waiting.clear()
            self._transport.close()

    def close_transport(self) -> None:
        """End the connection in order."""
        if self._transport is not None:
            self._transport.close()

    def _write(self, data: bytes) -> None:
        if self._transport is None:
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > _MOST_WAITING:
            self._transport.abort()


def _parsed(head: bytes) -> Call | None:
    lines = head[:-4].decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        return None
    path, _, query = words[1].partition("?")
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon:
            return None
        headers[name.strip().lower()] = value.strip()
    return Call(words[0], unquote(path), dict(parse_qsl(query, keep_blank_values=True)), headers)


def _reply_bytes(reply: Reply, now_ns: int) -> bytes:
    try:
        phrase = http.HTTPStatus(reply.status).phrase
    except ValueError:
        phrase = ""
    date = email.utils.formatdate(now_ns // 10**9, usegmt=True)
    lines = [f"HTTP/1.1 {reply.status} {phrase}", f"Content-Type: {reply.content_type}", f"Date: {date}"]
    lines += [f"Content-Length: {len(reply.body)}", *(f"{name}: {value}" for name, value in reply.headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + reply.body
