"""Divergences between pivots, by hand (definitions 3.3)."""

import itertools
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footloom.core.footprint import BAR_GAP
from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.engine.build import build_footprint
from footloom.engine.studies import StudyFold
from footloom.errors import ConfigError
from footloom.studies.cvd_divergence import pivots
from footloom.testing.study_contract import check

INSTRUMENT = Instrument(venue="t", symbol="X", tick_size=Decimal(1), lot_size=Decimal(1))
MINUTE = 60 * 10**9
DAY = 86_400 * 10**9

HIGH = [10, 11, 13, 12, 11, 12, 14, 13, 12]
LOW = [9, 10, 12, 11, 10, 11, 13, 12, 11]
CVD = [0, 5, 20, 15, 10, 12, 18, 15, 11]


def bars_of(high, low, cvd, start=0):
    """A bar a minute: both extremes trade without a side, and what moves the sum trades at the low."""
    cells = []
    for i, (top, bottom, delta) in enumerate(zip(high, low, np.diff(cvd, prepend=0).tolist(), strict=True)):
        at = start + i * MINUTE
        cells += [(at, top, 1, 0), (at, bottom, 1, 0)] + [(at, bottom, abs(delta), np.sign(delta))] * bool(delta)
    ts, tick, qty, side = zip(*cells, strict=True)
    return build_footprint(Trades.build(INSTRUMENT, ts, tick, qty, side), "1m", 1)


def mirrored(values):
    return [100 - v for v in values]


def signals(made, **settings):
    """(side, hidden, first pivot, second pivot, bar at whose close it is known)."""
    events = StudyFold("cvd_divergence", settings).update(made).events
    rows = zip(*(events[n].tolist() for n in ("bar", "side", "hidden", "first_back", "second_back")), strict=True)
    return [(side, hidden, bar - first, bar - second, bar) for bar, side, hidden, first, second in rows]


def test_a_higher_high_on_a_lower_sum_is_bearish_and_known_two_bars_later():
    assert signals(bars_of(HIGH, LOW, CVD)) == [(-1, 0, 2, 6, 8)]


def test_a_lower_low_on_a_higher_sum_is_bullish():
    made = bars_of(mirrored(LOW), mirrored(HIGH), [-c for c in CVD])

    assert signals(made) == [(1, 0, 2, 6, 8)]


def test_what_a_signal_says():
    events = StudyFold("cvd_divergence").update(bars_of(HIGH, LOW, CVD)).events

    assert {name: column.tolist() for name, column in events.items() if name.startswith(("first_", "second_"))} == {
        "first_back": [6],
        "second_back": [2],
        "first_tick": [13],
        "second_tick": [14],
        "first_cvd": [20],
        "second_cvd": [18],
        "first_ns": [2 * MINUTE],
        "second_ns": [6 * MINUTE],
    }


@pytest.mark.parametrize("bars", range(1, 9))
def test_a_tape_cut_earlier_gives_no_signal(bars):
    assert signals(bars_of(HIGH[:bars], LOW[:bars], CVD[:bars])) == []


@pytest.mark.parametrize(
    ("settings", "count"),
    [
        ({"min_sep": 4, "max_sep": 4}, 1),
        ({"min_sep": 5}, 0),
        ({"max_sep": 3}, 0),
        ({"eps_tick": 1}, 0),  # one tick higher is not more than one
        ({"left": 3}, 0),  # bar 2 has two bars before it
        ({"right": 3}, 0),
        ({"right": 1}, 1),
    ],
)
def test_distances(settings, count):
    assert len(signals(bars_of(HIGH, LOW, CVD), **settings)) == count


def test_equal_sums_or_equal_highs_do_not_diverge():
    assert signals(bars_of(HIGH, LOW, [*CVD[:6], 20, 15, 11])) == []
    assert signals(bars_of([*HIGH[:6], 13, 12, 11], [*LOW[:6], 12, 11, 10], CVD)) == []


