"""The local Bybit against a client that knows nothing of footloom."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from typing import Any

import httpx
import numpy as np
import pytest
from venue_kit import SECOND, START_MS, market, socket, until_lost
from websockets import ClientConnection

from footloom.testing.venues import LocalVenue
from footloom.venues import bybit_linear
from footloom.venues._venue import Bases

pytestmark = pytest.mark.anyio
PATH = "/v5/public/linear"


async def asked(client: ClientConnection, **operation: Any) -> Any:
    await client.send(json.dumps(operation))
    return json.loads(await client.recv())


async def test_operations_are_acknowledged_and_failures_worded() -> None:
    async with LocalVenue("bybit_linear", market("bybit_linear")) as venue, socket(venue, PATH) as client:
        pong = await asked(client, req_id="1", op="ping")
        fine = await asked(client, req_id="2", op="subscribe", args=["publicTrade.BTCUSDT"])
        again = await asked(client, req_id="3", op="subscribe", args=["publicTrade.BTCUSDT"])
        depth = await asked(client, req_id="4", op="subscribe", args=["orderbook.500.BTCUSDT"])
        symbol = await asked(client, req_id="5", op="subscribe", args=["publicTrade.NONE"])
        long = await asked(client, req_id="6", op="subscribe", args=["publicTrade.BTCUSDT" + "x" * 21_000])
        heard = venue.channels.names()

    assert pong.items() >= {"success": True, "ret_msg": "pong", "req_id": "1", "op": "ping"}.items()
    assert fine.items() >= {"success": True, "ret_msg": "", "req_id": "2", "op": "subscribe"}.items()
    assert [one["success"] for one in (again, depth, symbol, long)] == [False] * 4
    assert again["ret_msg"] == "error:already subscribed,topic:publicTrade.BTCUSDT"
    assert depth["ret_msg"] == "error:handler not found,topic:orderbook.500.BTCUSDT"
    assert heard == ("publicTrade.BTCUSDT",)


async def test_prints_of_one_match_event_share_its_number_and_come_together() -> None:
    tape = market("bybit_linear", 60, every_ms=0)  # all at one instant: runs of a side are events
    async with LocalVenue("bybit_linear", tape) as venue, socket(venue, PATH) as client:
        await asked(client, op="subscribe", args=["publicTrade.BTCUSDT"])
        await venue.finish()
        venue.disconnect(1000)
        messages, _ = await until_lost(client)
    prints = [one for message in messages for one in message["data"]]

    assert len(prints) == len({one["i"] for one in prints}) == 60
    assert [one["seq"] for one in prints] == sorted(one["seq"] for one in prints)
    for message in messages:
        assert len({(one["seq"], one["S"]) for one in message["data"]}) == 1
    assert len({one["seq"] for one in prints}) == len(messages) > 10
    assert prints[0] | {"i": ""} == {
        "T": START_MS, "s": "BTCUSDT", "S": "Sell", "v": "0.001", "p": "92150.0", "L": "PlusTick", "i": "",
        "BT": False, "RPI": False, "seq": 88_000_007_000,
    }  # fmt: skip


@pytest.mark.parametrize("depth", [50, 200])
async def test_a_book_begins_whole_and_follows_by_changes(depth: int) -> None:
    tape = market("bybit_linear", 60, book=True)
    async with LocalVenue("bybit_linear", tape) as venue, socket(venue, PATH) as client:
        await asked(client, op="subscribe", args=[f"orderbook.{depth}.BTCUSDT"])
        await venue.pass_s(20)
        bids, asks = venue.market.listings["BTCUSDT"].levels(depth)
        venue.disconnect(1000)
        messages, _ = await until_lost(client)

    assert [one["type"] for one in messages] == ["snapshot"] + ["delta"] * (len(messages) - 1)
    assert [one["data"]["u"] for one in messages] == list(range(100, 100 + len(messages)))
    book: dict[str, dict[str, str]] = {"b": {}, "a": {}}
    for message in messages:
        for side in "ba":
            for price, qty in message["data"][side]:
                book[side].pop(price, None)
                if float(qty):
                    book[side][price] = qty
    assert len(messages) > 10
    assert {round(float(p) * 10): round(float(q) * 1000) for p, q in book["b"].items()} == dict(bids)
    assert {round(float(p) * 10): round(float(q) * 1000) for p, q in book["a"].items()} == dict(asks)


async def test_a_restart_begins_the_book_anew_at_one() -> None:
    tape = market("bybit_linear", 60, book=True)
    async with LocalVenue("bybit_linear", tape, "u_reset@10s") as venue, socket(venue, PATH) as client:
        await asked(client, op="subscribe", args=["orderbook.50.BTCUSDT"])
        await venue.pass_s(20)
        venue.disconnect(1000)
        messages, _ = await until_lost(client)
    restarts = [n for n, one in enumerate(messages) if one["type"] == "snapshot"]

    assert len(restarts) == 2
    assert [one["data"]["u"] for one in messages[restarts[1] :][:3]] == [1, 2, 3]


async def test_the_best_levels_are_always_whole_and_come_again_after_three_seconds() -> None:
    async with LocalVenue("bybit_linear", market("bybit_linear", 2, book=True)) as venue, socket(venue, PATH) as client:
        await asked(client, op="subscribe", args=["orderbook.1.BTCUSDT"])
        await venue.pass_s(11)
        venue.disconnect(1000)
        messages, _ = await until_lost(client)

    assert {one["type"] for one in messages} == {"snapshot"}
    assert [one["data"]["u"] for one in messages[-3:]] == [messages[-1]["data"]["u"]] * 3


async def test_a_ticker_sends_what_has_changed() -> None:
    tape = market("bybit_linear", 200, book=True)
    async with LocalVenue("bybit_linear", tape) as venue, socket(venue, PATH) as client:
        await asked(client, op="subscribe", args=["tickers.BTCUSDT"])
        await venue.finish()
        venue.disconnect(1000)
        messages, _ = await until_lost(client)

    assert messages[0]["type"] == "snapshot"
    assert int(float(messages[0]["data"]["openInterest"])) == 2 * int(float(messages[0]["data"]["singleOpenInterest"]))
    deltas = [one["data"] for one in messages[1:]]
    assert all(one["symbol"] == "BTCUSDT" and len(one) < len(messages[0]["data"]) for one in deltas)
    assert 0 < sum("openInterest" in one for one in deltas) < len(deltas)


async def test_calls_answer_in_the_envelope(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("footloom.testing.venues.bybit_linear._MOST_CALLS", 5)
    async with (
        LocalVenue("bybit_linear", market("bybit_linear", 1_500)) as venue,
        httpx.AsyncClient(base_url=venue.url) as client,
    ):
        await venue.finish()
        time = (await client.get("/v5/market/time")).json()
        recent = (await client.get("/v5/market/recent-trade?category=linear&symbol=BTCUSDT&limit=5000")).json()
        instruments = (await client.get("/v5/market/instruments-info?category=linear&limit=1000")).json()
        wrong = (await client.get("/v5/market/recent-trade?category=linear&symbol=NONE")).json()
        last = [(await client.get("/v5/market/time")).status_code for _ in range(3)][-1]
        now_ns = venue.now_ns

    assert time["result"]["timeNano"] == str(now_ns)
    rows = recent["result"]["list"]
    assert len(rows) == 1_000
    assert [int(row["time"]) for row in rows] == sorted((int(row["time"]) for row in rows), reverse=True)
    assert instruments["result"]["list"][0]["priceFilter"]["tickSize"] == "0.1"
    assert (wrong["retCode"], instruments["result"]["nextPageCursor"], last) == (10001, "", 403)


async def test_a_past_day_is_an_archive_file() -> None:
    tape = market("bybit_linear", 4, every_ms=12 * 3_600_000)
    async with LocalVenue("bybit_linear", tape) as venue, httpx.AsyncClient(base_url=venue.url) as client:
        await venue.step(venue.now_ns + 60 * 3600 * SECOND)
        packed = await client.get("/archive/trading/BTCUSDT/BTCUSDT2026-05-29.csv.gz")
    lines = gzip.decompress(packed.content).decode().splitlines()

    assert lines[0].startswith("timestamp,symbol,side,size,price,tickDirection,trdMatchID")
    assert [line.split(",")[1:5] for line in lines[1:]] == [
        ["BTCUSDT", "Buy", "0.002", "92150.7"],
        ["BTCUSDT", "Buy", "0.003", "92150.3"],
    ]


async def test_minute_candles_are_those_of_the_tape_and_our_own_reader_takes_them() -> None:
    async with LocalVenue("bybit_linear", market("bybit_linear", 300, every_ms=500)) as venue:
        await venue.finish()
        bases = Bases(ws=venue.url, rest=venue.url)
        end_ns = START_MS * 1_000_000 + 600 * SECOND
        asked = bybit_linear.candles("BTCUSDT", START_MS * 1_000_000 - 60 * SECOND, end_ns, bases, {})
        async with httpx.AsyncClient() as client:
            answer = await client.get(asked.url, params=dict(asked.params))
        tape = venue.tape("BTCUSDT")
    candles = bybit_linear.read_candles(answer.content)

    assert len(candles) == len(np.unique(tape.ts_exch_ns // (60 * SECOND))) > 2
    assert sum(Decimal(one.volume) for one in candles) == tape.instrument.lot_size * int(tape.qty_lot.sum())
    assert candles[0].open == tape.instrument.price_text(tape.price_tick[0])
    assert candles[-1].close == tape.instrument.price_text(tape.price_tick[-1])
