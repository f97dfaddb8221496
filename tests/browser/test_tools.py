"""Ruler and pictures of the chart: by mouse, keyboard and touch; what the ruler says is what the bars sum to."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import MINUS, FakeMarketServer, PageOpener, catch_up, cell_box, settle, viewport
from tests.browser.test_input import Fingers, press

pytestmark = pytest.mark.browser

LOTS = 1000  # in a unit of the fake market
TICK = 0.5


def bar(page: Any, index: int) -> dict[str, Any]:
    return dict(page.evaluate(f"footloom.bar({index})"))


def said(page: Any) -> str:
    """What a screen reader is told of the ruler."""
    page.wait_for_function(
        "[...document.querySelectorAll('[aria-live]')].some((p) => p.textContent.startsWith('Ruler'))"
    )
    texts = page.locator("[aria-live]").all_inner_texts()
    return str(next(text for text in texts if text.startswith("Ruler")))


def expected(page: Any) -> list[str]:
    """What the ruler must say, from the bars one by one."""
    ruler = viewport(page)["ruler"]
    first, last = sorted((ruler["from"]["index"], ruler["to"]["index"]))
    bars = [bar(page, index) for index in range(first, last + 1)]
    volume = sum(one["buy"] + one["sell"] + one["unknown"] for one in bars)
    delta = sum(one["buy"] - one["sell"] for one in bars)
    ticks = ruler["to"]["tick"] - ruler["from"]["tick"]
    percent = 100 * ticks / ruler["from"]["tick"]
    return [
        f"{ticks * TICK:+.1f}" if ticks else "0.0",
        f"({percent:+.2f} %)" if ticks else "(0.00 %)",
        f"{ticks:+d} tick" if ticks else "0 ticks",
        f"{len(bars)} bar",
        f"volume {volume / LOTS:.3f}",
        f"delta {delta / LOTS:+.3f}" if delta else "delta 0.000",
        f"{sum(one['trades'] for one in bars)} trades",
    ]


def check(page: Any) -> None:
    words = said(page)
    for part in expected(page):
        assert part.replace("-", MINUS) in words, f"{part!r} is not in {words!r}"


def test_shift_and_drag_measures_exactly_and_moves_nothing(open_page: PageOpener) -> None:
    page = open_page()
    before = viewport(page)
    last = bar(page, page.evaluate("footloom.bars().last"))
    start = cell_box(page, last["index"] - 6, before["centreRow"] // 1 - 6)
    end = cell_box(page, last["index"] - 2, before["centreRow"] // 1 + 8)
    page.keyboard.down("Shift")
    page.mouse.move(start["x"] + 9, start["y"] + 4)
    page.mouse.down()
    page.mouse.move(end["x"] + 9, end["y"] + 4, steps=6)
    page.mouse.up()
    page.keyboard.up("Shift")
    settle(page)
    after = viewport(page)
    assert (after["right"], after["centreRow"], after["autoScale"]) == (
        before["right"],
        before["centreRow"],
        before["autoScale"],
    )
    ruler = after["ruler"]
    assert (ruler["from"]["index"], ruler["to"]["index"]) == (last["index"] - 6, last["index"] - 2)
    assert ruler["to"]["tick"] > ruler["from"]["tick"]
    check(page)
    assert "5 bars, 5 min" in said(page)
    layer = "[...document.querySelectorAll('.pane')].find((p) => p.dataset.part === 'price').lastElementChild"
    painted = "(c) => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((v) => v > 0)"
    assert page.evaluate(f"({painted})({layer})"), "it is drawn"
    page.keyboard.press("Escape")
    settle(page)
    assert viewport(page)["ruler"] is None


def test_the_ruler_follows_the_open_bar_and_goes_with_a_click(open_page: PageOpener, fake: FakeMarketServer) -> None:
    page = open_page()
    last = page.evaluate("footloom.bars().last")
    box = cell_box(page, last - 1, viewport(page)["centreRow"] // 1)
    page.keyboard.down("Shift")
    page.mouse.move(box["x"] + 9, box["y"] + 4)
    page.mouse.down()
    page.mouse.move(box["x"] + 9 + viewport(page)["barPx"], box["y"] + 60, steps=4)
    page.mouse.up()
    page.keyboard.up("Shift")
    before = said(page)
    catch_up(page, fake.pull("ticks?n=6"))
    page.wait_for_function(f"![...document.querySelectorAll('[aria-live]')].some((p) => p.textContent === {before!r})")
    check(page)
    page.mouse.click(box["x"] + 9, box["y"] + 4)
    settle(page)
    assert viewport(page)["ruler"] is None
    assert page.locator(".inspector").count() == 0, "the click only took the ruler away"


def test_the_ruler_by_keyboard(open_page: PageOpener) -> None:
    page = open_page()
    press(page, "Alt+ArrowUp")
    press(page, "Alt+r")
    for key in ("Alt+ArrowLeft", "Alt+ArrowLeft", "Alt+ArrowDown"):
        press(page, key)
    ruler = viewport(page)["ruler"]
    assert ruler["to"]["index"] == ruler["from"]["index"] - 2
    assert ruler["to"]["tick"] == ruler["from"]["tick"] - page.evaluate("footloom.meta().ticks_per_level")
    check(page)
    assert press(page, "Alt+r")["ruler"] is None


def test_the_ruler_by_touch(open_page: PageOpener) -> None:
    page = open_page(390, 844, has_touch=True)
    before = viewport(page)
    page.get_by_role("button", name="More").tap()
    page.get_by_role("menuitem", name="Ruler").tap()
    page.get_by_text("Drag over the bars to measure").wait_for()
    fingers = Fingers(page)
    with fingers.swift():
        fingers.send("touchStart", (90, 420))
        for k in range(1, 9):
            fingers.send("touchMove", (90 + 18 * k, 420 - 8 * k))
        fingers.send("touchEnd")
    settle(page)
    after = viewport(page)
    assert after["right"] == before["right"], "it measures and does not pan"
    assert after["ruler"]["to"]["index"] > after["ruler"]["from"]["index"]
    assert not after["rulerArmed"]
    check(page)


def png_size(path: Path) -> tuple[int, int, bytes]:
    """Return width, height and the raw rows of a picture; fails on what is no whole PNG."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    packed, at = b"", 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        if data[at + 4 : at + 8] == b"IDAT":
            packed += data[at + 8 : at + 8 + length]
        at += 12 + length
    return width, height, zlib.decompress(packed)


