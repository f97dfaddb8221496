"""Jobs over REST: imports and fetches that run beside the loop, are followed, stopped and asked for again; uploads."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from rest_kit import client_of, services_of, settings_for

from footloom.feeds import ingest
from footloom.server.rest import chores
from footloom.server.rest import uploads as uploads_module
from footloom.server.rest.flowing import end_streams
from footloom.server.rest.jobs import Control
from footloom.server.services import Services
from footloom.server.wire.messages import TopicRequest
from footloom.store.files import Store

pytestmark = pytest.mark.anyio

HEADER = "id,price,qty,quote_qty,time,is_buyer_maker\n"
ENDED = {"done", "failed", "stopped"}


def trades_csv(rows: int, first: int = 1) -> bytes:
    """Return a file of Binance's archive: a trade a second from 2024-08-08 on."""
    lines = [
        f"{first + i},{60_000 + (i * 7) % 50}.{i % 10},0.{1 + i % 9:03d},1.0,{1_723_075_200_000 + 1000 * i},"
        f"{'true' if i % 3 else 'false'}\n"
        for i in range(rows)
    ]
    return (HEADER + "".join(lines)).encode()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "recordings"
    made.mkdir()
    (made / "BTCUSDT-trades-2024-08-08.csv").write_bytes(trades_csv(500))
    (tmp_path / "secret.csv").write_text("the password is swordfish")
    (made / "link.csv").symlink_to(tmp_path / "secret.csv")
    (made / ".hidden.csv").write_text("hidden")
    (made / "sub").mkdir()
    return made


@pytest.fixture
def services(root: Path) -> Services:
    return services_of(Store(root))


@pytest.fixture
async def client(
    services: Services,
    root: Path,
    folder: Path,
    tmp_path: Path,
    anyio_backend: str,  # noqa: ARG001
) -> AsyncIterator[httpx.AsyncClient]:
    settings = settings_for(root, tmp_path, import_folder=str(folder), max_upload=100_000)
    async with client_of(services, settings) as made:
        yield made


