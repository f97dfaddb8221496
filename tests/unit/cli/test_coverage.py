"""``footloom coverage``."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from footloom.cli.main import main
from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.series import Series
from footloom.core.trades import Trades
from footloom.store import SourceInfo
from footloom.store.files import Store

START_NS = 1_767_225_600_000_000_000
INSTRUMENT = Instrument(venue="test", symbol="NIFTY 50|FUT", tick_size=Decimal("0.05"), lot_size=Decimal(1))


def trades(first: int, count: int, tape: str = "trade") -> Trades:
    ids = np.arange(first, first + count)
    ts = START_NS + ids * 60_000_000_000
    return Trades.build(INSTRUMENT, ts, ids, np.ones(count), np.ones(count), trade_id=ids, tape=tape)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    with Store(tmp_path / "store", writer=True) as store:
        gap = Gap(symbol="NIFTY 50|FUT", from_ns=START_NS, to_ns=START_NS + 9, cause="reconnect", missing=3)
        store.write_part(trades(0, 2_000), SourceInfo("sha", "a.csv", (0, 2_000), "csv"), [gap])
        store.append(trades(2_000, 10))
        store.write_part(trades(0, 5, "partial:large"), SourceInfo("sha", "large.csv", (0, 5), "prints"))
    return tmp_path / "store"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main(["coverage", *arguments])
    out, err = capsys.readouterr()
    return int(left.value.code or 0), out, err


def test_the_table_has_a_line_a_tape(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--store", str(root))

    assert code == 0
    line = next(text for text in out.splitlines() if text.startswith("test:NIFTY 50|FUT"))
    assert line.split() == [
        "test:NIFTY", "50|FUT", "trade", "2", "2026-01-01", "00:00:00", "2026-01-02", "09:29:00", "2,010",
        *line.split()[9:11], "1", "csv,", "journal",
    ]  # fmt: skip
    assert "partial tapes: some trades of a stretch, no coverage" in out
    assert "partial:large" in out
    assert f"in {root}" in out


def test_days_have_a_line_each(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "--days", "--store", str(root))

    assert [line.split()[3] for line in out.splitlines() if " trade " in line] == ["2026-01-01", "2026-01-02"]


def test_json_is_for_programs(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "test:NIFTY 50|FUT", "--json", "--store", str(root))

    told = json.loads(out)
    assert code == 0
    assert [(one["day"], one["rows"], one["gaps"], one["journal_rows"]) for one in told["coverage"]] == [
        ("2026-01-01", 1_440, 1, 0),
        ("2026-01-02", 570, 0, 10),
    ]
    assert told["coverage"][0]["first_ns"] == START_NS
    assert [one["tape"] for one in told["partial"]] == ["partial:large"]


def test_an_empty_store_is_no_error_but_an_unknown_symbol_is(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "--store", str(tmp_path / "new"))
    assert code == 0
    assert "nothing is stored in" in out
    assert "footloom import FILE" in out

    code, _, err = run(capsys, "test:OTHER", "--store", str(root))
    assert code == 1
    assert "nothing is stored of test:OTHER" in err

    code, out, _ = run(capsys, "--json", "--store", str(tmp_path / "new"))
    assert json.loads(out)["coverage"] == []


def test_what_is_recorded_beside_trades_is_listed_apart(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Store(root, writer=True) as store:
        store.append(Series.build(INSTRUMENT, "open_interest", [START_NS], oi_lot=[7]))

    _, out, _ = run(capsys, "--store", str(root))
    _, text, _ = run(capsys, "--store", str(root), "--json")

    assert "beside the trades: quotes, depth, open interest and mark prices" in out
    assert [row["tape"] for row in json.loads(text)["series"]] == ["open_interest"]
    assert "open_interest" not in {row["tape"] for row in json.loads(text)["coverage"]}
