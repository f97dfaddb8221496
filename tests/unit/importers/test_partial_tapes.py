"""Tapes that hold some trades of a stretch, and never all: large prints and liquidations."""

from __future__ import annotations

from pathlib import Path

import pytest

from footloom.errors import NotStored
from footloom.feeds.ingest import Options, import_files
from footloom.feeds.stored import chart_tapes
from footloom.store.files import Store
from tests.unit.importers.conftest import Import, assert_adds_up
from tests.unit.importers.files import gzipped, text_of

DAY_MS = 86_400_000
PRINTS = [
    "1718838893621, ETHUSDT, 1675603512, 3566.5, 8.653,1718838893469, False",
    "1718838894032, BTCUSDT, 2216728435, 64895.8, 4.329,1718838893880, True",
    "1718838894000, ETHUSDT, 1675603999, 3566.49, 7.1,1718838893700, True",
    f"{1718838894000 + DAY_MS},ETHUSDT,1675700000,3500.00,9.0,{1718838893990 + DAY_MS},False,31500.0,25",
]
FUTURES = {"venue": "binance_usdm"}
ORDERS = [
    "1000PEPE,SELL,LIMIT,IOC,43942,0.0107751,0.0109313,FILLED,43942,43942,1718901133106,473.4794442",
    "LISTA,BUY,LIMIT,IOC,280,0.6518905,0.6610000,FILLED,100,280,1718901179365,182.52934000000002",
    "ZECUSDC,BUY,LIMIT,IOC,0.011,515.06,511.09,FILLED,0.011,0.011,1718901888424,5.665659999999999,100",
]
GENERATOR = "<generator object binance_liquidation.<locals>.<genexpr> at 0x00000174585298C0>,175.54066740000002"


# --- large prints


def test_large_prints_are_a_tape_of_their_own_whose_holes_mean_nothing(take: Import) -> None:
    done = take(text_of(*PRINTS), "Large Prints-2024.csv", **FUTURES)
    eth, btc = done.file.tapes
    assert eth.tape == btc.tape == "partial:large_prints_2024"
    assert (eth.kept, eth.buy, eth.sell) == (3, "17.653", "7.100")
    assert (btc.kept, btc.buy, btc.sell) == (1, "0.000", "4.329")
    assert eth.gap_count == eth.missing_ids == 0
    assert eth.counted == {"event time steps back": 1, "silent for a day or more before it": 1}
    assert "no coverage" in done.file.notes[0]
    store = Store(done.store)
    assert store.coverage() == []
    assert {one.tape for one in store.partials()} == {"partial:large_prints_2024"}
    with pytest.raises(NotStored, match="nothing is stored"):
        chart_tapes(store, "binance_usdm:ETHUSDT")


def test_junk_in_front_of_large_prints_is_counted(take: Import) -> None:
    done = take(text_of(GENERATOR, "hello", "", *PRINTS, "1,2,3,4,5,6,7"), "prints.csv", **FUTURES)
    assert done.reasons == {"no large print": 3}
    drop = done.file.unreadable[0]
    assert drop.line == 1
    assert drop.detail.startswith("2 columns, expected 7 (event time, symbol, ")
    assert done.report.kept == 4


def test_a_print_that_is_repeated_is_one_and_a_second_import_adds_none(take: Import) -> None:
    done = take(text_of(*PRINTS, PRINTS[0]), "prints.csv", symbol="ETHUSDT", **FUTURES)
    assert done.tape.duplicates == 1
    assert done.file.other_messages == {"trades of BTCUSDT": 1}
    again = take(gzipped(text_of(*PRINTS)), "prints.csv.gz", symbol="ETHUSDT", **FUTURES)
    assert (again.tape.tape, again.tape.new, again.tape.already_stored) == ("partial:prints", 0, 3)


def test_the_tape_of_large_prints_can_be_named_but_stays_partial(take: Import) -> None:
    assert take(text_of(*PRINTS), "p.csv", tape="partial:mine", **FUTURES).file.tapes[0].tape == "partial:mine"
    done = take(text_of(*PRINTS), "p.csv", tape="trade", **FUTURES)
    assert done.file.usage
    assert "partial:NAME" in done.file.error


def test_large_prints_in_another_unit_of_time_are_refused(take: Import) -> None:
    # A row in µs is no row of this format; one whose trade time alone is, neither.
    wrong = PRINTS[1].replace("1718838893880", "1718838893880000")
    done = take(text_of(PRINTS[0], wrong, *PRINTS[2:]), "p.csv", **FUTURES)
    assert done.reasons == {"no large print": 1}
    assert "trade time is '1718838893880000'" in done.file.unreadable[0].detail


