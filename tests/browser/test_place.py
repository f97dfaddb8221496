"""The place is kept: over a reload, another timeframe, another kind of rows; and an empty store says what to do."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import FakeMarketServer, PageOpener, settle, viewport
from tests.browser.test_input import Places, drag, press

pytestmark = pytest.mark.browser

# Whether all of the message lies on top, from its first line to its last.
UNCOVERED = """() => {
    const message = document.querySelector('.empty');
    const boxes = [...message.children].map((child) => child.getBoundingClientRect());
    const [top, bottom] = [Math.min(...boxes.map((box) => box.top)), Math.max(...boxes.map((box) => box.bottom))];
    for (let y = top; y < bottom; y += 2)
        if (!message.contains(document.elementFromPoint(boxes[0].x + boxes[0].width / 2, y))) return false;
    return bottom > top;
}"""


def shown(page: Any) -> dict[str, Any]:
    view = viewport(page)
    names = ("barPx", "rowPx", "following", "autoScale", "maximised")
    opens = page.evaluate(f"footloom.bar({view['to']}).openNs")
    return {**{name: view[name] for name in names}, "opens": opens, "meta": page.evaluate("footloom.meta().bars")}


def test_a_reload_restores_the_place(open_page: PageOpener) -> None:
    page = open_page()
    drag(page, Places(page).plot, 500, 120)
    press(page, "+")
    press(page, "Alt+ArrowLeft")
    page.keyboard.press("]")
    page.wait_for_function("footloom.meta().ticks_per_level === 5")
    press(page, "Alt+ArrowLeft")
    before, pointed = shown(page), viewport(page)["cursor"]
    fraction = viewport(page)["right"] % 1
    page.reload()
    page.wait_for_function("window.footloom && footloom.bars().count > 0")
    settle(page)
    assert shown(page) == before
    after = viewport(page)
    assert after["right"] % 1 == pytest.approx(fraction, abs=0.02)
    assert after["cursor"]["row"] == pointed["row"]
    assert page.evaluate("footloom.meta().ticks_per_level") == 5


def test_a_place_hours_back_is_kept_in_other_bars(open_page: PageOpener) -> None:
    page = open_page()
    press(page, "Home")
    page.wait_for_function("footloom.viewport().paging === 'complete'")
    press(page, "Control+ArrowRight")
    before = int(shown(page)["opens"])
    for typed, bars, seconds in (("5", "5m", 300), ("30s", "30s", 30), ("1m", "1m", 60)):
        page.locator(".chart").focus()
        page.keyboard.type(typed)
        page.keyboard.press("Enter")
        page.wait_for_function(f"footloom.meta().bars === '{bars}'")
        page.wait_for_function("footloom.viewport().paging === 'complete'")
        settle(page)
        opens = int(shown(page)["opens"])
        assert abs(opens - before) <= 2 * max(seconds, 300) * 10**9, f"{bars}: the place has moved"
        assert not viewport(page)["following"]


def test_history_that_comes_moves_nothing(open_page: PageOpener) -> None:
    page = open_page(path="/nothing.html", wait=False)
    held: list[Any] = []
    page.route("**/api/v1/footprint*", lambda route: held.append(route))  # noqa: PLW0108 - it is marked by the library
    page.goto(page.url.replace("/nothing.html", "/"))
    page.wait_for_function("window.footloom && footloom.bars().count > 0")
    first = page.evaluate("footloom.bars().first")
    drag(page, Places(page).plot, 300, 0)
    right = viewport(page)["right"]
    page.route("**/api/v1/footprint*", lambda route: route.continue_())
    for route in held:
        route.continue_()
    page.wait_for_function(f"footloom.bars().first < {first} && footloom.viewport().paging === 'complete'")
    settle(page)
    assert viewport(page)["right"] == right


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (390, 844)])
def test_an_empty_store_says_what_to_do(open_page: PageOpener, fake: FakeMarketServer, width: int, height: int) -> None:
    del fake
    page = open_page(width, height, path="/nothing.html", wait=False)
    page.route("**/api/v1/instruments", lambda route: route.fulfill(json=[]))
    page.goto(page.url.replace("/nothing.html", "/"))
    page.get_by_role("heading", name="Nothing is stored yet").wait_for()
    page.get_by_text("footloom import").wait_for()
    assert page.evaluate(UNCOVERED), "a splitter of the panes below strikes a line out"
    page.locator(".link[data-tone='ok']").wait_for()
    assert page.get_by_role("alert").count() == 0
    assert page.get_by_text("loading").count() == 0
    page.get_by_role("button", name="Search a symbol").click()
    page.get_by_role("combobox").wait_for()
