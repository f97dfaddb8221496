"""Option chains by minute: every oddity is counted, lots become units, and nothing is stored that cannot be."""

from __future__ import annotations

import csv
import gzip
import io
from collections import Counter
from pathlib import Path

import pytest

from footloom.core.chains import CALL, PUT, SOURCES
from footloom.core.series import NO_QUOTE, Series
from footloom.store.files import Store
from tests.unit.importers.conftest import Import, Imported
from tests.unit.importers.files import gzipped, text_of

HEADER = (
    "id,stock_id,date,timestamp,expiry_date,strike_price,"
    "call_oi,call_oi_change,call_volume,put_oi,put_oi_change,put_volume"
)
FIRST_NS = 1_764_906_660_000_000_000  # 2025-12-05 09:21 in Kolkata
MINUTE_NS = 60_000_000_000
EXPIRY_NS = 1_765_274_400_000_000_000  # 2025-12-09 15:30
EVER = (0, 2**62)


def row(
    number: int, minute: str, strike: object, *numbers: object, stock: str = "1", expiry: str = "09-Dec-2025"
) -> str:
    return ",".join(map(str, (number, stock, "2025-12-05", minute, expiry, strike, *numbers)))


def stored(done: Imported, key: str = "nse:NIFTY") -> Series:
    return Store(done.store).load_series(key, "chain", *EVER)


def reasons(done: Imported) -> dict[str, int]:
    return {reason.partition(":")[0]: count for reason, count in done.reasons.items()}


def test_a_line_is_a_call_and_a_put_in_units(take: Import) -> None:
    done = take(text_of(HEADER, row(7, "09:21", 26000, 100, -20, 300, 50, 10, 0)), "chain.csv")
    series = stored(done)
    assert (done.file.importer, done.tape.instrument, done.report.problems) == ("chain_csv", "nse:NIFTY", [])
    assert series.ts_exch_ns.tolist() == [FIRST_NS, FIRST_NS]
    assert [series[name].tolist() for name in ("side", "expiry_ns", "strike_tick")] == [
        [CALL, PUT], [EXPIRY_NS] * 2, [2_600_000] * 2
    ]  # fmt: skip
    assert series["oi_lot"].tolist() == [100 * 75, 50 * 75]
    assert series["prev_oi_lot"].tolist() == [120 * 75, 40 * 75]
    assert series["volume_lot"].tolist() == [300 * 75, 0]
    assert {SOURCES[one] for one in series["source"].tolist()} == {"chain_csv"}
    assert set(series["bid_lot"].tolist()) == {NO_QUOTE}


def test_of_rows_of_one_minute_and_strike_the_highest_id_stands(take: Import) -> None:
    lines = [
        row(9, "09:21", 26000, 5, 0, 9, 5, 0, 9),  # stands, though it comes first
        row(8, "09:21", 26000, 4, 0, 9, 5, 0, 9),  # differs
        row(7, "09:21", 26000, 5, 0, 9, 5, 0, 9),  # the same again
        row(10, "09:27", 26000, 5, 0, 8, 5, 0, 9),  # the day's volume falls
    ]
    done = take(text_of(HEADER, *lines), "chain.csv")
    assert stored(done)["oi_lot"].tolist() == [375, 375, 375, 375]
    assert reasons(done) == {
        "the same row under another id": 1, "another row of its minute and strike with other values": 1
    }  # fmt: skip
    assert (done.tape.read, done.tape.kept, done.tape.dropped) == (4, 2, 2)
    assert done.report.problems == []
    assert done.tape.counted["call volumes of the day below that of an earlier row"] == 1
    assert done.tape.counted["minutes with a chain"] == 2


def test_importing_again_changes_nothing_packed_or_not(take: Import) -> None:
    text = text_of(HEADER, row(1, "09:21", 26000, 1, 0, 1, 1, 0, 1), row(2, "09:22", 26000, 2, 1, 1, 1, 0, 1))
    first, again = take(text, "chain.csv"), take(gzipped(text), "packed.csv.gz")
    assert (first.report.new, again.report.new, again.report.already_stored) == (4, 0, 4)
    assert len(stored(again)) == 4


