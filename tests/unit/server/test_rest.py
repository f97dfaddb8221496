"""The REST side: what it answers, its errors, its own description, the page and the guard. No network."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import httpx
import msgspec
import numpy as np
import pytest
from litestar import Litestar
from server_kit import DAY0_NS, TEST, MemoryStore, make_tape

from footloom.core.trades import Trades
from footloom.engine.build import build
from footloom.engine.spec import ChartSpec
from footloom.server.app import create_app
from footloom.server.pages import Bundle
from footloom.server.rest import described, openapi
from footloom.server.routes import InstrumentRow, TradeList
from footloom.server.routes.standing import Health
from footloom.server.services import Services
from footloom.server.stored.documents import bars_document, instrument_words
from footloom.server.wire.codec import decode

pytestmark = pytest.mark.anyio

HOST = "localhost:8123"
MINUTE_NS = 60 * 10**9


@pytest.fixture
def services(store: MemoryStore) -> Services:
    made = Services.over(store, live=["test:ABC"])  # type: ignore[arg-type]  # as much of a store as is read
    made.bundle = Bundle({})
    return made


@pytest.fixture
async def client(services: Services, anyio_backend: str) -> AsyncIterator[httpx.AsyncClient]:  # noqa: ARG001
    transport = httpx.ASGITransport(cast("Any", create_app(services, origins=["http://localhost:5173"])))
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as made:
        yield made
    services.close()


async def test_health_says_ready_or_why_not(client: httpx.AsyncClient, services: Services) -> None:
    health = msgspec.json.decode((await client.get("/health")).content, type=Health)
    assert (health.status, health.live, health.topics, health.clients) == ("ready", ["test:ABC"], 0, 0)
    services.trouble["journal"] = "not recorded: the disk is full"
    health = msgspec.json.decode((await client.get("/health")).content, type=Health)
    assert (health.status, health.reasons) == ("degraded", ["not recorded: the disk is full"])


async def test_servers_of_one_process_answer_from_their_own_stores(client: httpx.AsyncClient) -> None:
    other = Services.over(MemoryStore(make_tape(rows=100)))  # type: ignore[arg-type]  # as much of a store as is read
    transport = httpx.ASGITransport(cast("Any", create_app(other)))
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as second:
        both = [(await one.get("/api/v1/coverage")).json()[0]["rows"] for one in (client, second, client)]
        assert both == [20_000, 100, 20_000]
        assert not (await second.get("/api/v1/instruments")).json()[0]["live"]
    other.close()


async def test_instruments(client: httpx.AsyncClient) -> None:
    rows = msgspec.json.decode((await client.get("/api/v1/instruments")).content, type=list[InstrumentRow])
    assert [(row.key, row.tick_size, row.lot_size, row.tz, row.tapes) for row in rows] == [
        ("test:ABC", "0.5", "0.001", "UTC", ["trade"])
    ]
    assert (rows[0].simulated, rows[0].inferred, rows[0].live, rows[0].market_lot) == (False, False, True, None)


def test_what_a_contract_trades_in_is_told() -> None:
    nifty = msgspec.structs.replace(TEST, lot_size=Decimal(1), market_lot=Decimal(75))
    assert [instrument_words(nifty, "snapshot")[name] for name in ("lot_size", "market_lot")] == ["1", "75"]


async def test_coverage(client: httpx.AsyncClient, tape: Trades) -> None:
    rows = (await client.get("/api/v1/coverage")).json()
    assert [(row["key"], row["tape"], row["rows"], row["first_ns"]) for row in rows] == [
        ("test:ABC", "trade", len(tape), str(tape.ts_exch_ns[0]))
    ]
    assert (await client.get("/api/v1/coverage", params={"symbol": "test:NONE"})).json() == []


async def test_bars_are_those_of_the_command_line(client: httpx.AsyncClient, tape: Trades) -> None:
    reply = await client.get(
        "/api/v1/bars", params={"symbol": "test:ABC", "bars": "5m", "ticks_per_level": 4, "limit": 7}
    )
    whole = build(tape, ChartSpec(bars="5m", ticks_per_level=4))
    expected = bars_document(whole.slice(len(whole) - 7, len(whole)), "trade")
    assert reply.json() == json.loads(msgspec.json.encode(expected)) | {"has_more": True}


@pytest.mark.parametrize(
    ("bars", "cvd_reset"),
    [
        ("1m", "session"),
        ("1m", "never"),
        ("30t", "session"),
        ("30t", "never"),
        ("90v-split", "session"),
        ("r9", "never"),
    ],
)
async def test_pages_back_are_the_whole_chart(
    client: httpx.AsyncClient, tape: Trades, bars: str, cvd_reset: str
) -> None:
    """Paged or built at once, every bar is the same: also what looks back (CVD, automatic minimum volume)."""
    params: dict[str, Any] = {
        "symbol": "test:ABC",
        "bars": bars,
        "ticks_per_level": 3,
        "limit": 97,
        "cvd_reset": cvd_reset,
    }
    pages: list[Any] = []
    while True:
        reply = await client.get("/api/v1/footprint", params=params)
        assert reply.headers["content-type"] == "application/vnd.footloom.frame"
        pages.insert(0, decode(reply.content))
        assert pages[0].meta is not None
        if not pages[0].meta["has_more"]:
            break
        params["to_ns"] = int(pages[0].bars["open_ns"][0])
    whole = build(tape, ChartSpec(bars=bars, ticks_per_level=3, cvd_reset=cvd_reset))  # type: ignore[arg-type]
    for name, column in (
        ("open_ns", whole.footprint.bars.open_ns),
        ("cvd", whole.cvd_lot),
        ("min_vol", whole.min_vol_lot),
        ("buy", whole.footprint.bars.buy_lot),
    ):
        np.testing.assert_array_equal(np.concatenate([page.bars[name] for page in pages]), column, err_msg=name)
    flags = np.concatenate([page.levels["cell_flags"] for page in pages])
    np.testing.assert_array_equal(flags, whole.cell_flags)


async def test_the_json_twin_by_parameter_and_by_accept(client: httpx.AsyncClient) -> None:
    url = "/api/v1/footprint?symbol=test:ABC&limit=3"
    binary = decode((await client.get(url)).content)
    for reply in (
        await client.get(url, params={"symbol": "test:ABC", "limit": 3, "format": "json"}),
        await client.get(url, headers={"accept": "application/json"}),
    ):
        assert reply.headers["content-type"] == "application/json"
        assert reply.json()["bars"]["trades"] == binary.bars["trades"].tolist()
        assert reply.json()["meta"] == binary.meta
    assert binary.meta is not None
    assert binary.meta["has_more"] is True


async def test_a_range_of_bars(client: httpx.AsyncClient) -> None:
    start = DAY0_NS + 3600 * 10**9
    reply = await client.get(
        "/api/v1/footprint", params={"symbol": "test:ABC", "from_ns": start, "to_ns": start + 10 * MINUTE_NS}
    )
    opens = decode(reply.content).bars["open_ns"]
    assert opens.tolist() == [start + i * MINUTE_NS for i in range(10)]


async def test_trades_of_a_cell_and_their_sums(client: httpx.AsyncClient, tape: Trades) -> None:
    frame = build(tape, ChartSpec(ticks_per_level=5))
    bar = 17
    cells = frame.footprint.cells(bar)
    bars = frame.footprint.bars
    for level in range(len(cells)):
        low = int(cells.row[level]) * 5
        params: dict[str, Any] = {"symbol": "test:ABC", "low_tick": low, "high_tick": low + 5, "limit": 2}
        params |= {"from_ns": int(bars.open_ns[bar]), "to_ns": int(bars.close_ns[bar])}
        found = msgspec.json.decode((await client.get("/api/v1/trades", params=params)).content, type=TradeList)
        assert found.count == cells.trades[level]
        assert (found.buy, found.sell, found.unknown) == tuple(
            TEST.qty_text(int(column[level])) for column in (cells.buy_lot, cells.sell_lot, cells.unknown_lot)
        )
        assert len(found.trades) == min(2, found.count)
        assert found.truncated == (found.count > 2)


@pytest.mark.parametrize(
    ("url", "status", "code", "words"),
    [
        ("/api/v1/bars?symbol=test:NONE", 404, "not_stored", "test:NONE"),
        ("/api/v1/bars?symbol=test:ABC&tape=agg_trade", 404, "not_stored", "agg_trade"),
        ("/api/v1/bars?symbol=test:ABC&bars=7x", 400, "config_error", "7x"),
        ("/api/v1/bars?symbol=test:ABC&value_area_pct=0", 400, "config_error", "percent"),
        ("/api/v1/bars?symbol=test:ABC&from_ns=5&to_ns=5", 400, "config_error", "empty"),
        ("/api/v1/trades?symbol=test:ABC&from_ns=9&to_ns=5", 400, "config_error", "empty"),
        ("/api/v1/bars", 400, "bad_request", "symbol"),
        ("/api/v1/bars?symbol=test:ABC&limit=0", 400, "bad_request", "limit"),
        ("/api/v1/bars?symbol=test:ABC&limit=99999999", 400, "bad_request", "limit"),
        ("/api/v1/footprint?symbol=test:ABC&format=xml", 400, "bad_request", "format"),
        ("/api/v1/footprint?symbol=test:ABC&to_ns=99999999999999999999", 400, "bad_request", "to_ns"),
        ("/api/v1/nothing", 404, "not_found", "/api/v1/nothing"),
        ("/../../etc/passwd", 404, "not_found", "passwd"),
        ("/%2e%2e/%2e%2e/etc/passwd", 404, "not_found", "passwd"),
    ],
)
async def test_errors_have_one_shape(client: httpx.AsyncClient, url: str, status: int, code: str, words: str) -> None:
    reply = await client.get(url)
    body = reply.json()
    assert (reply.status_code, body["error"]["code"]) == (status, code), body
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "detail"}
    assert words in json.dumps(body)
    assert "Traceback" not in reply.text


async def test_a_wrong_method_and_a_surprise_have_the_same_shape(
    client: httpx.AsyncClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = await client.post("/health")
    assert (reply.status_code, reply.json()["error"]["code"]) == (405, "method_not_allowed")

    def explode(*_: object) -> None:
        raise ZeroDivisionError("secret path /etc/shadow")

    monkeypatch.setattr(services.history.store, "coverage", explode)
    reply = await client.get("/api/v1/coverage")
    assert (reply.status_code, reply.json()["error"]["code"]) == (500, "internal")
    assert "shadow" not in reply.text


async def test_the_description_needs_no_internet(client: httpx.AsyncClient) -> None:
    page = await client.get("/schema")
    assert page.status_code == 200
    assert "://" not in page.text, "everything that the page shows is in it"
    assert "<script" not in page.text
    schema = (await client.get("/schema/openapi.json")).json()
    assert schema["openapi"].startswith("3.")
    names = ("instruments", "feeds", "coverage", "bars", "footprint", "trades", "profile", "book", "studies", "jobs")
    paths = {"/health", "/api/v1/logins", *(f"/api/v1/{name}" for name in names)}
    assert paths <= set(schema["paths"])
    for path in schema["paths"]:
        assert path in page.text
    assert (await client.get("/schema/openapi.yaml")).status_code == 200


async def test_the_description_is_made_once_and_beside_the_event_loop(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def completed(schema: dict[str, Any]) -> dict[str, Any]:
        made.append(threading.current_thread().name)
        return described.completed(schema)

    monkeypatch.setattr(openapi, "completed", completed)
    first = await client.get("/schema/openapi.json")
    assert first.headers["content-type"] == "application/vnd.oai.openapi+json"
    again = await client.get("/schema/openapi.json", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert len(made) == 1
    assert made[0] != threading.main_thread().name
    nothing = await client.get("/schema/nothing")
    assert (nothing.status_code, nothing.json()["error"]["code"]) == (404, "not_found")


async def test_a_path_that_is_not_there_costs_no_description(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Litestar, "openapi_schema", property(lambda _: pytest.fail("half a second of the event loop")))
    for method, path, near in (
        ("GET", "bar", "bars"),
        ("POST", "footprin", "footprint"),
    ):
        reply = await client.request(method, f"/api/v1/{path}")
        assert (reply.status_code, reply.json()["error"]["code"]) == (404, "not_found")
        assert f"did you mean /api/v1/{near}?" in reply.json()["error"]["message"]
    for path in ("bars", "layouts/one"):
        assert (await client.post(f"/api/v1/{path}")).status_code == 405


async def test_every_parameter_and_reply_is_described(client: httpx.AsyncClient) -> None:
    schema = (await client.get("/schema/openapi.json")).json()
    chart = schema["paths"]["/api/v1/footprint"]["get"]
    names = {p["name"] for p in chart["parameters"]}
    assert {
        "symbol",
        "bars",
        "ticks_per_level",
        "value_area",
        "poc_tie",
        "cvd_reset",
        "from_ns",
        "to_ns",
        "limit",
    } <= names
    assert "application/vnd.footloom.frame" in chart["responses"]["200"]["content"]
    assert {"400", "404"} <= set(chart["responses"])


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"host": "127.0.0.1:8123"}, True),
        ({"host": "127.0.0.2"}, True),
        ({"host": "[::1]:8123"}, True),
        ({"host": "LOCALHOST:9"}, True),
        ({"host": "footloom.example:8123"}, False),
        ({"host": "127.0.0.1.evil.example"}, False),
        ({"host": "localhost@evil.example"}, False),
        ({"host": ""}, False),
        ({"host": "[::1"}, False),
        ({"host": "192.168.1.9:8123"}, False),
        ({"origin": f"http://{HOST}"}, True),
        ({"origin": "http://localhost:5173"}, True),
        ({"origin": "http://localhost:1"}, False),
        ({"origin": "http://evil.example"}, False),
        ({"origin": f"http://evil.example?{HOST}"}, False),
        ({"origin": "null"}, False),
        ({"origin": "http://["}, False),
        ({"origin": f"http://{HOST}]"}, False),
        ({"sec-fetch-site": "same-origin", "sec-fetch-dest": "image"}, True),
        ({"sec-fetch-site": "none", "sec-fetch-dest": "document"}, True),
        ({"sec-fetch-site": "cross-site", "sec-fetch-dest": "document"}, True),  # a link
        ({"sec-fetch-site": "cross-site", "sec-fetch-dest": "iframe"}, False),
        ({"sec-fetch-site": "cross-site", "sec-fetch-dest": "image"}, False),
        ({"sec-fetch-site": "same-site", "sec-fetch-dest": "script"}, False),
    ],
)
async def test_the_guard(client: httpx.AsyncClient, headers: dict[str, str], *, allowed: bool) -> None:
    for path in ("/health", "/", "/schema"):
        reply = await client.get(path, headers=headers)
        assert (reply.status_code != 403) == allowed, reply.text
        if not allowed:
            assert reply.json()["error"]["code"] == "forbidden"


async def test_every_reply_carries_the_security_headers(client: httpx.AsyncClient) -> None:
    for path in ("/", "/health", "/schema", "/nothing"):
        headers = (await client.get(path)).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


async def test_a_missing_page_says_how_to_build_it(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(vars(Bundle)["read"].__func__, "__defaults__", (tmp_path,))
    reply = await client.get("/")
    assert reply.status_code == 503
    assert reply.headers["content-type"].startswith("text/html")
    assert "npm run build" in reply.text
    # It is built meanwhile: the next load finds it, without a restart.
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<p>built</p>")
    (tmp_path / "assets" / "app-1a2b.js").write_text("let a = 1;" * 500)
    reply = await client.get("/")
    assert (reply.status_code, reply.text) == (200, "<p>built</p>")


async def test_caching_of_the_page(client: httpx.AsyncClient, services: Services, tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<p>page</p>")
    (tmp_path / ".web-hash").write_text("not for the world")
    (tmp_path / "assets" / "app-1a2b.js").write_text("let a = 1;" * 500)
    services.bundle = Bundle.read(tmp_path)
    page = await client.get("/")
    assert page.headers["cache-control"] == "no-cache"
    script = await client.get("/assets/app-1a2b.js")
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert script.headers["content-type"].startswith("text/javascript")
    assert script.headers["content-encoding"] == "gzip"
    assert script.text == "let a = 1;" * 500
    plain = await client.get("/assets/app-1a2b.js", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    again = await client.get("/", headers={"if-none-match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert (await client.get("/.web-hash")).status_code == 404
