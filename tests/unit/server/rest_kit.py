"""A server's REST side in the same process, over any store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import httpx

from footloom import config
from footloom.config import Config
from footloom.server.app import create_app
from footloom.server.live.writer import Writer
from footloom.server.pages import Bundle
from footloom.server.services import Services
from footloom.store.files import Store

HOST = "localhost:8123"


def settings_for(root: Path, folder: Path, **flags: object) -> Config:
    """Return settings whose files lie in a folder, and whose venues are nowhere."""
    names = ("binance_usdm", "binance_spot", "binance_coinm", "bybit_linear", "upstox", "angelone")
    nowhere = [f"{name}=http://127.0.0.1:9" for name in names]
    return config.load({"FOOTLOOM_CONFIG": str(folder)}, store=root, endpoints=nowhere, flags=flags)


def services_of(store: Any) -> Services:
    """Return the services of a store; a folder may be written to."""
    services = Services.over(store)
    services.bundle = Bundle({})
    if isinstance(store, Store):
        services.writer = Writer(lambda: Store(store.root, writer=True))
    return services


@asynccontextmanager
async def client_of(services: Services, settings: Config | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """Serve within this process."""
    transport = httpx.ASGITransport(cast("Any", create_app(services, settings=settings)))
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as client:
        try:
            yield client
        finally:
            services.close()
