"""The page on the real server: `footloom demo`, as a new user starts it."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import cell_box, figure

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FOOTLOOM = Path(sys.executable).with_name("footloom")
PATIENCE_S = 120
HIDES_MS = 200  # a tip that is to go has gone by then
TIP = """[...document.querySelectorAll('.chart-tip')].some((one) =>
    one.innerText !== '' && getComputedStyle(one).visibility === 'visible')"""
PLACE = """[...document.querySelectorAll('.chart-tip')].find((one) =>
    one.innerText !== '' && getComputedStyle(one).visibility === 'visible')?.innerText.split('\\n')[0]"""
AT = "2026-03-02T14:30"  # one hour of one market, in every run


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def demo(page_bundle: Path, store: Path) -> Iterator[str]:
    """The address of a running demo."""
    del page_bundle
    if not FOOTLOOM.is_file():
        pytest.skip(f"footloom is not installed beside {sys.executable}")
    command = [str(FOOTLOOM), "demo", "--port", "0", "--no-open", "--store", str(store), "--at", AT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        said = ""
        for line in process.stdout or ():
            said += line
            ready = re.search(r"ready: (http://\S+)", line)
            if ready:
                yield ready[1]
                process.send_signal(signal.SIGINT)
                process.communicate(timeout=PATIENCE_S)
                return
    pytest.fail(f"the demo ended before it was ready:\n{said}")


@pytest.fixture
def page(chromium: Any, demo: str) -> Iterator[Any]:
    """The page as it opens, under the server's own content policy; its errors fail the test."""
    context = chromium.new_context(viewport={"width": 1280, "height": 720})
    context.set_default_timeout(PATIENCE_S * 1000)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.goto(demo)
    until(page, "window.footloom?.bars().count > 0 && footloom.status() !== null")
    yield page
    context.close()
    assert problems == []


# The content policy forbids `eval`, which is what Playwright's own waiting uses.
def until(page: Any, condition: str) -> None:
    """Wait until something holds on the page."""
    end = time.monotonic() + PATIENCE_S
    while not page.evaluate(f"Boolean(window.footloom && ({condition}))"):
        assert time.monotonic() < end, f"did not come about: {condition}"
        page.wait_for_timeout(100)


def test_it_opens_with_nothing_to_click_and_moves(page: Any) -> None:
    view = page.evaluate("footloom.viewport()")
    assert page.evaluate("footloom.meta().symbol") == "sim:PERP"
    assert 12 <= view["to"] - view["from"] + 1 <= 20
    assert view["rowPx"] >= 12
    trades = "JSON.stringify([footloom.bar().index, footloom.bar().trades])"
    before = page.evaluate(trades)
    until(page, f"{trades} !== {before!r}")
    until(page, "footloom.bars().count > 1000")


def test_its_numbers_add_up(page: Any) -> None:
    for back in range(1, 12):
        bar = page.evaluate(f"footloom.bar(footloom.bars().last - {back})")
        assert bar["table"]["adds"]
        assert sum(cell["buy"] for cell in bar["cells"]) == bar["buy"]
        assert sum(cell["sell"] for cell in bar["cells"]) == bar["sell"]


def test_a_cell_lists_its_trades(page: Any) -> None:
    bar = page.evaluate("footloom.bar(footloom.bars().last - 2)")
    view = page.evaluate("footloom.viewport()")
    rows = [cell for cell in bar["cells"] if view["lowRow"] + 2 < cell["row"] < view["highRow"] - 10]
    cell = max(rows, key=lambda one: one["trades"])
    box = cell_box(page, bar["index"], cell["row"])
    page.mouse.click(box["x"] + 8, box["y"] + box["height"] / 2)
    page.get_by_text("the trades add up to the cell").wait_for()
    total = sum(Decimal(text) for text in page.locator(".inspector .list tbody td:nth-child(3)").all_inner_texts())
    if cell["trades"] <= 500:
        assert total * 1000 == cell["buy"] + cell["sell"] + cell["unknown"]


