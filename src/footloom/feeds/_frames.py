"""One WebSocket connection, from the bytes of its transport to whole messages with the time of their receipt.

The protocol is the `websockets` library's, without its I/O: everything that a burst consists of, whole unmasked text
and binary frames, is cut out of the buffer here, many a wake-up; every other frame goes through the library.
"""

from __future__ import annotations

import asyncio
import email.utils
import functools
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from typing import cast

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus, InvalidURI, WebSocketException
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

from footloom.errors import VenueError

__all__ = ("HandshakeRefused", "Link", "open_link")

MAX_MESSAGE = 16 * 2**20
_OPEN_S = 10.0
_trusted = functools.cache(ssl.create_default_context)  # reading who is trusted holds the event loop for 20 ms
_PAUSE_BYTES = 64 * 2**20  # of messages that nobody has taken yet: then the sender waits, nothing is dropped
_HEAD_END = b"\r\n\r\n"
_WHOLE = (0x81, 0x82)  # FIN with text, FIN with binary


class HandshakeRefused(VenueError):
    """A venue answered a handshake with something else than a WebSocket; ``status`` is its answer."""

    def __init__(self, status: int, text: str, retry_after_s: float | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.retry_after_s = retry_after_s


class Link(asyncio.Protocol):
    """An open connection. `take` gives what was received, ``closed`` ends with the reason in words.

    Parameters
    ----------
    protocol
        The library's side of it, not connected yet.
    headers
        More headers for the handshake; they may hold secrets and are never shown.
    now_ns
        The time of a receipt.
    wake
        Called when something was received.
    """

    def __init__(
        self,
        protocol: ClientProtocol,
        headers: Sequence[tuple[str, str]],
        now_ns: Callable[[], int],
        wake: Callable[[], None],
    ) -> None:
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[str] = loop.create_future()
        self.code: int | None = None
        self.received = 0  # messages so far
        self.received_ns: int | None = None  # the newest of them
        self._protocol = protocol
        self._headers = headers
        self._now_ns = now_ns
        self._wake = wake
        self._inbox: deque[tuple[int, bytes]] = deque()
        self._held = 0  # bytes in it
        self._paused = False
        self._buffer = bytearray()
        self._need = 0  # no use to look before so many bytes are there
        self._pieces: list[bytes] = []  # of a message in several frames
        self._answered = False
        self._transport: asyncio.Transport | None = None

    # --- what others call

    def take(self, most: int) -> list[tuple[int, bytes]]:
        """Return up to ``most`` messages in order, each with its receipt in ns UTC."""
        inbox = self._inbox
        count = min(most, len(inbox))
        taken = [inbox.popleft() for _ in range(count)]
        self._held -= sum(len(frame) for _, frame in taken)
        if self._paused and self._held < _PAUSE_BYTES // 2 and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return taken

    @property
    def waiting(self) -> int:
        """How many messages nobody has taken yet."""
        return len(self._inbox)

    @property
    def oldest_ns(self) -> int | None:
        """The receipt of the oldest message that nobody has taken yet."""
        return self._inbox[0][0] if self._inbox else None

    def send(self, message: bytes | str) -> None:
        """Send a message: text as a text frame, bytes as a binary one."""
        if self._protocol.state is not State.OPEN:
            return
        if isinstance(message, str):
            self._protocol.send_text(message.encode())
        else:
            self._protocol.send_binary(message)
        self._flush()

    def close(self, why: str) -> None:
        """Close it from our side; ``closed`` will say why."""
        if not self.closed.done():
            self.closed.set_result(why)
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(1000)
            self._flush()
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Give the connection up without a word."""
        if self._transport is not None:
            self._transport.abort()

    # --- what the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the handshake."""
        self._transport = cast("asyncio.Transport", transport)
        request = self._protocol.connect()
        for name, value in self._headers:
            request.headers[name] = value
        self._protocol.send_request(request)
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Cut messages out of what has come."""
        self._buffer += data
        if self._protocol.state is State.CONNECTING:
            self._read_answer()
        if self._protocol.state is State.CONNECTING and not self._answered:
            return
        if self._protocol.state is not State.OPEN:
            self._hand_over(0, len(self._buffer), self._now_ns())
            self._buffer.clear()
        elif len(self._buffer) >= self._need:
            self._cut(self._now_ns())

    def eof_received(self) -> None:
        """Let the library judge an end without a close frame."""
        self._protocol.receive_eof()
        self._follow(self._now_ns())

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell how it ended."""
        if self._protocol.state is not State.CLOSED:
            self._protocol.receive_eof()
        why = self._ending(exc)
        if not self.opened.done():
            refused = self._protocol.handshake_exc
            self.opened.set_exception(_refusal(refused, why))
        if not self.closed.done():
            self.closed.set_result(why)
        self._wake()

    # --- inside

    # The library reads the answer to the handshake and not a byte more: frames may follow at once.
    def _read_answer(self) -> None:
        end = self._buffer.find(_HEAD_END) + len(_HEAD_END)
        if end >= len(_HEAD_END):
            self._hand_over(0, end, 0)
            del self._buffer[:end]
            self._answered = True

    # The common frames; what is neither text nor binary in one piece is handed over whole.
    def _cut(self, recv_ns: int) -> None:
        buffer, inbox = self._buffer, self._inbox
        at, end, had = 0, len(buffer), len(inbox)
        self._need = 2
        while end - at >= 2:
            size, start = buffer[at + 1], at + 2
            if size >= 126:
                wide = 2 if size == 126 else 8
                start += wide
                if start > end:
                    break
                size = int.from_bytes(buffer[at + 2 : start], "big")
            stop = start + size
            if size > MAX_MESSAGE or stop > end:
                self._need = stop - at
                if size > MAX_MESSAGE:
                    self._hand_over(at, end, recv_ns)
                    at = end
                break
            if buffer[at] in _WHOLE:
                inbox.append((recv_ns, bytes(buffer[start:stop])))
                self._held += size
            else:
                self._hand_over(at, stop, recv_ns)
            at = stop
        del buffer[:at]
        if len(inbox) > had:
            self.received += len(inbox) - had
            self.received_ns = recv_ns
            self._wake()
        self._hold_back()

    def _hand_over(self, start: int, stop: int, recv_ns: int) -> None:
        self._protocol.receive_data(bytes(self._buffer[start:stop]))
        self._follow(recv_ns)

    def _hold_back(self) -> None:
        if not self._paused and self._held > _PAUSE_BYTES and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def _follow(self, recv_ns: int) -> None:
        for event in self._protocol.events_received():
            if isinstance(event, Response):
                self._shake_hands()
            elif isinstance(event, Frame):
                self._receive(event, recv_ns)
        self._flush()
        if self._protocol.close_expected() and self._transport is not None:
            self._transport.close()

    def _shake_hands(self) -> None:
        if self.opened.done():
            return
        refused = self._protocol.handshake_exc
        if refused is None:
            self.opened.set_result(None)
        else:
            self.opened.set_exception(_refusal(refused, ""))

    def _receive(self, frame: Frame, recv_ns: int) -> None:
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return
        self._pieces.append(bytes(frame.data))
        if frame.fin:
            message = b"".join(self._pieces)
            self._pieces.clear()
            self._inbox.append((recv_ns, message))
            self._held += len(message)

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if self._transport is None or self._transport.is_closing():
                return
            if data:
                self._transport.write(data)

    def _ending(self, exc: Exception | None) -> str:
        if self.closed.done():
            return self.closed.result()
        try:
            self.code = self._protocol.close_code
        except (AttributeError, WebSocketException):  # it never opened
            self.code = None
        reason = (self._protocol.close_reason or "") if self.code is not None else ""
        told = f"disconnected ({self.code or 1006}{': ' + reason[:80] if reason else ''})"
        return f"{told}: {exc}" if exc is not None and self.code in {None, 1006} else told


def _refusal(error: Exception | None, why: str) -> VenueError:
    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        return HandshakeRefused(status, f"the handshake was answered with {status}", _retry_after_s(error.response))
    return VenueError(f"no WebSocket there: {error or why or 'the connection was closed'}")


# Seconds, or a date: then by the venue's own clock.
def _retry_after_s(response: Response) -> float | None:
    text = response.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text) or None
    try:
        until, now = (email.utils.parsedate_to_datetime(one) for one in (text, response.headers.get("Date", "")))
        return max(0.0, (until - now).total_seconds()) or None
    except (ValueError, TypeError):
        return None


