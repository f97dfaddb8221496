"""From an application to a process that listens: the loop, readiness, signals and the end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any

import uvicorn
from litestar.types import ASGIApp

from footloom.server.access.limits import Doorkeeper, counted, limited_http, raise_file_limit
from footloom.server.clients.connection import evicting
from footloom.server.listening import ConnectionLimits, tls_of
from footloom.server.pauses import short_pauses
from footloom.server.rest.flowing import end_streams

__all__ = ("listen", "run")

_LOG = logging.getLogger(__name__)
_GRACE_S = 3  # what open requests get when the server stops
_MAX_MESSAGE = 64 * 1024  # the longest message of a client; a subscription has some 300 bytes

Background = Callable[[], Awaitable[None]]


class _Server(uvicorn.Server):
    """Uvicorn with our signals: the whole process stops in one order, not the listener alone."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def listen(
    app: ASGIApp,
    listener: socket.socket,
    *,
    background: Background | None = None,
    on_ready: Callable[[], None] = lambda: None,
    stop: asyncio.Event | None = None,
    limits: ConnectionLimits | None = None,
) -> None:
    """Serve until a signal comes or ``stop`` is set; ``background`` (the feed) runs beside it and is stopped first.

    ``on_ready`` is called when the first request would be answered. A second signal ends open requests at once; what
    has to be sealed is sealed all the same.

    Raises
    ------
    ConfigError
        The certificate cannot be used.
    """
    stop = stop or asyncio.Event()
    server = _Server(_config(app, limits or ConnectionLimits()))
    with _signals(stop, server):
        listening = asyncio.create_task(server.serve([listener]))
        await _first(listening, server.ready.wait())
        feed = asyncio.create_task(_run(background)) if background else None
        if server.ready.is_set():
            on_ready()
        with short_pauses():
            await _first(listening, stop.wait())
        if feed is not None:
            feed.cancel()
            await asyncio.gather(feed, return_exceptions=True)
        end_streams()
        server.should_exit = True
        await listening


# Wait for whichever ends first; the listener, which is needed on, is not cancelled.
async def _first(listening: asyncio.Task[None], other: Coroutine[Any, Any, Any]) -> None:
    waiting = asyncio.create_task(other)
    await asyncio.wait({listening, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


async def _run(background: Background) -> None:
    try:
        await background()
    except Exception:  # noqa: BLE001 - the page stays up: what is stored can still be looked at
        _LOG.exception("the feed stopped")


def _config(app: ASGIApp, limits: ConnectionLimits) -> uvicorn.Config:
    tls_of(limits.tls_cert, limits.tls_key)
    door = Doorkeeper(limits.max_connections, raise_file_limit())
    return uvicorn.Config(
        app,
        http=limited_http(door, limits.request_timeout_s),
        ws=counted(evicting(limits.evict_after_s), door),
        ws_max_size=_MAX_MESSAGE,
        ws_ping_interval=limits.ws_ping_interval,
        ws_ping_timeout=limits.ws_ping_interval,
        ws_per_message_deflate=False,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=_GRACE_S,
        ssl_certfile=limits.tls_cert,
        ssl_keyfile=limits.tls_key,
    )


# SIGHUP comes when the terminal is closed: the server ends whole rather than be killed or stay behind; `nohup` and
# service managers ignore it, and then so do we. A script's shell ignores SIGINT for what it starts with `&`: who sends
# it means us all the same.
@contextlib.contextmanager
def _signals(stop: asyncio.Event, server: _Server) -> Iterator[None]:
    came: list[int] = []

    def asked(number: int) -> None:
        came.append(number)
        if len(came) > 1:
            server.force_exit = True
        stop.set()

    loop = asyncio.get_running_loop()
    before: dict[int, Any] = {}
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is None or (name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN):
            continue
        handler = signal.getsignal(number)
        with contextlib.suppress(NotImplementedError, ValueError):  # Windows, or not the main thread
            loop.add_signal_handler(number, asked, number)
            before[number] = handler
    try:
        yield
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, _Patient(handler) if came else handler)


class _Patient:
    """A signal handler for the end: what is being sealed is not interrupted by one more Ctrl-C, but by the third."""

    def __init__(self, handler: Any) -> None:
        self._handler = handler

    def __call__(self, number: int, _frame: object) -> None:
        sys.stderr.write("footloom is stopping: what was received is being sealed\n")
        signal.signal(number, self._handler)


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine on uvloop where there is one."""
    factory = None
    if sys.platform != "win32":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main)
