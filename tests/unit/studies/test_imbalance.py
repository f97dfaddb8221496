"""Imbalances typed in by hand, diagonal and horizontal (definitions 5.1, 5.2); what other programs get wrong (P2)."""

import itertools
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.engine.build import build_footprint
from footloom.engine.studies import StudyFold, run_study
from footloom.errors import ConfigError
from footloom.studies import imbalance
from footloom.testing.study_contract import check

INSTRUMENT = Instrument(venue="t", symbol="X", tick_size=Decimal(1), lot_size=Decimal(1))
MINUTE = 60 * 10**9
BUY, SELL, BUY_STACK, SELL_STACK = 1, 2, 4, 8


def ladders(*bars):
    """Bars of (sell, buy) rows from row 0 up, one a minute; a row of zeros did not trade."""
    cells = [
        (bar * MINUTE, row, qty, side)
        for bar, rows in enumerate(bars)
        for row, pair in enumerate(rows)
        for qty, side in zip(pair, (-1, 1), strict=True)
        if qty
    ]
    ts, tick, qty, side = zip(*cells, strict=True)
    return build_footprint(Trades.build(INSTRUMENT, ts, tick, qty, side), "1m", 1)


def found(rows, **settings):
    """(row, side, stacked) of every imbalance of one bar."""
    bar = ladders(rows)
    answer = run_study("imbalance", bar, {"min_vol_lot": 1, **settings})
    table = imbalance.imbalances(bar, answer.cells["cell_flags"])
    assert table["bar"].tolist() == [0] * len(table["bar"])
    return list(zip(*(table[name].tolist() for name in ("row", "side", "stacked")), strict=True))


# The ladder of every table below, low to high, as (sold, bought):
LADDER = [(10, 5), (20, 33), (4, 60), (0, 15), (9, 2)]


def test_diagonal():
    # Buys: 33 >= 3 x 10, 60 >= 3 x 20, 15 >= 3 x 4, 2 against 0. Sells: 10, 20, 4, 0 against 33, 60, 15, 2: none.
    assert found(LADDER) == [(1, 1, True), (2, 1, True), (3, 1, True), (4, 1, True)]
    assert found(LADDER, min_vol_lot=3) == [(1, 1, True), (2, 1, True), (3, 1, True)]


def test_horizontal():
    # 33 : 20 no, 60 : 4 yes, 15 : 0 yes; sells 10 : 5 no, 9 : 2 yes. The lowest and the highest row may be flagged.
    assert found(LADDER, direction="horizontal") == [(2, 1, False), (3, 1, False), (4, -1, False)]
    assert found(LADDER, direction="horizontal", percent=200) == [
        (0, -1, False),
        (2, 1, False),
        (3, 1, False),
        (4, -1, False),
    ]
    assert found(LADDER, direction="horizontal", stack_n=2)[:2] == [(2, 1, True), (3, 1, True)]


def test_horizontal_rows_of_equal_sides_have_no_imbalance():
    assert found([(7, 7), (1, 1)], direction="horizontal") == []


def test_a_hole_in_the_ladder_is_a_row_of_zeros():
    # Row 2 is no neighbour of row 0: its buys stand above nothing sold, and no run crosses the hole.
    hole = [(9, 9), (0, 0), (9, 30), (9, 30), (9, 30)]

    assert found(hole) == [(0, -1, False), (2, 1, True), (3, 1, True), (4, 1, True)]
    assert found(hole, zero="ignore") == [(3, 1, False), (4, 1, False)]
    split = [(1, 9), (1, 9), (0, 0), (1, 9), (1, 9)]
    assert found(split, direction="horizontal", stack_n=3) == [(row, 1, False) for row in (0, 1, 3, 4)]
    assert found(split, direction="horizontal", stack_n=2) == [(row, 1, True) for row in (0, 1, 3, 4)]


@pytest.mark.parametrize(("zero", "rows"), [("infinite", [0, 1]), ("ignore", []), ("as_one", [1])])
def test_a_zero_opposite_side(zero, rows):
    # 2 and 3 lots against nothing: infinitely more, never more, or against one lot.
    got = found([(0, 2), (0, 3)], direction="horizontal", zero=zero)

    assert [row for row, _, _ in got] == rows


def test_nothing_is_compared_with_a_row_outside_the_bar():
    assert found([(50, 500), (100, 100), (500, 50)]) == []
    assert found([(500, 1)]) == []
    assert found([(500, 1)], direction="horizontal") == [(0, -1, False)]


def test_volumes_are_compared_not_counts():
    # One sell of 50 at 0, four buys of 1 at 1: by trades the buys win.
    tape = Trades.build(INSTRUMENT, [0] * 5, [0, 1, 1, 1, 1], [50, 1, 1, 1, 1], [-1, 1, 1, 1, 1])
    bar = build_footprint(tape, "1m", 1)

    assert run_study("imbalance", bar, {"min_vol_lot": 1}).cells["cell_flags"].tolist() == [SELL, 0]


