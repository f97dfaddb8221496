"""Decimal text and whole units, exactly (P3: a third of naive float rows are wrong)."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footloom.core.decimals import from_units, to_units
from footloom.errors import DataError, OffGrid

UNITS = ["0.05", "0.1", "0.01", "0.00001", "1", "5", "0.25", "2.5", "1000"]


@given(st.integers(-(10**15), 10**15), st.sampled_from(UNITS))
def test_units_to_text_and_back(count, unit):
    assert to_units(from_units(count, Decimal(unit)), Decimal(unit)) == count


@pytest.mark.parametrize(("text", "unit", "row"), [("0.3", "0.1", 3), ("4.35", "0.05", 87), ("19.99", "0.01", 1999)])
def test_what_binary_floats_get_wrong(text, unit, row):
    assert to_units(text, Decimal(unit)) == row
    assert int(float(text) / float(unit)) == row - 1


@pytest.mark.parametrize("text", ["nan", "inf", "", "1e", "abc", "0x10"])
def test_what_is_no_number_is_refused_by_name(text):
    with pytest.raises(DataError, match="number"):
        to_units(text, Decimal("0.1"))


def test_binary_floats_are_refused():
    with pytest.raises(DataError, match="binary float"):
        to_units(0.3, Decimal("0.1"))


def test_off_the_grid_names_both_values():
    with pytest.raises(OffGrid, match=r"price 0\.33 is no whole multiple of 0\.1"):
        to_units("0.33", Decimal("0.1"), "price")


def test_every_tick_of_nifty_and_btc_is_its_own_row():
    for unit, first in ((Decimal("0.05"), 400_000), (Decimal("0.1"), 600_000)):
        texts = [from_units(first + i, unit) for i in range(5_000)]
        assert [to_units(text, unit) for text in texts] == list(range(first, first + 5_000))
