"""How often charts are shown: at most once a screen refresh, and more rarely where that would fill the event loop.

A loop that is full shows everything late. One that shows each chart a little more rarely has time left, so that what it
shows is new.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Self

__all__ = ("FLUSH_S", "Tempo")

FLUSH_S = 0.016  # the first change goes out at once, then at most once a screen refresh
_MOST_S = 0.048  # three refreshes: still moving to the eye
_LOOK_S = 0.25
_SHARE = 0.45  # of the time that charts may take: the rest is for sockets, journal and requests
_EASE = 0.9  # back to the usual pace by steps


class Tempo:
    """The time between two frames of a chart, ``interval_s``; all charts of a server share it.

    Parameters
    ----------
    least_s
        Where there is time enough.
    clock
        For tests.
    """

    def __init__(self, least_s: float = FLUSH_S, clock: Callable[[], float] = time.perf_counter) -> None:
        self.interval_s = self._least_s = least_s
        self._clock = clock
        self._looked_s = clock()
        self._busy_s = self._begun_s = 0.0
        self._depth = 0

    def working(self) -> Self:
        """Count the time that folding and showing takes, in a ``with``."""
        return self

    # A generator would take as long as some of what is counted.
    def __enter__(self) -> None:
        if not self._depth:
            self._begun_s = self._clock()
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if self._depth:
            return
        now_s = self._clock()
        self._busy_s += now_s - self._begun_s
        if now_s - self._looked_s >= _LOOK_S:
            self._look(now_s)

    def _look(self, now_s: float) -> None:
        share = self._busy_s / (now_s - self._looked_s)
        self._busy_s, self._looked_s = 0.0, now_s
        wanted_s = self.interval_s * max(share / _SHARE, _EASE)
        self.interval_s = max(self._least_s, min(wanted_s, _MOST_S))
