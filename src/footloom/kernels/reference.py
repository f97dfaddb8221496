"""The kernels' definitions in plain Python: slow, readable, and what the fast ones are tested against.

Each function follows the text of ``docs/definitions.md``; none shares code with a kernel.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

__all__ = ("Bar", "Cell", "cvd", "delta_path", "footprint", "imbalances", "min_volume", "poc", "stacks", "value_area")

SELL, UNKNOWN, BUY = -1, 0, 1


@dataclass
class Cell:
    """Volume and trades of one row of one bar."""

    buy: int = 0
    sell: int = 0
    unknown: int = 0
    trades: int = 0

    @property
    def volume(self) -> int:
        """All three together."""
        return self.buy + self.sell + self.unknown


@dataclass
class Bar:
    """One bar: its prices in ticks, its delta path, and its cells by row."""

    open_ns: int
    open: int
    high: int
    low: int
    close: int
    trades: int = 0
    delta: int = 0
    min_delta: int = 0
    max_delta: int = 0
    cells: dict[int, Cell] = field(default_factory=dict)


def footprint(rows: Iterable[tuple[int, int, int, int]], length_ns: int, step: int, anchor_ns: int = 0) -> list[Bar]:
    """Build bars of (ts_ns, price_tick, qty_lot, side) rows in order (2.1, 2.2, 2.3, 3.1)."""
    bars: list[Bar] = []
    for ts, price, quantity, side in rows:
        opened = anchor_ns + (ts - anchor_ns) // length_ns * length_ns
        if not bars or bars[-1].open_ns != opened:
            bars.append(Bar(opened, price, price, price, price))
        bar = bars[-1]
        bar.high, bar.low, bar.close = max(bar.high, price), min(bar.low, price), price
        bar.trades += 1
        bar.delta += side * quantity
        bar.min_delta, bar.max_delta = min(bar.min_delta, bar.delta), max(bar.max_delta, bar.delta)
        cell = bar.cells.setdefault(price // step, Cell())
        cell.trades += 1
        cell.buy += quantity if side == BUY else 0
        cell.sell += quantity if side == SELL else 0
        cell.unknown += quantity if side == UNKNOWN else 0
    return bars


def delta_path(signed: Iterable[int]) -> tuple[int, int, int]:
    """Return the delta, its lowest and its highest value on the way, from 0 (3.1)."""
    delta = low = high = 0
    for quantity in signed:
        delta += quantity
        low, high = min(low, delta), max(high, delta)
    return delta, low, high


def cvd(deltas: Sequence[int], sessions: Sequence[object] | None = None) -> list[int]:
    """Return the running sum, back to 0 at the first bar of each session (3.2)."""
    sums: list[int] = []
    for i, delta in enumerate(deltas):
        fresh = i == 0 or (sessions is not None and sessions[i] != sessions[i - 1])
        sums.append(delta if fresh else sums[-1] + delta)
    return sums


def poc(volume: Sequence[int], tie: str = "centre") -> int:
    """Return the row with the most volume; a tie goes to the row nearest the middle, then to the lower one (4.1)."""
    middle = Fraction(len(volume) - 1, 2)
    most = max(volume)
    tied = [i for i, v in enumerate(volume) if v == most]
    return tied[0] if tie == "lowest" else min(tied, key=lambda i: (abs(i - middle), i))


def value_area(
    volume: Sequence[int], pct: Fraction, method: str = "two_row", tie: str = "centre"
) -> tuple[int, int, int, int]:
    """Return (poc, val, vah, volume inside) of a contiguous row array (4.2)."""
    centre = poc(volume, tie)
    target = pct / 100 * sum(volume)
    low = high = centre
    inside = volume[centre]
    stride = 2 if method == "two_row" else 1
    while inside < target and (low > 0 or high < len(volume) - 1):
        above, below = volume[high + 1 : high + 1 + stride], volume[max(0, low - stride) : low]
        if not above or not below:
            up = bool(above)
        elif sum(above) != sum(below):
            up = sum(above) > sum(below)
        else:
            up = method == "two_row" or tie == "lowest" or high + 1 - centre <= centre - (low - 1)
        chosen = above if up else below
        if method == "one_row_capped" and inside + sum(chosen) > target:
            break
        inside += sum(chosen)
        if up:
            high += len(above)
        else:
            low -= len(below)
    return centre, low, high, inside


def _hit(strong: int, weak: int, percent: int, least: int, compare: str, zero: str) -> bool:
    if strong <= 0 or strong < least:
        return False
    if weak == 0 and zero != "as_one":
        return zero == "infinite"
    against = percent * (weak or 1)
    return 100 * strong > against if compare == "gt" else 100 * strong >= against


def imbalances(
    rows: Sequence[tuple[int, int]], percent: int, least: int, compare: str = "ge", zero: str = "infinite"
) -> tuple[list[int], list[int]]:
    """Return the rows with a buy and with a sell imbalance of (sell, buy) volumes, low to high (5.1)."""
    buys = [r for r in range(1, len(rows)) if _hit(rows[r][1], rows[r - 1][0], percent, least, compare, zero)]
    sells = [r for r in range(len(rows) - 1) if _hit(rows[r][0], rows[r + 1][1], percent, least, compare, zero)]
    return buys, sells


def stacks(flagged: Iterable[int], at_least: int) -> list[tuple[int, int]]:
    """Return the first and last row of every maximal run of adjacent rows that is long enough (5.2)."""
    runs: list[list[int]] = []
    for row in sorted(flagged):
        if runs and row == runs[-1][1] + 1:
            runs[-1][1] = row
        else:
            runs.append([row, row])
    return [(low, high) for low, high in runs if high - low + 1 >= at_least]


def min_volume(previous: Sequence[Mapping[int, Cell]], percentile: int = 75) -> int:
    """Return the nearest-rank percentile of the non-zero one-sided cells of the bars before, at least 1 lot (5.1)."""
    cells = sorted(v for bar in previous for cell in bar.values() for v in (cell.buy, cell.sell) if v > 0)
    if not cells:
        return 1
    return max(1, cells[-(-len(cells) * percentile // 100) - 1])