def test_large_prints_cut_in_the_middle(take: Import) -> None:
    done = take(text_of(*PRINTS)[:-20], "p.csv", **FUTURES)
    assert done.report.kept == 3
    assert "seems to be cut" in done.file.unreadable[0].detail
    packed = gzipped(text_of(*PRINTS * 200))
    cut = take(packed[: len(packed) // 2], "q.csv.gz", **FUTURES)
    assert "the file is cut" in cut.file.damage


# --- liquidations


def test_a_liquidation_has_the_side_of_its_order(take: Import) -> None:
    done = take(text_of(GENERATOR, *ORDERS), "liquidations.csv")
    pepe, lista, zec = done.file.tapes
    assert [tape.instrument.partition(":")[2] for tape in (pepe, lista, zec)] == [
        "1000PEPEUSDT",
        "LISTAUSDT",
        "ZECUSDC",
    ]
    assert (pepe.tape, pepe.sell, pepe.buy) == ("liquidation", "43942", "0")
    assert (lista.sell, lista.buy) == ("0", "280")
    assert done.reasons == {"no liquidation order": 1}
    assert "sells closed longs" in done.file.notes[0]
    assert "1000PEPE as 1000PEPEUSDT" in done.file.notes[0]


def test_liquidations_are_no_coverage_and_define_no_instrument(take: Import) -> None:
    done = take(text_of(*ORDERS), "liquidations.csv")
    store = Store(done.store)
    assert store.coverage() == []
    assert {one.tape for one in store.partials()} == {"liquidation"}
    assert store.instruments() == []
    block = done.load("binance_usdm:LISTAUSDT", "liquidation")
    assert block.instrument.price_text(int(block.price_tick[0])) == "0.6518905"


def test_a_known_tick_does_not_refuse_a_bankruptcy_price(take: Import) -> None:
    btc = "BTC,SELL,LIMIT,IOC,0.010,64895.8321,64990.10,FILLED,0.010,0.010,1718901133106,648.9"
    assert take(text_of(btc), "liquidations.csv").tape.tick_size == "0.0001"


def test_a_repeated_order_is_one_and_an_unfilled_one_none(take: Import) -> None:
    unfilled = ORDERS[1].replace("FILLED", "EXPIRED").replace("365", "999")
    done = take(text_of(*ORDERS, ORDERS[1], unfilled), "liquidations.csv")
    lista = done.file.tapes[1]
    assert (lista.read, lista.kept) == (3, 1)
    assert done.reasons == {"repeated message": 1, "order without a fill": 1}
    assert done.report.problems == []
    again = take(gzipped(text_of(*ORDERS, ORDERS[1], unfilled)), "liquidations.csv.gz")
    assert (again.report.new, again.report.already_stored) == (0, 3)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("SELL", "LONG"), "side is 'LONG', expected BUY or SELL"),
        (("1718901133106", "soon"), "time is 'soon', expected ms"),
        (("0.0107751", "x"), "price is 'x', no number"),
    ],
)
def test_a_bad_order_is_told(take: Import, change: tuple[str, str], reason: str) -> None:
    done = take(text_of(*ORDERS[1:], ORDERS[0].replace(*change)), "liquidations.csv")
    (drop,) = done.file.unreadable
    assert (drop.line, drop.detail) == (3, reason)


def test_orders_in_another_unit_of_time_are_refused(take: Import) -> None:
    done = take(text_of(*ORDERS[:2], ORDERS[2].replace("1718901888424", "1718901888")), "liquidations.csv")
    assert sum(done.reasons.values()) == 1
    assert "but this format carries ms" in done.report.problems[0]


def test_strict_stores_no_liquidations_of_a_file_with_junk(take: Import) -> None:
    done = take(text_of(GENERATOR, *ORDERS), "liquidations.csv", strict=True)
    assert not done.report.stored
    assert not done.store.exists()


# --- the recordings


@pytest.mark.parametrize(
    ("name", "kept", "duplicates", "tapes"),
    [("large_prints_alejandro.csv", 273, 0, 3), ("large_prints_riftfern.csv", 4_686, 21, 0)],
)
def test_recorded_large_prints(
    recordings: Path, tmp_path: Path, name: str, kept: int, duplicates: int, tapes: int
) -> None:
    report = import_files([recordings / "binance" / name], Options(venue="binance_usdm"), store=tmp_path / "store")
    assert_adds_up(report)
    assert (report.kept, report.duplicates) == (kept, duplicates)
    assert report.gaps == 0
    assert tapes in {0, len(report.files[0].tapes)}


@pytest.mark.parametrize(
    ("name", "kept", "unreadable"), [("liquidations_alejandro.csv", 101, 1), ("liquidations_riftfern.csv", 2_045, 0)]
)
def test_recorded_liquidations(recordings: Path, tmp_path: Path, name: str, kept: int, unreadable: int) -> None:
    report = import_files([recordings / "binance" / name], Options(), store=tmp_path / "store")
    assert_adds_up(report)
    drops = [drop for file in report.files for tape in file.tapes for drop in tape.drops]
    assert [drop for drop in drops if drop.defect] == []
    assert report.kept + sum(drop.count for drop in drops) == kept
    assert sum(drop.count for drop in report.files[0].unreadable) == unreadable
