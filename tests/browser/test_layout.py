"""Nothing overlaps and nothing is cut: boxes of elements and of texts on the canvases, at three sizes in two themes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.conftest import Drawer, FakeMarketServer, PageOpener, catch_up, opened, settle

pytestmark = pytest.mark.browser

SIZES = [(1920, 1080), (1280, 720), (1024, 768), (390, 844)]
# Themes differ in colours alone: each size in one of them, and all of both in the long version.
LOOKS = [
    pytest.param((size, theme), marks=[] if theme == "dark" or size == SIZES[1] else pytest.mark.soak)
    for size in SIZES
    for theme in ("dark", "light")
]
SLACK = 0.75  # of a pixel: rounding of text metrics

VISIBLE_TEXTS = """() => {
    const found = [];
    const walk = document.createTreeWalker(document.querySelector('.terminal'), NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const node = walk.currentNode;
        const holder = node.parentElement;
        if (node.textContent.trim() === '' || holder.closest('.sr-only, option, .list, [hidden]')) continue;
        if (!holder.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
        const range = document.createRange();
        range.selectNodeContents(node);
        for (const box of range.getClientRects()) {
            const { x, y, width, height } = box;
            if (width > 1) found.push({ text: node.textContent.trim(), x, y, width, height });
        }
    }
    return found;
}"""


def overlap(a: dict[str, Any], b: dict[str, Any]) -> bool:
    across = min(a["x"] + a["width"], b["x"] + b["width"]) - max(a["x"], b["x"])
    down = min(a["y"] + a["height"], b["y"] + b["height"]) - max(a["y"], b["y"])
    return bool(across > SLACK and down > SLACK)


def overlaps(boxes: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(a["text"], b["text"]) for k, a in enumerate(boxes) for b in boxes[k + 1 :] if overlap(a, b)]


@pytest.fixture(scope="module", params=LOOKS, ids=str)
def room(drawer: Drawer, fake: FakeMarketServer, request: pytest.FixtureRequest) -> Iterator[Any]:
    """One page of a size and a theme for all tests that only look at it."""
    (width, height), theme = request.param
    with opened(drawer, fake, width, height, settings={"theme": theme}) as page:
        page.width, page.height = width, height
        yield page


@pytest.fixture
def begun(room: Any) -> Any:
    """The page as it opens, without a pointer over it."""
    room.mouse.move(0, 0)
    room.evaluate("footloom.begin()")
    settle(room)
    return room


def test_the_first_view_fills_the_pane(begun: Any) -> None:
    page = begun
    view = page.evaluate("footloom.viewport()")
    bars = [page.evaluate(f"footloom.bar({index})") for index in range(view["from"], view["to"] + 1)]
    low = min(bar["cells"][0]["row"] for bar in bars)
    high = max(bar["cells"][-1]["row"] for bar in bars) + 1
    span = view["highRow"] - view["lowRow"]
    filled = min(high, view["highRow"]) - max(low, view["lowRow"])
    assert view["rowPx"] >= 12, "numbers can be read"
    assert filled >= 0.72 * span or view["rowPx"] == 30


def test_texts_of_the_page_stand_apart_and_inside(begun: Any, fake: FakeMarketServer) -> None:
    page, width, height = begun, begun.width, begun.height
    catch_up(page, fake.pull("ticks?n=2"))
    page.wait_for_timeout(700)  # the ticker's figures follow at their own pace
    texts = page.evaluate(VISIBLE_TEXTS)
    assert len(texts) > 15
    assert overlaps(texts) == []
    for text in texts:
        assert text["x"] >= 0, text
        assert text["x"] + text["width"] <= width + SLACK, text
        assert text["y"] + text["height"] <= height + SLACK, text
    cut = page.evaluate(
        """() => [...document.querySelectorAll('.terminal *')]
            .filter((node) => node.checkVisibility() && node.children.length === 0 && node.clientWidth > 0
                && node.scrollWidth > node.clientWidth + 1 && !node.closest('.sr-only, .chart'))
            .map((node) => node.className + ': ' + node.textContent)"""
    )
    assert cut == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.documentElement.scrollHeight") <= height


def test_texts_on_the_canvases_stand_apart_and_inside(begun: Any) -> None:
    page, width = begun, begun.width
    for mode in ("Alt+1", "Alt+2", "Alt+3"):
        page.keyboard.press(mode)
        boxes = page.evaluate("footloom.textBoxes()")
        plot = page.evaluate("footloom.viewport().plotWidth")
        edge = page.locator(".chart").bounding_box()["x"] + plot
        for layer in ("price.cells", "delta.cells", "cvd.cells", "time.axis"):
            ours = [box for box in boxes if box["layer"] == layer]
            axis = [box for box in ours if box["x"] >= edge]
            assert axis or layer == "time.axis", f"{layer} has no axis"
            assert overlaps(ours) == []
            for box in axis:
                assert box["x"] + box["width"] <= width + SLACK, box
                assert box["y"] >= 0, box
    cells = [box for box in boxes if box["layer"] == "price.cells"]
    assert min(box["height"] for box in cells) > 4


HALVES = """() => {
    const boxes = footloom.textBoxes().filter(({ layer, text }) => layer === 'price.cells' && /^[\\d.]+k?$/.test(text));
    const { from, to } = footloom.viewport();
    const out = [];
    for (let index = from; index <= to; index += 1) {
        for (const { row } of footloom.bar(index).cells) {
            const cell = footloom.cellBox(index, row);
            const inside = boxes.filter((box) => {
                const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
                return x > cell.x && x < cell.x + cell.width && y > cell.y && y < cell.y + cell.height;
            });
            const over = (box) => Math.max(cell.x - box.x, box.x + box.width - cell.x - cell.width);
            out.push(...inside.map((box) => ({ text: box.text, over: over(box) })));
        }
    }
    return out;
}"""


def test_numbers_stay_in_their_half_of_the_cell(begun: Any) -> None:
    found = begun.evaluate(HALVES)
    assert len(found) > 40
    assert [one for one in found if one["over"] > -0.5] == [], "however wide the letters are, bold ones too"


def test_titles_do_not_stand_on_each_other(begun: Any) -> None:
    boxes = [
        begun.locator(name).bounding_box()
        for name in (".toolbar", ".ticker", ".legend", ".title >> nth=0", ".title >> nth=1")
    ]
    named = [{**box, "text": str(k)} for k, box in enumerate(boxes)]
    assert overlaps(named) == []


def test_the_data_table_holds_its_figures(begun: Any) -> None:
    begun.locator(".chart").focus()
    begun.keyboard.press("Enter")
    panel = begun.locator(".inspector")
    panel.wait_for()
    edge = panel.bounding_box()["x"] + panel.bounding_box()["width"]
    shown = panel.locator("dl > div").evaluate_all(
        "(all) => all.map((one) => [...one.children].map((part) => part.getBoundingClientRect()))"
    )
    for name, value in shown:
        assert name["x"] + name["width"] <= value["x"] + SLACK
        assert value["x"] + value["width"] <= edge - 8
    begun.keyboard.press("Escape")


def test_dialogs_fit(begun: Any) -> None:
    page = begun
    for key in ("?", "/", "5"):
        page.locator(".chart").focus()
        page.keyboard.press(key)
        box = page.locator(".dialog").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= page.width
        assert box["y"] + box["height"] <= page.height
        page.keyboard.press("Escape")
        page.locator(".dialog").wait_for(state="detached")


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_nothing_lies_over_cells(open_page: PageOpener, look: tuple[tuple[int, int], str]) -> None:
    (width, height), theme = look
    page = open_page(width, height, settings={"theme": theme}, palette_offered=False)
    chart = page.locator(".chart").bounding_box()
    for name in (".legend", ".note"):
        box = page.locator(name).bounding_box()
        assert overlaps([{**box, "text": name}, {**chart, "text": "chart"}]) == []
    page.mouse.move(chart["x"] + 120, chart["y"] + 120)
    settle(page)
    page.wait_for_timeout(100)
    assert page.locator(".chart").bounding_box() == chart, "read-outs do not move the chart"
    if width < 640:
        page.get_by_role("button", name="All of the legend").click()
        page.get_by_text("300 % diagonal").wait_for()


def test_everything_is_reached_by_keyboard_and_has_a_name(open_page: PageOpener) -> None:
    page = open_page()
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, input, [role=application], [role=radio]')]
            .filter((node) => node.checkVisibility())
            .filter((node) => !(node.getAttribute('aria-label') || node.textContent.trim() || node.labels?.length))
            .map((node) => node.outerHTML)"""
    )
    assert nameless == []
    # Tab goes once round the page, in the order in which it is read; what a group moves through by arrows counts once.
    wanted = page.evaluate(
        """() => {
            const all = [...document.querySelectorAll('button, input, select, a[href], [tabindex]')];
            const shown = all.filter((node) => node.checkVisibility() && !node.disabled && node.tabIndex >= 0);
            shown.forEach((node, k) => { node.dataset.stop = String(k); });
            document.activeElement.blur();
            return shown.map((node) => node.getAttribute('aria-label') ?? node.textContent.trim());
        }"""
    )
    reached = []
    for _ in range(len(wanted) + 2):
        page.keyboard.press("Tab")
        stop = page.evaluate("document.activeElement.dataset.stop ?? null")
        if stop is None or int(stop) in reached:
            break
        reached.append(int(stop))
    assert [name for k, name in enumerate(wanted) if k not in reached] == [], "not reached"
    assert reached == sorted(reached), [wanted[k] for k in reached]
    assert any("Footprint chart of sim:PERP" in name for name in wanted)
    arrows = page.evaluate(
        """() => [...document.querySelectorAll('button, input, [role=radio], [role=menuitem]')]
            .filter((node) => node.checkVisibility() && !node.disabled && node.tabIndex < 0)
            .filter((node) => !node.closest('[role=radiogroup], [role=toolbar], [role=menu], [role=listbox]'))
            .map((node) => node.outerHTML.slice(0, 120))"""
    )
    assert arrows == [], "neither by Tab nor by arrows of a group"


def test_a_phone_on_its_side_shows_more_chart_than_words(open_page: PageOpener) -> None:
    page = open_page(844, 390, has_touch=True)
    assert page.locator(".legend").bounding_box()["height"] <= 52
    cut = page.locator(".legend .bar").evaluate("(node) => node.scrollWidth - node.clientWidth")
    assert cut <= 0
    assert page.evaluate("footloom.viewport().boxes.price.height") >= 120
