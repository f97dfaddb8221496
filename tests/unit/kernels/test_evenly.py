"""Volume spread evenly over ticks: plain Python's answer, nothing lost, no overflow."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from footloom.kernels.evenly import spread

MOST = (1 << 20) - 2


def plain(lots: int, start: int, end: int, most: int) -> list[tuple[int, int, int]]:
    steps = min(abs(end - start) + 1, most)
    edges = [lots * i // steps for i in range(steps + 1)]
    way = 1 if end >= start else -1
    ticks = [start + way * (abs(end - start) * i // max(1, steps - 1)) for i in range(steps)]
    return [(edges[i + 1] - edges[i], ticks[i], i + 1) for i in range(steps) if edges[i + 1] > edges[i]]


@given(
    st.lists(st.tuples(st.integers(1, 2**60), st.integers(-60, 60), st.integers(-60, 60)), min_size=1, max_size=20),
    st.integers(1, 130),
)
def test_plain_python_spreads_alike(events: list[tuple[int, int, int]], most: int) -> None:
    lots, start, end = (np.array(column, np.int64) for column in zip(*events, strict=True))
    place = np.arange(0, len(events), 2)
    at, shares, ticks, piece = spread(place, lots, start, end, most)
    expected = [(i, *row) for i in place.tolist() for row in plain(*events[i], most)]
    assert list(zip(at.tolist(), shares.tolist(), ticks.tolist(), piece.tolist(), strict=True)) == expected
    assert sum(shares.tolist()) == sum(lots[place].tolist())


def test_a_fall_through_everything_takes_so_many_ticks_and_no_more() -> None:
    one = np.array([2**61], np.int64)
    at, shares, ticks, piece = spread(np.array([0]), one, np.array([2**61]), np.array([-(2**61)]), MOST)
    assert len(at) == MOST
    assert int(shares.sum()) == 2**61
    assert (ticks[0], ticks[-1], piece[-1]) == (2**61, -(2**61), MOST)
    assert (np.diff(ticks) < 0).all()


def test_nothing_to_spread() -> None:
    none = np.empty(0, np.int64)
    assert [len(column) for column in spread(none, none, none, none, MOST)] == [0, 0, 0, 0]
