"""How long another bar takes in the browser: from the click to the painted chart, on a day of three million trades.

`footloom serve` as people run it, over two days of three million trades, stored or with the last one still in the
journal as recording leaves it; headless Chromium at a screen's pace of frames, one after the other every timeframe,
other kinds of bars, and study steps, ten changes of each, none of them the same as the one before. A change is over
with the frame that shows its bars. The server's topics of charts that nobody looks at any more live on for a while:
those would cost nothing, so that each change asks for bars (or a step) that were not asked for before.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import chromium, harness
from benchmarks.data import INSTRUMENT, day_of_trades
from benchmarks.harness import Row, Scale
from footloom.store.files import Store

__all__ = ("measure",)

_MOST_MS = 200.0
_TRADES = 3_000_000
_WAITING = 150_000  # trades that are not sealed yet while a day is recorded
_COMMIT = 256
_SEALED_AT_ONCE = 200_000  # about what a segment of the journal holds when it is sealed
_NAMED = {
    "timeframe": ("5m", "15m", "3m", "30m", "2m", "10m", "30s", "1h", "20s", "4m"),
    "kind of bars": ("1000t", "2000v", "r200", "d2000", "ren100", "5000t", "500v", "r400", "d5000", "ren200"),
}
_REST_MS = 1_000  # between two changes: what the page asks for behind a chart has come
_READY_MS = 120_000
_CHANGE = """async ([key, done]) => {
  const face = window.footloom, read = new Function("face", "return " + done);
  const before = face.frames().frames, start = performance.now();
  if (key === "Enter") document.querySelector("#interval").form.requestSubmit();
  else document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  while (!(read(face) && face.frames().frames > before)) {
    await new Promise((go) => requestAnimationFrame(go));
    if (performance.now() - start > 60000) throw new Error("the chart stays " + JSON.stringify(face.meta()));
  }
  await new Promise((go) => setTimeout(go, 0));
  return performance.now() - start;
}"""


def measure(scale: Scale) -> list[Row]:
    """Return the promises."""
    if chromium.chromium() is None:
        return [Row("change of bars", "-", chromium.ABSENT, None, None, "-")]
    count = min(_TRADES, scale.trades)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, waiting in (("a stored day", 0), ("a day that is being recorded", _WAITING)):
            store = Path(folder) / name.replace(" ", "-")
            _fill(store, count, waiting)
            with _served(store) as address, _page(address) as page:
                for what, times in _changes(page).items():
                    rows.append(_row(f"{what} of {name}, click to painted chart", times, count))
    return rows


def _row(promise: str, times: list[float], count: int) -> Row:
    worst = f"p95 {np.percentile(times, 95):.0f}, worst of {len(times)} {max(times):.0f} ms"
    return harness.limit(
        promise, float(np.median(times)), _MOST_MS, "ms", worst, f"2 x {count:,} trades, seed 20240101"
    )


# The last day lies as recording leaves it: many sealed parts, and the newest rows in small commits of the journal.
def _fill(root: Path, count: int, waiting: int) -> None:
    days = [day_of_trades(day, count) for day in range(2)]
    with Store(root, writer=True) as store:
        store.put_instrument(INSTRUMENT)
        store.write_part(days[0])
        if not waiting:
            store.write_part(days[1])
            return
        sealed, last = len(days[1]) - waiting, days[1]
        for at in range(0, sealed, _SEALED_AT_ONCE):
            store.append(last.take(slice(at, min(sealed, at + _SEALED_AT_ONCE))))
            store.seal()
        for at in range(sealed, len(last), _COMMIT):
            store.append(last.take(slice(at, at + _COMMIT)))


@contextmanager
def _served(store: Path) -> Iterator[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FOOTLOOM_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "footloom.cli.main", "serve", "--port", "0", "--json", "--store", str(store)],
        stdout=subprocess.PIPE,
        text=True,
        env=kept | {"FOOTLOOM_CONFIG": str(store.parent / "settings")},
    )
    assert process.stdout is not None
    try:
        yield str(json.loads(process.stdout.readline())["url"])
    finally:
        process.terminate()
        process.wait(120)


@contextmanager
def _page(address: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # At a screen's pace: one that draws as many frames as it can takes a core from the server while it waits.
        browser = playwright.chromium.launch(executable_path=chromium.chromium(), args=chromium.ARGUMENTS)
        page = browser.new_page(viewport={"width": 1600, "height": 900}, bypass_csp=True)  # to look in from outside
        page.set_default_timeout(_READY_MS)
        page.goto(address)
        page.wait_for_function("window.footloom?.bars().count > 300")
        page.wait_for_timeout(3_000)  # its history and its studies are there
        yield page
        browser.close()


def _changes(page: Any) -> dict[str, list[float]]:
    found = {what: [_typed(page, bars) for bars in named] for what, named in _NAMED.items()}
    _typed(page, "1m")
    found["study step"] = [_stepped(page, key) for key in "]]]]][[[[["]
    return found


# Bars are typed in a dialog, which is open before the clock runs.
def _typed(page: Any, bars: str) -> float:
    page.keyboard.press("1")
    page.fill("#interval", bars)
    taken = page.evaluate(_CHANGE, ["Enter", f"face.meta().bars === '{bars}'"])
    page.wait_for_timeout(_REST_MS)
    return float(taken)


def _stepped(page: Any, key: str) -> float:
    step = page.evaluate("window.footloom.meta().ticks_per_level")
    taken = page.evaluate(_CHANGE, [key, f"face.meta().ticks_per_level !== {step}"])
    page.wait_for_timeout(_REST_MS)
    return float(taken)


if __name__ == "__main__":
    harness.run(measure)
