"""Numbers that no file should hold: refused in words, whatever their digits and powers."""

from __future__ import annotations

import pytest

from footloom.importers._csv_rules import SCAN
from footloom.importers._exact import Refused, Units, number, units_of


@pytest.mark.parametrize("text", [b"9" * 20 + b"0", b"1" * 5_000, b"1e400", b"0." + b"1" * 30, b"1e30"])
@pytest.mark.parametrize("places", [2, -1])
def test_more_than_64_bits(text: bytes, places: int) -> None:
    with pytest.raises(Refused, match=r"does not fit 64 bits|no decimal number"):
        Units(places, 5, "price").of(text)


@pytest.mark.parametrize("text", [b"1e999999999", b"1e-999999999", b'"1E+999999"'])
def test_a_power_that_nobody_can_compute_with(text: bytes) -> None:
    assert number(text) is None
    for units in (*units_of(SCAN), Units(2, 5, "price")):
        with pytest.raises(Refused, match="no decimal number"):
            units.of(text)


def test_zeros_are_no_digits() -> None:
    assert Units(2, 5, "price").of(b"0" * 40 + b"1.05" + b"0" * 40) == 21


def test_a_difference_in_the_thirtieth_decimal_is_off_the_grid() -> None:
    with pytest.raises(Refused):
        Units(2, 5, "price").of(b"1.05" + b"0" * 30 + b"1")
