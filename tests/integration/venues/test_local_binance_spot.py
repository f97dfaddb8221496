"""The local Binance spot where it differs from the futures: ids of books, fields, limits, files."""

from __future__ import annotations

import io
import json
import zipfile

import httpx
import pytest
from venue_kit import START_MS, market, socket, until_lost

from footloom.testing.venues import LocalVenue

pytestmark = pytest.mark.anyio


async def test_trades_and_a_book_whose_ids_have_no_holes() -> None:
    path = "/stream?streams=btcusdt@aggTrade/btcusdt@trade/btcusdt@depth@100ms/btcusdt@bookTicker"
    async with (
        LocalVenue("binance_spot", market("binance_spot", 20, book=True)) as venue,
        httpx.AsyncClient(base_url=venue.url) as http,
        socket(venue, path) as client,
    ):
        await venue.heard("btcusdt@depth@100ms")
        book = (await http.get("/api/v3/depth?symbol=BTCUSDT&limit=5000")).json()
        await venue.finish()
        bids, asks = venue.market.listings["BTCUSDT"].levels(500)
        venue.disconnect(1000)
        messages, _ = await until_lost(client)
    of = {
        name: [m["data"] for m in messages if m["stream"].endswith(name)] for name in ("aggTrade", "@trade", "@100ms")
    }

    assert of["aggTrade"][0] == {
        "e": "aggTrade", "E": START_MS + 2, "s": "BTCUSDT", "a": 1000, "p": "9215.00", "q": "0.00001", "f": 1000,
        "l": 1000, "T": START_MS, "m": True, "M": True,
    }  # fmt: skip
    assert [one["t"] for one in of["@trade"]] == list(range(1000, 1020))
    diffs = of["@100ms"]
    assert all("pu" not in one for one in diffs)
    assert [one["U"] for one in diffs] == [book["lastUpdateId"] + 1] + [one["u"] + 1 for one in diffs[:-1]]
    sides = {"b": dict(book["bids"]), "a": dict(book["asks"])}
    for diff in diffs:
        for side, levels in sides.items():
            levels.update(diff[side])
    kept = {
        side: {round(float(p) * 100): round(float(q) * 1e5) for p, q in rows.items() if float(q)}
        for side, rows in sides.items()
    }
    assert kept == {"b": dict(bids), "a": dict(asks)}


async def test_the_sixth_message_of_a_second_ends_the_connection_and_routes_are_unknown() -> None:
    async with LocalVenue("binance_spot", market("binance_spot")) as venue:
        async with socket(venue, "/ws") as client:
            for number in range(6):
                await client.send(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": number}))
            messages, closed = await until_lost(client)
        async with httpx.AsyncClient(base_url=venue.url) as http:
            unknown = await http.get("/fapi/v1/time")
    assert closed.rcvd is not None
    assert (closed.rcvd.code, len(messages), unknown.status_code) == (1008, 5, 404)


async def test_an_archive_file_has_no_header_and_microseconds() -> None:
    tape = market("binance_spot", 4, every_ms=12 * 3_600_000)
    async with LocalVenue("binance_spot", tape) as venue, httpx.AsyncClient(base_url=venue.url) as client:
        await venue.finish()
        packed = await client.get("/archive/data/spot/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2026-05-29.zip")
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        lines = archive.read("BTCUSDT-aggTrades-2026-05-29.csv").decode().splitlines()

    assert [line.split(",")[0] for line in lines] == ["1001", "1002"]
    assert lines[0].split(",")[5] == str((START_MS + 12 * 3_600_000) * 1000)
    assert lines[0].endswith(",True")
