"""Pages that are written from the descriptions of the older wires alone, in a browser, on the server."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit" / "server"))

from compat_kit import DAY_MS, MINUTE_MS, counted
from server_kit import DAY0_NS, TEST, MemoryStore

from footloom.core.trades import Trades
from footloom.feeds.flow import Commit
from footloom.server.app import create_app
from footloom.server.port import bind
from footloom.server.run import listen, run
from footloom.server.services import Services

pytestmark = [pytest.mark.browser]
PAGES = Path(__file__).with_name("compat_pages")
PATIENCE_MS = 60_000
MINUTES = 95


def with_pages(app: Any) -> Any:
    """Serve the pages from the server's own origin, as the older programs did."""

    async def served(scope: Any, receive: Any, send: Any) -> None:
        folder, _, name = scope["path"].rpartition("/")
        if folder != "/pages":
            await app(scope, receive, send)
            return
        headers = [(b"content-type", b"text/html")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": (PAGES / name).read_bytes()})

    return served


class Server:
    """A server in a thread of its own, over a tape of which the last minutes are yet to come."""

    def __init__(self, tape: Trades, stored_minutes: int, compat: str) -> None:
        split = int(np.searchsorted(tape.ts_exch_ns, DAY0_NS + stored_minutes * MINUTE_MS * 10**6))
        self.tape, self.compat, self.at = tape, compat, split
        self.store = MemoryStore(tape.take(slice(0, split)))
        self.listener = bind("127.0.0.1", 0)
        self.url = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.ready: Future[asyncio.AbstractEventLoop] = Future()
        self.thread = threading.Thread(target=lambda: run(self._run()))

    async def _run(self) -> None:
        self.services = Services.over(self.store)  # type: ignore[arg-type] - as much of a store as is read
        self.stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        app = with_pages(create_app(self.services, compat=self.compat))
        await listen(app, self.listener, stop=self.stop, on_ready=lambda: self.ready.set_result(loop))
        self.services.close()

    def publish(self, rows: int) -> None:
        """Let so many more trades of the tape arrive."""
        coming = self.tape.take(slice(self.at, self.at + rows))
        self.at += len(coming)

        def arrive() -> None:
            self.store.append_many([(coming, ())])
            self.services.publish(Commit(TEST.key, coming, (), int(coming.ts_recv_ns[-1])))

        self.ready.result().call_soon_threadsafe(arrive)

    def known(self) -> Trades:
        """Return what has arrived."""
        return self.tape.take(slice(0, self.at))


@contextmanager
def serving(tape: Trades, stored_minutes: int, compat: str) -> Iterator[Server]:
    server = Server(tape, stored_minutes, compat)
    server.thread.start()
    loop = server.ready.result(timeout=60)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(server.stop.set)
        server.thread.join(timeout=60)


@pytest.fixture
def tape(rng: np.random.Generator) -> Trades:
    """Minutes in which buyers or sellers are far apart, others in which they are not; ids without a hole."""
    rows = 60 * MINUTES
    ts = DAY0_NS + np.sort(rng.integers(0, MINUTES * MINUTE_MS, rows)) * 10**6
    buys = np.array([0.1, 0.5, 0.9, 0.5])[(ts - DAY0_NS) // (MINUTE_MS * 10**6) % 4]
    side = np.where(rng.random(rows) < buys, 1, -1).astype(np.int8)
    price = 50_000 + np.cumsum(rng.integers(-2, 3, rows))
    return Trades.build(
        TEST, ts, price, rng.integers(1, 900, rows), side, trade_id=np.arange(rows), ts_recv_ns=ts + 1_000_000
    )


Opener = Callable[[Server, str, str], Any]


@pytest.fixture
def open_page(chromium: Any) -> Iterator[Opener]:
    """Open a page from the server's own origin, each time as another client; its errors fail the test."""
    contexts, problems = [], []

    def opener(server: Server, name: str, query: str = "") -> Any:
        context = chromium.new_context(timezone_id="UTC")
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(f"http://{server.url}/pages/{name}{query}")
        return page

    yield opener
    for context in contexts:
        context.close()
    assert problems == []


def table(page: Any) -> list[list[str]]:
    """Return the texts of a table's rows."""
    return page.eval_on_selector_all(
        "tbody tr, table > tr", "rows => rows.map(r => [...r.cells].map(c => c.textContent))"
    )


def number(value: Any) -> float:
    return float(value)


def wanted_rows(trades: Trades) -> list[tuple[str, float, float, float, float, int]]:
    """Return the table of the last eight minutes, newest first, from a plain count."""
    truth, cvd, rows = counted(trades, MINUTE_MS, "0.5"), Decimal(0), []
    for open_ms, candle in sorted(truth.items()):
        bid, ask = candle["bid"], candle["ask"]
        cvd += ask - bid
        minutes = open_ms % DAY_MS // MINUTE_MS
        fire = bool(bid == 0 or ask == 0 or max(bid / ask, ask / bid) > 3)
        time = f"{minutes // 60:02}:{minutes % 60:02}:00" + (" 🔥" if fire else "")
        rows.append((time, *map(number, (bid, ask, ask - bid, cvd)), len(candle["levels"])))
    return rows[:-9:-1]


def test_the_order_flow_panel(tape: Trades, open_page: Opener) -> None:
    with serving(tape, MINUTES - 2, "003") as server:
        query = f"?backend=ws://{server.url}&exchange=test&symbol=ABC"
        page = open_page(server, "orderflow.html", query)

        def shows() -> bool:
            rows = [(row[0], *map(float, row[1:5]), int(row[5])) for row in table(page)]
            return rows == wanted_rows(server.known())

        page.wait_for_function("document.querySelectorAll('tbody tr').length === 8")
        assert page.inner_text("#status") == "connected"
        assert shows(), (table(page), wanted_rows(server.known()))
        marks = [row[0].endswith("🔥") for row in table(page)]
        assert any(marks)
        assert not all(marks)
        points = page.get_attribute("#cvd polyline", "points").split()
        assert len(points) == 30
        while server.at < len(tape):  # the current minute fills, and another begins
            server.publish(40)
            newest = wanted_rows(server.known())[0]
            page.wait_for_function(
                "([bid, ask]) => { const cells = document.querySelector('tbody tr').cells; "
                "return Number(cells[1].textContent) === bid && Number(cells[2].textContent) === ask }",
                arg=[newest[1], newest[2]],
            )
            assert shows(), (table(page), wanted_rows(server.known()))
        assert len(page.get_attribute("#cvd polyline", "points").split()) == 30
        sign = "green" if wanted_rows(tape)[0][4] >= 0 else "red"
        assert page.get_attribute("#cvd polyline", "stroke") == sign


def test_the_panel_under_its_own_path_says_what_is_wrong(tape: Trades, open_page: Opener) -> None:
    with serving(tape, MINUTES, "001") as server:
        query = f"?backend=ws://{server.url}/compat/003&exchange=test&symbol=NONE"
        page = open_page(server, "orderflow.html", query)
        page.wait_for_function("document.getElementById('status').textContent === 'disconnected'")


def bars_of(trades: Trades, minutes: int, step: str) -> list[dict[str, Any]]:
    """Return bars in the shape of the wire, from a plain count."""
    truth, found = counted(trades, minutes * MINUTE_MS, step), []
    for open_ms, candle in sorted(truth.items()):
        lo, hi = np.searchsorted(trades.ts_exch_ns, (open_ms * 10**6, (open_ms + minutes * MINUTE_MS) * 10**6))
        prices = trades.price_tick[lo:hi] * 0.5
        levels = [
            {"price": number(price), "bidVol": number(row["bid"]), "askVol": number(row["ask"])}
            for price, row in sorted(candle["levels"].items(), reverse=True)
        ]
        edge = {"open": prices[0], "high": prices.max(), "low": prices.min(), "close": prices[-1]}
        found.append({"time": open_ms // 1000, **{name: number(p) for name, p in edge.items()}, "levels": levels})
    return found


def test_bars_one_at_a_time_each_client_with_its_own_settings(tape: Trades, open_page: Opener) -> None:
    with serving(tape, MINUTES - 2, "001") as server:
        one, other = open_page(server, "history.html"), open_page(server, "history.html")

        def until(page: Any, minutes: int, step: str) -> None:
            text = json.dumps(bars_of(server.known(), minutes, step), separators=(",", ":"))
            page.wait_for_function(
                "wanted => JSON.stringify(bars) === JSON.stringify(JSON.parse(wanted))", arg=text, timeout=PATIENCE_MS
            )

        until(one, 5, "2")
        until(other, 5, "2")
        one.fill("#interval", "1")
        one.fill("#tickSize", "0.5")
        one.click("#apply")
        until(one, 1, "0.5")
        while server.at < len(tape):
            server.publish(50)
            until(one, 1, "0.5")
            until(other, 5, "2")
        other.reload()
        until(other, 5, "2")
        one.reload()
        until(one, 1, "0.5")


def test_blocks_and_the_last_price_each_client_with_its_own_settings(tape: Trades, open_page: Opener) -> None:
    with serving(tape, MINUTES - 2, "002") as server:
        one, other = open_page(server, "blocks.html"), open_page(server, "blocks.html")

        def until(page: Any, minutes: int, step: str) -> None:
            rows = [
                [open_ms, number(price), number(row["bid"]), number(row["ask"])]
                for open_ms, candle in sorted(counted(server.known(), minutes * MINUTE_MS, step).items())
                for price, row in sorted(candle["levels"].items(), reverse=True)
            ]
            page.wait_for_function(
                "wanted => JSON.stringify([...document.querySelectorAll('table tr')].map("
                "row => [...row.cells].map(cell => Number(cell.textContent)))) === JSON.stringify(JSON.parse(wanted))",
                arg=json.dumps(rows),
            )
            last = int(server.known().price_tick[-1]) * 0.5
            assert page.inner_text("#ltp") == f"{last:.2f}"

        until(one, 3, "3")
        until(other, 3, "3")
        one.fill("#timeInterval", "1")
        one.fill("#tickSize", "0.5")
        one.click("#update")
        server.publish(30)
        until(other, 3, "3")
        until(one, 1, "0.5")
        server.publish(70)
        until(one, 1, "0.5")
        until(other, 3, "3")
