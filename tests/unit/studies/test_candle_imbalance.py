"""Imbalances of whole bars and their runs, typed in by hand (definitions 5.4)."""

import statistics
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
from footloom.studies.candle_imbalance import runs
from footloom.testing.study_contract import check

INSTRUMENT = Instrument(venue="t", symbol="X", tick_size=Decimal(1), lot_size=Decimal(1))
MINUTE = 60 * 10**9


def bars_of(pairs):
    """A bar a minute of (sold, bought) lots."""
    cells = [(i * MINUTE, 5, q, s) for i, pair in enumerate(pairs) for q, s in zip(pair, (-1, 1), strict=True) if q]
    ts, tick, qty, side = zip(*cells, strict=True)
    return build_footprint(Trades.build(INSTRUMENT, ts, tick, qty, side), "1m", 1)


def test_a_run_is_told_once_when_it_is_long_enough():
    # buy buy sell buy buy buy buy nothing: the third buy in a row stands at bar 5
    pairs = [(1, 9), (1, 9), (9, 1), (1, 9), (0, 9), (1, 9), (1, 9), (5, 5)]
    answer = run_study("candle_imbalance", bars_of(pairs))

    assert answer.bars["side"].tolist() == [1, 1, -1, 1, 1, 1, 1, 0]
    assert answer.bars["run"].tolist() == [1, 2, -1, 1, 2, 3, 4, 0]
    assert answer.events["bar"].tolist() == [5]
    assert answer.events["stack_side"].tolist() == [1]


def test_a_run_goes_on_where_the_bars_were_cut():
    pairs = [(9, 1)] * 4
    fold = StudyFold("candle_imbalance", {"stack_n": 4})
    made = bars_of(pairs)
    fold.update(made.slice(0, 3))

    last = fold.update(made.slice(3, 4))

    assert last.bars["run"].tolist() == [-4]
    assert last.events["stack_side"].tolist() == [-1]


def test_the_median_leaves_out_thin_bars():
    # Volumes 10, 20, 30, 40, then 25 = their median, then 24 below the median 25 of five.
    pairs = [(0, 10), (0, 20), (0, 30), (0, 40), (0, 25), (0, 24), (0, 25)]

    assert run_study("candle_imbalance", bars_of(pairs)).bars["side"].tolist() == [1] * 7
    thin = run_study("candle_imbalance", bars_of(pairs), {"min_volume": "median"})
    # The last: the median of 10 20 24 25 30 40 is 24.5.
    assert thin.bars["side"].tolist() == [1, 1, 1, 1, 1, 0, 1]


def test_the_median_is_of_twenty_bars():
    pairs = [(0, 1000)] * 5 + [(0, 10)] * 20 + [(0, 9), (0, 10)]

    thin = run_study("candle_imbalance", bars_of(pairs), {"min_volume": "median"})

    assert thin.bars["side"][-2:].tolist() == [0, 1]


@given(st.lists(st.integers(1, 50) | st.integers(1, 2**61), min_size=1, max_size=60))
def test_the_median_equals_the_library_s(volumes):
    thin = run_study("candle_imbalance", bars_of([(0, v) for v in volumes]), {"min_volume": "median"})

    expected = [1] + [
        int(2 * volumes[i] >= 2 * statistics.median(map(Decimal, volumes[max(0, i - 20) : i])))
        for i in range(1, len(volumes))
    ]
    assert thin.bars["side"].tolist() == expected


@given(st.lists(st.sampled_from([-1, 0, 1]), min_size=1, max_size=40), st.integers(0, 40))
def test_runs_equal_counting(sides, cut):
    counted, run = [], 0
    for side in sides:
        run = run + side if side * run > 0 else side
        counted.append(run)
    cut = min(cut, len(sides))
    first = runs(np.array(sides[:cut], np.int8)).tolist()
    second = runs(np.array(sides[cut:], np.int8), first[-1] if first else 0).tolist()

    assert runs(np.array(sides, np.int8)).tolist() == counted
    assert first + second == counted


def test_contract_with_the_median():
    check("candle_imbalance", {"min_volume": "median", "percent": 120, "stack_n": 2}, seeds=range(2), bars=("5m",))


def test_a_setting_out_of_range_is_refused():
    with pytest.raises(ConfigError, match="Candle imbalance"):
        StudyFold("candle_imbalance", {"min_volume": "mean"})
