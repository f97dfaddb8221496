"""Kept answers: packed once, tagged by their bytes, sent whole, in part or not at all; work nobody waits for ends."""

from __future__ import annotations

import asyncio
import dataclasses
import gzip
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pytest
from litestar import Request
from rest_kit import client_of, services_of, settings_for
from server_kit import DAY0_NS, TEST, MemoryStore, make_tape

from footloom.core.trades import Trades
from footloom.errors import Overloaded, TookTooLong
from footloom.server.app import create_app
from footloom.server.rest import work as work_module
from footloom.server.rest.answers import Answer, Answers, Making
from footloom.server.rest.work import Work, while_connected
from footloom.server.services import Services
from footloom.server.stored.abandon import Abandoned, checkpoint
from footloom.server.stored.history import History
from footloom.server.wire.codec import decode
from footloom.server.wire.messages import TopicRequest
from footloom.store.files import Store

pytestmark = pytest.mark.anyio

URL = "/api/v1/footprint?symbol=test:ABC&limit=50"


@pytest.fixture
def services(store: MemoryStore) -> Services:
    return services_of(store)


@pytest.fixture
async def client(services: Services, tmp_path: Path, anyio_backend: str) -> AsyncIterator[httpx.AsyncClient]:  # noqa: ARG001
    async with client_of(services, settings_for(tmp_path, tmp_path)) as made:
        yield made


async def raw(client: httpx.AsyncClient, encoding: str, **headers: str) -> tuple[httpx.Response, bytes]:
    request = client.build_request("GET", URL, headers={"accept-encoding": encoding, **headers})
    reply = await client.send(request, stream=True)
    body = b"".join([chunk async for chunk in reply.aiter_raw()])
    return reply, body


async def test_every_encoding_carries_the_same_frame_under_a_tag_of_its_own(client: httpx.AsyncClient) -> None:
    plain_reply, plain = await raw(client, "identity")
    gzip_reply, packed = await raw(client, "gzip")
    zstd_reply, dense = await raw(client, "gzip, zstd")

    assert "content-encoding" not in plain_reply.headers
    assert (gzip_reply.headers["content-encoding"], zstd_reply.headers["content-encoding"]) == ("gzip", "zstd")
    assert gzip.decompress(packed) == plain
    assert pa.Codec("zstd").decompress(dense, len(plain), asbytes=True) == plain
    assert len({reply.headers["etag"] for reply in (plain_reply, gzip_reply, zstd_reply)}) == 3
    assert {reply.headers["vary"] for reply in (plain_reply, gzip_reply)} == {"accept, accept-encoding"}
    decode(plain)


async def test_what_the_client_takes_is_what_it_gets(client: httpx.AsyncClient) -> None:
    for accepted, chosen in [
        ("", None),
        ("br", None),
        ("gzip;q=0", None),
        ("gzip;q=0.5, zstd;q=0.1", "gzip"),
        ("*", "zstd"),
        ("zstd;q=0, *", "gzip"),
        ("identity, gzip;q=nonsense", None),
        ("GZIP", "gzip"),
    ]:
        reply, _ = await raw(client, accepted)
        assert reply.headers.get("content-encoding") == chosen


async def test_what_a_client_has_is_not_sent_again_until_more_is_stored(
    client: httpx.AsyncClient, store: MemoryStore
) -> None:
    first, _ = await raw(client, "gzip")
    tag = first.headers["etag"]
    for header in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        reply, body = await raw(client, "gzip", **{"if-none-match": header})
        assert (reply.status_code, body, reply.headers["etag"]) == (304, b"", tag)
    for header in ('"other"', tag.strip('"')):
        reply, body = await raw(client, "gzip", **{"if-none-match": header})
        assert reply.status_code == 200
        assert body

    more = make_tape(rows=500, seed=9, hours=31.0, first_id=20_001)
    store.tapes["test:ABC", "trade"] = Trades.concat([store.tapes["test:ABC", "trade"], more])
    reply, body = await raw(client, "gzip", **{"if-none-match": tag})
    assert reply.status_code == 200, "more is stored: it is another answer"
    assert reply.headers["etag"] != tag


