"""What browser tests stand on: the built page, a server of its wire, and Chromium; what is absent is a visible skip."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from benchmarks import chromium as browser

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "src" / "footloom" / "server" / "static"
READY_S = 120  # whatever is awaited may take so long on a busy machine
MINUS = "\u2212"  # of all numbers that are read; as wide as a plus
HISTORY_HOURS = 12  # enough for every view; two sessions are loaded in one test of their own


class FakeMarketServer:
    """The fake server in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process, self.url = process, url

    def pull(self, handle: str) -> dict[str, Any]:
        """Make something happen: ``ticks?n=50``, ``drop``, ..."""
        with urllib.request.urlopen(f"{self.url}/test/{handle}", timeout=READY_S) as answer:
            return dict(json.load(answer))


def start_fake(*options: str) -> FakeMarketServer:
    """Start the fake server on a free port."""
    command = [sys.executable, "-m", "tests.browser.fake_server", "--port", "0", *options]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    assert url.startswith("http://"), "the fake server did not start"
    return FakeMarketServer(process, url)


def stop_fake(server: FakeMarketServer) -> None:
    server.process.terminate()
    server.process.communicate(timeout=READY_S)


@pytest.fixture(scope="session")
def page_bundle() -> Path:
    """The built page."""
    if not (STATIC / "index.html").is_file():
        pytest.skip(f"the page is not built ({STATIC} is absent): run `python tools/web_bundle.py`")
    return STATIC


@pytest.fixture(scope="session")
def chromium(page_bundle: Path) -> Iterator[Any]:
    """One browser for all tests."""
    del page_bundle
    playwright_api = pytest.importorskip("playwright.sync_api", reason="Playwright for Python is not installed")
    path = browser.chromium()
    if path is None:
        pytest.skip(browser.ABSENT)
    with playwright_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(browser.ARGUMENTS))
        yield started
        started.close()


@pytest.fixture(scope="session")
def market(page_bundle: Path) -> Iterator[FakeMarketServer]:
    """One server for all modules: a browser keeps what it compiled of a page, by the page's address."""
    del page_bundle
    server = start_fake("--speed", "0", "--hours", str(HISTORY_HOURS))
    yield server
    stop_fake(server)


@pytest.fixture(scope="module")
def fake(market: FakeMarketServer) -> FakeMarketServer:
    """A market that stands still until a test moves it; for each module as if it had just begun."""
    market.pull("reset")
    return market


PageOpener = Callable[..., Any]


class Drawer:
    """Pages that nobody uses just now, by the kind of their window: a new one costs a process and half a second."""

    def __init__(self, chromium: Any) -> None:
        self.chromium = chromium
        self.free: dict[str, list[Any]] = {}

    def take(self, width: int, height: int, options: dict[str, Any]) -> Any:
        """Return a page without errors, routes or memory."""
        scheme = options.pop("color_scheme", "dark")
        kind = json.dumps(options, sort_keys=True)
        pages = self.free.setdefault(kind, [])
        page = pages.pop() if pages else self._make(options)
        page.kind, page.errors = kind, []
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        return page

    def give(self, page: Any) -> None:
        """Put a page back; what it did ends."""
        page.unroute_all()
        page.goto(page.blank)
        for key in ("Control", "Shift", "Alt"):
            page.keyboard.up(key)
        page.mouse.move(0, 0)
        self.free[page.kind].append(page)

    def _make(self, options: dict[str, Any]) -> Any:
        context = self.chromium.new_context(**options)
        context.set_default_timeout(READY_S * 1000)
        page = context.new_page()
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        return page


@pytest.fixture(scope="session")
def drawer(chromium: Any) -> Drawer:
    """The pages of all modules."""
    return Drawer(chromium)


@contextmanager
def opened(
    drawer: Drawer, fake: FakeMarketServer, width: int = 1280, height: int = 720, path: str = "/", **options: Any
) -> Iterator[Any]:
    """Open the page as a browser that never saw it; errors on the page fail whoever opened it."""
    settings = options.pop("settings", {})
    wait = options.pop("wait", True)
    palette_offered = options.pop("palette_offered", True)
    page = drawer.take(width, height, options)
    page.prefs = json.dumps({"settings": settings, "paletteOffered": palette_offered})
    page.blank, page.home = f"{fake.url}/nothing", fake.url + path
    begin(page)
    if wait:
        is_shown(page)
    yield page
    errors = page.errors
    drawer.give(page)
    assert errors == [], "errors on the page"


def begin(page: Any) -> None:
    """Load the page anew; it remembers nothing but the settings that it was opened with."""
    if page.url != page.blank:
        page.goto(page.blank)
    page.evaluate(
        """(prefs) => {
        localStorage.clear();
        sessionStorage.clear();
        localStorage.setItem('footloom.prefs.1', prefs);
    }""",
        page.prefs,
    )
    page.goto(page.home)


def is_shown(page: Any) -> None:
    """Wait until all of the history is there, and painted."""
    page.wait_for_function("window.footloom && footloom.bars().count >= 300")
    page.wait_for_function("footloom.frames().painter !== 'empty' && footloom.viewport().paging === 'complete'")
    settle(page)


@pytest.fixture
def open_page(drawer: Drawer, fake: FakeMarketServer) -> Iterator[PageOpener]:
    """Open the page in a context of its own; errors on the page fail the test."""
    fake.pull("refuse?on=0")  # a test that failed meanwhile leaves it refusing
    with ExitStack() as pages:
        yield lambda *size, **options: pages.enter_context(opened(drawer, fake, *size, **options))


def settle(page: Any) -> None:
    """Wait until no frame is due any more."""
    page.evaluate(
        """async () => {
            const frame = () => new Promise((done) => requestAnimationFrame(done));
            for (let calm = 0, last = -1, tries = 0; calm < 3 && tries < 300; tries += 1) {
                await frame();
                const now = footloom.frames().frames;
                calm = now === last ? calm + 1 : 0;
                last = now;
            }
        }"""
    )


def catch_up(page: Any, told: dict[str, Any]) -> None:
    """Wait until the page has, and has painted, what the fake server had sent when it answered a handle."""
    page.wait_for_function(f"footloom.status() && BigInt(footloom.status().engine_ns) >= {told['engine_ns']}n")
    settle(page)


def figure(text: str) -> Decimal:
    """Return the number that the page writes so."""
    assert "-" not in text, "a real minus"
    return Decimal(text.replace(MINUS, "-"))


def viewport(page: Any) -> dict[str, Any]:
    """Return what is on screen."""
    return dict(page.evaluate("footloom.viewport()"))


def last_bar(page: Any) -> dict[str, Any]:
    """Return the newest bar with its cells."""
    return dict(page.evaluate("footloom.bar()"))


def cell_box(page: Any, index: int, row: int) -> dict[str, float]:
    """Return where a cell is drawn, CSS pixels of the page."""
    return dict(page.evaluate(f"footloom.cellBox({index}, {row})"))


def chart_corner(page: Any) -> tuple[float, float]:
    """Return the chart's left and top."""
    box = page.locator(".chart").bounding_box()
    return box["x"], box["y"]
