"""How long the page's chart takes for a frame: 300 bars of 60 levels, 1600 x 900, headless Chromium, software raster.

The page's own chart, the plain painter (two `fillRect` and two `fillText` a cell), the same as a custom series of
lightweight-charts and of ECharts, and one that fills the canvas with a colour draw the same scenes in turn in the same
tab, frame after frame without a frame limit; a time is from frame to frame, rasterisation included. Under the blank
frame's time no painter can come on that machine. Who is slow draws fewer frames. Then a day of one-minute bars comes,
and what the page's memory has grown beside those bars is counted; last, what script the built page fetches unasked.
"""

from __future__ import annotations

import gzip
import statistics
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmarks import chromium, harness
from benchmarks.harness import Row, Scale

__all__ = ("ARGUMENTS", "measure")

_WEB = Path(__file__).parents[1] / "web"
_BUNDLE = _WEB / "dist" / "bench"
_SIZE = {"width": 1600, "height": 900}
ARGUMENTS = [
    *chromium.ARGUMENTS,
    "--disable-frame-rate-limit",
    "--disable-gpu-vsync",
    "--force-device-scale-factor=1",
    "--hide-scrollbars",
]
_SCENES = {
    "pan": "pan, 16 bars with text",
    "panAll": "pan, 300 bars",
    "zoom": "zoom, 14 to 300 bars",
    "live": "live update",
}
_DATA = "300 x 60 cells, seed 7"
_LIVE_HZ = 20
_IDLE_MS = 2000
_FRAMES = {"live": 60}  # of the page itself and of the blank frame; 120 of the other scenes
_PEER_ROUNDS = 3
_OWN_MS, _PEER_MS = 4000, 1000  # of one scene in one round, and never fewer than five frames
_DAY_H = 24
_BEHIND_MS = 12_000  # a page that is never idle fetches after ten seconds what it fetches behind its first picture
_STATIC = Path(__file__).parents[1] / "src" / "footloom" / "server" / "static" / "assets"
_PEERS = {"naive": "plain painter", "lightweight": "lightweight-charts", "echarts": "ECharts", "blank": "blank frame"}


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
        """Say nothing."""


def measure(scale: Scale) -> list[Row]:
    """Return the promises."""
    if chromium.chromium() is None:
        return [Row("page frames", "-", chromium.ABSENT, None, None, "-")]
    _build()
    with _served(_BUNDLE) as address, _page(address, "window.footloomBench !== undefined") as page:
        times = {name: _run(page, name, scale.rounds) for name in _SCENES}
        idle = int(page.evaluate(f"window.footloomBench.idle({_IDLE_MS})"))
        grown = _grown_by_a_day(page)
    rows = [_row(name, "frame", "p50", 8, times) for name in ("pan", "panAll")]
    rows += [_row(name, "frame", "p95", 16, times) for name in ("pan", "panAll", "zoom", "live")]
    busy = times["live"]["footloom"]["script"]["p50"] * _LIVE_HZ / 10
    rows.append(harness.limit(f"script of live updates at {_LIVE_HZ} Hz", busy, 25, "% of the main thread", "-", _DATA))
    rows.append(
        Row("frames without data or input", str(idle), f"in {_IDLE_MS / 1000:g} s; limit 0", 1 / (1 + idle), 1.0, "-")
    )
    return [*rows, grown, *_weight()]


# The slowest round is the machine's, not the page's: the median of the rounds counts.
def _run(page: Any, scene: str, rounds: int) -> dict[str, dict[str, dict[str, float]]]:
    found: dict[str, list[dict[str, Any]]] = {painter: [] for painter in ("footloom", *_PEERS)}
    for turn in range(max(_PEER_ROUNDS, rounds)):
        for painter in sorted(found, reverse=turn % 2 == 1):
            is_own = painter in {"footloom", "blank"}
            if is_own or turn < _PEER_ROUNDS:
                asked = f"'{scene}', '{painter}', {_FRAMES.get(scene, 120)}, {_OWN_MS if is_own else _PEER_MS}"
                found[painter].append(page.evaluate(f"window.footloomBench.run({asked})"))
    return {painter: {kind: _medians(runs, kind) for kind in ("script", "frame")} for painter, runs in found.items()}


