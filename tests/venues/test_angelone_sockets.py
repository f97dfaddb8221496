"""Connections to Angel One: what is asked, and how much one account may ask."""

from __future__ import annotations

import json
from typing import Any

import pytest

from footloom.errors import ConfigError
from footloom.venues import angelone
from footloom.venues._venue import Bases, Socket, Wanted

LOCAL = Bases(ws="ws://127.0.0.1:9", rest="http://127.0.0.1:9", archive="http://127.0.0.1:9/archive")
TOKENS = {"jwt_token": "j3t", "feed_token": "f33d", "api_key": "k3y", "client_code": "A123"}


def wanted(count: int, *streams: str, depth: int = 0, exchange: str = "NFO") -> list[Wanted]:
    names = frozenset(streams or ("snapshot",))
    return [Wanted(symbol=f"{exchange}|{i}", streams=names, depth=depth) for i in range(count)]


def asked(socket: Socket) -> list[tuple[int, dict[int, list[str]]]]:
    messages: list[dict[str, Any]] = [json.loads(one) for one in socket.opening]
    assert all(isinstance(one, str) for one in socket.opening), "requests are text frames"
    assert all(one["action"] == 1 and len(one["correlationID"]) == 10 for one in messages)
    assert all(one["correlationID"].isalnum() for one in messages)
    return [
        (one["params"]["mode"], {some["exchangeType"]: some["tokens"] for some in one["params"]["tokenList"]})
        for one in messages
    ]


def test_one_symbol() -> None:
    (socket,) = angelone.sockets(wanted(1), LOCAL, TOKENS)
    assert socket.url == "ws://127.0.0.1:9/smart-stream"
    assert dict(socket.headers) == {
        "Authorization": "Bearer j3t",
        "x-api-key": "k3y",
        "x-client-code": "A123",
        "x-feed-token": "f33d",
    }
    assert asked(socket) == [(3, {2: ["0"]})]
    assert socket.expects == {("NFO|0", "snapshot")}
    assert socket.ping is not None
    assert (socket.ping.every_s, socket.ping.text, socket.stall_s) == (10, "ping", 20)
    assert "j3t" not in repr(socket) + repr(socket.headers)


def test_exchanges_have_numbers() -> None:
    several = [one for exchange in ("NSE", "NFO", "MCX", "CDS") for one in wanted(1, exchange=exchange)]
    (socket,) = angelone.sockets(several, LOCAL, TOKENS)
    assert asked(socket) == [(3, {1: ["0"], 2: ["0"], 5: ["0"], 13: ["0"]})]


def test_three_connections_of_a_thousand() -> None:
    sockets = angelone.sockets(wanted(2_500), LOCAL, TOKENS)
    counts = [sum(len(some) for _, lists in asked(one) for some in lists.values()) for one in sockets]
    assert counts == [1_000, 1_000, 500]
    assert len({symbol for one in sockets for symbol, _ in one.expects}) == 2_500
    with pytest.raises(ConfigError, match="3001 subscriptions"):
        angelone.sockets(wanted(3_001), LOCAL, TOKENS)


def test_twenty_levels_come_beside_the_snapshot() -> None:
    (socket,) = angelone.sockets(wanted(50, "snapshot", "depth", depth=20, exchange="NSE"), LOCAL, TOKENS)
    assert [mode for mode, _ in asked(socket)] == [3, 4]
    assert ("NSE|0", "depth") in socket.expects
    assert ("NSE|0", "snapshot") in socket.expects
    with pytest.raises(ConfigError, match="51 of them with 20 levels"):
        angelone.sockets(wanted(51, "depth", depth=20, exchange="NSE"), LOCAL, TOKENS)
    with pytest.raises(ConfigError, match="NSE's cash market only"):
        angelone.sockets(wanted(1, "depth", depth=20), LOCAL, TOKENS)
    (five,) = angelone.sockets(wanted(1, "depth", depth=5), LOCAL, TOKENS)
    assert asked(five) == [(3, {2: ["0"]})]


def test_the_last_price_alone() -> None:
    (socket,) = angelone.sockets(wanted(1, "ltpc"), LOCAL, TOKENS)
    assert [mode for mode, _ in asked(socket)] == [1]


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (Wanted(symbol="NFO|1", streams=frozenset({"agg_trade"})), "no agg_trade of NFO.1.*never single trades"),
        (Wanted(symbol="NSE_FO|1", streams=frozenset({"snapshot"})), "write one as NFO.45450"),
        (Wanted(symbol="NFO", streams=frozenset({"snapshot"})), "write one as NFO.45450"),
    ],
)
def test_what_cannot_be_asked(one: Wanted, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        angelone.sockets([one], LOCAL, TOKENS)


@pytest.mark.parametrize("missing", sorted(TOKENS))
def test_without_a_login(missing: str) -> None:
    with pytest.raises(ConfigError, match="footloom login angelone"):
        angelone.sockets(wanted(1), LOCAL, TOKENS | {missing: ""})


def test_what_a_status_means() -> None:
    assert "midnight" in angelone.explain(401, "Invalid Header - Invalid Auth token")
    assert "midnight" in angelone.explain(200, '{"errorcode":"AG8001"}')
    assert "rate limit" in angelone.explain(403, "")
    assert not angelone.explain(500, "")


def test_tokens_come_and_go_on_an_open_connection() -> None:
    (old,) = angelone.sockets(wanted(3), LOCAL, TOKENS)
    (new,) = angelone.sockets([*wanted(3)[1:], *wanted(1, exchange="MCX")], LOCAL, TOKENS)
    left, more = (json.loads(one) for one in angelone.added(old, new))
    assert (left["action"], left["params"]) == (0, {"mode": 3, "tokenList": [{"exchangeType": 2, "tokens": ["0"]}]})
    assert (more["action"], more["params"]) == (1, {"mode": 3, "tokenList": [{"exchangeType": 5, "tokens": ["0"]}]})
    assert angelone.added(new, new) == ()
