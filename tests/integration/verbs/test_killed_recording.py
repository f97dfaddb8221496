"""`footloom record`, killed at any instant, again and again: what it showed is stored, once, and the rest is told.

A venue of this machine runs on meanwhile, over real sockets, and its tape is known: so each kill is judged by what
was really traded.
"""

from __future__ import annotations

import json
import random
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from verbs_kit import EVER, TOKENS, Market, flags, loaded, log_in, simulating, start, statuses, stored_rows

from footloom.core.messages import Gap
from footloom.core.trades import Trades
from footloom.feeds.stored import stored_inference
from footloom.store.files import Store

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
TAPES = {"binance_usdm": "agg_trade", "binance_spot": "trade", "bybit_linear": "trade"}
TAPES |= dict.fromkeys(TOKENS, "snapshot")
SOAK = [pytest.param(venue, 60, marks=[pytest.mark.soak, pytest.mark.timeout(3_600)]) for venue in TAPES]


class Life:
    """One store, and a recording into it that is started and killed."""

    def __init__(self, venue: dict[str, Any], root: Path, tape: str) -> None:
        self.market = Market(venue)
        self.key = f"{venue['venue']}:{self.market.symbol}"
        self.root, self.tape = root, tape
        self.acknowledged = 0
        usual = ("--tape", tape) if venue["venue"] == "binance_spot" else ()
        self._config = log_in(venue["venue"], root.parent / "settings") if venue["venue"] in TOKENS else root.parent
        self._arguments = ("record", self.key, "--json", *usual, *flags(venue, root))

    def start(self, *more: str) -> subprocess.Popen[str]:
        return start(*self._arguments, *more, config=self._config, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run_and_kill(self, lines: int, seconds: float) -> str:
        """Kill it so long after it told so often what rows it has; returns what it said beside that."""
        process = self.start()
        told = [one for _ in range(lines) for one in statuses(process, 1)[-1:]]
        time.sleep(seconds)
        process.kill()
        out, said = process.communicate(timeout=120)
        assert len(told) == lines, said
        told += statuses_of(out)
        self.acknowledged += told[-1]["rows"] if told else 0
        return said

    def check(self) -> None:
        """What was shown is stored, nothing twice, and what is missing lies in a gap."""
        if not self.acknowledged:
            return
        assert stored_rows(self.root, self.key) >= self.acknowledged
        if self.tape == "snapshot":
            self._check_looks()
            return
        rows, gaps = self.stored()
        assert len(np.unique(rows.trade_id)) == len(rows)
        assert self.market.faults(rows, gaps) == []

    def stored(self) -> tuple[Trades, list[Gap]]:
        with Store(self.root) as store:
            gaps = store.gaps(self.key, self.tape, *EVER)
        return loaded(self.root, self.key, self.tape), gaps

    # What passed is in a trade, or unattributed where nobody listened.
    def _check_looks(self) -> None:
        looks = loaded(self.root, self.key, self.tape)
        same = np.stack([looks.ts_exch_ns, looks.ts_recv_ns, looks.ltp_tick, looks.vtt_lot, looks.ltq_lot])
        assert len(np.unique(same, axis=1).T) == len(looks)
        with Store(self.root) as store:
            found = stored_inference(store, self.key, *EVER)
        passed = int(found.trades.qty_lot.sum()) + int(found.unattributed_lot.sum()) - found.counters.corrected_lot
        assert passed == int(looks.vtt_lot.max())  # what was traded before the first look is unattributed


def statuses_of(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines() if line.endswith("}")]


@pytest.mark.parametrize(("venue", "kills"), [("binance_usdm", 2), *SOAK])
def test_a_recording_that_is_killed_again_and_again(venue: str, kills: int, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    with simulating(venue) as opened:
        life = Life(opened, tmp_path / "store", TAPES[venue])
        said = []
        for kill in range(kills):
            # Now and then while it starts and recovers, else between any two of its commits.
            lines = 0 if kill % 4 == 3 else chance.randrange(1, 4)
            said.append(life.run_and_kill(lines, chance.random() * (1.0 if lines else 3.0)))
            life.check()
        log = tmp_path / "record.log"
        last = life.start("--log", str(log))
        rows = statuses(last, 1)[-1]["rows"]
        beside = start("record", life.key, *flags(opened, life.root), stderr=subprocess.PIPE)
        if venue not in TOKENS:
            until_whole(life, last)
        _, refused = beside.communicate(timeout=120)
        last.send_signal(signal.SIGTERM)
        _, words = last.communicate(timeout=120)

    assert (beside.returncode, last.returncode) == (1, 0), words
    assert "is being written to by process" in refused
    assert rows
    assert life.acknowledged
    assert all("Traceback" not in one for one in [*said, words, refused])
    # Each start says what the kill before it left.
    assert sum("unsealed: they are whole, and kept" in one for one in [*said[1:], words]) >= kills // 2
    assert "stopped; what was received is sealed in" in words
    check_log(log, f"recording {life.key} into {life.root}")
    life.check()
    with Store(life.root) as store:
        assert sum(day.journal_rows for day in store.coverage(life.key)) == 0
        gaps = store.gaps(life.key, life.tape, *EVER)
    assert bool(gaps) is (venue in TOKENS), gaps  # a broker does not tell again what was missed


def check_log(log: Path, first: str) -> None:
    lines = log.read_text().splitlines()
    begun, stopped = (re.fullmatch(rf"{STAMP} INFO footloom\.cli\.record: (.*)", lines[place]) for place in (0, -1))
    assert begun is not None
    assert begun[1] == first
    assert stopped is not None
    assert re.fullmatch(r"stopped: [1-9]\d* rows of 1 symbols", stopped[1])


# A venue that tells its past again has told it all.
def until_whole(life: Life, process: subprocess.Popen[str]) -> None:
    for _ in range(60):
        statuses(process, 0)
        with Store(life.root) as store:
            if not store.gaps(life.key, life.tape, *EVER):
                return


def test_a_checker_that_sees_what_is_planted() -> None:
    market = Market({"venue": "binance_usdm", "start_ns": 1_780_000_000 * 10**9, "seed": 7})
    tape = market.between(1_780_000_000 * 10**9, 1_780_000_060 * 10**9)
    gap = Gap(symbol="BTCUSDT", from_ns=int(tape.ts_exch_ns[7]), to_ns=int(tape.ts_exch_ns[7]) + 1, cause="planted")
    less = tape.take(np.r_[0:7, 8 : len(tape)])

    def found(rows: Trades, *gaps: Gap) -> list[str]:
        return [text.partition(":")[0] for text in market.faults(rows, gaps)]

    assert found(tape) == []
    assert found(less) == ["1 rows are missing without a word"]
    assert found(less, gap) == []
    assert found(tape.take(np.r_[0 : len(tape), 9])) == ["1 rows are there too often"]
