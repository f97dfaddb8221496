"""Every kind of bars is offered in one menu, with what it means and its amount; and all of them can be typed."""

from __future__ import annotations

import pytest

from footloom.bars import parse_rule
from footloom.errors import ConfigError
from tests.browser.conftest import ROOT, PageOpener

pytestmark = pytest.mark.browser

KINDS = ["Time", "Trades", "Volume", "Turnover", "Range", "Renko", "Delta", "Imbalance", "Runs"]
# A text that means bars of each module of `footloom.bars` that has a grammar.
BARS = "all => all.map((one) => one.dataset.bars)"
SPELLED = {
    "time": "5m", "trade_count": "500t", "volume": "100v", "quote": "1e6q", "range": "r20", "renko": "ren10",
    "delta": "d500", "imbalance": "ib500", "run": "rb500",
}  # fmt: skip


def test_the_menu_offers_every_kind_that_the_server_builds(open_page: PageOpener) -> None:
    modules = {path.stem for path in (ROOT / "src/footloom/bars").glob("[a-z]*.py") if "def parse(" in path.read_text()}
    assert modules == set(SPELLED), "a kind of bars without a row in this test, and perhaps in the menu"
    page = open_page()
    page.get_by_role("button", name="Bars: 1m").click()
    tabs = page.get_by_role("tablist", name="Kinds of bars").get_by_role("tab")
    assert [text.split()[0] for text in tabs.all_inner_texts()] == KINDS
    offered: set[str] = set()
    means: set[str] = set()
    for name in KINDS:
        page.get_by_role("tab", name=name).click()
        panel = page.get_by_role("tabpanel")
        means.add(panel.locator(".means").inner_text())
        offered |= set(panel.locator(".chips button").evaluate_all(BARS))
        for form in panel.get_by_role("radio").all():
            form.click()
            offered |= set(panel.locator(".use").evaluate_all(BARS))
    assert len(means) == len(KINDS)
    built = {type(parse_rule(bars)).__module__.rsplit(".", 1)[-1] for bars in offered}
    assert built == set(SPELLED), "what is offered is what the server's grammar knows"
    with pytest.raises(ConfigError):
        parse_rule("Above 0")


def test_an_own_amount_is_chosen_by_keyboard_alone(open_page: PageOpener) -> None:
    page = open_page()
    page.get_by_role("button", name="Bars: 1m").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    assert page.get_by_role("tab", name="Trades").get_attribute("aria-selected") == "true"
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Tab")
    while page.evaluate("document.activeElement.id") != "bars-amount":
        page.keyboard.press("Tab")
    page.keyboard.press("Control+a")
    page.keyboard.type("0")
    assert page.get_by_role("button", name="Above 0").is_disabled()
    page.keyboard.press("Backspace")
    page.keyboard.type("45")
    page.keyboard.press("Enter")
    page.wait_for_function("footloom.meta().bars === '45m'")
    assert page.locator(".sheet").count() == 0
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("Bars: 45m")


def test_the_menu_closes_on_escape_and_outside(open_page: PageOpener) -> None:
    page = open_page(390, 844, has_touch=True)
    opener = page.get_by_role("button", name="Bars: 1m")
    opener.tap()
    page.get_by_role("tabpanel").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("tabpanel").wait_for(state="detached")
    opener.tap()
    page.get_by_role("tab", name="Time").tap()
    page.get_by_role("tabpanel").get_by_role("button", name="5m", exact=True).tap()
    page.wait_for_function("footloom.meta().bars === '5m'")
    opener = page.get_by_role("button", name="Bars: 5m")
    opener.tap()
    page.touchscreen.tap(200, 700)
    page.get_by_role("tabpanel").wait_for(state="detached")


TYPED = {"15": "15m", "90s": "90s", "500t": "500t", "$1000000": "1000000q", "$1M": "1e6q", "r20": "r20"}


def test_what_is_typed_on_the_chart_is_asked_for(open_page: PageOpener) -> None:
    page = open_page()
    page.evaluate(
        """() => {
            const send = WebSocket.prototype.send;
            WebSocket.prototype.send = function (text) { window.sentTexts.push(text); return send.call(this, text); };
        }"""
    )
    for typed, bars in TYPED.items():
        page.evaluate("window.sentTexts = []")
        page.locator(".chart").focus()
        page.keyboard.type(typed)
        page.keyboard.press("Enter")
        page.wait_for_function("window.sentTexts.some((text) => text.includes('subscribe'))")
        asked = page.evaluate("window.sentTexts.map((text) => JSON.parse(text).topic?.bars).filter(Boolean)")
        assert asked[0] == bars, typed
        parse_rule(asked[0])
