"""The older wires over real connections: a reader of Arrow, clients that come and go, settings of each alone."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from compat_kit import DAY_MS, MINUTE_MS, counted
from litestar import Request
from server_kit import DAY0_NS, TEST, MemoryStore, make_tape
from serving_kit import Running, serving
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

import footloom as fl
from footloom.core.trades import Trades
from footloom.feeds.flow import Commit
from footloom.server.compat.blocks_sse import BlockTeller
from footloom.server.compat.clients import Clients
from footloom.server.compat.history_sse import DEFAULTS, BarTeller
from footloom.server.compat.sse import BarStream, begun
from footloom.store.files import Store

pytestmark = pytest.mark.anyio
PATIENCE_S = 60


@pytest.fixture
async def client(server: Running) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.http, timeout=PATIENCE_S) as opened:
        yield opened


async def until(wanted: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not wanted():  # noqa: ASYNC110 - what is waited for says nothing
            await asyncio.sleep(0.01)


def subscribers(server: Running) -> int:
    return sum(len(topic.subscribers) for topic in server.services.hub.topics)


async def events(answer: httpx.Response) -> AsyncIterator[Any]:
    async for line in answer.aiter_lines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


async def test_polars_reads_what_python_loads(tmp_path: Path, rng: np.random.Generator) -> None:
    polars = pytest.importorskip("polars", reason="polars is an extra")
    tape = make_tape(rows=30_000, hours=50, seed=int(rng.integers(10**6)))
    with Store(tmp_path, writer=True) as store:
        store.append(tape.take(slice(0, 20_000)))
        store.seal()
        store.append(tape.take(slice(20_000, 30_000)))  # some days in parts, one in the journal
        day = dt.datetime.fromtimestamp(DAY0_NS / 1e9, dt.UTC)
        start, end = day + dt.timedelta(hours=7), day + dt.timedelta(hours=44)
        truth = fl.load_trades(TEST.key, start, end, store=tmp_path, fetch="never")
        async with serving(store) as server:  # type: ignore[arg-type] - a store in files serves as well
            query = {
                "venue": "test",
                "symbol": "abc",
                "from": int(start.timestamp() * 1000),
                "to": int(end.timestamp() * 1000) - 1,
            }
            address = f"{server.http}/trades.arrow?{httpx.QueryParams(query)}"
            async with httpx.AsyncClient(timeout=PATIENCE_S) as reader:
                answer = await reader.get(address)
            assert answer.headers["content-type"] == "application/vnd.apache.arrow.stream"
            found = polars.read_ipc_stream(answer.content)
            assert found.columns == ["ts", "price", "qty", "is_sell"]
            assert found["ts"].to_list() == (truth.ts_exch_ns // 10**6).tolist()
            assert found["price"].to_list() == [float(TEST.price_text(tick)) for tick in truth.price_tick.tolist()]
            assert found["qty"].to_list() == [float(TEST.qty_text(lot)) for lot in truth.qty_lot.tolist()]
            assert found["is_sell"].to_list() == [{1: False, -1: True, 0: None}[side] for side in truth.side.tolist()]


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ({"venue": "test", "symbol": "XYZ"}, 404, "test:XYZ"),
        (
            {"venue": "binance", "symbol": "BTCUSDT"},
            400,
            "the market is missing: with venue=binance write",
        ),
        ({"venue": "binance", "market": "linear", "symbol": "btcusdt"}, 404, "binance_usdm:btcusdt"),
        ({"venue": "test", "symbol": "ABC", "from": 5, "to": 4}, 400, "the range is empty: from 5 is behind to 4"),
        ({"venue": "test", "symbol": "ABC", "from": "x"}, 400, "from"),
        ({"venue": "test", "symbol": "ABC", "limit": 0}, 400, "limit"),
        ({"venue": "test"}, 400, "symbol"),
    ],
)
async def test_a_range_that_cannot_be_is_refused(
    client: httpx.AsyncClient, query: dict[str, Any], status: int, says: str
) -> None:
    answer = await client.get("/trades.arrow", params=query)
    assert answer.status_code == status
    assert says in answer.text
    assert set(answer.json()["error"]) >= {"code", "message"}


async def test_a_head_is_that_of_the_answer_and_no_work_goes_on_behind_it(
    server: Running, client: httpx.AsyncClient
) -> None:
    for path in ("/livez", "/schema", "/api/v1/bars?symbol=test:ABC", "/api/v1/bars?symbol=test:NONE"):
        head, whole = await client.head(path), await client.get(path)
        assert (head.status_code, head.content, len(whole.content) > 30) == (whole.status_code, b"", True), path
        same = ("content-type", "content-length", "etag", "content-encoding", "cache-control")
        assert [head.headers.get(name) for name in same] == [whole.headers.get(name) for name in same], path
    stream = await client.head("/compat/001/stream")
    assert (stream.status_code, stream.headers["content-type"]) == (200, "text/event-stream")
    assert (await client.head("/api/v1/layouts/none")).status_code == 404
    await until(lambda: subscribers(server) == 0)


async def test_settings_belong_to_one_client(server: Running) -> None:
    async with httpx.AsyncClient(base_url=server.http) as one, httpx.AsyncClient(base_url=server.http) as other:
        for client in (one, other):
            assert (await client.get("/compat/001/settings")).json() == {"interval": 5, "tickSize": 2.0, "symbol": ""}
        told = await one.post("/compat/001/settings", json={"interval": 15, "tickSize": "0.1", "symbol": "test:ABC"})
        assert told.json() == {"status": "success", "interval": 15, "tickSize": 0.1, "symbol": "test:ABC"}
        assert (await one.get("/compat/001/settings")).json()["interval"] == 15
        assert (await other.get("/compat/001/settings")).json()["interval"] == 5
        assert one.cookies["footloom_001"] != other.cookies["footloom_001"]
        bars = [(await client.get("/compat/001/history")).json() for client in (one, other)]
        assert {bar["time"] % 900 for bar in bars[0]} == {0}
        assert {bar["time"] % 900 for bar in bars[1]} == {0, 300, 600}
        once = (await other.get("/compat/001/history", params={"interval": 60, "limit": 3})).json()
        assert [bar["time"] % 3600 for bar in once] == [0, 0, 0]
        await other.post("/compat/002/set_interval", data={"interval": "1", "tickSize": "5"})
        assert (await other.get("/compat/001/settings")).json()["interval"] == 5  # another wire
    async with httpx.AsyncClient(base_url=server.http, cookies={"footloom_001": "made-up"}) as stranger:
        assert (await stranger.get("/compat/001/settings")).json()["interval"] == 5


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("001/settings", {"json": {"interval": 0}}, 400, "interval '0' cannot be: write a whole number from 1 to 1440"),
        ("001/settings", {"json": {"tickSize": -1}}, 400, "tickSize '-1' is no price step"),
        ("001/settings", {"json": {"symbol": "NONE"}}, 404, "symbol 'NONE' is not stored"),
        ("001/settings", {"json": [1]}, 400, "no JSON object"),
        ("001/settings", {"content": b"{", "headers": {"content-type": "application/json"}}, 400, "no JSON object"),
        ("002/set_interval", {"data": {"interval": "3.5"}}, 400, "interval '3.5'"),
        ("002/set_interval", {"data": {"tickSize": "1e99"}}, 400, "too many digits"),
    ],
)
async def test_settings_that_cannot_be_are_refused(
    client: httpx.AsyncClient, path: str, body: dict[str, Any], status: int, says: str
) -> None:
    answer = await client.post(f"/compat/{path}", **body)
    assert answer.status_code == status
    assert says in answer.json()["error"]["message"]
    assert "set-cookie" not in answer.headers


async def test_history_and_data_are_a_plain_count(client: httpx.AsyncClient, store: MemoryStore) -> None:
    tape = store.tapes[TEST.key, "trade"]
    bars = (await client.get("/compat/001/history", params={"limit": 2000})).json()
    truth = counted(tape, 5 * MINUTE_MS, "2")
    assert [bar["time"] * 1000 for bar in bars] == sorted(truth)
    for bar in bars:
        rows = {
            level["price"]: (level["bidVol"], level["askVol"], level.get("unknownVol", 0)) for level in bar["levels"]
        }
        assert rows == {
            float(price): tuple(float(row[name]) for name in ("bid", "ask", "unknown"))
            for price, row in truth[bar["time"] * 1000]["levels"].items()
        }
        assert list(rows) == sorted(rows, reverse=True)
    data = (await client.get("/compat/002/data")).json()
    truth = counted(tape, 3 * MINUTE_MS, "3")
    wanted = {
        dt.datetime.fromtimestamp(at / 1000, dt.UTC).strftime("%Y-%m-%d %H:%M:%S"): {
            f"{float(price)}": (float(row["ask"]), float(row["bid"]), float(row["unknown"]))
            for price, row in truth[at]["levels"].items()
        }
        for at in sorted(truth)[-150:]
    }
    found = {
        time: {
            price: (row["buy_volume"], row["sell_volume"], row.get("unknown_volume", 0)) for price, row in rows.items()
        }
        for time, rows in data.items()
    }
    assert found == wanted


async def test_a_stream_that_nobody_reads_any_more_leaves_its_topic(server: Running) -> None:
    async with httpx.AsyncClient(base_url=server.http, timeout=PATIENCE_S) as client:
        async with (
            client.stream("GET", "/compat/001/stream") as one,
            client.stream("GET", "/compat/002/stream") as other,
        ):
            assert one.headers["content-type"].startswith("text/event-stream")
            bar, blocks = await anext(events(one)), await anext(events(other))
            assert set(bar) == {"time", "open", "high", "low", "close", "levels"}
            assert set(blocks) == {"trade_data", "ltp"}
            assert subscribers(server) == 2
        await until(lambda: subscribers(server) == 0)


@pytest.mark.parametrize("teller", [BarTeller, BlockTeller])
async def test_a_stream_whose_client_left_before_it_began_leaves_its_topic(server: Running, teller: Any) -> None:
    scope = {"type": "http", "method": "GET", "scheme": "http", "path": "/", "query_string": b"", "headers": []}
    clients, request = Clients("wire", DEFAULTS), Request(scope)  # type: ignore[arg-type] - as much as is read
    flow = await begun(clients, request, BarStream(server.services, lambda: DEFAULTS, teller, 2, 0.1))
    assert subscribers(server) == 1
    sent: list[Any] = []

    async def gone() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)
        await asyncio.Event().wait()  # the connection takes nothing any more

    await flow(scope, gone, send)  # type: ignore[arg-type] - as above
    assert [message["type"] for message in sent] == ["http.response.start"]
    assert subscribers(server) == 0
    assert not clients._nameless


async def test_a_stream_of_a_symbol_that_is_not_there_is_an_error(client: httpx.AsyncClient) -> None:
    answer = await client.get("/compat/002/stream", params={"symbol": "NONE"})
    assert answer.status_code == 404
    assert "NONE" in answer.json()["error"]["message"]


async def test_an_open_stream_follows_the_settings_of_its_client(server: Running) -> None:
    async with httpx.AsyncClient(base_url=server.http, timeout=PATIENCE_S) as client:
        await client.get("/compat/002/data")
        async with client.stream("GET", "/compat/002/stream") as answer:
            told = events(answer)
            assert "00" in {time[-5:-3] for time in (await anext(told))["trade_data"]}
            await client.post("/compat/002/set_interval", data={"interval": "60", "tickSize": "100"})
            async for state in told:
                if {time[-5:] for time in state["trade_data"]} == {"00:00"}:
                    break
            prices = {float(price) % 100 for rows in state["trade_data"].values() for price in rows}
            assert prices == {0.0}


async def test_a_slow_reader_of_a_stream_harms_nobody(server: Running, store: MemoryStore) -> None:
    tape = store.tapes[TEST.key, "trade"]
    last_ns, last_id = int(tape.ts_exch_ns[-1]), int(tape.trade_id[-1])
    _, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1)
    writer.write(f"GET /compat/002/stream HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode())
    await until(lambda: subscribers(server) == 1)  # and reads nothing
    async with (
        httpx.AsyncClient(base_url=server.http, timeout=PATIENCE_S) as client,
        client.stream("GET", "/compat/001/stream") as answer,
    ):
        told = events(answer)
        await anext(told)
        for n in range(1, 40):
            ts = last_ns + n * MINUTE_MS * 10**6
            fresh = Trades.build(TEST, [ts], [50_000], [1_000], [1], trade_id=[last_id + n], ts_recv_ns=[ts])
            store.append_many([(fresh, ())])
            server.services.publish(Commit(TEST.key, fresh, (), ts))
            await asyncio.sleep(0.01)
        newest = (last_ns + 39 * MINUTE_MS * 10**6) // (5 * MINUTE_MS * 10**6) * 300
        async for bar in told:
            if bar["time"] == newest:
                break
    writer.close()
    await until(lambda: subscribers(server) == 0)


async def test_an_error_is_a_message_and_a_close_code(server: Running) -> None:
    for query, code, says in (
        ("tf=2m", 4400, "tf '2m' cannot be"),
        ("exchange=test&symbol=XYZ", 4404, "test:XYZ"),
        ("exchange=nowhere", 4404, "nowhere:BTCUSDT"),
    ):
        for root in ("", "/compat/003"):
            async with connect(f"ws://127.0.0.1:{server.port}{root}/ws/orderflow?{query}") as socket:
                message = json.loads(await socket.recv())
                assert message["type"] == "error"
                assert says in message["message"]
                with pytest.raises(ConnectionClosed):
                    await socket.recv()
                assert socket.close_code == code
    await until(lambda: subscribers(server) == 0)


async def test_many_clients_see_the_same_candles(server: Running) -> None:
    address = f"ws://127.0.0.1:{server.port}/ws/orderflow?exchange=test&symbol=ABC&lookback=500"
    texts = set()
    for _ in range(5):
        async with connect(address, max_size=None) as socket:
            message = json.loads(await socket.recv())
            texts.add(json.dumps(message["candles"]))
    assert len(texts) == 1
    assert message["cvd_anchor_ts"] % DAY_MS == 0
    await until(lambda: subscribers(server) == 0)


async def test_health_is_where_the_description_looks_for_it(client: httpx.AsyncClient) -> None:
    for path in ("/health", "/compat/003/health"):
        answer = await client.get(path)
        assert answer.status_code == 200
        assert answer.json()["status"] == "ready"


async def test_clients_of_older_wires_are_counted(server: Running) -> None:
    async with httpx.AsyncClient(base_url=server.http, timeout=PATIENCE_S) as client:
        async with connect(f"ws://127.0.0.1:{server.port}/ws/orderflow?exchange=test&symbol=abc") as socket:
            await socket.recv()
            async with client.stream("GET", "/compat/001/stream") as stream:
                await anext(events(stream))
                assert (await client.get("/health")).json()["clients"] == 2
                figures = (await client.get("/metrics")).text
                assert "footloom_clients 2.0" in figures
        await until(lambda: server.services.visitors == 0)
        assert (await client.get("/health")).json()["clients"] == 0
