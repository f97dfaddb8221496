"""What a connection may do before any route sees it: how many there are, how long and how large a request is.

Uvicorn waits for a request for ever, and takes headers of any size: both are bounded here, at the socket.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import Counter
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from footloom.server.failures import ErrorBody, ErrorReply

__all__ = ("Doorkeeper", "counted", "limited_http", "raise_file_limit")

_LOG = logging.getLogger(__name__)
_MAX_HEAD_BYTES = 32 * 1024
_LEAST_BODY_BYTES = 16 * 1024  # a body that is still coming brings so many in one timeout
_STALLED_S = 30.0  # an answer that nobody reads for so long is taken back
_MOST_HEARD = 64
_HEARD_S = 1.0
_SPARE_FILES = 256  # for the journal, parts and sockets to venues
_WANTED_FILES = 65_536
_REASONS = {
    400: "Bad Request",
    408: "Request Timeout",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}
_CODES = {400: "bad_request", 408: "too_slow", 431: "too_large", 503: "too_many"}


def raise_file_limit() -> int:
    """Let this process open as many files as it may, and return how many connections that leaves room for."""
    if sys.platform == "win32":
        return 8192
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _WANTED_FILES if hard == resource.RLIM_INFINITY else min(hard, _WANTED_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        soft = most
    files = _WANTED_FILES if soft == resource.RLIM_INFINITY else soft
    return max(64, files - _SPARE_FILES)


@dataclass(eq=False)
class Doorkeeper:
    """Counts the connections: of each address, and of all; those beyond a limit are turned away."""

    most_of_one: int
    most: int
    _of: dict[Any, str] = field(default_factory=dict)
    _counts: Counter[str] = field(default_factory=Counter)
    _hearing: set[Any] = field(default_factory=set)  # who is turned away as soon as it has asked for something

    def __len__(self) -> int:
        return len(self._of)

    def enter(self, transport: Any, address: str) -> str | None:
        """Count a connection, once however often it is named; return why it is turned away, None where it is not."""
        if transport in self._of:
            return None
        if len(self._of) >= self.most:
            return f"this server holds {self.most} connections and takes no more"
        # Programs of this machine and a proxy before it share an address: they are not counted as one client.
        if not _is_here(address) and self._counts[address] >= self.most_of_one:
            return f"{address} holds {self.most_of_one} connections to this server and gets no more: close some"
        self._of[transport] = address
        self._counts[address] += 1
        return None

    def hears_out(self, transport: Any) -> bool:
        """Say whether one that is turned away is told why: that takes until it has asked; a few at a time are."""
        if len(self._hearing) >= _MOST_HEARD:
            return False
        self._hearing.add(transport)
        return True

    def leave(self, transport: Any) -> None:
        """Forget a connection."""
        self._hearing.discard(transport)
        address = self._of.pop(transport, None)
        if address is None:
            return
        self._counts[address] -= 1
        if not self._counts[address]:
            del self._counts[address]


def _is_here(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


class _Refused(Exception):
    """A request is answered before it is looked at: `_LimitedHttp` knows with what."""


class _LimitedHttp(HttpToolsProtocol):
    """Uvicorn's protocol with a timer and a size for what comes in, and a timer for what goes out.

    The timer runs from the connection's first moment, or the first byte behind an answer, to the last byte of a head;
    then anew over the body, of which some has to come in each period.
    """

    door = Doorkeeper(100, 1000)
    timeout_s = 10.0
    _timer: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None
    _in_head = True
    _head_bytes = 0
    _body_bytes = 0
    _refusal: tuple[int, str] | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        refused = self.door.enter(transport, self.client[0] if self.client else "")
        if refused is None:
            self._start_timer()
        elif self.door.hears_out(transport):  # an answer before the question would be lost with the connection
            self._refusal = (503, refused)
            self.timeout_s = min(self.timeout_s, _HEARD_S)
            self._start_timer()
        else:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._forget_stall()
        self.door.leave(self.transport)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self._timer is None:
            self._start_timer()
        if self._in_head:
            self._head_bytes += len(data)
        else:
            self._body_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > _MAX_HEAD_BYTES and not self.transport.is_closing():
            self._send_error(431, f"the head of a request may have {_MAX_HEAD_BYTES} bytes")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        if self._refusal is not None:
            raise _Refused
        # Many requests may come in one read: each counts alone.
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > _MAX_HEAD_BYTES:
            self._refusal = (431, f"the head of a request may have {_MAX_HEAD_BYTES} bytes, not {size}")
            raise _Refused
        self._in_head = False
        self._head_bytes = self._body_bytes = 0
        self._start_timer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_head = True
        self._head_bytes = 0
        self._stop_timer()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._stop_timer()
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        self._send_error(*(self._refusal or (400, msg)))

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stalled = self.loop.call_later(_STALLED_S, self._take_back)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._forget_stall()

    def _start_timer(self) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(self.timeout_s, self._too_slow)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        if not self._in_head and (self.flow.read_paused or self._body_bytes >= _LEAST_BODY_BYTES):
            self._body_bytes = 0  # it is we who do not read, or the body is coming along
            self._start_timer()
            return
        self._timer = None
        if self._in_head and not self._head_bytes:  # nothing was asked: nothing is answered
            self.transport.close()
            return
        what = "the head of this request" if self._in_head else "the body of this request"
        self._send_error(408, f"{what} took longer than {self.timeout_s:g} s")

    def _take_back(self) -> None:
        _LOG.warning("client %s has not read an answer for %g s: dropped", self.client, _STALLED_S)
        self.transport.abort()

    def _forget_stall(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    # Beside a running answer there is nothing to say: the connection ends.
    def _send_error(self, status: int, text: str) -> None:
        self._stop_timer()
        _LOG.info("client %s: %s", self.client, text)
        cycle: Any = self.cycle  # None before the first request
        if cycle is None or cycle.response_complete or not cycle.response_started:
            body = msgspec.json.encode(ErrorReply(ErrorBody(_CODES[status], text)))
            head = (
                f"HTTP/1.1 {status} {_REASONS[status]}\r\ncontent-type: application/json\r\n"
                f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
            )
            self.transport.write(head.encode() + body)
        self.transport.close()


def limited_http(door: Doorkeeper, timeout_s: float) -> type[asyncio.Protocol]:
    """Return uvicorn's HTTP protocol with limits."""
    return type("LimitedHttp", (_LimitedHttp,), {"door": door, "timeout_s": timeout_s})


def counted(protocol: type[Any], door: Doorkeeper) -> type[asyncio.Protocol]:
    """Return a WebSocket protocol that tells the doorkeeper when its connection ends."""

    class Counted(protocol):  # type: ignore[misc]
        def connection_lost(self, exc: Exception | None) -> None:
            door.leave(self.transport)
            super().connection_lost(exc)

    return Counted
