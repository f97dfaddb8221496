"""Archive files of all three markets, self-made: what they are known for, and every fault that a file can have."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import numpy as np
import pytest

from footloom.core.trades import FLAG_NO_RECV
from footloom.feeds.ingest import Options, import_files
from footloom.store.files import Store
from tests.unit.importers.conftest import Import
from tests.unit.importers.files import AGG_HEADER, AGG_NAME, agg_rows, gzipped, text_of, zipped

USDM_AGG = ["2001,61800.1,3.000,11,12,1723075200100,false", "2002,61800.1,2.000,13,13,1723075200200,true"]
SPOT_AGG = [
    "2001,61800.10000000,3.00000000,11,12,1723075200100,False,True",
    "2002,61800.10000000,2.00000000,13,13,1723075200200,True,True",
]
SPOT_AGG_2025 = [
    "2001,61800.10000000,3.00000000,11,12,1741046401271497,False,True",
    "2002,61800.10000000,2.00000000,13,13,1741046401271999,True,True",
]
USDM_TRADES = ["901,61800.1,3.000,185400.3,1723075200100,false", "902,61800.1,2.000,123600.2,1723075200200,true"]
SPOT_TRADES = [
    "901,61800.10000000,3.00000000,185400.30000000,1723075200100,False,True",
    "902,61800.10000000,2.00000000,123600.20000000,1723075200200,True,True",
]
COINM_AGG = ["2001,61800.1,3,11,12,1723075200100,false", "2002,61800.1,2,13,13,1723075200200,true"]
COINM_TRADES = ["901,61800.1,3,0.00485436,1723075200100,false", "902,61800.1,2,0.00323624,1723075200200,true"]
TRADES_HEADER = "id,price,qty,quote_qty,time,is_buyer_maker"
COINM_HEADER = "id,price,qty,base_qty,time,is_buyer_maker"


@pytest.mark.parametrize(
    ("name", "lines", "key", "tape"),
    [
        ("BTCUSDT-aggTrades-2024-08-08.csv", [AGG_HEADER, *USDM_AGG], "binance_usdm:BTCUSDT", "agg_trade"),
        ("BTCUSDT-aggTrades-2020-08-08.csv", USDM_AGG, "binance_usdm:BTCUSDT", "agg_trade"),
        ("BTCUSDT-aggTrades-2024-08-08.csv", SPOT_AGG, "binance_spot:BTCUSDT", "agg_trade"),
        ("BTCUSDT-aggTrades-2025-03-04.csv", SPOT_AGG_2025, "binance_spot:BTCUSDT", "agg_trade"),
        ("BTCUSD_PERP-aggTrades-2024-08-08.csv", [AGG_HEADER, *COINM_AGG], "binance_coinm:BTCUSD_PERP", "agg_trade"),
        ("BTCUSD_240927-aggTrades-2024-08-08.csv", COINM_AGG, "binance_coinm:BTCUSD_240927", "agg_trade"),
        ("BTCUSDT-trades-2024-08-08.csv", [TRADES_HEADER, *USDM_TRADES], "binance_usdm:BTCUSDT", "trade"),
        ("BTCUSDT-trades-2020-08.csv", USDM_TRADES, "binance_usdm:BTCUSDT", "trade"),
        ("BTCUSDT-trades-2024-08-08.csv", SPOT_TRADES, "binance_spot:BTCUSDT", "trade"),
        ("BTCUSD_PERP-trades-2024-08-08.csv", [COINM_HEADER, *COINM_TRADES], "binance_coinm:BTCUSD_PERP", "trade"),
        ("BTCUSD_PERP-trades-2024-08-08.csv", COINM_TRADES, "binance_coinm:BTCUSD_PERP", "trade"),
    ],
)
@pytest.mark.parametrize("pack", ["plain", "crlf", "gz", "zip", "bom"])
def test_a_taker_buys_three_and_one_sells_two(
    take: Import, name: str, lines: list[str], key: str, tape: str, pack: str
) -> None:
    text = text_of(*lines, end="\r\n" if pack == "crlf" else "\n")
    files = {"gz": (gzipped(text), name + ".gz"), "zip": (zipped((name, text)), name.replace(".csv", ".zip"))}
    content, name = files.get(pack, (b"\xef\xbb\xbf" * (pack == "bom") + text, name))

    done = take(content, name)

    assert (done.tape.instrument, done.tape.tape) == (key, tape)
    assert (done.tape.kept, done.report.ok, done.report.problems) == (2, True, [])
    stored = done.load(key, tape)
    assert [stored.instrument.qty_text(int(lot)).rstrip(".0") for lot in stored.qty_lot] == ["3", "2"]
    assert [stored.instrument.price_text(int(tick)).rstrip("0") for tick in stored.price_tick] == ["61800.1"] * 2
    assert stored.side.tolist() == [1, -1]  # ask column 3, bid column 2
    assert (stored.flags & FLAG_NO_RECV).all()


def test_microseconds_are_kept(take: Import) -> None:
    """P7: spot archives count microseconds since 2025."""
    done = take(text_of(*SPOT_AGG_2025), "BTCUSDT-aggTrades-2025-03-04.csv")
    assert done.load("binance_spot:BTCUSDT").ts_exch_ns.tolist() == [1741046401271497000, 1741046401271999000]


def test_spot_files_joined_over_the_change_of_unit(take: Import) -> None:
    """P7: ms before 2025-01-01, µs after."""
    before = "2000,61800.1,1,1,1,1735689599999,True,True"
    after = "2001,61800.1,1,2,2,1735689600000001,True,True"
    done = take(text_of(before, after), "BTCUSDT-aggTrades-2025-01-01.csv")
    assert (done.tape.kept, done.reasons) == (2, {})
    assert done.load("binance_spot:BTCUSDT").ts_exch_ns.tolist() == [1735689599999000000, 1735689600000001000]


def test_trade_ids_may_have_holes_where_aggregates_have_none(take: Import) -> None:
    """P5: the aggregate's id tells of a loss, not those of its trades."""
    done = take(text_of("1,1.0,1,10,11,1723075200000,true", "2,1.0,1,90,95,1723075200001,true"))
    assert (done.report.gaps, done.tape.kept) == (0, 2)