async def test_an_old_page_stays_the_same_while_the_tape_grows(store: MemoryStore) -> None:
    history = History(store)  # type: ignore[arg-type]  # as much of a store as is read
    tape = store.tapes["test:ABC", "trade"]
    middle = int(tape.ts_exch_ns[100])
    before = (history.state("test:ABC", "trade", middle), history.state("test:ABC", "trade"))
    later = make_tape(rows=10, seed=3, first_id=50_000)
    far = Trades.build(
        tape.instrument,
        later.ts_exch_ns + 40 * 86_400 * 10**9,
        later.price_tick,
        later.qty_lot,
        later.side,
        trade_id=later.trade_id,
    )
    store.tapes["test:XYZ", "trade"] = far
    assert (history.state("test:ABC", "trade", middle), history.state("test:ABC", "trade")) == before


async def test_a_kept_page_tells_the_step_with_which_its_chart_opens_now(tmp_path: Path) -> None:
    minute_ns = 60 * 10**9
    ts = DAY0_NS + np.arange(40) * 6 * 10**9  # four minutes: a tape that has only begun

    def walk(at_ns: Any, wide: int, first_id: int) -> Trades:
        ticks = 50_000 + wide * (np.arange(len(at_ns)) % 10)
        return Trades.build(
            TEST, at_ns, ticks, [1] * len(at_ns), [1] * len(at_ns), trade_id=first_id + np.arange(len(at_ns))
        )

    store = Store(tmp_path / "store", writer=True)
    store.put_instrument(TEST)
    store.append(walk(ts, 1, 1))
    services = services_of(store)
    async with client_of(services, settings_for(tmp_path, tmp_path)) as client:
        url = f"/api/v1/footprint?symbol=test:ABC&ticks_per_level=1&to_ns={DAY0_NS + minute_ns}&format=json"
        first = (await client.get(url)).json()["meta"]
        more = walk(DAY0_NS + 2 * 86_400 * 10**9 + np.arange(1_000) * 6 * 10**9, 900, 41)
        store.append(more)
        opens = services.history.resolve(TopicRequest(symbol="test:ABC")).spec.ticks_per_level
        second = (await client.get(url)).json()["meta"]
    assert first["default_ticks_per_level"] != opens
    assert second["default_ticks_per_level"] == opens
    store.close()


def test_other_prices_at_the_same_times_are_another_state(tmp_path: Path) -> None:
    tape = make_tape(rows=50)
    others = [tape, dataclasses.replace(tape, price_tick=tape.price_tick + 1)]
    found = []
    for trades in others:
        with Store(tmp_path, writer=True) as written:
            written.append(trades)
            found.append(History(written).state("test:ABC", "trade"))
            assert found[-1] == History(written).state("test:ABC", "trade")
            written.remove("test:ABC", "trade")
    assert found[0] != found[1], "the answer of the tape that was removed would be given"


async def test_byte_ranges(client: httpx.AsyncClient) -> None:
    for asked, status, part in [
        ("bytes=0-31", 206, slice(0, 32)),
        ("bytes=32-", 206, slice(32, None)),
        ("bytes=-8", 206, slice(-8, None)),
        ("bytes=0-99999999999", 206, slice(0, None)),
        ("bytes=5-2", 200, slice(0, None)),
        ("bytes=0-1,4-5", 200, slice(0, None)),
        ("lines=1-2", 200, slice(0, None)),
        ("bytes=-", 200, slice(0, None)),
        ("bytes=99999999-", 416, None),
        ("bytes=-0", 416, None),
    ]:
        for encoding in ("identity", "gzip"):
            _, whole = await raw(client, encoding)
            reply, body = await raw(client, encoding, range=asked)
            assert reply.status_code == status
            if part is None:
                assert reply.headers["content-range"] == f"bytes */{len(whole)}"
                assert b'"bad_range"' in body
            else:
                assert body == whole[part]
            if status == 206:
                first = range(len(whole))[part][0]  # type: ignore[index]
                assert reply.headers["content-range"] == f"bytes {first}-{first + len(body) - 1}/{len(whole)}"


