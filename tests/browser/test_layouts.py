"""Layouts are saved, opened, renamed, deleted, exported and imported; whatever was wrong is undone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from tests.browser.conftest import PageOpener, viewport

pytestmark = pytest.mark.browser


class Shelf:
    """What the server's `/api/v1/layouts` does, as far as the page relies on it."""

    def __init__(self) -> None:
        self.documents: dict[str, bytes] = {}

    def row(self, name: str) -> dict[str, Any]:
        document = self.documents[name]
        return {
            "name": name,
            "bytes": len(document),
            "changed_ns": "1763683200000000000",
            "etag": f'"{hash(document)}"',
        }

    def answer(self, route: Any) -> None:
        request = route.request
        name = unquote(urlsplit(request.url).path.partition("/api/v1/layouts")[2].lstrip("/"))
        if name == "":
            route.fulfill(json=[self.row(each) for each in sorted(self.documents)])
        elif request.method == "PUT":
            self.put(route, name)
        elif name not in self.documents:
            route.fulfill(status=404, json={"error": {"code": "not_found", "message": f"no layout {name!r}"}})
        elif request.method == "DELETE":
            del self.documents[name]
            route.fulfill(status=204)
        else:
            route.fulfill(body=self.documents[name], content_type="application/json")

    def put(self, route: Any, name: str) -> None:
        headers = route.request.headers
        taken = name in self.documents
        changed = "if-match" in headers and (not taken or headers["if-match"] != self.row(name)["etag"])
        if changed or (taken and headers.get("if-none-match") == "*"):
            route.fulfill(status=409, json={"error": {"code": "conflict", "message": f"{name!r} is taken or changed"}})
            return
        self.documents[name] = route.request.post_data_buffer
        json.loads(self.documents[name])
        route.fulfill(json=self.row(name))


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    return Shelf()


def opened(open_page: PageOpener, shelf: Shelf, **options: Any) -> Any:
    page = open_page(**options)
    page.route("**/api/v1/layouts**", shelf.answer)
    page.route("**/api/v1/layouts/**", shelf.answer)
    show(page)
    return page


def show(page: Any) -> None:
    page.locator(".chart").focus()
    page.keyboard.press("Alt+l")
    page.get_by_role("heading", name="Layouts").wait_for()


def save(page: Any, name: str) -> None:
    page.get_by_label("Save what is on screen as").fill(name)
    page.keyboard.press("Enter")


def test_a_layout_is_saved_and_opened_again(open_page: PageOpener, shelf: Shelf) -> None:
    page = opened(open_page, shelf)
    page.get_by_text("Nothing is saved yet").wait_for()
    page.keyboard.press("Escape")
    page.locator(".chart").focus()
    page.keyboard.press("/")
    page.keyboard.type("order flow table")
    page.keyboard.press("Enter")
    table = page.get_by_role("complementary", name="Order flow table")
    table.wait_for()
    show(page)
    save(page, "morning scalp")
    page.get_by_role("button", name="morning scalp").first.wait_for()
    page.keyboard.press("Escape")
    table.get_by_role("button", name="Close the order flow table").click()
    page.locator(".chart").focus()
    page.keyboard.press("Alt+2")
    page.keyboard.type("5")
    page.keyboard.press("Enter")
    page.wait_for_function("footloom.meta().bars === '5m'")
    show(page)
    page.get_by_role("list", name="Saved layouts").get_by_role("button", name="morning scalp").first.click()
    page.wait_for_function("footloom.meta().bars === '1m'")
    assert viewport(page)["mode"] == "bid-ask"
    table.wait_for()
    page.get_by_text("Layout “morning scalp” is open").wait_for()
    page.get_by_role("button", name="Undo").click()
    page.wait_for_function("footloom.meta().bars === '5m'")
    table.wait_for(state="detached")
    assert viewport(page)["mode"] == "delta", "the way back is the whole of what was there"


def test_layouts_are_renamed_replaced_and_deleted(open_page: PageOpener, shelf: Shelf) -> None:
    page = opened(open_page, shelf)
    save(page, "one")
    page.get_by_role("button", name="Rename one").click()
    page.keyboard.press("Control+a")
    page.keyboard.type("two")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Rename two").wait_for()
    assert set(shelf.documents) == {"two"}
    before = shelf.documents["two"]
    shelf.documents["two"] = before + b" "
    page.get_by_label("Save what is on screen as").fill("two")
    page.get_by_role("button", name="Replace").click()
    page.get_by_role("alert").filter(has_text="is taken or changed").wait_for()
    page.get_by_role("button", name="Replace").click()
    page.get_by_text("Layout “two” is replaced").wait_for()
    page.get_by_role("button", name="Delete two").click()
    page.get_by_text("Nothing is saved yet").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("Undone").wait_for()
    assert json.loads(shelf.documents["two"]) == json.loads(before)


def test_a_layout_goes_through_a_file(open_page: PageOpener, shelf: Shelf, tmp_path: Path) -> None:
    page = opened(open_page, shelf, accept_downloads=True)
    with page.expect_download() as download:
        page.get_by_role("button", name="Export this chart").click()
    assert download.value.suggested_filename == "sim-PERP.layout.json"
    target = tmp_path / "mine.layout.json"
    download.value.save_as(target)
    words = json.loads(target.read_text())
    assert (words["footloom"], words["version"]) == ("layout", 1)
    assert words["charts"][0] == {"symbol": "sim:PERP", "bars": "1m", "step": 2}
    words["charts"][0] |= {"bars": "15m", "step": 5}
    target.write_text(json.dumps(words))
    page.locator("input[type=file]").set_input_files(target)
    page.wait_for_function("footloom.meta().bars === '15m' && footloom.meta().ticks_per_level === 5")
    page.get_by_text("Layout “mine” is open").wait_for()
    page.get_by_role("button", name="Undo").click()
    page.wait_for_function("footloom.meta().bars === '1m' && footloom.meta().ticks_per_level === 2")


def test_a_wrong_file_changes_nothing_and_says_why(open_page: PageOpener, shelf: Shelf, tmp_path: Path) -> None:
    page = opened(open_page, shelf)
    target = tmp_path / "wrong.json"
    target.write_text('{"charts": [{"symbol": "x:Y"}], "version": 9}')
    page.locator("input[type=file]").set_input_files(target)
    page.get_by_role("alert").filter(has_text="written by a newer footloom (version 9, this page reads 1)").wait_for()
    assert page.evaluate("footloom.meta().bars") == "1m"
    assert page.get_by_role("button", name="Undo").count() == 0
