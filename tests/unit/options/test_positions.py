"""Open interest by strike, against sums written out by hand and laws that hold for every chain."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footloom.core.trades import I64
from footloom.errors import DataError
from footloom.options import positions
from footloom.options.positions import Label, Wall

CHAINS = st.lists(
    st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), min_size=1, max_size=12
)  # calls and puts by strike


def column(values: list[int]) -> I64:
    return np.array(values, np.int64)


@given(chain=CHAINS, forward=st.floats(0, 1300))
def test_max_pain_is_the_strike_at_which_writers_pay_least(chain: list[tuple[int, int]], forward: float) -> None:
    strikes = [100 * i + 100 for i in range(len(chain))]
    calls, puts = (column([row[side] for row in chain]) for side in (0, 1))
    pain = positions.max_pain(column(strikes), calls, puts, forward)
    if not any(sum(row) for row in chain):
        assert pain is None
        return
    assert pain is not None

    def pays(settled: int) -> int:
        of_calls = sum(oi * (settled - k) for k, (oi, _) in zip(strikes, chain, strict=True) if settled > k)
        return of_calls + sum(oi * (k - settled) for k, (_, oi) in zip(strikes, chain, strict=True) if settled < k)

    best = min(map(pays, strikes))
    tied = [strike for strike in strikes if pays(strike) == best]
    assert pain.payouts == {strike: pays(strike) for strike in strikes}
    assert pain.strike in tied
    assert abs(pain.strike - forward) == min(abs(strike - forward) for strike in tied)


def test_a_tie_of_max_pain_goes_to_the_forward_then_to_the_lower_strike() -> None:
    flat = (column([100, 110, 120]), column([0, 0, 0]), column([0, 0, 0]))
    assert positions.max_pain(*flat) is None
    tied = (column([100, 110]), column([5, 0]), column([0, 5]))  # 50 at either strike
    assert positions.max_pain(*tied).strike == 100  # type: ignore[union-attr]
    assert positions.max_pain(*tied, forward=109).strike == 110  # type: ignore[union-attr]


def test_payouts_that_64_bits_cannot_hold_are_exact() -> None:
    strikes, oi = column([1, 2**40]), column([2**60, 2**60])
    pain = positions.max_pain(strikes, oi, oi)
    assert pain is not None
    assert pain.payouts[1] == 2**60 * (2**40 - 1)


def test_walls_are_the_largest_and_say_which_stands_out() -> None:
    strikes = column([100, 110, 120, 130, 140])
    assert positions.walls(strikes, column([9, 30, 0, 20, 20]), spot=128) == [
        Wall(110, 30, strong=True),
        Wall(130, 20, strong=False),
        Wall(140, 20, strong=True),
    ]
    few = positions.walls(strikes[:3], column([9, 30, 20]))
    assert [one.strong for one in few] == [True, True, False], "nothing is below the least"
    assert positions.walls(strikes, column([0, 0, 0, 0, 7])) == [Wall(140, 7, strong=True)]
    assert positions.walls(strikes, column([0] * 5)) == []


def test_chains_that_cannot_be_are_refused() -> None:
    with pytest.raises(DataError, match=r"strike 110 \(ticks\) is -1"):
        positions.walls(column([100, 110]), column([4, -1]))
    with pytest.raises(DataError, match="ascend"):
        positions.max_pain(column([110, 100]), column([1, 1]), column([1, 1]))


def test_quiet_changes_say_nothing() -> None:
    assert positions.quadrant(5, 100, quiet_price=5) == "neutral"
    assert positions.quadrant(5.1, 100, quiet_price=5, quiet_oi=100) == "neutral"
    assert positions.quadrant(5.1, 101, quiet_price=5, quiet_oi=100) == "long_buildup"
    assert positions.quadrant(float("nan"), 101) == "neutral"


@pytest.mark.parametrize(
    ("label", "call", "put"),
    [
        ("long_buildup", "bullish", "bearish"),
        ("short_buildup", "bearish", "bullish"),
        ("short_covering", "bullish", "bearish"),
        ("long_unwinding", "bearish", "bullish"),
        ("neutral", "neutral", "neutral"),
    ],
)
def test_options_are_read_as_their_writers_do(label: Label, call: str, put: str) -> None:
    assert positions.reading(label, "call") == positions.reading(label, "future") == call
    assert positions.reading(label, "put") == put


def test_two_baselines_are_never_mixed() -> None:
    assert positions.changes(column([10, 12]), None) == ([None, None], [None, 2])
    assert positions.changes(column([]), 5) == ([], [])


def test_no_calls_give_no_ratio() -> None:
    assert positions.put_call_ratio(column([5]), column([0])) is None


def test_a_poc_beside_a_wall_is_a_key_level() -> None:
    assert positions.key_strike(1024, [1000, 1050], step=50) == 1000
    assert positions.key_strike(1025, [1000, 1050], step=50) == 1000  # the lower of two as near
    assert positions.key_strike(1026, [1000, 1100], step=50) is None


def test_gamma_exposure_turns_with_the_side() -> None:
    gamma, oi = np.array([0.001, np.nan]), column([200, 5])
    assert positions.gamma_exposure(gamma, oi, 100.0, calls=True) == pytest.approx(0.001 * 200 * 100**2 * 0.01)
    assert positions.gamma_exposure(gamma, oi, 100.0, calls=False) == pytest.approx(-20.0)
