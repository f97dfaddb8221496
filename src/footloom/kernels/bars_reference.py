"""Bars that end by what was traded, in plain Python: slow, readable, and what the kernels are tested against.

Each function takes the trades of one session and returns its bars, the last one perhaps open (definitions 2.4). A bar
is a list of parts: (number of the trade, lots of it). None shares code with a kernel.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

__all__ = ("Row", "by_delta", "by_expected_imbalance", "by_imbalance", "by_range", "by_renko", "by_run", "by_size")

Part = tuple[int, int]
Bar = list[Part]


class Row(NamedTuple):
    """One trade: ticks, lots, side."""

    price: int
    lots: int
    side: int


Size = Callable[[Row], int]


def _cut(rows: Sequence[Row], ends_with: Callable[[Row], bool]) -> list[Bar]:
    # Bars of whole trades, each ending with the trade for which `ends_with` says so.
    bars: list[Bar] = [[]]
    for i, row in enumerate(rows):
        bars[-1].append((i, row.lots))
        if ends_with(row):
            bars.append([])
    return bars if bars[-1] else bars[:-1]


def by_size(rows: Sequence[Row], threshold: int, size: Size, *, split: bool = False) -> list[Bar]:
    """Cut where the sum of sizes reaches the threshold; with ``split`` lot by lot, whole lots at the least."""
    if split:
        return _by_lot(rows, threshold, size)
    total = 0

    def ends_with(row: Row) -> bool:
        nonlocal total
        total += size(row)
        full = total >= threshold
        total = 0 if full else total
        return full

    return _cut(rows, ends_with)


def _by_lot(rows: Sequence[Row], threshold: int, size: Size) -> list[Bar]:
    bars: list[Bar] = [[]]
    total = 0
    for i, row in enumerate(rows):
        for _ in range(row.lots):
            if bars[-1] and bars[-1][-1][0] == i:
                bars[-1][-1] = (i, bars[-1][-1][1] + 1)
            else:
                bars[-1].append((i, 1))
            total += size(row._replace(lots=1))
            if total >= threshold:
                bars.append([])
                total = 0
    return bars if bars[-1] else bars[:-1]


def by_delta(rows: Sequence[Row], threshold: int) -> list[Bar]:
    """Cut where bought minus sold lots reach the threshold, up or down."""
    delta = 0

    def ends_with(row: Row) -> bool:
        nonlocal delta
        delta += row.side * row.lots
        full = abs(delta) >= threshold
        delta = 0 if full else delta
        return full

    return _cut(rows, ends_with)


def by_range(rows: Sequence[Row], ticks: int) -> list[Bar]:
    """Cut before the trade that would stretch the bar beyond its range."""
    bars: list[Bar] = []
    prices: list[int] = []
    for i, row in enumerate(rows):
        if not prices or max(*prices, row.price) - min(*prices, row.price) > ticks:
            bars.append([])
            prices = []
        prices.append(row.price)
        bars[-1].append((i, row.lots))
    return bars


def by_renko(rows: Sequence[Row], brick: int, reversal: int) -> tuple[list[Bar], list[tuple[int, int, int]]]:
    """Cut behind trades that complete bricks; also return the bricks: open, close, direction."""
    found: list[tuple[int, int, int]] = []
    level, way = (rows[0].price if rows else 0), 0

    def step(price: int) -> bool:
        # One brick more, if the price is there.
        nonlocal level, way
        for direction in (1, -1):
            heights = reversal if way == -direction else 1
            target = level + direction * heights * brick
            if (price - target) * direction >= 0:
                found.append((target - direction * brick, target, direction))
                level, way = target, direction
                return True
        return False

    def ends_with(row: Row) -> bool:
        before = len(found)
        while step(row.price):
            pass
        return len(found) > before

    return _cut(rows, ends_with), found


def _signs(rows: Sequence[Row]) -> list[int]:
    # The stated side, else that of the last change of price.
    signs, tick = [], 0
    for i, row in enumerate(rows):
        if i and row.price != rows[i - 1].price:
            tick = 1 if row.price > rows[i - 1].price else -1
        signs.append(row.side or tick)
    return signs


def by_imbalance(rows: Sequence[Row], threshold: int, size: Size) -> list[Bar]:
    """Cut where signed sizes sum up to the threshold, up or down."""
    signed = [row._replace(lots=size(row), side=sign) for row, sign in zip(rows, _signs(rows), strict=True)]
    return _with_lots(by_delta(signed, threshold), rows)


def by_run(rows: Sequence[Row], threshold: int, size: Size) -> list[Bar]:
    """Cut where the sizes of one side reach the threshold."""
    signs = iter(_signs(rows))
    sums = {1: 0, -1: 0, 0: 0}

    def ends_with(row: Row) -> bool:
        sums[next(signs)] += size(row)
        full = max(sums[1], sums[-1]) >= threshold
        if full:
            sums.update({1: 0, -1: 0})
        return full

    return _cut(rows, ends_with)


def by_expected_imbalance(rows: Sequence[Row], first: int, trades: int, size: Size) -> list[Bar]:
    """Cut where signed sizes reach what the session's bars so far let expect; ``trades`` a bar at first."""
    signs = _signs(rows)
    length, mean = float(trades), 0.0
    threshold, theta, count, seen = first, 0, 0, False
    bars: list[Bar] = [[]]
    for i, row in enumerate(rows):
        bars[-1].append((i, row.lots))
        theta += signs[i] * size(row)
        count += 1
        if abs(theta) < threshold:
            continue
        if not seen:
            mean = first / trades * (1 if theta > 0 else -1)
        seen = True
        length = min(max(length + (count - length) / 8, trades / 4), trades * 4)
        mean += (theta / count - mean) / 8
        threshold = min(max(math.ceil(length * abs(mean)), math.ceil(first / 4)), 4 * first)
        theta = count = 0
        bars.append([])
    return bars if bars[-1] else bars[:-1]


def _with_lots(bars: list[Bar], rows: Sequence[Row]) -> list[Bar]:
    return [[(i, rows[i].lots) for i, _ in bar] for bar in bars]
