"""Live charts as a new user meets them: a local venue in one process, `footloom serve` in another, the plug pulled."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.test_demo import PATIENCE_S, until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

FOOTLOOM = Path(sys.executable).with_name("footloom")
KEY = "binance_usdm:BTCUSDT"


class Running:
    """One `footloom` in a process of its own."""

    def __init__(self, *arguments: str, **settings: str) -> None:
        environment = {**os.environ, "FOOTLOOM_BACKFILL_HOURS": "1.5", **settings}
        self.process = subprocess.Popen(
            [str(FOOTLOOM), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        )
        self.said = ""

    def until(self, pattern: str) -> str:
        """Return what the pattern's group caught, once a line was printed that has it."""
        for line in self.process.stdout or ():
            self.said += line
            found = re.search(pattern, line)
            if found:
                return found[1]
        pytest.fail(f"ended before {pattern} was said:\n{self.said}")

    def end(self, number: int = signal.SIGINT) -> None:
        """Stop it, and wait for its end."""
        self.process.send_signal(number)
        self.said += self.process.communicate(timeout=PATIENCE_S)[0] or ""


# Below those that the system hands out by itself, to servers and to whoever connects: nobody takes it between two uses.
def lasting_port() -> str:
    while True:
        port = random.randrange(15_000, 30_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return str(port)


def venue(port: str = "0") -> tuple[Running, str]:
    running = Running("simulate", "binance_usdm", "--port", port)
    return running, running.until(r"open: (http://\S+)")


def serve(url: str, store: Path, *keys: str) -> tuple[Running, str]:
    endpoint = f"binance_usdm={url}"
    running = Running("serve", *keys, "--endpoint", endpoint, "--store", str(store), "--port", "0")
    return running, running.until(r"ready: (http://\S+)")


@pytest.fixture
def chart(chromium: Any) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1280, "height": 720}, color_scheme="dark")
    problems: list[str] = []
    context.set_default_timeout(PATIENCE_S * 1000)
    page = context.new_page()
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    context.close()
    assert problems == []


def asked(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
        return json.load(answer)


def test_the_plug_is_pulled_and_put_in_again(chart: Any, tmp_path: Path) -> None:
    market, market_url = venue(lasting_port())
    serving, url = serve(market_url, tmp_path, KEY)
    try:
        chart.goto(url)
        until(chart, "footloom.bars().count > 0 && footloom.viewport().link.phase === 'live'")
        assert chart.evaluate("footloom.meta().symbol") == KEY
        until(chart, "footloom.bars().count > 60 && footloom.viewport().link.backfill === null")
        right = "String(footloom.bar(Math.floor(footloom.viewport().right) - 2).openNs)"
        chart.evaluate("document.querySelector('.chart').focus()")
        for _ in range(3):
            chart.keyboard.press("Control+ArrowLeft")
        until(chart, "!footloom.viewport().following")
        place = chart.evaluate(right)

        market.end(signal.SIGKILL)
        until(chart, "footloom.viewport().link.phase === 'reconnecting'")
        said = chart.locator(".note.state").inner_text()
        assert "binance_usdm" in said
        assert "What you see is of" in said
        assert asked(f"{url}health")["feeds"][0]["phase"] == "reconnecting"
        market, _ = venue(market_url.rpartition(":")[2])
        until(chart, "footloom.viewport().link.phase === 'live'")
        chart.locator(".note.state").wait_for(state="detached")
        assert chart.evaluate(right) == place, "what is looked at stays while the outage is mended behind it"
        time.sleep(2)  # a gap is known by then, at the latest
        end = time.monotonic() + PATIENCE_S
        while sum(row["gaps"] for row in asked(f"{url}api/v1/coverage")):
            assert time.monotonic() < end, "Binance's ids let every trade be fetched"
            time.sleep(0.2)
    finally:
        serving.end()
        market.end()
    assert "Traceback" not in serving.said


def test_beside_a_process_that_records_the_chart_moves_read_only(chart: Any, tmp_path: Path) -> None:
    market, market_url = venue()
    first, _ = serve(market_url, tmp_path, KEY)
    second, url = serve(market_url, tmp_path, KEY)
    try:
        assert "is being recorded by process" in second.said
        chart.goto(url)
        until(chart, "footloom.bars().count > 0 && footloom.viewport().link.phase === 'live'")
        assert "shown here as it is stored" in chart.locator(".note.state").inner_text()
        trades = "JSON.stringify([footloom.bar().openNs.toString(), footloom.bar().trades])"
        before = chart.evaluate(trades)
        until(chart, f"{trades} !== {before!r}")
    finally:
        second.end()
        first.end()
        market.end()


def test_a_broker_is_logged_in_to_on_the_page_and_its_candles_stand_before_the_first_trade(
    chart: Any, tmp_path: Path
) -> None:
    market = Running("simulate", "upstox", "--port", "0")
    endpoint = "upstox=" + market.until(r"open: (http://\S+)")
    command = (
        "serve",
        "upstox:NSE_FO|53001",
        "--endpoint",
        endpoint,
        "--store",
        str(tmp_path / "store"),
        "--port",
        "0",
    )
    serving = Running(*command, FOOTLOOM_CONFIG=str(tmp_path))
    token = "a-token-of-nobody-plus"  # noqa: S105 - the local venue takes any
    try:
        chart.goto(serving.until(r"ready: (http://\S+)"))
        chart.get_by_text("Waiting for the first trade of").wait_for()
        chart.locator(".note.token").get_by_role("button", name="Log in").click()
        field = chart.get_by_role("dialog").get_by_label("Token")
        assert field.get_attribute("type") == "password"
        assert field.get_attribute("autocomplete") == "new-password"
        field.fill(token)
        chart.get_by_role("dialog").get_by_role("button", name="Log in").click()
        chart.get_by_text("a token (analytics) until").wait_for()
        assert field.input_value() == "", "nothing that was typed stays on the page"
        chart.keyboard.press("Escape")
        until(chart, "footloom.bars().count > 300")
        last = chart.evaluate("footloom.bars().last")
        first = chart.evaluate("footloom.bar(footloom.bars().first).table.bar")
        assert (first["hasFlow"], first["delta"], first["cvd"]) == (False, "–", "–")
        assert float(first["volume"].replace(",", "")) > 0
        assert chart.evaluate(f"footloom.bar({last}).table.bar.hasFlow")
        chart.keyboard.press("Home")
        box = chart.locator(".chart").bounding_box()
        chart.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60)
        chart.locator(".legend").get_by_text("no order flow").wait_for()
    finally:
        serving.end()
        market.end()
    assert token not in serving.said
    assert "Traceback" not in serving.said


def test_a_symbol_that_is_not_listed_is_one_message(tmp_path: Path) -> None:
    market, market_url = venue()
    try:
        endpoint = f"binance_usdm={market_url}"
        for key, code, words in (
            ("binance_usdm:BTCUSD", 1, "footloom: binance_usdm does not list BTCUSD; it lists BTCUSDT"),
            ("binance:BTCUSDT", 2, "'binance' is no venue that can be listened to: there are"),
            ("BTCUSDT", 2, "names no instrument: write VENUE:SYMBOL"),
        ):
            command = [str(FOOTLOOM), "serve", key, "--endpoint", endpoint, "--store", str(tmp_path), "--port", "0"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
            assert done.returncode == code
            assert done.stderr.count(words) == 1
            assert "Traceback" not in done.stderr
    finally:
        market.end()
