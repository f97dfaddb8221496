"""Mouse, wheel, keys and fingers do what the table of gestures says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.browser.conftest import (
    FakeMarketServer,
    PageOpener,
    catch_up,
    cell_box,
    chart_corner,
    last_bar,
    settle,
    viewport,
)

pytestmark = pytest.mark.browser


class Places:
    """Points of the chart in CSS pixels of the page."""

    def __init__(self, page: Any) -> None:
        view = viewport(page)
        left, top = chart_corner(page)
        price = view["boxes"]["price"]
        self.plot = (left + view["plotWidth"] * 0.4, top + price["top"] + price["height"] * 0.6)
        self.price_axis = (left + view["plotWidth"] + 30, top + price["top"] + price["height"] * 0.4)
        self.time_axis = (left + view["plotWidth"] * 0.5, top + view["timeAxis"]["top"] + 12)
        self.splitter = (left + 400, top + view["boxes"]["delta"]["top"] - 3)
        self.delta = (left + 400, top + view["boxes"]["delta"]["top"] + 30)


def wheel(page: Any, at: tuple[float, float], dx: float, dy: float) -> None:
    page.mouse.move(*at)
    page.mouse.wheel(dx, dy)
    page.wait_for_timeout(60)
    settle(page)


def drag(page: Any, at: tuple[float, float], dx: float, dy: float) -> None:
    page.mouse.move(*at)
    page.mouse.down()
    for k in range(1, 9):
        page.mouse.move(at[0] + dx * k / 8, at[1] + dy * k / 8)
    page.mouse.up()
    settle(page)


def press(page: Any, key: str) -> dict[str, Any]:
    page.locator(".chart").focus()
    page.keyboard.press(key)
    settle(page)
    return viewport(page)


def test_wheel_zooms_time_about_the_cursor(open_page: PageOpener) -> None:
    page = open_page()
    places = Places(page)
    drag(page, places.plot, 600, 0)  # at the newest bar zooming out would leave emptiness behind it
    before = viewport(page)
    x = places.plot[0] - chart_corner(page)[0]
    index = before["right"] - (before["plotWidth"] - x) / before["barPx"]
    wheel(page, places.plot, 0, 120)
    after = viewport(page)
    assert after["barPx"] < before["barPx"]
    assert after["rowPx"] == before["rowPx"]
    assert after["right"] - (after["plotWidth"] - x) / after["barPx"] == pytest.approx(index, abs=0.05)
    wheel(page, places.plot, 0, -120)
    assert viewport(page)["barPx"] == pytest.approx(before["barPx"], abs=1.01)


def test_ctrl_wheel_and_the_price_axis_zoom_the_price(open_page: PageOpener) -> None:
    page = open_page()
    places = Places(page)
    before = viewport(page)
    page.keyboard.down("Control")
    wheel(page, places.plot, 0, -240)
    page.keyboard.up("Control")
    closer = viewport(page)
    assert closer["rowPx"] > before["rowPx"]
    assert closer["barPx"] == before["barPx"]
    wheel(page, places.price_axis, 0, 360)
    assert viewport(page)["rowPx"] < closer["rowPx"]


def test_shift_wheel_and_sideways_swipes_pan(open_page: PageOpener) -> None:
    page = open_page()
    places = Places(page)
    before = viewport(page)
    page.keyboard.down("Shift")
    wheel(page, places.plot, 0, -300)
    page.keyboard.up("Shift")
    after = viewport(page)
    assert after["right"] < before["right"]
    assert after["barPx"] == before["barPx"]
    wheel(page, places.plot, 300, 0)
    assert viewport(page)["right"] == pytest.approx(before["right"], abs=0.1)


def test_dragging_the_pane_pans_both_ways(open_page: PageOpener) -> None:
    page = open_page()
    before = viewport(page)
    drag(page, Places(page).plot, 200, 90)
    after = viewport(page)
    assert after["right"] == pytest.approx(before["right"] - 200 / before["barPx"], abs=0.1)
    assert after["centreRow"] == pytest.approx(before["centreRow"] + 90 / before["rowPx"], abs=0.3)
    assert after["autoScale"] == "manual"


def test_a_sideways_drag_leaves_the_price_scale_on_its_own(open_page: PageOpener) -> None:
    page = open_page()
    for dx, dy in ((220, 6), (-220, 22), (400, -110)):
        drag(page, Places(page).plot, dx, dy)
        assert viewport(page)["autoScale"] == "centre", f"after a drag by {dx}, {dy}"


def test_dragging_axes_scales_them(open_page: PageOpener) -> None:
    page = open_page()
    places = Places(page)
    before = viewport(page)
    drag(page, places.price_axis, 0, 60)
    tighter = viewport(page)
    assert tighter["rowPx"] < before["rowPx"]
    drag(page, places.time_axis, -150, 0)
    assert viewport(page)["barPx"] > before["barPx"]


def test_double_clicks(open_page: PageOpener) -> None:
    page = open_page()
    places = Places(page)
    drag(page, places.plot, 400, 200)
    assert viewport(page)["autoScale"] == "manual"
    page.mouse.dblclick(*places.price_axis)
    settle(page)
    assert viewport(page)["autoScale"] != "manual"
    assert not viewport(page)["following"]
    wheel(page, places.plot, 0, 500)
    page.mouse.dblclick(*places.time_axis)
    settle(page)
    view = viewport(page)
    assert view["following"]
    assert 12 <= view["to"] - view["from"] + 1 <= 20
    page.mouse.dblclick(*places.plot)
    settle(page)
    assert viewport(page)["maximised"] == "price"
    assert viewport(page)["boxes"]["delta"]["height"] == 0
    page.wait_for_timeout(400)
    assert page.locator(".inspector").count() == 0, "a double click is no click on a cell"
    page.mouse.dblclick(*places.plot)
    settle(page)
    assert viewport(page)["maximised"] is None


def test_arrows_plus_minus_home_end(open_page: PageOpener) -> None:
    page = open_page()
    start = viewport(page)
    assert press(page, "ArrowLeft")["right"] == pytest.approx(start["right"] - 1)
    half = press(page, "Control+ArrowLeft")
    assert half["right"] == pytest.approx(start["right"] - 1 - start["plotWidth"] / start["barPx"] / 2, abs=0.1)
    assert press(page, "+")["barPx"] > start["barPx"]
    assert press(page, "-")["barPx"] == pytest.approx(start["barPx"], abs=1.01)
    oldest = press(page, "Home")
    assert oldest["from"] == pytest.approx(page.evaluate("footloom.bars().first"), abs=1)
    assert press(page, "End")["following"]


def test_letters_a_and_brackets(open_page: PageOpener) -> None:
    page = open_page()
    seen = [viewport(page)["autoScale"]] + [press(page, "a")["autoScale"] for _ in range(3)]
    assert set(seen) == {"fit", "centre", "manual"}
    assert seen[0] == seen[3]
    page.keyboard.press("]")
    page.wait_for_function("footloom.meta().ticks_per_level === 5")
    page.keyboard.press("[")
    page.wait_for_function("footloom.meta().ticks_per_level === 2")


def test_alt_digits_choose_what_cells_show(open_page: PageOpener) -> None:
    page = open_page()
    assert press(page, "Alt+2")["mode"] == "delta"
    assert press(page, "Alt+3")["mode"] == "volume"
    assert press(page, "Alt+1")["mode"] == "bid-ask"


def test_typing_opens_the_interval_box(open_page: PageOpener) -> None:
    page = open_page()
    press(page, "1")
    box = page.locator("#interval")
    box.wait_for()
    assert box.input_value() == "1"
    page.keyboard.type("5")
    page.keyboard.press("Enter")
    page.wait_for_function("footloom.meta().bars === '15m'")
    assert "bars=15m" in page.evaluate("location.hash")
    assert box.count() == 0


def test_typing_letters_and_the_slash_open_the_search(open_page: PageOpener) -> None:
    page = open_page()
    press(page, "f")
    search = page.get_by_role("combobox")
    search.wait_for()
    assert search.input_value() == "f"
    page.keyboard.press("Escape")
    search.wait_for(state="detached")
    press(page, "/")
    search.wait_for()
    page.keyboard.type("fut")
    page.keyboard.press("Enter")
    page.wait_for_function("footloom.meta().symbol === 'sim:FUT'")
    press(page, "Control+k")
    search.wait_for()
    page.keyboard.type("light theme")
    page.keyboard.press("Enter")
    page.wait_for_function("document.documentElement.dataset.theme === 'light'")


def test_a_search_without_a_hit_opens_what_is_written_as_a_symbol(open_page: PageOpener) -> None:
    page = open_page()
    press(page, "/")
    page.keyboard.type("zzz")
    page.get_by_text("Nothing is called “zzz”.").wait_for()
    page.keyboard.press("Control+a")
    page.keyboard.type("binance_usdm:ETHUSDT")
    page.get_by_text("Open binance_usdm:ETHUSDT").wait_for()


def test_zooming_out_stops_where_all_bars_fill_half_of_the_pane(open_page: PageOpener) -> None:
    page = open_page()
    page.wait_for_function("footloom.viewport().paging === 'complete'")
    for _ in range(30):
        page.mouse.move(*Places(page).plot)
        page.mouse.wheel(0, 240)
    page.wait_for_function("footloom.viewport().paging === 'complete'")
    for _ in range(3):
        wheel(page, Places(page).plot, 0, 240)
    view = viewport(page)
    filled = page.evaluate("footloom.bars().count") * view["barPx"] / view["plotWidth"]
    assert 0.4 < filled < 0.6, f"{filled=}, {view}"


def test_the_key_map_opens_and_closes(open_page: PageOpener) -> None:
    page = open_page()
    press(page, "?")
    page.get_by_text("Keys, mouse and touch").wait_for()
    page.keyboard.press("Escape")
    page.get_by_text("Keys, mouse and touch").wait_for(state="detached")


def test_the_read_out_moves_by_keyboard(open_page: PageOpener) -> None:
    page = open_page()
    press(page, "Alt+ArrowUp")
    first = viewport(page)["cursor"]
    assert first["index"] == page.evaluate("footloom.bars().last")
    second = (press(page, "Alt+ArrowLeft"), press(page, "Alt+ArrowDown"))[1]["cursor"]
    assert (second["index"], second["row"]) == (first["index"] - 1, first["row"] - 1)


def test_going_away_and_back_to_live(open_page: PageOpener, fake: FakeMarketServer) -> None:
    page = open_page()
    drag(page, Places(page).plot, 500, 0)
    button = page.get_by_role("button", name="Go to live")
    button.wait_for()
    before = viewport(page)["right"]
    catch_up(page, fake.pull("bars?n=1"))
    assert viewport(page)["right"] == before
    button.click()
    settle(page)
    assert viewport(page)["following"]
    assert button.count() == 0


def test_the_splitter_gives_a_pane_more_room(open_page: PageOpener) -> None:
    page = open_page()
    before = viewport(page)["boxes"]
    drag(page, Places(page).splitter, 0, -80)
    after = viewport(page)["boxes"]
    assert after["delta"]["height"] == pytest.approx(before["delta"]["height"] + 80, abs=3)
    assert after["price"]["height"] == pytest.approx(before["price"]["height"] - 80, abs=3)


def test_the_place_is_kept_when_the_step_changes(open_page: PageOpener) -> None:
    page = open_page()
    drag(page, Places(page).plot, 600, 0)
    before = viewport(page)
    opens = page.evaluate(f"footloom.bar({before['to']}).openNs")
    page.keyboard.press("]")
    page.wait_for_function("footloom.meta().ticks_per_level === 5")
    settle(page)
    after = viewport(page)
    assert not after["following"]
    assert page.evaluate(f"footloom.bar({after['to']}).openNs") == opens


# --- touch ------------------------------------------------------------------------------------------------------------


REST_MS = 380  # `holdMs` of web/src/model/gestures.ts: from then on a finger that has not moved rests
SWIFT = """([isSwift, restMs]) => {
    window.patientTimeout ??= window.setTimeout;
    const swift = (run, ms, ...rest) => (ms === restMs ? 0 : window.patientTimeout(run, ms, ...rest));
    window.setTimeout = isSwift ? swift : window.patientTimeout;
}"""


class Fingers:
    """Touches through the browser's own protocol."""

    def __init__(self, page: Any) -> None:
        self.page, self.session = page, page.context.new_cdp_session(page)

    @contextmanager
    def swift(self) -> Iterator[None]:
        """Fingers that never rest: on a busy machine the first movement comes so late that they would."""
        self.page.evaluate(SWIFT, [True, REST_MS])
        yield
        self.page.evaluate(SWIFT, [False, REST_MS])

    def send(self, kind: str, *points: tuple[float, float]) -> None:
        touches = [{"x": x, "y": y, "id": k} for k, (x, y) in enumerate(points)]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})


