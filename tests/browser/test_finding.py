"""The way back: a price that is off the screen, emptiness behind the newest bar, messages that are over, the theme."""

from __future__ import annotations

import pytest

from tests.browser.conftest import PageOpener, chart_corner, settle, viewport
from tests.browser.test_layout import SIZES, overlaps

pytestmark = pytest.mark.browser


def test_the_message_of_a_mistyped_interval_goes_with_the_next_choice(open_page: PageOpener) -> None:
    page = open_page()
    for typed in ("79", "5"):
        page.locator(".chart").focus()
        page.keyboard.type(typed)
        page.keyboard.press("Enter")
        if typed == "79":
            page.get_by_text("bars of 79m are refused").wait_for()
    page.wait_for_function("footloom.meta().bars === '5m'")
    assert page.get_by_text("bars of 79m are refused").count() == 0


@pytest.mark.parametrize(
    ("width", "height"), [SIZES[1], SIZES[3], *(pytest.param(*SIZES[k], marks=pytest.mark.soak) for k in (0, 2))]
)
def test_a_price_off_the_screen_is_said_and_brought_back(open_page: PageOpener, width: int, height: int) -> None:
    page = open_page(width, height)
    left, top = chart_corner(page)
    fit = page.get_by_role("button", name="Fit: the price is off the screen")
    assert fit.count() == 0
    for _ in range(4):
        page.mouse.move(left + 120, top + 200)
        page.mouse.down()
        page.mouse.move(left + 120, top + 40, steps=4)
        page.mouse.up()
    for _ in range(3):
        page.mouse.move(left + 120, top + 30)
        page.mouse.down()
        page.mouse.move(left + 120, top + 230, steps=4)
        page.mouse.up()
    for _ in range(12):
        page.mouse.move(left + 120, top + 30)
        page.mouse.down()
        page.mouse.move(left + 120, top + 230, steps=4)
        page.mouse.up()
    fit.wait_for()
    box = fit.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    live = page.get_by_role("button", name="Go to live")
    if live.count():
        assert overlaps([{**box, "text": "fit"}, {**live.bounding_box(), "text": "live"}]) == []
    fit.click()
    fit.wait_for(state="detached")
    settle(page)
    view = viewport(page)
    bar = page.evaluate("footloom.bar()")
    assert view["lowRow"] < bar["cells"][0]["row"] < view["highRow"]


def test_all_panes_are_found_by_typing(open_page: PageOpener) -> None:
    page = open_page()
    for typed in ("open interest", "funding", "liquidations", "statistics"):
        page.keyboard.press("/")
        page.get_by_role("combobox").fill(typed)
        page.get_by_role("option", name="Add pane:").first.wait_for()
        page.keyboard.press("Escape")


def test_the_crosshair_says_its_price_anew_when_numbers_are_written_otherwise(open_page: PageOpener) -> None:
    page = open_page()
    left, top = chart_corner(page)
    page.mouse.move(left + 300, top + 111)
    settle(page)
    page.evaluate(
        """() => {
            const kept = CanvasRenderingContext2D.prototype.fillText;
            window.written = [];
            CanvasRenderingContext2D.prototype.fillText = function listen(...all) {
                window.written.push(all[0]);
                kept.apply(this, all);
            };
        }"""
    )
    tick = viewport(page)["cursor"]["tick"]
    page.evaluate("footloom.show({ numbers: 'de' })")
    price = f"{tick / 2:,.1f}".translate(str.maketrans(",.", ".,"))
    page.wait_for_function("(price) => window.written.includes(price)", arg=price)


def test_zooming_out_leaves_no_emptiness_behind_the_newest_bar(open_page: PageOpener) -> None:
    page = open_page()
    left, top = chart_corner(page)
    before = viewport(page)
    empty = (before["right"] - page.evaluate("footloom.bars().last") - 1) * before["barPx"]
    page.mouse.move(left + 300, top + 150)
    for _ in range(6):
        page.mouse.wheel(0, 240)
        settle(page)
    view = viewport(page)
    assert view["following"]
    end = page.evaluate("footloom.bars().last") + 1
    assert view["barPx"] < before["barPx"] / 2
    assert (view["right"] - end) * view["barPx"] <= empty + 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_system_says_which_theme_until_the_user_does(open_page: PageOpener, scheme: str) -> None:
    page = open_page(color_scheme=scheme)
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    other = {"light": "dark", "dark": "light"}[scheme]
    page.emulate_media(color_scheme=other)
    page.wait_for_function(f"document.documentElement.dataset.theme === '{other}'")
    assert viewport(page)["theme"] == other
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name=f"{scheme.capitalize()} theme").click()
    page.emulate_media(color_scheme=scheme)
    page.emulate_media(color_scheme=other)
    assert page.evaluate("document.documentElement.dataset.theme") == scheme


def test_what_was_typed_comes_before_what_only_holds_it(open_page: PageOpener) -> None:
    page = open_page()
    page.keyboard.press("/")
    for typed, first in (("fit", "Scale: fit all bars on screen"), ("desk", "NIFTY desk"), ("st", "Studies and panes")):
        page.get_by_role("combobox").fill(typed)
        option = page.get_by_role("option").first
        assert option.locator("span").first.inner_text() == first


def test_a_pane_that_has_all_the_room_says_how_the_others_come_back(open_page: PageOpener) -> None:
    page = open_page()
    page.keyboard.press("Alt+m")
    page.get_by_role("button", name="Show all panes").click()
    page.wait_for_function("footloom.viewport().boxes.delta.height > 0")
    assert page.get_by_role("button", name="Show all panes").count() == 0
