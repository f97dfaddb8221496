"""The WebSocket connection: uvicorn's, dropped when its reader stands still; and what a session sees of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, cast

from litestar import WebSocket
from litestar.exceptions import WebSocketDisconnect
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

from footloom.server.clients.socket import Disconnected
from footloom.server.listening import EVICT_AFTER_S
from footloom.server.wire.frames import Message

__all__ = ("LitestarSocket", "evicting")

_DIRECT = "footloom.connection"
_LOG = logging.getLogger(__name__)


class _Inbox:
    """What came and was not read yet, for one reader: an `asyncio.Queue`, which takes 3 kB, as far as it is used."""

    __slots__ = ("_items", "_waiter")

    def __init__(self) -> None:
        self._items: list[Any] = []
        self._waiter: asyncio.Future[None] | None = None

    def empty(self) -> bool:
        return not self._items

    def put_nowait(self, item: Any) -> None:
        self._items.append(item)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def get(self) -> Any:
        while not self._items:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._items.pop(0)


class _Gate:
    """An `asyncio.Event` that is made only where somebody waits: most connections never do, and it takes a kilobyte."""

    __slots__ = ("_event", "_is_open")

    def __init__(self) -> None:
        self._is_open = True
        self._event: asyncio.Event | None = None

    def is_set(self) -> bool:
        return self._is_open

    def clear(self) -> None:
        self._is_open = False

    def set(self) -> None:
        self._is_open = True
        if self._event is not None:
            self._event.set()
            self._event = None

    async def wait(self) -> None:
        if not self._is_open:
            self._event = self._event or asyncio.Event()
            await self._event.wait()


class _Evicting(WebSocketsSansIOProtocol):
    """Uvicorn's protocol with a timer, and without tracebacks for what a client did wrong."""

    after_s = EVICT_AFTER_S
    evicted = False
    _paused: asyncio.TimerHandle | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.queue = cast("asyncio.Queue[Any]", _Inbox())
        self.writable = cast("asyncio.Event", _Gate())

    # The handshake is over: nobody reads its request and its answer again.
    def start_keepalive(self) -> None:
        super().start_keepalive()
        del self.request, self.response

    async def run_asgi(self) -> None:
        extensions: dict[str, Any] = cast("dict[str, Any]", self.scope).setdefault("extensions", {})
        extensions[_DIRECT] = self
        await super().run_asgi()

    # Both go past the layers between, which cost more than the writing itself.
    def offer(self, message: Message) -> bool:
        """Write one message if the connection takes more just now, and say whether it does."""
        if not self.writable.is_set() or self.is_over:
            return False
        self.transport.write(message.packed())
        return True

    async def send_message(self, message: Message) -> None:
        """Write one message as soon as the connection takes more."""
        if not self.writable.is_set():
            await self.writable.wait()
        if self.is_over:
            raise ClientDisconnected
        self.transport.write(message.packed())

    @property
    def is_over(self) -> bool:
        """Whether nothing can be sent any more."""
        return self.disconnected or self.close_sent or self.conn.state is not State.OPEN

    def pause_writing(self) -> None:
        super().pause_writing()
        self._paused = self.loop.call_later(self.after_s, self._evict)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    # The base class logs a traceback here; a client's broken text is no fault of ours.
    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text" and not _is_utf8(self.frames):
            _LOG.info("client %s sent text that is no UTF-8: closed", self.client)
            self.frames = []
            self.conn.send_close(1007)
            self.handle_parser_exception()
            return
        super().send_receive_event_to_app()

    def _evict(self) -> None:
        _LOG.warning("client %s has read nothing for %s s: dropped", self.client, self.after_s)
        self.evicted = True
        self.transport.abort()

    def _stop_timer(self) -> None:
        if self._paused is not None:
            self._paused.cancel()
            self._paused = None


def evicting(after_s: float = EVICT_AFTER_S) -> type[asyncio.Protocol]:
    """Return uvicorn's WebSocket protocol with a timer: who reads nothing for ``after_s`` seconds is cut off.

    The transport says when its buffer is full and when it drains. A polite close would wait behind that full buffer,
    so the connection is aborted.
    """
    return type("Evicting", (_Evicting,), {"after_s": after_s})


def _is_utf8(frames: Sequence[bytes]) -> bool:
    try:
        b"".join(frames).decode()
    except UnicodeDecodeError:
        return False
    return True


class LitestarSocket:
    """A litestar WebSocket as `footloom.server.clients.socket.Socket`."""

    def __init__(self, socket: WebSocket[Any, Any, Any]) -> None:
        self._socket = socket
        extensions: Any = socket.scope.get("extensions") or {}
        self._direct: _Evicting | None = extensions.get(_DIRECT)

    @property
    def was_evicted(self) -> bool:
        """Whether the connection was cut off because nothing was read."""
        return self._direct is not None and self._direct.evicted

    def offer(self, message: Message) -> bool:
        """Send one message if the connection takes more just now, and say whether it does."""
        try:
            return self._direct is not None and self._direct.offer(message)
        except (OSError, RuntimeError):  # it is closing just now: the others get theirs
            return False

    async def send(self, message: Message) -> None:
        """Send one message as soon as the connection takes more."""
        try:
            if self._direct is not None:
                await self._direct.send_message(message)
            else:
                data = message.data
                await self._socket.send_data(data, "binary" if isinstance(data, bytes) else "text")
        except (ClientDisconnected, OSError, WebSocketDisconnect, RuntimeError) as error:  # gone, or closing
            raise Disconnected from error

    async def receive(self) -> str | bytes:
        """Return the next message, text or binary."""
        message = await self._socket.receive()
        if message["type"] != "websocket.receive":
            raise Disconnected
        return message.get("text") or message.get("bytes") or ""
