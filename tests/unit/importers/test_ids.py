"""Ids as runs: duplicates and holes, whatever the order and the blocks."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from footloom.feeds._import_ids import IdRuns


def in_plain_python(ids: list[int]) -> tuple[list[bool], list[tuple[int, int]]]:
    seen: set[int] = set()
    again = []
    for one in ids:
        again.append(one in seen)
        seen.add(one)
    there = sorted(seen)
    holes = [(a, b) for a, b in itertools.pairwise(there) if b != a + 1]
    return again, holes


@given(st.lists(st.integers(0, 30), max_size=60), st.lists(st.integers(0, 60), max_size=4))
def test_any_ids_in_any_blocks(ids: list[int], cuts: list[int]) -> None:
    runs, again = IdRuns(), []
    lines = np.arange(1, len(ids) + 1)
    edges = sorted({0, len(ids), *(cut for cut in cuts if cut < len(ids))})
    for start, stop in itertools.pairwise(edges):
        block = np.array(ids[start:stop], np.int64)
        again += runs.add(block, block * 10, lines[start:stop]).tolist()

    expected, holes = in_plain_python(ids)
    assert again == expected
    assert [(hole.after_id, hole.before_id) for hole in runs.holes()] == holes
    for hole in runs.holes():
        assert (hole.from_ns, hole.to_ns) == (hole.after_id * 10, hole.before_id * 10)
        assert (hole.after_line, hole.before_line) == (ids.index(hole.after_id) + 1, ids.index(hole.before_id) + 1)
        assert hole.missing == hole.before_id - hole.after_id - 1


def test_a_contiguous_month_is_one_run() -> None:
    runs = IdRuns()
    for start in range(0, 1_000_000, 100_000):
        ids = np.arange(start, start + 100_000)
        assert not runs.add(ids, ids, ids).any()
    assert runs.runs().shape == (6, 1)
