"""Real recordings: exact counts and volumes, and the per-minute answers from what was stored."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from footloom.core.trades import FLAG_NO_ID, FLAG_NO_RECV, Trades
from footloom.feeds.ingest import ImportReport, Options, TapeReport, import_files
from footloom.store.files import Store
from tests.unit.importers.conftest import assert_adds_up

TRADE_STREAM = "positive_binance_trade_stream_{}_trxusdt_04-03-2025.csv.gz"
NEGATIVE = "negative_binance_trade_stream_spot_trxusdt_04-03-2025.csv.gz"


@pytest.fixture
def binance(recordings: Path) -> Path:
    return recordings / "binance"


def taken(path: Path, store: Path, **options: Any) -> ImportReport:
    report = import_files([path], Options(**options), store=store)
    assert_adds_up(report)
    return report


def only_tape(report: ImportReport) -> TapeReport:
    (tape,) = report.files[0].tapes
    return tape


@pytest.mark.parametrize(
    ("name", "key", "rows", "buy", "sell", "others"),
    [
        (
            "usdm_btcusdt_20240808.gz",
            "binance_usdm:BTCUSDT",
            21_313,
            "1251.576",
            "1177.790",
            {"depthUpdate": 6_551, "bookTicker": 66_089, "book snapshot": 1},
        ),
        (
            "spot_btcusdt_20240808.gz",
            "binance_spot:BTCUSDT",
            9_757,
            "96.65118",
            "115.38197",
            {"depthUpdate": 3_451, "bookTicker": 28_040, "book snapshot": 1},
        ),
        (
            "cm_btcusd_perp_20240808.gz",
            "binance_coinm:BTCUSD_PERP",
            2_286,
            "35603",
            "47638",
            {"depthUpdate": 26_847, "bookTicker": 19_136, "book snapshot": 1},
        ),
        (
            "usdm_btcusdt_20220811_local_us.dat",
            "binance_usdm:BTCUSDT",
            1_326,
            "145.331",
            "91.544",
            {"depthUpdate": 206, "book snapshot": 1},
        ),
    ],
)
def test_recorded_streams(
    binance: Path, tmp_path: Path, name: str, key: str, rows: int, buy: str, sell: str, others: dict[str, int]
) -> None:
    report = taken(binance / name, tmp_path)
    tape = only_tape(report)
    assert report.problems == []
    assert (tape.instrument, tape.tape, tape.tick_from) == (key, "trade", "known instrument")
    assert (tape.read, tape.kept, tape.new, tape.gap_count, tape.out_of_order) == (rows, rows, rows, 0, 0)
    assert (tape.buy, tape.sell, tape.unknown_rows) == (buy, sell, 0)
    assert report.files[0].other_messages == others
    stored = Store(tmp_path).load(key, "trade", 0, 2**62)
    assert len(stored) == rows


def test_the_local_clock_is_stored_beside_the_exchanges(binance: Path, tmp_path: Path) -> None:
    tape = only_tape(taken(binance / "usdm_btcusdt_20240808.gz", tmp_path))
    assert tape.received_ms == pytest.approx((-1272.143322, -1225.935383))  # 1.27 s behind
    stored = Store(tmp_path).load("binance_usdm:BTCUSDT", "trade", 0, 2**62)
    assert int(stored.ts_recv_ns[0]) == 1723161255088176367
    assert int(stored.ts_exch_ns[0]) == 1723161256322000000


def test_the_contracts_of_a_coin_margined_future(binance: Path, tmp_path: Path) -> None:
    taken(binance / "cm_btcusd_perp_20240808.gz", tmp_path)
    instrument = Store(tmp_path).instrument("binance_coinm:BTCUSD_PERP")
    assert (instrument.contract_multiplier, instrument.base, instrument.quote) == (Decimal(100), "BTC", "USD")


def test_several_symbols_of_an_aggregated_stream(binance: Path, tmp_path: Path) -> None:
    report = taken(binance / "futures_ws_20210722.txt.gz", tmp_path)
    found = {tape.instrument: (tape.tape, tape.kept, tape.tick_size, tape.lot_size) for tape in report.files[0].tapes}
    assert found == {
        "binance_usdm:CTKUSDT": ("agg_trade", 38, "0.001", "1"),
        "binance_usdm:AKROUSDT": ("agg_trade", 8, "0.00001", "1"),
        "binance_usdm:SUSHIUSDT": ("agg_trade", 40, "0.001", "1"),
        "binance_usdm:KEEPUSDT": ("agg_trade", 5, "0.0001", "1"),
    }
    assert report.files[0].other_messages == {"stream address": 1, "bookTicker": 613, "depthUpdate": 764, "kline": 67}
    assert (report.gaps, report.problems) == (0, [])


def test_one_symbol_of_them(binance: Path, tmp_path: Path) -> None:
    tape = only_tape(taken(binance / "futures_ws_20210722.txt.gz", tmp_path, symbol="SUSHIUSDT"))
    assert (tape.instrument, tape.kept) == ("binance_usdm:SUSHIUSDT", 40)


@pytest.mark.parametrize(
    ("market", "key"), [("spot", "binance_spot:TRXUSDT"), ("usd_m_futures", "binance_usdm:TRXUSDT")]
)
def test_exports_of_trade_streams(binance: Path, tmp_path: Path, market: str, key: str) -> None:
    report = taken(binance / TRADE_STREAM.format(market), tmp_path)
    tape = only_tape(report)
    assert (tape.instrument, tape.read, tape.gap_count, report.problems) == (key, 10_000, 0, [])
    assert tape.kept == (9_999 if market == "usd_m_futures" else 10_000)


def test_the_print_at_no_price(binance: Path, tmp_path: Path) -> None:
    tape = only_tape(taken(binance / TRADE_STREAM.format("usd_m_futures"), tmp_path))
    (drop,) = tape.drops
    assert (drop.reason, drop.line, drop.defect) == ("no market trade: price is zero", 9_328, False)
    assert ",548331095,0.0,0.0," in drop.text
    stored = Store(tmp_path).load("binance_usdm:TRXUSDT", "trade", 0, 2**62)
    assert isinstance(stored, Trades)
    assert 548331095 not in stored.trade_id


def test_the_corrupted_twin(binance: Path, tmp_path: Path) -> None:
    report = taken(binance / NEGATIVE, tmp_path)
    tape = only_tape(report)
    (drop,) = tape.drops
    assert (drop.reason, drop.line, drop.count) == ("duplicate id with other values", 4, 1)
    assert drop.detail == "id 348656871 stands on line 3 already, with other values"
    (gap,) = tape.gaps
    assert (gap.after_id, gap.before_id, gap.missing, gap.after_line, gap.before_line) == (
        348656871,
        348656873,
        1,
        3,
        5,
    )
    (stored,) = Store(tmp_path).gaps("binance_spot:TRXUSDT", "trade", 0, 2**62)
    assert (stored.cause, stored.missing) == ("missing ids", 1)
    assert (tape.received_odd, tape.received_odd_line) == (1, 10_001)  # the last row, received the next day
    assert report.ok


def test_the_corrupted_twin_and_the_sound_one_together(binance: Path, tmp_path: Path) -> None:
    taken(binance / TRADE_STREAM.format("spot"), tmp_path)
    tape = only_tape(taken(binance / NEGATIVE, tmp_path))
    assert (tape.new, tape.already_stored, tape.conflicts) == (0, 9_999, 0)


def test_the_corrupted_twin_is_refused_where_asked(binance: Path, tmp_path: Path) -> None:
    report = taken(binance / NEGATIVE, tmp_path / "store", strict=True)
    assert not report.ok
    assert not (tmp_path / "store").exists()


def test_rows_without_ids(binance: Path, tmp_path: Path) -> None:
    path = binance / "aggtrades_btcusdt_20260511_20000.csv.gz"
    tape = only_tape(taken(path, tmp_path, venue="binance_usdm"))
    assert (tape.instrument, tape.tape) == ("binance_usdm:BTCUSDT", "agg_trade")
    assert (tape.kept, tape.duplicates, tape.buy, tape.sell) == (20_000, 0, "846.251", "955.582")
    stored = Store(tmp_path).load("binance_usdm:BTCUSDT", "agg_trade", 0, 2**62)
    assert isinstance(stored, Trades)
    facts = (stored.ts_exch_ns, stored.price_tick, stored.qty_lot, stored.side.astype(np.int64))
    assert len(np.unique(np.stack(facts), axis=1).T) < len(stored) == 20_000  # identical rows are separate trades
    assert (stored.flags == FLAG_NO_ID | FLAG_NO_RECV).all()
    again = only_tape(taken(path, tmp_path, venue="binance_usdm"))
    assert (again.new, again.already_stored) == (0, 20_000)


def test_rows_without_a_side(binance: Path, tmp_path: Path) -> None:
    report = taken(binance / "spot_trades_noside_20201116.csv", tmp_path, venue="binance_spot", symbol="BTCUSDT")
    tape = only_tape(report)
    assert (tape.kept, tape.unknown, tape.unknown_rows) == (1_000, "36.143571", 1_000)
    assert (tape.tick_size, tape.lot_size, tape.lot_from) == ("0.01", "0.000001", "decimals of the file")


@pytest.mark.parametrize("name", ["btcusdt-quotes.parquet", "btcusdt-trades.parquet"])
def test_what_nobody_has_mapped_is_refused(binance: Path, tmp_path: Path, name: str) -> None:
    report = taken(binance / name, tmp_path / "store", venue="binance_usdm", symbol="BTCUSDT")
    assert not report.ok
    assert report.files[0].error
    assert not (tmp_path / "store").exists()


def test_everything_twice_changes_nothing(binance: Path, tmp_path: Path) -> None:
    names = ("cm_btcusd_perp_20240808.gz", "futures_ws_20210722.txt.gz", NEGATIVE)
    paths = [binance / name for name in names]
    first = import_files(paths, Options(), store=tmp_path)
    before = {path: path.read_bytes() for path in (tmp_path / "tapes").rglob("*") if path.is_file()}
    again = import_files(paths, Options(), store=tmp_path)
    assert (again.new, again.already_stored) == (0, first.new)
    assert before == {path: path.read_bytes() for path in (tmp_path / "tapes").rglob("*") if path.is_file()}
    assert all("already imported" in file.notes[-1] for file in again.files)


FILES = {
    "usdm_btcusdt_20240808": ("usdm_btcusdt_20240808.gz", "binance_usdm:BTCUSDT"),
    "spot_btcusdt_20240808": ("spot_btcusdt_20240808.gz", "binance_spot:BTCUSDT"),
    "danl_usd_m_futures": (TRADE_STREAM.format("usd_m_futures"), "binance_usdm:TRXUSDT"),
}


@pytest.mark.parametrize("name", sorted(FILES))
def test_the_answers_of_each_minute(recordings: Path, tmp_path: Path, name: str) -> None:
    file, key = FILES[name]
    taken(recordings / "binance" / file, tmp_path)
    stored = Store(tmp_path).load(key, "trade", 0, 2**62)
    assert isinstance(stored, Trades)
    answer = json.loads((recordings / "answers" / "footprints_per_minute.json").read_text(encoding="utf-8"))[name]
    minutes = {int(minute): {part: bar[part] for part in CHECKED} for minute, bar in answer["bars"].items()}
    assert in_plain_decimals(stored, Decimal(answer["row"])) == {
        minute: {part: Decimal(value) for part, value in bar.items()} for minute, bar in minutes.items()
    }


CHECKED = ("o", "h", "l", "c", "buy", "sell", "delta", "cvd", "trades", "levels")


def in_plain_decimals(trades: Trades, row: Decimal) -> dict[int, dict[str, Decimal]]:
    """Fold stored trades a minute with nothing but Decimal: slow, and without our kernels."""
    bars: dict[int, dict[str, Decimal]] = {}
    rows: dict[int, set[Decimal]] = {}
    running = Decimal(0)
    columns = (trades.ts_exch_ns, trades.price_tick, trades.qty_lot, trades.side)
    for ts_ns, tick, lot, side in zip(*(column.tolist() for column in columns), strict=True):
        minute = ts_ns // 60_000_000_000 * 60_000
        price, qty = tick * trades.instrument.tick_size, lot * trades.instrument.lot_size
        bar = bars.setdefault(minute, dict.fromkeys(CHECKED, Decimal(0)) | dict.fromkeys("ohl", price))
        running += side * qty
        bar["buy" if side > 0 else "sell"] += qty
        rows.setdefault(minute, set()).add(price // row)
        bar |= {
            "h": max(bar["h"], price),
            "l": min(bar["l"], price),
            "c": price,
            "delta": bar["buy"] - bar["sell"],
            "cvd": running,
            "trades": bar["trades"] + 1,
            "levels": Decimal(len(rows[minute])),
        }
    return bars