def test_inferred_sides_are_said(page: Any) -> None:
    page.evaluate("document.querySelector('.chart').focus()")
    page.keyboard.type("/")
    page.keyboard.type("fut")
    page.keyboard.press("Enter")
    until(page, "footloom.meta().symbol === 'sim:FUT' && footloom.status() !== null")
    page.get_by_text(re.compile("sides inferred")).first.wait_for()
    page.locator('.legend em[title*="right"]').wait_for()  # the score comes once the day was held against the truth


TABLE = """() => {
    const panel = document.querySelector('.inspector');
    const text = (node) => node.textContent.trim();
    const figures = [...panel.querySelectorAll('dl > div')].map((one) => [...one.children].map(text));
    const rows = [...panel.querySelectorAll('tbody tr')].map((row) =>
        [...row.children].map((cell) => cell.firstChild.textContent.trim()));
    return { time: text(panel.querySelector('header p')), bar: Object.fromEntries(figures), rows };
}"""
# What the table of a bar says under which name of `footloom bars`; the rest of its columns say how sides were found.
COLUMNS = {name: name for name in ("open", "high", "low", "close", "delta", "trades")} | {
    "CVD": "cvd",
    "POC": "poc",
    "VAL": "val",
    "VAH": "vah",
    "min delta": "min_delta",
    "max delta": "max_delta",
}
LEAST_BARS = 8


