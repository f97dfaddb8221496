"""Numbers of the older wires: exact decimals as JSON numbers, prices rounded to a step in whole numbers."""

from __future__ import annotations

import json
from collections import Counter
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.engine.build import build
from footloom.engine.spec import ChartSpec
from footloom.errors import ConfigError
from footloom.server.compat.bars import bars_of
from footloom.server.compat.clients import Settings
from footloom.server.compat.history_sse import BarTeller
from footloom.server.compat.numbers import JsonNumbers, Steps, Ties, parse_step


@pytest.mark.parametrize(
    ("unit", "count", "text"),
    [
        ("0.001", 12_500, "12.5"),
        ("0.1", 3, "0.3"),
        ("0.5", 85_001, "42500.5"),
        ("0.5", 85_000, "42500.0"),
        ("1", 75, "75.0"),
        ("10", 7, "70.0"),
        ("0.00001", -5, "-0.00005"),
        ("0.001", -32_800, "-32.8"),
        ("0.001", 0, "0.0"),
        ("1E+2", 3, "300.0"),
    ],
)
def test_a_number_prints_its_decimals(unit: str, count: int, text: str) -> None:
    assert JsonNumbers(Decimal(unit)).text(count) == text


@given(st.integers(-(10**12), 10**12), st.sampled_from(["0.1", "0.05", "0.001", "0.00000001", "1", "25", "0.25"]))
def test_a_number_is_what_any_json_reader_makes_of_its_decimals(count: int, unit: str) -> None:
    exact = count * Decimal(unit)
    text = JsonNumbers(Decimal(unit)).text(count)
    assert Decimal(text) == exact
    assert json.loads(text) == float(exact)


# Published known answers: 99.75 to 101.50 by 0.25, a quantity of one at each, in steps of 0.5.
@pytest.mark.parametrize(
    ("ties", "rows"),
    [
        ("even", {"100.0": 3, "100.5": 1, "101.0": 3, "101.5": 1}),
        ("up", {"100.0": 2, "100.5": 2, "101.0": 2, "101.5": 2}),
    ],
)
def test_half_steps(ties: Ties, rows: dict[str, int]) -> None:
    steps = Steps(Decimal("0.25"), Decimal("0.5"), ties)
    nearest = steps.nearest(np.arange(399, 407))
    assert Counter(steps.numbers.text(row) for row in nearest.tolist()) == rows


@given(
    st.lists(st.integers(-(10**6), 10**9), min_size=1, max_size=30),
    st.sampled_from(["0.1", "0.05", "0.25", "0.5", "1", "0.0001"]),
    st.sampled_from(["0.5", "1", "2", "3", "0.3", "0.15", "12.5", "100"]),
)
def test_rounding_is_that_of_exact_decimals(ticks: list[int], tick_size: str, step: str) -> None:
    steps = Steps(Decimal(tick_size), Decimal(step))
    wanted = [int((tick * Decimal(tick_size) / Decimal(step)).quantize(Decimal(1), ROUND_HALF_EVEN)) for tick in ticks]
    assert steps.nearest(np.array(ticks)).tolist() == wanted


def test_a_half_that_binary_floats_miss_is_a_half() -> None:
    assert round(4.35 / 0.1) == 43  # what floats say: 43.49999999999999
    assert Steps(Decimal("0.05"), Decimal("0.1")).nearest(np.array([87])).tolist() == [44]


@pytest.mark.parametrize("text", ["", "0", "-1", "a", "nan", "inf", "1e400", "0.1234567890123456789"])
def test_a_step_that_cannot_be_is_named(text: str) -> None:
    with pytest.raises(ConfigError, match="step"):
        parse_step(text, "step")


def test_a_step_too_fine_for_its_prices_is_refused() -> None:
    steps = Steps(Decimal("0.1"), Decimal("0.0000000000001"))
    with pytest.raises(ConfigError, match="too fine"):
        steps.nearest(np.array([10**9]))


@pytest.mark.parametrize(
    ("seen_min", "told"), [(None, [4]), (0, [0, 1, 2, 3, 4]), (3, [3, 4]), (2.5, [3, 4]), (4, [4]), (9, [4])]
)
def test_a_page_that_comes_again_is_told_every_bar_since_the_one_it_saw_last(
    seen_min: float | None, told: list[int]
) -> None:
    one = Instrument(venue="test", symbol="ABC", tick_size=Decimal(1), lot_size=Decimal(1))
    minutes = np.arange(5) * 60 * 10**9
    bars = bars_of(build(Trades.build(one, minutes, [7] * 5, [1] * 5, [1] * 5), ChartSpec(bars="1m")))
    events = BarTeller(one, Settings(1, Decimal(1), "")).all(bars, None if seen_min is None else int(seen_min * 60e9))
    assert [json.loads(event)["time"] // 60 for event in events] == told
