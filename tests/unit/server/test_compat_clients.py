"""Settings of clients outlast any number of others, and a restart of the server."""

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


async def test_settings_outlast_any_number_of_others_and_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients_module, "_MOST_KEPT", 10)
    clients = Clients("wire", DEFAULTS)
    (greeted,) = clients.greet(request())
    assert greeted.value is not None
    (mine,) = clients.change(request(f"{greeted.key}={greeted.value}"), CHANGED)
    assert mine.value is not None
    assert mine.value.partition("!")[0] == greeted.value.partition("!")[0], "the name that it was given when it looked"
    for _ in range(50):
        assert clients.greet(request())
        clients.change(request(), DEFAULTS)
    assert len(clients) == 10, "there is an end to what is kept"
    again = request(f"{mine.key}={mine.value}")
    for server in (clients, Clients("wire", DEFAULTS)):
        assert server.settings(again) == CHANGED
        assert server.greet(again) == []


async def test_a_request_that_was_sent_before_the_cookie_came_has_the_new_settings() -> None:
    clients = Clients("wire", DEFAULTS)
    (greeted,) = clients.greet(request())
    early = request(f"{greeted.key}={greeted.value}")
    clients.change(early, CHANGED)
    assert clients.settings(early) == CHANGED


async def test_what_a_stream_follows_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients_module, "_MOST_KEPT", 3)
    clients = Clients("wire", DEFAULTS)
    (greeted,) = clients.greet(request())
    mine = request(f"{greeted.key}={greeted.value}")
    with clients.watch(mine) as changed:
        clients.change(mine, CHANGED)
        for _ in range(20):
            clients.change(request(), DEFAULTS)
        assert changed.is_set()
        assert clients.settings(mine) == CHANGED


@pytest.mark.parametrize(
    ("value", "settings"),
    [
        ("made-up", None),
        ("made-up-by-me!1!5!2", None),
        ("made-up-by-me!-1!5!2!", None),
        ("made-up-by-me!" + "9" * 99 + "!5!2!", None),
        ("made-up-by-me!1!0!2!", DEFAULTS),
        ("made-up-by-me!1!5!1e99!", DEFAULTS),
        ("made-up-by-me!1!7!0.5!test%3AA%21B", Settings(7, Decimal("0.5"), "test:A!B")),
    ],
)
async def test_a_cookie_that_somebody_made_up_does_no_harm(value: str, settings: Settings | None) -> None:
    clients = Clients("wire", DEFAULTS)
    asked = request(f"footloom_wire={value}")
    assert clients.knows(asked) is (settings is not None)
    assert clients.settings(asked) == (settings or DEFAULTS)
