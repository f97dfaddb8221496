"""A server on a real port, in this process, over a store in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from server_kit import MemoryStore

from footloom.server.app import create_app
from footloom.server.listening import ConnectionLimits
from footloom.server.port import bind
from footloom.server.run import listen
from footloom.server.services import Services


@dataclass
class Running:
    """A server that answers."""

    services: Services
    port: int

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws/v1"


@asynccontextmanager
async def serving(store: MemoryStore, evict_after_s: float = 10.0, host: str = "127.0.0.1") -> AsyncIterator[Running]:
    services = Services.over(store)  # type: ignore[arg-type] - as much of a store as is read
    listener = bind(host, 0)
    port = listener.getsockname()[1]
    ready, stop = asyncio.Event(), asyncio.Event()
    app = create_app(services)
    limits = ConnectionLimits(evict_after_s=evict_after_s)
    task = asyncio.create_task(listen(app, listener, on_ready=ready.set, stop=stop, limits=limits))
    await asyncio.wait_for(ready.wait(), 60)
    yield Running(services, port)
    stop.set()
    await asyncio.wait_for(task, 60)
    services.close()
