"""Whoever cannot see or use a mouse: axe-core on every state, everything by Tab, and what is said aloud."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser.conftest import ROOT, Drawer, FakeMarketServer, PageOpener, last_bar, opened, settle
from tests.browser.test_input import press

pytestmark = pytest.mark.browser

AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
FOCUSABLE = "a[href], button, input, select, [tabindex]"

Act = Callable[[Any], None]


def pressed(*keys: str) -> Act:
    def act(page: Any) -> None:
        for key in keys:
            press(page, key)

    return act


def named(*names: str) -> Act:
    def act(page: Any) -> None:
        for name in names:
            button = page.get_by_role("button", name=name, exact=True)
            button.or_(page.get_by_role("menuitem", name=name, exact=True)).first.click()

    return act


def fetching(page: Any) -> None:
    page.market.pull("feed?phase=live&backfill=0.4")
    page.get_by_role("progressbar").wait_for()
    page.market.pull("feed?phase=none")


# What stands on the page, and how one comes there.
STATES: dict[str, Act] = {
    "chart": lambda _page: None,
    "read-out": pressed("Alt+ArrowUp"),
    "interval": pressed("5"),
    "search": pressed("/"),
    "keys": pressed("?"),
    "layouts": pressed("Alt+l"),
    "settings": named("Settings"),
    "studies": named("Studies and panes"),
    "more": named("More"),
    "bars": named("Bars: 1m"),
    "table": pressed("Enter"),
    "trades": pressed("Alt+ArrowUp", "Control+Enter"),
    "away": pressed("Home"),
    "options": named("Options"),
    "none found": pressed("/", "z", "z", "z"),
    "maximised": pressed("Alt+m"),
    "history": fetching,
}


@pytest.fixture(scope="module")
def pages(drawer: Drawer, fake: FakeMarketServer) -> Iterator[dict[str, Any]]:
    """The page in each theme, with axe-core beside it."""
    if not AXE.is_file():
        pytest.skip(f"axe-core is not there ({AXE}): npm --prefix web ci")
    with (
        opened(drawer, fake, settings={"theme": "dark"}, palette_offered=False) as dark,
        opened(drawer, fake, settings={"theme": "light"}) as light,
    ):
        for page in (dark, light):
            page.add_script_tag(path=AXE)
            page.market = fake
        yield {"dark": dark, "light": light}


def violations(page: Any) -> list[str]:
    """What axe-core finds: rule, element, why."""
    return list(
        page.evaluate(
            """async () => (await axe.run(document, { resultTypes: ['violations'] })).violations.flatMap(
                (one) => one.nodes.map((node) => `${one.id}: ${node.html.slice(0, 160)}: ${node.failureSummary}`))"""
        )
    )


# In the other theme only colours are others: the states that have most of them, and all in the long version.
COLOURFUL = ("chart", "studies", "trades", "options")


@pytest.mark.parametrize(
    ("theme", "states"),
    [("dark", tuple(STATES)), ("light", COLOURFUL), pytest.param("light", tuple(STATES), marks=pytest.mark.soak)],
    ids=["dark", "light", "light-all"],
)
def test_axe_finds_nothing_in_any_state(pages: dict[str, Any], theme: str, states: tuple[str, ...]) -> None:
    page = pages[theme]
    found: dict[str, list[str]] = {}
    for name in states:
        act = STATES[name]
        act(page)
        settle(page)
        problems = violations(page)
        if problems:
            found[name] = problems
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
        page.evaluate("document.activeElement.blur()")
        close = page.get_by_role("button", name="Close options")
        if close.count():
            close.click()
        press(page, "End")
    assert found == {}


def test_axe_would_find_something(pages: dict[str, Any]) -> None:
    page = pages["dark"]
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<button id=planted></button>')")
    assert any(problem.startswith("button-name") for problem in violations(page))
    page.evaluate("document.getElementById('planted').remove()")


WHO = """() => {
    const node = document.activeElement;
    return node === document.body ? '' : node.getAttribute('aria-label') || node.textContent.trim() || node.id;
}"""


def test_tab_reaches_everything_and_comes_round(open_page: PageOpener) -> None:
    page = open_page()
    wanted = page.evaluate(
        f"""() => [...document.querySelectorAll('{FOCUSABLE}')]
            .filter((node) => node.checkVisibility() && node.tabIndex >= 0 && !node.disabled)
            .map((node) => node.getAttribute('aria-label') || node.textContent.trim() || node.id)"""
    )
    reached: list[str] = []
    for _ in range(3 * len(wanted)):
        page.keyboard.press("Tab")
        who = page.evaluate(WHO)
        if reached and who == reached[0]:
            break
        if who:
            reached.append(who)
            ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert ring != "none", f"{who}: one does not see where one is"
    assert set(wanted) == set(reached)
    assert len(wanted) > 12


def test_tab_stays_in_a_dialog_and_escape_gives_the_focus_back(open_page: PageOpener) -> None:
    page = open_page()
    for key in ("?", "/", "5", "Alt+l"):
        page.locator(".chart").focus()
        page.keyboard.press(key)
        page.locator(".dialog").wait_for()
        for _ in range(25):
            page.keyboard.press("Tab")
            assert page.evaluate("document.activeElement.closest('.dialog') !== null"), key
        page.keyboard.press("Escape")
        page.locator(".dialog").wait_for(state="detached")
        page.wait_for_function("document.activeElement.classList.contains('chart')")


def mistyped(page: Any) -> None:
    page.keyboard.type("79")
    page.keyboard.press("Enter")
    page.get_by_text("bars of 79m are refused").wait_for()


HAS_FOCUS = "(selector) => document.activeElement?.matches(selector)"


@pytest.mark.parametrize(
    ("opens", "inside", "closes", "back"),
    [
        (pressed("Enter"), "[aria-label='Price levels']", "Escape", ".chart"),
        (named("Options"), "[aria-label='Close options']", "Enter", "[aria-label='Options']"),
        (pressed("Home"), ".live", "Enter", ".chart"),
        (pressed("Alt+r"), ".hint button", "Enter", ".chart"),
        (mistyped, ".note button", "Enter", ".chart"),
        (named("Delta pane: settings, order, close"), ".items button:last-child", "Enter", ".chart"),
        (named("CVD pane: settings, order, close"), ".items button:nth-child(2)", "Enter", ".title .more"),
    ],
    ids=["table", "options", "live", "ruler", "message", "closed pane", "pane's menu"],
)
def test_what_goes_away_gives_the_focus_back(
    open_page: PageOpener, opens: Act, inside: str, closes: str, back: str
) -> None:
    page = open_page()
    page.locator(".chart").focus()
    opens(page)
    page.locator(inside).focus()
    page.keyboard.press(closes)
    page.wait_for_function(HAS_FOCUS, arg=back)


def test_options_that_are_opened_by_keyboard_are_gone_through_and_left_by_it(open_page: PageOpener) -> None:
    page = open_page()
    page.get_by_role("button", name="Options", exact=True).focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.matches('.options')")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.options') !== null")
    page.keyboard.press("Escape")
    page.locator(".options").wait_for(state="detached")
    page.wait_for_function(HAS_FOCUS, arg="[aria-label='Options']")


def test_arrows_scroll_a_table_that_has_the_focus_and_leave_the_chart(open_page: PageOpener) -> None:
    page = open_page(1280, 560)
    press(page, "Enter")
    before = page.evaluate("footloom.viewport()")
    table = page.get_by_role("region", name="Price levels")
    table.focus()
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    page.wait_for_function("document.querySelector('.inspector .scroll').scrollTop > 20")
    settle(page)
    after = page.evaluate("footloom.viewport()")
    assert (after["centreRow"], after["right"]) == (before["centreRow"], before["right"])


# What lies over the middle of the element that has the focus.
COVERED = """() => {
    const one = document.activeElement;
    const { x, y, width, height } = one.getBoundingClientRect();
    const top = document.elementFromPoint(x + width / 2, y + height / 2);
    return one.contains(top) || top?.contains(one) ? '' : `${one.outerHTML.slice(0, 80)}: ${top?.className}`;
}"""


def test_what_has_the_focus_lies_under_nothing_in_a_sheet_that_is_scrolled(open_page: PageOpener) -> None:
    page = open_page(1280, 560)
    named("Settings")(page)
    page.locator(".dialog").wait_for()
    for key in ("Tab", "Shift+Tab"):
        for _ in range(30):
            page.keyboard.press(key)
            assert page.evaluate(COVERED) == ""


def test_the_cell_under_the_read_out_is_said_with_how_far_it_can_be_trusted(open_page: PageOpener) -> None:
    page = open_page()
    press(page, "Alt+ArrowUp")
    bar = last_bar(page)
    live = "[...document.querySelectorAll('[aria-live]')]"
    page.wait_for_function(f"{live}.some((one) => one.textContent.includes('Bar '))")
    said = next(text for text in page.locator("[aria-live]").all_inner_texts() if "Bar " in text)
    assert f"volume {bar['table']['bar']['volume']}" in said
    assert "sides stated" in said
    page.locator("[data-testid=cell-readout]").get_by_text("stated").wait_for()


def test_panes_are_made_higher_by_keyboard(open_page: PageOpener) -> None:
    page = open_page()
    before = page.evaluate("footloom.viewport().boxes.delta.height")
    page.get_by_role("button", name="Delta pane: settings, order, close").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.get_by_role("menuitem", name="Taller").focus()
    page.keyboard.press("Enter")
    settle(page)
    assert page.evaluate("footloom.viewport().boxes.delta.height") == pytest.approx(before + 40, abs=3)
    assert last_bar(page)["table"]["adds"]