@pytest.mark.parametrize(("bar", "count"), [(1, 1), (2, 0), (4, 0), (6, 0), (7, 1)])
def test_no_signal_across_a_gap(bar, count):
    made = bars_of(HIGH, LOW, CVD)
    flags = np.zeros(len(made), np.int64)
    flags[bar] = BAR_GAP

    assert len(signals(made.with_flags(flags))) == count


def test_the_sum_goes_on_through_midnight_and_a_reset_forbids():
    made = bars_of(HIGH, LOW, CVD, start=DAY - 4 * MINUTE)

    assert len(signals(made)) == 1
    assert signals(made, reset="session") == []
    assert StudyFold("cvd_divergence").update(made).bars["cvd"].tolist() == CVD


def test_hidden_divergence_is_told_when_asked_for():
    # A lower high on a higher sum.
    high, low, cvd = [*HIGH[:6], 12, 11, 10], [*LOW[:6], 11, 10, 9], [*CVD[:6], 25, 20, 15]
    high[5], low[5] = 11, 10
    made = bars_of(high, low, cvd)

    assert signals(made) == []
    assert signals(made, hidden=True) == [(-1, 1, 2, 6, 8)]


def test_only_neighbouring_pivots_are_compared():
    # Highs 13 (sum 20), 12 (sum 30), 14 (sum 18): the third is held against the second, not the first.
    high = [10, 11, 13, 11, 10, 12, 10, 11, 14, 13, 12]
    low = [h - 1 for h in high]
    cvd = [0, 5, 20, 15, 10, 30, 12, 12, 18, 15, 11]

    assert (-1, 0, 5, 8, 10) in signals(bars_of(high, low, cvd))
    assert all(first != 2 for _, _, first, _, _ in signals(bars_of(high, low, cvd)))


def test_a_pivot_is_the_first_of_a_plateau():
    assert pivots(np.array([1, 2, 3, 3, 2, 1]), 2, 2).tolist() == [2]
    assert pivots(np.array([3, 2, 1]), 1, 1).tolist() == []
    assert pivots(np.array([1, 2]), 2, 2).tolist() == []


def plain_pivots(x, left, right):
    return [
        i
        for i in range(left, len(x) - right)
        if all(x[i] > x[i - k] for k in range(1, left + 1)) and all(x[i] >= x[i + k] for k in range(1, right + 1))
    ]


def plain(high, low, cvd, left, right, min_sep, max_sep):
    told = []
    for x, sign in ((high, 1), (low, -1)):
        at = plain_pivots([sign * v for v in x], left, right)
        for a, b in itertools.pairwise(at):
            rises, falls = sign * (x[b] - x[a]), sign * (cvd[b] - cvd[a])
            if min_sep <= b - a <= max_sep and rises > 0 and falls < 0:
                told.append((-sign, 0, a, b, b + right))
    return sorted(told, key=lambda t: (t[4], t[0]))


bar = st.tuples(st.integers(0, 12), st.integers(0, 6), st.integers(-4, 4))


@given(st.lists(bar, min_size=1, max_size=60), st.integers(1, 3), st.integers(1, 3), st.integers(1, 4))
def test_equals_the_definition_in_plain_code(rows, left, right, min_sep):
    low = [r[0] for r in rows]
    high = [r[0] + r[1] for r in rows]
    cvd = np.cumsum([r[2] for r in rows]).tolist()
    settings = {"left": left, "right": right, "min_sep": min_sep, "max_sep": 20}

    assert signals(bars_of(high, low, cvd), **settings) == plain(high, low, cvd, **settings)


@pytest.mark.parametrize("settings", [{"hidden": True, "left": 1, "right": 3}, {"reset": "session", "min_sep": 1}])
def test_contract(settings):
    check("cvd_divergence", settings, seeds=range(2), bars=("1m",))


def test_a_setting_out_of_range_is_refused():
    with pytest.raises(ConfigError, match="CVD divergence"):
        StudyFold("cvd_divergence", {"right": 0})
