"""The vendors' own clients understand the local venues: what they read is what was traded.

They are the extra ``peers``, whose pins conflict with others': a Python of their own is named by FOOTLOOM_PEERS.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import websockets
from venue_kit import START_MS, market, socket, until_lost

from footloom.testing.venues import LocalVenue

pytestmark = pytest.mark.anyio
PYTHON = os.environ.get("FOOTLOOM_PEERS") or sys.executable
CLIENTS = Path(__file__).parent / "clients"


def needs(module: str) -> None:
    done = subprocess.run([PYTHON, "-c", f"import {module}"], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"{module} is not installed for {PYTHON}: pip install footloom[peers], or set FOOTLOOM_PEERS")


class Client:
    """A client in a process of its own, and what it has told."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.told: list[dict[str, Any]] = []

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.told if one["kind"] == kind]

    async def until(self, kind: str, count: int = 1) -> list[dict[str, Any]]:
        while len(self.of(kind)) < count:
            try:
                line = await asyncio.wait_for(self.process.stdout.readline(), 60)
            except TimeoutError:
                pytest.fail(f"waited for {count} x {kind}, was told {len(self.told)}, at last {self.told[-2:]}")
            assert line, (await self.process.stderr.read()).decode()[-2000:]
            if line.startswith(b"{"):
                self.told.append(json.loads(line))
        return self.of(kind)


@asynccontextmanager
async def client(script: str, venue: LocalVenue, folder: Path) -> AsyncIterator[Client]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        PYTHON, CLIENTS / script, venue.url, stdout=pipe, stderr=pipe, cwd=folder, limit=1 << 20
    )
    try:
        yield Client(process)
    finally:
        process.kill()
        await process.communicate()


async def test_binance_s_sdk(tmp_path: Path) -> None:
    needs("binance_sdk_derivatives_trading_usds_futures")
    async with LocalVenue("binance_usdm", market("binance_usdm", 60, book=True)) as venue:
        await venue.pass_s(10)
        async with client("binance_sdk.py", venue, tmp_path) as sdk:
            await sdk.until("ready")
            await venue.heard("btcusdt@aggTrade", "btcusdt@depth@100ms")
            seen = len(venue.tape("BTCUSDT"))
            await venue.finish()
            rows = venue.tape("BTCUSDT").take(slice(seen, None))
            trades = await sdk.until("trade", len(rows))
            depth = await sdk.until("depth", 20)

    assert sdk.of("symbols")[0]["names"] == ["BTCUSDT"]
    assert sdk.of("page")[0]["ids"] == [1017, 1018, 1019]
    assert sdk.of("book")[0]["bids"] == 5
    assert sdk.of("time")[0]["ms"] == START_MS - 1 + 10_000
    assert [one["id"] for one in trades] == rows.trade_id.tolist()
    assert [round(float(one["price"]) * 10) for one in trades] == rows.price_tick.tolist()
    assert [one["maker"] for one in trades] == (rows.side < 0).tolist()
    assert all(one["previous"] == before["last"] for before, one in zip(depth, depth[1:], strict=False))


async def test_ccxt(tmp_path: Path) -> None:
    needs("ccxt.pro")
    async with LocalVenue("binance_usdm", market("binance_usdm", 60)) as venue:
        await venue.pass_s(10)
        async with client("ccxt_client.py", venue, tmp_path) as ccxt:
            await ccxt.until("ready")
            await venue.until(lambda one: any(name.startswith("btcusdt@") for name in one.channels.names()))
            seen = len(venue.tape("BTCUSDT"))
            await venue.finish()
            rows = venue.tape("BTCUSDT").take(slice(seen, None))
            trades = {one["id"]: one for one in await ccxt.until("trade", len(rows))}

    assert ccxt.of("symbols")[0]["names"] == ["BTCUSDT"]
    assert ccxt.of("page")[0]["ids"] == [1017, 1018, 1019]
    assert list(trades) == rows.trade_id.tolist()
    assert [round(one["price"] * 10) for one in trades.values()] == rows.price_tick.tolist()
    assert [one["side"] for one in trades.values()] == ["sell" if side < 0 else "buy" for side in rows.side.tolist()]