def test_two_stacks_and_a_run_that_is_too_short():
    # Buys on rows 1-3, not 4 (100 sold below), 5-8, a hole, 11-12: two of the three.
    rows = [(1, 1), (1, 9), (1, 9), (100, 9), (1, 9), (1, 9), (1, 9), (1, 9), (1, 9), (0, 0), (9, 1), (1, 99), (1, 9)]
    got = found(rows, min_vol_lot=2)

    assert [row for row, side, stacked in got if side > 0 and stacked] == [1, 2, 3, 5, 6, 7, 8]
    assert [row for row, side, stacked in got if side > 0 and not stacked] == [11, 12]
    assert [row for row, side, _ in got if side < 0] == [3]


@pytest.mark.parametrize("direction", ["diagonal", "horizontal"])
@pytest.mark.parametrize(("length", "stacked"), [(3, True), (2, False)])
def test_a_stack_of_exactly_n_and_of_one_less(direction, length, stacked):
    rows = [(1, 1), *[(1, 9)] * length, (99, 0)]
    got = found(rows, direction=direction, stack_n=3, min_vol_lot=2)

    assert [(row, s) for row, side, s in got if side > 0] == [(1 + i, stacked) for i in range(length)]


# 350 % of 30: 105 as a ratio, 135 as an excess; exactly that counts under ge alone.
@pytest.mark.parametrize(
    ("convention", "compare", "least"),
    [("ratio", "ge", 105), ("ratio", "gt", 106), ("excess", "ge", 135), ("excess", "gt", 136)],
)
def test_conventions_of_the_threshold(convention, compare, least):
    def rows(strong):
        return found(
            [(30, strong)], direction="horizontal", percent=350, convention=convention, compare=compare, min_vol_lot=1
        )

    assert rows(least) == [(0, 1, False)]
    assert rows(least - 1) == []


def test_a_least_difference():
    assert found([(1, 5)], direction="horizontal", min_diff_lot=4) == [(0, 1, False)]
    assert found([(1, 5)], direction="horizontal", min_diff_lot=5) == []


def test_counts_of_a_bar():
    bars = run_study("imbalance", ladders(LADDER, [(1, 1)], LADDER), {"min_vol_lot": 3}).bars

    assert bars["buy_count"].tolist() == [3, 0, 3]
    assert bars["sell_count"].tolist() == [0, 0, 0]


def test_rows_are_flagged_without_bars():
    sold, bought = (np.array(side, np.int64) for side in zip(*LADDER, strict=True))
    zeros = np.zeros(3, np.int64)

    assert imbalance.rows_flagged(bought, sold, imbalance.Params(min_vol_lot=3)).tolist() == [0, 5, 5, 5, 0]
    assert imbalance.rows_flagged(zeros, zeros, imbalance.Params()).tolist() == [0, 0, 0]


def outweighs(strong, weak, percent, least, zero):
    if weak is None or strong == 0 or strong < least:
        return False
    if weak == 0 and zero != "as_one":
        return zero == "infinite"
    return 100 * strong >= percent * max(1, weak)


def plain(rows, direction, *test):
    """The definition, row by row."""
    flags = []
    for i, (sold, bought) in enumerate(rows):
        below = rows[i - 1][0] if i > 0 else None
        above = rows[i + 1][1] if i + 1 < len(rows) else None
        pairs = [(bought, sold), (sold, bought)] if direction == "horizontal" else [(bought, below), (sold, above)]
        flags.append(sum(bit * outweighs(*pair, *test) for bit, pair in zip((BUY, SELL), pairs, strict=True)))
    for bit, stack in ((BUY, BUY_STACK), (SELL, SELL_STACK)):
        runs = itertools.groupby(range(len(flags)), lambda i, bit=bit: flags[i] & bit)
        for run in [list(rows) for hit, rows in runs if hit]:
            for i in run:
                flags[i] |= stack * (len(run) >= 3)
    return flags


pair = st.tuples(st.integers(0, 12), st.integers(0, 12))


@given(
    st.lists(pair, min_size=1, max_size=30),
    st.sampled_from(["diagonal", "horizontal"]),
    st.sampled_from([100, 150, 300]),
    st.integers(0, 4),
    st.sampled_from(["infinite", "ignore", "as_one"]),
)
def test_equals_the_definition_in_plain_code(rows, direction, percent, least, zero):
    while rows and rows[0] == (0, 0):
        rows = rows[1:]
    while rows and rows[-1] == (0, 0):
        rows = rows[:-1]
    if not rows:
        return
    params = imbalance.Params(direction=direction, percent=percent, min_vol_lot=least, zero=zero)
    sold, bought = (np.array(side, np.int64) for side in zip(*rows, strict=True))

    assert imbalance.rows_flagged(bought, sold, params).tolist() == plain(rows, direction, percent, least, zero)


@pytest.mark.parametrize(
    "settings",
    [{"direction": "horizontal"}, {"direction": "horizontal", "min_vol_lot": 3, "zero": "as_one"}, {"min_diff_lot": 2}],
)
def test_contract_of_other_settings(settings):
    check("imbalance", settings, seeds=range(1), bars=("5m",))


def test_a_wrong_direction_is_refused():
    with pytest.raises(ConfigError, match="Imbalances"):
        StudyFold("imbalance", {"direction": "vertical"})
