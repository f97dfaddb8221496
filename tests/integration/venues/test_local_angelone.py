"""The local Angel One against a client that knows nothing of footloom."""

from __future__ import annotations

import datetime as dt
import json
import struct
from typing import Any

import httpx
import pyotp
import pytest
import websockets
from venue_kit import SECOND, market, socket, until_lost

from footloom.testing.venues import LocalVenue
from footloom.testing.venues.angelone import PIN, TOTP_SECRET

pytestmark = pytest.mark.anyio
SYMBOL = "NFO|53001"
HEADERS = {"Authorization": "Bearer t", "x-api-key": "k", "x-client-code": "c", "x-feed-token": "f"}
LOGIN = "/rest/auth/angelbroking/user/v1/loginByPassword"
RENEW = "/rest/auth/angelbroking/jwt/v1/generateTokens"
CANDLES = "/rest/secure/angelbroking/historical/v1/getCandleData"


def request(action: int, mode: int, tokens: list[str]) -> str:
    params = {"mode": mode, "tokenList": [{"exchangeType": 2, "tokens": tokens}]}
    return json.dumps({"correlationID": "abcde12345", "action": action, "params": params})


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("Authorization", "Auth token"),
        ("x-api-key", "API Key"),
        ("x-client-code", "Client Code"),
        ("x-feed-token", "Feed"),
    ],
)
async def test_a_missing_header_is_refused_in_a_header(missing: str, words: str) -> None:
    async with LocalVenue("angelone", market("angelone")) as venue:
        with pytest.raises(websockets.InvalidStatus) as refused:
            await socket(venue, "/smart-stream", additional_headers={k: v for k, v in HEADERS.items() if k != missing})
    assert refused.value.response.status_code == 401
    assert words in refused.value.response.headers["x-error-message"]


async def test_a_fourth_connection_is_refused() -> None:
    async with LocalVenue("angelone", market("angelone")) as venue:
        held = [await socket(venue, "/smart-stream", additional_headers=HEADERS) for _ in range(3)]
        with pytest.raises(websockets.InvalidStatus) as refused:
            await socket(venue, "/smart-stream", additional_headers=HEADERS)
        for one in held:
            await one.close()
    assert refused.value.response.status_code == 429


async def test_pings_errors_and_packets_of_every_mode() -> None:
    async with (
        LocalVenue("angelone", market("angelone", book=True)) as venue,
        socket(venue, "/smart-stream", additional_headers=HEADERS) as client,
    ):
        await venue.pass_s(3)
        await client.send("ping")
        pong = await client.recv()
        await client.send("{no")
        invalid = json.loads(await client.recv())
        await client.send(request(1, 3, [str(n) for n in range(1_001)]))
        limit = json.loads(await client.recv())
        first = []
        for mode in (1, 2, 3, 4):
            await client.send(request(1, mode, ["53001"]))
            first.append(await client.recv())
        await client.send(request(0, 4, ["53001"]))
        await client.send(request(1, 4, ["53001", "53001"]))
        await client.recv()
        await venue.finish()
        venue.disconnect(1000)
        later, _ = await until_lost(client)
        look = venue.dialect.boards[SYMBOL].seen[-1]

    assert pong == "pong"
    assert (invalid["errorCode"], limit["errorCode"], limit["correlationID"]) == ("E1001", "E1002", "abcde12345")
    assert [len(packet) for packet in first] == [51, 123, 379, 443]
    assert [packet[0] for packet in first] == [1, 2, 3, 4]
    last = [packet for packet in later if packet[0] == 3][-1]
    assert last[2:27].rstrip(b"\0") == b"53001"
    price, quantity = struct.unpack_from("<qq", last, 43)
    assert (price, quantity) == (look.ltp * 5, look.ltq)
    assert struct.unpack_from("<q", last, 67) == (look.vtt,)
    assert struct.unpack_from("<q", last, 123) == (look.ltt_ms // 1000,)
    best = [struct.unpack_from("<hqqh", last, 147 + 20 * n) for n in range(10)]
    assert [(row[0], row[1], row[2]) for row in best[:5]] == [(1, lot, tick * 5) for tick, lot in look.bids[:5]]
    assert [(row[0], row[1], row[2]) for row in best[5:]] == [(0, lot, tick * 5) for tick, lot in look.asks[:5]]


async def test_login_with_a_one_time_password_and_tokens_that_end() -> None:
    async with LocalVenue("angelone", market("angelone")) as venue, httpx.AsyncClient(base_url=venue.url) as client:

        async def post(path: str, **body: Any) -> Any:
            return (await client.post(path, json=body, headers={"X-PrivateKey": "k"})).json()

        now = dt.datetime.fromtimestamp(venue.now_ns // 10**9, dt.UTC)
        totp = pyotp.TOTP(TOTP_SECRET).at(now)
        wrong_pin = await post(LOGIN, clientcode="c", password=PIN[::-1], totp=totp)
        wrong_totp = await post(LOGIN, clientcode="c", password=PIN, totp="000000" if totp != "000000" else "1")
        fine = await post(LOGIN, clientcode="c", password=PIN, totp=totp)
        again = await post(RENEW, refreshToken=fine["data"]["refreshToken"])
        used = await post(RENEW, refreshToken=fine["data"]["refreshToken"])
        no_key = (await client.post(LOGIN, json={})).json()
        headers = HEADERS | {
            "Authorization": again["data"]["jwtToken"],
            "x-feed-token": again["data"]["feedToken"],
        }
        async with socket(venue, "/smart-stream", additional_headers=headers):
            pass
        await venue.step(venue.now_ns + 24 * 3600 * SECOND)
        with pytest.raises(websockets.InvalidStatus):
            await socket(venue, "/smart-stream", additional_headers=headers)

    codes = [one["errorcode"] for one in (wrong_pin, wrong_totp, fine, again, used, no_key)]
    assert codes == ["AB1007", "AB1050", "", "", "AB8050", "AG8004"]


async def test_candles_and_the_scrip_master() -> None:
    async with (
        LocalVenue("angelone", market("angelone", 400)) as venue,
        httpx.AsyncClient(base_url=venue.url) as client,
    ):
        await venue.finish()
        master = (await client.get("/archive/OpenAPIScripMaster.json")).json()
        asked = {"exchange": "NFO", "symboltoken": "53001", "interval": "ONE_MINUTE"}
        asked |= {"fromdate": "2026-05-28 00:00", "todate": "2026-05-30 00:00"}
        headers = {"X-PrivateKey": "k", "Authorization": "Bearer t"}
        candles = (await client.post(CANDLES, json=asked, headers=headers)).json()
        refused = (await client.post(CANDLES, json=asked, headers={"X-PrivateKey": "k"})).json()

    assert (master[0]["token"], master[0]["exch_seg"], master[0]["tick_size"]) == ("53001", "NFO", "5.000000")
    assert sum(row[5] for row in candles["data"]) == sum(1 + n % 13 for n in range(400))
    assert refused["errorcode"] == "AG8001"
