"""Figures of a running feed, for a page of metrics and a status line."""

from __future__ import annotations

import bisect

import msgspec

__all__ = ("FeedFigures", "Figures", "Spread")

_PER_DOUBLING, _DOUBLINGS = 32, 20
_SMALLEST_S = 1e-5
# Where each bucket ends and the next begins; the first takes what is shorter too, the last what is longer.
_EDGES_S = [
    _SMALLEST_S * 2.0**doublings * (1 + part / _PER_DOUBLING)
    for doublings in range(_DOUBLINGS)
    for part in range(_PER_DOUBLING)
][1:]


class Spread:
    """How long something took, as counts in buckets of three per cent at the most: small, and exact enough."""

    def __init__(self) -> None:
        self.count = 0
        self.total_s = 0.0
        self.longest_s = 0.0
        self._counts = [0] * (len(_EDGES_S) + 1)

    def note(self, seconds: float, times: int = 1) -> None:
        """Take in one duration, which was seen so often."""
        self.count += times
        self.total_s += times * seconds
        self.longest_s = max(self.longest_s, seconds)
        self._counts[bisect.bisect_right(_EDGES_S, seconds)] += times

    def below_s(self, share: float) -> float | None:
        """Return the duration that a share of all were no longer than, None where there were none."""
        left = share * self.count
        for place, count in enumerate(self._counts):
            left -= count
            if count and left <= 0:
                return min([self.longest_s, *_EDGES_S[place : place + 1]])
        return None

    def within(self, seconds: float) -> int:
        """Return how many took no longer than a duration, to the width of a bucket."""
        if seconds >= self.longest_s:
            return self.count
        return sum(self._counts[: bisect.bisect_right(_EDGES_S, seconds)])


class FeedFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One venue: messages since the start, those that wait now, frames that could not be understood."""

    venue: str
    frames: int
    waiting: int
    quarantined: int
    connections: int
    losses: int
    duplicates: int
    late: int
    off_grid: int
    book_breaks: int
    offset_ms: float | None


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The journal and all venues. ``lag_ms`` is how old the oldest message is that is not published yet.

    Commits are timed from the hand-over of their rows until these are durable.
    """

    commits: int
    rows: int
    commit_p50_ms: float | None
    commit_p99_ms: float | None
    commit_longest_ms: float
    unrecorded_rows: int
    refused_rows: int
    dropped_rows: int
    lag_ms: float
    clock_steps: int
    feeds: tuple[FeedFigures, ...]