async def test_a_range_of_something_that_changed_is_the_whole_new_thing(client: httpx.AsyncClient) -> None:
    first, whole = await raw(client, "identity")
    same, part = await raw(client, "identity", range="bytes=4-", **{"if-range": first.headers["etag"]})
    other, all_of_it = await raw(client, "identity", range="bytes=4-", **{"if-range": '"older"'})
    assert (same.status_code, part) == (206, whole[4:])
    assert (other.status_code, all_of_it) == (200, whole)


async def test_many_who_ask_at_once_are_answered_by_one_making() -> None:
    answers, made, go = Answers(Work()), [], threading.Event()

    def make() -> Answer:
        go.wait(60)
        made.append(1)
        return Answer.of(bytes(5_000), "text/plain")

    asking = [asyncio.ensure_future(answers.get(Making("key", make), "gzip")) for _ in range(8)]
    await asyncio.sleep(0)
    go.set()
    found = await asyncio.gather(*asking)
    assert (len(made), len({id(one) for one in found})) == (1, 1)
    assert set(found[0].packed) == {"gzip"}
    answers.work.close()


async def test_an_answer_that_was_given_up_and_begun_again_is_made_once_more_and_no_oftener() -> None:
    work, made, go_on = Work(), [], threading.Event()
    answers = Answers(work)

    def make() -> Answer:
        made.append(1)
        go_on.wait(60)
        return Answer.of(b"", "text/plain")

    async def ask(count: int) -> asyncio.Task[Answer]:
        asking = asyncio.create_task(answers.get(Making("key", make), "identity"))
        async with asyncio.timeout(60):
            while len(made) < count:  # noqa: ASYNC110 - a thread counts
                await asyncio.sleep(0.005)
        return asking

    first = await ask(1)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    second = await ask(2)
    third = await ask(2)
    await asyncio.sleep(0)
    go_on.set()
    assert await second is await third
    assert len(made) == 2
    work.close()


async def test_old_answers_make_room_and_one_that_is_too_big_is_not_kept() -> None:
    answers = Answers(Work(), most_bytes=10_000)
    for number in range(20):
        body = np.random.default_rng(number).bytes(2_000)
        await answers.get(Making(number, lambda body=body: Answer.of(body, "x")), "identity")  # type: ignore[misc]
    assert 0 < answers.kept_bytes <= 10_000
    await answers.get(Making("big", lambda: Answer.of(bytes(9_000), "x")), "identity")
    assert answers.kept_bytes <= 10_000
    again = await answers.get(Making("big", lambda: Answer.of(b"made anew", "x")), "identity")
    assert again.body == b"made anew"
    answers.work.close()


async def test_work_ends_when_nobody_waits_for_it_any_more() -> None:
    answers, begun, ended = Answers(Work(threads=1)), threading.Event(), threading.Event()

    def make() -> Answer:
        begun.set()
        try:
            while True:
                checkpoint()
        except Abandoned:
            ended.set()
            raise

    asking = [asyncio.ensure_future(answers.get(Making("key", make), "gzip")) for _ in range(2)]
    assert await asyncio.to_thread(begun.wait, 60)
    asking[0].cancel()
    await asyncio.gather(asking[0], return_exceptions=True)
    assert not ended.is_set(), "the other one still waits"
    asking[1].cancel()
    assert await asyncio.to_thread(ended.wait, 60)
    await asyncio.gather(asking[1], return_exceptions=True)
    assert (await answers.get(Making("key", lambda: Answer.of(b"new", "x")), "gzip")).body == b"new"
    answers.work.close()


