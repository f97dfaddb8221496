"""``footloom import`` as a user meets it: text, JSON and exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from footloom.cli.main import main
from tests.unit.importers.files import AGG_HEADER, AGG_NAME, agg_rows, gzipped, text_of


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / AGG_NAME
    path.write_bytes(text_of(AGG_HEADER, *agg_rows(1, 5), "6,x,1,1,1,1723075200600,true", *agg_rows(9, 9)))
    return path


def run(*arguments: str | Path) -> int:
    """Run the verb in this process; returns the exit code."""
    with pytest.raises(SystemExit) as left:
        main(["import", *map(str, arguments)])
    code = left.value.code
    assert code is None or isinstance(code, int)
    return code or 0


def test_the_report_in_words(archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(archive, "--store", tmp_path / "store") == 0
    out, err = capsys.readouterr()
    for words in (
        f"{archive}: Binance archive, aggTrades, with header",
        "binance_usdm:BTCUSDT, tape agg_trade; tick 0.1, lot 0.001 (known instrument)",
        "read 7 = kept 6 + dropped 1",
        "2024-08-08T00:00:00.100Z to 2024-08-08T00:00:00.900Z",
        "buy 6.000 (2), sell 8.000 (4), unknown 0.000 (0)",
        "dropped 1 × price is no number; first on line 7: price is 'x': no decimal number",
        "6,x,1,1,1,1723075200600,true",
        "gaps 1, ids missing 3",
        "3 between 5 on line 6 and 9 on line 8",
        "read 7, kept 6, dropped 1; stored 6 new rows in",
    ):
        assert words in out
    assert err == f"footloom: {archive}, line 7: price is 'x': no decimal number\n"


def test_the_report_as_json(archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(archive, "--store", tmp_path / "store", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["ok"], report["read"], report["kept"], report["dropped"], report["gaps"]) == (True, 7, 6, 1, 1)
    (tape,) = report["files"][0]["tapes"]
    assert (tape["instrument"], tape["tick_from"], tape["buy"]) == ("binance_usdm:BTCUSDT", "known instrument", "6.000")
    assert tape["drops"][0]["line"] == 7
    assert tape["gaps"][0]["missing"] == 3


def test_twice(archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(archive, "--store", tmp_path / "store")
    capsys.readouterr()
    assert run(archive, "--store", tmp_path / "store") == 0
    out = capsys.readouterr().out
    assert "already imported: every row was stored before, nothing changed" in out
    assert "nothing new was stored" in out


def test_strict_refuses(archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(archive, "--store", tmp_path / "store", "--strict") == 1
    assert "nothing was stored: --strict, and 1 thing is wrong" in capsys.readouterr().err
    assert not (tmp_path / "store").exists()


def test_a_dry_run(archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(archive, "--store", tmp_path / "store", "--dry-run") == 0
    assert "dry run, nothing was stored" in capsys.readouterr().out
    assert not (tmp_path / "store").exists()


def test_one_file_of_two_fails(archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    absent = tmp_path / "absent.csv"
    assert run(absent, archive, "--store", tmp_path / "store") == 1
    out, err = capsys.readouterr()
    assert "stored 6 new rows" in out
    assert f"footloom: {absent}: there is no such file" in err


def test_a_flag_that_is_missing_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(text_of(*agg_rows(1, 5)))
    assert run(path, "--store", tmp_path / "store") == 2
    assert "add --venue and --symbol" in capsys.readouterr().err
    assert run(path, "--venue", "binance_usdm", "--symbol", "BTCUSDT", "--store", tmp_path / "store") == 0


@pytest.mark.parametrize(
    "arguments",
    [[], ["--tick-size", "abc", "x"], ["--lot-size", "-1", "x"], ["--tick-size", "NaN", "x"], ["--no-flag", "x"]],
)
def test_usage(arguments: list[str]) -> None:
    assert run(*arguments) == 2


def test_a_file_that_is_not_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(text_of("dear diary", "today nothing was traded"))
    assert run(path, "--store", tmp_path / "store") == 1
    err = capsys.readouterr().err
    for name in ("binance_archive", "binance_stream_csv", "binance_ws_lines", "side_csv", "trades_csv"):
        assert f"  {name}: " in err
    assert "Traceback" not in err


def test_a_store_that_somebody_writes_to(archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    holder = (
        "import sys; from pathlib import Path; from footloom.store.files import Store;"
        "store = Store(Path(sys.argv[1]), writer=True); print('ready', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", holder, str(tmp_path / "store")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        assert run(archive, "--store", tmp_path / "store") == 1
        assert str(process.pid) in capsys.readouterr().err


def test_from_a_shell_in_another_time_zone(tmp_path: Path) -> None:
    path = tmp_path / f"{AGG_NAME}.gz"
    path.write_bytes(gzipped(text_of(*agg_rows(1, 50))))
    command = [sys.executable, "-m", "footloom.cli.main", "import", str(path), "--store", str(tmp_path / "s"), "--json"]
    environment = os.environ | {"TZ": "Asia/Kolkata"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=110, env=environment)
    assert done.stderr == ""
    assert json.loads(done.stdout)["files"][0]["tapes"][0]["first"] == "2024-08-08T00:00:00.100Z"


def test_recognising_a_file_compiles_nothing() -> None:
    code = "import sys, footloom.importers._found as found; found.formats(); print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "False\n"
