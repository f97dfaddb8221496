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
ROUNDING = 1  # of 255: a clipped edge is blended once more than an edge that is not, a number that was kept once more


def difference(page: Any, one: str, other: str) -> int:
    return int(max(page.evaluate(COMPARE, [one, other])))


# On a sharp screen Chromium hints glyphs at one time and not at another: pictures with small text do not agree there
# even with themselves.
@pytest.mark.parametrize(
    ("zoom", "scale"),
    [(0, 1), (9, 1), (4, 2), *(pytest.param(*one, marks=pytest.mark.soak) for one in ((4, 1), (9, 2)))],
)
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
    page.evaluate("footloom.textBoxes()")  # paints nothing from bitmaps
    page.evaluate(KEEP, "plain")
    page.evaluate("footloom.repaint()")
    assert page.evaluate("footloom.frames().painter") == "direct"
    page.evaluate(KEEP, "direct")
    assert difference(page, "plain", "direct") <= ROUNDING
    page.keyboard.press("ArrowLeft")
    settle(page)
    page.keyboard.press("ArrowRight")
    settle(page)
    assert page.evaluate("footloom.frames().painter") == "tiles"
    page.evaluate(KEEP, "tiles")
    assert difference(page, "plain", "tiles") == 0


def test_numbers_that_are_kept_while_bars_change_their_width_are_those_that_are_written(open_page: PageOpener) -> None:
    page = open_page(900, 560)
    for factor, key in enumerate("--+++++--"):
        page.keyboard.press(key)
        settle(page)
        if page.evaluate("footloom.frames().painter") != "direct":
            continue
        page.evaluate(KEEP, f"kept {factor}")
        page.evaluate("footloom.textBoxes()")
        page.evaluate(KEEP, f"written {factor}")
        assert difference(page, f"kept {factor}", f"written {factor}") <= ROUNDING
    assert page.evaluate("Object.keys(window).filter((name) => name.startsWith('kept ')).length") >= 5


def test_numbers_are_written_another_way_at_once(open_page: PageOpener) -> None:
    page = open_page(900, 560, settings={"numbers": "plain"})
    page.evaluate(KEEP, "plain")
    narrow = page.evaluate("footloom.viewport().axisWidth")
    page.evaluate("footloom.show({ numbers: 'de' })")
    settle(page)
    assert page.evaluate("footloom.viewport().axisWidth") > narrow, "prices with dots take more of the axis"
    page.evaluate(KEEP, "now")
    page.evaluate("footloom.repaint()")
    page.evaluate(KEEP, "anew")
    assert difference(page, "now", "anew") <= ROUNDING
    assert difference(page, "plain", "now") > ROUNDING


def test_another_scale_gives_another_picture(open_page: PageOpener) -> None:
    page = open_page(900, 560)
    page.evaluate(KEEP, "before")
    page.keyboard.press("ArrowLeft")
    settle(page)
    page.evaluate(KEEP, "after")
    assert difference(page, "before", "after") > 50, "the comparison can fail"


MODES = ("bid-ask", "delta", "volume", "trades", "profile", "imbalance")


def pictures_of_modes(page: Any) -> None:
    """Keep the picture of each mode under its name, painted directly and from bitmaps."""
    for number, mode in enumerate(MODES, start=1):
        page.keyboard.press(f"Alt+{number}")
        page.evaluate("footloom.repaint()")
        assert page.evaluate("footloom.frames().painter") == "direct"
        page.evaluate(KEEP, f"{mode} direct")
        for _ in range(3):  # four bitmaps are painted in a frame
            page.keyboard.press("ArrowLeft")
            page.keyboard.press("ArrowRight")
            settle(page)
        assert page.evaluate("footloom.frames().painter") == "tiles"
        page.evaluate(KEEP, f"{mode} tiles")


@pytest.mark.parametrize("scale", [1, *(pytest.param(scale, marks=pytest.mark.soak) for scale in (1.5, 2))])
def test_each_mode_has_a_picture_of_its_own_and_bitmaps_show_it(open_page: PageOpener, scale: float) -> None:
    page = open_page(900, 560, device_scale_factor=scale)
    pictures_of_modes(page)
    for at, mode in enumerate(MODES):
        if scale == 1:  # see above: on a sharp screen small text is not drawn alike twice
            assert difference(page, f"{mode} direct", f"{mode} tiles") <= ROUNDING, mode
        others = [difference(page, f"{mode} direct", f"{other} direct") for other in MODES[at + 1 :]]
        assert all(most > 50 for most in others), (mode, others)
