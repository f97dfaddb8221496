"""``footloom bars``: exact text, the shape that the issue fixed, and every way out."""

from __future__ import annotations

import csv
import io
import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

import footloom
from footloom.cli.main import main
from footloom.core.instrument import Instrument
from footloom.core.snapshots import Snapshots
from footloom.core.trades import FLAG_REST, Trades
from footloom.kernels.inference import SnapshotParams
from footloom.store.files import Store

TEST = Instrument(venue="test", symbol="ABC", tick_size=Decimal("0.5"), lot_size=Decimal("0.001"))
MINUTE_NS = 60 * 10**9
START_NS = 1_772_409_600 * 10**9  # 2026-03-02 00:00 UTC
FIELDS = [
    "open_ns",
    "close_ns",
    "open",
    "high",
    "low",
    "close",
    "buy",
    "sell",
    "unknown",
    "delta",
    "min_delta",
    "max_delta",
    "cvd",
    "trades",
    "poc",
    "vah",
    "val",
    "vah_edge",
    "coverage",
    "quote_share",
    "sure",
    "rest",
    "by_stated",
    "by_prev_quote",
    "by_prev_mid",
    "by_tick",
    "levels",
]


def tape(rows: list[tuple[float, str, str, int]], name: str = "trade") -> Trades:
    """Make trades of (minutes after the start, price, quantity, side)."""
    return Trades.build(
        TEST,
        [START_NS + int(minutes * MINUTE_NS) for minutes, *_ in rows],
        [TEST.price_tick(price) for _, price, _, _ in rows],
        [TEST.qty_lot(quantity) for _, _, quantity, _ in rows],
        [side for *_, side in rows],
        trade_id=np.arange(1, len(rows) + 1),
        ts_recv_ns=[START_NS + int(minutes * MINUTE_NS) for minutes, *_ in rows],
        tape=name,
    )


ROWS = [(0.1, "100.0", "0.300", 1), (0.2, "100.5", "0.100", -1), (0.9, "99.5", "0.200", 0), (2.0, "100.0", "1", -1)]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    with Store(tmp_path / "store", writer=True) as made:
        made.put_instrument(TEST)
        made.write_part(tape(ROWS))
    return tmp_path / "store"


def run(*arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    with pytest.raises(SystemExit) as left:
        main(["bars", "test:ABC", *arguments])
    assert left.value.code in {None, 0}, capsys.readouterr().err
    return capsys.readouterr().out


def bars(*arguments: str, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run(*arguments, "--json", capsys=capsys))["bars"]
    return found


def test_json_by_hand(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(run("--ticks-per-level", "1", "--store", str(store), "--json", capsys=capsys))
    first, second = document["bars"]
    assert list(first) == FIELDS
    assert first == {
        "open_ns": START_NS,
        "close_ns": START_NS + MINUTE_NS,
        "open": "100.0",
        "high": "100.5",
        "low": "99.5",
        "close": "99.5",
        "buy": "0.300",
        "sell": "0.100",
        "unknown": "0.200",
        "delta": "0.200",
        "min_delta": "0.000",
        "max_delta": "0.300",
        "cvd": "0.200",
        "trades": 3,
        "poc": "100.0",
        "vah": "100.0",
        "val": "99.5",
        "vah_edge": "100.5",
        "coverage": 0.666667,
        "quote_share": None,
        "sure": "0.400",
        "rest": "0.000",
        "by_stated": "0.400",
        "by_prev_quote": "0.000",
        "by_prev_mid": "0.000",
        "by_tick": "0.000",
        "levels": [
            ["99.5", "0.000", "0.000", "0.200", 1],
            ["100.0", "0.300", "0.000", "0.000", 1],
            ["100.5", "0.000", "0.100", "0.000", 1],
        ],
    }
    assert (second["open_ns"], second["cvd"]) == (START_NS + 2 * MINUTE_NS, "-0.800")
    chart = document["chart"]
    assert (chart["symbol"], chart["tape"], chart["cvd_reset"]) == ("test:ABC", "trade", "never")
    assert chart["cvd_anchor_ns"] == START_NS


def test_where_nothing_is_printed_it_is_said_why(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["bars", "test:ABC", "--store", str(store), "--from", "2027-01-01"])
    assert "test:ABC is stored from 2026-03-02 00:00:06 to 2026-03-02 00:02:00 UTC" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["bars", "test:ABCD", "--store", str(store)])
    assert "the nearest name there is test:ABC (looked in" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["bars", "test:ABC", "--store", str(store), "--studies", "poc,vwp"])
    assert "no study is called 'vwp'" in capsys.readouterr().err


