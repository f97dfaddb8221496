"""Two sessions are there without a click, and older history comes when one goes back to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.conftest import FakeMarketServer, PageOpener, settle, start_fake, stop_fake, viewport

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def fake(page_bundle: Path) -> Iterator[FakeMarketServer]:
    """A market with more than two sessions behind it."""
    del page_bundle
    server = start_fake("--speed", "0", "--hours", "60", "--rate", "0.3")
    yield server
    stop_fake(server)


def test_two_sessions_are_loaded_and_more_when_wanted(open_page: PageOpener) -> None:
    page = open_page(wait=False)
    page.wait_for_function("window.footloom && footloom.bars().count > 0")
    first = viewport(page)["right"]
    page.wait_for_function("footloom.bars().count >= 2880")
    settle(page)
    assert viewport(page)["right"] == first, "history does not move what is on screen"
    page.keyboard.press("Home")
    page.wait_for_function("footloom.bars().count > 2880 && footloom.viewport().paging !== 'loading'")
    numbers = page.evaluate("footloom.bars()")
    opens = [
        int(page.evaluate(f"footloom.bar({index}).openNs")) for index in range(numbers["first"], numbers["first"] + 50)
    ]
    assert opens == sorted(set(opens))
    page.keyboard.press("Home")
    page.wait_for_function("footloom.viewport().paging === 'complete'")
    assert page.evaluate("footloom.bars().count") <= 3600
