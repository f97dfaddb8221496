"""Continuous futures: where one contract hands over to the next."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from footloom.core.instrument import Instrument
from footloom.core.rolls import Roll, rolls_by_date, rolls_by_interest, stretches
from footloom.errors import DataError


def contract(symbol: str, expiry_ns: int | None) -> Instrument:
    return Instrument(
        venue="upstox", symbol=symbol, tick_size=Decimal("0.1"), lot_size=Decimal(1), kind="future", expiry_ns=expiry_ns
    )


FOUR = [contract("B", 200), contract("A", 100), contract("D", 400), contract("C", 300)]


def told(rolls: list[Roll]) -> list[tuple[int, str, str]]:
    return [(one.at_ns, one.from_symbol, one.to_symbol) for one in rolls]


def test_by_date() -> None:
    assert told(rolls_by_date("X.FUT1", 1, FOUR)) == [(100, "A", "B"), (200, "B", "C"), (300, "C", "D")]
    assert told(rolls_by_date("X.FUT2", 2, FOUR)) == [(100, "B", "C"), (200, "C", "D")]
    assert told(rolls_by_date("X.FUT4", 4, FOUR)) == []


def test_by_open_interest() -> None:
    readings = {
        "A": [(50, 900), (60, 800), (70, 300)],
        "B": [(50, 100), (60, 800), (70, 700), (150, 500), (160, 400)],
        "C": [(60, 900), (150, 100), (160, 401)],
        "D": [(160, 1), (250, 1)],
    }
    rolls = rolls_by_interest("X.FUT1", FOUR, readings)
    assert told(rolls) == [(70, "A", "B"), (160, "B", "C"), (300, "C", "D")]
    assert [one.rule for one in rolls] == ["open_interest", "open_interest", "date"]


def test_what_stands_when() -> None:
    rolls = rolls_by_date("X.FUT1", 1, FOUR)
    found = stretches(rolls, 150, 300)
    assert [(one.symbol, one.from_ns, one.to_ns) for one in found] == [("B", 150, 200), ("C", 200, 300)]
    assert stretches(rolls, 500, 600)[0].symbol == "D"
    assert stretches([], 0, 1) == []
    with pytest.raises(DataError, match="do not follow each other"):
        stretches([rolls[0], rolls[2]], 0, 500)


def test_a_roll_says_what_an_adjustment_takes() -> None:
    roll = Roll(
        symbol="X.FUT1", at_ns=1, from_symbol="A", to_symbol="B", rule="date", from_price="26000.10", to_price="26130"
    )
    assert roll.gap == Decimal("129.90")
    assert msgspec.json.decode(msgspec.json.encode(roll), type=Roll) == roll
    assert msgspec.structs.replace(roll, to_price="").gap is None


def test_a_contract_without_an_end_is_none() -> None:
    with pytest.raises(DataError, match="no day of expiry"):
        rolls_by_date("X.FUT1", 1, [contract("A", None)])
