"""Calls over HTTP: limits are kept, faults are tried again, secrets are not told."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import logging
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from email.utils import formatdate
from pathlib import Path

import httpx
import pytest
from http_kit import Answer, Call, Clocks, LocalServer, plain_server

from footloom.errors import RateLimited, Refused, Unreachable, VenueError
from footloom.feeds.http import Http
from footloom.venues._venue import Request

pytestmark = pytest.mark.anyio


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
async def http(clocks: Clocks) -> AsyncIterator[Http]:
    client = Http({"rest": (100, 60.0)}, timing=clocks.timing)
    yield client
    await client.aclose()


def ask(server: LocalServer, path: str = "/fapi/v1/depth", **fields: object) -> Request:
    return Request(url=f"{server.url}{path}", **fields)  # type: ignore[arg-type]


async def test_an_answer_comes_with_query_headers_and_body_as_asked(server: LocalServer, http: Http) -> None:
    server.answers = [Answer(b'{"ok":1}')]

    body = await http.get(
        ask(server, method="POST", params=(("symbol", "A|B"),), headers=(("X-Key", "v"),), body=b"{}")
    )

    assert body == b'{"ok":1}'
    call = server.calls[0]
    assert (call.method, call.target, call.body) == ("POST", "/fapi/v1/depth?symbol=A%7CB", b"{}")
    assert call.headers["x-key"] == "v"
    assert call.headers["user-agent"].startswith("footloom/")


async def test_a_packed_answer_is_unpacked_and_a_packed_file_is_left(server: LocalServer, http: Http) -> None:
    packed = gzip.compress(b"rows")
    server.answers = [Answer(packed, headers={"Content-Encoding": "gzip"}), Answer(packed)]

    assert await http.get(ask(server)) == b"rows"
    assert await http.get(ask(server, "/complete.json.gz")) == packed


async def test_calls_wait_until_the_window_has_room(server: LocalServer, http: Http, clocks: Clocks) -> None:
    server.answers = [Answer()]
    for _ in range(5):
        await http.get(ask(server, weight=20))
    assert clocks.slept == []

    await http.get(ask(server, weight=20))

    assert clocks.slept == [60.0]


async def test_who_waits_for_long_is_told_why(server: LocalServer, clocks: Clocks) -> None:
    said: list[str] = []
    patient = Http({"rest": (50, 60.0)}, timing=clocks.timing, tell=said.append)
    server.answers = [Answer()]
    for _ in range(2):
        await patient.get(ask(server, weight=50))
    await patient.aclose()

    assert [text.partition(" waits ")[2] for text in said] == ["60 s: what the venue allows (rest) is used up"]


async def test_a_call_counts_from_its_answer_on_however_long_that_took(
    server: LocalServer, http: Http, clocks: Clocks
) -> None:
    """The venue counts a call when it arrives: somewhere between its sending and its answer."""
    server.answers = [Answer()]
    budget = http._budget(ask(server))
    first = budget.spend(100)
    clocks.now += 59.0  # it is a slow way
    assert budget.wait_s(20, 1.0) == 60.0
    budget.done(first)
    clocks.now += 59.0
    await http.get(ask(server, weight=20))

    assert clocks.slept == [1.0]


async def test_what_can_wait_leaves_room_for_what_cannot(server: LocalServer, http: Http, clocks: Clocks) -> None:
    server.answers = [Answer()]
    for _ in range(2):
        await http.get(ask(server, weight=25), share=0.5)
    await http.get(ask(server, weight=25))
    assert clocks.slept == []

    await http.get(ask(server, weight=25), share=0.5)

    assert clocks.slept == [60.0]


async def test_a_call_above_the_limit_goes_alone(server: LocalServer, http: Http, clocks: Clocks) -> None:
    server.answers = [Answer()]

    await http.get(ask(server, weight=250))
    await http.get(ask(server, weight=1))

    assert clocks.slept == [60.0]


async def test_what_others_spent_from_our_address_counts(server: LocalServer, http: Http, clocks: Clocks) -> None:
    server.answers = [Answer(headers={"X-MBX-USED-WEIGHT-1M": "95"})]
    await http.get(ask(server, weight=1))

    await http.get(ask(server, weight=10))

    assert clocks.slept == [60.0]


async def test_a_429_is_waited_for_as_long_as_it_says(server: LocalServer, http: Http, clocks: Clocks) -> None:
    server.answers = [Answer(status=429, headers={"Retry-After": "7"}), Answer(b"now")]

    assert await http.get(ask(server)) == b"now"

    assert sum(clocks.slept) == 7.0


async def test_a_retry_after_may_be_a_date(server: LocalServer, http: Http, clocks: Clocks) -> None:
    server.answers = [Answer(status=429, headers={"Retry-After": formatdate(clocks.now + 9, usegmt=True)}), Answer()]

    await http.get(ask(server))

    assert sum(clocks.slept) == 9.0


async def test_a_long_429_is_told_and_nothing_is_asked_meanwhile(
    server: LocalServer, http: Http, clocks: Clocks
) -> None:
    server.answers = [Answer(status=429, headers={"Retry-After": "600"}), Answer(b"now")]

    with pytest.raises(RateLimited, match="600 s") as caught:
        await http.get(ask(server))
    assert caught.value.retry_after_s == 600
    with pytest.raises(RateLimited, match="another 600 s, since it answered 429"):
        await http.get(ask(server))
    assert len(server.calls) == 1

    clocks.now += 600
    assert await http.get(ask(server)) == b"now"


async def test_a_429_that_stays_is_told_as_such(server: LocalServer, http: Http) -> None:
    server.answers = [Answer(status=429, headers={"Retry-After": "1"})]

    with pytest.raises(RateLimited, match="tried 5 times"):
        await http.get(ask(server))
    assert len(server.calls) == 5


@pytest.mark.parametrize(("status", "error"), [(418, RateLimited), (403, Refused)])
async def test_a_ban_stops_the_budget_but_no_other(
    server: LocalServer, http: Http, clocks: Clocks, status: int, error: type[VenueError]
) -> None:
    server.answers = [Answer(b"banned", status, {"Retry-After": "180"}), Answer(b"now")]

    with pytest.raises(error, match=f"answered {status} Said: banned; no calls of this kind are made for 180 s"):
        await http.get(ask(server))
    with pytest.raises(RateLimited, match=f"another 180 s, since it answered {status}"):
        await http.get(ask(server))
    assert await http.get(ask(server, budget="other")) == b"now"
    assert len(server.calls) == 2

    clocks.now += 181
    assert await http.get(ask(server)) == b"now"


async def test_bans_without_a_time_get_longer_until_an_answer_comes(
    server: LocalServer, http: Http, clocks: Clocks
) -> None:
    server.answers = [Answer(status=403), Answer(status=403), Answer(), Answer(status=403)]
    stopped = []
    for _ in range(4):
        try:
            await http.get(ask(server))
        except Refused as error:
            stopped.append(str(error).rpartition("for ")[2])
        clocks.now += 500

    assert stopped == ["60 s", "120 s", "60 s"]


async def test_what_may_pass_is_tried_again(server: LocalServer, http: Http, clocks: Clocks) -> None:
    server.answers = [Answer(status=503), Answer(b"half", claims=100), Answer(b"all")]

    assert await http.get(ask(server)) == b"all"

    assert clocks.slept == [0.5, 1.0]


async def test_tries_are_bounded_and_say_what_came_last(server: LocalServer, http: Http) -> None:
    server.answers = [Answer(b"<html>bad gateway</html>", 502)]

    with pytest.raises(Unreachable, match=r"/fapi/v1/depth answered 502 Said: a web page, no answer .*5 times"):
        await http.get(ask(server))

    assert len(server.calls) == 5


async def test_a_login_is_never_repeated(server: LocalServer, http: Http) -> None:
    server.answers = [Answer(status=503), Answer(b"twice")]

    with pytest.raises(Unreachable):
        await http.get(ask(server, method="POST"))

    assert len(server.calls) == 1


async def test_nobody_there(http: Http, server: LocalServer) -> None:
    request = ask(server)
    await server.__aexit__()

    with pytest.raises(Unreachable, match=r"Connection refused, tried 5 times: check the network"):
        await http.get(request)


async def test_a_server_that_never_answers(server: LocalServer, clocks: Clocks) -> None:
    server.answers = [Answer(hang=True)]
    http = Http({}, timing=clocks.timing, timeout=httpx.Timeout(0.05))

    with pytest.raises(Unreachable, match="no answer within the time allowed"):
        await http.get(ask(server))
    await http.aclose()


async def test_redirects_are_not_followed(server: LocalServer, http: Http) -> None:
    server.answers = [Answer(status=302, headers={"Location": "http://elsewhere.invalid/"})]

    with pytest.raises(Refused, match="answered 302") as caught:
        await http.get(ask(server))
    assert caught.value.status == 302


async def test_an_endless_answer_is_cut(server: LocalServer, http: Http) -> None:
    server.answers = [Answer(gzip.compress(b"0" * 2**20), headers={"Content-Encoding": "gzip"})]

    with pytest.raises(Refused, match="longer than 65,536 bytes"):
        await http.get(ask(server), max_bytes=2**16)


@pytest.fixture
def nobody(tmp_path: Path) -> ssl.SSLContext:
    """A server's certificate for 127.0.0.1 that nobody has signed."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes the certificate, is not here")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate]
    named = ["-subj", "/CN=nobody", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(["openssl", *made, *named], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


async def test_who_is_trusted_is_read_once_for_all_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    first = Http({})  # reads it, where no test before has
    read: list[object] = []
    monkeypatch.setattr(ssl, "create_default_context", lambda *found, **more: read.append((found, more)))
    second = Http({})
    await first.aclose()
    await second.aclose()
    assert read == [], "it holds the event loop for 20 ms"


async def test_a_certificate_of_nobody_is_refused_at_once(nobody: ssl.SSLContext, clocks: Clocks) -> None:
    hits = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hits.append(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=nobody)
    http = Http({}, timing=clocks.timing)
    with pytest.raises(Unreachable, match=r"VERIFY_FAILED.*certificate is not trusted; check this machine's clock"):
        await http.get(Request(url=f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/x"))
    await http.aclose()
    server.close()

    assert hits == []
    assert clocks.slept == []


async def test_a_server_that_speaks_no_tls_is_told_as_that(clocks: Clocks) -> None:
    http = Http({}, timing=clocks.timing)
    async with plain_server() as port:
        with pytest.raises(Unreachable, match="SSL"):
            await http.get(Request(url=f"https://127.0.0.1:{port}/x"))
    await http.aclose()


async def test_no_secret_is_told(server: LocalServer, http: Http, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secrets = ("hunter22", "tok-en-123", "abcd-efgh", "PIN9999")
    server.handler = lambda call: Answer(f"no: {call.target} {call.headers} {call.body!r}".encode(), 400)
    request = ask(
        server,
        method="POST",
        params=(("api_key", secrets[0]), ("symbol", "BTCUSDT")),
        headers=(("Authorization", f"Bearer {secrets[1]}"), ("X-PrivateKey", secrets[2])),
        body=b'{"password":"PIN9999"}',
    )

    with pytest.raises(Refused, match="BTCUSDT") as caught:
        await http.get(request)

    told = str(caught.value) + caught.value.text + repr(caught.value) + repr(request) + str([request])
    told += "".join(record.getMessage() for record in caplog.records)
    assert "/fapi/v1/depth" in told
    assert [secret for secret in secrets if secret in told] == []


async def test_what_is_no_address_is_told(http: Http) -> None:
    with pytest.raises(VenueError, match="no address"):
        await http.get(Request(url="gopher://127.0.0.1/x"))


WHOLE = bytes(range(256)) * 4096


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def archive(tag: str = '"one"') -> Answer:
    return Answer(WHOLE, headers={"ETag": tag})


def ranged(call: Call, tag: str = '"one"') -> Answer:
    begin = int(call.headers["range"].removeprefix("bytes=").rstrip("-"))
    if call.headers["if-range"] != tag:
        return archive(tag)
    headers = {"Content-Range": f"bytes {begin}-{len(WHOLE) - 1}/{len(WHOLE)}", "ETag": tag}
    return Answer(WHOLE[begin:], 206, headers)


async def test_a_file_appears_whole_with_its_sum(server: LocalServer, http: Http, tmp_path: Path) -> None:
    server.answers = [archive()]
    told: list[tuple[int, int | None]] = []

    digest = await http.download(f"{server.url}/a.zip", tmp_path / "new" / "a.zip", lambda *at: told.append(at))

    assert digest == hashlib.sha256(WHOLE).hexdigest()
    assert (tmp_path / "new" / "a.zip").read_bytes() == WHOLE
    assert told[-1] == (len(WHOLE), len(WHOLE))
    assert names(tmp_path / "new") == ["a.zip"]


async def test_a_broken_download_goes_on_where_it_broke(server: LocalServer, http: Http, tmp_path: Path) -> None:
    def handler(call: Call) -> Answer:
        if "range" in call.headers:
            return ranged(call)
        return Answer(WHOLE[:300_000], headers={"ETag": '"one"'}, claims=len(WHOLE))

    server.handler = handler

    digest = await http.download(f"{server.url}/a.zip", tmp_path / "a.zip")

    assert digest == hashlib.sha256(WHOLE).hexdigest()
    assert len(server.calls) == 2
    assert 0 < int(server.calls[1].headers["range"][6:-1]) <= 300_000


async def test_a_later_run_goes_on_but_never_with_another_version(
    server: LocalServer, http: Http, tmp_path: Path
) -> None:
    (tmp_path / "a.zip.part").write_bytes(WHOLE[:1000])
    (tmp_path / "a.zip.part.etag").write_text('"one"')
    (tmp_path / "b.zip.part").write_bytes(b"of an older version")
    (tmp_path / "b.zip.part.etag").write_text('"zero"')
    server.handler = ranged

    for name in ("a.zip", "b.zip"):
        assert await http.download(f"{server.url}/{name}", tmp_path / name) == hashlib.sha256(WHOLE).hexdigest()

    assert names(tmp_path) == ["a.zip", "b.zip"]


async def test_a_part_of_no_known_version_begins_anew(server: LocalServer, http: Http, tmp_path: Path) -> None:
    (tmp_path / "a.zip.part").write_bytes(b"who knows")
    server.answers = [archive()]

    assert await http.download(f"{server.url}/a.zip", tmp_path / "a.zip") == hashlib.sha256(WHOLE).hexdigest()
    assert "range" not in server.calls[0].headers


async def test_a_part_that_is_all_of_it_is_only_named(server: LocalServer, http: Http, tmp_path: Path) -> None:
    (tmp_path / "a.zip.part").write_bytes(WHOLE)
    (tmp_path / "a.zip.part.etag").write_text('"one"')
    server.answers = [Answer(b"", 416, {"Content-Range": f"bytes */{len(WHOLE)}"})]

    assert await http.download(f"{server.url}/a.zip", tmp_path / "a.zip") == hashlib.sha256(WHOLE).hexdigest()


async def test_a_range_that_does_not_fit_begins_anew(server: LocalServer, http: Http, tmp_path: Path) -> None:
    (tmp_path / "a.zip.part").write_bytes(WHOLE[:1000])
    (tmp_path / "a.zip.part.etag").write_text('"one"')
    odd = Answer(WHOLE[5:], 206, {"Content-Range": f"bytes 5-{len(WHOLE) - 1}/{len(WHOLE)}"})
    server.answers = [odd, archive()]

    assert await http.download(f"{server.url}/a.zip", tmp_path / "a.zip") == hashlib.sha256(WHOLE).hexdigest()


@pytest.mark.parametrize("status", [404, 403])
async def test_a_file_that_is_not_there(server: LocalServer, http: Http, tmp_path: Path, status: int) -> None:
    server.answers = [Answer(status=status)]

    for _ in range(2):  # and nothing is stopped by it
        with pytest.raises(Refused) as caught:
            await http.download(f"{server.url}/a.zip", tmp_path / "a.zip")
        assert caught.value.status == status
    assert names(tmp_path) == []