def test_a_hole_in_the_ids_is_a_gap_of_the_store(take: Import) -> None:
    done = take(text_of(AGG_HEADER, *agg_rows(1, 3), *agg_rows(7, 8), *agg_rows(10, 12)))
    assert (done.tape.gap_count, done.tape.missing_ids) == (2, 4)
    gap = done.tape.gaps[0]
    assert (gap.after_id, gap.before_id, gap.missing, gap.after_line, gap.before_line) == (3, 7, 3, 4, 5)
    first, second = Store(done.store).gaps("binance_usdm:BTCUSDT", "agg_trade", 0, 2**62)
    assert (first.from_ns, first.to_ns, first.missing) == (1723075200300000000, 1723075200700000000, 3)
    assert (second.missing, second.cause) == (1, "missing ids")


def test_a_shuffled_file_is_a_sorted_file(take: Import, tmp_path: Path) -> None:
    rows = agg_rows(1, 500)
    ordered = take(text_of(*rows)).load()
    random.Random(3).shuffle(rows)
    (tmp_path / AGG_NAME).write_bytes(text_of(*rows))
    report = import_files([tmp_path / AGG_NAME], Options(), store=tmp_path / "other")
    assert (report.kept, report.gaps) == (500, 0)
    assert report.out_of_order > 100
    stored = Store(tmp_path / "other").load("binance_usdm:BTCUSDT", "agg_trade", 0, 2**62)
    assert np.array_equal(stored.ts_exch_ns, ordered.ts_exch_ns)
    assert np.array_equal(getattr(stored, "trade_id"), ordered.trade_id)  # noqa: B009 - a block of either kind


def test_interleaved_months_have_no_holes(take: Import) -> None:
    rows = [row for pair in zip(agg_rows(1, 50), agg_rows(51, 100), strict=True) for row in pair]
    done = take(text_of(*rows))
    assert (done.tape.gap_count, done.tape.out_of_order, done.tape.out_of_order_line) == (0, 49, 3)


def test_twice_changes_nothing(take: Import, tmp_path: Path) -> None:
    content = text_of(AGG_HEADER, *agg_rows(1, 50), *agg_rows(60, 70))
    first = take(content)
    before = {path: path.read_bytes() for path in (tmp_path / "store" / "tapes").rglob("*") if path.is_file()}
    again = take(content)
    assert before == {path: path.read_bytes() for path in (tmp_path / "store" / "tapes").rglob("*") if path.is_file()}
    assert (first.tape.new, again.tape.new, again.tape.already_stored) == (61, 0, 61)
    assert "already imported" in again.file.notes[-1]
    assert again.report.ok


