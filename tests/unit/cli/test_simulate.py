"""``footloom simulate``: what it says when it is ready, and what it refuses."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

FOOTLOOM = [sys.executable, "-m", "footloom.cli.main", "simulate"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nasdaq"], "there is no local venue 'nasdaq'; there are binance_usdm"),
        (["binance_usdm", "--faults", "explode@10s"], "'explode@10s' orders no fault"),
        (["binance_usdm", "--sim", "--replay", "x.csv"], "name two markets"),
        (["binance_usdm", "--replay", "missing.csv"], "missing.csv: there is no such file"),
    ],
)
def test_what_cannot_be_is_refused_in_words(arguments: list[str], words: str) -> None:
    done = subprocess.run([*FOOTLOOM, *arguments], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_recording_is_played_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    file = tmp_path / "BTCUSDT-aggTrades-2026-03-02.csv"
    rows = [f"{n},100.{n % 10},0.5,{n},{n},{1_772_409_600_000 + 10 * n},true" for n in range(1, 50)]
    header = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker"
    file.write_text("\n".join([header, *rows, ""]))
    process = subprocess.Popen(
        [*FOOTLOOM, "binance_usdm", "--replay", str(file), "--port", "0", "--json", "--faults", "drop@p=0.1"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        with urllib.request.urlopen(ready["url"] + "/fapi/v1/exchangeInfo") as reply:
            info = json.load(reply)
    finally:
        process.send_signal(signal.SIGINT)
        code = process.wait(120)
        process.stdout.close()

    assert code == 0
    assert (ready["status"], ready["symbols"], ready["faults"], ready["seed"]) == (
        "ready",
        ["BTCUSDT"],
        "drop@p=0.1",
        7,
    )
    assert info["symbols"][0]["symbol"] == "BTCUSDT"
