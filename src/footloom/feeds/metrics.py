"""Figures of a running feed, for a page of metrics and a status line."""

from __future__ import annotations

import math

import msgspec

__all__ = ("FeedFigures", "Figures", "Spread")

_BUCKETS = 160
_PER_DOUBLING = 8  # a bucket is 9 % wide
_SMALLEST_S = 1e-5
_DOUBLINGS = _BUCKETS // _PER_DOUBLING


class Spread:
    """How long something took, as counts in buckets of nine per cent: small, and exact enough for percentiles."""

    def __init__(self) -> None:
        self.count = 0
        self.total_s = 0.0
        self.longest_s = 0.0
        self._counts = [0] * _BUCKETS

    def note(self, seconds: float, times: int = 1) -> None:
        """Take in one duration, which was seen so often."""
        self.count += times
        self.total_s += times * seconds
        self.longest_s = max(self.longest_s, seconds)
        part, doublings = math.frexp(max(seconds, _SMALLEST_S) / _SMALLEST_S)  # part is 0.5 up to 1
        if doublings > _DOUBLINGS:
            part, doublings = 1.0, _DOUBLINGS
        place = (doublings - 1) * _PER_DOUBLING
        self._counts[place + min(_PER_DOUBLING - 1, int((2 * part - 1) * _PER_DOUBLING))] += times

    def below_s(self, share: float) -> float | None:
        """Return the duration that a share of all were no longer than, None where there were none."""
        left = share * self.count
        for place, count in enumerate(self._counts):
            left -= count
            if count and left <= 0:
                doublings, part = divmod(place, _PER_DOUBLING)
                return min(self.longest_s, _SMALLEST_S * 2.0**doublings * (1 + (part + 1) / _PER_DOUBLING))
        return None

    def within(self, seconds: float) -> int:
        """Return how many took no longer than a duration, to the width of a bucket."""
        if seconds >= self.longest_s:
            return self.count
        found = 0
        for place, count in enumerate(self._counts):
            doublings, part = divmod(place, _PER_DOUBLING)
            if _SMALLEST_S * 2.0**doublings * (1 + (part + 1) / _PER_DOUBLING) > seconds:
                break
            found += count
        return found


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
