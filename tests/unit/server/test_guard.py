"""Pages of another origin that the server was told of: what their browsers ask for, and may read of the answers."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from footloom.core.secret import Secret
from footloom.server.access.auth import Access
from footloom.server.access.guard import Guard

pytestmark = pytest.mark.anyio

HOST, PAGE = "http://127.0.0.1:8123", "http://localhost:3000"
TOKEN = "a-token-of-sixteen-letters"  # noqa: S105 - of no server


async def layout(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"etag", b'"1"'), (b"vary", b"accept")]})
    await send({"type": "http.response.body", "body": b"{}"})


async def test_a_page_that_was_named_saves_a_layout_where_nobody_else_has() -> None:
    guard = Guard(layout, Access(Secret(TOKEN), origins=frozenset({PAGE})))
    transport = httpx.ASGITransport(guard)  # type: ignore[arg-type] - an ASGI application
    async with httpx.AsyncClient(transport=transport, base_url=HOST, headers={"origin": PAGE}) as page:
        wanted = "authorization,content-type,if-match"
        asked = {"access-control-request-method": "PUT", "access-control-request-headers": wanted}
        before = await page.options("/api/v1/layouts/a", headers=asked)
        stranger = await page.put("/api/v1/layouts/a")
        known = await page.put("/api/v1/layouts/a", headers={"authorization": f"Bearer {TOKEN}"})
        other = await page.options("/api/v1/layouts/a", headers=asked | {"origin": "http://localhost:3001"})

    allowed = before.headers["access-control-allow-headers"].split(", ")
    assert (before.status_code, set(wanted.split(",")) - set(allowed)) == (204, set())
    assert "PUT" in before.headers["access-control-allow-methods"]
    assert stranger.status_code == 401
    assert stranger.headers["access-control-allow-origin"] == PAGE, "the page may read why"
    assert known.status_code == 200
    assert "etag" in known.headers["access-control-expose-headers"].split(", "), "without it If-Match has no value"
    assert known.headers.get_list("vary") == ["accept", "Origin"]
    assert other.status_code == 403
    assert "access-control-allow-origin" not in other.headers
