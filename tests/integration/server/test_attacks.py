"""Attacks on a real server process, while a healthy client beside them goes on as if nothing were."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from process_kit import PATIENCE_S, TOKEN, Process, own_address, read_all, serve_process
from server_kit import TEST, make_tape
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from footloom.server.access.auth import Access
from footloom.server.wire.codec import decode
from footloom.store.files import Store

pytestmark = pytest.mark.slow

SHOWN = f"authorization: Bearer {TOKEN}"
COOKIE = Access(token=TOKEN)  # type: ignore[arg-type] - a secret is text
SETTINGS = {
    "FOOTLOOM_TOKEN": TOKEN,
    "FOOTLOOM_HOST": "0.0.0.0",  # noqa: S104 - what is attacked
    "FOOTLOOM_LOG_FORMAT": "json",
    "FOOTLOOM_REQUEST_TIMEOUT_S": "1",
    "FOOTLOOM_WS_PING_INTERVAL": "1",
    "FOOTLOOM_MAX_CONNECTIONS": "12",
    "FOOTLOOM_MAX_SUBSCRIPTIONS": "8",
    "FOOTLOOM_MAX_HISTORY_BARS": "1000",
    "FOOTLOOM_MAX_MESSAGES_PER_S": "200",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    folder = tmp_path_factory.mktemp("attacked")
    with Store(folder / "store", writer=True) as store:
        store.append(make_tape())
        store.seal()
    with serve_process(folder / "store", environment=SETTINGS) as running:
        yield running


class Healthy:
    """A client as it should be."""

    def __init__(self, client: ClientConnection) -> None:
        self.client = client
        self.asked = 0

    def is_well(self) -> bool:
        """Say whether this very connection still gets a snapshot of a chart."""
        self.asked += 1
        wanted = {"op": "subscribe", "id": self.asked, "topic": {"symbol": TEST.key}, "history_bars": 50}
        self.client.send(json.dumps(wanted))
        while True:
            message = self.client.recv(PATIENCE_S)
            if isinstance(message, bytes):
                frame = decode(message)
                if frame.kind == "snapshot":
                    return len(frame) == 50


@pytest.fixture(scope="module")
def _well(server: Process) -> Iterator[Healthy]:
    with server.ws() as client:
        yield Healthy(client)


@pytest.fixture(autouse=True)
def healthy(_well: Healthy) -> Iterator[Healthy]:
    """A client that is there before each attack, and unharmed after it."""
    yield _well
    assert _well.is_well()


def handshake(server: Process, *headers: str, host: str | None = None) -> int:
    lines = [
        "GET /ws/v1 HTTP/1.1",
        f"host: {host or f'127.0.0.1:{server.port}'}",
        "upgrade: websocket",
        "connection: upgrade",
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
        "sec-websocket-version: 13",
        *headers,
        "",
        "",
    ]
    with server.socket() as bare:
        bare.sendall("\r\n".join(lines).encode())
        return int(bare.recv(4096).split(b" ", 2)[1])


def test_a_foreign_page_gets_no_socket_even_with_the_cookie(server: Process) -> None:
    cookie = f"cookie: {COOKIE.cookie_name}={COOKIE.cookie}"

    assert handshake(server, cookie) == 101
    assert handshake(server, cookie, f"origin: http://127.0.0.1:{server.port}") == 101
    for origin in (
        "http://evil.example",
        "null",
        f"http://127.0.0.1:{server.port + 1}",
        "http://127.0.0.1.evil.example",
    ):
        assert handshake(server, cookie, f"origin: {origin}") == 403, origin


def test_a_foreign_name_for_this_machine_is_refused(server: Process) -> None:
    for host in ("evil.example", f"evil.example:{server.port}", "127.0.0.1.evil.example", "10.9.8.7", ""):
        answer = server.raw(f"GET /health HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{SHOWN}\r\n\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 403"), host
        assert b"--allow-host" in answer
    assert handshake(server, SHOWN, host="evil.example") == 403


def test_nothing_is_told_without_the_token(server: Process) -> None:
    with server.http() as client:
        schema = client.get("/schema/openapi.json").json()
    paths = [path.replace("{", "").replace("}", "") for path, kinds in schema["paths"].items() if "get" in kinds]
    assert len(paths) > 8
    public = {"/livez", "/api/v1/session"}

    told = {
        path for path in [*paths, "/schema", "/metrics", "/history", "/data", "/stream"] if server.status(path) != 401
    }

    assert told == public
    assert handshake(server) == 401
    assert handshake(server, "authorization: Bearer wrong-token-0123456789") == 401
    assert handshake(server, f"cookie: {COOKIE.cookie_name}=wrong") == 401
    assert server.status("/api/v1/instruments?token=" + TOKEN) == 401, "no address carries the token"
    with server.http(authorization="") as client:
        answer = client.get("/health")
    assert "open the link that footloom link prints" in answer.json()["error"]["message"]
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "0.1.0" not in server.raw(b"GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").decode()


@pytest.mark.skipif(sys.platform != "linux", reason="a second address of loopback: other tests come from the first")
def test_guessing_has_to_wait_and_the_cookie_still_opens(server: Process) -> None:
    transport = httpx.HTTPTransport(local_address="127.0.0.9")
    with httpx.Client(base_url=server.url, transport=transport, timeout=PATIENCE_S) as guesser:
        found = [guesser.post("/api/v1/session", json={"token": f"guess-{n}"}) for n in range(14)]
        assert [one.status_code for one in found[:5]] == [401] * 5
        assert found[-1].status_code == 429
        assert int(found[-1].headers["retry-after"]) >= 1
        assert "try again in" in found[-1].json()["error"]["message"]
        assert guesser.post("/api/v1/session", json={"token": TOKEN}).status_code == 429, "not even the right one"
        assert guesser.get("/health", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 429
        entered = guesser.get("/health", headers={"cookie": f"{COOKIE.cookie_name}={COOKIE.cookie}"})
        assert entered.status_code == 200, "a page that is in stays in"


@pytest.mark.parametrize(
    "path",
    [
        "/../../../etc/passwd",
        "/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/assets/../../../../../../etc/passwd",
        "/assets/..%2f..%2f..%2fetc%2fpasswd",
        "/assets/%252e%252e%252fpasswd",
        "//etc/passwd",
        "/\\..\\..\\etc\\passwd",
        "/%00",
        "/index.html%00.js",
        "/%ff%fe",
        "/livez/../api/v1/instruments",
        "/livez/%2e%2e/api/v1/instruments",
        "//api/v1/instruments",
        "/api/v1/session/../instruments",
        "/assets/../api/v1/instruments",
        "/API/V1/INSTRUMENTS",
        "/;/api/v1/instruments",
        "http://evil.example/api/v1/instruments",
    ],
)
def test_tricks_with_paths_lead_nowhere(server: Process, path: str) -> None:
    cookie = f"cookie: {COOKIE.cookie_name}={COOKIE.cookie}"
    lines = [f"GET {path} HTTP/1.1", f"host: 127.0.0.1:{server.port}", "connection: close"]

    stranger = server.raw("\r\n".join([*lines, "", ""]).encode("latin-1"))
    known = server.raw("\r\n".join([*lines, cookie, "", ""]).encode("latin-1"))

    assert int(stranger.split(b" ", 2)[1]) in {400, 401, 403, 404}
    assert b"root:" not in known
    assert int(known.split(b" ", 2)[1]) in {200, 400, 404}
    assert TEST.key.encode() not in stranger


def post(server: Process, body: bytes, *headers: str) -> bytes:
    head = [
        "POST /api/v1/session HTTP/1.1",
        f"host: 127.0.0.1:{server.port}",
        "content-type: application/json",
        "connection: close",
        *headers,
        "",
        "",
    ]
    return server.raw("\r\n".join(head).encode() + body)


def test_a_body_that_is_too_large_or_broken_is_refused(server: Process) -> None:
    large = post(server, b"", "content-length: 2000000")
    assert large.startswith((b"HTTP/1.1 413", b"HTTP/1.1 408")), large[:80]
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    endless = post(server, chunk * 40, "transfer-encoding: chunked")
    assert endless.startswith(b"HTTP/1.1 413"), endless[:80]
    for body in (b"", b"{", b"[]", b'{"token": 1}', b'{"token": "x", "more": 1}', b"\xff\xfe", b"[" * 100_000):
        answer = post(server, body, f"content-length: {len(body)}")
        assert int(answer.split(b" ", 2)[1]) in {400, 429}, body[:20]


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nx: " + b"y" * 200_000,
        b"GET / HTTP/1.1\r\nx: " + b"y" * 200_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"x-%d: y\r\n" % n for n in range(10_000)) + b"\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"x" * 100_000,
    ],
)
def test_a_head_without_end_is_cut_off(server: Process, head: bytes) -> None:
    answer = server.raw(head)

    assert answer.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400")) or answer == b"", answer[:80]
    if answer.startswith(b"HTTP/1.1 431"):
        assert b"32768 bytes" in answer


@pytest.mark.parametrize(
    "bytes_",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),  # TLS spoken to a plain port
        b"GET / HTTP/9.9\r\n\r\n",
        b"\r\n" * 40_000,
        b"GET / HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost : a\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        bytes(range(256)) * 8,
    ],
)
def test_what_is_no_request_is_refused_or_dropped(server: Process, bytes_: bytes) -> None:
    answer = server.raw(bytes_)

    assert answer == b"" or answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 403", b"HTTP/1.1 431")), answer[:80]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", b""),
        (b"\r\n", b"HTTP/1.1 408"),
        (b"GET /health HT", b"HTTP/1.1 408"),
        (b"GET /health HTTP/1.1\r\nhost: localhost\r\nx: ", b"HTTP/1.1 408"),
        (b"POST /api/v1/session HTTP/1.1\r\nhost: localhost\r\ncontent-length: 900\r\n\r\n{", b"HTTP/1.1 4"),
    ],
)
def test_who_says_half_a_request_is_not_waited_for(server: Process, sent: bytes, status: bytes) -> None:
    with server.socket() as bare:
        bare.sendall(sent)
        answer = read_all(bare)

    assert answer.startswith(status), answer[:80]


def test_a_byte_at_a_time_does_not_hold_a_connection(server: Process) -> None:
    head = b"GET /health HTTP/1.1\r\nhost: localhost\r\n" + b"x: y\r\n" * 2_000
    with server.socket() as bare:
        bare.settimeout(0.2)
        for number in range(len(head)):
            try:
                bare.sendall(head[number : number + 1])
                if (answer := bare.recv(4096)) is not None:
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                answer = b""
                break
        else:
            pytest.fail("it could have gone on for ever")
    assert answer.startswith(b"HTTP/1.1 408") or answer == b""


def test_a_drip_behind_an_answer_does_not_hold_a_connection_either(server: Process) -> None:
    with server.socket() as bare:
        bare.sendall(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert bare.recv(4096).startswith(b"HTTP/1.1 200")
        bare.sendall(b"\r\n")  # no request begins with it, and yet it was something
        read_all(bare)


def test_one_address_holds_so_many_connections_and_no_more(server: Process) -> None:
    address = own_address()
    if address is None:
        pytest.skip("this machine has no address but loopback")
    with contextlib.ExitStack() as held:
        for _ in range(12):
            held.enter_context(server.ws(address))
        refused = server.raw(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n", address)
        assert refused.startswith(b"HTTP/1.1 503")
        assert f"{address} holds 12 connections".encode() in refused
        with pytest.raises(InvalidStatus, match="503"), server.ws(address):
            pass
        assert server.status("/livez") == 200, "others come in"

    until = time.monotonic() + PATIENCE_S
    while server.raw(b"GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n", address)[9:12] != b"200":
        assert time.monotonic() < until, "what was closed still counts"


def replies(client: ClientConnection, kind: str) -> Any:
    while True:
        message = client.recv(PATIENCE_S)
        if isinstance(message, str):
            said = json.loads(message)
            if said["type"] == kind:
                return said


@pytest.mark.parametrize(
    "message",
    [
        "",
        "{",
        "null",
        "[" * 20_000,
        '{"op": "drop_tables"}',
        '{"op": "subscribe"}',
        '{"op": "subscribe", "id": 1, "topic": {"symbol": "\\u0000"}}',
        json.dumps({"op": "subscribe", "id": 1, "topic": {"symbol": "test:ABC", "bars": "9" * 5000}}),
        json.dumps({"op": "subscribe", "id": 1, "topic": {"symbol": "../../etc/passwd"}}),
        json.dumps({"op": "unsubscribe", "topic_id": 2**40}),
        b"\x00\x01\x02",
    ],
)
def test_a_message_that_makes_no_sense_is_answered_and_the_client_stays(server: Process, message: str | bytes) -> None:
    with server.ws() as client:
        client.send(message)
        said = replies(client, "error")
        assert said["code"] != "internal"
        assert said["message"]
        client.send(json.dumps({"op": "subscribe", "id": 7, "topic": {"symbol": TEST.key}, "history_bars": 5}))
        assert replies(client, "subscribed")["id"] == 7


def test_a_message_that_is_too_large_ends_its_connection(server: Process) -> None:
    with server.ws() as client:
        client.send("x" * 200_000)
        with pytest.raises(ConnectionClosed) as closed:
            replies(client, "never")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


def test_broken_frames_end_their_connection(server: Process) -> None:
    for frame in (b"\xff" * 64, b"\x81\x05hello", struct.pack("!BBQ", 0x81, 0xFF, 2**62) + bytes(4)):
        with server.ws() as client:
            client.socket.sendall(frame)
            with pytest.raises(ConnectionClosed):
                replies(client, "never")


def test_a_thousand_subscriptions_of_one_client_are_refused(server: Process) -> None:
    with server.ws() as client:
        errors, subscribed = [], 0
        for number in range(1000):
            topic = {"symbol": TEST.key, "bars": f"{number + 1}m"}
            try:
                client.send(json.dumps({"op": "subscribe", "id": number, "topic": topic, "history_bars": 1}))
            except ConnectionClosed:
                break
        try:
            while len(errors) + subscribed < 1000:
                message = client.recv(PATIENCE_S)
                if isinstance(message, str):
                    said = json.loads(message)
                    errors += [said["message"]] if said["type"] == "error" else []
                    subscribed += said["type"] == "subscribed"
        except ConnectionClosed:
            pass
    assert subscribed == 8
    assert "8 of 8 subscriptions" in errors[0]


def test_ten_years_at_once_are_refused(server: Process) -> None:
    with server.ws() as client:
        wanted = {"op": "subscribe", "id": 1, "topic": {"symbol": TEST.key}, "history_bars": 5_256_000}
        client.send(json.dumps(wanted))
        assert "history_bars" in replies(client, "error")["message"]
    with server.http() as client:
        answer = client.get("/api/v1/bars", params={"symbol": TEST.key, "limit": 5_256_000})
        assert answer.status_code == 400
        assert "limit" in json.dumps(answer.json()["error"])


def test_who_answers_no_ping_is_dropped(server: Process) -> None:
    with server.socket() as bare:
        lines = ["GET /ws/v1 HTTP/1.1", "host: localhost", "upgrade: websocket", "connection: upgrade", SHOWN]
        lines += ["sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==", "sec-websocket-version: 13", "", ""]
        bare.sendall("\r\n".join(lines).encode())
        found = read_all(bare)
    assert found.startswith(b"HTTP/1.1 101")
    assert b"ping timeout" in found


def test_who_vanishes_takes_no_place(server: Process) -> None:
    with server.http() as client:
        for _ in range(30):
            with server.ws() as vanishing:
                vanishing.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                vanishing.socket.shutdown(socket.SHUT_RD)
                vanishing.socket.close()  # a reset, without a word
        until = time.monotonic() + PATIENCE_S
        while client.get("/health").json()["clients"] > 1:
            assert time.monotonic() < until, "sessions of clients that are gone"


def test_no_line_of_the_log_holds_a_secret(tmp_path: Path) -> None:
    with serve_process(tmp_path / "store", environment=SETTINGS) as running:
        with running.http() as client:
            assert client.get("/health").status_code == 200
            assert client.get(f"/api/v1/bars?symbol=x&token={TOKEN}").status_code >= 400
            entered = client.post("/api/v1/session", json={"token": TOKEN})
            assert "HttpOnly" in entered.headers["set-cookie"]
            assert "SameSite=Strict" in entered.headers["set-cookie"]
            assert TOKEN not in entered.headers["set-cookie"]
            client.get(f"/{TOKEN}")
        for _ in range(3):
            running.raw(b"\x16\x03\x01 no request\r\n\r\n")
        with running.ws():
            pass
        written = running.stop()

    lines = [json.loads(line) for line in written.splitlines()]
    asked = [line for line in lines if line.get("event") == "request"]
    assert {"/health", "/api/v1/session"} <= {line["path"] for line in asked}
    assert len({line["request_id"] for line in asked}) == len(asked)
    assert TOKEN not in written
    assert str(COOKIE.cookie) not in written
    assert {line.get("level", "info") for line in lines} == {"info"}, "what a stranger sends is no warning of ours"
