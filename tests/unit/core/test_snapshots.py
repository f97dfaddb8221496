"""Snapshots in memory, and the average price between two of them (definitions 1.3)."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from footloom.core.instrument import Instrument
from footloom.core.snapshots import NO_QUOTE, Snapshots, interval_price
from footloom.errors import DataError

FUTURE = Instrument(venue="test", symbol="FUT", tick_size=Decimal("0.05"), lot_size=Decimal(1))
ROW = np.arange(5, dtype=np.int64)


def test_what_a_feed_does_not_say_is_missing_and_not_zero() -> None:
    made = Snapshots(FUTURE, ROW, ROW, ROW, ROW, ROW, ROW, ROW, oi_lot=ROW * 75)
    assert made.oi_lot.tolist() == [0, 75, 150, 225, 300]
    assert made.take(slice(1, 3)).oi_lot.tolist() == [75, 150]
    for name in ("bid_lot", "ask_lot", "atp_e4"):
        assert getattr(made, name).tolist() == [NO_QUOTE] * 5
        assert getattr(made.take(slice(0, 2)), name).tolist() == [NO_QUOTE] * 2
    none = made.take(slice(0, 0))
    assert len(none.oi_lot) == len(none.atp_e4) == 0


def test_a_column_of_another_length_is_refused() -> None:
    with pytest.raises(DataError, match="column ask_lot must be int64"):
        Snapshots(FUTURE, ROW, ROW, ROW, ROW, ROW, ROW, ROW, ask_lot=ROW[:2])


def test_the_average_between_two_snapshots_holds_within_its_bound() -> None:
    prices, lots = [Decimal("101.35"), Decimal("99.80"), Decimal("100.05")], [75, 150, 300]
    money, volume = Decimal(0), 0
    seen = []
    for price, lot in zip(prices, lots, strict=True):
        money, volume = money + price * lot, volume + lot
        seen.append(((money / volume).quantize(Decimal("0.01")), volume))
    for before, after, price in zip(seen, seen[1:], prices[1:], strict=False):
        found = interval_price(before, after)
        assert found is not None
        assert abs(found.price - Fraction(price)) <= found.error < Fraction("0.05")
    assert interval_price(seen[0], seen[0]) is None
    assert interval_price(seen[1], seen[0]) is None
