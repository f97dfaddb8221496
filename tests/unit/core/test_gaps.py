"""What is still missing, by hand and against a picture of every nanosecond."""

from __future__ import annotations

import numpy as np
import pytest

from footloom.core.gaps import open_gaps
from footloom.core.messages import Gap

Stretch = tuple[int, int, int | None]


def lost(from_ns: int, to_ns: int, missing: int | None = None, cause: str = "cut") -> Gap:
    return Gap(symbol="BTCUSDT", from_ns=from_ns, to_ns=to_ns, cause=cause, missing=missing)


def found(from_ns: int, to_ns: int, missing: int | None = None) -> Gap:
    return Gap(symbol="BTCUSDT", from_ns=from_ns, to_ns=to_ns, cause="backfill", missing=missing, healed=True)


@pytest.mark.parametrize(
    ("records", "left"),
    [
        ([lost(0, 10, 5)], [(0, 10, 5)]),
        ([lost(0, 10, 5), found(0, 10)], []),
        ([lost(2, 8), lost(4, 5), found(0, 10, 9)], []),
        ([lost(0, 10, 5), found(0, 4, 3)], [(4, 10, 2)]),
        ([lost(0, 10, 5), found(6, 20, 9)], [(0, 6, 0)]),
        ([lost(0, 10, 5), found(0, 4)], [(4, 10, None)]),
        ([lost(0, 10), found(0, 4, 2)], [(4, 10, None)]),
        ([lost(0, 10, 5), found(3, 4, 1)], [(0, 3, None), (4, 10, None)]),
        ([lost(0, 10), found(10, 20), found(-5, 0)], [(0, 10, None)]),
        ([found(0, 10), lost(0, 10, 5)], [(0, 10, 5)]),
        ([lost(0, 10, 5), found(0, 10), lost(0, 10, 5)], [(0, 10, 5)]),
        ([lost(5, 5, 1), found(5, 5, 1)], []),
        ([lost(5, 5, 1), found(6, 9)], [(5, 5, 1)]),
        ([lost(0, 10, 5), lost(0, 10, 5)], [(0, 10, 5)]),
    ],
)
def test_what_is_left(records: list[Gap], left: list[Stretch]) -> None:
    assert [(gap.from_ns, gap.to_ns, gap.missing) for gap in open_gaps(records)] == left


def test_what_is_left_keeps_its_cause() -> None:
    assert {gap.cause for gap in open_gaps([lost(0, 10), found(3, 4)])} == {"cut"}


def test_any_records_leave_open_what_was_lost_and_not_found_since(rng: np.random.Generator) -> None:
    for _ in range(300):
        records = []
        is_open = np.zeros(60, np.bool_)
        for _ in range(rng.integers(1, 9)):
            first, last = sorted(rng.choice(60, 2, replace=False).tolist())
            record = found(first, last) if rng.random() < 0.5 else lost(first, last)
            records.append(record)
            is_open[first:last] = not record.healed
        seen = np.zeros(60, np.bool_)
        for gap in open_gaps(records):
            assert gap.from_ns < gap.to_ns
            seen[gap.from_ns : gap.to_ns] = True
        assert seen.tolist() == is_open.tolist(), records
