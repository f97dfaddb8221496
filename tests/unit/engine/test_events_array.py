"""Events with two clocks: each clock's rows ascend, each trade is there once, and floats lead back to the grid."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footloom.core.instrument import Instrument
from footloom.core.trades import FLAG_NO_RECV, Trades
from footloom.engine.events_array import (
    BUY_EVENT,
    EVENT,
    EXCH_EVENT,
    LOCAL_EVENT,
    SELL_EVENT,
    TRADE_EVENT,
    Weaver,
    event_rows,
    is_trade,
    late_rows,
)
from footloom.errors import DataError

ONE = Instrument(venue="test", symbol="ABC", tick_size=Decimal("0.05"), lot_size=Decimal("0.001"))
BOTH = EXCH_EVENT | LOCAL_EVENT


def tape(exch, local, sides=None, flags=None):
    count = len(exch)
    sides = [1] * count if sides is None else sides
    ticks = np.arange(2000, 2000 + count)
    return Trades.build(ONE, exch, ticks, np.arange(1, count + 1), sides, ts_recv_ns=local, flags=flags)


def woven(exch, local, cuts=()):
    rows = event_rows(tape(exch, local))
    bounds = [0, *cuts, len(rows)]
    weaver = Weaver()
    blocks = []
    for lo, hi in zip(bounds, bounds[1:], strict=False):
        later = min(local[hi:], default=2**63 - 1)
        blocks.append(weaver.weave(rows[lo:hi], later))
    return np.concatenate(blocks)


def test_by_hand():
    """The second trade is heard last: the exchange has it in its place, the trader behind the fourth."""
    events = woven([10, 20, 30, 40], [15, 99, 35, 45])

    assert EVENT.itemsize == 64
    assert events["exch_ts"].tolist() == [10, 20, 30, 40, 20]
    assert events["local_ts"].tolist() == [15, 99, 35, 45, 99]
    marks = (events["ev"].astype(np.int64) & BOTH).tolist()
    assert marks == [BOTH, EXCH_EVENT, BOTH, BOTH, LOCAL_EVENT]
    assert is_trade(events).tolist() == [True, True, True, True, False]
    assert late_rows(np.array([15, 99, 35, 45]), 2**62).tolist() == [False, True, False, False]


def test_sides_and_missing_receipts():
    """P16: who backtests against these events fills on the side that rested, not on the taker's."""
    rows = event_rows(tape([10, 20, 30], [10, 20, 31], [1, -1, 0], [FLAG_NO_RECV, FLAG_NO_RECV, 0]), latency_ns=7)

    assert rows["ev"].tolist() == [TRADE_EVENT | BUY_EVENT, TRADE_EVENT | SELL_EVENT, TRADE_EVENT]
    assert rows["local_ts"].tolist() == [17, 27, 31]
    assert rows["px"].tolist() == [100.0, 100.05, 100.1]
    assert rows["qty"].tolist() == [0.001, 0.002, 0.003]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(-30, 30)), min_size=1, max_size=60), st.data())
def test_both_orders_hold_for_any_chunking(steps, data):
    exch = np.cumsum([step for step, _ in steps]) + 1000
    local = (exch + [lag for _, lag in steps]).tolist()
    cuts = sorted(data.draw(st.sets(st.integers(1, len(steps)), max_size=4)) - {len(steps)})
    events = woven(exch.tolist(), local, cuts)

    ev = events["ev"].astype(np.int64)
    at_exchange, at_trader = events[(ev & EXCH_EVENT) != 0], events[(ev & LOCAL_EVENT) != 0]
    assert np.array_equal(at_exchange["qty"], event_rows(tape(exch, local))["qty"]), "each once, in its order"
    assert (np.diff(at_trader["local_ts"]) >= 0).all()
    assert sorted(at_trader["qty"].tolist()) == at_exchange["qty"].tolist()
    assert len(events) == len(steps) + late_rows(np.array(local), 2**62).sum()


def test_a_price_that_no_float_holds():
    trades = Trades.build(ONE, [1], [2**53 + 1], [1], [1])
    with pytest.raises(DataError, match="more digits than a float holds"):
        event_rows(trades)


@given(st.lists(st.integers(1, 2**50), min_size=1, max_size=20), st.sampled_from(["0.05", "0.00000001", "25", "1E-20"]))
def test_floats_are_the_nearest(counts, unit):
    one = Instrument(venue="t", symbol="X", tick_size=Decimal(unit), lot_size=Decimal(1))
    rows = event_rows(Trades.build(one, [0] * len(counts), counts, counts, [0] * len(counts)))

    assert rows["px"].tolist() == [float(count * Decimal(unit)) for count in counts]