@pytest.mark.parametrize("way", ["keys", "button"])
def test_a_picture_is_saved_with_its_legend(open_page: PageOpener, tmp_path: Path, way: str) -> None:
    page = open_page(accept_downloads=True)
    page.evaluate(
        """() => {
            window.written = [];
            const kept = CanvasRenderingContext2D.prototype.fillText;
            CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
                if (!this.canvas.isConnected) window.written.push(text);
                return kept.call(this, text, ...rest);
            };
        }"""
    )
    with page.expect_download() as download:
        if way == "keys":
            page.locator(".chart").focus()
            page.keyboard.press("Alt+s")
        else:
            page.get_by_role("button", name="More").click()
            page.get_by_role("menuitem", name="Picture of the chart").click()
    assert re.fullmatch(r"sim-PERP_1m_\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ\.png", download.value.suggested_filename)
    target = tmp_path / "chart.png"
    download.value.save_as(target)
    width, height, pixels = png_size(target)
    chart = page.locator(".chart").bounding_box()
    assert width == chart["width"]
    assert height == chart["height"] + 46
    assert len(set(pixels[:: max(1, len(pixels) // 50_000)])) > 20, "there is a chart on it"
    written = "\n".join(page.evaluate("window.written"))
    for words in ("PERP", "0.5 × 2 = 1.0", "300 % diagonal", "SIMULATED", "UTC", "Delta", "CVD"):
        assert words in written, f"{words} is not written on the picture"
    page.get_by_text("The picture is saved as").wait_for()


def test_a_picture_goes_to_the_clipboard(open_page: PageOpener) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.bring_to_front()
    press(page, "Control+Shift+S")
    page.get_by_text("The picture is in the clipboard.").wait_for()
    kinds = page.evaluate("navigator.clipboard.read().then((items) => items.flatMap((item) => item.types))")
    assert kinds == ["image/png"]


def test_a_page_without_a_clipboard_says_what_to_do(open_page: PageOpener) -> None:
    page = open_page()
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    press(page, "Control+Shift+S")
    page.get_by_text("Alt + S saves the picture as a file").wait_for()
