"""The local Binance USD-M against a client that knows nothing of footloom: websockets and httpx."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import zipfile

import httpx
import pytest
import websockets
from venue_kit import START, socket, until_lost
from venue_kit import market as market_of

from footloom.testing.venues import LocalVenue, Market

pytestmark = pytest.mark.anyio


def market(count: int = 40, every_ms: int = 500) -> Market:
    return market_of("binance_usdm", count, every_ms=every_ms)


async def received(connection: websockets.ClientConnection) -> list[dict]:
    return (await until_lost(connection))[0]


async def test_trades_come_on_the_market_path_as_documented() -> None:
    async with LocalVenue("binance_usdm", market(3)) as venue, socket(venue, "/market/ws/btcusdt@aggTrade") as client:
        await venue.heard("btcusdt@aggTrade")
        await venue.finish()
        venue.disconnect(1000)
        messages = await received(client)

    assert [one["a"] for one in messages] == [1000, 1001, 1002]
    assert messages[0] == {
        "e": "aggTrade", "E": START // 10**6 + 2, "s": "BTCUSDT", "a": 1000, "p": "92150.0", "q": "0.001",
        "nq": "0.001", "f": 3000, "l": 3001, "T": START // 10**6, "m": True, "st": 1,
    }  # fmt: skip
    assert messages[1]["m"] is False


@pytest.mark.parametrize("path", ["/ws", "/public/ws"])
async def test_the_wrong_path_acknowledges_and_is_silent(path: str) -> None:
    async with LocalVenue("binance_usdm", market()) as venue, socket(venue, path) as client:
        await client.send('{"method":"SUBSCRIBE","params":["btcusdt@aggTrade"],"id":1}')
        assert json.loads(await client.recv()) == {"result": None, "id": 1}
        await venue.finish()
        venue.disconnect(1000)

        assert await received(client) == []


async def test_control_messages_are_answered_and_errors_numbered() -> None:
    asked = [
        ('{"method":"LIST_SUBSCRIPTIONS","id":3}', {"result": ["btcusdt@aggTrade"], "id": 3}),
        ('{"method":"GET_PROPERTY","params":["combined"],"id":"x"}', {"result": True, "id": "x"}),
        ('{"method":"UNSUBSCRIBE","params":["btcusdt@aggTrade"],"id":4}', {"result": None, "id": 4}),
        ('{"method":"GET_PROPERTY","params":["colour"],"id":5}', {"code": 0, "id": 5}),
        ('{"method":"SET_PROPERTY","params":["combined","yes"],"id":6}', {"code": 1, "id": 6}),
        ('{"method":"JUMP","id":7}', {"code": 2, "id": 7}),
        ("{no", {"code": 3, "id": None}),
    ]
    async with (
        LocalVenue("binance_usdm", market()) as venue,
        socket(venue, "/market/stream?streams=btcusdt@aggTrade") as client,
    ):
        for text, expected in asked:
            await client.send(text)
            answer = json.loads(await client.recv())
            assert expected.items() <= answer.items(), text
        assert "btcusdt@aggTrade" not in venue.channels


async def test_too_many_messages_and_too_many_streams_are_refused() -> None:
    async with LocalVenue("binance_usdm", market()) as venue, socket(venue, "/market/ws") as client:
        many = json.dumps({"method": "SUBSCRIBE", "params": [f"s{n}@aggTrade" for n in range(1025)], "id": 1})
        await client.send(many)
        assert json.loads(await client.recv())["code"] == 2
        for number in range(12):
            await client.send(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": number}))
        _, closed = await until_lost(client)
    assert closed.rcvd is not None
    assert closed.rcvd.code == 1008


async def test_pages_of_trades_by_id_and_time_and_their_price() -> None:
    async with LocalVenue("binance_usdm", market(2_000)) as venue, httpx.AsyncClient(base_url=venue.url) as client:
        await venue.finish()

        async def page(**asked: int) -> list[int]:
            reply = await client.get("/fapi/v1/aggTrades", params={"symbol": "BTCUSDT", **asked})
            return [row["a"] for row in reply.json()]

        start = START // 10**6
        assert await page(fromId=1_500, limit=3) == [1500, 1501, 1502]
        assert await page(limit=2) == [2998, 2999]
        assert await page(startTime=start + 1_000, endTime=start + 2_000) == [1002, 1003, 1004]
        assert len(await page(fromId=1_000, limit=5_000)) == 1_000
        long = await client.get("/fapi/v1/aggTrades?symbol=BTCUSDT&startTime=0&endTime=3600001")
        wrong = await client.get("/fapi/v1/aggTrades?symbol=NONE")
        for _ in range(120):
            last = await client.get("/fapi/v1/aggTrades?symbol=BTCUSDT&limit=1")

    assert (long.status_code, long.json()["code"]) == (400, -1127)
    assert (wrong.status_code, wrong.json()["code"]) == (400, -1121)
    assert int(long.headers["X-MBX-USED-WEIGHT-1M"]) == 100
    assert (last.status_code, last.headers["Retry-After"]) == (429, "60")


async def test_a_past_day_is_an_archive_file_with_its_checksum() -> None:
    tape = market(4, every_ms=12 * 3_600_000)
    async with LocalVenue("binance_usdm", tape) as venue, httpx.AsyncClient(base_url=venue.url) as client:
        await venue.finish()
        base = "/archive/data/futures/um/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2026-05-29.zip"
        packed, checksum = await client.get(base), await client.get(base + ".CHECKSUM")
        unborn = await client.get(base.replace("05-29", "05-31"))

    assert checksum.text == f"{hashlib.sha256(packed.content).hexdigest()}  BTCUSDT-aggTrades-2026-05-29.zip\n"
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        lines = archive.read("BTCUSDT-aggTrades-2026-05-29.csv").decode().splitlines()
    assert lines[0].startswith("agg_trade_id,price,quantity")
    assert [line.split(",")[0] for line in lines[1:]] == ["1001", "1002"]
    assert unborn.status_code == 404


async def test_what_is_ordered_comes_at_its_time() -> None:
    async with LocalVenue("binance_usdm", market(), "disconnect@3s;429@5s,for=2s") as venue:
        async with socket(venue, "/market/ws/btcusdt@aggTrade") as client:
            await venue.heard("btcusdt@aggTrade")
            await venue.pass_s(4)
            messages, closed = await until_lost(client)
        assert closed.rcvd is None
        assert [one["a"] for one in messages] == list(range(1000, 1006))
        async with httpx.AsyncClient(base_url=venue.url) as http:
            before = await http.get("/fapi/v1/time")
            await venue.pass_s(2)
            limited = await http.get("/fapi/v1/time")
            await venue.pass_s(2)
            after = await http.get("/fapi/v1/time")
    assert [one.status_code for one in (before, limited, after)] == [200, 429, 200]
    assert limited.headers["Retry-After"] == "2"


async def test_a_message_in_pieces_is_whole_again_and_half_a_frame_is_none() -> None:
    async with (
        LocalVenue("binance_usdm", market(), "fragment@p=1;partial@10s") as venue,
        socket(venue, "/market/stream?streams=btcusdt@aggTrade") as client,
    ):
        await venue.heard("btcusdt@aggTrade")
        await venue.finish()
        messages, closed = await until_lost(client)
    assert closed.rcvd is None
    assert [one["data"]["a"] for one in messages] == list(range(1000, 1000 + len(messages)))
    assert len(messages) > 10


async def test_a_mute_venue_answers_pings() -> None:
    async with (
        LocalVenue("binance_usdm", market(), "mute@0s,for=1h") as venue,
        socket(venue, "/market/ws/btcusdt@aggTrade") as client,
    ):
        await venue.heard("btcusdt@aggTrade")
        await venue.finish()
        await asyncio.wait_for(await client.ping(), 60)
        venue.disconnect(1000)
        assert await received(client) == []


async def test_a_burst_is_part_of_the_tape_and_comes_whole() -> None:
    async with LocalVenue("binance_usdm", market(), "burst@2s,rate=20000,for=1s") as venue:
        async with socket(venue, "/market/ws/btcusdt@aggTrade") as client:
            await venue.heard("btcusdt@aggTrade")
            reading = asyncio.create_task(received(client))
            await venue.finish()
            venue.disconnect(1000)
            messages = await reading
        tape = venue.tape("BTCUSDT")
    assert len(messages) == len(tape) == 20_040
    assert [one["a"] for one in messages] == tape.trade_id.tolist() == list(range(1000, 21_040))