# Open interest of BANKNIFTY was divided by 35 and written as a float: 17 265 units of contracts of 15 and 30.
@pytest.mark.parametrize(
    ("text", "units"),
    [("493.2857142857143", 17_265), ("493.2857142857", 17_265), ("493.0", 17_255), ("4e2", 14_000), ("-", NO_QUOTE)],
)
def test_fractions_of_lots_are_whole_units(take: Import, text: str, units: int) -> None:
    line = row(1, "09:21", 59000, text, 0, 1, 1, 0, 1, stock="2", expiry="30-Dec-2025")
    done = take(text_of(HEADER, line), "chain.csv")
    assert stored(done, "nse:BANKNIFTY")["oi_lot"].tolist()[0] == units
    fraction = "numbers of lots with a fraction, that are whole units"
    assert done.tape.counted.get(fraction, 0) == (1 if text.startswith("493.2") else 0)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (row(2, "09:21", 26050, -1, 0, 1, 1, 0, 1), "number below zero"),
        (row(2, "09:21", 26050, "493.29", 0, 1, 1, 0, 1), "no whole number of units"),
        (row(2, "09:21", 26050, "x", 0, 1, 1, 0, 1), "call_oi or call_volume is no number"),
        (row(2, "09:21", 0, 1, 0, 1, 1, 0, 1), "no strike"),
        (row(2, "09:21", "", 1, 0, 1, 1, 0, 1), "no strike"),
        (row(2, "09:21", "x", 1, 0, 1, 1, 0, 1), "no strike"),
        (row(2, "09:21", "26000.005", 1, 0, 1, 1, 0, 1), "price off the grid"),
        (row(2, "09:21", 26050, 1, 0, 1, 1, 0, 1, stock="7"), "unknown underlying"),
        (row(2, "09:21", 26050, 1, 0, 1, 1, 0, 1, expiry="07-Dec-2025"), "expiry on a day without trading"),
        (row(2, "09:21", 26050, 1, 0, 1, 1, 0, 1, expiry="2025-12-09"), "expiry is no day"),
        (row(2, "09:21", 26050, 1, 0, 1, 1, 0, 1, expiry="02-Dec-2025"), "expired before its row"),
        (row(2, "25:21", 26050, 1, 0, 1, 1, 0, 1), "no time"),
        (row(2, "09:21", 26050, 1, 0, 1, 1, 0), "another number of columns"),
        ("x" + row(2, "09:21", 26050, 1, 0, 1, 1, 0, 1), "id is no number"),
    ],
)
def test_a_row_that_cannot_be_is_told_and_left_out(take: Import, line: str, reason: str) -> None:
    done = take(text_of(HEADER, row(1, "09:21", 26000, 1, 0, 1, 1, 0, 1), line), "chain.csv")
    assert done.reasons == {reason: 1}
    assert len(done.report.problems) == 1
    assert ", line 3: " in done.report.problems[0]
    assert stored(done)["strike_tick"].tolist() == [2_600_000] * 2


def test_a_lot_that_nobody_knows_is_asked_for(take: Import) -> None:
    line = row(1, "09:21", 26000, 2, 0, 1, 1, 0, 1).replace("09-Dec-2025", "26-Dec-2024").replace("2025-12", "2024-12")
    refused = take(text_of(HEADER, line), "chain.csv")
    assert "say it with --market-lot" in refused.file.error
    told = take(text_of(HEADER, line), "chain.csv", market_lot=25)
    assert stored(told)["oi_lot"].tolist() == [50, 25]


def test_a_change_beyond_the_open_interest_leaves_no_baseline(take: Import) -> None:
    done = take(text_of(HEADER, row(1, "09:21", 26000, 5, 9, 1, 1, "", 1)), "chain.csv")
    assert stored(done)["prev_oi_lot"].tolist() == [NO_QUOTE, NO_QUOTE]
    assert done.tape.counted["changes larger than the open interest itself: no baseline"] == 1


