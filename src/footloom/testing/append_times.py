"""What a group commit costs: rows of a steady stream, appended as they would be live, and timed.

Nothing here looks at a watch: the caller brings the clock and the wait.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec
import numpy as np

from footloom.store import Recordable

__all__ = ("AppendTimes", "Pace", "timed_appends")


class _Appends(Protocol):
    def append(self, block: Recordable) -> int: ...


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How fast rows arrive, the time between two commits, and for how long."""

    rows_per_s: float
    commit_s: float = 0.002
    seconds: float = 10.0


class AppendTimes(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds: ``append_`` from the call to its return, ``delay_`` from the first row's arrival to that return."""

    rows: int
    commits: int
    seconds: float
    append_p50_ms: float
    append_p99_ms: float
    delay_p50_ms: float
    delay_p99_ms: float
    delay_max_ms: float


def timed_appends(
    store: _Appends,
    rows: Callable[[int, int], Recordable],
    pace: Pace,
    clock: Callable[[], float],
    wait: Callable[[float], None],
) -> AppendTimes:
    """Append rows at a rate, one commit every so often; a commit that comes late takes all rows that are due by then.

    Parameters
    ----------
    store
        Open for writing.
    rows
        Makes rows by the number of the first and the count: ``rows(1_000, 10)``.
    pace
        How fast they arrive, and how often they are committed.
    clock, wait
        `time.perf_counter` and `time.sleep`.
    """
    start = clock()
    sent = 0
    appends: list[float] = []
    delays: list[float] = []
    due = start + pace.commit_s
    while due <= start + pace.seconds:
        wait(max(0.0, due - clock()))
        begun = clock()
        ready = int((begun - start) * pace.rows_per_s)
        if ready > sent:
            store.append(rows(sent, ready - sent))
            done = clock()
            appends.append(done - begun)
            delays.append(done - (start + (sent + 1) / pace.rows_per_s))
            sent = ready
        due = max(due + pace.commit_s, begun)
    took = clock() - start
    in_ms = 1_000 * np.array([*appends, 0.0][: max(1, len(appends))])
    late_ms = 1_000 * np.array([*delays, 0.0][: max(1, len(delays))])
    return AppendTimes(
        rows=sent,
        commits=len(appends),
        seconds=took,
        append_p50_ms=float(np.percentile(in_ms, 50)),
        append_p99_ms=float(np.percentile(in_ms, 99)),
        delay_p50_ms=float(np.percentile(late_ms, 50)),
        delay_p99_ms=float(np.percentile(late_ms, 99)),
        delay_max_ms=float(late_ms.max()),
    )
