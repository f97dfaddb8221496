"""``footloom export``: every kind of file from a store, exact, whole or not at all."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from footloom.cli.main import main
from footloom.core.instrument import Instrument
from footloom.core.snapshots import NO_QUOTE, Snapshots
from footloom.core.trades import Trades
from footloom.engine.table_facts import read_facts
from footloom.notebook.trade_files import read_trades
from footloom.store.files import Store

ONE = Instrument(venue="test", symbol="ABC", tick_size=Decimal("0.5"), lot_size=Decimal("0.001"))
START = 1_772_409_600 * 10**9  # 2026-03-02 00:00 UTC
COUNT = 5_000


def some_trades(name: str = "trade") -> Trades:
    rng = np.random.default_rng(11)
    ts = START + np.arange(COUNT) * 100_000_000
    return Trades.build(
        ONE, ts, 200 + np.cumsum(rng.integers(-1, 2, COUNT)), rng.integers(1, 900, COUNT), rng.integers(-1, 2, COUNT),
        trade_id=np.arange(COUNT), ts_recv_ns=ts + rng.integers(0, 300_000_000, COUNT), tape=name,
    )  # fmt: skip


def some_snapshots() -> Snapshots:
    ts = START + np.arange(50) * 10**9
    flat = np.full(50, 200)
    bids = np.where(np.arange(50) % 7 == 0, NO_QUOTE, 199)
    return Snapshots(ONE, ts, flat, np.ones(50, np.int64), np.arange(50) * 10, bids, flat, ts + 5)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "store"
    with Store(folder, writer=True) as made:
        made.put_instrument(ONE)
        made.write_part(some_trades())
        made.put_instrument(Instrument(venue="test", symbol="SNAP", tick_size=ONE.tick_size, lot_size=ONE.lot_size))
        seen = some_snapshots()
        columns = {name: getattr(seen, name) for name in Snapshots.__slots__ if name not in {"instrument", "tape"}}
        made.write_part(Snapshots(made.instrument("test:SNAP"), **columns))
    return folder


def run(store: Path, *arguments: str, verb: str = "export") -> int:
    with pytest.raises(SystemExit) as left:
        main([verb, *arguments, "--store", str(store)])
    code = left.value.code or 0
    assert isinstance(code, int)
    return code


def told(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow", "npz"])
def test_trades_come_back_bit_for_bit(
    kind: str, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / f"x.{kind}"
    assert run(store, "test:ABC", str(out), "--json") == 0
    report = json.loads(capsys.readouterr().out)

    again = read_trades(out, ONE)

    assert again.equals(some_trades())
    assert (report["rows"], report["bytes"], report["tape"]) == (COUNT, out.stat().st_size, "trade")
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


@pytest.mark.parametrize(
    ("file", "flags", "rows"),
    [
        ("usdm_btcusdt_20240808.gz", ("--venue", "binance_usdm", "--symbol", "BTCUSDT"), 21_313),
        ("aggtrades_btcusdt_20260511_20000.csv.gz", ("--venue", "binance_usdm"), 20_000),
    ],
)
def test_real_recordings_come_back(
    file: str, flags: tuple[str, ...], rows: int, recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path / "store", str(recordings / "binance" / file), *flags, verb="import") == 0
    with Store(tmp_path / "store") as opened:
        (covered,) = opened.coverage()
        stored = opened.load(covered.key, covered.tape, 0, 2**62)
    assert isinstance(stored, Trades)
    assert len(stored) == rows
    for kind in ("csv", "parquet", "arrow", "npz"):
        out = tmp_path / f"x.{kind}"
        assert run(tmp_path / "store", covered.key, str(out)) == 0, capsys.readouterr().err
        again = read_trades(out, stored.instrument, tape=stored.tape)
        assert again.equals(stored), kind


def test_a_range_is_half_open(store: Path, tmp_path: Path) -> None:
    out = tmp_path / "x.parquet"
    run(store, "test:ABC", str(out), "--from", "2026-03-02T00:01", "--to", "2026-03-02T00:02")

    assert read_trades(out).equals(some_trades().between(START + 60 * 10**9, START + 120 * 10**9))


def test_a_quiet_range_is_a_file_without_rows(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "x.csv"
    between = ("--from", str(START + 1), "--to", str(START + 2))
    assert run(store, "test:ABC", str(out), *between) == 0
    assert out.read_text().startswith("ts_exch_ns,price")
    assert "wrote 0 rows" in told(capsys)
    assert run(store, "test:ABC", str(tmp_path / "x.npz"), *between) == 0
    assert len(read_trades(tmp_path / "x.npz")) == 0


@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow"])
def test_bars_and_levels_equal_footloom_bars(
    kind: str, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ("--bars", "1m", "--ticks-per-level", "3", "--from", "2026-03-02T00:02")
    run(store, "test:ABC", *flags, "--json", verb="bars")
    expected = json.loads(capsys.readouterr().out)["bars"]
    made: dict[str, list[dict[str, str]]] = {}
    for what in ("bars", "levels"):
        out = tmp_path / f"{what}.{kind}"
        assert run(store, "test:ABC", str(out), "--what", what, *flags) == 0
        made[what] = texts(out)

    plain = [{name: text(value) for name, value in bar.items() if name != "levels"} for bar in expected]
    levels = [[str(bar["open_ns"]), *map(str, level)] for bar in expected for level in bar["levels"]]
    assert len(expected) > 5
    assert made["bars"] == plain
    names = ("open_ns", "price", "buy", "sell", "unknown", "trades")
    assert [[row[name] for name in names] for row in made["levels"]] == levels


def text(value: Any) -> str:
    return "" if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)


def texts(path: Path) -> list[dict[str, str]]:
    if path.suffix == ".csv":
        rows = list(csv.DictReader(path.read_text().splitlines()))
        for row in rows:  # 1 and 1.0 are one number
            row |= {name: text(float(row[name])) for name in ("coverage",) if row.get(name)}
        return rows
    table = pq.read_table(path) if path.suffix == ".parquet" else pa.ipc.open_file(path).read_all()
    return [{name: text(value) for name, value in row.items()} for row in table.to_pylist()]


def test_files_say_what_they_are(store: Path, tmp_path: Path) -> None:
    run(store, "test:ABC", str(tmp_path / "x.parquet"), "--what", "bars", "--set", "poc_tie=lowest", "--bars", "5m")
    facts = read_facts(pq.read_schema(tmp_path / "x.parquet").metadata)
    assert facts is not None
    assert (facts.what, facts.tape, facts.bars, facts.spec["poc_tie"]) == ("bars", "trade", "5m", "lowest")
    assert (facts.instrument.key, facts.instrument.tick_size) == ("test:ABC", Decimal("0.5"))


@pytest.mark.parametrize("name", ["vwap", "cvd", "value_area"])
def test_a_study_of_a_range_is_that_of_the_whole_tape(name: str, store: Path, tmp_path: Path) -> None:
    for out, flags in (("whole", ()), ("part", ("--from", "2026-03-02T00:03", "--to", "2026-03-02T00:06"))):
        path = str(tmp_path / f"{out}.parquet")
        assert run(store, "test:ABC", path, "--what", f"study:{name}", "--ticks-per-level", "2", *flags) == 0

    whole, part = (pq.read_table(tmp_path / f"{out}.parquet") for out in ("whole", "part"))

    assert part.to_pylist() == whole.to_pylist()[3:6]
    facts = read_facts(part.schema.metadata)
    assert facts is not None
    assert (facts.study, facts.part, facts.ticks_per_level) == (name, "bars", 2)


def test_settings_of_a_study(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "x.csv"
    flags = ("--what", "study:vwap", "--set", "reset=day", "--set", "bands=[1, 2, 2.5]")
    assert run(store, "test:ABC", str(out), *flags) == 0
    for wrong, message in (
        (("--what", "study:vwap", "--set", "nonsense=1"), "has no setting nonsense"),
        (("--what", "study:vwap", "--set", "reset=never-ever"), "cannot be set so"),
        (("--what", "study:nonsense"), "no study is called 'nonsense'"),
        (("--what", "study:vwap:cells"), "VWAP says nothing of cells here: it has bars"),
        (("--what", "study:vwap:rows"), "a study has bars, cells, events"),
        (("--what", "bars", "--set", "poc_tie=middle"), "a chart cannot be made so"),
        (("--what", "bars", "--set", "bars=5m"), "flags of their own"),
        (("--what", "trades", "--set", "a=1"), "trades have no settings"),
    ):
        capsys.readouterr()
        assert run(store, "test:ABC", str(tmp_path / "no.csv"), *wrong) == 1, wrong
        assert message in told(capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]


def test_snapshots_and_what_is_inferred_from_them(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(store, "test:SNAP", str(tmp_path / "s.parquet"), "--what", "snapshots") == 0
    rows = pq.read_table(tmp_path / "s.parquet").to_pylist()
    assert [row["bid"] for row in rows[:2]] == [None, Decimal("99.5")]
    assert [row["ts_recv_ns"] for row in rows] == some_snapshots().ts_recv_ns.tolist()

    assert run(store, "test:SNAP", str(tmp_path / "t.parquet")) == 0
    assert "inferred from snapshots" in told(capsys)
    inferred = read_trades(tmp_path / "t.parquet")
    assert inferred.qty_lot.sum() == 490, "the rise of the day's volume"
    assert inferred.tape == "snapshot"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("x.txt",), 1, "does not end with .csv, .parquet"),
        (("x.npz", "--what", "bars"), 2, "npz holds the events of trades"),
        (("x.csv", "--what", "candles"), 2, "'candles' is none of trades, snapshots"),
        (("x.csv", "--latency-ns", "5"), 2, "--latency-ns is for npz"),
        (("x.csv", "--set", "nothing", "--what", "bars"), 2, "write NAME=VALUE"),
        (("x.csv", "--from", "2026-03-03", "--to", "2026-03-02"), 1, "the range is empty"),
        (("x.csv", "--from", "2026-04-01"), 1, "nothing is stored of test:ABC/trade from 1775001600"),
        (("x.csv", "--tape", "agg_trade"), 1, "nothing is stored"),
        (("x.csv", "--what", "snapshots"), 1, "nothing is stored"),
        (("x.csv", "--what", "snapshots", "--tape", "trade"), 1, "say --what trades"),
        (("nowhere/x.csv",), 1, "make the folder first"),
        ((".",), 1, "does not end with"),
    ],
)
def test_mistakes_are_told_in_one_sentence(
    arguments: tuple[str, ...], code: int, message: str, store: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert run(store, "test:ABC", *arguments) == code
    error = told(capsys)
    assert message in error
    assert "Traceback" not in error
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten_unasked(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "x.csv"
    out.write_text("mine")
    assert run(store, "test:ABC", str(out)) == 1
    assert "is there already: name another file, or say --force" in told(capsys)
    assert out.read_text() == "mine"
    assert run(store, "test:ABC", str(out), "--force") == 0
    assert out.read_text() != "mine"


def test_several_tapes_are_never_mixed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Store(tmp_path / "store", writer=True) as made:
        for name in ("trade", "agg_trade", "partial:large"):
            made.write_part(some_trades(name))
    assert run(tmp_path / "store", "test:ABC", str(tmp_path / "x.csv")) == 1
    assert "choose one with --tape trade or --tape agg_trade" in told(capsys)
    for name in ("agg_trade", "partial:large"):
        out = tmp_path / f"{name[:3]}.parquet"
        assert run(tmp_path / "store", "test:ABC", str(out), "--tape", name) == 0
        assert read_trades(out).equals(some_trades(name))


# A script's shell ignores SIGINT for what it starts with `&`, such as these tests.
SLOW = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
import footloom.cli._export_sources as sources
made = sources._cut
def slow(blocks):
    for block in made(blocks):
        yield block
        print("begun", flush=True)
        time.sleep(60)
sources._cut = slow
from footloom.cli.main import main
main(sys.argv[1:])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ")
@pytest.mark.parametrize("kind", ["csv", "npz"])
def test_ctrl_c_leaves_no_half_file(kind: str, store: Path, tmp_path: Path) -> None:
    arguments = ["export", "test:ABC", str(tmp_path / f"x.{kind}"), "--store", str(store)]
    program = subprocess.Popen(
        [sys.executable, "-c", SLOW, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert program.stdout is not None
    assert program.stdout.readline() == "begun\n"
    assert list(tmp_path.iterdir()), "it was under way"
    time.sleep(0.1)
    program.send_signal(signal.SIGINT)
    _, error = program.communicate(timeout=60)

    assert program.returncode == 130, error
    assert "Traceback" not in error
    assert list(tmp_path.iterdir()) == []
