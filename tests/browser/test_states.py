"""The page says how things are: live, lost, stale, gaps, not recorded; and nothing is lost on the way."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.browser.conftest import FakeMarketServer, PageOpener, catch_up, is_shown, last_bar, settle, viewport

pytestmark = pytest.mark.browser
NS = 1_000_000_000


def test_a_lost_connection_is_said_and_mended(open_page: PageOpener, fake: FakeMarketServer) -> None:
    page = open_page()
    count = page.evaluate("footloom.bars().count")
    fake.pull("refuse?on=1")
    fake.pull("drop")
    banner = page.get_by_role("alert").filter(has_text="retrying in")
    banner.wait_for()
    assert page.locator(".stage.stale").count() == 1
    assert page.evaluate("footloom.bars().count") == count, "what was on screen stays"
    fake.pull("bars?n=3")
    page.get_by_role("button", name="Retry now").click()  # refused once more, and tried again by itself
    fake.pull("refuse?on=0")
    page.wait_for_function("footloom.viewport().link.phase === 'live'")
    page.wait_for_function(f"footloom.bars().count >= {count + 3}")
    page.get_by_text("Resynced: the chart is as the server has it, with 3 bars that came meanwhile").wait_for()
    banner.wait_for(state="detached")
    view = viewport(page)
    assert view["following"]
    opens = [int(page.evaluate(f"footloom.bar({index}).openNs")) for index in range(view["to"] - 6, view["to"] + 1)]
    assert [b - a for a, b in itertools.pairwise(opens)] == [60_000_000_000] * 6


def test_a_tape_that_is_not_written_is_said(open_page: PageOpener, fake: FakeMarketServer) -> None:
    page = open_page()
    fake.pull("record?on=0")
    page.get_by_text("NOT RECORDED").wait_for()
    fake.pull("record?on=1")
    page.get_by_text("NOT RECORDED").wait_for(state="detached")


def test_figures_of_a_part_of_the_session_say_since_when(open_page: PageOpener, fake: FakeMarketServer) -> None:
    page = open_page(1280, 720)
    since = page.locator(".ticker .since")
    assert since.count() == 0
    start_ns = int(page.evaluate("footloom.bar().openNs")) // (86_400 * NS) * 86_400 * NS
    fake.pull(f"joined?start_ns={start_ns}&from_ns={start_ns + 12_660 * NS}")
    since.wait_for()
    assert since.get_by_text("since 03:31").is_visible()
    assert "trades that are stored" in since.get_attribute("title")
    page.locator(".title", has_text="CVD").filter(has_text="since 03:31").wait_for()
    for width, backfill in ((1040, ""), (1280, "&backfill=0.4"), (1280, "")):
        fake.pull(f"feed?phase=live{backfill}")
        page.wait_for_function(f"document.querySelectorAll('[role=progressbar]').length === {int(backfill != '')}")
        page.set_viewport_size({"width": width, "height": 720})
        countdown = page.locator(".ticker .bar").bounding_box()
        assert countdown["x"] + countdown["width"] <= width
    fake.pull("feed?phase=none")


def test_what_nobody_feeds_says_when_its_last_trade_was(open_page: PageOpener) -> None:
    page = open_page(390, 844)
    last_trade = page.locator(".ticker").get_by_text("Last trade", exact=True)
    assert last_trade.count() == 0

    def stored(route: Any) -> None:
        rows = route.fetch().json()
        route.fulfill(json=[row | {"live": False} for row in rows])

    page.route("**/api/v1/instruments", stored)
    page.reload()
    is_shown(page)
    last_trade.wait_for()
    ticker = page.locator(".ticker").inner_text()
    day = page.locator("[data-testid=bar-readout] .time").inner_text().removesuffix(" open")
    assert day in ticker, "the newest bar's minute, and a second of it"
    assert "Spread" not in ticker
    assert "Bar" not in ticker
    page.keyboard.press("Home")
    page.get_by_role("button", name="Go to latest").wait_for()


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (390, 844)])
def test_troubles_are_said_below_the_chart(
    open_page: PageOpener, fake: FakeMarketServer, width: int, height: int
) -> None:
    page = open_page(width, height)
    fake.pull("trouble?text=the+feed+stopped;+start+footloom+again")
    fake.pull("note?text=sealing+failed:+the+disk+is+full|the+journal+was+damaged")
    said = page.locator(".note.trouble")
    page.wait_for_function("document.querySelectorAll('.note.trouble').length === 3")
    assert said.first.locator("span").inner_text() == "the feed stopped; start footloom again"
    chart = page.locator(".chart").bounding_box()
    for note in said.all():
        box = note.bounding_box()
        assert box["y"] >= chart["y"] + chart["height"], "nothing is said over the chart"
        assert box["y"] + box["height"] <= height
    page.get_by_role("button", name="Hide this until it changes").nth(2).click()
    page.wait_for_function("document.querySelectorAll('.note.trouble').length === 2")
    fake.pull("note?text=")
    fake.pull("note?text=the+journal+was+damaged")
    page.get_by_text("the journal was damaged").wait_for()
    fake.pull("note?text=")
    fake.pull("trouble")
    said.first.wait_for(state="detached")


def test_a_gap_appears_while_one_watches(open_page: PageOpener, fake: FakeMarketServer) -> None:
    page = open_page()
    before = len(viewport(page)["gapBands"])
    fake.pull("gap")
    page.wait_for_function(f"footloom.viewport().gapBands.length > {before}")


def test_what_cannot_be_opened_is_said_and_the_chart_stays(open_page: PageOpener) -> None:
    page = open_page()
    before = page.evaluate("footloom.bar()")["openNs"]
    page.keyboard.press("7")
    page.keyboard.type("9")
    page.keyboard.press("Enter")
    page.get_by_text("bars of 79m are refused").wait_for()
    assert page.evaluate("footloom.meta().bars") == "1m"
    assert page.evaluate("footloom.bar()")["openNs"] == before
    page.get_by_role("button", name="Bars").get_by_text("1m").wait_for()


def test_an_unknown_symbol_in_the_address_is_said(open_page: PageOpener) -> None:
    page = open_page(path="/#symbol=sim:NOPE", wait=False)
    page.get_by_text("no instrument 'sim:NOPE'").wait_for()


def test_a_server_that_is_away_from_the_start_is_said_with_what_to_look_at(
    open_page: PageOpener, fake: FakeMarketServer
) -> None:
    fake.pull("refuse?on=1")
    page = open_page(wait=False)
    page.get_by_role("heading", name="The server does not answer").wait_for()
    assert page.get_by_role("button", name="Retry now").is_visible()
    fake.pull("refuse?on=0")
    is_shown(page)
    assert page.get_by_text("The server does not answer").count() == 0


WIDTHS = (1920, 1680, 1366, 1280, 1020, 600, 390, 360)


def test_no_state_pushes_a_button_off_the_toolbar_or_cuts_its_words(
    open_page: PageOpener, fake: FakeMarketServer
) -> None:
    page = open_page()

    def holds(state: str) -> None:
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 720})
            settle(page)
            more = page.get_by_role("button", name="More").bounding_box()
            assert more["x"] + more["width"] <= width, (state, width)
            cut = page.locator(".link .words").evaluate("(node) => node.scrollWidth - node.clientWidth")
            assert cut <= 0, (state, width)

    for recorded in (0, 1):
        fake.pull(f"record?on={recorded}")
        page.wait_for_function(f"document.querySelectorAll('.badge.lost').length === {1 - recorded}")
        for phase in ("closed", "reconnecting", "live"):
            fake.pull(f"feed?phase={phase}")
            page.locator(f".link[data-phase={phase}]").wait_for()
            holds(f"{phase}, recorded {recorded}")
    fake.pull("feed?phase=none")


def test_the_badge_cannot_be_missed(open_page: PageOpener) -> None:
    for width, height in ((1920, 1080), (1280, 720), (390, 844)):
        page = open_page(width, height)
        box = page.locator(".badge.simulated").bounding_box()
        assert box["width"] > 60
        assert box["x"] + box["width"] <= width
        assert "simulated" in page.locator(".chart").get_attribute("aria-label")


def test_settings_are_remembered(open_page: PageOpener) -> None:
    page = open_page()
    page.get_by_role("button", name="Settings", exact=True).click()
    page.get_by_role("radio", name="Colour-safe").click()
    page.get_by_role("radio", name="Compact").click()
    page.get_by_role("radio", name="Lots").click()
    page.keyboard.press("Escape")
    stored = page.evaluate("localStorage.getItem('footloom.prefs.1')")
    assert '"hue":"safe"' in stored
    assert '"unit":"lots"' in stored
    assert page.evaluate("document.documentElement.dataset.density") == "compact"
    settle(page)
    cells = [box["text"] for box in page.evaluate("footloom.textBoxes()") if box["layer"] == "price.cells"]
    bar = last_bar(page)
    assert bar["table"]["bar"]["volume"].isdigit()
    assert any(text.isdigit() for text in cells)


@pytest.mark.parametrize("tabs", [4, pytest.param(10, marks=pytest.mark.soak)])
def test_every_tab_gets_everything(open_page: PageOpener, fake: FakeMarketServer, tabs: int) -> None:
    pages = [open_page(800, 600) for _ in range(tabs)]
    told = fake.pull("ticks?n=20")
    for page in pages:
        catch_up(page, told)
    bars = [last_bar(page) for page in pages]
    assert all(bar["cells"] == bars[0]["cells"] and bar["cvd"] == bars[0]["cvd"] for bar in bars[1:])


def test_a_part_of_the_page_that_does_not_come_is_said_and_asked_for_again(open_page: PageOpener) -> None:
    page = open_page()
    page.route("**/assets/sheets*", lambda route: route.abort())
    page.reload()
    is_shown(page)
    page.get_by_role("button", name="Settings", exact=True).click()
    page.get_by_role("dialog", name="Settings").get_by_text("did not come").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    page.unroute_all()
    page.get_by_role("button", name="Settings", exact=True).click()
    page.get_by_role("dialog").get_by_text("Threshold").first.wait_for()
