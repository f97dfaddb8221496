"""The verbs as a user runs them, in processes of their own, against a venue on this machine: killed, and run again."""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from footloom.core.trades import Trades
from footloom.store.files import Store
from footloom.testing.venues.simulated import simulated_market

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

KEY = "binance_usdm:BTCUSDT"
STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


def start(*arguments: str, **streams: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "footloom.cli.main", *arguments]
    environment = {**os.environ, "NUMBA_NUM_THREADS": "1", "FOOTLOOM_CONFIG": "/nonexistent"}
    return subprocess.Popen(command, env=environment, text=True, **streams)


@pytest.fixture(scope="module")
def venue() -> Iterator[dict[str, object]]:
    process = start("simulate", "binance_usdm", "--port", "0", "--speed", "4", "--json", stdout=subprocess.PIPE)
    assert process.stdout is not None
    yield json.loads(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    process.wait(120)
    process.stdout.close()


def flags(venue: dict[str, object], root: Path) -> Sequence[str]:
    return "--endpoint", f"binance_usdm={venue['url']}", "--store", str(root)


def loaded(root: Path) -> Trades:
    with Store(root) as store:
        block = store.load(KEY, "agg_trade", 0, 2**62)
    assert isinstance(block, Trades)
    return block


def past_days(venue: dict[str, object]) -> Sequence[str]:
    day = int(str(venue["start_ns"])) // (86_400 * 10**9)
    return tuple(str(np.datetime64(day - back, "D")) for back in (2, 1))


def test_a_fetch_that_is_killed_at_any_time_goes_on(venue: dict[str, object], tmp_path: Path, seed: int) -> None:
    first, stop = past_days(venue)
    span = (KEY, "--from", first, "--to", stop, "--json")
    chance = random.Random(seed)

    for _ in range(2):
        killed = start("fetch", *span, *flags(venue, tmp_path / "killed"), stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(2.0, 6.0))
        killed.kill()
        killed.wait()
    last = start("fetch", *span, *flags(venue, tmp_path / "killed"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert json.loads(last.communicate(timeout=240)[0])["ok"]

    now_ns = int(str(venue["start_ns"]))
    traded = simulated_market("binance_usdm", now_ns, int(str(venue["seed"])), symbols=1).listings["BTCUSDT"]
    whole, mended = traded.day(dt.date.fromisoformat(first), now_ns), loaded(tmp_path / "killed")
    assert whole is not None
    assert len(whole) > 100_000
    assert np.array_equal(whole.trade_id, mended.trade_id)
    assert len(np.unique(mended.trade_id)) == len(mended)
    for column in ("ts_exch_ns", "price_tick", "qty_lot", "side"):
        assert np.array_equal(getattr(whole, column), getattr(mended, column)), column


def statuses(process: subprocess.Popen[str], rows: int) -> list[dict[str, object]]:
    """Read what a recording says of itself until it has so many rows."""
    assert process.stdout is not None
    found = []
    for text in process.stdout:
        found.append(json.loads(text))
        if found[-1]["rows"] >= rows:
            break
    return found


def test_a_recording_that_was_killed_goes_on_and_ends_sealed(venue: dict[str, object], tmp_path: Path) -> None:
    arguments = ("record", KEY, "--json", *flags(venue, tmp_path))
    killed = start(*arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    told = statuses(killed, 1_020)[-1]  # the newest thousand come over REST at once
    killed.kill()
    killed.wait()
    assert killed.stdout is not None
    killed.stdout.close()
    before = loaded(tmp_path)
    with Store(tmp_path) as store:
        kept = [*store.coverage(KEY), *store.series(KEY), *store.partials(KEY)]
    assert sum(day.rows for day in kept) >= told["rows"]

    log = tmp_path.with_suffix(".log")
    again = start(*arguments, "--log", str(log), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    statuses(again, 3)
    beside = start("record", KEY, *flags(venue, tmp_path), stderr=subprocess.PIPE)
    _, refused = beside.communicate(timeout=120)
    again.send_signal(signal.SIGTERM)
    _, said = again.communicate(timeout=120)

    assert (beside.returncode, again.returncode) == (1, 0)
    assert "stopped; what was received is sealed in" in said
    assert "is being written to by process" in refused
    assert "Traceback" not in said + refused
    lines = log.read_text().splitlines()
    begun, stopped = (re.fullmatch(rf"{STAMP} INFO footloom\.cli\.record: (.*)", lines[place]) for place in (0, -1))
    assert begun is not None
    assert begun[1] == f"recording {KEY} into {tmp_path}"
    assert stopped is not None
    assert re.fullmatch(r"stopped: [1-9]\d* rows of 1 symbols", stopped[1])
    after = loaded(tmp_path)
    assert set(before.trade_id.tolist()) <= set(after.trade_id.tolist())
    assert np.array_equal(after.trade_id, np.arange(after.trade_id[0], after.trade_id[0] + len(after)))
    with Store(tmp_path) as store:
        assert sum(day.journal_rows for day in store.coverage(KEY)) == 0
        assert store.gaps(KEY, "agg_trade", 0, 2**62) == []