def stored_bars(store: Path, symbol: str, step: int, from_ns: int) -> dict[int, dict[str, Any]]:
    """What `footloom bars` prints, by the time of the open."""
    command = [str(FOOTLOOM), "bars", symbol, "--bars", "1m", "--ticks-per-level", str(step), "--cvd-reset", "session"]
    command += ["--from", str(from_ns), "--json", "--store", str(store)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    return {int(row["open_ns"]): row for row in json.loads(done.stdout)["bars"]}


def is_the_bar(shown: dict[str, Any], row: dict[str, Any], tick: Decimal) -> None:
    """Hold a data table against the row of `footloom bars`, number by number."""
    bar = shown["bar"]
    for name, column in COLUMNS.items():
        assert figure(bar[name]) == Decimal(row[column]), (name, bar, row)
    volume = sum(Decimal(row[side]) for side in ("buy", "sell", "unknown"))
    assert Decimal(bar["volume"]) == volume
    assert bar["coverage"] == f"{100 * row['coverage']:.0f} %"
    levels = {Decimal(price): (buy, sell, trades) for price, buy, sell, _unknown, trades in row["levels"]}
    prices = [Decimal(cells[0]) for cells in shown["rows"]]
    assert prices == sorted(prices, reverse=True)
    assert {one - two for one, two in itertools.pairwise(prices)} <= {tick}
    assert set(levels) <= set(prices)
    for price, bid, ask, delta, trades in shown["rows"]:
        buy, sell, count = levels.get(Decimal(price), ("0", "0", 0))
        assert (Decimal(bid), Decimal(ask), int(trades)) == (Decimal(sell), Decimal(buy), count), (price, row)
        assert figure(delta) == Decimal(buy) - Decimal(sell)


@pytest.mark.parametrize("symbol", ["sim:PERP", "sim:FUT"])
def test_the_data_tables_of_the_bars_on_screen_are_what_footloom_bars_prints(
    chromium: Any, demo: str, store: Path, symbol: str
) -> None:
    context = chromium.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.goto(f"{demo}#symbol={symbol}&bars=1m")
    until(page, f"footloom.bars().count > 20 && footloom.meta().symbol === '{symbol}'")
    meta = page.evaluate("footloom.meta()")
    shown: dict[int, dict[str, Any]] = {}
    page.evaluate("document.querySelector('.chart').focus()")
    page.keyboard.press("Alt+ArrowUp")
    page.keyboard.press("Alt+ArrowLeft")  # the newest bar is still open
    while len(shown) < LEAST_BARS:
        page.keyboard.press("Alt+ArrowLeft")
        page.keyboard.press("Enter")
        opens = int(page.evaluate("footloom.bar(footloom.viewport().cursor.index).openNs"))
        shown[opens] = page.evaluate(TABLE)
        assert page.evaluate("footloom.bar(footloom.viewport().cursor.index).final")
    context.close()
    rows = stored_bars(store, symbol, meta["ticks_per_level"], min(shown))
    assert len(shown) == LEAST_BARS
    step = Decimal(meta["tick_size"]) * meta["ticks_per_level"]
    for opens, table in shown.items():
        is_the_bar(table, rows[opens], step)


def test_a_data_table_that_is_off_by_one_is_noticed() -> None:
    row: dict[str, Any] = dict.fromkeys((*COLUMNS.values(), "buy"), "1") | {"sell": "0", "unknown": "0"}
    row |= {"coverage": 1.0, "levels": [["1", "1", "0", "0", 1]]}
    figures = dict.fromkeys((*COLUMNS, "volume"), "1")
    table: dict[str, Any] = {"bar": figures | {"coverage": "100 %"}, "rows": [["1", "0", "1", "+1", "1"]]}
    is_the_bar(table, row, Decimal(1))
    with pytest.raises(AssertionError):
        is_the_bar({**table, "rows": [["1", "0", "2", "+2", "1"]]}, row, Decimal(1))
    with pytest.raises(AssertionError):
        is_the_bar({**table, "bar": table["bar"] | {"CVD": "2"}}, row, Decimal(1))


@pytest.mark.parametrize(("typed", "bars"), [("15s", "15s"), ("5", "5m"), ("1h", "1h")])
def test_other_intervals_open(page: Any, typed: str, bars: str) -> None:
    page.evaluate("document.querySelector('.chart').focus()")
    page.keyboard.type(typed)
    page.keyboard.press("Enter")
    until(page, f"footloom.meta().bars === '{bars}' && footloom.bars().count > 0")
    assert page.evaluate("footloom.bar().table.adds")


# How many of some points of the map of changes are painted, in each of twenty frames from its first on.
WATCH_MAP = """() => {
    window.watched = { counts: [] };
    const look = () => {
        const box = document.querySelector('[aria-label^="Changes of open interest"]');
        const painted = new Set();
        for (const canvas of box?.querySelectorAll('canvas') ?? []) {
            const [width, height] = [canvas.width - 150, canvas.height - 70];
            const { data } = canvas.getContext('2d').getImageData(75, 30, width, height);
            for (let i = 0; i < 20 * 12; i++) {
                const x = Math.floor(((width - 1) * (i % 20)) / 19);
                const y = Math.floor(((height - 1) * Math.floor(i / 20)) / 11);
                if (data[4 * (y * width + x) + 3] > 0) painted.add(i);
            }
        }
        if (painted.size > 0) watched.counts.push(painted.size);
        if (watched.counts.length < 20) requestAnimationFrame(look);
    };
    look();
}"""


def test_the_option_chain_beside_the_chart_is_what_the_server_answers(page: Any) -> None:
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if "/options/chain?" in one.url else None)
    page.get_by_role("button", name="Options", exact=True).click()
    page.locator(".options tbody tr").first.wait_for()
    shown = """[document.querySelector('.options .at').textContent,
        Object.fromEntries([...document.querySelectorAll('.options .figures div')].map((one) =>
            [one.querySelector('dt').textContent, one.querySelector('dd').textContent])),
        [...document.querySelectorAll('.options tbody tr')].map((row) =>
            [row.querySelector('.strike').firstChild.textContent, row.querySelector('.call').title])]"""
    at, figures, rows = page.evaluate(shown)
    assert asked == [], "the page is told the chain, it does not ask for it"
    at_ns = time_ns(AT.partition("T")[0], at) + 59 * 10**9  # of the minute that is shown, however long ago that began
    chain = page.evaluate(f"fetch('api/v1/options/chain?symbol=sim:PERP&at_ns={at_ns}').then((one) => one.json())")
    assert chain["at_ns"] == str(at_ns)
    assert figures["Max pain"] == chain["max_pain"]
    assert figures["PCR OI"] == f"{chain['pcr_oi']:.2f}"
    assert [strike for strike, _ in rows] == [row["strike"] for row in reversed(chain["rows"])]
    for (_, title), row in zip(rows, reversed(chain["rows"]), strict=True):
        assert title.startswith(f"open interest {row['call']['oi']},")
    page.set_viewport_size({"width": 1366, "height": 768})
    tabs = page.get_by_role("tablist", name="Option screens").bounding_box()
    assert tabs["height"] < 44, "the screens stand in one line"
    page.get_by_role("tab", name="Read-out").click()
    page.get_by_text("Point of control").wait_for()
    for tab in ("OI by strike", "OI change", "PCR, max pain", "Straddle, IV", "Smile"):
        page.get_by_role("tab", name=tab).click()
        page.locator(".options canvas").first.wait_for()
    tip_stays_while_values_change(page)
    page.evaluate(WATCH_MAP)
    page.get_by_role("tab", name="OI change").click()
    until(page, "watched.counts.length === 20")
    page.locator(".options .box").focus()
    page.keyboard.press("ArrowRight")
    until(page, "/\\d\\d:\\d\\d:\\d\\d/.test(document.querySelector('.options [aria-live].sr-only').textContent)")
    counts = page.evaluate("watched.counts")
    assert set(counts) == {240}, "a map that is half painted looks like one of which half is not known"
    page.get_by_role("button", name="Close options").click()
    page.locator(".options").wait_for(state="detached")


