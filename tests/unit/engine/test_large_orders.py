"""Large orders against a plain count that sorts all orders of the day before each one anew."""

from __future__ import annotations

import random
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from footloom.core.instrument import Instrument
from footloom.core.trades import FLAG_NO_ID, Trades
from footloom.engine.large_orders import (
    LargeOrders,
    Orders,
    Params,
    large_orders,
    order_params,
    orders_of,
    whole_instants,
)
from footloom.errors import ConfigError

TEST = Instrument(venue="sim", symbol="ORDERS", tick_size=Decimal("0.5"), lot_size=Decimal("0.001"))
HOUR = 3600 * 10**9
Row = tuple[int, int, int, int, int]  # ns, tick, lots, side, id


def tape(rows: list[Row], flags: int = 0) -> Trades:
    at, tick, lots, side, names = (list(column) for column in zip(*rows, strict=True))
    return Trades.build(TEST, at, tick, lots, side, trade_id=names, flags=[flags] * len(rows))


def walk(seed: int, count: int = 600) -> list[Row]:
    """Return fills of which many are of one instant, some on the wrong side of the price, some without a side or id."""
    rng = random.Random(seed)
    rows, at, name = [], 0, 0
    for _ in range(count):
        at += rng.choice([0, 0, 0, 1, 40, HOUR // 30])
        name += rng.choice([1, 1, 1, 1, 1, 2])
        rows.append((at, 100 + rng.randrange(-2, 3), rng.choice([1, 1, 2, 3, 5, 900]), rng.choice([1, 1, -1, 0]), name))
    return rows


def plain_orders(rows: list[Row], *, named: bool = True) -> list[list[Row]]:
    made: list[list[Row]] = []
    for row in rows:
        if made:
            before = made[-1][-1]
            alike = row[0] == before[0] and row[3] == before[3] != 0
            away = (row[1] >= before[1]) if row[3] > 0 else (row[1] <= before[1])
            if alike and away and (not named or row[4] == before[4] + 1):
                made[-1].append(row)
                continue
        made.append([row])
    return made


def plain_large(rows: list[Row], share: Fraction, span: int) -> list[tuple[int, int, int]]:
    """Return (ns, lots, threshold) of the large ones."""
    orders = [(fills[0][0], sum(fill[2] for fill in fills)) for fills in plain_orders(rows)]
    found = []
    for at, lots in orders:
        before = sorted(other for when, other in orders if at - span <= when < at)
        if len(before) * (1 - share) < 1:
            continue
        rank = -(-(len(before) * share).numerator // (len(before) * share).denominator)
        if lots >= before[rank - 1]:
            found.append((at, lots, before[rank - 1]))
    return found


def listed(orders: Orders) -> list[tuple[int, int, int]]:
    return list(zip(orders.ts_ns.tolist(), orders.qty_lot.tolist(), orders.threshold_lot.tolist(), strict=True))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("flags", [0, FLAG_NO_ID])
def test_orders_are_their_fills(seed: int, flags: int) -> None:
    rows = walk(seed)
    made = orders_of(tape(rows, flags))
    expected = plain_orders(rows, named=not flags)
    assert made.trades.tolist() == [len(fills) for fills in expected]
    assert made.qty_lot.tolist() == [sum(fill[2] for fill in fills) for fills in expected]
    assert made.levels.tolist() == [len({fill[1] for fill in fills}) for fills in expected]
    assert [(first, last) for first, last in zip(made.first_tick.tolist(), made.last_tick.tolist(), strict=True)] == [
        (fills[0][1], fills[-1][1]) for fills in expected
    ]
    paid = [sum(fill[1] * fill[2] for fill in fills) for fills in expected]
    assert [made.average(i) * sum(f[2] for f in fills) for i, fills in enumerate(expected)] == pytest.approx(paid)


@pytest.mark.parametrize(("percentile", "hours"), [("90", 2), ("95", 24), ("99", 1)])
def test_large_is_what_nearly_all_orders_of_the_hours_before_do_not_exceed(percentile: str, hours: int) -> None:
    rows = walk(7, 900)
    found = large_orders(tape(rows), Params(percentile=percentile, hours=hours))
    expected = plain_large(rows, Fraction(percentile) / 100, hours * HOUR)
    assert listed(found) == expected
    assert expected, "the walk has large orders"


@pytest.mark.parametrize("seed", range(4))
def test_any_cut_between_two_instants_finds_the_same(seed: int) -> None:
    rng, rows = random.Random(seed), walk(seed, 500)
    params = Params(percentile="90", hours=3)
    whole, trades = large_orders(tape(rows), params), tape(rows)
    cuts = sorted(rng.sample(range(1, len(rows)), 9))
    pieces = [trades.take(slice(a, b)) for a, b in zip([0, *cuts], [*cuts, len(rows)], strict=True)]
    fold = LargeOrders(TEST, params)
    found = []
    for piece in whole_instants(pieces):
        looked = listed(fold.peek(piece))
        found.append(fold.update(piece))
        assert listed(found[-1]) == looked, "to look changes nothing"
    assert listed(Orders.concat(found)) == listed(whole)


def test_a_quantity_needs_no_orders_before() -> None:
    found = large_orders(
        tape([(1, 100, 3, 1, 1), (1, 101, 4, 1, 2), (5, 101, 6, -1, 3)]), Params(by="quantity", min_qty="0.0065")
    )
    assert listed(found) == [(1, 7, 7)], "lots are whole: 6.5 of them are 7"


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"percentile": "100"}, "below 100"),
        ({"percentile": "99.1234567"}, "decimals"),
        ({"min_qty": "0"}, "above 0"),
        ({"quantile": "9"}, "quantile"),
        ({"hours": 0}, "hours"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(settings: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        order_params(settings)


def test_snapshots_hold_no_orders() -> None:
    with pytest.raises(ConfigError, match="snapshots"):
        large_orders(Trades.empty(TEST, "snapshot"))
