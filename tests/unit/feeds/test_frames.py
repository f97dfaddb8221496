"""Bytes to messages: any cutting of the stream gives the same messages, and a burst waits instead of being dropped."""

from __future__ import annotations

import random

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from footloom.errors import VenueError
from footloom.feeds import _frames
from footloom.feeds._frames import HandshakeRefused, Link, open_link

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Wire:
    """A transport that keeps what is written, and the server's half of the protocol behind it."""

    def __init__(self) -> None:
        self.paused = self.closed = self.aborted = False
        self.server = ServerProtocol()
        self.woken = 0
        self.link = Link(
            ClientProtocol(parse_uri("ws://venue/x"), max_size=2**24), [("X-Key", "s3cret")], lambda: 7, self.wake
        )
        self.link.connection_made(self)
        [self.request] = self.server.events_received()
        assert isinstance(self.request, Request)

    def wake(self) -> None:
        self.woken += 1

    def write(self, data: bytes) -> None:
        self.server.receive_data(data)

    def accepted(self) -> bytes:
        self.server.send_response(self.server.accept(self.request))
        return b"".join(self.server.data_to_send())

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False


def packed(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=False)


def stream(rng: random.Random) -> tuple[bytes, list[bytes]]:
    data, messages = b"", []
    for number in range(60):
        size = rng.choice((0, 5, 125, 126, 300, 65_535, 65_536))
        text = bytes([97 + number % 26]) * size
        kind = rng.random()
        if kind < 0.7:
            data += packed(rng.choice((Opcode.TEXT, Opcode.BINARY)), text)
        else:
            cut = rng.randint(0, size)
            data += packed(Opcode.TEXT, text[:cut], fin=False)
            data += packed(Opcode.PING, b"between") if kind < 0.85 else b""
            data += packed(Opcode.CONT, text[cut:])
        messages.append(text)
    return data, messages


async def test_any_cutting_of_the_stream_gives_the_same_messages(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(10):
        wire = Wire()
        data, messages = stream(rng)
        data = wire.accepted() + data
        while data:
            size = rng.choice((1, 2, 3, 10, 100, 5_000, 70_000))
            wire.link.data_received(data[:size])
            data = data[size:]

        assert [frame for _, frame in wire.link.take(1000)] == messages
        assert wire.link.opened.done()


async def test_headers_go_with_the_handshake() -> None:
    assert Wire().request.headers["X-Key"] == "s3cret"


async def test_a_ping_is_answered() -> None:
    wire = Wire()
    wire.link.data_received(wire.accepted() + packed(Opcode.PING, b"are you there"))

    pongs = [e for e in wire.server.events_received() if isinstance(e, Frame) and e.opcode is Opcode.PONG]
    assert [bytes(pong.data) for pong in pongs] == [b"are you there"]


async def test_a_close_is_told_with_its_code() -> None:
    wire = Wire()
    wire.link.data_received(wire.accepted())
    wire.server.send_close(1001, "restart")
    wire.link.data_received(b"".join(wire.server.data_to_send()))
    wire.link.connection_lost(None)

    assert wire.link.closed.result() == "disconnected (1001: restart)"


async def test_an_end_without_a_word_is_1006_and_what_came_before_it_is_kept() -> None:
    wire = Wire()
    wire.link.data_received(wire.accepted() + packed(Opcode.TEXT, b"one") + packed(Opcode.TEXT, b"half")[:3])
    wire.link.connection_lost(ConnectionResetError("reset by peer"))

    assert wire.link.closed.result() == "disconnected (1006): reset by peer"
    assert wire.link.take(9) == [(7, b"one")]


async def test_a_message_that_is_too_long_ends_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_frames, "MAX_MESSAGE", 2**24)
    wire = Wire()
    wire.link.data_received(wire.accepted() + packed(Opcode.TEXT, b"x" * 10) + b"\x81\x7f" + (2**30).to_bytes(8, "big"))

    assert wire.link.take(9) == [(7, b"x" * 10)]
    closes = [e for e in wire.server.events_received() if isinstance(e, Frame) and e.opcode is Opcode.CLOSE]
    assert len(closes) == 1


async def test_a_burst_that_nobody_takes_makes_the_sender_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_frames, "_PAUSE_BYTES", 10_000)
    wire = Wire()
    wire.link.data_received(wire.accepted())
    for _ in range(12):
        wire.link.data_received(packed(Opcode.TEXT, b"x" * 1_000))

    assert wire.paused
    assert len(wire.link.take(5)) == 5
    assert wire.paused
    assert len(wire.link.take(9)) == 7
    assert not wire.paused


async def test_where_nobody_listens_is_said() -> None:
    with pytest.raises(VenueError, match=r"cannot reach 127\.0\.0\.1:1"):
        await open_link("ws://127.0.0.1:1/x", (), lambda: 0, lambda: None)
    with pytest.raises(VenueError, match="write ws:// or wss://"):
        await open_link("http://127.0.0.1:1/x?token=s3cret", (), lambda: 0, lambda: None)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("Retry-After: 7", 7.0),
        ("Date: Wed, 21 Oct 2026 07:28:00 GMT\r\nRetry-After: Wed, 21 Oct 2026 07:29:30 GMT", 90.0),
        ("Retry-After: Wed, 21 Oct 2026 07:29:30 GMT", None),
        ("Retry-After: soon", None),
        ("Retry-After: 0", None),
    ],
)
async def test_a_refused_handshake_has_its_status(told: str, seconds: float | None) -> None:
    wire = Wire()
    wire.link.data_received(f"HTTP/1.1 429 Too Many Requests\r\n{told}\r\nContent-Length: 0\r\n\r\n".encode())
    wire.link.connection_lost(None)

    with pytest.raises(HandshakeRefused) as refused:
        await wire.link.opened
    assert (refused.value.status, refused.value.retry_after_s) == (429, seconds)
