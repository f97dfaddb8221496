"""A real recording, imported through the server: what it answers is what plain arithmetic makes of the lines."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest
from rest_kit import client_of, services_of, settings_for

from footloom.store.files import Store

pytestmark = pytest.mark.anyio

NAME = "usdm_btcusdt_20240808.gz"
KEY = "binance_usdm:BTCUSDT"
NS = 1_000_000


def plain_trades(path: Path) -> list[tuple[int, Decimal, Decimal, bool]]:
    """Read time (ms), price, quantity and whether a seller crossed, of market trades, each once."""
    found = {}
    for line in gzip.decompress(path.read_bytes()).decode().splitlines():
        data = json.loads(line.split(" ", 1)[1]).get("data", {})
        if data.get("e") == "trade" and data.get("X", "MARKET") == "MARKET" and Decimal(data["q"]) > 0:
            found[data["t"]] = (data["T"], Decimal(data["p"]), Decimal(data["q"]), data["m"])
    return list(found.values())


async def test_a_recording_over_rest_is_the_sum_of_its_lines(recordings: Path, tmp_path: Path) -> None:
    path = recordings / "binance" / NAME
    trades = await asyncio.to_thread(plain_trades, path)
    root = tmp_path / "store"
    settings = settings_for(root, tmp_path, import_folder=str(path.parent))
    async with client_of(services_of(Store(root)), settings) as client:
        job = (await client.post("/api/v1/jobs/import", json={"files": [NAME]})).json()
        async with client.stream("GET", f"/api/v1/jobs/{job['id']}/events") as events:
            told = [line async for line in events.aiter_lines() if line.startswith("data: ")]
        assert json.loads(told[-1][6:])["state"] == "done"

        first, last = min(row[0] for row in trades), max(row[0] for row in trades)
        middle = (first + last) // 2
        for lo, hi in ((first, last + 1), (first, middle), (middle, last + 1)):
            inside = [row for row in trades if lo <= row[0] < hi]
            params = {"symbol": KEY, "from_ns": lo * NS, "to_ns": hi * NS}
            sums = (await client.get("/api/v1/trades", params=params)).json()
            assert sums["count"] == len(inside)
            assert Decimal(sums["sell"]) == sum(row[2] for row in inside if row[3])
            assert Decimal(sums["buy"]) == sum(row[2] for row in inside if not row[3])

            levels: defaultdict[Decimal, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
            for _, price, qty, seller in inside:
                levels[price // 5 * 5][seller] += qty
            reply = await client.get("/api/v1/profile", params=params | {"ticks_per_level": 50})
            [profile] = reply.json()["profiles"]
            assert reply.json()["tick_size"] == "0.1"
            assert {
                Decimal(price): [Decimal(buy), Decimal(sell)] for price, buy, sell, _, _ in profile["levels"]
            } == dict(levels)
            assert sum(levels[Decimal(profile["poc"])]) == max(map(sum, levels.values()))
