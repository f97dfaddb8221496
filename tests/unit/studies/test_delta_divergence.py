"""Divergence of one bar's delta, by hand (definitions 3.4)."""

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
from footloom.studies.delta_divergence import delta_divergence
from footloom.testing.study_contract import check

INSTRUMENT = Instrument(venue="t", symbol="X", tick_size=Decimal(1), lot_size=Decimal(1))
MINUTE = 60 * 10**9


def bars_of(rows):
    """A bar a minute of (high, low, delta): two trades of 10 lots at the extremes, and its delta at the low."""
    cells = []
    for i, (high, low, delta) in enumerate(rows):
        cells += [(i * MINUTE, high, 10, 1), (i * MINUTE, low, 10, -1)]
        if delta:
            cells.append((i * MINUTE, low, abs(delta), 1 if delta > 0 else -1))
    ts, tick, qty, side = zip(*cells, strict=True)
    return build_footprint(Trades.build(INSTRUMENT, ts, tick, qty, side), "1m", 1)


# The fifth bar is the first with four before it.
@pytest.mark.parametrize(
    ("last", "signal"),
    [
        ((18, 13, 4), 1),  # a new low, and buyers won
        ((18, 13, -4), 0),  # sellers won: no divergence
        ((18, 13, 0), 0),
        ((18, 14, 4), 0),  # as low as before is no new low
        ((21, 18, -1), -1),  # a new high, and sellers won
        ((20, 18, -1), 0),
        ((21, 13, -1), -1),  # outside both ways: the delta decides
        ((21, 13, 1), 1),
    ],
)
def test_the_fifth_bar(last, signal):
    rows = [(20, 18, 1), (18, 16, -2), (16, 14, -3), (18, 16, 1), last]
    answer = run_study("delta_divergence", bars_of(rows))

    assert answer.bars["signal"].tolist() == [0, 0, 0, 0, signal]
    assert answer.events["bar"].tolist() == ([4] if signal else [])
    assert answer.events["extreme_tick"].tolist() == ([last[1] if signal > 0 else last[0]] if signal else [])


def test_the_first_bars_have_too_few_before_them():
    rows = [(20, 18, 1), (30, 17, -1), (40, 16, -1)]

    assert run_study("delta_divergence", bars_of(rows)).bars["signal"].tolist() == [0, 0, 0]
    assert run_study("delta_divergence", bars_of(rows), {"n": 1}).bars["signal"].tolist() == [0, -1, -1]
    assert run_study("delta_divergence", bars_of(rows), {"n": 2}).bars["signal"].tolist() == [0, 0, -1]


bar = st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(-2, 2))


@given(st.lists(bar, min_size=1, max_size=40), st.integers(1, 6))
def test_equals_the_definition_in_plain_code(rows, n):
    high, low, delta = (np.array(column) for column in zip(*rows, strict=True))
    expected = []
    for i in range(len(rows)):
        highs, lows = high[max(0, i - n) : i], low[max(0, i - n) : i]
        bearish = i >= n and all(high[i] > highs) and delta[i] < 0
        bullish = i >= n and all(low[i] < lows) and delta[i] > 0
        expected.append(int(bullish) - int(bearish))

    assert delta_divergence(high, low, delta, n).tolist() == expected


@pytest.mark.parametrize("n", [1, 30])
def test_contract(n):
    check("delta_divergence", {"n": n}, seeds=range(2), bars=("1m",))


def test_a_setting_out_of_range_is_refused():
    with pytest.raises(ConfigError, match="Delta divergence"):
        StudyFold("delta_divergence", {"n": 0})
