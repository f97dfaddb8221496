"""Server-sent events of bars: paced, kept alive, and begun anew when the client's settings change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Protocol

from litestar import Request

from footloom.core.instrument import Instrument
from footloom.server.compat.asking import first_symbol, symbol_of
from footloom.server.compat.bars import Bar
from footloom.server.compat.clients import Clients, Settings
from footloom.server.compat.following import Follower, followed
from footloom.server.rest.flowing import ALIVE_S, Flow
from footloom.server.services import Services

__all__ = ("BarStream", "Teller", "bars_stored", "begun", "key_of", "seen_of")

_LONGEST_ID = 20
_RETRY_MS = 500


class Teller(Protocol):
    """What a wire makes of bars."""

    def all(self, bars: list[Bar], seen_ns: int | None) -> list[bytes]:
        """Return the data of the events that tell bars which were read, oldest first.

        ``seen_ns`` is when the newest bar opened that the page was told before, None where it was told none.
        """

    def changed(self, bars: list[Bar]) -> list[bytes]:
        """Return the data of the events that tell which bars have changed, oldest first."""


def _always(bars: str, count: int) -> Callable[[Instrument], tuple[str, int]]:
    return lambda _: (bars, count)


def key_of(services: Services, settings: Settings) -> str:
    """Return the symbol that settings mean; blocking."""
    return symbol_of(services, settings.symbol) if settings.symbol else first_symbol(services)


async def bars_stored(services: Services, settings: Settings, count: int) -> tuple[Instrument, list[Bar]]:
    """Return the newest bars of settings, oldest first, and what they are of."""
    key = await services.run(key_of, services, settings)
    async with followed(services, key, _always(f"{settings.interval}m", count)) as follower:
        bars, _ = await follower.read(count)
        return follower.topic.chart.instrument, bars


async def begun(clients: Clients, request: Request[Any, Any, Any], stream: BarStream) -> Flow:
    """Return the answer of a stream whose first event is there: what cannot be is an error, and no stream."""
    watching = ExitStack()
    watching.enter_context(stream.services.visiting())
    changed = watching.enter_context(clients.watch(request))
    events = stream.events(changed, has_name=clients.knows(request))
    try:
        first = await anext(events)
    except BaseException:
        watching.close()
        raise

    async def all_of_them() -> AsyncGenerator[bytes, None]:
        yield f"retry: {_RETRY_MS}\n\n".encode() + first
        async for one in events:
            yield one

    async def close() -> None:
        await events.aclose()
        watching.close()

    return Flow(all_of_them(), "text/event-stream", {"x-accel-buffering": "no"}, closing=close, endless=True)


@dataclass(frozen=True)
class BarStream:
    """The events of one client.

    ``settings`` are asked for again when they change. ``teller`` makes the events of ``count`` bars, at most every
    ``pace_s`` seconds. Each is named after its newest bar: a page that comes again says by itself what it has seen last
    (``seen_ns``), and nothing that closed meanwhile is missing.
    """

    services: Services
    settings: Callable[[], Settings]
    teller: Callable[[Instrument, Settings], Teller]
    count: int
    pace_s: float
    seen_ns: int | None = None

    async def events(self, changed: asyncio.Event, *, has_name: bool) -> AsyncGenerator[bytes, None]:
        """Yield events until the topic ends.

        A client without a name has its stream ended when it is told of a change: it comes again with its cookie.
        """
        seen_ns = self.seen_ns
        while True:
            changed.clear()
            settings = self.settings()
            key = await self.services.run(key_of, self.services, settings)
            async with followed(self.services, key, _always(f"{settings.interval}m", self.count)) as follower:
                teller = self.teller(follower.topic.chart.instrument, settings)
                async for newest_ns, found in self._told(follower, teller, changed, seen_ns):
                    seen_ns = newest_ns
                    yield _event(newest_ns, found)
                if follower.ended is not None or not has_name:
                    return

    # When the newest bar opened that was told so far, and what is to be told: nothing where nothing has happened.
    async def _told(
        self, follower: Follower, teller: Teller, changed: asyncio.Event, seen_ns: int | None
    ) -> AsyncGenerator[tuple[int, list[bytes]], None]:
        bars, _ = await follower.read(self.count)
        found = teller.all(bars, seen_ns)
        newest_ns = bars[-1].open_ns
        yield newest_ns, found
        while not changed.is_set() and follower.ended is None:
            if not await _happens(follower.news, changed):
                yield newest_ns, []
                continue
            bars = follower.take()
            if follower.stale:
                bars, _ = await follower.read(self.count)
                found = teller.all(bars, newest_ns)
            else:
                found = teller.changed(bars)
            if found:
                newest_ns = max(newest_ns, bars[-1].open_ns)
                yield newest_ns, found
            await asyncio.sleep(self.pace_s)


def _event(newest_ns: int, found: list[bytes]) -> bytes:
    if not found:
        return b": alive\n\n"
    *before, last = (b"data: " + data + b"\n\n" for data in found)
    return b"".join(before) + f"id: {newest_ns}\n".encode() + last


def seen_of(request: Request[Any, Any, Any]) -> int | None:
    """Return what a page says that it has seen last, where it comes again."""
    told = request.headers.get("last-event-id", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < _LONGEST_ID else None


async def _happens(*events: asyncio.Event) -> bool:
    waiting = [asyncio.create_task(one.wait()) for one in events]
    try:
        done, _ = await asyncio.wait(waiting, timeout=ALIVE_S, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
    return bool(done)
