"""When a chart's next frame leaves; times in milliseconds since the first one left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from footloom.server.live import next_frame
from footloom.server.live.next_frame import NextFrame
from footloom.server.live.tempo import Tempo

BEGUN_NS = 1_767_225_600_000_000_000


@dataclass
class Timer:
    at_s: float
    ring: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


@dataclass
class Loop:
    """An event loop, and a wall clock, whose time goes on when it is told to."""

    now_s: float = 100.0
    timers: list[Timer] = field(default_factory=list)

    def time(self) -> float:
        return self.now_s

    def time_ns(self) -> int:
        return BEGUN_NS + round((self.now_s - 100.0) * 1e9)

    def get_running_loop(self) -> Loop:
        return self

    def call_at(self, at_s: float, ring: Callable[[], None]) -> Timer:
        self.timers.append(Timer(at_s, ring))
        return self.timers[-1]

    def at(self, ms: float) -> None:
        """Let it be so late, and ring what has to ring until then."""
        while due := [one for one in self.timers if not one.cancelled and one.at_s <= 100.0 + ms / 1e3 + 1e-9]:
            first = min(due, key=lambda one: one.at_s)
            self.timers.remove(first)
            self.now_s = max(self.now_s, first.at_s)
            first.ring()
        self.now_s = 100.0 + ms / 1e3


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Loop:
    loop = Loop()
    monkeypatch.setattr(next_frame, "asyncio", loop)
    monkeypatch.setattr(next_frame, "time", loop)
    return loop


@pytest.mark.parametrize(
    ("rows", "shown"),
    [
        ([(2, 0)], [18]),  # sixteen behind the row
        ([(2, 0), (10, 0)], [26]),  # behind the newest
        ([(2, 0), (16.5, 0)], [16.5]),  # with the first row that may go with it
        ([(2, 0), (10, 0), (17, 0), (18, 0)], [17, 34]),
        ([(2, 12)], [16]),  # received twelve before it came: its time is over before the next may leave
        ([(10, 8)], [24]),  # twenty-two behind its receipt
        ([(10, 0), (12, 9)], [25]),  # the newest one's say, although the other would have waited longer
        ([(15, 500)], [16]),  # received long ago
        ([(3, -50)], [19]),  # by a clock that is ahead
        ([(2, None)], [18]),  # nobody says when
    ],
)
def test_when_it_leaves(loop: Loop, rows: list[tuple[float, float | None]], shown: list[float]) -> None:
    """Rows come at a time, so many milliseconds behind their receipt."""
    left: list[float] = []

    def show() -> None:
        left.append(round((loop.now_s - 100.0) * 1e3, 3))
        frame.note_left()

    frame = NextFrame(Tempo(), show)
    assert frame.is_due(None), "the first at once"
    frame.note_left()
    for at_ms, age_ms in rows:
        loop.at(at_ms)
        received_ns = loop.time_ns() - round((age_ms or 0) * 1e6)
        if frame.is_due(None if age_ms is None else (received_ns, received_ns)):
            show()
    loop.at(1_000)
    assert left == shown


def test_what_is_stopped_shows_nothing(loop: Loop) -> None:
    left: list[float] = []
    frame = NextFrame(Tempo(), lambda: left.append(loop.now_s))
    frame.note_left()
    assert not frame.is_due(None)
    frame.stop()
    loop.at(1_000)
    assert left == []
