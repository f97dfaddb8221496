"""The live protocol over real connections: refusals, slow clients, eviction, the end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import sys
from typing import Any

import httpx
import pytest
from server_kit import TEST, MemoryStore, make_tape
from serving_kit import Running, serving
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from footloom.core.trades import Trades
from footloom.errors import ConfigError
from footloom.feeds.flow import Commit
from footloom.server.access.auth import checked_origins
from footloom.server.port import _command, bind
from footloom.server.wire.codec import decode

pytestmark = pytest.mark.anyio

MINUTE_NS = 60 * 10**9


async def subscribe(client: ClientConnection, **topic: Any) -> Any:
    await client.send(json.dumps({"op": "subscribe", "id": 1, "topic": {"symbol": TEST.key, **topic}}))
    while True:
        message = await asyncio.wait_for(client.recv(), 60)
        if isinstance(message, bytes):
            return decode(message)


def bar_closers(tape: Trades, count: int, rows: int = 1) -> list[Commit]:
    """Make commits that each close a bar; ``rows`` levels make the frames large."""
    commits = []
    first_id = int(tape.trade_id[-1]) + 1
    for number in range(1, count + 1):
        ts = int(tape.ts_exch_ns[-1]) + number * MINUTE_NS
        ids = [first_id + (number - 1) * rows + i for i in range(rows)]
        trades = Trades.build(
            TEST,
            [ts] * rows,
            [50_000 + i for i in range(rows)],
            [7] * rows,
            [1] * rows,
            trade_id=ids,
            ts_recv_ns=[ts] * rows,
        )
        commits.append(Commit(TEST.key, trades, (), ts))
    return commits


async def test_hello_snapshot_frames(server: Running, store: MemoryStore) -> None:
    tape = store.tapes[(TEST.key, "trade")]
    async with connect(server.ws) as client:
        assert json.loads(await client.recv()) == {"type": "hello", "version": 1, "server": "footloom 0.1.0"}
        snapshot = await subscribe(client, bars="5m", ticks_per_level=2)
        assert (snapshot.kind, snapshot.meta["bars"], len(snapshot)) == ("snapshot", "5m", 300)
        server.services.hub.publish(bar_closers(tape, 6)[-1])
        kinds = [decode(m).kind async for m in _frames(client, 2)]
        assert kinds == ["bar_closed", "bar_open"]
        async with httpx.AsyncClient() as http:
            health = await http.get(f"{server.http}/health")
        assert (health.json()["clients"], health.json()["topics"]) == (1, 1)


async def _frames(client: ClientConnection, count: int) -> Any:
    while count:
        message = await asyncio.wait_for(client.recv(), 60)
        if isinstance(message, bytes):
            count -= 1
            yield message


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"},
    ],
)
async def test_a_foreign_site_gets_no_socket(server: Running, headers: dict[str, str]) -> None:
    status = await raw_handshake(server.port, headers)
    assert " 403 " in status


async def raw_handshake(port: int, headers: dict[str, str]) -> str:
    """Ask for a WebSocket with headers that a client library would not send; returns the status line."""
    all_headers = {
        "Host": f"127.0.0.1:{port}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
    } | headers
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = ["GET /ws/v1 HTTP/1.1", *(f"{name}: {value}" for name, value in all_headers.items()), "", ""]
    writer.write("\r\n".join(lines).encode())
    status = (await asyncio.wait_for(reader.readline(), 60)).decode()
    writer.close()
    return status


async def test_the_own_page_gets_one(server: Running) -> None:
    assert " 101 " in await raw_handshake(server.port, {"Origin": f"http://127.0.0.1:{server.port}"})
    assert " 101 " in await raw_handshake(server.port, {})
    with pytest.raises(InvalidStatus):
        await connect(server.ws, origin="http://evil.example")  # type: ignore[arg-type]


async def test_no_compression_of_messages(server: Running) -> None:
    async with connect(server.ws) as client:
        assert not client.protocol.extensions, "deflate would cost each client a core's worth of the frame once more"


async def test_an_endless_message_ends_its_connection_only(server: Running) -> None:
    async with connect(server.ws) as bad, connect(server.ws) as good:
        await bad.recv()
        await bad.send("x" * 1_000_000)
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(bad.recv(), 60)
        assert (await subscribe(good)).kind == "snapshot"


async def test_text_that_is_no_utf8_ends_its_connection_without_a_traceback(
    server: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "footloom")
    async with connect(server.ws) as client:
        await client.recv()
        await client.send(b"\xff\xfe{", text=True)
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(client.recv(), 60)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1007
    said = [record for record in caplog.records if "no UTF-8" in record.message]
    assert len(said) == 1
    assert not [record for record in caplog.records if record.exc_info]
    async with connect(server.ws) as other:
        assert json.loads(await other.recv())["type"] == "hello"


@pytest.mark.parametrize("empty", ["", b""])
async def test_an_empty_message_is_answered_in_words(server: Running, empty: str | bytes) -> None:
    async with connect(server.ws) as client:
        await client.recv()
        await client.send(empty)
        answer = json.loads(await asyncio.wait_for(client.recv(), 60))
        assert (answer["type"], answer["code"]) == ("error", "protocol_error")
        assert answer["message"].startswith("the message is empty")
        await subscribe(client)


@pytest.mark.parametrize("origin", ["x y", "localhost:5173", "http://", "http://a/b", "ftp://a", "http://a:b", "*"])
def test_what_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(ConfigError, match="is no origin of a page"):
        checked_origins([origin])


async def test_a_stalled_reader_is_dropped_and_others_are_not_held_up(anyio_backend: str) -> None:  # noqa: ARG001
    tape = make_tape(2_000)
    async with serving(MemoryStore(tape), evict_after_s=0.5) as server:
        stalled = await connect(server.ws, max_queue=1, open_timeout=60)
        await subscribe(stalled)
        stalled.transport.pause_reading()
        stalled.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        async with connect(server.ws) as healthy:
            await subscribe(healthy)
            hub = server.services.hub
            assert len(server.services.sessions) == 2
            for commit in bar_closers(tape, 400, rows=2_000):  # frames of some 60 kB
                hub.publish(commit)
                async for message in _frames(healthy, 2):
                    newest = decode(message)
                waiting = [session.mailbox.waiting_bytes for session in server.services.sessions]
                assert all(size <= 4 * 2**20 for size in waiting), "a client's mailbox is bounded"
                if len(server.services.sessions) == 1:
                    break
            assert len(server.services.sessions) == 1, "the stalled client was dropped"
            async with httpx.AsyncClient() as http:
                figures = (await http.get(f"{server.http}/metrics")).text
            assert "footloom_evicted_total 1.0\n" in figures
            assert newest.kind == "bar_open"
            assert not healthy.close_code
        stalled.transport.abort()


async def test_a_second_start_on_the_port_says_who_holds_it(server: Running) -> None:
    with pytest.raises(ConfigError) as refused:
        await asyncio.to_thread(bind, "127.0.0.1", server.port)
    message = str(refused.value)
    assert f"port {server.port} is in use by footloom" in message
    if sys.platform == "linux":
        assert f"process {os.getpid()}: " in message
        assert f"kill {os.getpid()} stops it" in message
    assert f"http://127.0.0.1:{server.port}/" in message
    assert "--port" in message


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
async def test_an_address_of_ipv6_is_told_as_browsers_write_it(anyio_backend: str, store: MemoryStore) -> None:  # noqa: ARG001
    async with serving(store, host="::1") as server:
        with pytest.raises(ConfigError, match=rf"http://\[::1\]:{server.port}/"):
            await asyncio.to_thread(bind, "::1", server.port)


async def test_another_program_on_the_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port} is in use by") as refused:
            await asyncio.to_thread(bind, "127.0.0.1", port)
        if sys.platform == "linux":
            assert "process " in str(refused.value)


def test_a_command_is_told_by_its_name_and_never_cut_within_a_word() -> None:
    words = ["/a/very/long/way/to/.venv/bin/python", "/a/very/long/way/to/footloom", "serve", "--store", "/data/tapes"]
    assert _command("\0".join([*words, ""]).encode()) == f"python {' '.join(words[1:])}"
    long = _command("\0".join([*words, *(f"binance_usdm:SYMBOL{n}USDT" for n in range(50)), ""]).encode())
    assert len(long) <= 200
    assert long.removesuffix(" ...").split()[-1] in {f"binance_usdm:SYMBOL{n}USDT" for n in range(50)}


@pytest.mark.parametrize("host", ["192.0.2.77", "no-such-name.invalid", "x" * 80])
def test_an_address_of_another_machine_is_refused(host: str) -> None:
    with pytest.raises(ConfigError, match=r"no address of this machine: it has 127\.0\.0\.1"):
        bind(host, 0)


async def test_stopping_closes_the_clients_politely(anyio_backend: str, store: MemoryStore) -> None:  # noqa: ARG001
    async with serving(store) as server:
        client = await connect(server.ws)
        await subscribe(client)
    with contextlib.suppress(ConnectionClosed):
        async for _ in client:  # what was under way still arrives, then the end
            pass
    assert client.close_code == 1012, "service restart: the page tries again"
