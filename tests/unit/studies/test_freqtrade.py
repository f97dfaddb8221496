"""The conventions of freqtrade, beside ours (definitions 5.5): by hand, and on its own published rows."""

import csv
from decimal import Decimal

import pytest

from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.errors import DataError
from footloom.studies._freqtrade import freqtrade_compat

INSTRUMENT = Instrument(venue="t", symbol="X", tick_size=Decimal("0.5"), lot_size=Decimal("0.001"))


def rows_of(trades, step=1, **settings):
    made = freqtrade_compat(trades, step, **settings)
    names = ("row", "bid_trades", "ask_trades", "bid_lot", "ask_lot", "bid_imbalance", "ask_imbalance")
    return list(zip(*(getattr(made, name).tolist() for name in names), strict=True))


def test_trades_are_counted_and_the_flag_stands_on_the_lower_row():
    trades = Trades.build(INSTRUMENT, [0] * 5, [100, 101, 101, 101, 101], [50, 1, 1, 1, 1], [-1, 1, 1, 1, 1])

    assert rows_of(trades) == [(100, 1, 0, 50, 0, False, True), (101, 0, 4, 0, 4, False, False)]
    assert rows_of(trades, percent=400)[0][-1] is False  # strict
    assert rows_of(trades, min_volume_lot=50)[0][-1] is True
    assert rows_of(trades, min_volume_lot=51)[0][-1] is False


def test_the_next_row_is_the_next_that_traded():
    trades = Trades.build(INSTRUMENT, [0] * 4, [100, 100, 105, 105], [1] * 4, [-1, -1, 1, -1])

    assert rows_of(trades, percent=150)[0][-2:] == (True, False)
    assert rows_of(trades, percent=200)[0][-2:] == (False, False)


def test_rows_are_rounded_half_even():
    # Rows of two ticks: 1 is half way between the rows 0 and 1 and goes to 0, 3 to 2.
    trades = Trades.build(INSTRUMENT, [0] * 3, [1, 2, 3], [1, 2, 4], [1, 1, 1])

    assert [(row, bought) for row, _, _, _, bought, _, _ in rows_of(trades, 2)] == [(0, 1), (1, 2), (2, 4)]


def test_a_trade_without_a_side_is_refused():
    with pytest.raises(DataError, match="no side"):
        freqtrade_compat(Trades.build(INSTRUMENT, [0], [1], [1], [0]), 1)


def test_its_published_rows(recordings):
    with (recordings / "answers" / "freqtrade_simple.csv").open(encoding="utf-8", newline="") as file:
        rows = [{name.strip(): text.strip() for name, text in row.items()} for row in csv.DictReader(file)]
    sides = [{"buy": 1, "sell": -1}[row["side"]] for row in rows]
    traded = Instrument(venue="t", symbol="Y", tick_size=Decimal("0.1"), lot_size=Decimal("0.001"))
    ticks = [traded.price_tick(row["price"]) for row in rows]
    lots = [traded.qty_lot(row["amount"]) for row in rows]
    ts = [int(row["timestamp"]) * 10**6 for row in rows]

    made = freqtrade_compat(Trades.build(traded, ts, ticks, lots, sides), 5)  # rows of 0.5

    assert [Decimal("0.5") * row for row in made.row.tolist()] == [Decimal("23437.5"), Decimal("23438.0")]
    assert [traded.lot_size * lots for lots in made.delta_lot.tolist()] == [Decimal("-0.245"), Decimal("0.140")]
    assert (made.bid_trades.tolist(), made.ask_trades.tolist()) == ([5, 0], [0, 2])
