"""Continuous futures: where one contract hands over to the next."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from footloom.core.instrument import Instrument
from footloom.core.rolls import Roll, by_expiry, ends_by_date, ends_by_interest, rolls, stretches
from footloom.errors import DataError


def contract(symbol: str, expiry_ns: int | None) -> Instrument:
    return Instrument(
        venue="upstox", symbol=symbol, tick_size=Decimal("0.1"), lot_size=Decimal(1), kind="future", expiry_ns=expiry_ns
    )


FOUR = by_expiry([contract("B", 200), contract("A", 100), contract("D", 400), contract("C", 300)])
BY_DATE = ends_by_date(FOUR)
READINGS = {
    "A": [(50, 900), (60, 800), (70, 300)],
    "B": [(50, 100), (60, 800), (70, 700), (150, 500), (160, 400)],
    "C": [(60, 900), (150, 100), (160, 401)],
    "D": [(160, 1), (250, 1)],
}


def told(found: list[Roll]) -> list[tuple[int, str, str]]:
    return [(one.at_ns, one.from_symbol, one.to_symbol) for one in found]


def stand(number: int, ends: list[int], from_ns: int = 0, to_ns: int = 1000) -> list[tuple[str, int, int]]:
    return [(one.symbol, one.from_ns, one.to_ns) for one in stretches(number, FOUR, ends, from_ns, to_ns)]


def test_by_date() -> None:
    assert told(rolls("X.FUT1", 1, FOUR, BY_DATE)) == [(100, "A", "B"), (200, "B", "C"), (300, "C", "D")]
    assert told(rolls("X.FUT2", 2, FOUR, BY_DATE)) == [(100, "B", "C"), (200, "C", "D")]
    assert rolls("X.FUT4", 4, FOUR, BY_DATE) == []
    assert {one.rule for one in rolls("X.FUT2", 2, FOUR, BY_DATE)} == {"date"}


def test_by_open_interest() -> None:
    # A: equal at 60 is not greater. B: C is ahead at 60 already, while A still leads. C: D never is.
    ends = ends_by_interest(FOUR, READINGS)
    assert ends == [70, 160, 300, 400]
    found = rolls("X.FUT1", 1, FOUR, ends)
    assert told(found) == [(70, "A", "B"), (160, "B", "C"), (300, "C", "D")]
    assert [one.rule for one in found] == ["open_interest", "open_interest", "date"]
    second = rolls("X.FUT2", 2, FOUR, ends)
    assert told(second) == [(70, "B", "C"), (160, "C", "D")]
    assert [one.rule for one in second] == ["open_interest", "open_interest"]


def test_a_contract_that_nobody_counted_gives_way_at_its_expiry() -> None:
    assert ends_by_interest(FOUR, {"B": [(50, 100)]}) == BY_DATE
    assert ends_by_interest([], {}) == []


def test_what_stands_when() -> None:
    assert stand(1, BY_DATE, 150, 300) == [("B", 150, 200), ("C", 200, 300)]
    assert stand(2, BY_DATE) == [("B", 0, 100), ("C", 100, 200), ("D", 200, 300)]
    assert stand(4, BY_DATE) == [("D", 0, 100)]
    assert stand(5, BY_DATE) == []


def test_the_last_one_known_stands_no_longer_than_it_is_the_one() -> None:
    assert stand(1, BY_DATE, 350) == [("D", 350, 400)]
    assert stand(2, BY_DATE, 350) == [], "from 300 on D is the nearest, and no second is known"
    assert stand(1, BY_DATE, 500) == []


def test_a_roll_says_what_an_adjustment_takes() -> None:
    roll = Roll(
        symbol="X.FUT1", at_ns=1, from_symbol="A", to_symbol="B", rule="date", from_price="26000.10", to_price="26130"
    )
    assert roll.gap == Decimal("129.90")
    assert msgspec.json.decode(msgspec.json.encode(roll), type=Roll) == roll
    assert msgspec.structs.replace(roll, to_price="").gap is None


def test_a_contract_without_an_end_is_none() -> None:
    with pytest.raises(DataError, match="no day of expiry"):
        by_expiry([contract("A", None)])