async def test_too_many_are_told_to_come_again_and_too_long_is_given_up() -> None:
    work, ended = Work(threads=1, most_waiting=1, limit_s=0.2), threading.Event()

    def slow() -> None:
        try:
            while True:
                checkpoint()
        finally:
            ended.set()

    first = asyncio.ensure_future(work.run(slow))
    second = asyncio.ensure_future(work.run(slow))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded, match="2 requests wait already"):
        await work.run(slow)
    for task in (first, second):
        with pytest.raises(TookTooLong, match=r"given up after 0\.2 s"):
            await task
    assert await asyncio.to_thread(ended.wait, 60), "the thread ends at its next checkpoint, by itself"
    work.close()


async def test_one_address_takes_its_share_of_the_places_and_no_more() -> None:
    work, go = Work(threads=2, most_waiting=6), threading.Event()

    def from_address(host: str) -> Request[Any, Any, Any]:
        async def receive() -> Any:
            await asyncio.Event().wait()

        return Request({"type": "http", "client": (host, 1), "headers": []}, receive=receive)  # type: ignore[arg-type]

    def ask(host: str) -> asyncio.Task[bool]:
        return asyncio.create_task(while_connected(from_address(host), work.run(lambda: go.wait(60))))

    greedy = [ask("192.0.2.1") for _ in range(20)]
    await asyncio.wait(greedy, return_when=asyncio.FIRST_EXCEPTION)
    others = [ask(f"192.0.2.{number}") for number in (2, 3)]
    while work.running < 4:  # noqa: ASYNC110 - nothing tells when work waits
        await asyncio.sleep(0)
    go.set()
    assert await asyncio.gather(*others) == [True, True]
    found = await asyncio.gather(*greedy, return_exceptions=True)
    assert sum(one is True for one in found) == 2, "a quarter of eight places"
    told = [str(one) for one in found if isinstance(one, Overloaded)]
    assert len(told) == 18
    assert "from your address" in told[0]
    assert await ask("192.0.2.1"), "it has its share again"
    work.close()


async def test_slow_requests_of_one_client_hold_up_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_module, "_LONG_S", 600.0)
    work, go, all_begun = Work(threads=3, most_waiting=64), threading.Event(), threading.Event()
    begun: list[str] = []

    def ask(host: str, name: str, *, short: bool = False) -> asyncio.Task[None]:
        async def receive() -> Any:
            await asyncio.Event().wait()

        def slow() -> None:
            begun.append(name)
            if name == "slow-1":
                all_begun.set()
            go.wait(60)

        scope: Any = {"type": "http", "client": (host, 1), "headers": []}
        job = work.run(lambda: begun.append(name) if host == "other" else slow(), short=short)
        return asyncio.create_task(while_connected(Request(scope, receive=receive), job))

    greedy = [ask("greedy", f"slow-{number}") for number in range(16)]
    async with asyncio.timeout(60):
        await ask("other", "mine")
        await ask("other", "brief", short=True)
        await asyncio.to_thread(all_begun.wait, 60)  # a thread may take its time to begin
    assert sorted(begun) == ["brief", "mine", "slow-0", "slow-1"], "a thread is left for others"
    go.set()
    await asyncio.gather(*greedy)
    assert len(begun) == 18
    assert work.running == 0
    work.close()


async def test_what_takes_long_lends_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two slow requests of a chart's own page held every thread that its address may have."""
    monkeypatch.setattr(work_module, "_LONG_S", 0.001)
    work, go = Work(threads=2, most_waiting=64), threading.Event()
    slow = [asyncio.create_task(work.run(lambda: go.wait(60))) for _ in range(3)]
    async with asyncio.timeout(60):
        assert await work.run(lambda: "brief") == "brief"
        slow += [asyncio.create_task(work.run(lambda: go.wait(60))) for _ in range(4)]
        brief = asyncio.create_task(work.run(lambda: "brief"))
        await asyncio.sleep(0.02)
        assert not brief.done(), "there is an end to threads"
        go.set()
        assert all(await asyncio.gather(*slow, brief))
    assert (work._long._free, work._long._spare) == (2, 2)
    work.close()