# The first hour fills what is kept on purpose: tiles, texts, columns with room to grow.
def _grown_by_a_day(page: Any) -> Row:
    session = page.context.new_cdp_session(page)
    page.evaluate("window.footloomBench.replay(1)")
    before = _heap_bytes(session)
    bars = int(page.evaluate(f"window.footloomBench.replay({_DAY_H})"))
    after = _heap_bytes(session)
    peer = f"from {before / 1e6:.1f} to {after / 1e6:.1f} MB, of which {bars / 1e6:.1f} MB are the bars"
    # Columns that are full are copied into ones with as much room again.
    grown = max(0.0, after - before - 2 * bars) / 1e6
    data = f"{_DAY_H} h of 1m bars, 4 updates each"
    return harness.limit("memory grown beside twice its bars", max(grown, 0.001), 2.0, "MB", peer, data)


def _heap_bytes(session: Any) -> float:
    for _ in range(3):
        session.send("HeapProfiler.collectGarbage")
    usage = session.send("Runtime.getHeapUsage")
    return float(usage["usedSize"]) + float(usage.get("backingStorageSize", 0))


# Without a server: what the page asks for by itself, whatever it shows, until nothing more comes.
def _weight() -> list[Row]:
    if not _STATIC.is_dir():
        return [Row("script of the page", "-", "the page is not built", None, 1.0, "-")]
    sizes = {path.name: len(gzip.compress(path.read_bytes(), 9)) / 1e3 for path in _STATIC.glob("*.js")}
    document = (_STATIC.parent / "index.html").read_text(encoding="utf-8")
    with _served(_STATIC.parent) as address, _page(address, "document.querySelector('.terminal')") as page:
        page.wait_for_timeout(_BEHIND_MS)
        names = page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name.split('/').at(-1))")
    fetched = sum(size for name, size in sizes.items() if name in names)
    first = sum(size for name, size in sizes.items() if name in document)
    opened = [f"{name.split('-')[0]} {size:.0f} kB" for name, size in sizes.items() if name not in names]
    peer = f"{first:.0f} kB before the first picture; opened later: {', '.join(opened)}"
    return [harness.limit("script that a chart fetches, gzip", fetched, 150, "kB", peer, "-")]


def _medians(runs: list[dict[str, Any]], kind: str) -> dict[str, float]:
    return {share: statistics.median(run[kind][share] for run in runs) for share in ("p50", "p95")}


def _row(scene: str, kind: str, share: str, most_ms: float, times: dict[str, Any]) -> Row:
    found = times[scene]
    peers = ", ".join(f"{words} {found[peer][kind][share]:.3g}" for peer, words in _PEERS.items())
    return harness.limit(f"{_SCENES[scene]}, {share}", found["footloom"][kind][share], most_ms, "ms", peers, _DATA)


def _build() -> None:
    newest = max(path.stat().st_mtime for folder in ("src", "bench") for path in (_WEB / folder).rglob("*"))
    index = _BUNDLE / "index.html"
    if index.is_file() and index.stat().st_mtime > newest:
        return
    if not (_WEB / "node_modules").is_dir():
        subprocess.run(["npm", "ci"], cwd=_WEB, check=True, capture_output=True)
    subprocess.run(["npm", "run", "build:bench"], cwd=_WEB, check=True, capture_output=True)


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def _page(address: str, ready: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.chromium(), args=ARGUMENTS)
        page = browser.new_page(viewport={"width": _SIZE["width"], "height": _SIZE["height"]})
        page.goto(address)
        page.wait_for_function(ready)
        yield page
        browser.close()


if __name__ == "__main__":
    harness.run(measure)
