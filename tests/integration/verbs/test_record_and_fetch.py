"""The verbs as a user runs them, in processes of their own, against a venue on this machine: killed, and run again."""

from __future__ import annotations

import datetime as dt
import json
import random
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from verbs_kit import EVER, flags, loaded, simulating, start, statuses, stored_rows

from footloom.store.files import Store
from footloom.testing.venues.simulated import simulated_market

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

KEY, TAPE = "binance_usdm:BTCUSDT", "agg_trade"
STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


@pytest.fixture(scope="module")
def venue() -> Iterator[dict[str, Any]]:
    with simulating("binance_usdm") as opened:
        yield opened


def past_days(venue: dict[str, Any]) -> Sequence[str]:
    day = int(venue["start_ns"]) // (86_400 * 10**9)
    return tuple(str(np.datetime64(day - back, "D")) for back in (2, 1))


def test_a_fetch_that_is_killed_at_any_time_goes_on(venue: dict[str, Any], tmp_path: Path, seed: int) -> None:
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

    now_ns = int(venue["start_ns"])
    traded = simulated_market("binance_usdm", now_ns, int(venue["seed"]), symbols=1).listings["BTCUSDT"]
    whole, mended = traded.day(dt.date.fromisoformat(first), now_ns), loaded(tmp_path / "killed", KEY, TAPE)
    assert whole is not None
    assert len(whole) > 100_000
    assert np.array_equal(whole.trade_id, mended.trade_id)
    assert len(np.unique(mended.trade_id)) == len(mended)
    for column in ("ts_exch_ns", "price_tick", "qty_lot", "side"):
        assert np.array_equal(getattr(whole, column), getattr(mended, column)), column


def test_a_recording_that_was_killed_goes_on_and_ends_sealed(venue: dict[str, Any], tmp_path: Path) -> None:
    arguments = ("record", KEY, "--json", *flags(venue, tmp_path))
    killed = start(*arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    told = statuses(killed, 1_020)[-1]  # the newest thousand come over REST at once
    killed.kill()
    killed.wait()
    assert killed.stdout is not None
    killed.stdout.close()
    before = loaded(tmp_path, KEY, TAPE)
    assert stored_rows(tmp_path, KEY) >= told["rows"]

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
    after = loaded(tmp_path, KEY, TAPE)
    assert set(before.trade_id.tolist()) <= set(after.trade_id.tolist())
    assert np.array_equal(after.trade_id, np.arange(after.trade_id[0], after.trade_id[0] + len(after)))
    with Store(tmp_path) as store:
        assert sum(day.journal_rows for day in store.coverage(KEY)) == 0
        assert store.gaps(KEY, TAPE, *EVER) == []