async def test_what_waits_for_a_large_answer_holds_up_nothing_else() -> None:
    """Large answers are made by one process one after the other: who waits for it takes no thread of the others."""
    work, go, begun = Work(threads=3, most_waiting=64), threading.Event(), threading.Event()
    answers = Answers(work)

    def large() -> Answer:
        begun.set()
        go.wait(60)
        return Answer.of(b"large", "x")

    waiting = [asyncio.ensure_future(answers.get(Making(number, large, is_large=True), "gzip")) for number in range(8)]
    async with asyncio.timeout(60):
        assert await asyncio.to_thread(begun.wait, 60)
        small = (Making(f"small {number}", lambda: Answer.of(b"small", "x")) for number in range(6))
        assert [(await answers.get(one, "gzip")).body for one in small] == [b"small"] * 6
        assert not any(one.done() for one in waiting)
        go.set()
        assert len(await asyncio.gather(*waiting)) == 8
    work.close()


async def test_clients_are_taken_by_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_module, "_LONG_S", 600.0)
    work, go = Work(threads=1, most_waiting=64), threading.Event()
    begun: list[str] = []

    def ask(host: str) -> asyncio.Task[None]:
        async def receive() -> Any:
            await asyncio.Event().wait()

        def slow() -> None:
            begun.append(host)
            go.wait(60)

        scope: Any = {"type": "http", "client": (host, 1), "headers": []}
        return asyncio.create_task(while_connected(Request(scope, receive=receive), work.run(slow)))

    asked = [ask(host) for host in ["one"] * 5 + ["two"] * 2 + ["three"]]
    while work.running < len(asked):  # noqa: ASYNC110 - nothing tells when work waits
        await asyncio.sleep(0)
    asked[3].cancel()
    go.set()
    await asyncio.gather(*asked, return_exceptions=True)
    assert begun == ["one", "one", "two", "three", "one", "two", "one"]
    assert work.running == 0
    work.close()


async def test_a_client_that_leaves_takes_its_work_along(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, ended = threading.Event(), threading.Event()

    def forever(*_: object) -> None:
        begun.set()
        try:
            while True:
                checkpoint()
        except Abandoned:
            ended.set()
            raise

    monkeypatch.setattr(services.history, "page", forever)
    app = create_app(services, settings=settings_for(tmp_path, tmp_path))
    path, _, query = URL.partition("?")
    sent: list[object] = []
    left = asyncio.Event()
    opening = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, object]:
        if opening:
            return opening.pop()
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: object) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", b"localhost:8123")],
        "client": ("127.0.0.1", 5),
        "server": ("127.0.0.1", 8123),
    }
    serving = asyncio.ensure_future(app(scope, receive, send))  # type: ignore[arg-type]
    assert await asyncio.to_thread(begun.wait, 60)
    left.set()
    await asyncio.wait_for(serving, 60)
    assert await asyncio.to_thread(ended.wait, 60)
    services.close()


async def test_what_has_to_read_trades_first_is_no_short_work(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    plain = Work.run

    async def run(self: Work, work: Any, *, short: bool = False, large: bool = False) -> Any:
        asked.append(short)
        return await plain(self, work, short=short, large=large)

    monkeypatch.setattr(Work, "run", run)
    for limit in (50, 51):  # the first one finds out with how many ticks a level such a chart opens
        assert (await client.get(f"/api/v1/footprint?symbol=test:ABC&limit={limit}")).status_code == 200
    assert asked == [False, False, True, False]
