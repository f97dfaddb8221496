"""How long another timeframe, bar type or study step takes to stand on the screen: a day of three million trades.

A server in a process of its own serves the stored day; a page in headless Chromium asks for charts that nobody has
opened before. A time is from the key that asks to the first frame that has the new bars: 200 ms at the most.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import harness
from benchmarks.data import INSTRUMENT, bench_folder, day_of_trades
from benchmarks.harness import Row, Scale
from benchmarks.page_frames import ARGUMENTS, CHROMIUM
from footloom.store.files import Store

__all__ = ("measure",)

_COUNT = 3_000_000
_MOST_MS = 200
_BARS = {"time": ("5", "15", "30s", "1h", "2", "3"), "other": ("500t", "r50", "100v", "1000t")}
_STEPS = 4
_PATIENCE_MS = 120_000
_SPELLED = {"5": "5m", "15": "15m", "2": "2m", "3": "3m"}
_WATCH = """() => {
    window.switched = { ms: null, begun: 0 };
    addEventListener("keydown", ({ key }) => {
        if (key !== "Enter" && key !== "]" && key !== "[") return;
        const [before, begun] = [JSON.stringify(footloom.meta()), performance.now()];
        window.switched.ms = null;
        const look = () => {
            if (JSON.stringify(footloom.meta()) === before || footloom.frames().painter === "empty") {
                requestAnimationFrame(look);
            } else requestAnimationFrame(() => (window.switched.ms = performance.now() - begun));
        };
        requestAnimationFrame(look);
    }, true);
}"""


def measure(scale: Scale) -> list[Row]:
    """Return the promises."""
    del scale
    if not CHROMIUM.is_file():
        return [Row("page switch", "-", f"no Chromium at {CHROMIUM} (set FOOTLOOM_CHROMIUM)", None, None, "-")]
    folder = bench_folder() / f"switch-{_COUNT}"
    if not folder.is_dir():
        with Store(folder, writer=True) as store:
            store.put_instrument(INSTRUMENT)
            store.append(day_of_trades(0, _COUNT))
    with _served(folder) as address, _page(address) as page:
        found = {name: [_bars(page, text) for text in texts] for name, texts in _BARS.items()}
        found["step"] = [_step(page) for _ in range(_STEPS)]
    words = {"time": "another timeframe", "other": "another bar type", "step": "another study step"}
    return [_row(words[name], times) for name, times in found.items()]


def _row(promise: str, times: list[float]) -> Row:
    every = ", ".join(f"{ms:.0f}" for ms in times)
    return harness.limit(promise, statistics.median(times), _MOST_MS, "ms", f"each {every}", f"{_COUNT:,} trades a day")


def _bars(page: Any, text: str) -> float:
    page.evaluate("document.querySelector('.chart').focus()")
    page.keyboard.type(text)
    page.keyboard.press("Enter")
    ms = _waited(page)
    assert page.evaluate("footloom.meta().bars") == _SPELLED.get(text, text)
    return ms


def _step(page: Any) -> float:
    page.evaluate("document.querySelector('.chart').focus()")
    page.keyboard.press("]")
    return _waited(page)


def _waited(page: Any) -> float:
    page.wait_for_function("window.switched.ms !== null")
    ms = float(page.evaluate("window.switched.ms"))
    page.wait_for_function("footloom.viewport().paging !== 'loading'")
    return ms


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    program = str(Path(sys.executable).with_name("footloom"))
    command = [program, "serve", "--store", str(folder), "--port", "0", "--no-open", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"FOOTLOOM_TOKEN": ""})
    assert process.stdout is not None
    try:
        yield str(json.loads(process.stdout.readline())["url"])
    finally:
        process.terminate()
        process.communicate()


@contextmanager
def _page(address: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        context = browser.new_context(viewport={"width": 1600, "height": 900}, bypass_csp=True)
        context.add_init_script("localStorage['footloom.prefs.1'] ??= JSON.stringify({ paletteOffered: true })")
        page = context.new_page()
        page.set_default_timeout(_PATIENCE_MS)
        page.goto(f"{address}?symbol={INSTRUMENT.key}&bars=1m")
        page.wait_for_function("window.footloom && footloom.bars().count > 300")
        page.evaluate(_WATCH)
        yield page
        browser.close()


if __name__ == "__main__":
    harness.run(measure)
