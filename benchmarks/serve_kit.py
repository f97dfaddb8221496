"""What the benchmarks of serving share: a server in a process of its own, and many thin clients in this one.

A client reads no more of a frame than its length and one time stamp, so that the machine's other core can hold a
thousand of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import os
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, cast

import numpy as np

__all__ = ("Client", "Usage", "connected", "percentiles_ms", "rss_bytes", "served", "usage")

LAST_NS_AT = 56  # of the first bar of a frame: behind a header of 40 bytes, open_ns and close_ns
_LEAST_BYTES = 200


@dataclass(frozen=True)
class Usage:
    """What a process has used: seconds of processor, bytes of memory, seconds of wall clock."""

    cpu_s: float
    rss: int
    at_s: float

    def share_since(self, before: Usage) -> float:
        """Return the share of a core since an earlier look."""
        return (self.cpu_s - before.cpu_s) / (self.at_s - before.at_s)


def rss_bytes() -> int:
    """Return the memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def usage() -> Usage:
    """Return what this process has used."""
    return Usage(time.process_time(), rss_bytes(), time.perf_counter())


def percentiles_ms(samples_ns: list[int]) -> tuple[float, float]:
    """Return p50 and p99 in milliseconds."""
    found = np.percentile(np.array(samples_ns or [0]), [50, 99]) / 1e6
    return float(found[0]), float(found[1])


@contextlib.contextmanager
def served(target: Callable[..., None], *arguments: Any) -> Iterator[Connection]:
    """Run a server in another process; its first message is its port, and it answers each ``"usage"``."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=target, args=(theirs, *arguments), daemon=True)
    process.start()
    try:
        yield ours
    finally:
        with contextlib.suppress(OSError):
            ours.send("stop")
        process.join(30)
        if process.is_alive():
            process.terminate()


@dataclass(eq=False)
class Client(asyncio.Protocol):
    """One WebSocket that counts frames and how old they are; ``stall`` makes it read nothing more."""

    port: int
    requests: tuple[str, ...] = ()
    path: str = "/ws/v1"
    frames: int = 0
    ages_ns: list[int] = field(default_factory=list)
    closed: bool = False
    measures: bool = False
    _buffer: bytearray = field(default_factory=bytearray)
    _open: bool = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the WebSocket."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(
            f"GET {self.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def stall(self) -> None:
        """Read nothing from now on."""
        self.transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - as the protocol has it
        """Note that the server has gone, or cut us off."""
        self.closed = True

    def data_received(self, data: bytes) -> None:
        """Take what has come apart into frames."""
        buffer = self._buffer
        buffer += data
        if not self._open and not self._opened(buffer):
            return
        now_ns, at = time.time_ns(), 0
        while True:
            size, start = _frame(buffer, at)
            if size is None or start + size > len(buffer):
                break
            if buffer[at] == 0x89:  # ping
                self.transport.write(bytes([0x8A, 0x80 | size]) + bytes(4) + bytes(buffer[start : start + size]))
            elif size >= _LEAST_BYTES and buffer[at] == 0x82:
                self._note(buffer, start, now_ns)
            at = start + size
        if at:
            del buffer[:at]

    def _opened(self, buffer: bytearray) -> bool:
        end = buffer.find(b"\r\n\r\n")
        if end >= 0:
            del buffer[: end + 4]
            self._open = True
            for text in self.requests:
                self.transport.write(_masked(text))
        return self._open

    def _note(self, buffer: bytearray, start: int, now_ns: int) -> None:
        if buffer[start + 5] not in {2, 0}:  # an open bar
            return
        self.frames += 1
        if self.measures:
            self.ages_ns.append(now_ns - struct.unpack_from("<q", buffer, start + LAST_NS_AT)[0])


def _frame(buffer: bytearray, at: int) -> tuple[int | None, int]:
    left = len(buffer) - at
    if left < 2:
        return None, at
    size = buffer[at + 1]
    if size < 126:
        return size, at + 2
    width = 2 if size == 126 else 8
    if left < 2 + width:
        return None, at
    return int.from_bytes(buffer[at + 2 : at + 2 + width], "big"), at + 2 + width


def _masked(text: str) -> bytes:
    raw = text.encode()
    head = bytes([0x81, 0x80 | len(raw)]) if len(raw) < 126 else struct.pack("!BBH", 0x81, 0xFE, len(raw))
    return head + bytes(4) + raw  # a mask of zeros changes nothing


def subscription(number: int, symbol: str, bars: str = "1m") -> str:
    """Return a request of a chart."""
    topic = {"symbol": symbol, "bars": bars, "ticks_per_level": 1}
    return json.dumps({"op": "subscribe", "id": number, "topic": topic, "history_bars": 1})


async def _connect(loop: asyncio.AbstractEventLoop, one: Client) -> None:
    await loop.create_connection(lambda: one, "127.0.0.1", one.port)


@contextlib.asynccontextmanager
async def connected(clients: list[Client]) -> AsyncIterator[None]:
    """Connect clients, some at a time, and close them at the end."""
    loop = asyncio.get_running_loop()
    for at in range(0, len(clients), 50):
        await asyncio.gather(*(_connect(loop, one) for one in clients[at : at + 50]))
    try:
        yield
    finally:
        for one in clients:
            one.transport.abort()
