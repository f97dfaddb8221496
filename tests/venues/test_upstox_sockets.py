"""Connections to Upstox: what is asked, within limits that the venue keeps in silence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from footloom.errors import ConfigError, SchemaChanged
from footloom.venues import upstox
from footloom.venues._venue import Bases, Socket, Wanted

TOKEN = {"access_token": "a-token-that-nobody-may-see"}
PLUS = TOKEN | {"plan": "plus"}
LOCAL = Bases(ws="ws://127.0.0.1:9", rest="http://127.0.0.1:9", archive="http://127.0.0.1:9/archive")


def wanted(count: int, *streams: str, depth: int = 0, segment: str = "NSE_FO") -> list[Wanted]:
    names = frozenset(streams or ("snapshot",))
    return [Wanted(symbol=f"{segment}|{i}", streams=names, depth=depth) for i in range(count)]


def asked(socket: Socket) -> list[tuple[str, list[str]]]:
    messages: list[dict[str, Any]] = [json.loads(one) for one in socket.opening]
    assert {one["method"] for one in messages} == {"sub"}
    assert len({one["guid"] for one in messages}) == len(messages)
    return [(one["data"]["mode"], one["data"]["instrumentKeys"]) for one in messages]


def modes(sockets: list[Socket]) -> list[dict[str, int]]:
    found = []
    for socket in sockets:
        count: dict[str, int] = {}
        for mode, keys in asked(socket):
            count[mode] = count.get(mode, 0) + len(keys)
        found.append(count)
    return found


def test_one_key() -> None:
    (socket,) = upstox.sockets(wanted(1), LOCAL, TOKEN)
    assert asked(socket) == [("full", ["NSE_FO|0"])]
    assert all(isinstance(one, bytes) for one in socket.opening), "requests are binary frames"
    assert socket.expects == {("NSE_FO|0", "snapshot")}
    assert socket.authorize is not None
    assert socket.authorize.url == "http://127.0.0.1:9/v3/feed/market-data-feed/authorize"
    assert ("Authorization", f"Bearer {TOKEN['access_token']}") in socket.authorize.headers
    assert socket.stall_s == 60
    assert socket.ping is None


def test_one_message_stands_for_all_that_a_key_was_asked_for() -> None:
    (socket,) = upstox.sockets(wanted(1, "snapshot", "quote", "depth", "open_interest"), LOCAL, TOKEN)
    assert socket.expects == {("NSE_FO|0", "snapshot")}


def test_no_more_than_500_keys_a_message() -> None:
    (socket,) = upstox.sockets(wanted(1_201), LOCAL, TOKEN)
    assert [len(keys) for _, keys in asked(socket)] == [500, 500, 201]


@pytest.mark.parametrize(
    ("stream", "mode", "alone"),
    [("snapshot", "full", 2_000), ("option_greeks",) * 2 + (3_000,), ("ltpc",) * 2 + (5_000,)],
)
def test_two_connections_take_twice_as_many(stream: str, mode: str, alone: int) -> None:
    assert modes(upstox.sockets(wanted(alone, stream), LOCAL, TOKEN)) == [{mode: alone}]
    assert modes(upstox.sockets(wanted(2 * alone, stream), LOCAL, TOKEN)) == [{mode: alone}] * 2
    assert len(upstox.sockets(wanted(5 * alone, stream), LOCAL, PLUS)) == 5
    with pytest.raises(ConfigError, match=f"{2 * alone + 1} in mode {mode} are more keys than Upstox sends over 2"):
        upstox.sockets(wanted(2 * alone + 1, stream), LOCAL, TOKEN)


def test_several_modes_on_one_connection_take_fewer() -> None:
    both = wanted(1_000) + wanted(500, "ltpc", segment="NSE_EQ")
    assert modes(upstox.sockets(both, LOCAL, TOKEN)) == [{"full": 1_000, "ltpc": 500}]
    more = wanted(1_000) + wanted(501, "ltpc", segment="NSE_EQ")
    assert len(upstox.sockets(more, LOCAL, TOKEN)) == 2
    most = wanted(2_000) + wanted(3_000, "option_greeks", segment="NSE_EQ")
    assert modes(upstox.sockets(most, LOCAL, TOKEN)) == [{"full": 2_000}, {"option_greeks": 3_000}]
    with pytest.raises(ConfigError, match="2000 in mode full, 3001 in mode option_greeks"):
        upstox.sockets([*most, *wanted(1, "option_greeks", segment="BSE_FO")], LOCAL, TOKEN)


def test_every_key_is_asked_once() -> None:
    sockets = upstox.sockets(wanted(3_525), LOCAL, TOKEN)
    keys = [key for socket in sockets for _, some in asked(socket) for key in some]
    assert len(keys) == len(set(keys)) == 3_525
    assert {key for socket in sockets for key, _ in socket.expects} == set(keys)


def test_thirty_levels_are_for_plus() -> None:
    assert modes(upstox.sockets(wanted(50, "depth", depth=30), LOCAL, PLUS)) == [{"full_d30": 50}]
    with pytest.raises(ConfigError, match=r"30 levels of NSE_FO\|0.*Upstox Plus"):
        upstox.sockets(wanted(1, "depth", depth=30), LOCAL, TOKEN)
    with pytest.raises(ConfigError, match="200 levels"):
        upstox.sockets(wanted(1, "depth", depth=200), LOCAL, PLUS)


@pytest.mark.parametrize("stream", ["agg_trade", "trade", "liquidation", "mark"])
def test_streams_that_the_venue_has_not(stream: str) -> None:
    with pytest.raises(ConfigError, match=rf"no {stream} of NSE_FO\|0.*never single trades"):
        upstox.sockets(wanted(1, stream), LOCAL, TOKEN)


def test_without_a_token() -> None:
    with pytest.raises(ConfigError, match="footloom login upstox"):
        upstox.sockets(wanted(1), LOCAL, {})


def test_nothing_shows_the_token() -> None:
    (socket,) = upstox.sockets(wanted(1), LOCAL, TOKEN)
    assert socket.authorize is not None
    assert TOKEN["access_token"] not in repr(socket) + repr(socket.authorize) + repr(socket.authorize.headers)


def test_the_address_that_authorize_gives() -> None:
    snake, camel = "wss://feeder/feeds?code=1", "wss://feeder/feeds?code=2"
    both = {"authorized_redirect_uri": snake, "authorizedRedirectUri": camel}
    assert upstox.read_authorized(json.dumps({"status": "success", "data": both}).encode()) == snake
    assert upstox.read_authorized(json.dumps({"data": {"authorizedRedirectUri": camel}}).encode()) == camel
    assert "code=1" not in repr(upstox.read_authorized(json.dumps({"data": both}).encode()))


@pytest.mark.parametrize(
    "answer",
    [b"", b"{}", b"[]", b'{"data":{}}', b'{"data":{"authorized_redirect_uri":"https://x?code=s3cr3t"}}', b"\xff"],
)
def test_other_answers_are_refused(answer: bytes) -> None:
    with pytest.raises(SchemaChanged) as refused:
        upstox.read_authorized(answer)
    assert "s3cr3t" not in str(refused.value)


@pytest.mark.parametrize(
    ("status", "text", "words"),
    [
        (401, "", "03:30 IST"),
        (401, '{"errors":[{"errorCode":"UDAPI100050"}]}', "footloom login upstox"),
        (403, "", "2 at a time"),
        (429, '{"errors":[{"errorCode":"UDAPI10005"}]}', "rate limit"),
        (400, '{"errors":[{"errorCode":"UDAPI100011"}]}', "instrument key"),
        (403 + 1, "", ""),
    ],
)
def test_what_a_status_means(status: int, text: str, words: str) -> None:
    found = upstox.explain(status, text)
    assert words in found if words else not found


def test_keys_come_and_go_on_an_open_connection() -> None:
    (old,) = upstox.sockets([*wanted(3), *wanted(1, "ltpc", segment="NSE_EQ")], LOCAL, TOKEN)
    (new,) = upstox.sockets([*wanted(3)[1:], *wanted(2, segment="BSE_FO")], LOCAL, TOKEN)
    left, more = (json.loads(one) for one in upstox.added(old, new))
    assert (left["method"], left["data"]) == ("unsub", {"instrumentKeys": ["NSE_FO|0", "NSE_EQ|0"]})
    assert (more["method"], more["data"]) == ("sub", {"mode": "full", "instrumentKeys": ["BSE_FO|0", "BSE_FO|1"]})
    assert upstox.added(new, new) == ()
