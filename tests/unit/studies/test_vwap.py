"""VWAP and its bands against plain fractions (definitions 4.4)."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.engine.build import build_footprint
from footloom.engine.studies import StudyFold, counting
from footloom.errors import ConfigError, DataError
from footloom.kernels.moments import LANES, moments, whole

MINUTE = 60 * 10**9
DAY = 1440 * MINUTE
BASE = 1_772_409_600 * 10**9  # 2026-03-02 00:00 UTC
INSTRUMENT = Instrument(venue="t", symbol="X", tick_size=Decimal(1), lot_size=Decimal(1))


def tape(rows):
    ts, tick, qty = (list(column) for column in zip(*rows, strict=True))
    return Trades.build(INSTRUMENT, np.array(ts) + BASE, tick, qty, [1] * len(ts), trade_id=range(len(ts)))


def answer(rows, **settings):
    fold = StudyFold("vwap", settings)
    return fold.update(build_footprint(tape(rows), "1m", 1, count=counting([fold]))).bars


def test_three_trades_by_hand():
    # (100 x 1 + 102 x 3 + 101 x 2) / 6; deviations -4/3, 2/3, -1/3: variance (16 + 12 + 2) / 9 / 6 = 5 / 9
    got = answer([(0, 100, 1), (1, 102, 3), (2, 101, 2)], bands=(1.0, 2.0, 3.0))

    assert got["vwap"][0] == pytest.approx(101 + 1 / 3, rel=1e-15)
    assert got["sd"][0] == pytest.approx(math.sqrt(5) / 3, rel=1e-15)
    assert got["lower2"][0] == pytest.approx(101 + 1 / 3 - 2 * math.sqrt(5) / 3, rel=1e-15)


def test_a_session_begins_the_sums_again_and_never_does_not():
    rows = [(0, 100, 1), (DAY - 1, 200, 1), (DAY, 300, 2)]

    assert answer(rows)["vwap"].tolist() == [100, 150, 300]
    assert answer(rows, reset="never")["vwap"].tolist() == [100, 150, 225]
    assert answer(rows, reset="week")["vwap"].tolist() == [100, 150, 225]


def test_an_anchor_begins_them_at_its_bar():
    rows = [(0, 100, 1), (MINUTE, 200, 1), (2 * MINUTE, 400, 1)]

    got = answer(rows, anchor_ns=BASE + MINUTE)["vwap"]

    assert np.isnan(got[0])
    assert got[1:].tolist() == [200, 300]


@given(st.lists(st.tuples(st.integers(-(2**31) + 1, 2**31 - 1), st.integers(1, 2**62 - 1)), min_size=1, max_size=30))
def test_sums_are_exact_at_any_size(prints):
    trades = tape([(i, tick, qty) for i, (tick, qty) in enumerate(prints)])
    half = len(prints) // 2
    ends = np.array([0, half, len(prints)], np.int64)

    lanes = moments(trades, ends)

    pv, ppv = whole([lanes[n] for n in LANES[:3]]), whole([lanes[n] for n in LANES[3:]])
    for i, part in enumerate((prints[:half], prints[half:])):
        assert pv[i] == sum(p * v for p, v in part)
        assert ppv[i] == sum(p * p * v for p, v in part)


def test_a_year_of_a_busy_market_neither_overflows_nor_drifts():
    # A day of 1 000 large trades at 10 000 000 ticks, 365 times: the last digit stands.
    fold = StudyFold("vwap", {"reset": "never"})
    day = [(i * MINUTE, 10_000_000 + i % 7, 3 * 10**14 + i) for i in range(1000)]
    made = build_footprint(tape(day), "1m", 1, count=counting([fold]))
    for _ in range(365):
        last = fold.update(made)

    volume = sum(q for _, _, q in day)
    mean = Fraction(sum(p * q for _, p, q in day), volume)
    variance = Fraction(sum(p * p * q for _, p, q in day), volume) - mean * mean
    assert last.bars["vwap"][-1] == float(mean)
    assert last.bars["sd"][-1] == math.sqrt(float(variance))


def test_a_price_beyond_the_lanes_is_refused():
    with pytest.raises(DataError, match="coarser tick"):
        moments(tape([(0, 2**31, 1)]), np.array([0, 1]))


def test_bars_made_without_it_are_refused_with_what_to_do():
    made = build_footprint(tape([(0, 1, 1)]), "1m", 1)

    with pytest.raises(ConfigError, match="reads the trades themselves"):
        StudyFold("vwap").update(made)


@pytest.mark.parametrize("settings", [{"reset": "yearly"}, {"bands": (1, 2)}, {"bands": (0, 1, 2)}, {"colour": "red"}])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ConfigError, match="VWAP"):
        StudyFold("vwap", settings)
