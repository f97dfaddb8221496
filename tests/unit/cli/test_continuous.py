"""A continuous future on the command line: read by its name, its rolls told, and no bar over one."""

from __future__ import annotations

import csv
import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from footloom.cli.main import main
from footloom.core.instrument import Instrument
from footloom.core.snapshots import Snapshots
from footloom.store.files import Store
from footloom.venues._india_master import expiry_ns

HOUR, DAY = 3_600 * 10**9, 86_400 * 10**9
END = {"A": expiry_ns(dt.date(2025, 11, 25), "nse_fo"), "B": expiry_ns(dt.date(2025, 12, 30), "nse_fo")}
KEY = "upstox:NIFTY.FUT1"
ROLL = {
    "symbol": "NIFTY.FUT1", "at_ns": END["A"], "from_symbol": "NSE_FO|A", "to_symbol": "NSE_FO|B", "rule": "date",
    "from_price": "26002.0", "to_price": "26102.0",
}  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # A until its last hour, B from that hour on: in each hour 75, then 75 more at a price one point higher.
    folder = tmp_path_factory.mktemp("rolled") / "store"
    with Store(folder, writer=True) as made:
        for name, base, days in (("A", 260_000, (-1, 0)), ("B", 261_000, (0, 1))):
            one = Instrument(
                venue="upstox", symbol=f"NSE_FO|{name}", tick_size=Decimal("0.1"), lot_size=Decimal(1),
                calendar="nse_fo", kind="future", underlying="NIFTY", expiry_ns=END[name],
            )  # fmt: skip
            at = np.concatenate([END["A"] + day * DAY - HOUR + np.arange(1, 4) * 10**9 for day in days])
            ltp = base + np.tile([0, 10, 20], 2)
            volume = np.tile([75, 150, 225], 2)
            made.append(Snapshots(one, at, ltp, np.full(6, 75), volume, ltp - 5, ltp, at + 10**6, "snapshot"))
    return folder


def run(store: Path, verb: str, *arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main([verb, *arguments, "--store", str(store)])
    code = left.value.code or 0
    assert isinstance(code, int)
    return code


@pytest.mark.parametrize("rule", ["1h", "1w", "500t"])
def test_bars_by_the_name(store: Path, capsys: pytest.CaptureFixture[str], rule: str) -> None:
    assert run(store, "bars", KEY, "--bars", rule, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["chart"]["rolls"] == [ROLL]
    assert [one["symbol"] for one in found["chart"]["contracts"]] == ["NSE_FO|A", "NSE_FO|B"]
    assert found["chart"]["symbol"] == KEY
    shown = [(bar["open"], bar["close"], int(bar["buy"]) + int(bar["sell"])) for bar in found["bars"]]
    # The first snapshot of a day is the baseline; the other two are 75 each. A bar of a week ends at the roll too.
    days = [("26001.0", "26002.0", 150), ("26001.0", "26002.0", 150), ("26101.0", "26102.0", 150)]
    week = [("26001.0", "26002.0", 300), ("26101.0", "26102.0", 150)]
    assert shown == (week if rule == "1w" else days)
    assert len(found["chart"]["inference"]["unattributed"]) == 3
    assert sum(int(lot) for _, lot in found["chart"]["inference"]["unattributed"]) == 3 * 75


def test_a_table_says_where_it_rolled(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(store, "bars", KEY, "--bars", "1h") == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "rolled 2025-11-25 15:30:00 (date): NSE_FO|A at 26002.0 to NSE_FO|B at 26102.0" in out


def test_only_rolls_of_the_range_are_told(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(store, "bars", KEY, "--bars", "1h", "--json", "--from", "2025-11-26", "--tape", "snapshot") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["chart"]["rolls"], len(found["bars"])) == ([], 1)
    assert [one["symbol"] for one in found["chart"]["contracts"]] == ["NSE_FO|B"]


def test_adjusted_by_its_name(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(store, "bars", f"{KEY}@adjusted", "--bars", "1w", "--json", "--studies", "cvd,vwap") == 0
    found = json.loads(capsys.readouterr().out)
    assert [(bar["open"], bar["close"]) for bar in found["bars"]] == [("26101.0", "26102.0")] * 2
    assert found["chart"]["symbol"] == f"{KEY}@adjusted"


def test_exports(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(store, "export", KEY, str(tmp_path / "trades.csv"), "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["rows"], report["tape"], report["rolls"]) == (6, "snapshot", [ROLL])
    rows = list(csv.DictReader((tmp_path / "trades.csv").read_text().splitlines()))
    assert [row["price"] for row in rows] == ["26001.0", "26002.0", "26001.0", "26002.0", "26101.0", "26102.0"]
    for what, count in (("bars", 2), ("levels", 4), ("study:vwap", 2)):
        out = tmp_path / f"{what.partition(':')[0]}.parquet"
        assert run(store, "export", KEY, str(out), "--what", what, "--bars", "1w", "--ticks-per-level", "1") == 0
        assert pq.read_table(out).num_rows == count, what
    assert "rolled from NSE_FO|A to NSE_FO|B" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wanted", [["verify", KEY], ["export", KEY, "out.csv", "--what", "snapshots"]], ids=["verify", "snapshots"]
)
def test_what_needs_a_contract_names_those_that_are_stored(
    store: Path, capsys: pytest.CaptureFixture[str], wanted: list[str]
) -> None:
    assert run(store, *wanted) != 0
    said = " ".join(capsys.readouterr().err.split())
    assert "is a view of stored contracts" in said
    assert "takes one of them: upstox:NSE_FO|A, upstox:NSE_FO|B" in said


def test_nothing_stored_of_it_says_how_to_get_it(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(store, "bars", "upstox:BANKNIFTY.FUT1") != 0
    assert "footloom record upstox:BANKNIFTY.FUT1" in " ".join(capsys.readouterr().err.split())
