"""Bulk volume classification: distribution functions against closed forms and integrals, and any chunking."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footloom.errors import ConfigError, DataError
from footloom.kernels.bulk_volume import (
    BulkParams,
    BulkState,
    bulk_share,
    bulk_volume,
    normal_cdf,
    student_t_cdf,
)

X = [-1e6, -300.0, -20.0, -3.0, -1.0, -0.4, -1e-3, -1e-9, 0.0, 1e-9, 1e-3, 0.2, 0.5, 1.0, 2.5, 9.0, 1e4]


def test_the_normal_distribution_of_a_half() -> None:
    assert 1000 * bulk_share(0.5, 1.0) == pytest.approx(691.4624612740131, abs=1e-10)
    assert [normal_cdf(x) + normal_cdf(-x) for x in X] == pytest.approx([1.0] * len(X), abs=1e-15)
    assert bulk_share(3.0, 0.0) == bulk_share(-3.0, 0.0, "student_t") == 0.5


@pytest.mark.parametrize("x", X)
def test_student_with_one_to_four_degrees_has_closed_forms(x: float) -> None:
    square = x * x
    assert student_t_cdf(x, 1) == pytest.approx(0.5 + math.atan(x) / math.pi, abs=1e-14)
    assert student_t_cdf(x, 2) == pytest.approx(0.5 + x / (2 * math.sqrt(2 + square)), abs=1e-14)
    three = math.atan(x / math.sqrt(3)) + (x / math.sqrt(3)) / (1 + square / 3)
    assert student_t_cdf(x, 3) == pytest.approx(0.5 + three / math.pi, abs=1e-14)
    four = x / math.sqrt(4 + square)
    assert student_t_cdf(x, 4) == pytest.approx(0.5 + 0.75 * (four - four**3 / 3), abs=1e-13)


def integral_of_the_density(x: float, dof: float) -> float:
    # With t = sinh(u) the density is smooth and falls off evenly; Simpson's rule on a fine grid from the middle.
    steps = 20_000
    u = np.linspace(0, math.asinh(abs(x)), steps + 1)
    scale = math.exp(math.lgamma((dof + 1) / 2) - math.lgamma(dof / 2)) / math.sqrt(dof * math.pi)
    values = scale * (1 + np.sinh(u) ** 2 / dof) ** (-(dof + 1) / 2) * np.cosh(u)
    weights = np.ones(steps + 1)
    weights[1:-1:2], weights[2:-1:2] = 4, 2
    area = float((values * weights).sum()) * (u[1] - u[0]) / 3
    return 0.5 + math.copysign(area, x)


@pytest.mark.parametrize("dof", [0.05, 0.25, 0.7, 5.5, 100.0])
@pytest.mark.parametrize("x", X)
def test_student_is_the_integral_of_its_density(x: float, dof: float) -> None:
    assert student_t_cdf(x, dof) == pytest.approx(integral_of_the_density(x, dof), abs=1e-12)
    assert student_t_cdf(x, dof) + student_t_cdf(-x, dof) == pytest.approx(1.0, abs=1e-15)


def test_a_window_of_three_bars_by_hand() -> None:
    # Changes 2, -1, 0, 1 with volumes 10, 10, 20, 10; the last window is -1, 0, 1 with 10, 20, 10.
    done = bulk_volume(np.array([100, 102, 101, 101, 102]), np.array([40, 10, 10, 20, 10]), None, BulkParams(window=3))
    assert np.isnan(done.sigma_tick[0])
    assert done.buy_lot[:2].tolist() == [20, 5], "nobody knows the first change, and one change has no deviation"
    assert done.sigma_tick[2] == pytest.approx(1.5)
    assert done.buy_lot[2] == pytest.approx(10 * normal_cdf(-1 / 1.5))
    assert done.sigma_tick[4] == pytest.approx(math.sqrt(0.5))
    assert done.buy_lot[4] == pytest.approx(10 * normal_cdf(1 / math.sqrt(0.5)))
    assert not done.looks_ahead


def test_the_whole_sample_looks_ahead_and_says_so() -> None:
    close, volume = np.array([100, 102, 101, 101, 102]), np.array([40, 10, 10, 20, 10])
    params = BulkParams(sigma="whole_sample", cdf="student_t")
    done = bulk_volume(close, volume, None, params)
    mean = (2 * 10 - 10 + 10) / 50
    sigma = math.sqrt((10 * (2 - mean) ** 2 + 10 * (1 + mean) ** 2 + 20 * mean**2 + 10 * (1 - mean) ** 2) / 50)
    assert done.looks_ahead
    assert done.state is None
    assert done.sigma_tick[1:] == pytest.approx([sigma] * 4)
    assert done.buy_lot[1] == pytest.approx(10 * student_t_cdf(2 / sigma))
    with pytest.raises(ConfigError, match="looks ahead"):
        bulk_volume(close, volume, BulkState(params=params, close_tick=1), params)


def plain(close: list[int], volume: list[int], params: BulkParams) -> list[float]:
    changes = [b - a for a, b in zip(close, close[1:], strict=False)]
    buy = [volume[0] / 2] if close else []
    for bar in range(1, len(close)):
        window = range(max(0, bar - params.window), bar)
        lots = [volume[i + 1] for i in window]
        mean = sum(v * changes[i] for v, i in zip(lots, window, strict=True)) / sum(lots)
        square = sum(v * (changes[i] - mean) ** 2 for v, i in zip(lots, window, strict=True)) / sum(lots)
        buy.append(volume[bar] * bulk_share(changes[bar - 1], math.sqrt(square), params.cdf))
    return buy


_BARS = st.lists(st.tuples(st.integers(90, 110), st.integers(1, 1000)), max_size=40)


@given(
    bars=_BARS,
    window=st.integers(1, 12),
    cdf=st.sampled_from(["normal", "student_t"]),
    cuts=st.lists(st.integers(0, 40), max_size=5),
)
def test_any_chunking_gives_the_same_bits_and_plain_python_the_same_numbers(
    bars: list[tuple[int, int]], window: int, cdf: str, cuts: list[int]
) -> None:
    close, volume = (np.array([bar[i] for bar in bars], np.int64) for i in (0, 1))
    params = BulkParams(window=window, cdf=cdf)  # type: ignore[arg-type] # one of two
    whole = bulk_volume(close, volume, None, params)
    assert whole.buy_lot.tolist() == pytest.approx(plain(close.tolist(), volume.tolist(), params), abs=1e-6)
    state, pieces = None, []
    edges = [0, *sorted(min(cut, len(bars)) for cut in cuts), len(bars)]
    for lo, hi in zip(edges, edges[1:], strict=False):
        done = bulk_volume(close[lo:hi], volume[lo:hi], state, params)
        assert done.state is not None
        state = BulkState.from_bytes(done.state.to_bytes())
        pieces.append(done.buy_lot)
    assert np.concatenate(pieces).tolist() == whole.buy_lot.tolist()
    assert state == whole.state


def test_other_settings_and_other_bytes_are_refused() -> None:
    state = bulk_volume(np.array([1, 2]), np.array([1, 1])).state
    assert bulk_volume(np.array([3]), np.array([1]), state).state is not None
    with pytest.raises(ConfigError, match="keep the settings"):
        bulk_volume(np.array([1]), np.array([1]), state, BulkParams(window=7))
    with pytest.raises(DataError, match="no state of the bulk volume"):
        BulkState.from_bytes(b"?")
    with pytest.raises(ConfigError, match="at least 1 bar"):
        BulkParams(window=0)
