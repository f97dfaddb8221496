"""The whole description, thrown at a real server: it is never surprised, and answers as it is described."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from rest_kit import services_of, settings_for
from server_kit import DAY0_NS, make_tape

from footloom.core.instrument import Instrument
from footloom.server.app import create_app
from footloom.server.port import bind
from footloom.server.run import listen
from footloom.store.files import Store

pytestmark = pytest.mark.anyio

MONDAY_NS = 1_772_409_600 * 10**9  # the time of the description's examples
PERP = Instrument(venue="sim", symbol="PERP", tick_size=Decimal("0.1"), lot_size=Decimal("0.001"))
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


@asynccontextmanager
async def served(tmp_path: Path) -> AsyncIterator[str]:
    """Serve a store that holds what the description's examples ask for; venues are nowhere."""
    root, folder = tmp_path / "store", tmp_path / "settings"
    recordings = tmp_path / "recordings"
    recordings.mkdir()
    (recordings / "notes.csv").write_text("a,b\n1,2\n")
    tape = make_tape(rows=3_000, hours=20.0, instrument=PERP)
    shift = MONDAY_NS - DAY0_NS
    moved = replace(tape, ts_exch_ns=tape.ts_exch_ns + shift, ts_recv_ns=tape.ts_recv_ns + shift)
    with Store(root, writer=True) as store:
        store.write_part(moved)
    assert np.all(moved.ts_exch_ns >= MONDAY_NS)
    services = services_of(Store(root))
    settings = settings_for(root, folder, import_folder=str(recordings), max_upload=50_000, max_history_bars=500)
    listener = bind("127.0.0.1", 0)
    ready, stop = asyncio.Event(), asyncio.Event()
    app = create_app(services, settings=settings)
    task = asyncio.create_task(listen(app, listener, on_ready=ready.set, stop=stop))
    await asyncio.wait_for(ready.wait(), 60)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stop.set()
        await asyncio.wait_for(task, 60)
        services.close()


async def thrown(url: str, *more: str) -> str:
    """Run schemathesis over a server and return what it says; it must have found nothing."""
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/schema/openapi.json"]
    words = ["--checks", CHECKS, "--warnings", "off", "--no-color", "--no-shrink", *more]
    process = await asyncio.create_subprocess_exec(
        *command, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    text = output.decode()
    assert process.returncode == 0, text[-6_000:]
    return text


async def test_no_request_surprises_the_server(tmp_path: Path) -> None:
    async with served(tmp_path) as url:
        text = await thrown(url, "--phases", "examples,coverage", "-n", "1", "--max-time", "8", "--seed", "7")
        assert "Test cases" in text
        assert " generated" in text
        await check_still_well(url)


@pytest.mark.soak
async def test_no_request_surprises_the_server_for_long(tmp_path: Path) -> None:
    async with served(tmp_path) as url:
        await thrown(url, "--phases", "examples,coverage,fuzzing,stateful", "-n", "150")
        await check_still_well(url)


async def check_still_well(url: str) -> None:
    """A plain request is answered as ever."""
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        reply = await client.get("/api/v1/bars", params={"symbol": "sim:PERP", "limit": 3})
        assert (reply.status_code, len(reply.json()["bars"])) == (200, 3)


async def test_everything_is_described(tmp_path: Path) -> None:
    """Every operation, parameter, body and answer of the REST side says what it is; errors have an example each."""
    async with served(tmp_path) as url, httpx.AsyncClient(base_url=url, timeout=60) as client:
        schema = (await client.get("/schema/openapi.json")).json()
        page = (await client.get("/schema")).text
    told = 0
    for path, item in schema["paths"].items():
        for method, operation in item.items():
            if path.startswith("/api/v1/"):
                told += 1
                check_described(f"{method} {path}", operation)
                assert path in page
    assert told > 20


def check_described(where: str, operation: dict[str, Any]) -> None:
    """Find nothing that an operation leaves unsaid."""
    assert operation["summary"], where
    assert operation["description"], where
    for parameter in operation.get("parameters", ()):
        assert parameter.get("description"), f"{where}: {parameter['name']}"
    for status, response in operation["responses"].items():
        assert response["description"], f"{where}: {status}"
        if status[0] in "45":
            media = response["content"]["application/json"]
            assert media["schema"] == {"$ref": "#/components/schemas/ErrorReply"}, f"{where}: {status}"
            assert media["examples"], f"{where}: {status}"
    if "post put".find(where.split(maxsplit=1)[0]) >= 0:
        assert operation["requestBody"]["content"], where


async def test_a_plain_undescribed_answer_is_noticed() -> None:
    """The check can fail."""
    with pytest.raises(AssertionError, match="form_ns"):
        check_described("get /x", {"summary": "x", "description": "x", "parameters": [{"name": "form_ns"}]})


async def test_a_client_that_stops_in_the_middle_of_a_file_leaves_nothing(tmp_path: Path) -> None:
    async with served(tmp_path) as url:
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = f"PUT /api/v1/uploads/cut.csv HTTP/1.1\r\nhost: {host}:{port}\r\ncontent-length: 40000\r\n\r\n"
        writer.write(head.encode() + b"x" * 10_000)
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        del reader
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            await asyncio.wait_for(asyncio.to_thread(_wait_until_gone, tmp_path), 60)
            assert (await client.get("/api/v1/uploads")).json() == []
            assert (await client.get("/api/v1/jobs")).json() == []


def _wait_until_gone(folder: Path) -> None:
    while any(path.is_file() for path in folder.glob("footloom-uploads-*/.part-*")):
        time.sleep(0.02)
