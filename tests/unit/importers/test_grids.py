"""Where tick and lot come from, and that the report says it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from footloom.core.instrument import Instrument
from footloom.errors import ConfigError
from footloom.feeds.ingest import Options, import_files
from footloom.store.files import Store
from tests.unit.importers.conftest import Import
from tests.unit.importers.files import agg_rows, text_of

FOO = "FOOUSDT-aggTrades-2024-08-08.csv"


def row(trade_id: int, price: str, qty: str) -> str:
    return f"{trade_id},{price},{qty},1,1,{1723075200000 + trade_id},true"


def test_the_venues_own_table_stands_before_the_text(take: Import) -> None:
    done = take(text_of(row(1, "61800", "1"), row(2, "61801", "1")))
    assert (done.tape.tick_size, done.tape.lot_size) == ("0.1", "0.001")
    assert (done.tape.tick_from, done.tape.lot_from) == ("known instrument", "known instrument")
    instrument = done.load().instrument
    assert (instrument.base, instrument.quote, instrument.valid_from_ns) == ("BTC", "USDT", 1659312000000000000)


def test_the_decimals_of_the_file_without_zeros_at_their_end(take: Import) -> None:
    done = take(text_of(row(1, "7.50000", "10.0"), row(2, "7.6110", "297"), row(3, "7.612", "1.50")), FOO)
    assert (done.tape.tick_size, done.tape.lot_size, done.tape.tick_from) == ("0.001", "0.1", "decimals of the file")
    assert done.load("binance_usdm:FOOUSDT").price_tick.tolist() == [7500, 7611, 7612]


def test_a_bad_row_has_no_say_in_the_decimals(take: Import) -> None:
    rows = [row(1, "7.5", "1"), row(2, "7.61234567x", "1"), row(3, "7.6123456789012345678901", "1")]
    done = take(text_of(*rows), FOO)
    assert (done.tape.tick_size, done.tape.kept) == ("0.1", 1)


def test_flags_win(take: Import) -> None:
    done = take(text_of(row(1, "61800.25", "1"), row(2, "61800.30", "1")), tick_size="0.25")
    assert (done.tape.tick_size, done.tape.tick_from) == ("0.25", "--tick-size")
    assert (done.tape.lot_size, done.tape.lot_from) == ("0.001", "known instrument")
    assert done.reasons == {"price off the grid": 1}
    assert "no whole multiple of the tick 0.25" in done.tape.drops[0].detail


def test_both_flags_need_no_reading_ahead(take: Import) -> None:
    done = take(text_of(row(1, "10", "100"), row(2, "20", "250")), FOO, tick_size="10", lot_size="50")
    assert (done.tape.tick_from, done.tape.lot_from) == ("--tick-size", "--lot-size")
    stored = done.load("binance_usdm:FOOUSDT")
    assert (stored.price_tick.tolist(), stored.qty_lot.tolist()) == ([1, 2], [2, 5])


@pytest.mark.parametrize("size", ["0", "-1", "1e-30"])
def test_sizes_that_cannot_be(tmp_path: Path, size: str) -> None:
    with pytest.raises(ConfigError):
        import_files([tmp_path / "x"], Options(tick_size=Decimal(size)), store=tmp_path)


def test_what_the_store_knows_stands_before_the_text(take: Import, tmp_path: Path) -> None:
    dated = Instrument(
        venue="binance_usdm",
        symbol="FOOUSDT",
        tick_size=Decimal("0.5"),
        lot_size=Decimal(1),
        valid_from_ns=1_700_000_000_000_000_000,
    )
    with Store(tmp_path / "store", writer=True) as store:
        store.put_instrument(dated)
    done = take(text_of(row(1, "7.5", "1"), row(2, "7.6", "1")), FOO)
    assert (done.tape.tick_size, done.tape.tick_from) == ("0.5", "stored instrument")
    assert done.reasons == {"price off the grid": 1}


def test_what_came_from_few_rows_gives_way_to_more_decimals(take: Import) -> None:
    first = take(text_of(row(1, "7.5", "1")), FOO)
    assert (first.tape.tick_size, first.tape.tick_from) == ("0.1", "decimals of the file")
    more = take(text_of(row(2, "7.51", "1")), "FOOUSDT-aggTrades-2024-08-09.csv")
    assert (more.tape.tick_size, more.tape.kept) == ("0.01", 1)
    assert more.tape.tick_from == "decimals of the file: finer than the stored 0.1"
    fewer = take(text_of(row(3, "8", "1")), "FOOUSDT-aggTrades-2024-08-10.csv")
    assert (fewer.tape.tick_size, fewer.tape.tick_from) == ("0.01", "stored instrument")
    stored = fewer.load("binance_usdm:FOOUSDT")
    assert [stored.instrument.price_text(int(tick)) for tick in stored.price_tick] == ["7.50", "7.51", "8.00"]


def test_a_grid_that_no_decimals_give_stays(take: Import) -> None:
    take(text_of(row(1, "7.25", "1")), FOO, tick_size="0.25", lot_size="1")
    done = take(text_of(row(2, "7.5", "1"), row(3, "7.51", "1")), "FOOUSDT-aggTrades-2024-08-09.csv")
    assert (done.tape.tick_size, done.tape.tick_from, done.tape.kept) == ("0.25", "stored instrument", 1)
    again = take(text_of(row(2, "7.5", "1"), row(3, "7.51", "1")), "FOOUSDT-aggTrades-2024-08-09.csv", tick_size="0.01")
    assert (again.tape.new, again.tape.already_stored) == (1, 1)
    assert Store(again.store).instrument("binance_usdm:FOOUSDT").tick_size == Decimal("0.01")


def test_before_the_first_known_date_the_text_decides(take: Import) -> None:
    early = [text.replace("17230752", "15962880") for text in agg_rows(1, 5)]
    assert early[0].split(",")[5].startswith("15962880")
    done = take(text_of(*early, "6,61800.01,1,1,1,1596288009999,true"), "BTCUSDT-aggTrades-2020-08-01.csv")
    assert (done.tape.tick_size, done.tape.tick_from, done.tape.kept) == ("0.01", "decimals of the file", 6)
    later = take(text_of(*agg_rows(10, 12)))
    assert (later.tape.tick_size, later.tape.tick_from) == ("0.1", "known instrument")
    store = Store(later.store)
    assert store.instrument("binance_usdm:BTCUSDT").tick_size == Decimal("0.1")
    assert store.instrument("binance_usdm:BTCUSDT", 1596288000000000000).tick_size == Decimal("0.01")


def test_again_with_the_right_tick_brings_what_a_wrong_one_dropped(take: Import) -> None:
    content = text_of(*agg_rows(1, 20))
    wrong = take(content, tick_size="0.5")
    assert (wrong.tape.kept, wrong.tape.gap_count) == (4, 3)
    right = take(content)
    assert (right.tape.new, right.tape.already_stored, right.tape.conflicts) == (16, 4, 0)
    assert right.load().trade_id.tolist() == list(range(1, 21))


def test_a_tick_that_is_finer_than_all_prices_is_told(take: Import) -> None:
    rows = [row(number, f"{6000 + number % 40 * 0.25:.2f}", "1") for number in range(1, 1101)]

    done = take(text_of(*rows), FOO)

    assert done.tape.tick_size == "0.01"
    (note,) = [note for note in done.file.notes if "multiple of" in note]
    assert "every price of binance_usdm:FOOUSDT is a multiple of 0.25" in note
    assert "footloom remove binance_usdm:FOOUSDT --tape agg_trade --yes" in note
    assert "--tick-size 0.25" in note


@pytest.mark.parametrize("count", [900, 1100])
def test_few_rows_or_prices_on_every_tick_say_nothing_of_it(take: Import, count: int) -> None:
    step = 0.25 if count < 1000 else 0.01

    done = take(text_of(*(row(number, f"{6000 + number % 40 * step:.2f}", "1") for number in range(1, count))), FOO)

    assert [note for note in done.file.notes if "multiple of" in note] == []
