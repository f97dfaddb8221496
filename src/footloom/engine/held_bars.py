"""The final bars of a live chart: joined now and then, and only so many of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from footloom.core.footprint import BAR_GAP
from footloom.core.messages import Gap
from footloom.core.sessions import DAY_NS, Calendar
from footloom.core.trades import I64
from footloom.engine.build import gap_flags
from footloom.engine.frame import ChartFrame
from footloom.engine.open_bar import joined

__all__ = ("HeldBars", "two_sessions_ns")

_REST_NS = 10 * DAY_NS  # no market rests longer
_APART = 256  # frames of a bar or so that are kept apart before they are joined


def two_sessions_ns(market: Calendar, ts_ns: int) -> int:
    """Return when the session before that of a time began, ns UTC."""
    spans = market.spans(ts_ns - _REST_NS, ts_ns + 1)
    opens = spans.start_ns[spans.in_session]
    return int(opens[-2]) if len(opens) > 1 else -(2**63)


class HeldBars:
    """Final bars, oldest first.

    Those before a time that its owner gives are dropped where ``least`` others stand behind them; and never are there
    many more than ``most``.
    """

    def __init__(self, least: int, most: int) -> None:
        self.dropped = 0
        self._least = least
        self._most = max(least, most)
        self._frames: list[ChartFrame] = []
        self._apart = 0  # how many of the last of them were not joined yet
        self._count = 0
        self._news = 0  # bars since the last time that some could be dropped

    def __len__(self) -> int:
        return self._count

    @property
    def frames(self) -> Sequence[ChartFrame]:
        """The bars, in frames of one or more."""
        return self._frames

    @property
    def first_ns(self) -> int | None:
        """When the first bar opens, ns UTC; None where there is none."""
        return self._frames[0].open_ns if self._frames else None

    def reset_to(self, frame: ChartFrame) -> None:
        """Hold these bars and no others."""
        self._frames, self._apart, self._count = ([frame] if len(frame) else []), 0, len(frame)

    def opens_since(self, from_ns: int, shown: ChartFrame | None) -> I64:
        """Return when the bars from a time on open, and those of ``shown`` behind them, ns UTC."""
        frames = [*self._frames, *([] if shown is None else [shown])]
        every = np.concatenate([np.empty(0, np.int64), *(frame.footprint.bars.open_ns for frame in frames)])
        return every[int(np.searchsorted(every, from_ns)) :]

    def take_since(self, from_ns: int) -> ChartFrame | None:
        """Give the bars back that open at a time or later; None where there is none."""
        taken: list[ChartFrame] = []
        while self._frames and int(self._frames[-1].footprint.bars.open_ns[-1]) >= from_ns:
            frame = self._frames.pop()
            self._apart = max(0, self._apart - 1)
            cut = int(np.searchsorted(frame.footprint.bars.open_ns, from_ns))
            taken.append(frame.slice(cut, len(frame)))
            self._count -= len(taken[-1])
            if cut:
                self._frames.append(frame.slice(0, cut))
        return joined(taken[::-1]) if taken else None

    def last(self, count: int) -> ChartFrame | None:
        """Return the last ``count`` bars, fewer where there are not so many; None where there is none."""
        found: list[ChartFrame] = []
        for frame in reversed(self._frames):
            found.append(frame)
            if sum(map(len, found)) >= count:
                break
        if not found:
            return None
        last = joined(found[::-1])
        return last.slice(max(0, len(last) - count), len(last))

    def append(self, frame: ChartFrame) -> bool:
        """Take bars behind the last; say whether it is time to `drop` some."""
        self._frames.append(frame)
        self._count += len(frame)
        self._apart += 1
        if self._apart > _APART:
            self._frames[-self._apart :] = [joined(self._frames[-self._apart :])]  # what was joined stands
            self._apart = 0
        self._news += len(frame)
        if self._news < _APART:
            return False
        self._news = 0
        return True

    def drop(self, before_ns: int) -> int:
        """Drop old bars, where that is worth the copying; returns how many."""
        old = sum(
            int(np.searchsorted(frame.footprint.bars.close_ns, before_ns, side="right")) for frame in self._frames
        )
        count = max(min(old, self._count - self._least), self._count - self._most)
        if count < max(_APART, self._count // 8):
            return 0
        whole = joined(self._frames)
        self.reset_to(whole.slice(count, len(whole)).apart())
        self.dropped += count
        return count

    def mark(self, gaps: Sequence[Gap], news: Sequence[Gap]) -> list[ChartFrame]:
        """Flag the bars that ``gaps`` touch and no others, where ``news`` lie; returns those that changed."""
        last_ns = int(self._frames[-1].footprint.bars.close_ns[-1]) if self._frames else 0
        if not self._frames or not any(gap.from_ns < last_ns for gap in news):
            return []
        whole = joined(self._frames)
        before = whole.footprint.bars.flags
        flags = (before & ~BAR_GAP) | gap_flags(whole.footprint, gaps)
        changed = np.flatnonzero(flags != before)
        if not len(changed):
            return []
        whole = whole.with_flags(flags)
        self.reset_to(whole)
        return [whole.slice(i, i + 1) for i in changed.tolist()]
