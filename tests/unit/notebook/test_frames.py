"""Frames to tapes: every kind of column exactly, and nothing guessed."""

from __future__ import annotations

import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footloom._api import footprint
from footloom.core.instrument import Instrument
from footloom.core.trades import FLAG_NO_ID, FLAG_NO_RECV, Trades
from footloom.engine.tables import trades_table
from footloom.errors import ConfigError, DataError, OffGrid
from footloom.notebook.frames import from_arrow, from_pandas, from_polars

ONE = Instrument(venue="test", symbol="ABC", tick_size=Decimal("0.05"), lot_size=Decimal("0.001"))
START = 1_772_409_600 * 10**9


def table(**columns):
    count = len(next(iter(columns.values())))
    filled = {"ts_exch_ns": [START + i for i in range(count)], "price": ["100.05"] * count, "qty": ["1"] * count,
              "side": [1] * count}  # fmt: skip
    return pa.table({**filled, **columns})


def some() -> Trades:
    return Trades.build(
        ONE, [START, START + 1], [2001, 2000], [3000, 2000], [1, -1], trade_id=[7, 8], ts_recv_ns=[START + 5, START + 6]
    )


def test_arrow_polars_and_pandas_give_the_tape_back():
    own = trades_table(some())
    frame = pl.from_arrow(own)
    assert isinstance(frame, pl.DataFrame)

    assert from_arrow(own).equals(some())
    assert from_polars(frame, ONE).equals(some())
    assert from_polars(frame.lazy(), ONE).equals(some())
    assert from_pandas(frame.to_pandas(), ONE).equals(some())


@pytest.mark.parametrize(
    "prices",
    [
        pa.array(["100.05", "1e2", "-0.050"]),
        pa.array(["100.05", "1e2", "-0.050"]).dictionary_encode(),
        pa.array(["100.05", "1e2", "-0.050"], pa.large_string()),
        pa.array([Decimal("100.05"), Decimal(100), Decimal("-0.05")]),
        pa.array([Decimal("100.05"), Decimal(100), Decimal("-0.05")], pa.decimal256(50, 20)),
        pa.array([100.05, 100.0, -0.05]),
        pa.array([100.05 * (1 + 2**-52), 99.99999999999, -0.05]),
    ],
    ids=["text", "dictionary", "large text", "decimal", "decimal256", "float", "float with noise"],
)
def test_prices_of_every_kind(prices):
    assert from_arrow(table(price=prices), ONE).price_tick.tolist() == [2001, 2000, -1]


