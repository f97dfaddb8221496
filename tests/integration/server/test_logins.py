"""The login form's endpoints against a local broker: what is typed is kept in one file and repeated nowhere."""

from __future__ import annotations

import logging
import stat
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import numpy as np
import pytest
from server_kit import MemoryStore

from footloom.config import Config
from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.feeds import credentials
from footloom.server.access.logins import Logins
from footloom.server.app import create_app
from footloom.server.routes.logins import REDIRECT_PATH
from footloom.server.services import Services
from footloom.testing.venues import Listing, LocalVenue, Market

pytestmark = pytest.mark.anyio

START_NS = 1_780_000_000_000_000_000
HOST = "http://127.0.0.1:8123"
SECRET = "s3cr3t-0123456789-plus"  # noqa: S105 - of no account


@pytest.fixture
async def broker() -> AsyncIterator[LocalVenue]:
    future = Instrument(venue="upstox", symbol="NSE_FO|53001", tick_size=Decimal("0.05"), lot_size=Decimal(1))
    n = np.arange(5)
    trades = Trades.build(future, START_NS + n * 10**9, 500_000 + n, 1 + n, np.ones(5), trade_id=1 + n)
    async with LocalVenue("upstox", Market([Listing(trades, None)], START_NS - 1)) as venue:
        yield venue


class Desk:
    """A server's application, what it was told of logins, and a client that is its own page."""

    def __init__(self, broker: LocalVenue, folder: Path) -> None:
        settings = Config(store=folder, folder=folder, endpoints={"upstox": broker.url})
        self.folder = folder
        self.told: list[tuple[str, dict[str, str]]] = []
        services = Services.over(MemoryStore())  # type: ignore[arg-type] - as much of a store as is read
        services.logins = Logins(settings, lambda venue, values: self.told.append((venue, dict(values))))
        transport = httpx.ASGITransport(create_app(services))
        self.page = httpx.AsyncClient(transport=transport, base_url=HOST, headers={"origin": HOST})

    async def post(self, venue: str, way: str, **fields: str) -> httpx.Response:
        return await self.page.post("/api/v1/logins", json={"venue": venue, "way": way, "fields": fields})


@pytest.fixture
def desk(broker: LocalVenue, tmp_path: Path) -> Desk:
    return Desk(broker, tmp_path)


async def test_the_ways_are_listed_and_the_standing_is_said(desk: Desk) -> None:
    rows = (await desk.page.get("/api/v1/logins")).json()
    assert [(row["venue"], row["state"]) for row in rows] == [("upstox", "none"), ("angelone", "none")]
    fields = {one["name"]: one["secret"] for row in rows for way in row["ways"] for one in way["fields"]}
    assert fields == {
        "token": True,
        "api_key": True,
        "api_secret": True,
        "client_code": False,
        "pin": True,
        "totp_secret": True,
    }


async def test_a_token_is_checked_kept_for_the_owner_alone_and_never_repeated(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answer = await desk.post("upstox", "analytics", token=SECRET)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    row = answer.json()
    assert (row["venue"], row["state"]) == ("upstox", "good")
    assert int(row["expires_ns"]) > 0
    assert SECRET not in answer.text
    assert SECRET not in caplog.text
    path = credentials.path_of("upstox", desk.folder)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert credentials.load("upstox", desk.folder)["access_token"] == SECRET
    assert desk.told[0][0] == "upstox"
    listed = await desk.page.get("/api/v1/logins")
    assert SECRET not in listed.text


async def test_what_the_broker_refuses_is_said_without_what_was_typed(desk: Desk, broker: LocalVenue) -> None:
    await broker.__aexit__(None, None, None)
    answer = await desk.post("upstox", "analytics", token=SECRET)
    assert answer.status_code == 502
    assert SECRET not in answer.text
    assert not credentials.path_of("upstox", desk.folder).exists()
    assert desk.told == []


async def test_upstox_sends_the_browser_back_and_the_code_is_good_once(desk: Desk) -> None:
    row = (await desk.post("upstox", "oauth", api_key="key", api_secret=SECRET)).json()
    asked = parse_qs(urlsplit(row["open"]).query)
    assert asked["redirect_uri"] == [HOST + REDIRECT_PATH]
    assert SECRET not in row["open"]
    async with httpx.AsyncClient() as browser:
        sent_back = (await browser.get(row["open"])).headers["location"]
    there = urlsplit(sent_back)
    assert f"{there.scheme}://{there.netloc}{there.path}" == HOST + REDIRECT_PATH
    nobody = await desk.page.get(f"{there.path}?code=x&state=guessed")
    assert nobody.status_code == 400
    done = await desk.page.get(f"{there.path}?{there.query}")
    assert done.status_code == 200
    assert "Logged in" in done.text
    assert credentials.load("upstox", desk.folder)["access_token"] not in done.text
    again = await desk.page.get(f"{there.path}?{there.query}")
    assert again.status_code == 400
    assert "begin it anew" in again.text


async def test_over_tls_the_browser_is_sent_back_over_tls(desk: Desk) -> None:
    host = HOST.replace("http:", "https:")
    async with httpx.AsyncClient(transport=desk.page._transport, base_url=host, headers={"origin": host}) as page:
        ask = {"venue": "upstox", "way": "oauth", "fields": {"api_key": "key", "api_secret": SECRET}}
        row = (await page.post("/api/v1/logins", json=ask)).json()
    assert parse_qs(urlsplit(row["open"]).query)["redirect_uri"] == [host + REDIRECT_PATH]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"host": "evil.example"}, 403),
        ({"content-type": "text/plain"}, 400),
        ({"content-type": "application/x-www-form-urlencoded"}, 400),
    ],
)
async def test_no_other_site_can_log_anybody_in(desk: Desk, headers: dict[str, str], status: int) -> None:
    body = b'{"venue": "upstox", "way": "analytics", "fields": {"token": "theirs"}}'
    sent = {"content-type": "application/json"} | headers
    client = httpx.AsyncClient(transport=desk.page._transport, base_url=HOST)
    answer = await client.post("/api/v1/logins", content=body, headers=sent)
    assert answer.status_code == status
    assert desk.told == []


@pytest.mark.parametrize(
    ("venue", "body", "words"),
    [
        ("upstox", {"way": "analytics", "fields": {"token": " "}}, "upstox: Token left empty"),
        ("upstox", {"way": "guess", "fields": {}}, "upstox has no login 'guess': analytics, oauth"),
        ("binance_usdm", {"way": "x", "fields": {}}, "'binance_usdm' needs no login"),
        ("upstox", {"way": "analytics"}, "missing required field `fields`"),
        ("upstox", {"way": "analytics", "fields": {"token": 17_459_201}}, "Expected `str`"),
    ],
)
async def test_what_a_form_lacks_is_said(desk: Desk, venue: str, body: dict[str, object], words: str) -> None:
    answer = await desk.page.post("/api/v1/logins", json={"venue": venue} | body)
    assert answer.status_code == 400
    assert words in answer.json()["error"]["message"]
    assert "17459201" not in answer.text


async def test_a_server_of_stored_charts_has_no_login() -> None:
    services = Services.over(MemoryStore())  # type: ignore[arg-type] - as much of a store as is read
    async with httpx.AsyncClient(transport=httpx.ASGITransport(create_app(services)), base_url=HOST) as client:
        assert (await client.get("/api/v1/logins")).json() == []
        answer = await client.post(
            "/api/v1/logins", json={"venue": "upstox", "way": "analytics", "fields": {"token": "x"}}
        )
        assert "listens to no venue" in answer.json()["error"]["message"]