def test_overlapping_files_give_each_trade_once(take: Import) -> None:
    take(text_of(*agg_rows(1, 60)))
    done = take(text_of(*agg_rows(41, 100)), "BTCUSDT-aggTrades-2024-08-09.csv")
    assert (done.tape.new, done.tape.already_stored) == (40, 20)
    assert done.load().trade_id.tolist() == list(range(1, 101))


def test_several_files_and_the_ids_missing_between_them(tmp_path: Path) -> None:
    paths = [tmp_path / f"BTCUSDT-aggTrades-2024-08-0{day}.csv" for day in (1, 2, 3)]
    for path, (first, last) in zip(paths, [(1, 40), (41, 60), (70, 80)], strict=True):
        path.write_bytes(text_of(*agg_rows(first, last)))
    report = import_files([paths[2], paths[0], paths[1]], Options(), store=tmp_path / "store")
    assert report.notes == [
        f"binance_usdm:BTCUSDT agg_trade: 9 ids are missing between {paths[1].name} and {paths[2].name}"
    ]
    (gap,) = Store(tmp_path / "store").gaps("binance_usdm:BTCUSDT", "agg_trade", 0, 2**62)
    assert gap.missing == 9


@pytest.mark.parametrize(
    ("bad", "reason", "words"),
    [
        ("3,6180x.3,1,1,1,1723075200300,true", "price is no number", "price is '6180x.3': no decimal number"),
        ("3,,1,1,1,1723075200300,true", "price is no number", "price is ''"),
        ("3,NaN,1,1,1,1723075200300,true", "price is no number", "price is 'NaN'"),
        ("3,61800.3,one,1,1,1723075200300,true", "quantity is no number", "quantity is 'one'"),
        ("3,61800.3,-1,1,1,1723075200300,true", "number below zero", "quantity is '-1': below zero"),
        ("3,61800.3,1,1,1723075200300,true", "wrong number of columns", "6 columns, expected 7 (agg_trade_id, price"),
        ("3,61800.3,1,1,1,1723075200300,true,x", "wrong number of columns", "8 columns, expected 7"),
        ("three,61800.3,1,1,1,1723075200300,true", "trade id is no whole number", "agg_trade_id is 'three'"),
        (
            "3,61800.3,1,1,1,1723075200300,yes",
            "side is not readable",
            "is_buyer_maker is 'yes': expected true or false",
        ),
        ("3,61800.35,1,1,1,1723075200300,true", "price off the grid", "no whole multiple of the tick 0.1"),
        ("3,61800.3,0.00001,1,1,1723075200300,true", "quantity off the grid", "no whole multiple of the lot 0.001"),
        (
            "3,61800.3,1,1,1,1723075200,true",
            "time in a unit this format does not use",
            "a time in s (2024-08-08 00:00:00 UTC), but this format carries ms",
        ),
        (
            "3,61800.3,1,1,1,1723075200300000,true",
            "time in a unit this format does not use",
            "a time in µs (2024-08-08",
        ),
        ("3,61800.3,1,1,1,17230752003,true", "time outside 2009 to 2100", "no time between 2009 and 2100"),
        ("3,61800.3,1,1,1,4202444800000,true", "time outside 2009 to 2100", "no time between 2009 and 2100"),
        ("3,61800.3,1,1,1,Thursday,true", "time is no number", "transact_time is 'Thursday'"),
        ("3,123456789012345678901234,1,1,1,1723075200300,true", "number too large", "does not fit 64 bits"),
    ],
)
@pytest.mark.parametrize("strict", [False, True])
def test_a_bad_row_is_told_and_the_rest_kept_or_nothing(
    take: Import,
    bad: str,
    reason: str,
    words: str,
    strict: bool,  # noqa: FBT001 - both ways
) -> None:
    done = take(text_of(AGG_HEADER, *agg_rows(1, 2), bad, *agg_rows(4, 5)), strict=strict)

    (drop,) = done.tape.drops
    assert (drop.reason, drop.count, drop.line, drop.text, drop.defect) == (reason, 1, 4, bad, True)
    assert words in drop.detail
    assert f"{AGG_NAME}, line 4: {drop.detail}" in done.report.problems[0]
    assert (done.tape.read, done.tape.kept, done.tape.gap_count) == (5, 4, 1)
    assert done.report.ok is not strict
    if strict:
        assert not done.store.exists()
    else:
        assert done.load().trade_id.tolist() == [1, 2, 4, 5]


def test_a_header_in_the_middle_is_no_row(take: Import) -> None:
    done = take(text_of(AGG_HEADER, *agg_rows(1, 3), AGG_HEADER, *agg_rows(4, 6), "", "# a remark"))
    assert (done.tape.read, done.tape.kept, done.report.problems) == (6, 6, [])


