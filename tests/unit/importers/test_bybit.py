"""Bybit's archives: trades of futures and of spot, and order books that are kept as they are."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footloom.cli.main import main
from footloom.errors import CorruptPart
from footloom.feeds.ingest import Options, import_files
from footloom.feeds.preview import preview
from footloom.importers._keys import Keys, keys_at
from footloom.store.raw import raw_parts, raw_text
from tests.unit.importers.conftest import Import
from tests.unit.importers.files import gzipped, text_of, zipped

HEADER = "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional"
SPOT_HEADER = "id,timestamp,price,volume,side"


def row(seconds: str, side: str, size: str, price: str, number: int, symbol: str = "BTCUSDT") -> str:
    return f"{seconds},{symbol},{side},{size},{price},PlusTick,{uuid.UUID(int=number << 64 | 7)},1e+08,{size},1"


ROWS = [
    row("1704326400.1000", "Buy", "3", "42500.1", 1),
    row("1704326400.1000", "Buy", "3", "42500.1", 2),
    row("1704326401.25", "Sell", "2", "42500.0", 3),
]


# --- trades


def test_futures_trades_have_the_side_of_the_taker(take: Import) -> None:
    done = take(gzipped(text_of(HEADER, *ROWS)), "BTCUSDT2024-01-04.csv.gz")
    tape = done.tape
    assert (tape.instrument, tape.tape) == ("bybit_linear:BTCUSDT", "trade")
    assert (tape.buy, tape.sell) == ("6", "2")
    assert (tape.first, tape.last) == ("2024-01-04T00:00:00.100Z", "2024-01-04T00:00:01.250Z")
    assert take(text_of(HEADER, *ROWS), "BTCUSDT2024-01-04.csv").tape.new == 0


@pytest.mark.parametrize(
    ("symbol", "venue"),
    [
        ("BTCUSD", "bybit_inverse"),
        ("BTCUSDH24", "bybit_inverse"),
        ("BTCPERP", "bybit_linear"),
        ("XUSDC", "bybit_linear"),
    ],
)
def test_the_symbol_tells_linear_from_inverse(take: Import, symbol: str, venue: str) -> None:
    done = take(text_of(HEADER, row("1704326400.1000", "Buy", "3", "42500.1", 1, symbol)), "x.csv")
    assert done.tape.instrument == f"{venue}:{symbol}"


def test_rows_need_no_order(take: Import) -> None:
    # P8: older files begin with the newest trade.
    forward = take(text_of(HEADER, *ROWS[1:]), "a.csv").load("bybit_linear:BTCUSDT", "trade")
    done = take(text_of(HEADER, *(r.replace("BTCUSDT", "ETHUSDT") for r in reversed(ROWS[1:]))), "b.csv")
    backward = done.load("bybit_linear:ETHUSDT", "trade")
    assert forward.ts_exch_ns.tolist() == backward.ts_exch_ns.tolist()
    assert forward.side.tolist() == backward.side.tolist()
    assert done.tape.out_of_order == 1


def test_a_repeated_match_id_is_one_trade_wherever_it_stands(take: Import) -> None:
    done = take(text_of(HEADER, *ROWS, HEADER, *ROWS[1:]), "x.csv")
    assert (done.tape.kept, done.reasons) == (3, {"repeated trade": 2})
    assert "stands in the file before" in done.tape.drops[0].detail
    assert done.report.problems == []


def test_block_trades_are_left_out_and_counted(take: Import) -> None:
    rows = [f"{ROWS[0]},false", f"{ROWS[1]},true", f"{ROWS[2]},False"]
    done = take(text_of(f"{HEADER},isBlockTrade", *rows), "x.csv")
    assert (done.tape.buy, done.tape.sell) == ("3", "2")
    assert done.reasons == {"no market trade: block trade": 1}
    assert done.report.problems == []


def test_newer_files_have_a_column_more(take: Import) -> None:
    assert take(text_of(f"{HEADER},RPI", *(f"{r},0" for r in ROWS)), "x.csv").report.kept == 3


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (row("1704326400100", "Buy", "3", "42500.1", 9), "time in a unit this format does not use"),
        (row("1704326400.1", "Long", "3", "42500.1", 9), "side is not readable"),
        (row("1704326400.1", "Buy", "x", "42500.1", 9), "quantity is no number"),
        ("1704326400.1,BTCUSDT,Buy", "wrong number of columns"),
    ],
)
def test_a_bad_row_is_told(take: Import, bad: str, reason: str) -> None:
    done = take(text_of(HEADER, ROWS[0], bad, *ROWS[1:]), "x.csv")
    assert (done.report.kept, done.reasons) == (3, {reason: 1})
    assert "line 3" in done.report.problems[0]
    assert not take(text_of(HEADER, ROWS[0], bad), "y.csv", strict=True).report.stored


def test_a_cut_file(take: Import) -> None:
    done = take(text_of(HEADER, *ROWS)[:-70], "x.csv")
    assert done.report.kept == 2
    assert "seems to be cut" in done.report.problems[0]


def test_spot_trades_are_known_by_their_lines(take: Import) -> None:
    rows = ["1,1704326400100,42500.10,0.5,buy", "2,1704326400200,42500.20,0.25,sell"]
    done = take(text_of(SPOT_HEADER, *rows), "BTCUSDT_2024-01-04.csv")
    assert (done.tape.instrument, done.tape.buy, done.tape.sell) == ("bybit_spot:BTCUSDT", "0.50", "0.25")
    # The next day begins with id 1 again: other trades.
    later = [text.replace("17043264", "17044128") for text in rows]
    assert take(text_of(f"{SPOT_HEADER},rpi", *(f"{r},0" for r in later)), "BTCUSDT_2024-01-05.csv").tape.new == 2


# --- keys


@given(st.lists(st.lists(st.integers(0, 30), max_size=12), max_size=12))
def test_keys_know_what_was_added(calls: list[list[int]]) -> None:
    keys, seen = Keys(), set[int]()
    for numbers in calls:
        expected = []
        for number in numbers:
            expected.append(number in seen)
            seen.add(number)
        texts = np.array([uuid.UUID(int=number << 64).bytes for number in numbers], "S16")
        assert keys.add(texts).tolist() == expected


def test_uuids_and_other_texts_are_keys() -> None:
    ids = [str(uuid.UUID(int=k << 100)) for k in range(5)]
    for texts in (ids, [one.upper() for one in ids], ["a", "b", "c", "d", "e"], [one[:-1] + "x" for one in ids]):
        lines = [f"1,{one},x\n" for one in texts]
        starts = np.cumsum([0, *(len(line) for line in lines[:-1])])
        found = keys_at(np.frombuffer("".join(lines).encode(), np.uint8), starts, 1)
        assert len(set(found.tolist())) == 5


# --- books


def book(update: int, time_ms: int, kind: str = "delta", symbol: str = "XRPUSDT") -> str:
    data = {"s": symbol, "b": [["1.9531", "6198"]], "a": [], "u": update, "seq": 1}
    return json.dumps(
        {"topic": f"orderbook.500.{symbol}", "type": kind, "ts": time_ms + 2, "data": data, "cts": time_ms}
    )


BOOKS = [book(10, 1733011200000, "snapshot"), book(11, 1733011200100), book(12, 1733011200200)]
OB = "2024-12-01_XRPUSDT_ob500.data"
LINEAR: dict[str, Any] = {"venue": "bybit_linear"}


def test_a_book_is_kept_as_it_is(take: Import) -> None:
    done = take(zipped((OB, text_of(*BOOKS))), "xrp.zip", **LINEAR)
    (raw,) = done.file.raw
    assert (raw.instrument, raw.kind, raw.messages, raw.new) == ("bybit_linear:XRPUSDT", "depth", 3, True)
    assert (raw.first, raw.last) == ("2024-12-01T00:00:00.000Z", "2024-12-01T00:00:00.200Z")
    assert raw.counted == {"snapshots": 1}
    assert done.report.stored
    assert done.report.problems == []
    (part,) = raw_parts(done.store)
    assert raw_text(done.store, part) == text_of(*BOOKS)
    assert part.text_bytes == len(text_of(*BOOKS))
    # The same text, packed otherwise, is there already.
    again = take(gzipped(text_of(*BOOKS)), "other.gz", **LINEAR)
    assert not again.file.raw[0].new
    assert len(raw_parts(done.store)) == 1
    assert raw_parts(done.store, "bybit_linear:BTCUSDT") == []


def test_what_makes_a_book_unusable_is_counted(take: Import) -> None:
    lines = [book(9, 1733011199999), *BOOKS, book(15, 1733011200100), book(16, 1733011200300)]
    done = take(text_of(*lines, "{}", book(17, 1733011200300, symbol="BTCUSDT")), OB, **LINEAR)
    assert done.file.raw[0].counted == {
        "changes before a snapshot": 1,
        "snapshots": 1,
        "breaks in the update ids": 1,
        "time steps back": 1,
    }
    assert done.reasons == {"no message of an order book": 1, "a book of BTCUSDT, the file is of XRPUSDT": 1}


def test_a_dry_run_and_a_strict_run_keep_no_damaged_book(take: Import) -> None:
    assert not take(text_of(*BOOKS), OB, dry_run=True, **LINEAR).file.raw[0].new
    done = take(text_of(*BOOKS)[:-20], OB, strict=True, **LINEAR)
    assert "seems to be cut" in done.report.problems[0]
    assert not done.store.exists()


def test_a_kept_text_that_was_damaged_is_told(take: Import) -> None:
    done = take(text_of(*BOOKS), OB, **LINEAR)
    (part,) = raw_parts(done.store)
    (path,) = done.store.glob("raw/*/*/*/*.gz")
    path.write_bytes(gzipped(b"other"))
    with pytest.raises(CorruptPart, match="does not hold what its hash says"):
        raw_text(done.store, part)
    path.write_bytes(b"x")
    with pytest.raises(CorruptPart, match="missing or damaged"):
        raw_text(done.store, part)
    path.with_name(path.name.replace(".gz", ".json")).write_bytes(b"{")
    with pytest.raises(CorruptPart, match="import its file again"):
        raw_parts(done.store)


def test_a_preview_of_a_book_has_no_rows(tmp_path: Path) -> None:
    path = tmp_path / OB
    path.write_bytes(text_of(*BOOKS, "{}"))
    found = preview(path, Options(**LINEAR))
    assert (found.columns, found.rows, found.missing) == ((), (), ())
    assert found.refused == ("line 4: no message of an order book (1 such rows)",)
    assert "add --venue" in preview(path, Options()).missing[0]


def test_coverage_lists_what_is_kept_raw(take: Import, capsys: pytest.CaptureFixture[str]) -> None:
    done = take(text_of(*BOOKS), OB, **LINEAR)
    for flags in ([], ["--json"], ["bybit_linear:XRPUSDT", "--days"]):
        with pytest.raises(SystemExit) as left:
            main(["coverage", "--store", str(done.store), *flags])
        assert not left.value.code
        assert ("depth raw" if "--json" not in flags else '"kind":"depth"') in capsys.readouterr().out


# --- the recording


def test_the_recorded_book(recordings: Path, tmp_path: Path) -> None:
    path = recordings / "bybit" / "xrpusdt-ob500.data.zip"
    report = import_files([path], Options(**LINEAR), store=tmp_path / "store")
    (raw,) = report.files[0].raw
    assert (raw.messages, raw.counted, raw.new) == (50, {"snapshots": 1}, True)
    assert report.problems == []