def test_one_finger_pans(open_page: PageOpener) -> None:
    page = open_page(390, 844, has_touch=True)
    before = viewport(page)
    fingers = Fingers(page)
    x, y = 100.0, 420.0
    with fingers.swift():
        fingers.send("touchStart", (x, y))
        for k in range(1, 9):
            fingers.send("touchMove", (x + 15 * k, y))
        fingers.send("touchEnd")
    settle(page)
    assert viewport(page)["right"] < before["right"] - 1
    assert viewport(page)["barPx"] == before["barPx"]


def test_two_fingers_zoom(open_page: PageOpener) -> None:
    page = open_page(390, 844, has_touch=True)
    before = viewport(page)
    fingers = Fingers(page)
    fingers.send("touchStart", (120, 420), (200, 420))
    for k in range(1, 9):
        fingers.send("touchMove", (120 - 6 * k, 420), (200 + 6 * k, 420))
    fingers.send("touchEnd")
    settle(page)
    assert viewport(page)["barPx"] > before["barPx"] * 1.5
    assert viewport(page)["rowPx"] > before["rowPx"]


def test_a_long_press_is_the_crosshair(open_page: PageOpener) -> None:
    page = open_page(390, 844, has_touch=True)
    before = viewport(page)
    bar = last_bar(page)
    box = cell_box(page, bar["index"], bar["cells"][0]["row"])
    fingers = Fingers(page)
    fingers.send("touchStart", (box["x"] + 20, box["y"] + 5))
    page.wait_for_function(f"footloom.viewport().cursor?.index === {bar['index']}")
    fingers.send("touchMove", (box["x"] - 60, box["y"] + 5))
    page.wait_for_function(f"footloom.viewport().cursor?.index === {bar['index'] - 1}")
    fingers.send("touchEnd")
    settle(page)
    assert viewport(page)["right"] == before["right"]
    assert page.locator(".inspector").count() == 0