def test_a_header_of_other_words(take: Import) -> None:
    header = "Aggregate tradeId,Price,Quantity,First tradeId,Last tradeId,Timestamp,Was the buyer the maker"
    done = take(text_of(header, *agg_rows(1, 3)))
    assert (done.tape.read, done.report.problems) == (3, [])


def test_a_bad_first_row_is_no_header(take: Import) -> None:
    done = take(text_of("one,61800.3,1,1,1,1723075200100,true", *agg_rows(2, 9)))
    assert done.tape.read == 9
    assert done.tape.drops[0].line == 1


def test_a_print_at_no_price_is_no_trade_and_no_gap(take: Import) -> None:
    done = take(text_of(*agg_rows(1, 2), "3,0.0,0.0,1,1,1723075200300,false", *agg_rows(4, 5)))
    assert done.reasons == {"no market trade: price is zero": 1}
    assert (done.tape.kept, done.tape.gap_count, done.report.problems) == (4, 0, [])


def test_duplicates_are_dropped_and_told(take: Import) -> None:
    rows = agg_rows(1, 5)
    other = rows[3].replace("61800.4", "61900.4")
    done = take(text_of(*rows, rows[2], other, rows[0]))
    assert done.reasons == {"duplicate id": 2, "duplicate id with other values": 1}
    first, second = done.tape.drops
    assert (first.line, first.text, first.detail) == (6, rows[2], "id 3 stands on line 3 already")
    assert (second.line, second.text) == (7, other)
    assert done.report.problems == [f"{done.file.file}, line 7: id 4 stands on line 4 already, with other values"]
    assert done.load().price_tick.tolist() == [618001, 618002, 618003, 618004, 618005]


