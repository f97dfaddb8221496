"""Any table by what its user says about its columns: nothing of a side or a unit is guessed."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from footloom.core.trades import Trades
from footloom.errors import ConfigError
from footloom.feeds.ingest import Options, import_files
from footloom.feeds.preview import preview
from footloom.importers._mapping import Mapping, mapping_of
from footloom.store.files import Store
from tests.unit.importers.conftest import Import, assert_adds_up
from tests.unit.importers.files import gzipped, text_of
from tests.unit.importers.test_cli import run

HEADER = "Timestamp;Price;Size;Side"
ROWS = ["1735689599999;100.5;3;B", "1735689600001;100.4;2;S", "1735689600001;100.4;2;S"]
BASE = "ts=Timestamp,price=Price,qty=Size"
KEY = "mine:X"
OWN: dict[str, Any] = {"venue": "mine", "symbol": "X"}


def sided(buy: str = "B,BUY", sell: str = "S,SELL", unit: str = "ms") -> Mapping:
    return mapping_of(f"{BASE},side=Side", unit, buy, sell)


def parquet(path: Path, **columns: object) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


# --- text


def test_a_table_is_read_as_it_is_mapped(take: Import) -> None:
    done = take(text_of("# made by hand", HEADER, *ROWS, HEADER), "x.csv", mapping=sided(), **OWN)
    tape = done.tape
    assert (tape.instrument, tape.tape, tape.kept) == (KEY, "trade", 3)
    assert (tape.buy, tape.sell, tape.unknown) == ("3", "4", "0")
    assert (tape.first, tape.last) == ("2024-12-31T23:59:59.999Z", "2025-01-01T00:00:00.001Z")
    assert done.load(KEY, "trade").price_tick.tolist() == [1005, 1004, 1004]
    again = take(gzipped(text_of("# made by hand", HEADER, *ROWS, HEADER)), "y.csv.gz", mapping=sided(), **OWN)
    assert (again.tape.new, again.tape.already_stored) == (0, 3)


@pytest.mark.parametrize("word", ["A", "ASK", "BID", "B", "1", "2", "long"])
def test_words_of_a_side_are_never_guessed(take: Import, word: str) -> None:
    rows = [row[:-1] + word for row in ROWS]
    done = take(text_of(HEADER, *rows), "x.csv", mapping=sided("", ""), **OWN)
    assert done.file.usage
    assert repr(word) in done.file.error
    assert "opposite ways" in done.file.error
    told = take(text_of(HEADER, *rows), "x.csv", mapping=sided(word, "never"), **OWN)
    assert told.tape.buy_rows == 3
    other = take(text_of(HEADER, *rows), "z.csv", mapping=sided("never", word), venue="mine", symbol="Y")
    assert other.tape.sell_rows == 3


def test_plain_words_need_no_telling_and_an_unmapped_word_is_a_bad_row(take: Import) -> None:
    rows = [
        "1735689600001,1.5,1,Buy",
        "1735689600002,1.5,1,sell",
        "1735689600003,1.5,1,unknown",
        "1735689600004,1.5,1,",
    ]
    done = take(text_of(HEADER.replace(";", ","), *rows), "x.csv", mapping=sided("", ""), **OWN)
    assert (done.tape.buy_rows, done.tape.sell_rows, done.tape.unknown_rows) == (1, 1, 2)
    bad = take(text_of(HEADER, *ROWS, "1735689600002;100.4;2;X"), "y.csv", mapping=sided(), venue="mine", symbol="Y")
    assert bad.reasons == {"side is not readable": 1}
    assert "line 5" in bad.report.problems[0]
    assert "side is 'X'" in bad.report.problems[0]


def test_without_a_side_all_volume_is_unknown(take: Import) -> None:
    done = take(text_of(HEADER, *ROWS), "x.csv", mapping=mapping_of(BASE, "ms"), **OWN)
    assert done.tape.unknown_rows == 3
    assert "all volume is unknown" in done.file.notes[1]


def test_columns_by_number_where_there_is_no_header(take: Import) -> None:
    mapping = mapping_of("ts=1,price=2,qty=3,side=4", "ms", "B", "S")
    done = take(text_of(*ROWS), "x.csv", mapping=mapping, **OWN)
    assert (done.tape.kept, done.tape.buy) == (3, "3")


def test_a_row_with_a_quoted_separator(take: Import) -> None:
    done = take(
        text_of("Timestamp,Price,Size,Note", '1735689600001,100.5,3,"a, b"', "1735689600002,100.5,1,c"),
        "x.csv",
        mapping=mapping_of(BASE, "ms"),
        **OWN,
    )
    assert done.report.kept == 2


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("1735689599", "s"),
        ("1735689599.999", "s"),
        ("1735689599999", "ms"),
        ("1735689599999123", "us"),
        ("1735689599999123456", "ns"),
    ],
)
def test_the_unit_of_times_is_told_and_checked(take: Import, text: str, unit: str) -> None:
    rows = text_of("Timestamp,Price,Size", f"{text},1,1")
    done = take(rows, "x.csv", mapping=mapping_of(BASE, unit), **OWN)
    assert done.tape.first.startswith("2024-12-31T23:59:59")
    untold = take(rows, "x.csv", mapping=mapping_of(BASE), **OWN)
    assert "no unit is told" in untold.file.error
    for wrong in {"s", "ms", "us", "ns"} - {unit}:
        refused = take(rows, "x.csv", mapping=mapping_of(BASE, wrong), **OWN)
        assert refused.report.kept == 0
        assert "but this format carries" in refused.file.error
    assert "which is a number" in take(rows, "x.csv", mapping=mapping_of(BASE, "iso"), **OWN).file.error


def test_a_file_whose_unit_changes_within_is_not_taken_for_another_century(take: Import) -> None:
    # P7: ms before 2025-01-01, µs after.
    rows = ["1735689599999,1,1", "1735689600000000,1,1", "1735689600001000,1,1"]
    done = take(text_of("Timestamp,Price,Size", *rows), "x.csv", mapping=mapping_of(BASE, "ms"), **OWN)
    assert done.reasons == {"time in a unit this format does not use": 2}
    assert done.tape.last == "2024-12-31T23:59:59.999Z"


@pytest.mark.parametrize(
    ("text", "zone", "day", "first"),
    [
        ("2024-12-31T23:59:59.999Z", "", None, "2024-12-31T23:59:59.999Z"),
        ("2025-01-01 05:29:59.999+05:30", "", None, "2024-12-31T23:59:59.999Z"),
        ("2025-01-01 05:29:59.999000", "Asia/Kolkata", None, "2024-12-31T23:59:59.999Z"),
        ("20250101 05:29:59.000000001", "Asia/Kolkata", None, "2024-12-31T23:59:59.000000001Z"),
        ("09:15:00.5", "Asia/Kolkata", dt.date(2025, 1, 1), "2025-01-01T03:45:00.500Z"),
        ("2024-07-01 09:30:00", "America/New_York", None, "2024-07-01T13:30:00.000Z"),
    ],
)
def test_written_times(take: Import, text: str, zone: str, day: dt.date | None, first: str) -> None:
    rows = text_of("Timestamp,Price,Size", f"{text},1,1")
    done = take(rows, "x.csv", mapping=mapping_of(BASE), zone=zone, day=day, **OWN)
    assert done.tape.first == first
    if zone:
        assert "--tz" in take(rows, "x.csv", mapping=mapping_of(BASE), day=day, **OWN).file.error
    if day:
        assert "--date" in take(rows, "x.csv", mapping=mapping_of(BASE), zone=zone, **OWN).file.error


def test_a_date_in_a_column_of_its_own(take: Import) -> None:
    rows = text_of("Date;Time;Price;Size", "2022-01-24;13:30:00.5;4347.75;1")
    mapping = mapping_of("date=Date,ts=Time,price=Price,qty=Size")
    done = take(rows, "x.csv", mapping=mapping, zone="UTC", **OWN)
    assert done.tape.first == "2022-01-24T13:30:00.500Z"


def test_bad_rows_of_a_table_are_told(take: Import) -> None:
    rows = ["soon,1,1", "1735689600001,x,1", "1735689600001,1,-1", "1735689600001,1", "1735689600001,0,1"]
    done = take(
        text_of("Timestamp,Price,Size", "1735689600000,1,1", *rows), "x.csv", mapping=mapping_of(BASE, "ms"), **OWN
    )
    assert done.reasons == {
        "time is no number": 1,
        "price is no number": 1,
        "number below zero": 1,
        "wrong number of columns": 1,
        "no market trade: price is zero": 1,
    }
    assert len(done.report.problems) == 4
    strict = take(text_of("Timestamp,Price,Size", *rows), "y.csv", mapping=mapping_of(BASE, "ms"), strict=True, **OWN)
    assert not strict.report.ok


def test_a_cut_table(take: Import) -> None:
    done = take(text_of(HEADER, *ROWS)[:-4], "x.csv", mapping=sided(), **OWN)
    assert done.report.kept == 2
    assert "seems to be cut" in done.report.problems[0]


def test_ids_tell_duplicates_and_texts_are_no_ids(take: Import) -> None:
    rows = ["1735689600001,1,1,7", "1735689600002,1,1,8", "1735689600001,1,1,7", "1735689600004,1,1,11"]
    mapping = mapping_of(f"{BASE},id=Id", "ms")
    done = take(text_of("Timestamp,Price,Size,Id", *rows), "x.csv", mapping=mapping, **OWN)
    assert (done.tape.kept, done.tape.duplicates, done.tape.missing_ids) == (3, 1, 2)
    texts = take(text_of("Timestamp,Price,Size,Id", "1735689600001,1,1,c0ffee-00"), "x.csv", mapping=mapping, **OWN)
    assert "leave id out of --map" in texts.file.error


@pytest.mark.parametrize(
    ("columns", "unit", "buy", "sell", "message"),
    [
        ("ts=a,price=b", "ms", "", "", "says nothing of qty"),
        ("when=a,price=b,qty=c", "ms", "", "", "roles are ts, date"),
        ("ts=a,ts=b,price=b,qty=c", "ms", "", "", "named twice"),
        ("ts=a,price=b,qty=c,side=d,maker=e", "ms", "", "", "name one of them"),
        ("ts=a,price=b,qty=c,side=d", "ms", "A,B", "b", "both claim b"),
        ("ts=a,price=b,qty=c,side=d", "ms", "A", "", "of one of them alone"),
        ("ts=a,price=b,qty=c", "ms", "A", "B", "add side=COLUMN"),
        ("ts=a,price=b,qty=c", "m", "", "", "units are s, ms"),
    ],
)
def test_a_mapping_that_says_too_little_or_too_much(columns: str, unit: str, buy: str, sell: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        mapping_of(columns, unit, buy, sell)


def test_a_column_that_is_not_there(take: Import) -> None:
    done = take(text_of(HEADER, *ROWS), "x.csv", mapping=mapping_of("ts=Time,price=Price,qty=Size", "ms"), **OWN)
    assert done.file.error == "--map ts=Time: there is no such column; there are Timestamp, Price, Size, Side"


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(order=st.permutations(range(12)))
def test_a_shuffled_file_is_a_sorted_file(tmp_path_factory: pytest.TempPathFactory, order: list[int]) -> None:
    # P8
    folder = tmp_path_factory.mktemp("shuffled")
    rows = [f"{1735689600000 + i},{100 + i % 3}.5,{i + 1}" for i in range(12)]
    loaded = []
    for name, own in (("sorted", rows), ("shuffled", [rows[i] for i in order])):
        path = folder / f"{name}.csv"
        path.write_bytes(text_of("Timestamp,Price,Size", *own))
        report = import_files([path], Options(mapping=mapping_of(BASE, "ms"), **OWN), store=folder / name)
        assert_adds_up(report)
        block = Store(folder / name).load(KEY, "trade", 0, 2**62)
        assert isinstance(block, Trades)
        loaded.append((block.ts_exch_ns.tolist(), block.price_tick.tolist(), block.qty_lot.tolist()))
    assert loaded[0] == loaded[1]


# --- Parquet


def test_a_parquet_file_is_read_as_it_is_mapped(take: Import, tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "x.parquet",
        Timestamp=pa.array([1735689599999, 1735689600001], pa.timestamp("ms", "UTC")),
        Price=[100.5, 0.1 + 0.2],
        Size=[0.00031099999999999997, 2.0],
        Side=["B", "S"],
        id=[1, 2],
    )
    mapping = mapping_of(f"{BASE},side=Side,id=id", "", "B", "S")
    done = take(path, mapping=mapping, **OWN)
    assert (done.tape.buy, done.tape.sell) == ("0.000311", "2.000000")
    assert done.tape.counted == {"binary floats with more than 15 digits, read to 15": 2}
    assert done.load(KEY, "trade").price_tick.tolist() == [1005, 3]
    assert take(path, mapping=mapping, **OWN).tape.new == 0


def test_two_parquet_files_with_ids_are_two_files(take: Import, tmp_path: Path) -> None:
    for k in (0, 100):
        path = parquet(tmp_path / f"{k}.parquet", Timestamp=[1735689600000 + k], Price=["1.5"], Size=[1], id=[k + 1])
        assert take(path, mapping=mapping_of(f"{BASE},id=id", "ms"), **OWN).tape.new == 1


@pytest.mark.parametrize(
    "times",
    [
        pa.array([1735689600123456789], pa.timestamp("ns", "Asia/Kolkata")),
        pa.array([1735689600123456789], pa.int64()),
    ],
)
def test_times_of_parquet_keep_their_nanoseconds(take: Import, tmp_path: Path, times: pa.Array) -> None:
    unit = "ns" if pa.types.is_integer(times.type) else ""
    path = parquet(tmp_path / "x.parquet", Timestamp=times, Price=np.array([1.1], np.float32), Size=[Decimal("2.50")])
    done = take(path, mapping=mapping_of(BASE, unit), **OWN)
    assert done.tape.first == "2025-01-01T00:00:00.123456789Z"
    assert (done.tape.tick_size, done.tape.lot_size) == ("0.1", "0.1")


def test_times_of_parquet_without_a_zone_need_one(take: Import, tmp_path: Path) -> None:
    path = parquet(tmp_path / "x.parquet", Timestamp=pa.array([1735689600123], pa.timestamp("ms")), Price=[1], Size=[1])
    assert "add --tz" in take(path, mapping=mapping_of(BASE), **OWN).file.error
    assert take(path, mapping=mapping_of(BASE), zone="UTC", **OWN).tape.kept == 1


def test_bad_rows_and_cut_files_of_parquet(take: Import, tmp_path: Path) -> None:
    path = parquet(tmp_path / "x.parquet", Timestamp=[1735689600000, None, 5], Price=[1.5, 1.5, 1.5], Size=[1, 1, 1])
    done = take(path, mapping=mapping_of(BASE, "ms"), **OWN)
    assert done.report.kept == 1
    assert sum(done.reasons.values()) == 2
    assert "line 2" in done.report.problems[0]
    cut = tmp_path / "cut.parquet"
    cut.write_bytes(path.read_bytes()[:-30])
    assert "damaged or cut" in take(cut, mapping=mapping_of(BASE, "ms"), **OWN).file.error


def test_parquet_without_a_mapping_says_what_it_takes(take: Import, tmp_path: Path) -> None:
    path = parquet(tmp_path / "x.parquet", Timestamp=[1735689600000], Price=[1.5], Size=[1])
    assert "its columns are Timestamp, Price, Size" in take(path, **OWN).file.error


# --- preview


def test_a_preview_shows_columns_and_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(text_of(HEADER, *ROWS))
    found = preview(path, Options())
    assert [(column.name, column.guess) for column in found.columns] == [
        ("Timestamp", "ts"),
        ("Price", "price"),
        ("Size", "qty"),
        ("Side", "side"),
    ]
    assert found.missing == (
        "the unit of Timestamp: 1735689599999 would be 2024-12-31 23:59:59 UTC in ms",
        "what 'B', 'S' mean in Side",
        "the venue and the symbol",
    )
    assert found.told == (
        "--map 'ts=Timestamp,price=Price,qty=Size,side=Side' --ts-unit UNIT --side-buy WORDS --side-sell WORDS"
    )


def test_a_preview_shows_rows_as_they_would_be_read(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(text_of(HEADER, *ROWS, "soon;1;1;B"))
    found = preview(path, Options(mapping=sided(), **OWN))
    assert [(row.line, row.time, row.price, row.qty, row.side) for row in found.rows] == [
        (2, "2024-12-31T23:59:59.999Z", "100.5", "3", "buy"),
        (3, "2025-01-01T00:00:00.001Z", "100.4", "2", "sell"),
        (4, "2025-01-01T00:00:00.001Z", "100.4", "2", "sell"),
    ]
    assert len(found.refused) == 1
    assert preview(path, Options(mapping=sided())).missing[0].endswith("add --venue and --symbol")
    assert not (tmp_path / "store").exists()


def test_the_command_line_previews_and_imports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(text_of(HEADER, *ROWS))
    store = ["--store", str(tmp_path / "store")]
    assert run(str(path), "--preview", *store) == 0
    assert "to begin with: --map" in capsys.readouterr().out
    flags = ["--map", f"{BASE},side=Side", "--ts-unit", "ms", "--side-buy", "B", "--side-sell", "S"]
    assert run(str(path), *flags, "--venue", "mine", "--symbol", "X", *store) == 0
    assert "buy 3 (1), sell 4 (2)" in capsys.readouterr().out
    assert run(str(path), "--ts-unit", "ms", *store) == 2
    assert run(str(path), "--map", "ts=1", *store) == 2


# --- the recordings


def test_recorded_parquet_trades(recordings: Path, tmp_path: Path) -> None:
    mapping = mapping_of("ts=timestamp,price=price,qty=quantity,maker=buyer_maker,id=trade_id")
    options = Options(mapping=mapping, venue="binance_spot", symbol="BTCUSDT")
    report = import_files([recordings / "binance" / "btcusdt-trades.parquet"], options, store=tmp_path / "store")
    assert_adds_up(report)
    (tape,) = report.files[0].tapes
    assert (tape.kept, tape.buy, tape.sell, tape.gap_count) == (2_001, "45.457938", "41.613658", 0)
    assert tape.counted == {"binary floats with more than 15 digits, read to 15": 492}


def test_rows_of_what_can_be_no_symbol_are_left_out_and_the_others_taken(take: Import) -> None:
    symbols = ["X", "../x", "Y", "../x", "*"]
    rows = [f"{1735689600000 + number};100.5;3;B;{symbol}" for number, symbol in enumerate(symbols)]
    mapping = mapping_of(f"{BASE},side=Side,symbol=Symbol", "ms", "B", "S")

    done = take(text_of(HEADER + ";Symbol", *rows), "x.csv", mapping=mapping, venue="mine")

    assert [(tape.instrument, tape.kept) for tape in done.file.tapes] == [("mine:X", 1), ("mine:Y", 1)]
    assert [(drop.reason, drop.count, drop.line, drop.detail) for drop in done.file.unreadable] == [
        ("no symbol", 3, 3, "'../x' can be no symbol")
    ]
    assert not done.file.error