def test_a_range_holds_the_bars_that_open_in_it(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def opens(*arguments: str) -> list[int]:
        found = bars("--store", str(store), *arguments, capsys=capsys)
        return [(bar["open_ns"] - START_NS) // MINUTE_NS for bar in found]

    assert opens() == [0, 2]
    assert opens("--from", "2026-03-02T00:01") == [2]
    assert opens("--from", "2026-03-02T00:00:30") == [2], "not the bar that it cuts"
    assert opens("--to", "2026-03-02T00:02") == [0]
    assert opens("--to", str(START_NS + 30 * 10**9)) == [0], "the bar that it cuts is whole"
    assert opens("--from", "2026-03-02T01:00") == []


def test_the_cvd_runs_from_the_first_bar_of_the_range(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--store", str(store), "--from", "2026-03-02T00:00:30")
    document = json.loads(run(*arguments, "--json", capsys=capsys))
    assert [bar["cvd"] for bar in document["bars"]] == ["-1.000"]
    assert document["chart"]["cvd_anchor_ns"] == START_NS + 2 * MINUTE_NS
    by_session = json.loads(run(*arguments, "--cvd-reset", "session", "--json", capsys=capsys))
    assert [bar["cvd"] for bar in by_session["bars"]] == ["-0.800"]
    assert by_session["chart"]["cvd_anchor_ns"] == START_NS


def test_csv_says_the_same(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = run("--store", str(store), "--csv", "--ticks-per-level", "1", capsys=capsys)
    rows = list(csv.DictReader(io.StringIO(text)))
    expected = bars("--store", str(store), "--ticks-per-level", "1", capsys=capsys)
    assert list(rows[0]) == FIELDS
    assert [row["close"] for row in rows] == [bar["close"] for bar in expected]
    levels = [level.split(":") for level in rows[0]["levels"].split(" ")]
    assert levels == [[str(value) for value in level] for level in expected[0]["levels"]]


def test_parquet_says_the_same(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "bars.parquet"
    run("--store", str(store), "--parquet", str(out), "--ticks-per-level", "1", capsys=capsys)
    table = pq.read_table(out).to_pylist()  # type: ignore[no-untyped-call]
    expected = bars("--store", str(store), "--ticks-per-level", "1", capsys=capsys)
    assert [str(row["cvd"]) for row in table] == [bar["cvd"] for bar in expected]
    assert [str(level["price"]) for level in table[0]["levels"]] == ["99.5", "100.0", "100.5"]
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []


def test_the_table_is_for_people(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = run("--store", str(store), capsys=capsys)
    assert "test:ABC 1m, 1 ticks a level, tape trade" in text
    assert "2026-03-02 00:02:00" in text
    assert "-0.800" in text


def test_only_some_studies(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = bars("--store", str(store), "--studies", "cvd, imbalance", capsys=capsys)[0]
    assert "cvd" in first
    assert "poc" not in first
    # 0.300 bought at 100.0 against nothing sold at 99.5 (definitions 5.1)
    assert first["imbalances"] == [{"price": "100.0", "side": "buy", "stacked": False}]
    with pytest.raises(SystemExit):
        main(["bars", "test:ABC", "--store", str(store), "--studies", "nonsense", "--json"])
    assert "no study is called 'nonsense'" in capsys.readouterr().err


def test_any_study_has_columns_of_its_own(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    every = bars("--store", str(store), "--studies", "vwap", capsys=capsys)
    later = bars("--store", str(store), "--studies", "vwap", "--from", str(every[1]["open_ns"]), capsys=capsys)

    assert later[0]["vwap.vwap"] == every[1]["vwap.vwap"], "it counts from the session, not from the range"
    assert float(every[0]["low"]) <= every[0]["vwap.vwap"] <= float(every[0]["high"])
    wider = bars("--store", str(store), "--studies", "vwap", "--set", "vwap.bands=[2,3,4]", capsys=capsys)
    assert [row["vwap.upper1"] for row in wider] == [row["vwap.upper2"] for row in every]
    with pytest.raises(SystemExit) as left:
        main(["bars", "test:ABC", "--store", str(store), "--studies", "vwap"])
    assert left.value.code == 2
    with pytest.raises(SystemExit) as left:
        main(["bars", "test:ABC", "--store", str(store), "--studies", "vwap", "--json", "--set", "cvd.reset=day"])
    assert left.value.code == 2
    assert "'cvd.reset' is no setting of these studies: vwap.NAME=VALUE" in capsys.readouterr().err


def test_several_tapes_are_never_mixed(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Store(store, writer=True) as opened:
        opened.write_part(tape([(0.5, "100.0", "5", 1)], "agg_trade"))
        opened.write_part(tape([(0.5, "100.0", "7", 1)], "partial:large"))
    with pytest.raises(SystemExit) as left:
        main(["bars", "test:ABC", "--store", str(store), "--json"])
    assert left.value.code == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["chart"]["tape"] == "trade", "the one that its charts are drawn from"
    assert "these bars are made of trade; --tape agg_trade names another" in said.err
    assert [bar["buy"] for bar in bars("--store", str(store), "--tape", "agg_trade", capsys=capsys)] == ["5.000"]


def test_a_parquet_file_that_cannot_be_written(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["bars", "test:ABC", "--store", str(store), "--parquet", str(tmp_path / "nowhere" / "x.parquet")])
    assert left.value.code == 1
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["", "."])
def test_a_parquet_file_needs_a_name(store: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["bars", "test:ABC", "--store", str(store), "--parquet", name])
    assert left.value.code == 1
    assert "name a file" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_parquet_file_replaces_no_device(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SystemExit) as left:
        main(["bars", "test:ABC", "--store", str(store), "--parquet", str(tmp_path / "pipe")])
    assert left.value.code == 1
    assert "name a file" in capsys.readouterr().err
    assert [entry.name for entry in tmp_path.iterdir() if not entry.is_dir()] == ["pipe"]
    assert not (tmp_path / "pipe").is_file()


@pytest.mark.parametrize("moment", ["3000-01-01", "9" * 30, str(2**63)])
def test_a_time_beyond_64_bits(store: Path, moment: str, capsys: pytest.CaptureFixture[str]) -> None:
    for flag in ("--from", "--to"):
        with pytest.raises(SystemExit) as left:
            main(["bars", "test:ABC", "--store", str(store), flag, moment])
        assert left.value.code == 1
        assert "no time that 64 bits of ns can hold" in capsys.readouterr().err


def test_the_imbalances_of_a_range_are_those_of_the_whole_tape(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The automatic minimum volume looks back behind the range; its CVD does not."""
    rng = np.random.default_rng(2)
    count = 40 * 60
    ts = START_NS + np.arange(count) * 10**9
    quantities = np.where(ts < START_NS + 20 * MINUTE_NS, rng.integers(1, 200, count), rng.integers(1, 40, count))
    prices = 100 + np.cumsum(rng.integers(-1, 2, count))
    sides = rng.choice([-1, 1], count)
    with Store(tmp_path / "store", writer=True) as made:
        made.write_part(Trades.build(TEST, ts, prices, quantities, sides, trade_id=np.arange(count), ts_recv_ns=ts))
    arguments = ("--store", str(tmp_path / "store"), "--ticks-per-level", "1", "--studies", "delta,cvd,imbalance")
    whole = bars(*arguments, capsys=capsys)
    part = bars(*arguments, "--from", "2026-03-02T00:20", capsys=capsys)
    assert len(part) == 20
    assert [bar["imbalances"] for bar in part] == [bar["imbalances"] for bar in whole[20:]]
    assert part[0]["cvd"] == part[0]["delta"]


def test_times_are_dates_or_ns_and_never_guessed(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(bars("--store", str(store), "--from", "20260302", capsys=capsys)) == 2
    assert bars("--store", str(store), "--from", "20260303", capsys=capsys) == []
    assert len(bars("--store", str(store), "--from", "0", capsys=capsys)) == 2
    for number in ("1772409600", "1772409600000", "1772409600000000"):
        with pytest.raises(SystemExit) as left:
            main(["bars", "test:ABC", "--store", str(store), "--json", "--from", number])
        assert left.value.code == 1
        assert f"{number} is no time in ns" in " ".join(capsys.readouterr().err.split())


SECONDS = [
    (0, 200, 5, 1000, 199, 201),
    (1, 201, 50, 1080, 200, 203),
    (2, 200, 20, 1100, 200, 203),
    (61, 201, 4, 1110, 0, 9),
]


@pytest.fixture
def inferred(tmp_path: Path) -> Path:
    second, ltp, ltq, vtt, bid, ask = (np.array(column, np.int64) for column in zip(*SECONDS, strict=True))
    ts = START_NS + second * 10**9
    with Store(tmp_path / "inferred", writer=True) as made:
        made.put_instrument(TEST)
        made.append(Snapshots(TEST, ts, ltp, ltq, vtt, bid, ask, ts + 1))
    return tmp_path / "inferred"


def test_sides_inferred_from_snapshots_say_how(inferred: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(run("--json", "--store", str(inferred), capsys=capsys))
    how = document["chart"]["inference"]
    assert (how["rest_policy"], how["params_hash"]) == ("ltp_same_side", SnapshotParams().params_hash)
    assert how["unattributed"] == [[START_NS, "1.000"]]
    assert (how["corrected"], how["dropped"], how["ltq_anomaly"], how["rebaselined"]) == ("0.000", 0, 0, 0)
    first, second = document["bars"]
    names = ("buy", "sell", "unknown", "sure", "rest", "by_stated", "by_prev_quote", "by_prev_mid", "by_tick")
    assert [first[name] for name in names] == [
        "0.080",
        "0.020",
        "0.000",
        "0.070",
        "0.030",
        "0.000",
        "0.070",
        "0.000",
        "0.000",
    ]
    assert (first["coverage"], first["quote_share"]) == (1.0, 1.0)
    assert (second["sure"], second["rest"], second["by_prev_mid"]) == ("0.004", "0.006", "0.004")
    volume = sum(Decimal(bar[name]) for bar in document["bars"] for name in ("sure", "rest", "unknown"))
    assert volume + Decimal(how["unattributed"][0][1]) == Decimal("1.110"), "each lot of the day once"


def test_the_rest_policy_is_chosen_and_shown(inferred: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(run("--json", "--rest-policy", "unknown", "--store", str(inferred), capsys=capsys))
    assert document["chart"]["inference"]["rest_policy"] == "unknown"
    assert [bar["unknown"] for bar in document["bars"]] == ["0.030", "0.006"]
    assert document["bars"][0]["coverage"] == 0.7
    shown = run("--rest-policy", "unknown", "--store", str(inferred), capsys=capsys)
    assert "sides inferred, rest_policy unknown; volume that nobody saw: 1.000" in shown
    trades = footloom.load_trades("test:ABC", "2026-03-02", "2026-03-03", rest_policy="unknown", store=inferred)
    assert trades.tape == "snapshot"
    assert trades.side.tolist() == [1, 0, -1, -1, 0]
    same = footloom.load_trades("test:ABC", "2026-03-02", "2026-03-03", store=inferred)
    assert same.side.tolist() == [1, 1, -1, -1, -1]


def test_sides_that_the_venue_states_have_no_inference(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(run("--json", "--store", str(store), capsys=capsys))
    assert document["chart"]["inference"] is None
    first = document["bars"][0]
    assert (first["sure"], first["rest"], first["by_stated"], first["by_tick"]) == ("0.400", "0.000", "0.400", "0.000")


def test_the_simulated_future_takes_the_rest_policy_too() -> None:
    span = ("sim:FUT", "2026-03-02", "2026-03-02T00:02")
    signed, unsigned = (footloom.load_trades(*span, rest_policy=policy) for policy in ("ltp_same_side", "unknown"))
    assert signed.qty_lot.tolist() == unsigned.qty_lot.tolist()
    rest = (unsigned.flags & FLAG_REST) != 0
    assert rest.any()
    assert not unsigned.side[rest].any()
    assert signed.side[rest].all()


@pytest.mark.parametrize("form", ["--json", "--csv"])
@pytest.mark.parametrize("studies", [(), ("--studies", "delta,imbalance,vwap")])
def test_what_is_printed_piece_by_piece_is_one_document(
    store: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    form: str,
    studies: tuple[str, ...],
) -> None:
    arguments = (*studies, "--ticks-per-level", "1", "--store", str(store), form)
    at_once = run(*arguments, capsys=capsys)
    monkeypatch.setattr("footloom.cli.bars._PIECE_BARS", 1)

    assert run(*arguments, capsys=capsys) == at_once
    assert form == "--csv" or len(json.loads(at_once)["bars"]) > 1