async def open_link(
    url: str, headers: Sequence[tuple[str, str]], now_ns: Callable[[], int], wake: Callable[[], None]
) -> Link:
    """Connect and shake hands: no proxy, no compression, messages up to 16 MiB.

    Raises
    ------
    HandshakeRefused
        The venue answered with another status than 101.
    VenueError
        Nobody answers there, or not with a WebSocket, or too late.
    """
    try:
        uri = parse_uri(url)
    except InvalidURI as error:
        raise VenueError(f"{url.partition('?')[0]} is no address of a WebSocket: write ws:// or wss://") from error
    protocol = ClientProtocol(uri, max_size=MAX_MESSAGE)
    loop = asyncio.get_running_loop()
    link = Link(protocol, headers, now_ns, wake)
    context = _trusted() if uri.secure else None
    where = f"{uri.host}:{uri.port}"
    try:
        async with asyncio.timeout(_OPEN_S):
            await loop.create_connection(
                lambda: link, uri.host, uri.port, ssl=context, server_hostname=uri.host if context else None
            )
            await link.opened
    except TimeoutError:
        link.abort()
        raise VenueError(f"{where} did not answer within {_OPEN_S:.0f} s") from None
    except OSError as error:
        raise VenueError(f"cannot reach {where}: {error.strerror or error}") from error
    except BaseException:
        link.abort()
        raise
    return link
