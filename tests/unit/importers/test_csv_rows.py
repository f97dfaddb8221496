"""The tokenizer: exact integers from text, and the same answers as its plain-Python reference on anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footloom.core.trades import I64, U8
from footloom.importers import _csv_rules as csv
from footloom.importers._csv_reference import Row, fields_of, first_refused, read_row
from footloom.importers._csv_rows import tokenise

AGG_TRADES = (csv.ID, csv.PRICE, csv.QTY, csv.IGNORED, csv.IGNORED, csv.TIME, csv.MAKER)
STREAM = (csv.RECV, csv.TEXT, csv.TEXT + 1, csv.TIME, csv.ID, csv.PRICE, csv.QTY, csv.SIDE, csv.TEXT + 2)
MS_US = ("ms", "µs")
GRID = csv.Grid.of(Decimal("0.10"), Decimal("0.001"))
NICKEL = csv.Grid.of(Decimal("0.05"), Decimal(25))
TEXTS = (b"BTCUSDT", b"trade", b"MARKET", b"")

Settings = tuple[I64, U8, I64]


def settings_of(grid: csv.Grid, time_units: Sequence[str]) -> Settings:
    rules = csv.rules(grid, csv.unit_mask(time_units), csv.unit_mask(csv.UNITS))
    return (rules, *csv.word_table(TEXTS))


def by_kernel(data: bytes, roles: Sequence[int], settings: Settings) -> list[Row]:
    lines = data.count(b"\n") + 1
    out = np.zeros((6, lines), np.int64)
    small = np.zeros((4, lines), np.int8)
    codes = np.zeros(3 * lines, np.int64)
    n = tokenise(np.frombuffer(data, np.uint8), np.array(roles), *settings, out, small, codes)
    assert n == lines - (data.endswith(b"\n") or not data)
    columns = np.concatenate([small[:1], out[1:], small[1:], codes.reshape(3, -1)]).T.tolist()
    return [Row._make([*row[:9], (row[9], row[10], row[11])]) for row in columns[:n]]


def by_reference(data: bytes, roles: Sequence[int], settings: Settings) -> list[Row]:
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return [read_row(line, roles, *settings) for line in lines]


def meaning(row: Row) -> Any:
    # What a refused row's other columns hold says nothing, nor do the texts of a row that is no trade.
    if row.status == csv.OK:
        return row
    return row[:9] if row.status in {csv.ZERO_PRICE, csv.ZERO_QTY} else row.status


def both(
    data: bytes, roles: Sequence[int] = AGG_TRADES, grid: csv.Grid = GRID, time_units: Sequence[str] = MS_US
) -> list[Row]:
    settings = settings_of(grid, time_units)
    rows = by_kernel(data, roles, settings)
    assert [meaning(row) for row in rows] == [meaning(row) for row in by_reference(data, roles, settings)]
    return rows


def test_an_aggregate_trade() -> None:
    (row,) = both(b"2216728435,61800.30,0.512,6870001001,6870001004,1723161256322,true\n")
    assert row[:9] == (csv.OK, 2216728435, 618003, 512, 1723161256322000000, 0, 1, 0, -1)


def test_a_row_of_a_stream_export() -> None:
    line = b"1741046401272286,BTCUSDT,trade,1741046401271497,348656870,0.2,2619.4,buy,MARKET"
    (row,) = both(line, STREAM)
    assert row[:9] == (csv.OK, 348656870, 2, 2619400, 1741046401271497000, 1741046401272286000, 2, 2, 1)
    assert row.codes == (csv.WORDS, csv.WORDS + 1, csv.WORDS + 2)


@pytest.mark.parametrize(
    ("price", "ticks"),
    [
        ("61800.3", 618003),
        ("61800.30000000", 618003),
        ("61800", 618000),
        ("100000", 1000000),
        ("6.18003e4", 618003),
        ("0.1", 1),
        (".1", 1),
        ("5.", 50),
        ("1e-1", 1),
        ("00061800.3", 618003),
        ("92233720368547758", 922337203685477580),
    ],
)
def test_prices_are_exact_ticks(price: str, ticks: int) -> None:
    (row,) = both(f"1,{price},1,1,1,1723161256322,false\n".encode())
    assert (row.status, row.price) == (csv.OK, ticks)


@pytest.mark.parametrize("count", [1, 87, 4_350, 489_999, 2**40])
def test_nickels_do_not_slip_a_tick(count: int) -> None:
    price = f"{Decimal(count) * Decimal('0.05'):f}"
    (row,) = both(f"1,{price},50,1,1,1723161256322,0\n".encode(), grid=NICKEL)
    assert (row.price, row.qty, row.side) == (count, 2, 1)


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("x,61800.3,1,1,1,1723161256322,true", csv.BAD_ID),
        ("1.0,61800.3,1,1,1,1723161256322,true", csv.BAD_ID),
        ("1,,1,1,1,1723161256322,true", csv.BAD_PRICE),
        ("1,NaN,1,1,1,1723161256322,true", csv.BAD_PRICE),
        ("1,6 1,1,1,1,1723161256322,true", csv.BAD_PRICE),
        ("1,1.2.3,1,1,1,1723161256322,true", csv.BAD_PRICE),
        ("1,0x10,1,1,1,1723161256322,true", csv.BAD_PRICE),
        ("1,1e,1,1,1,1723161256322,true", csv.BAD_PRICE),
        ("1,+1,1,1,1,1723161256322,true", csv.BAD_PRICE),
        ("1,61800.3,abc,1,1,1723161256322,true", csv.BAD_QTY),
        ("1,-61800.3,1,1,1,1723161256322,true", csv.BELOW_ZERO),
        ("1,61800.3,-1,1,1,1723161256322,true", csv.BELOW_ZERO),
        ("1,61800.35,1,1,1,1723161256322,true", csv.OFF_TICK),
        ("1,61800.3,0.0005,1,1,1723161256322,true", csv.OFF_LOT),
        ("1,61800.3,1,1,1,1723161256,true", csv.TIME_UNIT),
        ("1,61800.3,1,1,1,1723161256322000000,true", csv.TIME_UNIT),
        ("1,61800.3,1,1,1,17231612563,true", csv.TIME_RANGE),
        ("1,61800.3,1,1,1,0,true", csv.TIME_RANGE),
        ("1,61800.3,1,1,1,4102444800000,true", csv.TIME_RANGE),
        ("1,61800.3,1,1,1,1.723161256322e12,true", csv.BAD_TIME),
        ("1,61800.3,1,1,1,2024-08-08,true", csv.BAD_TIME),
        ("1,61800.3,1,1,1,1723161256322,maybe", csv.BAD_SIDE),
        ("1,61800.3,1,1,1,1723161256322,buy", csv.BAD_SIDE),
        ("1,61800.3,1,1,1,1723161256322,", csv.BAD_SIDE),
        ("1,61800.3,1,1,1,1723161256322", csv.COLUMNS),
        ("1,61800.3,1,1,1,1723161256322,true,true", csv.COLUMNS),
        ("1,0,1,1,1,1723161256322,true", csv.ZERO_PRICE),
        ("1,0.00,0.000,1,1,1723161256322,true", csv.ZERO_PRICE),
        ("1,61800.3,0.0,1,1,1723161256322,true", csv.ZERO_QTY),
        ("1,99999999999999999999,1,1,1,1723161256322,true", csv.TOO_LARGE),
        ("1,1e300,1,1,1,1723161256322,true", csv.TOO_LARGE),
        ("99999999999999999999,1,1,1,1,1723161256322,true", csv.TOO_LARGE),
        ("", csv.BLANK),
        ("  \r", csv.BLANK),
        ("# a banner", csv.BLANK),
    ],
)
def test_what_is_wrong_with_a_row(line: str, status: int) -> None:
    (row,) = both(line.encode() + b"\n")
    assert row.status == status


def test_quotes_blanks_and_carriage_returns_around_fields() -> None:
    (row,) = both(b'"1", 61800.3 ,\t"1",1,1, 1723161256322 ,"True" \r\n')
    assert row[:5] == (csv.OK, 1, 618003, 1000, 1723161256322000000)


def test_scanning_gives_the_decimals_that_a_value_needs() -> None:
    lines = b"1,61800.30,0.500,1,1,1723161256322,true\n2,0.00001,3e-6,1,1,1723161256322,1\n"
    assert [(row.price, row.qty) for row in both(lines, grid=csv.SCAN)] == [(1, 1), (5, 6)]


def test_seconds_may_carry_a_fraction() -> None:
    (row,) = both(b"1,1,1,1,1,1626992741.3105128,1", time_units=csv.UNITS)
    assert (row.time_ns, row.time_unit) == (1626992741310512800, 0)


def test_the_words_for_a_side() -> None:
    words = {"true": -1, "TRUE": -1, "1": -1, "false": 1, "0": 1}
    taker = {"buy": 1, "SELL": -1, "Any": 0, "unknown": 0}
    for word, side in words.items():
        assert both(f"1,1,1,1,1,1723161256322,{word}".encode())[0].side == side
    for word, side in taker.items():
        (row,) = both(f"1,1,1,1,1,1723161256322,{word}".encode(), (*AGG_TRADES[:-1], csv.SIDE))
        assert (row.status, row.side) == (csv.OK, side)


STAMPS = st.integers(1_230_768_000, 4_102_444_800).flatmap(
    lambda s: st.sampled_from([f"{s}", f"{s}001", f"{s}000999", f"{s}000000001", f"{s}.5", f"{s}.0000000001"])
)
NUMBERS = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.decimals(min_value=0, max_value=10**6, places=3).map(str),
    st.integers(0, 10**20).map(str),
    STAMPS,
    st.text("0123456789.eE+-", max_size=24),
)
FIELDS = st.one_of(
    NUMBERS,
    st.sampled_from(["true", "TRUE", "False", "0", "1", "buy", "SELL", "Any", "unknown", "BTCUSDT", "trade", ""]),
    st.text('0123456789.eE-truefalsbyn \t\r"#', max_size=12),
)
GOOD = {
    csv.ID: "77",
    csv.PRICE: "61800.3",
    csv.QTY: "1.5",
    csv.TIME: "1723161256322",
    csv.RECV: "1723161256322",
    csv.MAKER: "true",
    csv.SIDE: "sell",
    csv.TEXT: "BTCUSDT",
    csv.TEXT + 1: "trade",
    csv.TEXT + 2: "MARKET",
}


def a_line(roles: Sequence[int]) -> st.SearchStrategy[str]:
    good = [GOOD.get(role, "x") for role in roles]
    broken = st.tuples(st.integers(0, len(good)), FIELDS).map(lambda at: [*good[: at[0]], at[1], *good[at[0] + 1 :]])
    any_fields = st.lists(FIELDS, min_size=len(good) - 1, max_size=len(good) + 1)
    ends = st.sampled_from(["", "\r", " ", ",", "\t\r"])
    return st.tuples(st.one_of(broken, any_fields), ends).map(lambda parts: ",".join(parts[0]) + parts[1])


@pytest.mark.parametrize("roles", [AGG_TRADES, STREAM])
@pytest.mark.parametrize("grid", [GRID, NICKEL, csv.SCAN])
def test_the_kernel_and_its_reference_agree(roles: Sequence[int], grid: csv.Grid) -> None:
    @given(st.lists(a_line(roles), max_size=4), st.booleans())
    def agree(lines: list[str], ended: bool) -> None:  # noqa: FBT001 - drawn
        both(("\n".join(lines) + "\n" * ended).encode(), roles, grid)

    run: Callable[[], None] = agree
    run()


@given(st.binary(max_size=200), st.sampled_from([AGG_TRADES, STREAM]))
def test_the_kernel_and_its_reference_agree_on_junk(data: bytes, roles: Sequence[int]) -> None:
    both(data, roles, time_units=csv.UNITS)


@given(st.data())
def test_the_kernel_and_its_reference_agree_on_mutated_rows(data: st.DataObject) -> None:
    lines = b"1,61800.3,0.5,1,1,1723161256322,true\n2,61800.30,1.25,2,2,1723161256323,False\r\n"
    at = data.draw(st.integers(0, len(lines) - 1))
    new = data.draw(st.binary(max_size=3))
    both(lines[:at] + new + lines[at + data.draw(st.integers(0, 3)) :])


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (b"1" * 5_000, csv.TOO_LARGE),
        (b"0." + b"1" * 5_000, csv.TOO_LARGE),
        (b"0" * 5_000 + b"61800.30", csv.OK),
        (b"61800.3" + b"0" * 5_000, csv.OK),
    ],
)
def test_a_number_longer_than_python_reads_at_once(text: bytes, status: int) -> None:
    line = b"2216728435,%s,0.512,6870001001,6870001004,1723161256322,true" % text
    (row,) = both(line + b"\n")
    assert row.status == status
    if status != csv.OK:
        rules = settings_of(GRID, MS_US)[0]
        assert first_refused(fields_of(line), AGG_TRADES, rules) == 1
