"""Bars that end by what was traded: every rule equals its definition in plain Python (definitions 2.4)."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footloom.bars import parse_rule
from footloom.bars.renko import bricks
from footloom.core.instrument import Instrument
from footloom.core.sessions import calendar
from footloom.core.trades import Trades
from footloom.kernels import bars_reference as reference

DAY = 1_772_409_600 * 10**9
INSTRUMENT = Instrument(venue="t", symbol="X", tick_size=Decimal(1), lot_size=Decimal(1))

trade = st.tuples(
    st.integers(0, 3),  # ms since the trade before
    st.integers(-5, 5) | st.integers(-60, 60),  # ticks
    st.integers(1, 9) | st.integers(1, 60),  # lots
    st.sampled_from([-1, 0, 1]),
)
tapes = st.lists(trade, min_size=1, max_size=80)


def one(_row):
    return 1


def lots(row):
    return row.lots


def value(row):
    return abs(row.price) * row.lots


CASES = {
    "7t": lambda rows: reference.by_size(rows, 7, one),
    "20v": lambda rows: reference.by_size(rows, 20, lots),
    "20v-split": lambda rows: reference.by_size(rows, 20, lots, split=True),
    "300q": lambda rows: reference.by_size(rows, 300, value),
    "300q-split": lambda rows: reference.by_size(rows, 300, value, split=True),
    "r6": lambda rows: reference.by_range(rows, 6),
    "ren4": lambda rows: reference.by_renko(rows, 4, 2)[0],
    "ren3-1": lambda rows: reference.by_renko(rows, 3, 1)[0],
    "ren2-4": lambda rows: reference.by_renko(rows, 2, 4)[0],
    "d15": lambda rows: reference.by_delta(rows, 15),
    "ib4": lambda rows: reference.by_imbalance(rows, 4, one),
    "vib15": lambda rows: reference.by_imbalance(rows, 15, lots),
    "qib200": lambda rows: reference.by_imbalance(rows, 200, value),
    "rb5": lambda rows: reference.by_run(rows, 5, one),
    "vrb15": lambda rows: reference.by_run(rows, 15, lots),
    "qrb200": lambda rows: reference.by_run(rows, 200, value),
}


def tape_of(rows):
    wait, price, quantity, side = (np.array(column) for column in zip(*rows, strict=True))
    return Trades.build(INSTRUMENT, DAY + np.cumsum(wait) * 10**6, price, quantity, side, trade_id=np.arange(len(rows)))


def parts(trades, edges):
    cut = edges.rows(trades)
    pairs = list(zip(cut.trade_id.tolist(), cut.qty_lot.tolist(), strict=True))
    return [pairs[lo:hi] for lo, hi in zip(edges.ends.tolist(), edges.ends.tolist()[1:], strict=False)]


@pytest.mark.parametrize("text", CASES)
@given(rows=tapes)
def test_equals_the_reference(text, rows):
    trades = tape_of(rows)
    edges, _ = parse_rule(text).edges(trades, calendar("crypto"))

    wanted = CASES[text]([reference.Row(p, q, s) for _, p, q, s in rows])

    assert parts(trades, edges) == wanted


@given(rows=tapes, quantity=st.sampled_from([one, lots]), first=st.integers(1, 12), more=st.integers(0, 3))
def test_expected_imbalance_equals_the_reference(rows, quantity, first, more):
    trades = tape_of(rows)
    length = first * 2**more
    text = f"{'ib' if quantity is one else 'vib'}{first}-e{length}"
    edges, _ = parse_rule(text).edges(trades, calendar("crypto"))
    plain = [reference.Row(p, q, s) for _, p, q, s in rows]

    wanted = reference.by_expected_imbalance(plain, first, length, quantity)

    assert parts(trades, edges) == wanted


@given(rows=tapes, brick=st.integers(1, 9), reversal=st.integers(1, 4))
def test_bricks_equal_the_reference(rows, brick, reversal):
    plain = [reference.Row(p, q, s) for _, p, q, s in rows]
    made = list(bricks(np.array([row.price for row in plain]), brick, reversal))

    bars, wanted = reference.by_renko(plain, brick, reversal)

    assert [tuple(b)[1:] for b in made] == wanted
    complete = len({b.bar for b in made})
    assert complete in {len(bars), len(bars) - 1}
