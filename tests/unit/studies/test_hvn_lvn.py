"""Volume nodes by hand, and against the definition written out (definitions 4.3)."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.engine.build import build_footprint
from footloom.engine.studies import run_study
from footloom.studies import hvn_lvn
from footloom.studies.hvn_lvn import Params, nodes_of_rows
from footloom.testing.study_contract import check

MINUTE = 60 * 10**9
INSTRUMENT = Instrument(venue="t", symbol="X", tick_size=Decimal(1), lot_size=Decimal(1))


def nodes(volume, **settings):
    found = nodes_of_rows(np.arange(len(volume)), np.array(volume), Params(**settings))
    return found.hvn_row.tolist(), found.lvn_row.tolist()


def by_definition(volume, k, high, low, *, smooth):
    n = len(volume)
    mean = Fraction(sum(volume), n)
    if smooth:
        padded = [volume[0], *volume, volume[-1]]
        volume = [Fraction(padded[i] + 2 * padded[i + 1] + padded[i + 2], 4) for i in range(n)]
    hvn, lvn = [], []
    for i in range(k, n - k):
        below, above = volume[i - k : i], volume[i + 1 : i + k + 1]
        if all(volume[i] > v for v in below) and all(volume[i] >= v for v in above) and volume[i] >= high * mean / 100:
            hvn.append(i)
        if all(volume[i] < v for v in below) and all(volume[i] <= v for v in above) and volume[i] <= low * mean / 100:
            lvn.append(i)
    return hvn, lvn


# The mean is 4.9: 9 and 12 reach 7.35, 1 is at most 2.45; the edge rows are none.
def test_two_hills_and_the_valley_between():
    assert nodes([2, 3, 9, 4, 1, 2, 8, 12, 7, 1], k=1) == ([2, 7], [4])


def test_a_plateau_is_named_by_its_lowest_row():
    assert nodes([1, 9, 9, 1, 1, 9, 9, 1], k=1) == ([1, 5], [3])


@pytest.mark.parametrize(("volume", "hvn"), [([4, 12, 8], [1]), ([5, 12, 8], [])])
def test_the_share_of_the_mean_is_exact(volume, hvn):
    # 12 of 24 in three rows is one and a half of the mean, 12 of 25 is less.
    assert nodes(volume, k=1)[0] == hvn


def test_smoothing_takes_the_row_between_two_tall_ones():
    # 0 8 0 8 0 weighs 2 4 4 4 2: no row beats its lower neighbour by itself
    assert nodes([0, 8, 0, 8, 0], k=1) == ([1, 3], [2])
    assert nodes([0, 8, 0, 8, 0], k=1, high_percent=100, smooth=True) == ([1], [])


@given(
    st.lists(st.integers(0, 9) | st.just(0) | st.integers(0, 10**15), min_size=1, max_size=40),
    st.integers(1, 4),
    st.booleans(),
)
def test_any_profile_follows_the_definition(volume, k, smooth):
    volume[0] = volume[0] or 1

    assert nodes(volume, k=k, smooth=smooth) == by_definition(volume, k, 150, 50, smooth=smooth)


@given(st.sets(st.integers(0, 60), min_size=1), st.integers(1, 3), st.booleans(), st.integers(0, 2**32))
def test_rows_far_apart_give_the_same_as_rows_written_out(rows, k, smooth, seed):
    # The same profile twice: near the origin with every row, and with its upper half pushed a trillion rows away.
    row = np.array(sorted(rows))
    volume = np.random.default_rng(seed).integers(1, 30, len(row))
    far = np.where(row > 30, row + 10**12, row)
    apart = np.where(row > 30, row + 500, row)
    written = np.zeros(apart[-1] - apart[0] + 1, np.int64)
    written[apart - apart[0]] = volume
    # An emptier profile has a smaller mean: what is compared are the rows that both take for nodes by their shape.
    settings = {"k": k, "smooth": smooth, "high_percent": 1, "low_percent": 1}

    near = nodes(written.tolist(), **settings)
    got = nodes_of_rows(far, volume, Params(**settings))

    shift = np.where(np.array(near[0], int) + apart[0] > 500, 10**12 - 500, 0)
    assert got.hvn_row.tolist() == (np.array(near[0], int) + apart[0] + shift).tolist()


def test_nodes_of_a_session_come_and_go_with_its_bars():
    def bar(at, volumes):
        return [(at * MINUTE, tick, qty) for tick, qty in enumerate(volumes) if qty]

    rows = [*bar(0, [1, 8, 1, 1, 1]), *bar(1, [0, 0, 0, 12, 0]), *bar(2, [0, 6, 0, 0, 0])]
    ts, tick, qty = zip(*rows, strict=True)
    made = build_footprint(Trades.build(INSTRUMENT, ts, tick, qty, [1] * len(ts)), "1m", 1)
    # 1 8 1 1 1: mean 2.4; then 1 8 1 13 1: mean 4.8, 1 in the valley; then 1 14 1 13 1
    got = run_study("hvn_lvn", made, {"k": 1})

    assert [column.tolist() for column in got.events.values()] == [[0, 0, 1], [1, 2, 3], [1, -1, 1], [1, 1, 1]]
    assert got.cells["node"].tolist() == [0, 1, -1, 0, 0, 1, 1]
    assert got.bars["hvn"].tolist() == [1, 2, 2]
    assert got.bars["hvn_below"].tolist() == [1, 3, 1]
    assert got.bars["hvn_above"].tolist() == [hvn_lvn.NONE, 3, 1]


def test_each_bar_by_itself_holds_the_contract():
    check("hvn_lvn", {"scope": "bar", "k": 1, "smooth": True}, seeds=range(2))
