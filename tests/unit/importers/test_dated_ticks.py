"""Formats whose rows carry times of a day or of a zone: Sierra ticks, LOBSTER messages, Lean's trade ticks."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
from decimal import Decimal
from pathlib import Path

import pytest

from footloom.feeds.ingest import ImportReport, Options, import_files
from footloom.importers._wall_time import WallClock
from tests.unit.importers.conftest import Import, assert_adds_up
from tests.unit.importers.files import gzipped, text_of, zipped

SIERRA_HEADER = "Date;Time;Sequence;DepthSequence;Price;Volume;TradeType;AskPrice;BidPrice"
SIERRA = [
    "2022-01-24;13:30:00.5000;2314222;2314221;4347.75;3;2;4347.75;4347.5",
    "2022-01-24;13:30:00.47000;2314223;2314221;4347.5;2;1;4347.75;4347.5",
    "2022-01-24;13:30:00.107001;2314225;2314224;4347.5;1;0;4347.75;4347.5",
]
CME = {"venue": "cme", "symbol": "ESH2", "zone": "America/New_York"}
LOBSTER = [
    "34200.004241176,1,16113575,18,5853300,1",
    "34200.025551909,4,16120456,3,5859100,-1",
    "34200.1,5,0,2,5857550,1",
    "34200.2,6,0,7,5857500,-1",
    "34200.3,3,16113575,18,5853300,1",
    "34200.4,2,16113575,1,5853300,1",
    "34200.5,7,0,0,-1,-1",
]
LOBSTER_NAME = "AAPL_2012-06-21_34200000_57600000_message_10.csv"
LEAN = ["14400464,1674100,100,P,20002000,0", "14400465,1674150,300,D,1,0", "14400466,99999900,300,D,1,1"]
LEAN_NAME = "20131007_spy_Trade_Tick.csv"
ES, AAPL = "cme:ESH2", "nasdaq:AAPL"


# --- Sierra


def test_sierra_trade_type_two_is_a_buy_and_the_fraction_counts_microseconds(take: Import) -> None:
    done = take(text_of(SIERRA_HEADER, *SIERRA), "es.txt", **CME)
    tape = done.tape
    assert (tape.buy, tape.sell, tape.unknown) == ("3", "2", "1")
    assert (tape.first, tape.last) == ("2022-01-24T18:30:00.005Z", "2022-01-24T18:30:00.107001Z")
    assert tape.out_of_order == 0  # .5000 is 5 ms, so it comes before .47000
    assert done.load(ES, "trade").price_tick.tolist() == [434775, 434750, 434750]


def test_sierra_times_need_a_zone(take: Import) -> None:
    done = take(text_of(SIERRA_HEADER, *SIERRA), "es.txt", venue="cme", symbol="ESH2")
    assert done.file.usage
    assert "add --tz" in done.file.error
    wrong = take(text_of(SIERRA_HEADER, *SIERRA), "es.txt", venue="cme", symbol="ESH2", zone="New York")
    assert "no such zone" in wrong.file.error
    assert wrong.file.usage


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (SIERRA[0].replace("13:30", "25:30"), "no time of a day"),
        (SIERRA[0].replace("2022-01-24", "2022-13-24"), "no date and time"),
        (SIERRA[0].replace("13:30:00.5000", "1643034600"), "no date and time"),
        (SIERRA[0] + ";1", "10 columns, the header has 9"),
        (SIERRA[0].replace("4347.75;3", "x;3"), "price is 'x': no decimal number"),
    ],
)
def test_a_bad_sierra_row_is_told(take: Import, row: str, reason: str) -> None:
    done = take(text_of(SIERRA_HEADER, SIERRA[0], row, *SIERRA[1:]), "es.txt", **CME)
    assert done.report.kept == 3
    (problem,) = done.report.problems
    assert "line 3" in problem
    assert reason in problem


def test_a_cut_sierra_file(take: Import) -> None:
    done = take(text_of(SIERRA_HEADER, *SIERRA)[:-12], "es.txt", **CME)
    assert done.report.kept == 2
    assert "seems to be cut" in done.report.problems[0]


def test_identical_rows_without_ids_are_two_trades_and_a_second_import_adds_none(take: Import) -> None:
    rows = [SIERRA_HEADER, SIERRA[0], SIERRA[0]]
    assert take(text_of(*rows), "es.txt", **CME).report.new == 2
    assert take(gzipped(text_of(*rows)), "es.txt.gz", **CME).report.new == 0


# --- LOBSTER


def test_a_lobster_execution_is_signed_against_the_resting_order(take: Import) -> None:
    done = take(text_of(*LOBSTER), LOBSTER_NAME)
    tape = done.tape
    assert tape.instrument == AAPL
    assert (tape.buy, tape.sell, tape.unknown) == ("3", "2", "7")
    assert tape.counted == {"executions of hidden orders": 1, "trades of an auction, without a side": 1}
    assert done.file.other_messages == {
        "submission": 1,
        "deletion": 1,
        "partial cancellation": 1,
        "trading halt": 1,
    }
    assert tape.first == "2012-06-21T13:30:00.025551909Z"
    prices = [done.load(AAPL, "trade").instrument.price_text(p) for p in done.load(AAPL, "trade").price_tick.tolist()]
    assert prices == ["585.910", "585.755", "585.750"]


def test_lobster_times_need_a_date(take: Import) -> None:
    done = take(text_of(*LOBSTER), "message.csv", symbol="AAPL")
    assert done.file.usage
    assert "--date" in done.file.error


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("34200.025551909,4,16120456,3,5859100", "5 columns, expected 6"),
        ("34200.025551909,9,16120456,3,5859100,-1", "type is '9'"),
        ("34200025,4,16120456,3,5859100,-1", "seconds after midnight is '34200025'"),
        ("99200.1,4,16120456,3,5859100,-1", "a day has 86 400"),
    ],
)
def test_a_bad_lobster_row_is_told(take: Import, row: str, reason: str) -> None:
    done = take(text_of(*LOBSTER, row, LOBSTER[1]), LOBSTER_NAME)
    assert done.report.kept == 4
    assert reason in done.report.problems[0]
    assert "line 8" in done.report.problems[0]


def test_strict_refuses_a_cut_lobster_file(take: Import) -> None:
    done = take(text_of(*LOBSTER)[:-8], LOBSTER_NAME, strict=True)
    assert not done.report.stored
    assert "seems to be cut" in done.report.problems[0]


# --- Lean


def test_lean_ticks_have_no_side_and_their_suspicious_rows_are_left_out(take: Import) -> None:
    done = take(zipped((LEAN_NAME, text_of(*LEAN))), "spy.zip", venue="us")
    tape = done.tape
    assert (tape.instrument, tape.unknown, tape.buy_rows + tape.sell_rows) == ("us:SPY", "400", 0)
    assert (tape.read, tape.kept) == (3, 2)
    assert done.reasons == {"marked suspicious": 1}
    assert done.report.problems == []
    assert tape.first == "2013-10-07T08:00:00.464Z"
    assert tape.tick_size == "0.001"


def test_a_bad_lean_row_is_told(take: Import) -> None:
    done = take(text_of(*LEAN, "86400000,1674100,100,P,0,0", "14400470,16.74,100,P,0,0"), LEAN_NAME, venue="us")
    assert done.reasons == {"marked suspicious": 1, "no trade tick": 2}
    assert "a day has 86 400 000" in done.report.problems[0]


def test_flags_that_a_format_does_not_need_are_refused(take: Import) -> None:
    for flags in ({"day": dt.date(2024, 1, 1)}, {"tape": "trade"}):
        done = take(
            text_of(SIERRA_HEADER, *SIERRA) if "day" in flags else text_of(*LOBSTER), LOBSTER_NAME, **CME, **flags
        )
        assert done.file.usage


# --- clocks


def test_wall_clocks_know_when_clocks_change() -> None:
    clock = WallClock("America/New_York")
    hour = 3_600_000_000_000
    winter, summer = clock.ns(dt.date(2024, 3, 9), 12 * hour), clock.ns(dt.date(2024, 3, 10), 12 * hour)
    assert summer - winter == 23 * hour
    assert clock.ns(dt.date(2024, 3, 9), 36 * hour) == summer


# --- the recordings


def taken(path: Path, store: Path, **options: object) -> ImportReport:
    report = import_files([path], Options(**options), store=store)  # type: ignore[arg-type]
    assert_adds_up(report)
    return report


def test_recorded_sierra_ticks(recordings: Path, tmp_path: Path) -> None:
    report = taken(recordings / "other" / "sierra_es_tbt_20220124.txt.gz", tmp_path / "store", **CME)
    (tape,) = report.files[0].tapes
    assert (tape.buy_rows, tape.buy, tape.sell_rows, tape.sell) == (1_016, "1432", 1_010, "1414")
    assert tape.out_of_order == 0
    assert report.problems == []


def test_recorded_lobster_messages(recordings: Path, tmp_path: Path) -> None:
    path = recordings / "other" / "lobster_aapl_message_10.csv"
    report = taken(path, tmp_path / "store", symbol="AAPL", day=dt.date(2012, 6, 21))
    (tape,) = report.files[0].tapes
    assert (tape.kept, tape.counted) == (159, {"executions of hidden orders": 61})
    assert report.files[0].other_messages == {"submission": 471, "deletion": 369}
    assert report.problems == []


def test_recorded_spy_trades(recordings: Path, tmp_path: Path) -> None:
    report = taken(recordings / "other" / "spy_20131007_trades.zip", tmp_path / "store", venue="us")
    (tape,) = report.files[0].tapes
    assert (tape.instrument, tape.unknown_rows, tape.buy_rows, tape.sell_rows) == ("us:SPY", 250_601, 0, 0)
    assert report.problems == []


def test_recorded_lobster_messages_explain_the_book(recordings: Path) -> None:
    # Each message turns one row of the ten-level book into the next: what the message's own price holds changes by its
    # size, and nothing else, except levels that come into view or leave it.
    with (recordings / "other" / "lobster_aapl_message_10.csv").open() as file:
        messages = [[*map(Decimal, row)] for row in csv.reader(file)]
    with gzip.open(recordings / "other" / "lobster_aapl_orderbook_10.csv.gz", "rt") as file:
        books = [[*map(int, row)] for row in csv.reader(file)]
    explained = sum(
        _explains(message, before, after)
        for message, before, after in zip(messages[1:], books[:-1], books[1:], strict=True)
    )
    assert (len(books), explained) == (len(messages), len(messages) - 1)


def _explains(message: list[Decimal], before: list[int], after: list[int]) -> bool:
    _time, kind, _order, size, price, side = (int(value) for value in message)
    first = 0 if side < 0 else 2
    at = {book[k]: book[k + 1] for book in (before,) for k in range(first, 40, 4)}
    now = {after[k]: after[k + 1] for k in range(first, 40, 4)}
    if kind == 5:
        return before == after
    change = size if kind == 1 else -size
    expected = at.get(price, 0) + change
    both = set(at) & set(now) - {price}
    return now.get(price, 0) in {expected, 0} and all(at[p] == now[p] for p in both)