async def test_pybit(tmp_path: Path) -> None:
    needs("pybit")
    async with LocalVenue("bybit_linear", market("bybit_linear", 60, book=True)) as venue:
        await venue.pass_s(10)
        async with client("pybit_client.py", venue, tmp_path) as pybit:
            await pybit.until("ready")
            await venue.heard("publicTrade.BTCUSDT", "orderbook.50.BTCUSDT", "tickers.BTCUSDT")
            seen = len(venue.tape("BTCUSDT"))
            await venue.finish()
            rows = venue.tape("BTCUSDT").take(slice(seen, None))
            trades = await pybit.until("trade", len(rows))
            await pybit.until("depth", 10)
            await pybit.until("ticker", 1)

    assert pybit.of("symbols")[0]["names"] == ["BTCUSDT"]
    assert len(pybit.of("page")[0]["ids"]) == 3
    assert [round(float(one["price"]) * 10) for one in trades] == rows.price_tick.tolist()
    assert [one["side"] for one in trades] == ["Sell" if side < 0 else "Buy" for side in rows.side.tolist()]


def parsed(kind: str, frames: list[bytes], folder: Path) -> list[dict[str, Any]]:
    text = "".join(base64.b64encode(frame).decode() + "\n" for frame in frames)
    done = subprocess.run(
        [PYTHON, CLIENTS / "parsers.py", kind], input=text, text=True, capture_output=True, check=True, cwd=folder
    )
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


async def test_the_protobuf_module_of_upstox(tmp_path: Path) -> None:
    needs("upstox_client.feeder.proto.MarketDataFeedV3_pb2")
    key = "NSE_FO|53001"
    async with LocalVenue("upstox", market("upstox", 60, book=True)) as venue:
        await venue.pass_s(5)
        venue.dialect._tokens["t"] = 2**62
        venue.dialect._codes["c"] = "t"
        path = "/market-data-feeder/v3/upstox-developer-api/feeds?code=c"
        async with socket(venue, path) as feed:
            request = {"guid": "g", "method": "sub", "data": {"mode": "full", "instrumentKeys": [key]}}
            await feed.send(json.dumps(request).encode())
            await venue.heard(f"full {key}")
            await venue.finish()
            venue.disconnect(1000)
            frames, _ = await until_lost(feed)
        looks = venue.dialect.boards[key].seen
    found = await asyncio.to_thread(parsed, "upstox", frames, tmp_path)

    assert found[0]["type"] == "market_info"
    assert "type" not in found[1]  # initial_feed is zero
    feeds = [one["feeds"][key]["fullFeed"]["marketFF"] for one in found[1:]]
    assert {int(one["vtt"]) for one in feeds} == {look.vtt for look in looks}
    assert round(feeds[-1]["ltpc"]["ltp"] / 0.05) == looks[-1].ltp
    assert len(feeds[0]["marketLevel"]["bidAskQuote"]) == 5


async def test_the_parser_of_angel_one(tmp_path: Path) -> None:
    needs("SmartApi.smartWebSocketV2")
    symbol = "NFO|53001"
    headers = {"Authorization": "t", "x-api-key": "k", "x-client-code": "c", "x-feed-token": "f"}
    async with LocalVenue("angelone", market("angelone", 60, book=True)) as venue:
        await venue.pass_s(5)
        async with socket(venue, "/smart-stream", additional_headers=headers) as feed:
            await feed.send("ping")
            params = {"mode": 3, "tokenList": [{"exchangeType": 2, "tokens": ["53001"]}]}
            await feed.send(json.dumps({"correlationID": "abcde12345", "action": 1, "params": params}))
            await venue.heard(f"3 {symbol}")
            await venue.finish()
            venue.disconnect(1000)
            frames = await binary_frames(feed)
        looks = venue.dialect.boards[symbol].seen
    found = await asyncio.to_thread(parsed, "angelone", frames, tmp_path)

    assert {one["volume_trade_for_the_day"] for one in found} == {look.vtt for look in looks}
    assert (found[-1]["token"], found[-1]["last_traded_price"]) == ("53001", looks[-1].ltp * 5)
    assert [one["price"] for one in found[-1]["best_5_buy_data"]] == [tick * 5 for tick, _ in looks[-1].bids[:5]]


async def binary_frames(feed: websockets.ClientConnection) -> list[bytes]:
    frames = []
    try:
        while True:
            message = await feed.recv()
            if isinstance(message, bytes):
                frames.append(message)
            else:
                assert message == "pong"
    except websockets.ConnectionClosed:
        return frames
