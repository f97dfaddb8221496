"""Which time it is, for everything that connects: one place, so that a test can say it.

Receipts are counted by the monotonic clock, to which the wall clock is fitted: when somebody sets the wall clock, the
tape does not jump with it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from typing import Protocol

__all__ = ("Clock", "ReceiptClock", "StampedClock", "SystemClock", "clock_words")

_LOG = logging.getLogger(__name__)

_STEP_NS = 250_000_000  # a wall clock that is off by more was set, not disciplined
_SLEW = 10  # a clock that was set back is followed by losing one part in ten
_LOOK_NS = 1_000_000_000
_WINDOW_NS, _SURE_NS = 60 * 10**9, 5 * 10**9
_SECOND_NS = 10**9


class Clock(Protocol):
    """What time it is, and waiting."""

    def monotonic_ns(self) -> int:
        """Return a time that never goes back, ns from any beginning."""

    def wall_ns(self) -> int:
        """Return the wall clock, ns UTC."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's own clocks."""

    monotonic_ns = staticmethod(time.monotonic_ns)
    wall_ns = staticmethod(time.time_ns)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class ReceiptClock:
    """The time of receipts, ns UTC, ascending whatever becomes of the wall clock.

    A wall clock that runs a little fast or slow is followed at once, one that was set forward too. One that was set
    back is followed slowly: receipts lose a tenth of the time until both agree, so that the tape stays in order.
    ``steps`` counts how often it was set, ``text`` says what was found while the two differ.
    """

    def __init__(self, clock: Clock, tell: Callable[[str], None] = _LOG.warning) -> None:
        self._clock = clock
        self._tell = tell
        self._mono_ns = clock.monotonic_ns()
        self._at_ns = clock.wall_ns()
        self._looked_ns = self._mono_ns
        self._behind_ns = 0  # how far the wall clock is behind receipts
        self.steps = 0
        self.text = ""

    def now_ns(self) -> int:
        """Return the time of something that is received now, ns UTC; never less than before."""
        mono_ns = self._clock.monotonic_ns()
        passed_ns = mono_ns - self._mono_ns
        if self._behind_ns > 0:
            lost_ns = min(self._behind_ns, passed_ns // _SLEW)
            self._behind_ns -= lost_ns
            passed_ns -= lost_ns
        self._mono_ns, self._at_ns = mono_ns, self._at_ns + passed_ns
        if mono_ns - self._looked_ns >= _LOOK_NS:
            self._looked_ns = mono_ns
            self._fit()
        return self._at_ns

    def _fit(self) -> None:
        ahead_ns = self._clock.wall_ns() - self._at_ns
        if abs(ahead_ns + self._behind_ns) > _STEP_NS:
            self.steps += 1
            way = "forward" if ahead_ns + self._behind_ns > 0 else "back"
            self._tell(
                f"this machine's clock was set {way} by {abs(ahead_ns + self._behind_ns) / 1e9:.3f} s while recording: "
                "let it be disciplined by NTP; no row is lost, receipts go on in order"
            )
        if ahead_ns >= 0:
            self._at_ns += ahead_ns
            self._behind_ns = 0
        else:
            self._behind_ns = -ahead_ns
        seconds = self._behind_ns / 1e9
        self.text = f"receipts are {seconds:.1f} s ahead of a clock that was set back" if seconds > 0.25 else ""


class StampedClock:
    """How far our clock is ahead of one that stamps its messages and tells its time in no other way.

    That is the least delay of a minute: on its way a message only gets later. Stamps count that go on as time does;
    what a market says that rests has the time of long ago. A stamp of whole seconds may be up to a second older.
    """

    def __init__(self) -> None:
        self._told: float | None = None
        self._begin(0, 0)

    def _begin(self, sent_ns: int, recv_ns: int) -> None:
        self._first = self._last = (sent_ns, recv_ns)
        self._least = recv_ns - sent_ns
        self._in_seconds = True

    def note(self, sent_ns: int, recv_ns: int) -> None:
        """Take in when a message was sent by its own word, and when it was received; ns UTC each."""
        first_ns = self._first[1]
        if not first_ns <= recv_ns < first_ns + _WINDOW_NS:
            self._told = self._offset_ms()
            self._begin(sent_ns, recv_ns)
        self._least = min(recv_ns - sent_ns, self._least)
        self._in_seconds &= not sent_ns % _SECOND_NS
        self._last = (max(sent_ns, self._last[0]), recv_ns)

    @property
    def offset_ms(self) -> float | None:
        """Milliseconds that our clock is ahead; None until that is known."""
        now = self._offset_ms()
        return self._told if now is None else now

    def _offset_ms(self) -> float | None:
        sent_ns, recv_ns = (last - first for first, last in zip(self._first, self._last, strict=True))
        if recv_ns < _SURE_NS or not recv_ns // 2 <= sent_ns <= 2 * recv_ns:
            return None
        least_ns = self._least
        return (max(least_ns - _SECOND_NS, min(least_ns, 0)) if self._in_seconds else least_ns) / 1e6


def clock_words(offsets: Iterable[tuple[str, float | None]], most_ms: float) -> str:
    """Say how far our clock is off, if by more than ``most_ms``: the worst of some (key, milliseconds ahead)."""
    known = [(offset_ms, key.partition(":")[0]) for key, offset_ms in offsets if offset_ms is not None]
    offset_ms, venue = max(known, key=lambda pair: abs(pair[0]), default=(0.0, ""))
    if abs(offset_ms) <= most_ms:
        return ""
    way = "ahead of" if offset_ms > 0 else "behind"
    return f"this machine's clock is {abs(offset_ms):,.0f} ms {way} {venue}'s: footloom doctor says what to do"