def test_whole_numbers_are_prices_unless_ticks_are_named():
    made = pa.table({"ts_exch_ns": [START], "price": [100], "qty": [2], "side": [1]})

    trades = from_arrow(made, ONE)
    ticks = from_arrow(made, ONE, price_tick="price", qty_lot="qty")
    named = from_arrow(made.rename_columns(["ts_exch_ns", "price_tick", "qty_lot", "side"]), ONE)

    assert (trades.price_tick.tolist(), trades.qty_lot.tolist()) == ([2000], [2000])
    assert (ticks.price_tick.tolist(), ticks.qty_lot.tolist()) == ([100], [2])
    assert named.equals(ticks)


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=20), st.sampled_from(["0.05", "0.1", "0.00000001", "25"]))
def test_floats_on_the_grid_are_taken_exactly(ticks, unit):
    one = Instrument(venue="t", symbol="X", tick_size=Decimal(unit), lot_size=Decimal(1))
    prices = pa.array([float(tick * Decimal(unit)) for tick in ticks])

    assert from_arrow(table(price=prices), one).price_tick.tolist() == ticks


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ({"price": [100.05, 100.06]}, r"price in row 1, a float, 100\.06 is no whole multiple of 0\.05"),
        ({"price": [100.05, 100.0501]}, "price in row 1"),
        ({"price": [100.05, float("nan")]}, "price in row 1, a float, nan"),
        ({"price": [100.05, float("inf")]}, "price in row 1, a float, inf"),
        ({"price": pa.array([100.05], pa.float32())}, "price in row 0"),
        ({"price": ["100.05", "100.06"]}, r"price in row 1, 100\.06 is no"),
        ({"qty": [Decimal("1.0"), Decimal("0.0005")]}, r"qty in row 1, 0\.0005 is no whole multiple of 0\.001"),
    ],
)
def test_what_is_off_the_grid_names_row_and_value(column, text):
    with pytest.raises(OffGrid, match=text):
        from_arrow(table(**column), ONE)


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ({"price": ["100.05", None]}, "price in row 1 is missing"),
        ({"price": ["100.05", "abc"]}, "price in row 1 is 'abc': that is no decimal number"),
        ({"price": [True]}, "price must be decimals"),
        ({"qty": ["1", "0"]}, r"the quantity in row 1 is 0\.000"),
        ({"side": [1, 2]}, "the side in row 1 is 2"),
        ({"side": ["buy", "BID"]}, "the side in row 1 is 'BID'"),
        ({"ts_exch_ns": [START, None]}, "the time in row 1 is missing"),
        ({"ts_exch_ns": [START, START // 1000]}, "in row 1 is 1772409600000000: counted in ns"),
        ({"ts_exch_ns": [START + 0.5]}, "a float does not hold such a number exactly"),
        ({"trade_id": [2.5]}, "trade_id in row 0"),
        ({"trade_id": ["x"]}, "trade_id must be whole numbers"),
    ],
)
def test_what_cannot_be_taken_is_refused(column, text):
    with pytest.raises(DataError, match=text):
        from_arrow(table(**column), ONE)


def test_times_of_every_unit():
    moment = np.datetime64("2026-03-02T00:00:00", "s")
    seconds = int(moment.astype("int64"))
    for unit in ("s", "ms", "us", "ns"):
        stamps = pa.array([moment]).cast(pa.timestamp(unit))
        assert from_arrow(table(ts_exch_ns=stamps), ONE).ts_exch_ns.tolist() == [START]
        zoned = stamps.cast(pa.timestamp(unit, tz="UTC"))
        assert from_arrow(table(ts_exch_ns=zoned), ONE).ts_exch_ns.tolist() == [START]
        count = seconds * {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
        plain = pa.table({"t": [count], f"t_{unit}": [str(count)], "price": ["1"], "qty": ["1"], "side": [0]})
        assert from_arrow(plain, ONE, ts="t", ts_unit=unit).ts_exch_ns.tolist() == [START]
        assert from_arrow(plain, ONE, ts=f"t_{unit}").ts_exch_ns.tolist() == [START]
    with pytest.raises(ConfigError, match="say what it counts with ts_unit="):
        from_arrow(plain, ONE, ts="t")
    with pytest.raises(ConfigError, match="ts_unit is s, ms, us or ns"):
        from_arrow(plain, ONE, ts="t", ts_unit="m")


def test_sides_of_every_kind():
    for column in ([1, -1, 0], ["1", "-1", "0"], ["Buy", "sell", ""], ["BUY", "SELL", None], [1, -1, None]):
        assert from_arrow(table(side=column), ONE).side.tolist() == [1, -1, 0]
    maker = table(m=[False, True, None], text=["false", "True", ""])
    assert from_arrow(maker, ONE, is_buyer_maker="m").side.tolist() == [1, -1, 0]
    assert from_arrow(maker, ONE, is_buyer_maker="text").side.tolist() == [1, -1, 0]
    assert from_arrow(maker, ONE, side=None).side.tolist() == [0, 0, 0]


def test_nothing_is_guessed():
    with pytest.raises(ConfigError, match="is_buyer_maker="):
        from_arrow(table(side=[True, False]), ONE)
    with pytest.raises(ConfigError, match="side=None where nobody states the side"):
        from_arrow(table(qty=["1"]).drop_columns("side"), ONE)
    with pytest.raises(ConfigError, match="give one of them"):
        from_arrow(table(m=[True]), ONE, side="side", is_buyer_maker="m")
    with pytest.raises(ConfigError, match="no column 'p' for price=: there are ts_exch_ns, price"):
        from_arrow(table(qty=["1"]), ONE, price="p")
    with pytest.raises(ConfigError, match="no column is called qty or qty_lot"):
        from_arrow(table(price=["1"]).drop_columns("qty"), ONE)
    with pytest.raises(ConfigError, match="give instrument="):
        from_arrow(table(price=["1"]))


def test_what_a_row_does_not_say_is_flagged():
    trades = from_arrow(table(id=[5, None], ts_recv_ns=[None, START + 9]), ONE)

    assert trades.trade_id.tolist() == [5, 1]
    assert trades.flags.tolist() == [FLAG_NO_RECV, FLAG_NO_ID]
    assert trades.ts_recv_ns.tolist() == [START, START + 9]
    assert from_arrow(table(id=[5, 6]), ONE, id=None).flags.tolist() == [FLAG_NO_ID | FLAG_NO_RECV] * 2


def test_pandas_with_decimals_an_index_and_missing_ids():
    index = pd.DatetimeIndex(["2026-03-02", "2026-03-02T00:00:01"], name="when")
    frame = pd.DataFrame(
        {"p": [Decimal("1.05"), Decimal(1)], "q": [1.5, 2.0], "m": [True, False], "n": [1.0, np.nan]}, index
    )

    trades = from_pandas(frame, ONE, ts="when", price="p", qty="q", is_buyer_maker="m", id="n")

    assert trades.ts_exch_ns.tolist() == [START, START + 10**9]
    assert (trades.price_tick.tolist(), trades.side.tolist()) == ([21, 20], [-1, 1])
    assert trades.trade_id.tolist() == [1, 1]
    assert (trades.flags & FLAG_NO_ID).tolist() == [0, FLAG_NO_ID]
    with pytest.raises(DataError, match="mixed types"):
        from_pandas(pd.DataFrame({"p": [1, "x", b"y"]}), ONE)


def test_an_empty_frame():
    assert len(from_arrow(trades_table(some()).slice(0, 0))) == 0
    assert len(from_polars(pl.DataFrame(schema={"ts_exch_ns": pl.Int64, "price": pl.String, "qty": pl.Float64,
                                                "side": pl.Int8}), ONE)) == 0  # fmt: skip


def test_a_chart_as_arrow_and_polars(monkeypatch: pytest.MonkeyPatch):
    chart = footprint(some(), "1m", 1)

    arrow, frame = chart.to_arrow(), chart.to_polars()

    assert arrow.column_names == ["bar", "level", "price", "buy", "sell", "unknown", "delta", "trades"]
    assert arrow.schema.field("bar").type == pa.timestamp("ns", tz="UTC")
    assert frame.columns == arrow.column_names
    assert frame["delta"].to_list() == [Decimal("-2.000"), Decimal("3.000")]
    assert frame.schema["bar"] == pl.Datetime("ns", "UTC")
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(ConfigError, match=r"pip install 'footloom\[polars\]'; to_arrow\(\) works without it"):
        chart.to_polars()
