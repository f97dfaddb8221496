"""Appends are paced and timed by the clock that is given, late commits take what is due."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from footloom.core.trades import Trades
from footloom.store import Recordable
from footloom.testing.append_times import Pace, timed_appends


class SlowStore:
    """Takes so long for each append."""

    def __init__(self, clock: list[float], takes_s: float) -> None:
        self.clock, self.takes_s, self.counts = clock, takes_s, list[int]()

    def append(self, block: Recordable) -> int:
        self.clock[0] += self.takes_s
        self.counts.append(len(block))
        return 0


@pytest.mark.parametrize(
    ("takes_ms", "commits", "delay_ms"), [(0.5, 500, 2.3), (4.0, 249, 8.0)], ids=["in time", "too slow"]
)
def test_times(make_trades: Callable[..., Trades], takes_ms: float, commits: int, delay_ms: float) -> None:
    clock = [100.0]
    store = SlowStore(clock, takes_ms / 1_000)
    asked: list[tuple[int, int]] = []

    def rows(first: int, count: int) -> Trades:
        asked.append((first, count))
        return make_trades(count)

    def wait(seconds: float) -> None:
        clock[0] += seconds

    found = timed_appends(store, rows, Pace(rows_per_s=5_000, seconds=1.0), clock=lambda: clock[0], wait=wait)

    assert found.commits == pytest.approx(commits, abs=2)
    assert found.append_p50_ms == pytest.approx(takes_ms)
    assert found.delay_p50_ms == pytest.approx(delay_ms, abs=0.3)
    assert found.rows == sum(count for _, count in asked) == pytest.approx(5_000, abs=30)
    assert asked[1][0] == asked[0][1]


def test_nothing_due_is_nothing_timed() -> None:
    clock = [0.0]
    store = SlowStore(clock, 1.0)

    def wait(seconds: float) -> None:
        clock[0] += seconds

    found = timed_appends(
        store, lambda _first, _count: pytest.fail("no row is due"), Pace(rows_per_s=0.1, commit_s=0.5, seconds=2.0),
        clock=lambda: clock[0], wait=wait,
    )  # fmt: skip
    assert (found.rows, found.commits, found.append_p99_ms) == (0, 0, 0.0)
