"""docs/inference.md is what the recordings say, and a page cannot be made of recordings that are not there."""

from __future__ import annotations

import gzip
import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from footloom.kernels.inference import infer

ROOT = Path(__file__).resolve().parents[3]
MS = 1_000_000


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    return importlib.import_module("inference_report")


def frame(line: int, stream: str, data: dict[str, object]) -> bytes:
    return f"{line} {json.dumps({'stream': f'btcusdt@{stream}', 'data': data}, separators=(',', ':'))}\n".encode()


def quote(line: int, ms: int, bid: str, ask: str) -> bytes:
    return frame(line, "bookTicker", {"e": "bookTicker", "u": 1, "s": "BTCUSDT", "b": bid, "a": ask, "T": ms, "E": ms})


def trade(line: int, ms: int, price: str, *, maker: bool, kind: str = "MARKET") -> bytes:
    data = {"e": "trade", "E": ms, "T": ms, "s": "BTCUSDT", "t": line, "p": price, "q": "2", "X": kind, "m": maker}
    return frame(line, "trade", data)


NOW_MS = 1_723_161_256_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The quote that a trade takes away arrives before the trade, and is of the same millisecond."""
    lines = [
        quote(1, NOW_MS, "100.0", "100.1"),
        quote(2, NOW_MS + 50, "100.1", "100.2"),
        trade(3, NOW_MS + 50, "100.1", maker=False),
        trade(4, NOW_MS + 60, "99.0", maker=True, kind="INSURANCE_FUND"),
        trade(5, NOW_MS + 70, "100.2", maker=False),
        quote(6, NOW_MS + 300, "99.9", "100.0"),
        trade(7, NOW_MS + 400, "99.9", maker=True),
    ]
    made = tmp_path / "usdm.gz"
    made.write_bytes(gzip.compress(b"".join(lines)))
    return made


def test_the_quote_before_is_right_where_the_one_that_arrived_before_is_wrong(tool: Any, path: Path) -> None:
    tape = tool.read_tape(path)
    scores = importlib.import_module("inference_scores")
    assert tape.timed
    assert tape.trades.side.tolist() == [1, 1, -1]
    assert tape.trades.price_tick.tolist() == [10010, 10020, 9990], "no fund's print"
    met = scores.joins(tape)
    assert scores.rule_scores(tape, *met["exchange time"])["quote"].acc_classified == 1.0
    assert scores.rule_scores(tape, *met["arrival"])["quote"].acc_classified == pytest.approx(2 / 3)
    assert scores.places(tape, *met["exchange time"]).at_quote == 1.0


def test_who_looks_seldom_sees_old_quotes(tool: Any, path: Path) -> None:
    tape = tool.read_tape(path)
    tapes = importlib.import_module("inference_tapes")
    seen = tapes.sampled(tape.quotes, 100 * MS)
    assert ((seen.ts_exch_ns - NOW_MS * MS) // MS).tolist() == [0, 100, 200, 300]
    assert seen.bid_tick.tolist() == [10000, 10010, 10010, 9990]
    snapshots, shown = tapes.snapshots_of(tape.trades, tape.quotes, 100 * MS)
    assert snapshots.vtt_lot.tolist() == [4 * 10**8] * 3
    assert shown.tolist() == [1, 1, 1]
    assert len(infer(snapshots).trades) == 0, "the first snapshot is the baseline"


def test_bars_are_scored_by_the_volume_that_stands_on_the_right_side(tool: Any, path: Path) -> None:
    tape = tool.read_tape(path)
    scores = importlib.import_module("inference_scores")
    assert scores.cut_by_time(tape, 100 * MS).tolist() == [0, 0, 1]
    assert scores.cut_by_volume(tape, 3).tolist() == [0, 1, 2]
    found = scores.bar_scores(tape, np.array([0, 0, 1]))
    assert found["Lee-Ready, summed"] == 1.0
    assert found["one half of each bar"] == 0.5


def test_without_recordings_it_says_so(
    tool: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FOOTLOOM_RECORDINGS", str(tmp_path))
    assert tool.main([]) == 2
    assert "set FOOTLOOM_RECORDINGS" in capsys.readouterr().err


def test_the_page_is_what_the_recordings_say(tool: Any, recordings: Path) -> None:
    if not (recordings / "binance" / "usdm_btcusdt_20240808.gz").exists():
        pytest.skip(f"the recordings of Binance are not in {recordings}")
    made = tool.report(recordings)
    assert made == (ROOT / "docs" / "inference.md").read_text(encoding="utf-8"), "run python tools/inference_report.py"


def test_fresh_quotes_sign_998_of_1000_trades(tool: Any, recordings: Path) -> None:
    path = recordings / "binance" / "usdm_btcusdt_20240808.gz"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    scores, tape = importlib.import_module("inference_scores"), tool.read_tape(path)
    met = scores.joins(tape)
    by_time, by_arrival = (scores.rule_scores(tape, *met[name])["quote"] for name in ("exchange time", "arrival"))
    assert by_time.acc_classified >= 0.998
    assert by_arrival.acc_classified == pytest.approx(0.865, abs=0.001)
