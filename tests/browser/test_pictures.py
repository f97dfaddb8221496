"""What is painted in parts is what would be painted at once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import FakeMarketServer, PageOpener, catch_up, settle

pytestmark = pytest.mark.browser

KEEP = """(name) => {
    window[name] = [...document.querySelectorAll('.pane')].map((pane) => {
        const canvas = pane.querySelector('canvas');
        return canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    });
}"""
COMPARE = """([one, other]) => window[one].map((image, k) => {
    const theirs = window[other][k];
    if (theirs.width !== image.width || theirs.height !== image.height) return 255;
    let most = 0;
    for (let i = 0; i < image.data.length; i += 1) most = Math.max(most, Math.abs(image.data[i] - theirs.data[i]));
    return most;
})"""
ROUNDING = 1  # of 255: a clipped edge is blended once more than an edge that is not


def difference(page: Any, one: str, other: str) -> int:
    return max(page.evaluate(COMPARE, [one, other]))


# On a sharp screen Chromium hints glyphs at one time and not at another: pictures with small text do not agree there
# even with themselves.
@pytest.mark.parametrize(("zoom", "scale"), [(0, 1), (4, 1), (9, 1), (4, 2), (9, 2)])
def test_light_frames_leave_the_picture_of_a_full_one(
    open_page: PageOpener, fake: FakeMarketServer, scale: int, zoom: int
) -> None:
    page = open_page(900, 560, device_scale_factor=scale)
    for _ in range(zoom):
        page.keyboard.press("-")
    settle(page)
    levels = set()
    for _ in range(8):
        catch_up(page, fake.pull("ticks?n=3"))
        levels.add(page.evaluate("footloom.frames().level"))
    assert "light" in levels
    page.evaluate(KEEP, "partly")
    page.evaluate("footloom.repaint()")
    page.evaluate(KEEP, "whole")
    assert difference(page, "partly", "whole") <= ROUNDING


def test_bitmaps_show_what_direct_painting_shows(open_page: PageOpener) -> None:
    page = open_page(900, 560)
    page.evaluate("footloom.repaint()")
    assert page.evaluate("footloom.frames().painter") == "direct"
    page.evaluate(KEEP, "direct")
    page.keyboard.press("ArrowLeft")
    settle(page)
    page.keyboard.press("ArrowRight")
    settle(page)
    assert page.evaluate("footloom.frames().painter") == "tiles"
    page.evaluate(KEEP, "tiles")
    assert difference(page, "direct", "tiles") == 0


def test_another_scale_gives_another_picture(open_page: PageOpener) -> None:
    page = open_page(900, 560)
    page.evaluate(KEEP, "before")
    page.keyboard.press("ArrowLeft")
    settle(page)
    page.evaluate(KEEP, "after")
    assert difference(page, "before", "after") > 50, "the comparison can fail"
