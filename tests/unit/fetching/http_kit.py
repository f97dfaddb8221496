"""A server on loopback that answers what a test says, and clocks that pass when somebody sleeps."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Self

from footloom.feeds.http import Timing


@dataclass
class Call:
    """One request as it came in."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Answer:
    """What is sent back; ``claims`` is a Content-Length that is not the body's, after which the connection is cut."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    claims: int | None = None
    hang: bool = False


Handler = Callable[[Call], Answer]


@contextlib.asynccontextmanager
async def plain_server() -> AsyncIterator[int]:
    """Run a server that greets everybody in plain text, whatever they speak; yields its port."""
    greetings: list[asyncio.Task[None]] = []

    async def greet(writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writer.close()
            await writer.wait_closed()

    def met(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        greetings.append(asyncio.create_task(greet(writer)))

    server = await asyncio.start_server(met, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.gather(*greetings)


class LocalServer:
    """Plain HTTP/1.1 on 127.0.0.1; every call is kept."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.answers: list[Answer] = []  # taken in turn, the last for all that follow
        self.handler: Handler | None = None
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                answer = self._answer(await _call(reader))
                if answer.hang:
                    await asyncio.Event().wait()
                await _send(writer, answer)
                if answer.claims is not None:
                    break
        writer.close()
        self._tasks.discard(task)

    def _answer(self, call: Call) -> Answer:
        self.calls.append(call)
        if self.handler is not None:
            return self.handler(call)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


async def _call(reader: asyncio.StreamReader) -> Call:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Call(method, target, headers, body)


async def _send(writer: asyncio.StreamWriter, answer: Answer) -> None:
    length = len(answer.body) if answer.claims is None else answer.claims
    lines = [f"HTTP/1.1 {answer.status} Said", f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode() + answer.body)
    await writer.drain()


class Clocks:
    """Time passes only by sleeping, which takes none."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)

    @property
    def timing(self) -> Timing:
        return Timing(now=lambda: self.now, wall=lambda: self.now, sleep=self.sleep, jitter=lambda: 1.0)
