"""Profiles on the chart, on a real server: what is drawn is what a plain count of the trades says."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from footloom import footprint
from footloom.core.trades import Trades
from footloom.engine.large_orders import Params, large_orders
from footloom.engine.studies import StudyFold
from tests.browser.conftest import ROOT, settle
from tests.browser.profile_server import ABC, DAY0_NS, END_NS, HOUR_NS, following, tape

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE_S = 120
MINUTE_NS = 60 * 10**9
DAY_NS = 24 * HOUR_NS
STEP = 5


class Serving:
    """A server over a store of two sessions, in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.tape = tape()
        command = [sys.executable, "-m", "tests.browser.profile_server", str(folder)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        assert self.url.startswith("http://"), "the server did not start"

    def trade(self, rows: Sequence[Sequence[int]]) -> None:
        """Publish trades of (ns, tick, lots, side) to the live charts."""
        assert self._process.stdin is not None
        self.tape = Trades.concat([self.tape, following(self.tape, rows)])
        self._process.stdin.write(json.dumps(rows) + "\n")
        self._process.stdin.flush()

    def close(self) -> None:
        self._process.communicate(timeout=PATIENCE_S)


@pytest.fixture(scope="module")
def server(page_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    del page_bundle
    serving = Serving(tmp_path_factory.mktemp("profiles") / "store")
    yield serving
    serving.close()


Opener = Callable[..., Any]


@pytest.fixture
def chart(chromium: Any, server: Serving) -> Iterator[Opener]:
    contexts, problems = [], []

    def open_chart(
        *chosen: tuple[str, dict[str, object]],
        path: str = "&bars=1m",
        step: int = STEP,
        settings: dict[str, object] | None = None,
    ) -> Any:
        context = chromium.new_context(viewport={"width": 1280, "height": 720}, color_scheme="dark")
        context.set_default_timeout(PATIENCE_S * 1000)
        contexts.append(context)
        studies = [{"study": study, "label": study, "params": params, "shows": None} for study, params in chosen]
        stored = json.dumps({"settings": settings or {}, "paletteOffered": True, "studies": studies})
        context.add_init_script(f"localStorage['footloom.prefs.1'] ??= {json.dumps(stored)}")
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(f"{server.url}?symbol={ABC.key}&step={step}{path}")
        until(page, "footloom.bars().count > 0 && footloom.profiles().quiet")
        return page

    yield open_chart
    for context in contexts:
        context.close()
    assert problems == []


def until(page: Any, condition: str) -> None:
    """Wait until something holds; the content policy forbids what Playwright's own waiting uses."""
    end = time.monotonic() + PATIENCE_S
    while not page.evaluate(f"Boolean(window.footloom && footloom.profiles && ({condition}))"):
        assert time.monotonic() < end, f"did not come about: {condition}"
        page.wait_for_timeout(50)


def drawn(page: Any, kind: str) -> list[dict[str, Any]]:
    settle(page)
    return [one for one in page.evaluate("footloom.profiles().profiles") if one["kind"] == kind]


def plain(trades: Trades, lo_ns: int, hi_ns: int) -> dict[int, Counter[int]]:
    """Count lots by row and side, one trade at a time."""
    rows: dict[int, Counter[int]] = {}
    columns = (trades.ts_exch_ns, trades.price_tick, trades.qty_lot, trades.side)
    for ts, tick, qty, side in zip(*(column.tolist() for column in columns), strict=True):
        if lo_ns <= ts < hi_ns:
            rows.setdefault(tick // STEP, Counter())[side] += qty
    return dict(sorted(rows.items()))


def check(found: dict[str, Any], rows: dict[int, Counter[int]]) -> None:
    """Compare numbers, and where they are drawn."""
    assert found["row"] == list(rows)
    assert [found[name] for name in ("buy", "sell", "unknown")] == [
        [held[side] for held in rows.values()] for side in (1, -1, 0)
    ]
    volume = {row: sum(held.values()) for row, held in rows.items()}
    assert volume[found["poc"]] == max(volume.values())
    boxes = {box["row"]: box for box in found["boxes"]}
    assert boxes, "rows are in sight"
    longest = max(volume.values())
    most = max(boxes.values(), key=lambda box: box["width"])
    unit = most["width"] / volume[most["row"]]
    for row, box in boxes.items():
        assert math.isclose(box["width"], unit * volume[row], abs_tol=1.5), row
    if found["poc"] in boxes:
        assert boxes[found["poc"]]["width"] == max(box["width"] for box in boxes.values())
    assert longest


def seen_span(page: Any) -> tuple[int, int]:
    """Return when the first bar on screen opens and the last one closes."""
    view = page.evaluate("footloom.viewport()")
    times = page.evaluate(f"[footloom.bar({view['from']}).openNs, footloom.bar({view['to']}).closeNs]")
    return int(times[0]), int(times[1])


def test_sessions_and_what_is_visible(chart: Opener, server: Serving) -> None:
    page = chart(("profile:session", {}), ("profile:visible", {"show": "delta"}))
    session, visible = drawn(page, "session")[-1], drawn(page, "visible")[0]
    check(session, plain(server.tape, DAY0_NS + DAY_NS, END_NS))
    rows = plain(server.tape, *seen_span(page))
    assert visible["row"] == list(rows)
    assert visible["boxes"][0]["x"] + visible["boxes"][0]["width"] == pytest.approx(visible["right"], abs=1)
    levels = {one["name"]: one for one in session["levels"]}
    box = next(iter(session["boxes"]))
    height = page.evaluate("footloom.viewport().rowPx")
    middle = box["y"] + height / 2 - (session["poc"] - box["row"]) * height
    assert levels["POC"]["y"] == pytest.approx(middle, abs=2), "in the middle of its row"

    page.evaluate("document.querySelector('.chart').focus()")
    page.keyboard.press("Control+ArrowLeft")
    until(page, "!footloom.viewport().following && footloom.profiles().quiet")
    again = drawn(page, "visible")[0]
    assert again["row"] == list(plain(server.tape, *seen_span(page))), "it follows the view"
    assert again["row"] != visible["row"]
    assert drawn(page, "session")[-1]["row"] == session["row"], "sessions stay whole"


def test_the_hover_says_the_numbers_of_a_row(chart: Opener, server: Serving) -> None:
    page = chart(("profile:visible", {"show": "bid_ask"}))
    [found] = drawn(page, "visible")
    box = next(one for one in found["boxes"] if one["row"] == found["poc"])
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    until(page, "footloom.profiles().words !== null")
    words = "\n".join(page.evaluate("footloom.profiles().words.lines"))
    held = plain(server.tape, *seen_span(page))[found["poc"]]
    assert f"bid {held[-1] / 1000:.3f} × ask {held[1] / 1000:.3f}" in words
    assert f"volume {sum(held.values()) / 1000:.3f}" in words
    assert f"{found['poc'] * STEP / 2:.1f}" in words


def test_a_range_is_drawn_with_the_mouse_from_bar_to_bar(chart: Opener, server: Serving) -> None:
    page = chart()
    page.get_by_role("button", name="Studies").first.click()
    page.get_by_role("button", name="Add Fixed range profile").click()
    corner = page.locator(".chart").bounding_box()
    view = page.evaluate("footloom.viewport()")
    width = view["barPx"]
    right = corner["x"] + view["plotWidth"] - (view["right"] - view["to"] - 1) * width
    first, last = view["to"] - 6, view["to"] - 2
    at = [right - (view["to"] - index + 0.5) * width for index in (last, first)]  # drawn from right to left
    page.mouse.move(at[0], corner["y"] + 200)
    page.mouse.down()
    page.mouse.move(at[1], corner["y"] + 260, steps=4)
    page.mouse.up()
    until(page, "footloom.profiles().profiles.length === 1 && footloom.profiles().quiet")
    opened, closed = page.evaluate(f"[footloom.bar({first}).openNs, footloom.bar({last}).closeNs]")
    [found] = drawn(page, "fixed")
    check(found, plain(server.tape, int(opened), int(closed)))
    assert found["left"] == pytest.approx(right - (view["to"] - first + 1) * width, abs=1.5)
    assert found["right"] == pytest.approx(right - (view["to"] - last) * width, abs=1.5)

    page.reload()
    until(page, "footloom.bars().count > 0 && footloom.profiles().profiles.length === 1")
    assert drawn(page, "fixed")[0]["row"] == found["row"], "a reload restores it"


def test_composite_anchored_and_letters(chart: Opener, server: Serving) -> None:
    anchor = DAY0_NS + 28 * HOUR_NS
    page = chart(
        ("profile:composite", {"sessions": 2}), ("profile:anchored", {"anchor_ns": str(anchor)}), ("profile:tpo", {})
    )
    check(drawn(page, "composite")[0], plain(server.tape, DAY0_NS, END_NS))
    assert drawn(page, "anchored")[0]["row"] == list(plain(server.tape, anchor, END_NS))
    newest = page.evaluate("footloom.profiles().letters")[-1]
    ranges = {}
    for number in range(12):
        lo = DAY0_NS + DAY_NS + number * 30 * MINUTE_NS
        rows = list(plain(server.tape, lo, lo + 30 * MINUTE_NS))
        ranges[number] = (rows[0], rows[-1])
    assert {number: (low, high) for number, _, low, high in newest["brackets"]} == ranges
    counted = Counter(row for low, high in ranges.values() for row in range(low, high + 1))
    assert newest["count"] == [counted[row] for row in range(min(counted), max(counted) + 1)]


def told(page: Any) -> list[tuple[int, str, str, str, int, int]]:
    settle(page)
    view, circles = page.evaluate("[footloom.viewport(), footloom.orders().circles]")
    inside = [one for one in circles if view["lowRow"] <= float(one["vwap"]) * 2 / STEP <= view["highRow"]]
    keys = ("ts_ns", "side", "qty", "vwap", "levels", "trades")
    return sorted((int(one["ts_ns"]), *(one[key] for key in keys[1:])) for one in inside)


def large(server: Serving, page: Any, params: Params) -> list[tuple[int, str, str, str, int, int]]:
    """Return the large orders on screen, from the tape itself."""
    lo_ns, hi_ns = seen_span(page)
    orders = large_orders(server.tape, params).between(lo_ns, hi_ns)
    view = page.evaluate("footloom.viewport()")
    words = {1: "buy", -1: "sell", 0: "unknown"}
    return [
        (
            int(orders.ts_ns[i]),
            words[int(orders.side[i])],
            ABC.qty_text(int(orders.qty_lot[i])),
            f"{orders.average(i) * ABC.tick_size:.3f}",
            int(orders.levels[i]),
            int(orders.trades[i]),
        )
        for i in range(len(orders))
        if view["lowRow"] <= float(orders.average(i)) / STEP <= view["highRow"]
    ]


def test_large_orders_are_circles_at_their_time_and_price(chart: Opener, server: Serving) -> None:
    page = chart(("orders:large", {"percentile": "90"}), path="&bars=15m")
    until(page, "footloom.orders().quiet && footloom.orders().circles.length > 0")
    assert told(page) == large(server, page, Params(percentile="90"))
    circles = page.evaluate("footloom.orders().circles")
    area = {one["radius"] ** 2 * float(one["threshold"]) / float(one["qty"]) for one in circles if one["radius"] < 29}
    assert max(area) == pytest.approx(min(area)), "the area is in proportion to the quantity against the threshold"
    one = circles[-1]
    page.mouse.move(one["x"], one["y"])
    until(page, "footloom.orders().words?.label === 'orders:large'")
    words = "\n".join(page.evaluate("footloom.orders().words.lines"))
    assert f"Large {one['side'].replace('unknown', 'trade without a side')} {one['qty']}" in words
    assert f"large from {one['threshold']} on" in words
    page.evaluate("document.querySelector('.chart').focus()")
    page.keyboard.press("Control+ArrowLeft")
    until(page, "!footloom.viewport().following && footloom.orders().quiet")
    assert told(page) == large(server, page, Params(percentile="90")), "they follow the view"


# One spelling of each kind that the menu of bars offers (`barKinds` of the page).
KINDS = ("45s", "7m", "50t", "100v", "40v-split", "2e6q", "r12", "ren6", "ren6-3", "d20", "ib9", "vib9", "rb9", "1d")


def table_of(page: Any, index: int) -> list[tuple[Decimal, Decimal, Decimal, int]]:
    """Return what the data table of a bar says: price, bid, ask and trades of each row, the lowest first."""
    rows = page.evaluate(f"footloom.bar({index}).table.rows")
    told = [(Decimal(row["price"]), Decimal(row["bid"]), Decimal(row["ask"]), int(row["trades"])) for row in rows]
    return sorted(row for row in told if row[1] or row[2] or row[3])


def test_bars_of_every_kind_are_those_of_the_api(chart: Opener, server: Serving) -> None:
    page = chart()
    page.evaluate("document.querySelector('.chart').focus()")
    for kind in KINDS:
        page.keyboard.type(kind, delay=0)
        page.keyboard.press("Enter")
        bars = footprint(server.tape, kind, ticks_per_level=STEP).footprint
        until(page, f"footloom.meta().bars === '{kind}' && footloom.viewport().paging !== 'loading'")
        held, view = page.evaluate("[footloom.bars(), footloom.viewport()]")
        at = len(bars) - 1 - held["last"]  # the newest bar of both is one
        offset, levels, grid = bars.level_offset, bars.levels, ABC.tick_size * STEP
        assert view["from"] <= view["to"], kind
        for index in range(max(held["first"], view["to"] - 5), view["to"] + 1):
            k = index + at
            cells = range(int(offset[k]), int(offset[k + 1]))
            expected = [
                (
                    int(levels.row[c]) * grid,
                    int(levels.sell_lot[c]) * ABC.lot_size,
                    int(levels.buy_lot[c]) * ABC.lot_size,
                    int(levels.trades[c]),
                )
                for c in cells
            ]
            bar = page.evaluate(f"footloom.bar({index})")
            assert int(bar["openNs"]) == int(bars.bars.open_ns[k]), (kind, index)
            assert table_of(page, index) == expected, (kind, index)
            assert [bar[f"{name}_tick"] for name in ("open", "high", "low", "close")] == [
                int(getattr(bars.bars, f"{name}_tick")[k]) for name in ("open", "high", "low", "close")
            ]
            assert [bar[name] for name in ("buy", "sell", "unknown", "trades")] == [
                int(getattr(bars.bars, name)[k]) for name in ("buy_lot", "sell_lot", "unknown_lot", "trades")
            ]


def said(page: Any, label: str) -> list[dict[str, Any]]:
    """Return the events that a study told, each with the time of its bar."""
    found = page.evaluate(
        """(label) => Array.from({ length: footloom.bars().count }, (_, k) => footloom.bars().first + k)
            .map((index) => footloom.study(label, index))
            .flatMap((one) => one?.events ?? [])""",
        label,
    )
    return [{name: value for name, value in one.items() if name != "bar"} for one in found]


def test_levels_that_belong_to_the_cells_are_studies_of_the_server(chart: Opener, server: Serving) -> None:
    settings = {"zones": "on", "nakedPoc": "bars", "unfinished": "on", "imbalancePct": 150, "stack": 2}
    page = chart(path="&bars=15m", step=1, settings=settings)
    bars = footprint(server.tape, "15m", ticks_per_level=1).footprint
    wanted = {
        "stacked zones": StudyFold("stacked_zones", {"percent": 150, "stack_n": 2}),
        "naked POC": StudyFold("naked_poc", {"scope": "bar"}),
        "unfinished auctions": StudyFold("unfinished_auction"),
    }
    for name, fold in wanted.items():
        label = f"cells: {name}"
        until(
            page,
            f"footloom.bars().count === {len(bars)} && footloom.study('{label}', footloom.bars().first)?.row === 0",
        )
        events = fold.update(bars).events
        assert len(events["bar"]) > 50, name
        opens = bars.bars.open_ns[events["bar"]].tolist()
        numbers = {key: column.tolist() for key, column in events.items() if key not in {"bar", "since_ns"}}
        told = said(page, label)
        assert [int(one["open_ns"]) for one in told] == opens, name
        assert {key: [one[key] for one in told] for key in numbers} == numbers, name
    painted = page.locator(".chart").screenshot()
    page.evaluate("footloom.show({ zones: 'off', nakedPoc: 'none', unfinished: 'off' })")
    until(page, "footloom.study('cells: stacked zones') === null")
    settle(page)
    assert page.locator(".chart").screenshot() != painted, "they were drawn"


# The last ones: they lengthen the tape.
def test_a_large_order_comes_with_its_trades_joined(chart: Opener, server: Serving) -> None:
    page = chart()
    page.get_by_role("button", name="Studies").first.click()
    page.get_by_role("button", name="Add Large orders").click()
    page.keyboard.press("Escape")
    until(page, "footloom.orders().held.length === 1 && footloom.orders().quiet")
    at, tick = int(server.tape.ts_exch_ns[-1]) + 10**9, int(server.tape.price_tick[-1])
    server.trade([[at, tick, 40_000, 1], [at, tick + 1, 30_000, 1], [at + 10**9, tick, 10, -1]])
    until(page, f"footloom.orders().circles.some(({{ ts_ns }}) => ts_ns === '{at}')")
    [one] = [row for row in told(page) if row[0] == at]
    assert one[2:] == ("70.000", f"{(tick + Decimal(3) / 7) / 2:.3f}", 2, 2)


def test_a_profile_moves_with_the_tape(chart: Opener, server: Serving) -> None:
    page = chart(("profile:session", {}))
    before = drawn(page, "session")[-1]
    tick = int(server.tape.price_tick[-1])
    server.trade([[END_NS + 10**9, tick, 70_000, 1], [END_NS + 2 * 10**9, tick, 30_000, -1]])
    until(page, f"footloom.profiles().profiles.at(-1)?.volume === {before['volume'] + 100_000}")
    check(drawn(page, "session")[-1], plain(server.tape, DAY0_NS + DAY_NS, END_NS + HOUR_NS))
