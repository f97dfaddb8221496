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

from footloom.server.connection import EVICT_AFTER_S, evicting

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
    evict_after_s: float = EVICT_AFTER_S,
) -> None:
    """Serve until a signal comes or ``stop`` is set; ``background`` (the feed) runs beside it and is stopped first.

    ``on_ready`` is called when the first request would be answered.
    """
    stop = stop or asyncio.Event()
    server = _Server(_config(app, evict_after_s))
    with _signals(stop):
        listening = asyncio.create_task(server.serve([listener]))
        await _first(listening, server.ready.wait())
        feed = asyncio.create_task(_run(background)) if background else None
        if server.ready.is_set():
            on_ready()
        await _first(listening, stop.wait())
        if feed is not None:
            feed.cancel()
            await asyncio.gather(feed, return_exceptions=True)
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


def _config(app: ASGIApp, evict_after_s: float) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="httptools",
        ws=evicting(evict_after_s),
        ws_max_size=_MAX_MESSAGE,
        ws_per_message_deflate=False,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=_GRACE_S,
    )


@contextlib.contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    taken = []
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError, ValueError):  # Windows, or not the main thread
            loop.add_signal_handler(number, stop.set)
            taken.append(number)
    try:
        yield
    finally:
        for number in taken:
            loop.remove_signal_handler(number)


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine on uvloop where there is one."""
    factory = None
    if sys.platform != "win32":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main)
