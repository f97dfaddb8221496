"""From an application to a process that listens: the port, the loop, readiness, signals and the end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import http.client
import logging
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from litestar.types import ASGIApp

from footloom.errors import ConfigError
from footloom.server.connection import EVICT_AFTER_S, evicting
from footloom.server.guard import refuse_foreign_bind

__all__ = ("bind", "listen", "run")

_LOG = logging.getLogger(__name__)
_GRACE_S = 3  # what open requests get when the server stops
_PROBE_S = 0.5
_MAX_MESSAGE = 64 * 1024  # the longest message of a client; a subscription has some 300 bytes

Background = Callable[[], Awaitable[None]]


def bind(host: str, port: int) -> socket.socket:
    """Take the port, before any other work is done; 0 takes a free one.

    Raises
    ------
    ConfigError
        The address is not loopback, or the port is in use: the message says by whom.
    """
    refuse_foreign_bind(host)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(256)
    except OSError as error:
        listener.close()
        raise ConfigError(_why_not(host, port, error)) from None
    listener.settimeout(0.0)
    return listener


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        holder = _footloom_at(host, port) or _process_at(port) or "another program"
        return f"port {port} is in use by {holder}: stop it, or choose another with --port (--port 0 takes a free one)"
    if error.errno == errno.EACCES:
        return f"port {port} may not be used by this user: choose one above 1023 with --port"
    return f"{host}:{port} cannot be listened on: {error.strerror}"


# Whoever holds the port may be one of us: then its page is what the user wants.
def _footloom_at(host: str, port: int) -> str | None:
    connection = http.client.HTTPConnection(host, port, timeout=_PROBE_S)
    try:
        connection.request("GET", "/health")
        body = msgspec.json.decode(connection.getresponse().read(10_000))
    except (OSError, http.client.HTTPException, msgspec.MsgspecError):
        return None
    finally:
        connection.close()
    name = body.get("server") if isinstance(body, dict) else None
    if not isinstance(name, str) or not name.startswith("footloom"):
        return None
    who = _process_at(port)
    return f"{name}{f' ({who})' if who else ''}, which answers at http://{host}:{port}/"


def _process_at(port: int) -> str | None:
    """Return the process that listens on a port, where the system shows it (Linux, own processes)."""
    try:
        inodes = set(_listening_inodes(port))
        for link in Path("/proc").glob("[0-9]*/fd/*"):
            with contextlib.suppress(OSError):
                if str(link.readlink()).removeprefix("socket:[").rstrip("]") in inodes:
                    pid = link.parts[2]
                    command = Path("/proc", pid, "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    return f"process {pid}: {command.strip()[:80]}"
    except OSError:
        return None
    return None


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in Path("/proc/net", table).read_text(encoding="ascii").splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:  # 0A: listening
                    yield fields[9]


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
