"""The local Upstox against a client that knows nothing of footloom but its protobuf."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlparse

import httpx
import pytest
import websockets
from venue_kit import SECOND, START_MS, market, until_lost

from footloom.testing.venues import LocalVenue
from footloom.venues import _upstox_feed_pb2 as pb

pytestmark = pytest.mark.anyio
KEY = "NSE_FO|53001"
AUTHORIZE = "/v3/feed/market-data-feed/authorize"


async def authorized(venue: LocalVenue, name: str = "anything") -> str:
    async with httpx.AsyncClient(base_url=venue.url, headers={"Authorization": f"Bearer {name}"}) as client:
        return (await client.get(AUTHORIZE)).json()["data"]["authorized_redirect_uri"]


def subscription(keys: list[str], mode: str = "full") -> bytes:
    return json.dumps({"guid": "g", "method": "sub", "data": {"mode": mode, "instrumentKeys": keys}}).encode()


async def test_the_market_s_state_comes_first_then_all_then_changes() -> None:
    async with LocalVenue("upstox", market("upstox", 20, book=True)) as venue:
        await venue.pass_s(3)
        async with websockets.connect(await authorized(venue)) as client:
            await client.send(subscription([KEY]))
            await venue.heard(f"full {KEY}")
            await venue.finish()
            venue.disconnect(1000)
            messages, _ = await until_lost(client)
        looks = venue.dialect.boards[KEY].seen
    frames = [pb.FeedResponse.FromString(message) for message in messages]

    assert [frame.type for frame in frames] == [pb.market_info, pb.initial_feed] + [pb.live_feed] * (len(frames) - 2)
    assert frames[0].marketInfo.segmentStatus["NSE_FO"] == pb.NORMAL_OPEN
    volumes = [frame.feeds[KEY].fullFeed.marketFF.vtt for frame in frames[1:]]
    assert volumes == sorted(volumes)
    assert volumes[-1] == sum(1 + n % 13 for n in range(20)) == looks[-1].vtt
    whole = frames[1].feeds[KEY]
    assert (whole.requestMode, len(whole.fullFeed.marketFF.marketLevel.bidAskQuote)) == (pb.full_d5, 5)
    assert abs(whole.fullFeed.marketFF.ltpc.ltt - START_MS) < 3_000
    assert any(not frame.feeds[KEY].fullFeed.marketFF.HasField("marketLevel") for frame in frames[2:]) is False


async def test_a_code_opens_one_socket() -> None:
    async with LocalVenue("upstox", market("upstox")) as venue:
        address = await authorized(venue)
        async with websockets.connect(address) as client:
            await client.recv()
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(address)
    assert refused.value.response.status_code == 401


async def test_a_third_connection_is_refused() -> None:
    async with (
        LocalVenue("upstox", market("upstox")) as venue,
        websockets.connect(await authorized(venue)),
        websockets.connect(await authorized(venue)),
    ):
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(await authorized(venue))
    assert refused.value.response.status_code == 403


async def test_limits_are_kept_without_a_word() -> None:
    async with LocalVenue("upstox", market("upstox")) as venue:
        await venue.pass_s(3)
        async with websockets.connect(await authorized(venue)) as client:
            await client.recv()
            await client.send(subscription([KEY], "full_d30"))  # not Plus
            await client.send(json.dumps({"method": "sub"}))  # a text frame
            await client.send(subscription([f"NSE_FO|{n}" for n in range(2_000)]))
            await client.send(subscription([KEY]))  # one too many
            await client.send(
                json.dumps({"guid": "g", "method": "unsub", "data": {"instrumentKeys": ["NSE_FO|7"]}}).encode()
            )
            await client.send(subscription([KEY], "full"))
            frame = pb.FeedResponse.FromString(await client.recv())
            names = venue.channels.names()
    assert list(frame.feeds) == [KEY]
    assert names.count(f"full {KEY}") == 1


async def test_an_expired_token_is_refused_until_the_next_login() -> None:
    async with (
        LocalVenue("upstox", market("upstox"), "token@2s") as venue,
        httpx.AsyncClient(base_url=venue.url) as client,
    ):
        address = await authorized(venue, "old")
        async with websockets.connect(address) as socket:
            await venue.pass_s(3)
            _, closed = await until_lost(socket)
        refused = await client.get(AUTHORIZE, headers={"Authorization": "Bearer old"})
        asked = {"client_id": "k", "redirect_uri": "http://127.0.0.1:1/cb", "response_type": "code", "state": "s"}
        dialog = await client.get("/v2/login/authorization/dialog", params=asked)
        code = parse_qs(urlparse(dialog.headers["Location"]).query)["code"][0]
        form = {"code": code, "client_id": "k", "client_secret": "x", "redirect_uri": asked["redirect_uri"]}
        form["grant_type"] = "authorization_code"
        login = await client.post("/v2/login/authorization/token", data=form)
        twice = await client.post("/v2/login/authorization/token", data=form)
        token = login.json()["access_token"]
        fine = await client.get(AUTHORIZE, headers={"Authorization": f"Bearer {token}"})
        await venue.step(venue.now_ns + 24 * 3600 * SECOND)
        over = await client.get(AUTHORIZE, headers={"Authorization": f"Bearer {token}"})

    assert closed.rcvd is None
    assert (refused.status_code, refused.json()["errors"][0]["errorCode"]) == (401, "UDAPI100050")
    assert [one.status_code for one in (login, twice, fine, over)] == [200, 401, 200, 401]


async def test_candles_and_instruments() -> None:
    async with (
        LocalVenue("upstox", market("upstox", 400)) as venue,
        httpx.AsyncClient(base_url=venue.url, headers={"Authorization": "Bearer a"}) as client,
    ):
        await venue.finish()
        candles = (await client.get("/v3/historical-candle/intraday/NSE_FO%7C53001/minutes/1")).json()["data"][
            "candles"
        ]
        master = (await client.get("/archive/instruments/exchange/NSE.json.gz")).content
        wrong = await client.get("/v3/historical-candle/intraday/NSE_FO%7C1/minutes/1")
    import gzip

    rows = json.loads(gzip.decompress(master))
    assert sum(row[5] for row in candles) == sum(1 + n % 13 for n in range(400))
    assert [row[0] for row in candles] == sorted((row[0] for row in candles), reverse=True)
    assert candles[0][0].endswith("+05:30")
    assert (rows[0]["instrument_key"], rows[0]["tick_size"]) == (KEY, 5.0)
    assert wrong.status_code == 400