@pytest.mark.parametrize("packing", ["plain", "gz", "zip"])
def test_a_file_cut_in_the_middle(take: Import, packing: str) -> None:
    text = text_of(AGG_HEADER, *agg_rows(1, 4_000))
    whole = {"plain": text, "gz": gzipped(text), "zip": zipped((AGG_NAME, text))}[packing]
    cut = whole[: len(whole) // 2]
    done = take(cut, AGG_NAME if packing == "plain" else f"BTCUSDT-aggTrades-2024-08-08.{packing}")
    assert 500 < done.tape.kept < 3_500
    assert any("cut" in problem for problem in done.report.problems)
    assert done.load().trade_id.tolist() == list(range(1, done.tape.kept + 1))
    strict = import_files([Path(done.file.file)], Options(strict=True), store=done.store / "strict")
    assert (strict.ok, strict.stored, strict.new) == (False, False, 0)


def test_the_cut_line_is_named(take: Import) -> None:
    done = take(text_of(*agg_rows(1, 3)) + b"4,61800.3,1.0")
    (drop,) = done.tape.drops
    assert (drop.line, drop.reason) == (4, "wrong number of columns")
    assert "the file ends within this line, it seems to be cut" in drop.detail


def test_a_last_line_without_an_end_is_a_row(take: Import) -> None:
    assert take(text_of(*agg_rows(1, 3)).rstrip()).tape.kept == 3


def test_a_file_in_seconds(take: Import) -> None:
    rows = [row.replace("1723075200", "1723").replace(",1723", ",1723075") for row in agg_rows(1, 5)]
    done = take(text_of(*rows))
    assert not done.report.ok
    assert "none of its 5 rows could be taken; the first, line 1" in done.file.error
    assert not done.store.exists()


def test_a_file_that_mixes_units(take: Import) -> None:
    rows = [f"{i},1.0,1,1,1,1723075200{i:03d}{'000' if i > 3 else ''},True,True" for i in range(1, 6)]
    done = take(text_of(*rows), "BTCUSDT-aggTrades-2024-08-08.csv")
    assert done.reasons == {"time in another unit than the rest of the file": 2}
    assert "a time in µs (2024-08-08 00:00:00 UTC), but the file began in ms" in done.tape.drops[0].detail
    assert done.tape.kept == 3


def test_a_header_and_no_rows(take: Import) -> None:
    done = take(text_of(AGG_HEADER))
    assert (done.report.ok, done.file.error) == (False, "it holds a header and no rows")


def test_the_name_of_the_zip_counts_where_the_one_inside_says_nothing(take: Import) -> None:
    done = take(zipped(("data.csv", text_of(*USDM_AGG))), "BTCUSDT-aggTrades-2024-08-08.zip")
    assert done.tape.instrument == "binance_usdm:BTCUSDT"


def test_what_a_terminal_would_obey_is_shown_and_not_sent(take: Import) -> None:
    done = take(text_of(*agg_rows(1, 3), "4,\x1b[2J,1,1,1,1723075200300,true"))
    assert "\\x1b[2J" in done.tape.drops[0].text
    assert "\x1b" not in "".join(done.report.problems) + done.tape.drops[0].text


def test_a_name_that_is_no_text(take: Import, tmp_path: Path) -> None:
    path = tmp_path / "caf\udce9.csv"
    path.write_bytes(text_of(*agg_rows(1, 3)))
    done = take(path, venue="binance_usdm", symbol="BTCUSDT")
    assert done.tape.kept == 3
    assert done.file.file.endswith("caf\\udce9.csv")
    assert msgspec.json.encode(done.report)


def test_another_symbol_than_the_name_says(take: Import) -> None:
    done = take(text_of(*USDM_AGG), symbol="ETHUSDT")
    assert done.file.usage
    assert "--symbol ETHUSDT, but the file name" in done.file.error


def test_another_venue_than_the_columns_say(take: Import) -> None:
    done = take(text_of(*SPOT_AGG), venue="binance_usdm")
    assert done.file.usage
    assert "is of binance_spot, as its 8 columns" in done.file.error


def test_a_name_that_says_nothing_asks_for_flags(take: Import) -> None:
    done = take(text_of(*USDM_AGG), "export.csv")
    assert done.file.usage
    assert "says its venue and symbol: add --venue and --symbol (one of binance_usdm, binance_coinm)" in done.file.error
    done = take(text_of(*USDM_AGG), "export.csv", venue="binance_usdm", symbol="btcusdt")
    assert done.tape.instrument == "binance_usdm:BTCUSDT"


def test_a_slip_in_the_venue(take: Import) -> None:
    done = take(text_of(*USDM_AGG), "export.csv", venue="binance_usmd", symbol="BTCUSDT")
    assert "--venue binance_usmd cannot be: the file is of binance_usdm, binance_coinm" in done.file.error


def test_the_folder_of_the_archive_tells_the_market(take: Import, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "futures" / "cm" / "daily"
    folder.mkdir(parents=True)
    (folder / "export.csv").write_bytes(text_of(*COINM_AGG))
    done = take(folder / "export.csv", symbol="BTCUSD_PERP")
    assert done.tape.instrument == "binance_coinm:BTCUSD_PERP"


def test_a_table_of_something_else(take: Import) -> None:
    done = take(text_of("1718838893621, ETHUSDT, 1675603512, x, 8.653,1718838893469, False"), "x.csv")
    assert "is of no known format; tried" in done.file.error
    for tried in (
        "binance_archive: column 2 of its rows is 'ETHUSDT'",
        "binance_ws_lines: no lines with JSON",
        "side_csv",
    ):
        assert tried in done.file.error


@pytest.mark.parametrize("rows", [[], ["x"], ["1,2,3"]])
def test_nothing_that_could_be_an_archive(take: Import, rows: list[str]) -> None:
    assert not take(text_of("a,b,c", *rows), "table.csv").report.ok


def test_a_dry_run_stores_nothing(take: Import) -> None:
    done = take(text_of(*agg_rows(1, 9)), dry_run=True)
    assert (done.tape.kept, done.report.stored, done.store.exists()) == (9, False, False)


def test_many_blocks_are_one_file(take: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("footloom.importers._source._CHUNK_BYTES", 50)
    monkeypatch.setattr("footloom.importers._source.BLOCK_BYTES", 300)
    monkeypatch.setattr("footloom.importers._source.Source.blocks.__defaults__", (300,))
    monkeypatch.setattr("footloom.feeds._import_tally.ROWS_A_PART", 100)
    rows = agg_rows(1, 1_000)
    rows[700] = rows[700].replace("618", "6x18", 1)
    done = take(text_of(AGG_HEADER, *rows[:500], rows[3], *rows[500:]))
    assert (done.tape.read, done.tape.kept, done.tape.gap_count) == (1_001, 999, 1)
    assert [(drop.reason, drop.line) for drop in done.tape.drops] == [
        ("duplicate id", 502),
        ("price is no number", 703),
    ]
    assert done.tape.drops[0].detail == "id 4 stands earlier in the file already"
    assert done.load().trade_id.tolist() == [i for i in range(1, 1_001) if i != 701]
    assert take(text_of(AGG_HEADER, *rows[:500], rows[3], *rows[500:])).tape.already_stored == 999
