"""The read-out says what it is made of, and never calls an exit a fresh short."""

from __future__ import annotations

import pytest

from footloom.options.readout import read_out


@pytest.mark.parametrize(
    ("price", "oi", "label", "reading"),
    [
        ((100.0, 101.0), (1_000, 1_100), "long_buildup", "bullish"),
        ((100.0, 99.0), (1_000, 1_100), "short_buildup", "bearish"),
        ((100.0, 101.0), (1_000, 900), "short_covering", "bullish"),
        ((100.0, 99.0), (1_000, 900), "long_unwinding", "bearish"),
        ((100.0, 100.04), (1_000, 1_100), "neutral", "neutral"),
        ((100.0, 101.0), (1_000, 1_005), "neutral", "neutral"),
    ],
)
def test_the_four_quadrants(price: tuple[float, float], oi: tuple[int, int], label: str, reading: str) -> None:
    found = read_out(price, oi)
    assert (found.label, found.reading) == (label, reading)


def test_a_fall_with_falling_open_interest_is_exits_and_no_fresh_shorts() -> None:
    found = read_out((26_200.0, 26_100.0), (1_000_000, 900_000), buy=100, sell=400)
    assert "exits, not fresh shorts" in found.words
    assert found.confirmed is True
    assert found.because == (
        "against the previous close",
        "price 26,200.00 to 26,100.00: -0.38% (a change of at most 0.05% is none)",
        "open interest 1,000,000 to 900,000: -10.00% (a change of at most 0.5% is none)",
        "aggressive volume: 100 bought, 400 sold, delta -300",
    )


def test_a_put_is_read_as_its_writers_do() -> None:
    found = read_out((100.0, 90.0), (1_000, 1_100), kind="put", baseline="interval")
    assert (found.label, found.reading) == ("short_buildup", "bullish")
    assert found.because[0] == "over the interval"


def test_volume_against_the_move_does_not_confirm_and_key_levels_are_named() -> None:
    found = read_out((100.0, 101.0), (1_000, 1_100), buy=1, sell=2, poc=26_010.0, wall=26_000.0)
    assert found.confirmed is False
    assert "26,010.00" in found.because[-1]
    assert read_out((100.0, 101.0), (1_000, 1_100), buy=0, sell=0).confirmed is None


def test_what_is_not_known_is_no_reading() -> None:
    for found in (read_out(None, (1, 2)), read_out((1.0, 2.0), None), read_out((float("nan"), 2.0), (1, 2))):
        assert (found.label, found.reading, found.because) == (None, None, ())
    assert read_out((100.0, 101.0), (0, 5)).label == "long_buildup"
