"""What is told beside the trades, and what studies say: the page on a real server against plain counts and the API."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.browser.test_demo import FOOTLOOM, PATIENCE_S, until
from tests.browser.told_market import BARE, MINUTE, PERP, SECOND, START, Market, build, made

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

STUDY = '''
"""How far a bar closed from its open, the widest bars marked, and levels with more buys than sells."""

from typing import Annotated, Literal

import msgspec
import numpy as np

from footloom.studies import Answer, NoState, Output

TITLE = "Reach of a bar"
OUTPUTS = (
    Output(name="reach", kind="histogram", unit="count", columns=("reach",), title="ticks from open to close"),
    Output(name="wide", kind="marker", unit="tick", columns=("wide_tick",), title="a wide bar"),
    Output(name="way", kind="marker", unit="side", columns=("way",), title="its way"),
    Output(name="heavy", kind="cell_flag", unit="flag", columns=("heavy",), title="more buys than sells"),
)


class Params(msgspec.Struct, frozen=True, kw_only=True):
    """What is wide."""

    least: Annotated[int, msgspec.Meta(ge=1, le=500, description="ticks")] = 20
    against: Literal["open", "low"] = "open"


State = NoState


def warmup(params):
    return 0


def update(run, params, state):
    bars = run.footprint.bars
    base = bars.open_tick if params.against == "open" else bars.low_tick
    reach = bars.close_tick - base
    at = np.flatnonzero(np.abs(reach) >= params.least)
    levels = run.footprint.levels
    heavy = (levels.buy_lot > levels.sell_lot).astype(np.int64)
    events = {"bar": at, "wide_tick": bars.close_tick[at], "way": np.sign(reach[at])}
    return Answer(bars={"reach": reach}, cells={"heavy": heavy}, events=events), state
'''


@pytest.fixture(scope="module")
def market() -> Market:
    return made()


@pytest.fixture(scope="module")
def url(page_bundle: Path, tmp_path_factory: pytest.TempPathFactory, market: Market) -> Iterator[str]:
    """A server of the stored market, which finds a study of another package."""
    del page_bundle
    root = tmp_path_factory.mktemp("told")
    build(root / "store", market)
    outside = root / "outside"
    info = outside / "outside-1.0.dist-info"
    info.mkdir(parents=True)
    (outside / "outside_reach.py").write_text(STUDY, encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: outside\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[footloom.studies]\nreach = outside_reach\n", encoding="utf-8")
    path = os.pathsep.join(filter(None, [str(outside), os.environ.get("PYTHONPATH", "")]))
    environment = {**os.environ, "PYTHONPATH": path, "FOOTLOOM_ON_DEMAND": "false"}
    command = [str(FOOTLOOM), "serve", "--store", str(root / "store"), "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        said = ""
        for line in process.stdout or ():
            said += line
            if "ready: http" in line:
                yield line.partition("ready: ")[2].split()[0]
                process.terminate()
                process.communicate(timeout=PATIENCE_S)
                return
    pytest.fail(f"the server ended before it was ready:\n{said}")


@pytest.fixture(scope="module")
def page(chromium: Any, url: str) -> Iterator[Any]:
    """One page for all tests, on one-minute bars of the perpetual."""
    context = chromium.new_context(viewport={"width": 1600, "height": 900}, color_scheme="dark")
    context.set_default_timeout(PATIENCE_S * 1000)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"{url}#symbol={PERP.key}&bars=1m")
    until(page, "footloom.bars().count >= 179 && footloom.meta().symbol === 'binance_usdm:BTCUSDT'")
    yield page
    context.close()
    assert problems == []


def menu(page: Any) -> Any:
    page.get_by_role("button", name="Studies and panes").first.click()
    return page.get_by_role("dialog")


def api(url: str, path: str, **query: Any) -> Any:
    with urllib.request.urlopen(f"{url}api/v1/{path}?{urlencode(query)}", timeout=PATIENCE_S) as answer:
        return json.load(answer)


def bars_of(page: Any) -> list[int]:
    return [
        int(ns)
        for ns in page.evaluate(
            "Array.from({length: footloom.bars().count}, (_n, k) => footloom.bar(footloom.bars().first + k).openNs)"
        )
    ]


def told(page: Any, name: str) -> dict[int, dict[str, Any]]:
    rows = page.evaluate(
        """(name) => {
            const { count, first } = footloom.bars();
            return Array.from({ length: count }, (_none, k) => footloom.told(name, first + k));
        }""",
        name,
    )
    return {int(row["openNs"]): row for row in rows}


def add_pane(page: Any, title: str, stream: str) -> None:
    dialog = menu(page)
    dialog.get_by_role("button", name=f"Add {title}", exact=True).click()
    dialog.get_by_role("button", name=f"Remove {title}", exact=True).wait_for()
    page.keyboard.press("Escape")
    until(page, f"footloom.told('{stream}')?.isNone === false")


def test_open_interest_and_its_change_are_what_was_told(page: Any, market: Market) -> None:
    add_pane(page, "Open interest", "open_interest")
    add_pane(page, "Change of open interest", "open_interest")
    until(page, "footloom.told('open_interest', footloom.bars().first).oi !== null")
    shown = told(page, "open_interest")
    before = {START + second * SECOND: lots for second, lots in market.interest}
    times = sorted(before)
    for opened in bars_of(page):
        inside = [at for at in times if opened <= at < opened + MINUTE]
        stood = [at for at in times if at < opened]
        assert shown[opened]["oi"] == before[inside[-1]]
        values = [before[stood[-1]], *(before[at] for at in inside)]
        moved = any(a != b for a, b in zip(values, values[1:], strict=False))
        assert shown[opened]["change"] == (values[-1] - values[0] if moved else None)
    assert sum(row["change"] is not None for row in shown.values()) > 40
    assert {row["span"] for row in shown.values() if row["change"] is not None} >= {3}
    title = page.locator(".title[data-pane='stream open_interest']")
    last = market.interest[-1][1]
    title.filter(has_text=f"{last // 1000}.{last % 1000:03d}").wait_for()


def test_funding_and_liquidations_are_what_was_told(page: Any, market: Market) -> None:
    add_pane(page, "Funding", "funding")
    add_pane(page, "Liquidations", "liquidations")
    until(page, "footloom.told('liquidations', footloom.bars().first).long !== undefined")
    until(page, "footloom.told('funding', footloom.bars().first).rate !== null")
    funding, forced = told(page, "funding"), told(page, "liquidations")
    first = START + market.forced[0][0] * SECOND
    for opened in bars_of(page):
        minute = (opened - START) // SECOND
        mark = [row for row in market.marks if minute <= row[0] < minute + 60][-1]
        assert funding[opened]["rate"] == pytest.approx(mark[3] / 1e6)
        assert funding[opened]["premium"] == pytest.approx(100 * (mark[1] - mark[2]) / mark[2])
        inside = [row for row in market.forced if minute <= row[0] < minute + 60]
        if opened + MINUTE <= first:
            assert forced[opened]["long"] is None, "nobody listened yet: unknown, not zero"
        elif inside or opened <= START + market.forced[-1][0] * SECOND:
            assert forced[opened]["long"] == sum(lots for _, lots, side in inside if side == -1)
            assert forced[opened]["short"] == sum(lots for _, lots, side in inside if side == 1)
    page.locator(".title[data-pane='stream liquidations']").filter(has_text="at least").wait_for()


def test_a_symbol_without_the_data_gets_no_pane_and_is_told_so(page: Any) -> None:
    height = "footloom.viewport().boxes['stream open_interest']?.height"
    if page.evaluate(height) is None:  # the tests of a file may run in several processes
        add_pane(page, "Open interest", "open_interest")
    until(page, f"{height} > 40")
    page.evaluate("location.hash = ''")
    page.goto(page.url.partition("#")[0] + f"#symbol={BARE.key}&bars=1m")
    page.reload()
    until(page, f"footloom.meta()?.symbol === '{BARE.key}' && footloom.told('open_interest')?.isNone === true")
    until(page, f"{height} < 30")
    title = page.locator(".title[data-pane='stream open_interest']")
    title.filter(has_text=f"nothing of it is stored of {BARE.key}").wait_for()
    page.goto(page.url.partition("#")[0] + f"#symbol={PERP.key}&bars=1m")
    page.reload()
    until(page, f"footloom.meta()?.symbol === '{PERP.key}' && footloom.told('open_interest')?.isNone === false")
    until(page, f"{height} > 40")


def studied(page: Any, *studies: tuple[str, dict[str, Any]]) -> None:
    """Open the page with these studies, labelled by their names."""
    chosen = [{"study": name, "label": name, "params": params, "shows": None} for name, params in studies]
    page.evaluate(
        """(chosen) => {
            const kept = JSON.parse(localStorage.getItem('footloom.prefs.1') ?? '{}');
            localStorage.setItem('footloom.prefs.1', JSON.stringify({ ...kept, studies: chosen, panes: null }));
            // What the page stores as it goes would take its place.
            Storage.prototype.setItem = () => {};
        }""",
        chosen,
    )
    page.reload()
    until(page, "footloom.bars().count >= 179")
    for name, _ in studies:
        until(page, f"footloom.study('{name}', footloom.bars().first)?.row === 0")


def same(page_value: Any, api_value: Any, unit: str, step: int) -> bool:
    if api_value is None or page_value is None:
        return api_value is None and page_value is None
    if unit in {"ns", "text"}:
        return str(page_value) == str(api_value)
    size = {"tick": 0.1, "row": 0.1 * step, "lot": 0.001}.get(unit, 1.0)
    return float(page_value) * size == pytest.approx(float(api_value), rel=1e-9, abs=1e-9)


def test_what_studies_say_on_the_page_is_what_the_api_says(page: Any, url: str) -> None:
    asked: tuple[tuple[str, dict[str, Any]], ...] = (
        ("vwap", {"bands": [1.0, 2.0, 2.5]}),
        ("cvd", {"reset": "never"}),
        ("value_area", {}),
        ("tape_speed", {"window": 10}),
        ("cvd_by_size", {}),
        ("imbalance", {"percent": 200}),
        ("delta_divergence", {}),
        ("reach", {"least": 15}),
        ("cvd_against", {"symbols": BARE.key}),
        ("premium", {"symbol": BARE.key}),
    )
    studied(page, *asked)
    step = page.evaluate("footloom.meta().ticks_per_level")
    catalogue = {row["name"]: row for row in api(url, "studies")}
    count = page.evaluate("footloom.bars().count")
    compared = 0
    for name, params in asked:
        units = {column: output["unit"] for output in catalogue[name]["outputs"] for column in output["columns"]}
        query = {"symbol": PERP.key, "bars": "1m", "ticks_per_level": step, "limit": 5000, "params": json.dumps(params)}
        reply = api(url, f"studies/{name}", **query)
        shown = page.evaluate(
            "([name, n]) => Array.from({length: n}, (_n, k) => footloom.study(name, footloom.bars().first + k))",
            [name, count],
        )
        assert len(reply["bars"]) == count
        for mine, row in zip(shown, reply["bars"], strict=True):
            assert mine["openNs"] == row["open_ns"]
            for column, unit in units.items():
                if column in row:
                    assert same(mine[column], row[column], unit, step), (name, column, mine, row)
                    compared += 1
        events = [(one["open_ns"], event) for one, event in zip_events(shown)]
        assert len(events) == len(reply["events"])
        for (opened, event), row in zip(events, reply["events"], strict=True):
            assert opened == row["open_ns"]
            for column, unit in units.items():
                if column in row:
                    assert same(event[column], row[column], unit, step), (name, column, event, row)
    assert compared > 3000


def zip_events(shown: list[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return [({"open_ns": bar["openNs"]}, event) for bar in shown for event in bar["events"]]


def test_a_study_of_another_symbol_asks_for_it_first_and_a_row_opens_its_levels(page: Any) -> None:
    studied(page)
    dialog = menu(page)
    dialog.get_by_role("textbox").fill("premium to another")
    dialog.get_by_role("button", name="Add Premium to another symbol").wait_for()
    dialog.get_by_role("textbox").press("Enter")
    form = page.get_by_role("form", name="Settings of Premium to another symbol")
    form.get_by_label("Symbol", exact=False).first.fill("BTCUSDT")  # no venue: no name
    assert "names no symbol" in form.get_by_role("alert").inner_text()
    form.get_by_role("group", name="Symbols for Symbol").get_by_role("button", name=BARE.key).click()
    form.get_by_role("button", name="Apply").click()
    until(page, "footloom.study('premium')?.other === footloom.bar().close_tick / 10")
    assert page.evaluate("footloom.study('premium').points") == 0
    page.locator(".title[data-pane='study premium']").filter(has_text=f"Premium to {BARE.key}").wait_for()
    menu(page).get_by_role("list", name="Beside the chart").get_by_role("button", name="Add").click()
    page.keyboard.press("Escape")
    table = page.get_by_role("complementary", name="Order flow table")
    fields = [table.get_by_role("spinbutton").nth(k).bounding_box() for k in range(3)]
    assert {field["y"] for field in fields} == {fields[0]["y"]}, "the head is one line"
    row = table.get_by_role("row").nth(3)
    row.get_by_role("cell").nth(4).click()  # anywhere in it
    page.get_by_role("region", name="Data table of a bar").wait_for()


def test_bars_that_are_refused_are_not_said_to_be_shown_without_studies(page: Any) -> None:
    studied(page, ("vwap", {}))
    page.locator(".chart").focus()
    page.keyboard.type("5x")
    page.keyboard.press("Enter")
    refused = page.locator(".note").filter(has_text="'5x' names no bars")
    refused.wait_for()
    assert "without its studies" not in refused.inner_text(), "it was not the studies, and nothing is shown"


def test_a_study_of_another_package_needs_no_code_of_the_page(page: Any) -> None:
    studied(page)
    dialog = menu(page)
    dialog.get_by_role("textbox").fill("reach of a bar")
    dialog.get_by_text("How far a bar closed from its open").wait_for()  # the list comes with the first look at it
    dialog.get_by_role("button", name="Add Reach of a bar").click()
    dialog.get_by_role("list", name="Studies on the chart").get_by_text("Reach of a bar").wait_for()  # said
    until(page, "footloom.study('reach', footloom.bars().first)?.row === 0")
    first = page.evaluate("footloom.study('reach', footloom.bars().last - 5)")
    bar = page.evaluate("footloom.bar(footloom.bars().last - 5)")
    assert first["reach"] == bar["close_tick"] - bar["open_tick"]
    dialog.get_by_role("button", name="Settings").first.click()
    form = page.get_by_role("form", name="Settings of Reach of a bar")
    assert "ticks" in form.inner_text()
    form.get_by_label("Least").fill("501")
    assert "at most 500" in form.get_by_role("alert").inner_text()
    form.get_by_label("Least").fill("12")
    form.get_by_role("radio", name="low").click()
    form.get_by_role("button", name="Apply").click()
    until(page, f"footloom.study('reach', footloom.bars().last - 5)?.reach === {bar['close_tick'] - low_of(bar)}")
    assert page.evaluate("footloom.viewport().boxes['study reach'].height") > 40
    view = page.evaluate("footloom.viewport()")
    shown = [page.evaluate(f"footloom.bar({index})") for index in range(view["from"] + 1, view["to"])]
    marks = {page.evaluate(f"JSON.stringify(footloom.study('reach', {one['index']}).events)") for one in shown}
    assert any("wide_tick" in mark for mark in marks)
    heavy = 0
    for one in shown:
        for cell in one["cells"]:
            inside = view["lowRow"] + 1 < cell["row"] < view["highRow"] - 3
            if not inside or cell["buy"] == cell["sell"] == 0:
                continue
            box = page.evaluate(f"footloom.cellBox({one['index']}, {cell['row']})")
            isolated = [box["x"] + box["width"] - 1.5, box["y"] + box["height"] / 2]
            is_marked = pixel(page, isolated) == [197, 140, 255, 255]
            if cell["buy"] > cell["sell"]:
                heavy += is_marked
            else:
                assert not is_marked, cell
    assert heavy > 10


def low_of(bar: dict[str, Any]) -> int:
    return int(bar["low_tick"])


def pixel(page: Any, place: list[float]) -> list[int]:
    return list(
        page.evaluate(
            """([x, y]) => {
                const canvas = document.querySelector('.pane[data-part=price] canvas');
                const corner = canvas.getBoundingClientRect();
                return [...canvas.getContext('2d').getImageData(x - corner.left, y - corner.top, 1, 1).data];
            }""",
            place,
        )
    )


def test_cvd_and_vwap_begin_at_a_chosen_bar(page: Any, market: Market) -> None:
    studied(page)
    index = page.evaluate("footloom.viewport().to - 6")
    opened = int(page.evaluate(f"footloom.bar({index}).openNs"))
    cell = page.evaluate(f"footloom.bar({index}).cells[0]")
    box = page.evaluate(f"footloom.cellBox({index}, {cell['row']})")
    place = (box["x"] + box["width"] / 2, page.locator(".chart").bounding_box()["y"] + 60)
    page.mouse.click(*place, button="right")
    page.get_by_role("menuitem", name="CVD from this bar").click()
    until(page, f"footloom.study('cvd', {index - 1})?.row >= 0 && footloom.study('cvd', {index})?.cvd !== null")
    assert page.evaluate(f"footloom.study('cvd', {index - 1}).cvd") is None, "before its anchor it is unknown"
    total = 0
    for at in range(index, page.evaluate("footloom.bars().last") + 1):
        begin = int(page.evaluate(f"footloom.bar({at}).openNs"))
        deltas = [lots * side for ns, _, lots, side in market.trades if begin <= ns < begin + MINUTE]
        total += sum(deltas)
        assert page.evaluate(f"footloom.study('cvd', {at}).cvd") == total
    page.mouse.click(*place, button="right")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    until(page, f"footloom.study('vwap', {index})?.vwap != null")
    first = [(tick, lots) for ns, tick, lots, _ in market.trades if opened <= ns < opened + MINUTE]
    mean = sum(tick * lots for tick, lots in first) / sum(lots for _, lots in first)
    assert page.evaluate(f"footloom.study('vwap', {index}).vwap") == pytest.approx(mean)
    page.mouse.click(*place, button="right")
    page.get_by_role("menuitem", name="Profile from this bar").click()
    until(page, "footloom.profiles().profiles.length === 1")
    assert page.evaluate("footloom.profiles().profiles[0].opens_ns") == str(opened)
    page.mouse.click(*place, button="right")
    page.get_by_role("menu", name="Bar of").wait_for()
    step = page.evaluate("footloom.meta().ticks_per_level")
    page.keyboard.press("]")
    until(page, f"footloom.meta()?.ticks_per_level !== {step}")
    page.get_by_role("menu", name="Bar of").wait_for(state="detached")  # its number is another bar's now


def test_a_roll_is_drawn_with_both_contracts_and_their_difference(page: Any) -> None:
    page.goto(page.url.partition("#")[0] + "#symbol=upstox:NIFTY.FUT1&bars=1h")
    page.reload()
    until(page, "footloom.meta()?.symbol === 'upstox:NIFTY.FUT1'")
    said = [box["text"] for box in page.evaluate("footloom.textBoxes()") if box["layer"] == "price.cells"]
    assert "NSE_FO|A → NSE_FO|B at expiry, +100.0" in said
