"""Rows for people and programs: exact text, ascending levels, null where undefined."""

from decimal import Decimal

import pyarrow as pa

from footloom.core.instrument import Instrument
from footloom.core.trades import FLAG_BY_QUOTE, FLAG_INFERRED, Trades
from footloom.engine.build import build
from footloom.engine.default_step import default_ticks_per_level
from footloom.engine.export import bar_rows
from footloom.engine.spec import ChartSpec
from footloom.engine.tables import footprint_table

INSTRUMENT = Instrument(venue="t", symbol="X", tick_size=Decimal("0.5"), lot_size=Decimal("0.001"))
# FP-03's tape (definitions 2.1), an unknown print added.
ROWS = [
    (0, 200, 3000, -1),
    (10, 201, 2000, 1),
    (20, 201, 1000, -1),
    (30, 200, 4000, 1),
    (40, 202, 5000, 1),
    (50, 202, 7, 0),
]


def chart(flags=None, **settings):
    ts, tick, qty, side = zip(*ROWS, strict=True)
    trades = Trades.build(INSTRUMENT, [t * 10**9 for t in ts], tick, qty, side, flags=flags)
    return build(trades, ChartSpec(min_vol_lot=1, **settings))


def test_a_bar_as_json():
    (row,) = bar_rows(chart())

    assert row == {
        "open_ns": 0,
        "close_ns": 60 * 10**9,
        "open": "100.0",
        "high": "101.0",
        "low": "100.0",
        "close": "101.0",
        "buy": "11.000",
        "sell": "4.000",
        "unknown": "0.007",
        "delta": "7.000",
        "min_delta": "-3.000",
        "max_delta": "7.000",
        "cvd": "7.000",
        "trades": 6,
        "poc": "100.0",
        "vah": "101.0",
        "val": "100.0",
        "vah_edge": "101.5",
        "coverage": round(15 / 15.007, 6),
        "quote_share": None,
        "sure": "15.000",
        "rest": "0.000",
        "by_stated": "15.000",
        "by_prev_quote": "0.000",
        "by_prev_mid": "0.000",
        "by_tick": "0.000",
        "levels": [
            ["100.0", "4.000", "3.000", "0.000", 2],
            ["100.5", "2.000", "1.000", "0.000", 2],
            ["101.0", "5.000", "0.000", "0.007", 2],
        ],
    }


def test_inferred_sides_say_how_much_the_quotes_signed():
    flags = [FLAG_INFERRED | FLAG_BY_QUOTE] * 2 + [FLAG_INFERRED] * 4

    (row,) = bar_rows(chart(flags))

    assert row["quote_share"] == round(5 / 15.007, 6)


def test_labels_of_wide_rows_are_their_low_edges():
    (row,) = bar_rows(chart(ticks_per_level=3))

    assert [level[0] for level in row["levels"]] == ["99.0", "100.5"]
    assert (row["high"], row["vah"], row["vah_edge"]) == ("101.0", "100.5", "102.0")


def test_the_table_says_the_same_exactly():
    table = footprint_table(chart())

    (row,), (plain,) = table.to_pylist(), bar_rows(chart())
    assert pa.types.is_decimal(table.schema.field("buy").type)
    for name, value in plain.items():
        if name == "levels":
            assert [[str(v) for v in level.values()][:4] for level in row["levels"]] == [level[:4] for level in value]
        elif isinstance(value, str):
            assert str(row[name]) == value
        else:
            assert row[name] == value


def test_the_default_step_is_the_smallest_nice_one_with_twenty_rows():
    def bars(range_ticks):
        trades = Trades.build(INSTRUMENT, [0, 1], [0, range_ticks - 1], [1, 1], [1, 1])
        return build(trades, ChartSpec()).footprint.bars

    assert [default_ticks_per_level(bars(n)) for n in (1, 20, 21, 40, 41, 100, 101, 200, 201, 401)] == [
        1, 1, 2, 2, 5, 5, 10, 10, 20, 50,
    ]  # fmt: skip