def tip_stays_while_values_change(page: Any) -> None:
    """A chart that is drawn anew goes on saying what stands under a mouse that rests."""
    for tab in ("Smile", "OI change"):
        page.get_by_role("tab", name=tab).click()
        page.locator(".options canvas").first.wait_for()
        box = page.locator(".options .box").bounding_box()
        for step in itertools.count():  # until the chart of this tab is the one that is there
            page.mouse.move(box["x"] + box["width"] / 2 + step % 8, box["y"] + box["height"] / 2)
            if page.evaluate(TIP):
                break
            assert step < 20 * PATIENCE_S
            page.wait_for_timeout(50)
        leave_the_arrows(page)
        place = page.evaluate(PLACE)
        for theme in ("light", "dark"):
            page.evaluate(f"footloom.show({{ theme: '{theme}' }})")
            until(page, f"document.documentElement.dataset.theme === '{theme}'")
            page.wait_for_timeout(HIDES_MS)
            assert page.evaluate(TIP), tab
            assert tab != "Smile" or page.evaluate(PLACE) == place, "the strike under the mouse"
    page.mouse.move(5, 5)


def leave_the_arrows(page: Any) -> None:
    """Go to another value with the keyboard, then on with the mouse."""
    box = page.locator(".options .box")
    box.focus()
    page.keyboard.press("Home")
    until(page, "/\\S/.test(document.querySelector('.options [aria-live].sr-only').textContent)")
    led = page.evaluate(PLACE)
    for step in itertools.count():
        at = box.bounding_box()
        page.mouse.move(at["x"] + at["width"] / 2 + step % 8, at["y"] + at["height"] / 2)
        if page.evaluate(PLACE) not in (None, led):
            return
        assert step < 20 * PATIENCE_S
        page.wait_for_timeout(50)


def test_the_desk_is_one_click_and_is_undone_by_one(page: Any) -> None:
    page.get_by_role("button", name="More").click()
    page.get_by_text("NIFTY desk", exact=True).click()
    page.locator(".options tbody tr").first.wait_for()
    assert page.get_by_role("tab", name="Desk").get_attribute("aria-selected") == "true"
    until(page, "(document.querySelector('.options .below canvas')?.getBoundingClientRect().height ?? 0) > 100")
    title = page.locator("main").get_by_text("Change of open interest")
    title.wait_for()
    assert "nothing of it is stored" not in title.locator("..").inner_text()
    page.get_by_role("region", name="Option chain").focus()
    page.keyboard.press("ArrowDown")
    detail = page.get_by_label("All that is known of strike")
    detail.get_by_text("Delta, ours").wait_for()
    page.keyboard.press("Escape")
    detail.wait_for(state="detached")
    page.get_by_role("button", name="Undo").click()
    page.locator(".options").wait_for(state="detached")
    title.wait_for(state="detached")


def time_ns(day: str, text: str) -> int:
    """Return the instant of a day whose clock stands in a text."""
    clock = re.search(r"\d\d:\d\d:\d\d", text)
    assert clock is not None, text
    return int(dt.datetime.fromisoformat(f"{day}T{clock[0]}+00:00").timestamp()) * 10**9
