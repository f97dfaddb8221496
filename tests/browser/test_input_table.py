"""Every row of the key map is done by mouse, by keyboard and by touch; what it changes is looked at each time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.browser.conftest import Drawer, FakeMarketServer, begin, cell_box, is_shown, opened, settle, viewport
from tests.browser.test_input import Fingers, Places, drag, wheel

pytestmark = pytest.mark.browser

PATIENCE_S = 30

View = dict[str, Any]
Do = Callable[[Any], None]
Check = Callable[[View, View], bool]


@dataclass(frozen=True)
class Case:
    """One thing to do, by one device, and what has to have come of it."""

    row: str  # of the key map, by its keys
    by: str  # mouse, keys or touch
    do: Do
    check: Check | str  # of the view before and after; or a selector of what has to have come


def key(*names: str) -> Do:
    def press(page: Any) -> None:
        page.locator(".chart").focus()
        for name in names:
            page.keyboard.press(name)

    return press


def typed(text: str) -> Do:
    def write(page: Any) -> None:
        page.locator(".chart").focus()
        page.keyboard.type(text)

    return write


def wheeled(place: str, dx: float, dy: float, held: str | None = None) -> Do:
    def turn(page: Any) -> None:
        if held:
            page.keyboard.down(held)
        wheel(page, getattr(Places(page), place), dx, dy)
        if held:
            page.keyboard.up(held)

    return turn


def dragged(place: str, dx: float, dy: float, held: str | None = None) -> Do:
    def pull(page: Any) -> None:
        if held:
            page.keyboard.down(held)
        drag(page, getattr(Places(page), place), dx, dy)
        if held:
            page.keyboard.up(held)

    return pull


def twice(place: str) -> Do:
    """A double click: its moments are said, so that it is one on a machine that is busy too."""

    def click(page: Any) -> None:
        session, (x, y), now = page.context.new_cdp_session(page), getattr(Places(page), place), time.time()
        for count in (1, 2):
            for k, kind in enumerate(("mousePressed", "mouseReleased")):
                at = {"x": x, "y": y, "button": "left", "clickCount": count, "timestamp": now + 0.1 * count + 0.02 * k}
                session.send("Input.dispatchMouseEvent", {"type": kind, **at})

    return click


def after(first: Do, then: Do) -> Do:
    def both(page: Any) -> None:
        first(page)
        settle(page)
        then(page)

    return both


def rest(page: Any) -> None:
    """No finger taps so soon after a swipe: Chromium takes that for the half of a double tap."""
    page.wait_for_timeout(800)


def swiped(place: str, dx: float, dy: float) -> Do:
    def swipe(page: Any) -> None:
        fingers, (x, y) = Fingers(page), getattr(Places(page), place)
        with fingers.swift():
            fingers.send("touchStart", (x, y))
            for k in range(1, 7):
                fingers.send("touchMove", (x + dx * k / 6, y + dy * k / 6))
            fingers.send("touchEnd")

    return swipe


def pinched(spread: float) -> Do:
    def pinch(page: Any) -> None:
        fingers, (x, y) = Fingers(page), Places(page).plot
        fingers.send("touchStart", (x - 40, y), (x + 40, y))
        for k in range(1, 7):
            fingers.send("touchMove", (x - 40 - spread * k / 6, y), (x + 40 + spread * k / 6, y))
        fingers.send("touchEnd")

    return pinch


def tapped_twice(place: str) -> Do:
    def tap(page: Any) -> None:
        session, (x, y), now = page.context.new_cdp_session(page), getattr(Places(page), place), time.time()
        for count in (1, 2):
            touches = {"touchStart": [{"x": x, "y": y, "id": 0}], "touchEnd": []}
            for k, (kind, points) in enumerate(touches.items()):
                words = {"type": kind, "touchPoints": points, "timestamp": now + 0.1 * count + 0.02 * k}
                session.send("Input.dispatchTouchEvent", words)

    return tap


def chosen(*names: str) -> Do:
    """Press buttons by their names, with the mouse or a finger, whichever the page has."""

    def choose(page: Any) -> None:
        for name in names:
            one = page.get_by_role("button", name=name).or_(page.get_by_role("menuitem", name=name))
            one = one.or_(page.get_by_role("option", name=name, exact=True)).or_(page.get_by_role("radio", name=name))
            (one.first.tap if page.has_touch else one.first.click)()

    return choose


def closed(page: Any) -> None:
    button = page.locator(".dialog").get_by_role("button", name="Close")
    (button.tap if page.has_touch else button.click)()


def at_cell(act: Callable[[Any, float, float], None]) -> Do:
    """Do it at a cell of the bar before the newest that has trades."""

    def there(page: Any) -> None:
        bar = page.evaluate("footloom.bar(footloom.bars().last - 1)")
        cell = max(bar["cells"], key=lambda one: one["trades"])
        box = cell_box(page, bar["index"], cell["row"])
        act(page, box["x"] + box["width"] / 3, box["y"] + box["height"] / 2)

    return there


def rested(page: Any, x: float, y: float) -> None:
    fingers = Fingers(page)
    fingers.send("touchStart", (x, y))
    page.wait_for_function("footloom.viewport().cursor !== null")
    fingers.send("touchEnd")


def measured_by_touch(page: Any) -> None:
    chosen("More", "Ruler")(page)
    page.get_by_text("Drag over the bars to measure").wait_for()
    swiped("plot", 60, -40)(page)


def saved(way: Do) -> Do:
    def save(page: Any) -> None:
        with page.expect_download() as download:
            way(page)
        assert download.value.suggested_filename.endswith(".png")

    return save


def differs(name: str) -> Check:
    return lambda before, now: bool(before[name] != now[name])


def becomes(name: str, value: object) -> Check:
    return lambda _before, now: bool(now[name] == value)


def earlier(before: View, now: View) -> bool:
    return bool(now["right"] < before["right"] - 0.9 and now["barPx"] == before["barPx"])


def wider(before: View, now: View) -> bool:
    return bool(now["barPx"] > before["barPx"])


def higher(before: View, now: View) -> bool:
    return bool(now["rowPx"] > before["rowPx"] and now["barPx"] == before["barPx"])


def away(before: View, now: View) -> bool:
    return bool(now["ruler"] is None and before["ruler"] is None and not now["rulerArmed"])


RULER = lambda _before, now: now["ruler"] is not None  # noqa: E731
POINTED = lambda _before, now: now["cursor"] is not None  # noqa: E731
BACK = dragged("plot", 420, 0)
TABLE = "[data-testid=bar-table]"
TRADES = ".inspector .list"
SAID = ".toast"

BASE = ("barPx", "right", "following", "autoScale", "maximised", "mode", "ruler", "cursor", "step", "dialogs")

WHEEL, PRICE, PAN = "wheel", "Ctrl + wheel, wheel on the price axis", "Shift + wheel, sideways swipe"
DRAG, DOUBLE = "drag the pane, an axis", "double click price axis, time axis, pane"
RULE, CLICK = "Shift + drag, Alt + R", "click a cell, Ctrl + Enter"
ARROWS, HALF, ZOOM, CTRL_UP = "← → ↑ ↓", "Ctrl + ← →", "+ −", "Ctrl + ↑ ↓"
ENDS, AUTO, STEP, MODE = "Home, End", "A", "[ ]", "Alt + 1 to 6"
READ, DATA, DIGITS, LETTERS = "Alt + arrows", "Enter", "digits, $", "letters, / or Ctrl + K"
SAVE, LAYOUTS, HELP, ESC = "Alt + S, Ctrl + Shift + S", "Alt + L", "?", "Esc"
FINGERS = "one finger, pinch, long press"

DESK = [
    Case(WHEEL, "mouse", wheeled("plot", 0, -120), wider),
    Case(ZOOM, "keys", key("+"), wider),
    Case(PRICE, "mouse", wheeled("price_axis", 0, -240), higher),
    Case(PRICE, "mouse", wheeled("plot", 0, -240, "Control"), higher),
    Case(CTRL_UP, "keys", key("Control+ArrowUp"), higher),
    Case(PAN, "mouse", wheeled("plot", 0, -300, "Shift"), earlier),
    Case(PAN, "mouse", wheeled("plot", -300, 0), earlier),
    Case(ARROWS, "keys", key("ArrowLeft"), earlier),
    Case(ARROWS, "keys", key("ArrowUp"), differs("centreRow")),
    Case(HALF, "keys", key("Control+ArrowLeft"), earlier),
    Case(DRAG, "mouse", dragged("plot", 200, 0), earlier),
    Case(DRAG, "mouse", dragged("price_axis", 0, -60), higher),
    Case(DRAG, "mouse", dragged("time_axis", -150, 0), wider),
    Case(DOUBLE, "mouse", after(dragged("plot", 200, 160), twice("price_axis")), becomes("autoScale", "centre")),
    Case(DOUBLE, "mouse", after(BACK, twice("time_axis")), becomes("following", value=True)),
    Case(DOUBLE, "mouse", twice("plot"), becomes("maximised", "price")),
    Case(DOUBLE, "keys", key("Alt+m"), becomes("maximised", "price")),
    Case(ENDS, "keys", key("Home"), becomes("following", value=False)),
    Case(ENDS, "keys", after(BACK, key("End")), becomes("following", value=True)),
    Case(ENDS, "mouse", after(BACK, chosen("Go to live")), becomes("following", value=True)),
    Case(AUTO, "keys", key("a"), differs("autoScale")),
    Case(AUTO, "mouse", chosen("Price scale ( A )", "Fit"), becomes("autoScale", "fit")),
    Case(STEP, "keys", key("]"), differs("step")),
    Case(STEP, "mouse", chosen("Coarser study step"), differs("step")),
    Case(MODE, "keys", key("Alt+5"), becomes("mode", "profile")),
    Case(MODE, "mouse", chosen("Cells show", "Volume"), becomes("mode", "volume")),
    Case(RULE, "mouse", dragged("plot", 120, 60, "Shift"), RULER),
    Case(RULE, "keys", key("Alt+ArrowUp", "Alt+r", "Alt+ArrowLeft"), RULER),
    Case(READ, "keys", key("Alt+ArrowUp"), POINTED),
    Case(READ, "mouse", at_cell(lambda page, x, y: page.mouse.move(x, y)), POINTED),
    Case(CLICK, "mouse", at_cell(lambda page, x, y: page.mouse.click(x, y)), TRADES),
    Case(CLICK, "keys", key("Alt+ArrowUp", "Control+Enter"), TRADES),
    Case(DATA, "keys", key("Enter"), TABLE),
    Case(DATA, "mouse", chosen("More", "Data table of the bar"), TABLE),
    Case(DIGITS, "keys", typed("15"), "#interval"),
    Case(DIGITS, "keys", typed("$"), "#interval"),
    Case(DIGITS, "mouse", chosen("Bars: 1m"), "[role=tabpanel]"),
    Case(LETTERS, "keys", typed("r"), ".search"),
    Case(LETTERS, "keys", key("/"), ".search"),
    Case(LETTERS, "keys", key("Control+k"), ".search"),
    Case(LETTERS, "mouse", chosen("Symbol sim:PERP"), ".search"),
    Case(SAVE, "keys", saved(key("Alt+s")), SAID),
    Case(SAVE, "keys", key("Control+Shift+S"), SAID),
    Case(SAVE, "mouse", saved(chosen("More", "Picture of the chart")), SAID),
    Case(LAYOUTS, "keys", key("Alt+l"), ".dialog.layouts"),
    Case(LAYOUTS, "mouse", chosen("More", "Layouts"), ".dialog.layouts"),
    Case(HELP, "keys", key("?"), ".dialog.keys"),
    Case(HELP, "mouse", chosen("More", "Keys, mouse and touch"), ".dialog.keys"),
    Case(ESC, "keys", after(dragged("plot", 120, 60, "Shift"), key("Escape")), away),
    Case(ESC, "mouse", after(key("?"), closed), lambda _before, now: now["dialogs"] == 0),
]
PHONE = [
    Case(FINGERS, "touch", swiped("plot", 90, 0), earlier),
    Case(FINGERS, "touch", pinched(40), wider),
    Case(FINGERS, "touch", at_cell(rested), POINTED),
    Case(WHEEL, "touch", swiped("time_axis", -60, 0), wider),
    Case(ZOOM, "touch", pinched(30), wider),
    Case(PRICE, "touch", swiped("price_axis", 0, -60), higher),
    Case(CTRL_UP, "touch", swiped("price_axis", 0, -40), higher),
    Case(PAN, "touch", swiped("plot", 120, 0), earlier),
    Case(ARROWS, "touch", swiped("plot", 100, 0), earlier),
    Case(HALF, "touch", swiped("plot", 140, 0), earlier),
    Case(DRAG, "touch", swiped("plot", 20, 90), differs("centreRow")),
    Case(DOUBLE, "touch", after(swiped("plot", 20, 120), tapped_twice("price_axis")), becomes("autoScale", "centre")),
    Case(DOUBLE, "touch", after(swiped("plot", 140, 0), tapped_twice("time_axis")), becomes("following", value=True)),
    Case(DOUBLE, "touch", tapped_twice("plot"), becomes("maximised", "price")),
    Case(
        ENDS,
        "touch",
        after(after(swiped("plot", 140, 0), rest), chosen("Go to live")),
        becomes("following", value=True),
    ),
    Case(AUTO, "touch", chosen("Settings", "Fit"), becomes("autoScale", "fit")),
    Case(STEP, "touch", chosen("Settings", "Coarser"), differs("step")),
    Case(MODE, "touch", chosen("Settings", "Profile"), becomes("mode", "profile")),
    Case(RULE, "touch", measured_by_touch, RULER),
    Case(READ, "touch", at_cell(rested), POINTED),
    Case(CLICK, "touch", at_cell(lambda page, x, y: page.touchscreen.tap(x, y)), TRADES),
    Case(DATA, "touch", chosen("More", "Data table of the bar"), TABLE),
    Case(DIGITS, "touch", chosen("Bars: 1m"), "[role=tabpanel]"),
    Case(LETTERS, "touch", chosen("Symbol sim:PERP"), ".search"),
    Case(SAVE, "touch", saved(chosen("More", "Picture of the chart")), SAID),
    Case(LAYOUTS, "touch", chosen("More", "Layouts"), ".dialog.layouts"),
    Case(HELP, "touch", chosen("More", "Keys, mouse and touch"), ".dialog.keys"),
    Case(ESC, "touch", after(chosen("More", "Layouts"), closed), lambda _before, now: now["dialogs"] == 0),
]


def state(page: Any) -> View:
    found = page.evaluate(
        "({step: footloom.meta().ticks_per_level, dialogs: document.querySelectorAll('.dialog').length})"
    )
    return {**viewport(page), **found}


@pytest.fixture(scope="module")
def desk(drawer: Drawer, fake: FakeMarketServer) -> Iterator[Any]:
    with opened(drawer, fake, 1280, 720, accept_downloads=True) as page:
        page.has_touch, page.first = False, first_view(page)
        yield page


@pytest.fixture(scope="module")
def phone(drawer: Drawer, fake: FakeMarketServer) -> Iterator[Any]:
    with opened(drawer, fake, 390, 844, has_touch=True, accept_downloads=True) as page:
        page.has_touch, page.first = True, first_view(page)
        yield page


def first_view(page: Any) -> View:
    page.evaluate("footloom.begin()")
    settle(page)
    return state(page)


def anew(page: Any, first: View) -> View:
    """Bring the page back to where it began; only another study step takes loading it again."""
    page.keyboard.press("Escape")
    page.mouse.move(0, 0)
    now = first_view(page)
    if now["step"] != first["step"]:
        begin(page)
        is_shown(page)
        now = first_view(page)
    assert {name: now[name] for name in BASE} == {name: first[name] for name in BASE}
    return now


def holds(page: Any, case: Case) -> None:
    before = anew(page, page.first)
    case.do(page)
    if isinstance(case.check, str):
        page.locator(case.check).first.wait_for()
        return
    settle(page)
    end = time.monotonic() + PATIENCE_S
    while not case.check(before, now := state(page)):  # what the server answers takes its time
        assert time.monotonic() < end, f"{case.row} by {case.by}: {before} became {now}"
        page.wait_for_timeout(50)


def rows_of_the_key_map(page: Any) -> set[str]:
    anew(page, page.first)
    key("?")(page)
    return set(page.locator(".dialog.keys dt").all_inner_texts())


def test_every_row_of_the_key_map_is_tried_by_mouse_or_keys_and_by_touch(desk: Any) -> None:
    rows = rows_of_the_key_map(desk)
    assert {case.row for case in DESK} | {FINGERS} == rows
    assert {case.row for case in PHONE} == rows


@pytest.mark.parametrize("row", sorted({case.row for case in DESK}))
def test_by_mouse_and_keyboard(desk: Any, row: str) -> None:
    for case in DESK:
        if case.row == row:
            holds(desk, case)


@pytest.mark.parametrize("row", sorted({case.row for case in PHONE}))
def test_by_touch(phone: Any, row: str) -> None:
    for case in PHONE:
        if case.row == row:
            holds(phone, case)