def files_in(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def sent_files(folder: Path) -> list[Path]:
    """Return what lies in the folders of files that were sent."""
    return [path for path in files_in(folder) if "footloom-uploads-" in str(path)]


async def ended(client: httpx.AsyncClient, job: dict[str, Any]) -> dict[str, Any]:
    """Follow a job's events to their end, and return it as it stands then."""
    async with client.stream("GET", f"/api/v1/jobs/{job['id']}/events") as reply:
        assert reply.headers["content-type"].startswith("text/event-stream")
        events = [json.loads(line[6:]) async for line in reply.aiter_lines() if line.startswith("data: ")]
    found: dict[str, Any] = (await client.get(f"/api/v1/jobs/{job['id']}")).json()
    assert events[-1] == found
    assert found["state"] in ENDED
    return found


async def start(client: httpx.AsyncClient, kind: str, **ask: Any) -> dict[str, Any]:
    reply = await client.post(f"/api/v1/jobs/{kind}", json=ask)
    assert reply.status_code == 202, reply.text
    assert reply.headers["location"] == f"/api/v1/jobs/{reply.json()['id']}"
    found: dict[str, Any] = reply.json()
    return found


ASK = {"venue": "binance_usdm", "tick_size": "0.1", "lot_size": "0.001"}


async def test_a_file_of_the_folder_is_imported_and_a_second_time_changes_nothing(
    client: httpx.AsyncClient, tmp_path: Path
) -> None:
    first = await ended(client, await start(client, "import", files=["BTCUSDT-trades-2024-08-08.csv"], **ASK))
    assert (first["state"], first["ok"], first["report"]["new"]) == ("done", True, 500), first
    assert first["progress"][0]["unit"] == "bytes"
    assert first["progress"][0]["done"] == first["progress"][0]["total"] == len(trades_csv(500))
    assert str(tmp_path) not in json.dumps(first), "where files lie on the server's disk is nobody's business"
    again = await ended(client, await start(client, "import", files=["BTCUSDT-trades-2024-08-08.csv"], **ASK))
    assert (again["report"]["new"], again["report"]["already_stored"]) == (0, 500)
    listed = (await client.get("/api/v1/jobs")).json()
    assert [one["id"] for one in listed] == [again["id"], first["id"]]
    bars = (await client.get("/api/v1/bars", params={"symbol": "binance_usdm:BTCUSDT", "limit": 2_000})).json()["bars"]
    assert sum(bar["trades"] for bar in bars) == 500


async def test_who_listens_to_a_job_that_says_nothing_hears_that_the_server_is_alive_until_it_stops(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, hold = threading.Event(), threading.Event()

    def work(_store: Store, _control: Control) -> tuple[bool, dict[str, Any]]:
        entered.set()
        hold.wait(30)
        return True, {}

    routes = sys.modules["footloom.server.routes.jobs"]  # its package names a route of its own so
    monkeypatch.setattr(routes, "import_work", lambda *_: work)
    monkeypatch.setattr(routes, "ALIVE_S", 0.001)
    monkeypatch.setattr(routes, "_TELL_S", 0.0)
    job = await start(client, "import", files=["BTCUSDT-trades-2024-08-08.csv"], **ASK)
    await asyncio.to_thread(entered.wait, 30)
    try:
        listening = asyncio.create_task(client.get(f"/api/v1/jobs/{job['id']}/events"))
        await asyncio.sleep(0.05)
        assert not listening.done()
        end_streams()  # as a server does that stops: nobody has to be cut off in the end
        said = (await asyncio.wait_for(listening, 5)).text
    finally:
        hold.set()
    events = [json.loads(line[6:]) for line in said.splitlines() if line.startswith("data: ")]
    assert [one["state"] for one in events] == ["running"]
    assert said.count(": alive\n\n") > 3


async def test_a_file_that_is_sent_is_imported_and_then_gone(client: httpx.AsyncClient, tmp_path: Path) -> None:
    body = trades_csv(300)
    name = "BTCUSDT-trades-2024-08-09.csv"
    sent = await client.put(f"/api/v1/uploads/{name}", content=body)
    assert (sent.status_code, sent.json()["bytes"]) == (201, len(body))
    assert [one["name"] for one in (await client.get("/api/v1/uploads")).json()] == [name]
    job = await ended(client, await start(client, "import", uploads=[name], **ASK))
    assert (job["state"], job["report"]["new"]) == ("done", 300), job
    assert job["report"]["files"][0]["file"] == name
    assert (await client.get("/api/v1/uploads")).json() == []
    assert sent_files(tmp_path) == []


async def test_a_chart_that_is_open_shows_what_a_job_has_stored(
    client: httpx.AsyncClient, services: Services, folder: Path
) -> None:
    await ended(client, await start(client, "import", files=["BTCUSDT-trades-2024-08-08.csv"], **ASK))
    topic = await services.hub.open(TopicRequest(symbol="binance_usdm:BTCUSDT"), 300)

    def shown() -> int:
        frame = topic.builder.frame(10**6)
        return 0 if frame is None else int(frame.footprint.bars.trades.sum())

    assert shown() == 500
    (folder / "BTCUSDT-trades-2024-08-08b.csv").write_bytes(trades_csv(600))
    job = await ended(client, await start(client, "import", files=["BTCUSDT-trades-2024-08-08b.csv"], **ASK))
    assert (job["state"], job["report"]["new"]) == ("done", 100), job
    async with asyncio.timeout(60):
        while shown() != 600:  # noqa: ASYNC110 - nobody subscribed, nothing tells
            await asyncio.sleep(0.01)


async def test_a_job_is_stopped_and_the_same_again_goes_on(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go = threading.Event(), threading.Event()
    real = ingest.import_files

    def slow(paths: Any, options: Any, *, progress: Any, **more: Any) -> Any:
        def moved(path: Path, done: int, size: int) -> None:
            begun.set()
            go.wait(60)
            progress(path, done, size)

        return real(paths, options, progress=moved, **more)

    monkeypatch.setattr(ingest, "import_files", slow)
    job = await start(client, "import", files=["BTCUSDT-trades-2024-08-08.csv"], **ASK)
    waiting = await start(client, "import", files=["BTCUSDT-trades-2024-08-08.csv"], **ASK)
    assert await asyncio.to_thread(begun.wait, 60)
    assert (await client.get(f"/api/v1/jobs/{waiting['id']}")).json()["state"] == "waiting", "one works at a time"
    await client.delete(f"/api/v1/jobs/{waiting['id']}")
    assert (await ended(client, waiting))["state"] == "stopped", "it does not wait for the one that runs"
    stopping = await client.delete(f"/api/v1/jobs/{job['id']}")
    assert stopping.json()["state"] == "stopping"
    go.set()
    assert (await ended(client, job))["state"] == "stopped"
    assert (await ended(client, waiting))["state"] == "stopped"
    again = await client.delete(f"/api/v1/jobs/{job['id']}")
    assert again.json()["state"] == "stopped", "an ended job stays as it is"
    monkeypatch.undo()
    last = await ended(client, await start(client, "import", files=["BTCUSDT-trades-2024-08-08.csv"], **ASK))
    assert last["report"]["kept"] == 500


async def test_what_an_import_cannot_take_is_in_its_report(client: httpx.AsyncClient) -> None:
    assert (await client.put("/api/v1/uploads/notes.csv", content=b"hello, world\n" * 50)).status_code == 201
    job = await ended(client, await start(client, "import", uploads=["notes.csv"]))
    assert (job["state"], job["ok"]) == ("done", False)
    assert job["report"]["files"][0]["error"]


async def test_another_writer_is_named(client: httpx.AsyncClient, root: Path) -> None:
    with Store(root, writer=True):
        job = await ended(client, await start(client, "import", files=["BTCUSDT-trades-2024-08-08.csv"], **ASK))
    assert (job["state"], job["error"]["code"]) == ("failed", "store_locked")
    assert "process" in job["error"]["message"]


async def test_no_name_leads_out_of_the_import_folder(client: httpx.AsyncClient) -> None:
    for name, status in [
        ("../secret.csv", 400),
        ("sub/../../secret.csv", 400),
        ("/etc/passwd", 400),
        ("link.csv", 400),
        (".hidden.csv", 400),
        ("sub/.././link.csv", 400),
        ("..\\secret.csv", 400),
        ("C:secret.csv", 400),
        ("a\x00b", 400),
        ("sub", 404),
        ("none.csv", 404),
        ("x" * 900, 404),
        ("", 400),
        ("~root/x", 404),
        ("./BTCUSDT-trades-2024-08-08.csv/x", 404),
    ]:
        reply = await client.post("/api/v1/jobs/import", json={"files": [name]})
        assert reply.status_code == status, reply.text
        assert "swordfish" not in reply.text
        assert (await client.get("/api/v1/jobs")).json() == []


async def test_without_an_import_folder_no_file_is_read(root: Path, tmp_path: Path) -> None:
    async with client_of(services_of(Store(root)), settings_for(root, tmp_path)) as client:
        reply = await client.post("/api/v1/jobs/import", json={"files": ["a.csv"]})
        assert (reply.status_code, "import_folder" in reply.text) == (400, True)


async def test_what_is_no_job_is_refused_at_once(client: httpx.AsyncClient) -> None:
    for kind, body, status, words in [
        ("import", {}, 400, "nothing to import"),
        ("import", {"uploads": ["none"]}, 404, "none"),
        ("import", {"uploads": ["../x"]}, 404, "x"),
        ("import", {"files": ["BTCUSDT-trades-2024-08-08.csv"], "tick_size": "-1"}, 400, "tick_size"),
        ("import", {"files": ["BTCUSDT-trades-2024-08-08.csv"], "tick_size": "NaN"}, 400, "tick_size"),
        ("import", {"files": ["BTCUSDT-trades-2024-08-08.csv"], "date": "2024-13-01"}, 400, "date"),
        ("import", {"files": ["BTCUSDT-trades-2024-08-08.csv"], "map": "nonsense"}, 400, "map"),
        ("import", {"files": ["BTCUSDT-trades-2024-08-08.csv"], "ts_unit": "ms"}, 400, "map"),
        ("import", {"file": ["x"]}, 400, "file"),
        ("import", [1], 400, ""),
        ("fetch", {"symbols": []}, 400, "symbols"),
        ("fetch", {"symbols": ["nonsense"]}, 400, "nonsense"),
        ("fetch", {"symbols": ["os:path"]}, 400, "os"),
        ("fetch", {"symbols": ["_venue:x"]}, 400, "_venue"),
        ("fetch", {"symbols": ["binance_usdm:BTCUSDT", "binance_usdm:BTCUSDT"]}, 400, "twice"),
        ("fetch", {"symbols": ["binance_usdm:BTCUSDT"], "days": 1, "start": "2024-01-01"}, 400, "days"),
        ("fetch", {"symbols": ["binance_usdm:BTCUSDT"], "start": "2024-02-01", "end": "2024-01-01"}, 400, "empty"),
        ("fetch", {"symbols": ["binance_usdm:BTCUSDT"], "start": "yesterday"}, 400, "yesterday"),
        ("fetch", {"symbols": ["binance_usdm:BTCUSDT"], "days": 10**30}, 400, "days"),
    ]:
        reply = await client.post(f"/api/v1/jobs/{kind}", json=body)
        assert (reply.status_code, words in reply.text) == (status, True), reply.text
        assert (await client.get("/api/v1/jobs")).json() == []


async def test_a_body_of_another_type_is_refused(client: httpx.AsyncClient) -> None:
    for url, method in (("jobs/import", "POST"), ("jobs/fetch", "POST"), ("layouts/x", "PUT")):
        for kind in ("text/plain", "application/x-www-form-urlencoded", None):
            headers = {} if kind is None else {"content-type": kind}
            reply = await client.request(method, f"/api/v1/{url}", content=b'{"files": ["a"]}', headers=headers)
            assert (reply.status_code, reply.json()["error"]["code"]) == (415, "unsupported_media_type"), reply.text


async def test_a_venue_that_cannot_be_reached_is_in_the_report(client: httpx.AsyncClient) -> None:
    job = await ended(client, await start(client, "fetch", symbols=["binance_usdm:BTCUSDT"], days=1))
    assert job["state"] == "done"
    assert job["ok"] is False
    assert "127.0.0.1:9" in json.dumps(job["report"]["keys"][0]["problems"])


async def test_there_is_an_end_to_waiting_jobs(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go = threading.Event(), threading.Event()

    def slow(*_: Any, **__: Any) -> Any:
        begun.set()
        go.wait(60)
        raise AssertionError

    monkeypatch.setattr(ingest, "import_files", slow)
    try:
        started = [await start(client, "import", files=["BTCUSDT-trades-2024-08-08.csv"], **ASK) for _ in range(16)]
        reply = await client.post("/api/v1/jobs/import", json={"files": ["BTCUSDT-trades-2024-08-08.csv"]})
        assert (reply.status_code, reply.json()["error"]["code"]) == (429, "overloaded")
        assert int(reply.headers["retry-after"]) >= 1
        assert await asyncio.to_thread(begun.wait, 60)
    finally:
        for job in started:
            await client.delete(f"/api/v1/jobs/{job['id']}")
        go.set()
    first = await ended(client, started[0])
    assert (first["state"], first["error"]["code"]) == ("failed", "internal"), "a surprise is told to the log alone"
    assert {(await ended(client, job))["state"] for job in started[1:]} == {"stopped"}


async def test_names_of_files_that_are_sent(client: httpx.AsyncClient, tmp_path: Path) -> None:
    for name, status in [
        ("ok file (1).csv", 201),
        ("NSE_EQ%20INE467B01029.json", 201),
        (".hidden", 400),
        ("..", 404),
        ("a%2Fb", 404),
        ("..%2F..%2Fx", 404),
        ("a%5Cb", 400),
        ("a%00b", 400),
        ("a%0Ab", 400),
        ("x" * 201, 400),
        ("%F0%9F%98%80.csv", 201),
    ]:
        before = files_in(tmp_path)
        reply = await client.put(f"/api/v1/uploads/{name}", content=b"1,2,3\n")
        assert reply.status_code == status, reply.text
        fresh = files_in(tmp_path) - before
        assert all("footloom-uploads-" in path.parent.name for path in fresh)
        assert len(fresh) == (status == 201)


async def test_a_file_that_is_too_large_or_cut_off_is_not_kept(
    client: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = await client.put("/api/v1/uploads/large.csv", content=b"x" * 100_001)
    assert (large.status_code, large.json()["error"]["code"]) == (413, "too_much")

    async def stream(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield b"x" * 10_000

    unannounced = await client.put("/api/v1/uploads/large.csv", content=stream(11))
    assert unannounced.status_code == 413
    cut = await client.put("/api/v1/uploads/cut.csv", content=stream(2), headers={"content-length": "30000"})
    assert (cut.status_code, "20,000 of 30,000" in cut.text) == (400, True), cut.text
    empty = await client.put("/api/v1/uploads/empty.csv", content=b"")
    assert empty.status_code == 400
    monkeypatch.setattr(uploads_module, "_ROOM", 10**18)
    full = await client.put("/api/v1/uploads/disk.csv", content=b"x")
    assert (full.status_code, "make room" in full.text) == (413, True)
    assert (await client.get("/api/v1/uploads")).json() == []
    assert sent_files(tmp_path) == []


async def test_what_waits_counts_together(client: httpx.AsyncClient) -> None:
    assert (await client.put("/api/v1/uploads/a.csv", content=b"x" * 60_000)).status_code == 201
    assert (await client.put("/api/v1/uploads/b.csv", content=b"x" * 60_000)).status_code == 413
    assert (await client.delete("/api/v1/uploads/a.csv")).json()["name"] == "a.csv"
    assert (await client.put("/api/v1/uploads/b.csv", content=b"x" * 60_000)).status_code == 201
    assert (await client.delete("/api/v1/uploads/a.csv")).status_code == 404


async def test_the_first_files_may_come_at_once(client: httpx.AsyncClient, tmp_path: Path) -> None:
    names = [f"{letter}.csv" for letter in "abcdef"]
    await asyncio.gather(*(client.put(f"/api/v1/uploads/{name}", content=b"1,2,3\n") for name in names))
    assert {path.name for path in sent_files(tmp_path)} == set(names)
    assert len({path.parent for path in sent_files(tmp_path)}) == 1


async def test_the_readers_are_compiled_beside_the_server_and_it_is_told(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([False, True])
    monkeypatch.setattr(chores, "is_done", lambda _module: next(answers))
    told = await ended(client, await start(client, "import", files=["BTCUSDT-trades-2024-08-08.csv"], **ASK))
    assert (told["state"], told["report"]["new"]) == ("done", 500), told
    assert any("compiled once" in text for text in told["said"])
    again = await ended(client, await start(client, "import", files=["BTCUSDT-trades-2024-08-08.csv"], **ASK))
    assert again["said"] == [], "they are ready"