def test_underlyings_stand_apart_and_one_can_be_chosen(take: Import) -> None:
    lines = [
        row(1, "09:21", 26000, 1, 0, 1, 1, 0, 1),
        row(2, "09:21", 59000, 1, 0, 1, 1, 0, 1, stock="2", expiry="30-Dec-2025"),
    ]
    both = take(text_of(HEADER, *lines), "chain.csv")
    assert sorted(tape.instrument for tape in both.file.tapes) == ["nse:BANKNIFTY", "nse:NIFTY"]
    one = take(text_of(HEADER, *lines), "chain.csv", symbol="BANKNIFTY", dry_run=True)
    assert (one.tape.instrument, one.file.other_messages) == ("nse:BANKNIFTY", {"rows of NIFTY": 1})


def test_days_must_follow_each_other_and_a_silence_is_a_gap(take: Import) -> None:
    minutes = ["09:21", "09:27", "09:33", "10:00"]
    lines = [row(i, minute, 26000, 1, 0, 1, 1, 0, 1) for i, minute in enumerate(minutes)]
    lines += [lines[-1].replace("2025-12-05", "2025-12-08"), lines[0]]
    done = take(text_of(HEADER, *lines), "chain.csv")
    assert done.reasons == {"a day that ended before": 1}
    assert [(gap.from_ns, gap.to_ns) for gap in done.tape.gaps] == [
        (FIRST_NS + 12 * MINUTE_NS, FIRST_NS + 39 * MINUTE_NS)
    ]
    assert done.tape.counted["steps between them that are not the usual one"] == 1


def test_a_file_that_is_cut_says_so(take: Import) -> None:
    text = text_of(HEADER, row(1, "09:21", 26000, 1, 0, 1, 1, 0, 1), row(2, "09:21", 26050, 1, 0, 1, 1, 0, 1))
    done = take(text[:-8], "chain.csv")
    assert "it seems to be cut" in done.report.problems[0]


def test_the_chain_of_a_real_day_counts_every_oddity(take: Import, recordings: Path) -> None:
    path = recordings / "seeds" / "NIFTY_OptionChainData.csv.gz"
    done = take(path)
    rows = list(csv.DictReader(io.StringIO(gzip.decompress(path.read_bytes()).decode())))
    latest: dict[tuple[str, str], dict[str, str]] = {}
    names = [name for name in rows[0] if name.startswith(("call_", "put_"))]
    alike = different = 0
    fallen: Counter[str] = Counter()
    volumes: dict[tuple[str, str], float] = {}
    for one in rows:  # ids ascend
        key = (one["timestamp"], one["strike_price"])
        if key in latest:
            same = all(latest[key][name] == one[name] for name in names)
            alike, different = alike + same, different + (not same)
        latest[key] = one
        for name in ("call_volume", "put_volume"):
            fallen[name] += float(one[name]) < volumes.get((one["strike_price"], name), 0)
            volumes[one["strike_price"], name] = float(one[name])
    assert (len(rows), alike + different, different, fallen["call_volume"]) == (10_370, 2_635, 944, 94)
    assert list(reasons(done).values()) == [alike, different]
    assert done.tape.counted["call volumes of the day below that of an earlier row"] == 94
    assert done.tape.counted["put volumes of the day below that of an earlier row"] == fallen["put_volume"]
    assert done.tape.counted["minutes with a chain"] == len({one["timestamp"] for one in rows}) == 91
    assert (done.tape.read, done.tape.kept, done.report.new) == (10_370, 7_735, 15_470)
    series = stored(done)
    assert int(series["oi_lot"].sum()) == 75 * sum(int(one["call_oi"]) + int(one["put_oi"]) for one in latest.values())
    changes = series["oi_lot"] - series["prev_oi_lot"]
    told = sum(int(one["call_oi_change"]) + int(one["put_oi_change"]) for one in latest.values())
    assert int(changes.sum()) == 75 * told
