"""What stands on the page is what the tape says."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest

from tests.browser.conftest import FakeMarketServer, PageOpener, catch_up, cell_box, figure, last_bar, settle, viewport

pytestmark = pytest.mark.browser

BUY_IMBALANCE, SELL_IMBALANCE = 1, 2


def bars_on_screen(page: Any) -> list[dict[str, Any]]:
    return list(
        page.evaluate(
            "(({ from, to }) => Array.from({ length: to - from + 1 }, (_none, k) => footloom.bar(from + k)))"
            "(footloom.viewport())"
        )
    )


def test_it_opens_on_a_moving_footprint(open_page: PageOpener, fake: FakeMarketServer) -> None:
    page = open_page(1920, 1080)
    view = viewport(page)
    assert 12 <= view["to"] - view["from"] + 1 <= 20
    assert view["rowPx"] >= 12
    assert view["following"]
    texts = [box["text"] for box in page.evaluate("footloom.textBoxes()") if box["layer"] == "price.cells"]
    assert sum(bool(re.fullmatch(r"\d+(\.\d+)?k?", text)) for text in texts) > 100
    before = page.evaluate("footloom.frames().frames")
    trades = last_bar(page)["trades"]
    fake.pull("ticks?n=5")
    page.wait_for_function(f"footloom.bar().trades !== {trades}")
    settle(page)
    assert page.evaluate("footloom.frames().frames") > before


def test_rows_add_up_to_the_bar_as_shown(open_page: PageOpener) -> None:
    page = open_page()
    for bar in bars_on_screen(page):
        table = bar["table"]
        for side in ("bid", "ask"):
            assert sum(Decimal(row[side]) for row in table["rows"]) == Decimal(table["total"][side])
        assert Decimal(table["total"]["ask"]) == Decimal(table["bar"]["buy"])
        assert Decimal(table["total"]["bid"]) == Decimal(table["bar"]["sell"])
        assert table["adds"]
        assert sum(cell["buy"] for cell in bar["cells"]) == bar["buy"]
        assert sum(cell["sell"] for cell in bar["cells"]) == bar["sell"]
        assert sum(cell["trades"] for cell in bar["cells"]) == bar["trades"]


def test_ask_minus_bid_has_the_sign_of_the_delta(open_page: PageOpener) -> None:
    page = open_page(settings={"mode": "delta"})
    for bar in bars_on_screen(page):
        shown = bar["table"]["bar"]
        delta = Decimal(shown["buy"]) - Decimal(shown["sell"])
        assert figure(shown["delta"]) == delta
        assert shown["deltaSign"] == (delta > 0) - (delta < 0)
        for row in bar["table"]["rows"]:
            assert figure(row["delta"]) == Decimal(row["ask"]) - Decimal(row["bid"])


def test_imbalances_stand_where_the_definition_puts_them(open_page: PageOpener) -> None:
    page = open_page()
    seen = {BUY_IMBALANCE: 0, SELL_IMBALANCE: 0}
    many = page.evaluate("Array.from({ length: 399 }, (_none, k) => footloom.bar(k - 100).cells)")
    for cells in many:
        for below, cell, above in zip([None, *cells[:-1]], cells, [*cells[1:], None], strict=True):
            if cell["flags"] & BUY_IMBALANCE:
                assert not cell["lowest"]
                assert below is not None
                assert cell["buy"] >= 3 * below["sell"]
                seen[BUY_IMBALANCE] += 1
            if cell["flags"] & SELL_IMBALANCE:
                assert not cell["highest"]
                assert above is not None
                assert cell["sell"] >= 3 * above["buy"]
                seen[SELL_IMBALANCE] += 1
    assert min(seen.values()) > 50


def test_an_imbalance_is_framed_on_its_own_side(open_page: PageOpener) -> None:
    page = open_page(1600, 900)
    probe = """([x, y, w, h]) => {
        const chart = document.querySelector('.chart');
        const canvas = chart.querySelector('.pane[data-part=price] canvas');
        const corner = canvas.getBoundingClientRect();
        const ctx = canvas.getContext('2d');
        const at = (dx) => [...ctx.getImageData(x - corner.left + dx, y - corner.top + h / 2, 1, 1).data];
        return { bid: at(0), ask: at(w - 1) };
    }"""
    strong = {BUY_IMBALANCE: [61, 240, 203, 255], SELL_IMBALANCE: [255, 139, 132, 255]}
    found = set()
    view = viewport(page)
    for bar in bars_on_screen(page)[2:-1]:
        for cell in bar["cells"]:
            inside = view["lowRow"] + 1 < cell["row"] < view["highRow"] - 8
            if (
                cell["flags"] & 3 not in (BUY_IMBALANCE, SELL_IMBALANCE)
                or not inside
                or cell["row"] == bar["base_row"] + bar["poc"]
            ):
                continue
            box = cell_box(page, bar["index"], cell["row"])
            ends = page.evaluate(probe, [box["x"], box["y"], box["width"], box["height"]])
            flag = cell["flags"] & 3
            assert (ends["ask"] if flag == BUY_IMBALANCE else ends["bid"]) == strong[flag]
            assert (ends["bid"] if flag == BUY_IMBALANCE else ends["ask"]) != strong[flag]
            found.add(flag)
    assert found == {BUY_IMBALANCE, SELL_IMBALANCE}


def test_the_last_cell_moves_with_the_last_price(open_page: PageOpener, fake: FakeMarketServer) -> None:
    page = open_page()
    step = page.evaluate("footloom.meta().ticks_per_level")
    rows = set()
    for _ in range(12):
        catch_up(page, fake.pull("ticks?n=6"))
        bar = last_bar(page)
        row = bar["close_tick"] // step
        rows.add(row)
        assert row in [cell["row"] for cell in bar["cells"]]
        box = cell_box(page, bar["index"], row)
        colour = page.evaluate(
            """([x, y]) => {
                const canvas = document.querySelector('.pane[data-part=price] canvas');
                const corner = canvas.getBoundingClientRect();
                return [...canvas.getContext('2d').getImageData(x - corner.left, y - corner.top, 1, 1).data];
            }""",
            [box["x"] - 1, box["y"] + box["height"] / 2],
        )
        assert colour == [244, 247, 251, 255], "the frame of the last cell"
        label = f"{bar['close_tick'] * 0.5:.1f}"
        assert label in [text["text"] for text in page.evaluate("footloom.textBoxes()")]
    assert len(rows) > 2


def test_the_price_scale_does_not_jump_with_ticks(open_page: PageOpener, fake: FakeMarketServer) -> None:
    page = open_page(1920, 1080)
    page.keyboard.press("End")
    settle(page)
    places = set()
    for _ in range(10):
        catch_up(page, fake.pull("ticks?n=5"))
        view = viewport(page)
        places.add((view["rowPx"], view["centreRow"]))
    assert len(places) == 1


def test_without_data_or_input_no_frame_is_drawn(open_page: PageOpener) -> None:
    page = open_page()
    before = page.evaluate("footloom.frames().frames")
    page.wait_for_timeout(2500)
    assert page.evaluate("footloom.frames().frames") == before


def test_a_click_on_a_cell_lists_its_trades_and_their_sum(open_page: PageOpener) -> None:
    page = open_page()
    bar = page.evaluate("footloom.bar(footloom.bars().last - 2)")
    cell = max(bar["cells"], key=lambda one: one["trades"])
    box = cell_box(page, bar["index"], cell["row"])
    page.mouse.click(box["x"] + box["width"] / 3, box["y"] + box["height"] / 2)
    panel = page.locator(".inspector")
    panel.get_by_text("the trades add up to the cell").wait_for()
    rows = panel.locator(".list tbody tr")
    assert rows.count() == cell["trades"]
    sums = {"B": Decimal(0), "S": Decimal(0)}
    for k in range(rows.count()):
        quantity, side = (rows.nth(k).locator("td").nth(column).inner_text() for column in (2, 3))
        sums[side] += Decimal(quantity)
    assert sums["B"] * 1000 == cell["buy"]
    assert sums["S"] * 1000 == cell["sell"]
    page.keyboard.press("Escape")
    panel.wait_for(state="detached")


def test_the_open_bar_keeps_its_trades_list_right(open_page: PageOpener, fake: FakeMarketServer) -> None:
    page = open_page()
    catch_up(page, fake.pull("ticks?n=30"))
    bar = last_bar(page)
    cell = max(bar["cells"], key=lambda one: one["trades"])
    box = cell_box(page, bar["index"], cell["row"])
    page.mouse.click(box["x"] + 10, box["y"] + box["height"] / 2)
    page.get_by_text("the trades add up to the cell").wait_for()
    for _ in range(4):
        catch_up(page, fake.pull("ticks?n=4"))
    page.wait_for_timeout(900)
    fake.pull("ticks?n=1")
    page.get_by_text("the trades add up to the cell").wait_for()


def test_the_data_table_says_what_the_chart_shows(open_page: PageOpener) -> None:
    page = open_page()
    bar = page.evaluate("footloom.bar(footloom.bars().last - 1)")
    box = cell_box(page, bar["index"], bar["cells"][0]["row"])
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.keyboard.press("Enter")
    table = page.locator("[data-testid=bar-table]")
    table.wait_for()
    assert table.locator("tbody tr").count() == len(bar["cells"])
    assert page.get_by_text("the rows add up to the bar").is_visible()


def test_read_outs_follow_the_cursor(open_page: PageOpener) -> None:
    page = open_page()
    bar = page.evaluate("footloom.bar(footloom.bars().last - 3)")
    cell = bar["cells"][len(bar["cells"]) // 2]
    box = cell_box(page, bar["index"], cell["row"])
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    readout = page.locator("[data-testid=cell-readout]")
    readout.wait_for()
    words = readout.inner_text()
    assert cell["price"] in words
    assert f"{cell['sell'] / 1000:.3f}" in words
    assert f"{cell['buy'] / 1000:.3f}" in words
    assert bar["table"]["bar"]["volume"] in page.locator("[data-testid=bar-readout]").inner_text()
    page.wait_for_function(
        "[...document.querySelectorAll('[aria-live]')].some((node) => node.textContent.includes('Bar '))"
    )


def test_gaps_are_bands_that_say_why(open_page: PageOpener) -> None:
    page = open_page()
    for _ in range(9):  # the gap lies 47 bars back
        page.keyboard.press("-")
    settle(page)
    bands = [band for band in viewport(page)["gapBands"] if band["right"] < viewport(page)["plotWidth"]]
    assert bands
    left, top = chart_corner_of(page)
    page.mouse.move(left + (bands[-1]["left"] + bands[-1]["right"]) / 2, top + 300)
    page.get_by_text("feed reconnected, 214 trades missing").wait_for()


def chart_corner_of(page: Any) -> tuple[float, float]:
    box = page.locator(".chart").bounding_box()
    return box["x"], box["y"]


def test_inferred_sides_are_said_and_scored(open_page: PageOpener, fake: FakeMarketServer) -> None:
    page = open_page(path="/#symbol=sim:FUT&bars=1m&step=2")
    fake.pull("ticks?n=1")
    legend = page.locator(".legend")
    legend.get_by_text(re.compile("sides inferred, ~3 snapshots/s; 62 % of volume printed at LTP")).wait_for()
    assert "87.1 % right" in legend.locator("em").get_attribute("title")
    bar = page.evaluate("footloom.bar(footloom.bars().last - 1)")
    assert bar["unknown"] > 0
    assert page.locator(".simulated").is_visible()
