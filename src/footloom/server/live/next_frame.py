"""When the next frame of one chart leaves: at most once a screen refresh, and mostly together with a new row."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from footloom.server.live.tempo import FLUSH_S, Tempo
from footloom.server.wire.frames import Heard

__all__ = ("NextFrame",)

_PATIENCE_S = FLUSH_S  # so long a row waits for another, to be shown with it
_MOST_AGE_S = 0.022  # and not at all once it was received so long ago: it has waited for the disk already


class NextFrame:
    """Says whether a frame may leave now, and calls ``show`` a while later where it may not.

    The first change leaves at once, the next ones at the tempo of all charts. Where that has to be waited for, a frame
    leaves with the first row behind that time: it shows something newer than one that leaves by the clock. Where no row
    comes, it leaves by the clock, a while behind the newest one. All of it on the event loop.
    """

    def __init__(self, tempo: Tempo, show: Callable[[], None]) -> None:
        self._tempo = tempo
        self._show = show
        self._left_s = float("-inf")  # when the last one left
        self._until_s = float("-inf")  # so long the newest row waits for another
        self._timer: asyncio.TimerHandle | None = None
        self._rings_s = float("-inf")

    def is_due(self, heard: Heard | None) -> bool:
        """Say whether a frame may leave; ``heard`` are the receipts of what it would show, None where nobody asks."""
        now_s = asyncio.get_running_loop().time()
        due_s = self._left_s + self._tempo.interval_s
        if due_s <= now_s:
            return True
        self._until_s = max(due_s, now_s + _patience_s(heard))
        if self._timer is None or self._until_s < self._rings_s:
            self._set()
        return False

    def note_left(self) -> None:
        """Note that one has left: nothing waits."""
        self.stop()
        self._left_s = asyncio.get_running_loop().time()

    def stop(self) -> None:
        """Wait for nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self) -> None:
        self.stop()
        self._rings_s = self._until_s
        self._timer = asyncio.get_running_loop().call_at(self._rings_s, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._until_s > asyncio.get_running_loop().time():  # a row came behind the one that it was set for
            self._set()
        else:
            self._show()


def _patience_s(heard: Heard | None) -> float:
    if heard is None:
        return _PATIENCE_S
    return min(_PATIENCE_S, _MOST_AGE_S - (time.time_ns() - heard[1]) / 1e9)
