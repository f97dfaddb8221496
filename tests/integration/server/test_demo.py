"""``footloom demo`` as a process: it starts, shows, is killed, goes on, and its store has every row once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from footloom.core.snapshots import Snapshots
from footloom.core.trades import FLAG_BACKFILLED, Trades
from footloom.store.files import Store
from footloom.venues.sim import FUT, PERP, feed_trades, gaps, session_at, snapshots

pytestmark = pytest.mark.slow

START_S = 120.0  # a first start compiles, perhaps on a busy machine
AT = "2026-03-02T14:30"  # one hour of one market, in every run


class Demo:
    """The process, and its address once it is ready."""

    def __init__(self, store: Path, *arguments: str) -> None:
        command = [sys.executable, "-m", "footloom.cli.main", "demo", "--port", "0", "--no-open", "--json"]
        self.process = subprocess.Popen(
            [*command, "--store", str(store), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read() if self.process.stderr else ""
        self.url: str = json.loads(line)["url"]

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}{path}", timeout=START_S) as reply:
            return json.loads(reply.read())

    def rows(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for row in self.get("api/v1/coverage"):
            found[row["key"]] = found.get(row["key"], 0) + row["rows"]
        return found

    def wait_for_live_rows(self, more: int = 300) -> None:
        """Wait until the feed has added so many rows to each symbol."""
        before, patience = self.rows(), time.monotonic() + START_S
        while any(count - before[key] < more for key, count in self.rows().items()):
            assert time.monotonic() < patience, "the feed stands still"
            time.sleep(0.05)


@contextmanager
def demo(store: Path, *arguments: str) -> Iterator[Demo]:
    running = Demo(store, *arguments)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
        running.process.communicate()


def assert_every_row_once(root: Path) -> Trades:
    """The store holds the feed's own tape from the first stored day to the last stored row, bit for bit."""
    with Store(root) as store:
        tape = store.load(PERP.key, "trade", 0, 2**62)
        seen = store.load(FUT.key, "snapshot", 0, 2**62)
        days = sorted({row.day for row in store.coverage()})
        assert isinstance(tape, Trades)
        assert isinstance(seen, Snapshots)
        made = [session_at(int(np.datetime64(day, "ns").astype(np.int64))) for day in days]
        told = store.gaps(PERP.key, "trade", 0, 2**62)
    whole = Trades.concat([feed_trades(day, day.start_ns, day.end_ns) for day in made])
    whole = whole.take(whole.ts_recv_ns <= tape.ts_recv_ns.max())
    for name in ("ts_exch_ns", "price_tick", "qty_lot", "side", "trade_id", "ts_recv_ns"):
        assert np.array_equal(getattr(tape, name), getattr(whole, name)), name
    pieces = [snapshots(day, day.start_ns, int(seen.ts_recv_ns.max()) + 1) for day in made]
    for name in ("ts_exch_ns", "ltp_tick", "ltq_lot", "vtt_lot", "bid_tick", "ask_tick", "ts_recv_ns"):
        assert np.array_equal(getattr(seen, name), np.concatenate([getattr(piece, name) for piece in pieces])), name
    assert told == [gap for day in made for gap in gaps(day, PERP) if gap.to_ns <= tape.ts_recv_ns.max()]
    return tape


def test_killed_and_started_again_the_store_has_every_row_once_and_another_demo_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "store"
    with demo(root, "--at", AT, "--speed", "120") as first:
        first.wait_for_live_rows()
        first.process.send_signal(signal.SIGKILL)
        first.process.wait()
    killed = assert_every_row_once(root)
    live = (killed.flags & FLAG_BACKFILLED) == 0
    assert live.sum() > 200, "the test saw rows that came live"
    with demo(root, "--at", AT, "--speed", "120") as second:
        second.wait_for_live_rows()
        health = second.get("health")
        assert (health["status"], health["live"]) == ("ready", ["sim:FUT", "sim:PERP"])
        check_another_names_it(second, root)
        second.process.send_signal(signal.SIGINT)
        _, told = second.process.communicate(timeout=START_S)
    assert second.process.returncode == 0, told
    assert "Traceback" not in told
    tape = assert_every_row_once(root)
    assert len(tape) > len(killed)
    with Store(root) as store:
        assert sum(row.journal_rows for row in store.coverage()) == 0, "a clean stop seals"


def check_another_names_it(running: Demo, root: Path) -> None:
    command = [sys.executable, "-m", "footloom.cli.main", "demo", "--no-open", "--store", str(root), "--at", AT]
    port = running.url.rstrip("/").rpartition(":")[2]
    busy_port, busy_store = (
        subprocess.run([*command, "--port", one], capture_output=True, text=True, check=False, timeout=START_S)
        for one in (port, "0")
    )
    assert (busy_port.returncode, busy_store.returncode) == (1, 1)
    assert f"port {port} is in use by footloom" in busy_port.stderr
    assert str(running.process.pid) in busy_store.stderr
    assert "Traceback" not in busy_store.stderr + busy_port.stderr
