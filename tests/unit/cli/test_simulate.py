"""``footloom simulate``: what it says when it is ready, and what it refuses."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from typer.testing import CliRunner

from footloom.cli.main import app, main
from footloom.cli.simulate import _announce
from footloom.testing.venues import LocalVenue
from footloom.testing.venues.angelone import PIN
from tests.unit.cli.small_market import small_market

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
def test_what_cannot_be_is_refused_in_words(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["simulate", *arguments])

    assert left.value.code == 1
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said


def test_a_process_of_its_own_refuses_as_well() -> None:
    done = subprocess.run([*FOOTLOOM, "nasdaq"], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "there is no local venue 'nasdaq'" in done.stderr
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


def test_how_to_log_in_to_a_simulated_broker_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTLOOM_CONFIG", str(tmp_path))

    async def told(venue: str) -> str:
        async with LocalVenue(venue, small_market(venue, time.time_ns())) as local:
            _announce(venue, local, as_json=False)
            text = capsys.readouterr().out
            lines = text.partition("printf '")[2].partition("'")[0].replace("\\n", "\n")
            arguments = ["login", venue, "--endpoint", f"{venue}={local.url}"]
            done = await asyncio.to_thread(CliRunner().invoke, app, arguments, input=lines)
            assert done.exit_code == 0, done.output
            tried = [line for line in text.splitlines() if "footloom serve" in line or "footloom record" in line]
            assert tried
            assert all("--store simulated/store" in line for line in tried), "not into the tape of what is real"
            return text

    assert "printf 'any-token" in asyncio.run(told("upstox"))
    assert PIN in asyncio.run(told("angelone"))
    assert {path.stem for path in (tmp_path / "credentials").iterdir()} == {"angelone", "upstox"}
