"""What the page says of the feed behind it: connecting, live, reconnecting, silent, closed, stopped, and history."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.browser.conftest import FakeMarketServer, PageOpener, settle, viewport
from tests.browser.test_layout import SIZES, overlaps

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def quiet_again(fake: FakeMarketServer) -> Iterator[None]:
    yield
    fake.pull("feed?phase=none")


def minutes_ago(count: int) -> str:
    return str(time.time_ns() - count * 60 * 10**9)


STATES = (
    ("connecting", "connecting: asking for its instruments", False),
    ("reconnecting", "reconnecting for 5 min: asking for its instruments. What you see is of", True),
    ("stale", "the feed is silent for 5 min: asking for its instruments", True),
    ("stopped", "the feed has stopped: asking for its instruments", True),
    ("closed", "asking for its instruments", False),
)


def test_every_state_is_said_in_words_below_the_chart(open_page: PageOpener, fake: FakeMarketServer) -> None:
    page = open_page()
    note = page.locator(".note.state")
    for phase, words, dims in STATES:
        fake.pull(f"feed?phase={phase}&text=asking+for+its+instruments&since_ns={minutes_ago(5)}")
        note.wait_for()
        assert words in note.inner_text(), phase
        assert page.locator(".stage.stale").count() == int(dims), phase
        chart = page.locator(".chart").bounding_box()
        assert note.bounding_box()["y"] >= chart["y"] + chart["height"], "nothing is said over the chart"
        fake.pull("feed?phase=live")
        note.wait_for(state="detached")
        assert page.locator(".link").get_attribute("data-phase") == "live", phase


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_progress_of_history_stands_in_the_header_and_covers_nothing(
    open_page: PageOpener, fake: FakeMarketServer, width: int, height: int
) -> None:
    page = open_page(width, height)
    before = page.locator(".chart").bounding_box()
    fake.pull("feed?phase=live&backfill=0.437")
    bar = page.get_by_role("progressbar")
    bar.wait_for()
    assert bar.get_attribute("aria-valuenow") == "43"
    assert "43 %" in bar.inner_text()
    box = bar.bounding_box()
    assert box["x"] + box["width"] <= width
    ticker = [cell.bounding_box() for cell in page.locator(".ticker > div").all()]
    named = [{**one, "text": str(k)} for k, one in enumerate(ticker) if one is not None]
    assert overlaps(named) == []
    assert page.locator(".chart").bounding_box() == before, "a progress does not move the chart"
    fake.pull("feed?phase=live")
    bar.wait_for(state="detached")


def test_the_first_trade_is_waited_for_and_opens_the_chart(open_page: PageOpener, fake: FakeMarketServer) -> None:
    fake.pull("feed?phase=connecting&text=asking+for+its+instruments&has_trades=0")
    page = open_page(wait=False)
    page.get_by_text("Waiting for the first trade of").wait_for()
    assert "sim:PERP" in page.locator(".empty").inner_text()
    assert "asking for its instruments" in page.locator(".empty").inner_text()
    fake.pull("feed?phase=live&has_trades=0")
    page.locator(".why").get_by_text("live").wait_for()
    fake.pull("feed?phase=live")
    page.wait_for_function("footloom.bars().count > 0")
    page.locator(".empty").wait_for(state="detached")


def test_a_gap_is_said_with_its_cause_and_so_is_its_healing(open_page: PageOpener, fake: FakeMarketServer) -> None:
    page = open_page()
    before = len(viewport(page)["gapBands"])
    fake.pull("gap")
    page.get_by_text("test: socket lost, 12 trades missing").wait_for()
    page.wait_for_function(f"footloom.viewport().gapBands.length === {before + 1}")
    fake.pull("heal")
    page.get_by_text("the gap is closed").wait_for()
    page.wait_for_function(f"footloom.viewport().gapBands.length === {before}")


def test_what_is_not_recorded_is_stamped_on_the_picture(open_page: PageOpener, fake: FakeMarketServer) -> None:
    page = open_page()
    before = page.locator(".pane canvas").first.evaluate("canvas => canvas.toDataURL()")
    fake.pull("record?on=0")
    page.get_by_text("NOT RECORDED").wait_for()
    settle(page)
    stamped = page.locator(".pane canvas").first.evaluate("canvas => canvas.toDataURL()")
    assert stamped != before
    fake.pull("record?on=1")
    page.get_by_text("NOT RECORDED").wait_for(state="detached")
    settle(page)
    assert page.locator(".pane canvas").first.evaluate("canvas => canvas.toDataURL()") == before


def test_the_switcher_filters_and_shows_how_each_feed_stands(open_page: PageOpener, fake: FakeMarketServer) -> None:
    page = open_page()
    fake.pull("feed?symbol=sim:FUT&phase=reconnecting&text=socket+closed&backfill=0.5")
    page.locator(".chart").focus()
    page.keyboard.press("/")
    page.keyboard.type("sim:")
    rows = page.get_by_role("option")
    assert [row.locator(".dot").get_attribute("data-dot") for row in rows.all()] == ["bad", "ok"]
    assert "reconnecting, history 50 %" in rows.first.inner_text()
    page.keyboard.type("fut")
    page.wait_for_function("document.querySelectorAll('[role=option]').length === 1")
    page.keyboard.press("Enter")
    page.wait_for_function("footloom.meta().symbol === 'sim:FUT'")
    page.get_by_text("socket closed").wait_for()
    fake.pull("feed?symbol=sim:FUT&phase=none")
