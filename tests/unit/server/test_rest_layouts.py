"""Layouts: kept byte for byte, changed by one at a time, under any printable name and in no other place."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_kit import client_of, services_of, settings_for
from server_kit import MemoryStore

from footloom.errors import ConfigError, FootloomError
from footloom.server.rest import layouts as module
from footloom.server.rest.layouts import Layouts

pytestmark = pytest.mark.anyio

JSON = {"content-type": "application/json"}


@pytest.fixture
async def client(store: MemoryStore, tmp_path: Path, anyio_backend: str) -> AsyncIterator[httpx.AsyncClient]:  # noqa: ARG001
    folder = tmp_path / "settings"
    async with client_of(services_of(store), settings_for(tmp_path / "store", folder)) as made:
        yield made


async def test_a_layout_comes_back_byte_for_byte(client: httpx.AsyncClient, tmp_path: Path) -> None:
    assert (await client.get("/api/v1/layouts")).json() == []
    text = '{"charts": [ {"symbol":"sim:PERP"} ], "big": 123456789012345678901234567890, "ü": "\\u0000"}'
    for name in ("morning", "a b", "50%", "ä/ö".replace("/", "|"), "..a", "日本", "'; drop table layouts; --"):
        url = f"/api/v1/layouts/{quote(name, safe='')}"
        saved = await client.put(url, content=text.encode(), headers=JSON)
        assert (saved.status_code, saved.json()["name"], saved.json()["bytes"]) == (201, name, len(text.encode()))
        found = await client.get(url)
        assert (found.content, found.headers["etag"]) == (text.encode(), saved.headers["etag"])
        again = await client.get(url, headers={"if-none-match": saved.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert (await client.put(url, content=b"{}", headers=JSON)).status_code == 200
    listed = [row["name"] for row in (await client.get("/api/v1/layouts")).json()]
    assert listed == sorted(listed)
    assert len(listed) == 7
    assert (await client.delete("/api/v1/layouts/morning")).status_code == 204
    assert (await client.get("/api/v1/layouts/morning")).status_code == 404
    assert {path.name for path in (tmp_path / "settings").iterdir()} == {"layouts.sqlite"}


async def test_nobody_writes_over_what_another_has_changed(client: httpx.AsyncClient) -> None:
    url = "/api/v1/layouts/shared"
    first = await client.put(url, content=b'{"v":1}', headers={**JSON, "if-none-match": "*"})
    assert first.status_code == 201
    taken = await client.put(url, content=b'{"v":2}', headers={**JSON, "if-none-match": "*"})
    assert (taken.status_code, taken.json()["error"]["code"]) == (409, "conflict")
    second = await client.put(url, content=b'{"v":3}', headers={**JSON, "if-match": first.headers["etag"]})
    assert second.status_code == 200
    late = await client.put(url, content=b'{"v":4}', headers={**JSON, "if-match": first.headers["etag"]})
    assert late.status_code == 409
    assert second.headers["etag"] in late.json()["error"]["message"]
    assert (await client.delete(url, headers={"if-match": first.headers["etag"]})).status_code == 409
    assert (await client.get(url)).json() == {"v": 3}
    assert (await client.delete(url, headers={"if-match": "*"})).status_code == 204
    assert (await client.put(url, content=b"{}", headers={**JSON, "if-match": "*"})).status_code == 409


async def test_what_is_no_layout_is_refused(client: httpx.AsyncClient) -> None:
    for name, body, status, words in [
        ("deep", b"[" * 100_000, 400, "JSON"),
        ("deep", b'{"a":' * 50_000, 400, "JSON"),
        ("list", b"[1, 2]", 400, "JSON object"),
        ("text", b'{"a": "\xff"}', 400, "JSON"),
        ("empty", b"", 400, "JSON"),
        ("large", b'{"a":"' + b"x" * 300_000 + b'"}', 413, "large"),
        ("%00", b"{}", 400, "printable"),
        ("a%0Ab", b"{}", 400, "printable"),
        ("%20a", b"{}", 400, "space"),
        ("x" * 101, b"{}", 400, "100"),
        ("...", b"{}", 400, "dots"),
        ("..%2F..%2Fetc%2Fpasswd", b"{}", 404, "nothing at"),
        ("a%2Fb", b"{}", 404, "nothing at"),
    ]:
        reply = await client.put(f"/api/v1/layouts/{name}", content=body, headers=JSON)
        assert reply.status_code == status, reply.text
        assert words.lower() in json.dumps(reply.json()).lower()
        assert (await client.get("/api/v1/layouts")).json() == []


def test_there_is_an_end_to_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_LAYOUTS", 3)
    kept = Layouts(tmp_path / "layouts.sqlite")
    for number in range(3):
        kept.save(f"n{number}", b"{}")
    with pytest.raises(FootloomError, match="no more than 3"):
        kept.save("one more", b"{}")
    assert kept.save("n1", b'{"new":1}')[1] is False


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "layouts.sqlite"
    path.write_text("not a database, " * 100)
    with pytest.raises(FootloomError, match="cannot be read or written"):
        Layouts(path).list()


@given(st.text(max_size=120))
@settings(max_examples=settings.default.max_examples // 2)
def test_every_name_is_kept_or_refused(name: str) -> None:
    with contextlib.suppress(ConfigError):
        made = module.checked(name)
        assert module.checked(made) == made
        assert made.isprintable()
