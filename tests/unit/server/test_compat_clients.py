"""Settings of clients outlast any number of others that only look."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from litestar import Request

from footloom.server.compat import clients as clients_module
from footloom.server.compat.clients import Clients, Settings

pytestmark = pytest.mark.anyio

DEFAULTS = Settings(1, Decimal(1), "")
CHANGED = Settings(5, Decimal(2), "test:ABC")


def request(cookie: str = "") -> Request[Any, Any, Any]:
    headers = [(b"cookie", cookie.encode())] if cookie else []
    scope = {"type": "http", "scheme": "http", "path": "/", "query_string": b"", "client": ("127.0.0.1", 1)}
    return Request(scope | {"headers": headers})  # type: ignore[arg-type] - as much of a scope as is read


async def test_who_only_looks_pushes_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients_module, "_MOST_CLIENTS", 10)
    clients = Clients("wire", DEFAULTS)
    (greeted,) = clients.greet(request())
    by_name = request(f"{greeted.key}={greeted.value}")
    assert clients.change(by_name, CHANGED) == [], "it keeps the name that it was given when it looked"
    (new,) = clients.change(request(), CHANGED)
    for _ in range(50):
        assert clients.greet(request())
    for cookie in (greeted, new):
        mine = request(f"{cookie.key}={cookie.value}")
        assert clients.settings(mine) == CHANGED
        assert clients.greet(mine) == []
    assert len(clients) == 12, "ten that only looked, two that changed something"
    for _ in range(50):
        clients.change(request(), CHANGED)
    assert len(clients) == 20, "there is an end to those as well"
