"""Finished footprints: kept as they came, shown as they came, and never taken for a tape."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from footloom.cli.main import main
from footloom.errors import NotStored, StoreError
from footloom.feeds.finished import finished_footprint, finished_names
from footloom.feeds.ingest import Options, import_files
from footloom.feeds.stored import chart_tapes
from footloom.store.files import Store
from tests.unit.importers.conftest import Import, Imported, assert_adds_up
from tests.unit.importers.files import gzipped, text_of

KEY, NAME = "angelone:53001", "finished:sqlite"
OPEN_S = 1_756_439_100  # 2025-08-29 09:15 in Kolkata
TABLE = (
    "CREATE TABLE candles (instrument_token TEXT NOT NULL, timestamp INTEGER NOT NULL, open REAL, high REAL, low REAL, "
    "close REAL, footprint_json TEXT, PRIMARY KEY (instrument_token, timestamp))"
)


def levels(*rows: tuple[float, float, float]) -> str:
    return json.dumps([{"price": price, "bidVol": sold, "askVol": bought} for price, sold, bought in rows])


# Levels descend and leave out what did not trade; the third bar is missing.
CANDLES: list[tuple[Any, ...]] = [
    ("53001", OPEN_S, 100.0, 104.0, 96.0, 98.0, levels((104.0, 3, 10), (100.0, 5.0, 0), (96.0, 7, 1))),
    ("53001", OPEN_S + 300, 98.0, 102.0, 98.0, 102.0, levels((102.0, 0, 4), (98.0, 2, 2))),
    ("53001", OPEN_S + 900, 102.0, 102.0, 100.0, 100.0, levels((102.0, 6, 0), (100.0, 0, 3))),
    ("53001", OPEN_S + 1200, 100.0, 102.0, 100.0, 100.0, levels((100.0, 6, 0), (102.0, 0, 3))),
]


def database(path: Path, candles: list[tuple[Any, ...]]) -> Path:
    with sqlite3.connect(path) as made:
        made.execute(TABLE)
        made.executemany("INSERT INTO candles VALUES (?, ?, ?, ?, ?, ?, ?)", candles)
    made.close()
    return path


@pytest.fixture
def seeded(tmp_path: Path, take: Import) -> Imported:
    return take(database(tmp_path / "candles.db", CANDLES), venue="angelone")


def test_bars_and_levels_as_they_came(seeded: Imported) -> None:
    assert (seeded.file.importer, seeded.tape.tape, seeded.tape.kept) == ("seed_footprints_sqlite", NAME, 9)
    assert seeded.tape.counted == {"finished bars, whose levels the rows are": 4}
    found = finished_footprint(Store(seeded.store), KEY, NAME, None, None)
    assert found.ticks_per_level == 2  # the labels are two apart
    assert found.bars.open_ns.tolist() == [(OPEN_S + s) * 10**9 for s in (0, 300, 900, 1200)]
    assert (found.bars.close_ns - found.bars.open_ns).tolist() == [300 * 10**9] * 4
    first = found.cells(0)
    assert (first.row * 2).tolist() == [96, 100, 104]
    assert (first.sell_lot.tolist(), first.buy_lot.tolist()) == ([7, 5, 3], [1, 0, 10])
    assert found.bars.delta_lot.tolist() == [-4, 4, -3, -3]
    assert [int(found.bars.open_tick[0]), int(found.bars.high_tick[0]), int(found.bars.low_tick[0])] == [100, 104, 96]
    later = finished_footprint(Store(seeded.store), KEY, NAME, (OPEN_S + 300) * 10**9, (OPEN_S + 900) * 10**9)
    assert (len(later), later.ticks_per_level) == (1, 2)


def test_a_missing_bar_is_a_gap(seeded: Imported) -> None:
    (gap,) = seeded.tape.gaps
    assert (gap.from_ns, gap.to_ns) == ((OPEN_S + 600) * 10**9, (OPEN_S + 900) * 10**9)


def test_it_is_no_tape_and_no_coverage(seeded: Imported) -> None:
    store = Store(seeded.store)
    assert store.coverage() == []
    assert store.partials() == []
    assert [(row.key, row.tape, row.rows, row.sources) for row in store.finished()] == [
        (KEY, NAME, 9, ("seed_footprints_sqlite",))
    ]
    assert finished_names(store, KEY) == [NAME]
    assert store.instruments() == []  # another program's rows say nothing about the tick
    with pytest.raises(NotStored):
        chart_tapes(store, KEY)
    with pytest.raises(StoreError, match="no tape but finished footprints"):
        store.load(KEY, NAME, 0, 2**62)
    with pytest.raises(NotStored, match="it has finished:sqlite"):
        finished_footprint(store, KEY, "finished:other", None, None)


def test_twice_changes_nothing_and_another_name_is_another_place(
    seeded: Imported, take: Import, tmp_path: Path
) -> None:
    again = take(tmp_path / "candles.db", venue="angelone")
    assert (again.tape.new, again.tape.already_stored) == (0, 9)
    take(tmp_path / "candles.db", venue="angelone", tape="finished:mine")
    assert finished_names(Store(seeded.store), KEY) == ["finished:mine", NAME]
    refused = take(tmp_path / "candles.db", venue="angelone", tape="trade")
    assert "name them finished:NAME" in refused.file.error


@pytest.mark.parametrize(
    ("bad", "reason", "words"),
    [
        (
            ("53001", OPEN_S * 1000, 1.0, 1.0, 1.0, 1.0, levels((1.0, 1, 1))),
            "timestamp in another unit",
            "a time in ms",
        ),
        (("53001", "noon", 1.0, 1.0, 1.0, 1.0, levels((1.0, 1, 1))), "timestamp is no time", "'noon'"),
        (
            ("53001", OPEN_S + 600, 98.0, 97.0, 98.0, 98.0, levels((98.0, 1, 1))),
            "prices of the bar contradict each other",
            "high",
        ),
        (
            ("53001", OPEN_S + 600, 98.0, 98.0, 98.0, 98.0, '[{"price": 98.0, "bid'),
            "footprint_json is not readable",
            "as expected",
        ),
        (("53001", OPEN_S + 600, 98.0, 98.0, 98.0, 98.0, levels((98.0, -1, 1))), "number below zero", "-1"),
        (
            ("53001", OPEN_S + 600, 98.0, 98.0, 98.0, 98.0, levels((98.0, 1, 1), (98.0, 2, 2))),
            "a level stands twice in its bar",
            "same",
        ),
        (("53001", OPEN_S + 600, None, 98.0, 98.0, 98.0, levels((98.0, 1, 1))), "price is no number", "None"),
    ],
)
@pytest.mark.parametrize("strict", [False, True])
def test_a_bad_bar_is_told_and_the_rest_kept_or_nothing(
    take: Import,
    tmp_path: Path,
    bad: tuple[Any, ...],
    reason: str,
    words: str,
    strict: bool,  # noqa: FBT001 - both ways
) -> None:
    path = database(tmp_path / "candles.db", [*CANDLES, bad])
    done = take(path, venue="angelone", strict=strict, tick_size="1", lot_size="1")
    drops = done.tape.drops + done.file.unreadable
    assert [(drop.reason, drop.line, drop.count) for drop in drops] == [(reason, 5, 1)]
    assert words in drops[0].detail
    assert (done.tape.kept, done.report.ok) == (9, not strict)


def test_odd_bars_are_counted(take: Import, tmp_path: Path) -> None:
    odd = [
        ("53001", OPEN_S + 1500, 104.0, 102.0, 100.0, 100.0, levels((104.0, 6, 0), (100.0, 0, 3), (102.0, 0, 0))),
        ("53001", OPEN_S + 1800, 100.0, 104.0, 100.0, 104.0, levels((100.0, 6, 0), (102.0, 0, 3))),
        ("53001", OPEN_S + 2100, 100.0, 104.0, 100.0, 104.0, "[]"),
    ]
    done = take(database(tmp_path / "candles.db", [*CANDLES, *odd]), venue="angelone")
    assert done.tape.counted == {
        "finished bars, whose levels the rows are": 6,
        "levels without volume, left out": 1,
        "bars with levels beyond their high or low": 1,
        "bars whose open or close is beyond their high or low": 1,
        "bars whose levels do not reach their high or low": 1,
        "bars without volume in their levels, left out": 1,
    }


def test_a_database_that_is_cut_or_another_one(take: Import, tmp_path: Path) -> None:
    many = [
        (f"{token}", OPEN_S + 300 * i, 98.0, 98.0, 98.0, 98.0, CANDLES[0][6]) for token in range(9) for i in range(99)
    ]
    path = database(tmp_path / "whole.db", [(*row[:2], 100.0, 104.0, 96.0, 98.0, row[6]) for row in many])
    (tmp_path / "cut.db").write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    done = take(tmp_path / "cut.db", venue="angelone")
    assert "malformed" in done.file.error + done.file.damage
    assert done.report.problems != []
    with sqlite3.connect(tmp_path / "other.db") as made:
        made.execute("CREATE TABLE candles (timestamp INTEGER)")
    made.close()
    other = take(tmp_path / "other.db", venue="angelone")
    assert "no table candles with instrument_token" in other.file.error
    assert "--venue" in take(path).file.error


LEVELS = [
    "2023-06-14 14:01:00,1.0,14928.75,268.0,zlEKR",
    "2023-06-14 14:01:00,22.0,14928.25,450.0,zlEKR",
    "2023-06-14 14:01:00,0.0,14932.25,61.0,BsDeTP",
    "2023-06-14 14:01:00,8.0,14931.5,130.0,BsDeTP",
]
BARS = [
    "2023-06-14 14:00:00,14928.25,14928.75,14928.25,14928.75,zlEKR",
    "2023-06-14 14:01:00,14931.5,14932.25,14931.5,14932.25,BsDeTP",
]
RANGE = {"venue": "cme", "symbol": "NQ", "zone": "UTC"}


def pair(folder: Path, rows: list[str] | bytes, bars: list[str] | None = None) -> Path:
    (folder / "nq_ohlc.csv").write_bytes(text_of(*(BARS if bars is None else bars)))
    (folder / "nq_levels.csv").write_bytes(rows if isinstance(rows, bytes) else text_of(*rows))
    return folder / "nq_levels.csv"


def test_range_bars_of_two_files(take: Import, tmp_path: Path) -> None:
    done = take(pair(tmp_path, LEVELS), **RANGE, tick_size="0.25")
    assert (done.tape.tape, done.tape.kept, done.report.problems) == ("finished:range", 4, [])
    found = finished_footprint(Store(done.store), "cme:NQ", "finished:range", None, None)
    assert found.bars.open_ns.tolist() == [1_686_751_200 * 10**9, 1_686_751_260 * 10**9]
    assert (found.cells(0).sell_lot.tolist(), found.cells(0).buy_lot.tolist()) == ([22, 1], [450, 268])
    assert take(tmp_path / "nq_levels.csv", **RANGE, tick_size="0.25").tape.already_stored == 4
    assert "add --tz" in take(tmp_path / "nq_levels.csv", venue="cme", symbol="NQ").file.error


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("2023-06-14 14:01:00,1.0,14928.5,268.0,nobody", "no bar of that identifier"),
        ("2023-06-14 14:01:00,1.0,14928.5,zlEKR", "wrong number of columns"),
        ("2023-06-14 14:01:00,1.0,x,268.0,zlEKR", "not a number"),
        ("1686751260,1.0,14928.5,268.0,zlEKR", "time is not readable"),
    ],
)
def test_bad_levels_are_told(take: Import, tmp_path: Path, bad: str, reason: str) -> None:
    done = take(pair(tmp_path, [*LEVELS[:2], bad, *LEVELS[2:]]), **RANGE)
    assert [(drop.reason, drop.line) for drop in done.file.unreadable] == [(reason, 3)]
    assert done.tape.kept == 4


def test_files_that_are_cut_or_alone(take: Import, tmp_path: Path) -> None:
    cut = take(pair(tmp_path, text_of(*LEVELS)[:-8]), **RANGE, dry_run=True)
    assert [drop.reason for drop in cut.file.unreadable] == ["wrong number of columns"] or cut.tape.kept == 3
    (tmp_path / "nq_levels.csv.gz").write_bytes(gzipped(text_of(*LEVELS)))
    alone = take(tmp_path / "nq_levels.csv.gz", **RANGE)
    assert "nq_ohlc.csv.gz with the bars themselves is not beside it" in alone.file.error
    bars = take(tmp_path / "nq_ohlc.csv", **RANGE)
    assert "import the file of levels" in bars.file.error
    twice = take(pair(tmp_path, LEVELS, [*BARS, BARS[0]]), **RANGE)
    assert [drop.reason for drop in twice.file.unreadable] == ["an identifier twice"]


def test_the_recordings(recordings: Path, tmp_path: Path) -> None:
    report = import_files(
        [recordings / "seeds" / "seed_footprints_20250829-0905.db"], Options(venue="angelone"), store=tmp_path
    )
    assert_adds_up(report)
    assert report.problems == []
    found = finished_footprint(Store(tmp_path), KEY, NAME, None, None)
    assert (len(found), found.ticks_per_level, report.gaps) == (102, 2, 5)
    # Each footprint again, from the file itself.
    with sqlite3.connect(
        f"file:{recordings / 'seeds' / 'seed_footprints_20250829-0905.db'}?mode=ro&immutable=1", uri=True
    ) as made:
        rows = made.execute("SELECT footprint_json FROM candles ORDER BY timestamp").fetchall()
    made.close()
    for i, (text,) in enumerate(rows):
        said = sorted((one["price"], one["askVol"], one["bidVol"]) for one in json.loads(text))
        cells = found.cells(i)
        mine = zip((cells.row * 2).tolist(), cells.buy_lot.tolist(), cells.sell_lot.tolist(), strict=True)
        assert [tuple(map(float, row)) for row in mine] == said


def test_the_range_bars(recordings: Path, tmp_path: Path) -> None:
    from decimal import Decimal

    options = Options(**RANGE, tick_size=Decimal("0.25"))
    path = recordings / "answers" / "nq_range_footprints_levels.csv.gz"
    report = import_files([path], options, store=tmp_path)
    assert_adds_up(report)
    (tape,) = report.files[0].tapes
    assert (tape.kept, tape.counted["finished bars, whose levels the rows are"], report.problems) == (8_158, 476, [])
    found = finished_footprint(Store(tmp_path), "cme:NQ", "finished:range", None, None)
    assert (len(found), found.ticks_per_level) == (476, 1)
    assert (int(found.bars.sell_lot[0]), int(found.bars.buy_lot[0])) == (5_419, 7_282)


def footloom(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    out, err = capsys.readouterr()
    return int(left.value.code or 0), out, err


def test_the_command_line_shows_them_apart_and_as_they_came(
    seeded: Imported, capsys: pytest.CaptureFixture[str]
) -> None:
    store = ("--store", str(seeded.store))
    code, out, _ = footloom(capsys, "coverage", *store)
    assert (code, "no tape and no coverage" in out) == (0, True)
    listed = json.loads(footloom(capsys, "coverage", "--json", *store)[1])
    assert (listed["coverage"], [row["tape"] for row in listed["finished"]]) == ([], [NAME])
    code, out, _ = footloom(capsys, "bars", KEY, "--tape", NAME, *store)
    assert (code, "finished by another program, rows of 2" in out) == (0, True)
    found = json.loads(footloom(capsys, "bars", KEY, "--tape", NAME, "--json", *store)[1])
    assert found["bars"][0]["levels"] == [["96", "1", "7", "0"], ["100", "0", "5", "0"], ["104", "10", "3", "0"]]
    assert found["bars"][0]["delta"] == "-4"
    assert footloom(capsys, "bars", KEY, "--tape", NAME, "--csv", *store)[1].count("\n") == 5


def test_nobody_can_cut_them_anew(seeded: Imported, capsys: pytest.CaptureFixture[str]) -> None:
    store = ("--store", str(seeded.store))
    for flag, value in (("--bars", "1m"), ("--ticks-per-level", "1")):
        code, _, err = footloom(capsys, "bars", KEY, "--tape", NAME, flag, value, *store)
        assert (code, f"Invalid value for {flag}" in err) == (2, True)
    code, _, err = footloom(capsys, "bars", KEY, *store)
    assert (code, f"finished footprints are shown with --tape {NAME}" in err) == (1, True)


def test_trades_are_no_finished_footprints(take: Import) -> None:
    text = text_of("Date;Time;Price;Volume;TradeType", "2022-01-24;13:30:00.5000;100.25;1;2")
    done = take(text, "ticks.txt", **RANGE, tape="finished:mine", dry_run=True)
    assert "no finished footprints" in done.file.error
