"""CSV that is no archive: exports of trade streams, tables without ids, tables without sides."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footloom.core.trades import FLAG_NO_ID, FLAG_NO_RECV
from footloom.feeds.ingest import Options, import_files
from tests.unit.importers.conftest import Import, assert_adds_up
from tests.unit.importers.files import AGG_NAME, agg_rows, gzipped, text_of

SPOT_HEADER = (
    "TimestampOfReceive,Stream,EventType,EventTime,TransactionTime,Symbol,TradeId,Price,Quantity,IsBuyerMarketMaker,"
    "MUnknownParameter"
)
FUTURES_HEADER = SPOT_HEADER.replace("MUnknown", "XUnknown")
SPOT_ROWS = [
    "1741046401272286,trxusdt@trade,trade,1741046401271969,1741046401271497,TRXUSDT,348656870,0.2312,3,0,True",
    "1741046401322500,trxusdt@trade,trade,1741046401321743,1741046401321398,TRXUSDT,348656871,0.2313,2,1,True",
]
FUTURES_ROWS = [
    "1741046404352,trxusdt@trade,trade,1741046404349,1741046404349,TRXUSDT,548321769,0.23103,3.0,0,MARKET",
    "1741046404362,trxusdt@trade,trade,1741046404360,1741046404359,TRXUSDT,548321770,0.23102,2.0,1,MARKET",
]
PLAIN_HEADER = "timestamp,symbol,price,quantity,is_buyer_maker"
PLAIN_ROWS = ["1778518167413,BTCUSDT,81685.5,3,False", "1778518167557,BTCUSDT,81685.5,2,True"]
SIDES = ["1605499846,15993.5,3,ANY", "1605499846,15994.96,2,ANY"]


@pytest.mark.parametrize(
    ("lines", "name", "options", "key", "tape"),
    [
        ([SPOT_HEADER, *SPOT_ROWS], "export.csv", {}, "binance_spot:TRXUSDT", "trade"),
        ([FUTURES_HEADER, *FUTURES_ROWS], "export.csv", {}, "binance_usdm:TRXUSDT", "trade"),
        (
            [FUTURES_HEADER, *(row.replace("TRXUSDT", "BTCUSD_PERP") for row in FUTURES_ROWS)],
            "export.csv",
            {"tick_size": "0.00001"},
            "binance_coinm:BTCUSD_PERP",
            "trade",
        ),
        (
            [SPOT_HEADER, *(row.replace(",trade,", ",aggTrade,") for row in SPOT_ROWS)],
            "export.csv",
            {},
            "binance_spot:TRXUSDT",
            "agg_trade",
        ),
        (
            [PLAIN_HEADER, *PLAIN_ROWS],
            "aggtrades_x.csv",
            {"venue": "binance_usdm"},
            "binance_usdm:BTCUSDT",
            "agg_trade",
        ),
        ([PLAIN_HEADER, *PLAIN_ROWS], "x.csv", {"venue": "gemini"}, "gemini:BTCUSDT", "trade"),
        (
            ["time_seconds,price,size,is_buyer_maker", "1625097621.647,2278.15,3,0", "1625097621.989,2278.15,2,1"],
            "eth.csv",
            {"venue": "gemini", "symbol": "ETHUSD"},
            "gemini:ETHUSD",
            "trade",
        ),
        (
            ["1605499846,15993.5,3,BUY", "1605499846.5,15994.96,2,sell"],
            "x.csv",
            {"venue": "kraken", "symbol": "XBT/USD".replace("/", "-")},
            "kraken:XBT-USD",
            "trade",
        ),
    ],
)
def test_a_taker_buys_three_and_one_sells_two(
    take: Import, lines: list[str], name: str, options: dict[str, str], key: str, tape: str
) -> None:
    done = take(text_of(*lines), name, **options)
    assert (done.tape.instrument, done.tape.tape, done.report.problems) == (key, tape, [])
    assert [text.rstrip("0").rstrip(".") for text in (done.tape.buy, done.tape.sell)] == ["3", "2"]
    assert done.load(key, tape).side.tolist() == [1, -1]


def test_exports_carry_both_clocks(take: Import) -> None:
    done = take(text_of(SPOT_HEADER, *SPOT_ROWS), "export.csv")
    stored = done.load("binance_spot:TRXUSDT", "trade")
    assert stored.ts_exch_ns.tolist() == [1741046401271497000, 1741046401321398000]
    assert stored.ts_recv_ns.tolist() == [1741046401272286000, 1741046401322500000]
    assert not stored.flags.any()


def test_an_export_with_prints_that_are_no_market_trades(take: Import) -> None:
    rows = [
        FUTURES_ROWS[0],
        "1741046404353,trxusdt@trade,trade,1741046404349,1741046404349,TRXUSDT,548321770,0.0,0.0,0,",
        "1741046404354,trxusdt@trade,trade,1741046404349,1741046404349,TRXUSDT,548321771,0.23,9.0,0,INSURANCE_FUND",
        "1741046404355,trxusdt@trade,trade,1741046404349,1741046404349,TRXUSDT,548321772,0.23,9.0,0,",
        "1741046404356,trxusdt@trade,trade,1741046404349,1741046404350,TRXUSDT,548321773,0.23,1.0,0,MARKET",
    ]
    done = take(text_of(FUTURES_HEADER, *rows), "export.csv")
    assert done.reasons == {"no market trade: price is zero": 1, "no market trade: execution type": 2}
    assert (done.tape.kept, done.tape.gap_count, done.report.problems) == (2, 0, [])
    assert "XUnknownParameter is 'INSURANCE_FUND': expected MARKET" in done.tape.drops[1].detail


def test_an_export_of_several_symbols_and_types(take: Import) -> None:
    rows = [
        SPOT_ROWS[0],
        SPOT_ROWS[0].replace("TRXUSDT", "BTCUSDT").replace("0.2312", "88163.61"),
        SPOT_ROWS[1].replace(",trade,", ",kline,"),
        SPOT_ROWS[1],
        SPOT_ROWS[1].replace("TRXUSDT", "BTCUSDT").replace("0.2313", "88163.615"),
        "1741046401322500,trxusdt@trade",
    ]
    done = take(text_of("# exported by somebody", SPOT_HEADER, *rows), "export.csv")
    assert {tape.instrument: (tape.tick_size, tape.kept) for tape in done.file.tapes} == {
        "binance_spot:TRXUSDT": ("0.0001", 2),
        "binance_spot:BTCUSDT": ("0.01", 1),
    }
    assert done.file.other_messages == {"kline": 1}
    assert done.reasons == {"price off the grid": 1, "wrong number of columns": 1}
    assert [drop.line for drop in done.file.unreadable] == [8]
    only = take(text_of(SPOT_HEADER, *rows), "export2.csv", symbol="BTCUSDT")
    assert only.tape.instrument == "binance_spot:BTCUSDT"
    assert only.file.other_messages == {"kline": 1, "trades of TRXUSDT": 2}


def test_more_symbols_than_a_file_may_hold(take: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("footloom.importers._csv._MOST_TEXTS", 1)
    rows = [PLAIN_ROWS[0], PLAIN_ROWS[1].replace("BTCUSDT", "ETHUSDT"), PLAIN_ROWS[1]]
    done = take(text_of(PLAIN_HEADER, *rows), "x.csv", venue="binance_usdm")
    assert done.reasons == {"too many symbols in one file": 1}
    assert done.tape.kept == 2


def test_a_receipt_the_next_day_is_noted(take: Import) -> None:
    late = SPOT_ROWS[1].replace("1741046401322500", "1741132734000000")
    done = take(text_of(SPOT_HEADER, SPOT_ROWS[0], late), "export.csv")
    assert (done.tape.kept, done.tape.received_odd, done.tape.received_odd_line) == (2, 1, 3)
    assert done.tape.received_ms == pytest.approx((0.789, 86332678.602))


def test_an_export_of_depth_is_told_apart(take: Import) -> None:
    header = "TimestampOfReceive,Stream,EventType,EventTime,Symbol,FirstUpdateId,FinalUpdateId,IsAsk,Price,Quantity"
    row = "1741046400062959,trxusdt@depth@100ms,depthUpdate,1741046400062507,TRXUSDT,5434434562,5434434566,0,0.2311,8"
    done = take(text_of(header, row), "depth.csv")
    assert (done.file.importer, done.file.tapes, done.report.problems) == ("binance_depth_csv", [], [])


def test_identical_rows_without_ids_are_separate_trades(take: Import) -> None:
    done = take(text_of(PLAIN_HEADER, *[PLAIN_ROWS[0]] * 5, *PLAIN_ROWS), "aggtrades.csv", venue="binance_usdm")
    assert (done.tape.kept, done.tape.duplicates, done.tape.gap_count) == (7, 0, 0)
    stored = done.load()
    assert stored.trade_id.tolist() == [2, 3, 4, 5, 6, 7, 8]  # their lines
    assert (stored.flags == FLAG_NO_ID | FLAG_NO_RECV).all()


def test_rows_without_ids_twice_and_packed_change_nothing(take: Import) -> None:
    text = text_of(PLAIN_HEADER, *[PLAIN_ROWS[0]] * 5)
    take(text, "aggtrades.csv", venue="binance_usdm")
    for content, name in ((text, "aggtrades.csv"), (text, "aggtrades_copy.csv"), (gzipped(text), "aggtrades.csv.gz")):
        again = take(content, name, venue="binance_usdm")
        assert (again.tape.new, again.tape.already_stored, again.report.ok) == (0, 5, True)
    assert len(again.load()) == 5


def test_files_without_ids_that_overlap_are_refused(take: Import) -> None:
    take(text_of(PLAIN_HEADER, *[PLAIN_ROWS[0]] * 5), "aggtrades.csv", venue="binance_usdm")
    done = take(text_of(PLAIN_HEADER, *[PLAIN_ROWS[0]] * 6), "aggtrades2.csv", venue="binance_usdm")
    assert not done.report.ok
    assert "nobody can say which are the same" in done.file.error
    assert len(done.load()) == 5


def test_a_side_that_nobody_knows(take: Import) -> None:
    done = take(text_of(*SIDES, "1605499851,15993.1,1e-06,ANY"), "x.csv", venue="binance_spot", symbol="btcusdt")
    assert (done.tape.unknown, done.tape.unknown_rows, done.tape.buy_rows) == ("5.000001", 3, 0)
    assert (done.tape.tick_size, done.tape.lot_size) == ("0.01", "0.000001")
    assert done.load("binance_spot:BTCUSDT", "trade").side.tolist() == [0, 0, 0]


@pytest.mark.parametrize("side", ["A", "ASK", "BID", "S", ""])
def test_sides_that_vendors_use_both_ways_are_refused(take: Import, side: str) -> None:
    row = f"1605499847,15993.5,1,{side}"
    done = take(text_of(*SIDES, row), "x.csv", venue="binance_spot", symbol="BTCUSDT")
    assert done.reasons == {"side is not readable": 1}
    assert "expected buy, sell or any" in done.tape.drops[0].detail


def test_milliseconds_where_seconds_belong(take: Import) -> None:
    done = take(text_of(*SIDES, "1605499846000,15993.5,1,ANY"), "x.csv", venue="binance_spot", symbol="BTCUSDT")
    assert done.reasons == {"time in a unit this format does not use": 1}
    assert "a time in ms (2020-11-16 04:10:46 UTC), but this format carries s" in done.tape.drops[0].detail


def test_seconds_where_milliseconds_belong(take: Import) -> None:
    rows = [row.replace("167413,", ",").replace("167557,", ",") for row in PLAIN_ROWS]
    done = take(text_of(PLAIN_HEADER, *rows), "x.csv", venue="binance_usdm")
    assert not done.report.ok
    assert "none of its 2 rows could be taken" in done.file.error


def test_what_is_missing_is_asked_for(take: Import) -> None:
    assert "add --venue" in take(text_of(PLAIN_HEADER, *PLAIN_ROWS), "x.csv").file.error
    assert "add --venue and --symbol" in take(text_of(*SIDES), "x.csv").file.error
    assert "did you mean binance_usdm" in take(text_of(*SIDES), "x.csv", venue="binance_usmd", symbol="X").file.error
    assert "is no name of a venue" in take(text_of(*SIDES), "x.csv", venue="My Venue", symbol="X").file.error
    assert "is no symbol" in take(text_of(*SIDES), "x.csv", venue="gemini", symbol="../../x").file.error


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("timestamp,price,quantity,is_buyer_maker,trade_id", "1778518167413,1,1,true,5"),
        ("timestamp,price,quantity,qty,is_buyer_maker", "1778518167413,1,1,1,true"),
        ("timestamp,price,quantity", "1778518167413,1,1"),
    ],
)
def test_tables_that_would_be_misread(take: Import, header: str, row: str) -> None:
    assert "is of no known format" in take(text_of(header, row), "x.csv", venue="gemini", symbol="X").file.error


FILES = {
    AGG_NAME: text_of(*agg_rows(1, 4)),
    "stream.csv": text_of(FUTURES_HEADER, *FUTURES_ROWS),
    "plain.csv": text_of(PLAIN_HEADER, *PLAIN_ROWS),
    "sides.csv": text_of(*SIDES),
}


@given(name=st.sampled_from(sorted(FILES)), data=st.data())
def test_a_mutated_file_always_adds_up(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    text = bytearray(FILES[name])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    path: Path = tmp_path_factory.mktemp("mutated") / name
    path.write_bytes(bytes(text))
    symbol = "BTCUSDT" if name in {"sides.csv", AGG_NAME} else ""
    options = Options(venue="binance_usdm", symbol=symbol, dry_run=True)
    assert_adds_up(import_files([path], options, store=path.parent / "store"))
