"""Receipts ascend, whatever is done to the wall clock, and a clock that was set is told."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from footloom.feeds.clock import ReceiptClock, StampedClock, clock_words

SECOND = 1_000_000_000
START = 1_764_738_254 * SECOND


@dataclass
class Hands:
    mono: int = 5 * SECOND
    wall: int = START
    told: list[str] = field(default_factory=list)

    def monotonic_ns(self) -> int:
        return self.mono

    def wall_ns(self) -> int:
        return self.wall

    async def sleep(self, _seconds: float) -> None: ...

    def pass_s(self, seconds: float, *, wall_s: float | None = None) -> None:
        self.mono += int(seconds * SECOND)
        self.wall += int((seconds if wall_s is None else wall_s) * SECOND)


def receipts(hands: Hands, seconds: int) -> list[float]:
    return [(hands.pass_s(1), hands.clock.now_ns() - START)[1] / SECOND for _ in range(seconds)]


def made() -> Hands:
    hands = Hands()
    hands.clock = ReceiptClock(hands, hands.told.append)
    return hands


def test_receipts_are_the_wall_clock_where_nobody_touches_it() -> None:
    hands = made()

    assert receipts(hands, 4) == [1.0, 2.0, 3.0, 4.0]
    assert hands.told == []


def test_a_clock_that_drifts_is_followed_without_a_word() -> None:
    hands = made()
    hands.pass_s(100, wall_s=100.01)
    hands.clock.now_ns()

    assert hands.clock.now_ns() == hands.wall
    assert hands.told == []


def test_a_clock_that_is_set_forward_is_followed_at_once_and_told() -> None:
    hands = made()
    hands.pass_s(1, wall_s=3601)

    hands.clock.now_ns()
    assert hands.clock.now_ns() == hands.wall
    assert len(hands.told) == hands.clock.steps == 1
    assert "forward by 3600.000 s" in hands.told[0]


def test_a_clock_that_is_set_back_is_told_once_and_caught_up_with_slowly() -> None:
    hands = made()
    hands.pass_s(1, wall_s=-9)
    seen = [hands.clock.now_ns()]
    for _ in range(150):
        hands.pass_s(1)
        seen.append(hands.clock.now_ns())

    assert seen == sorted(set(seen))
    assert len(hands.told) == 1
    assert "back by 10.000 s" in hands.told[0]
    assert seen[-1] == hands.wall
    assert hands.clock.text == ""


def stamped(ahead_s: float, *, every_s: float = 0.3, seconds: int = 90, whole_s: bool = False) -> StampedClock:
    """Messages that are 20 to 200 ms on their way, heard by a clock that is ahead."""
    clock = StampedClock()
    for number in range(int(seconds / every_s)):
        at_ns = START + int(number * every_s * SECOND)
        late_ns = (20 + number * 37 % 180) * 10**6
        clock.note(at_ns // SECOND * SECOND if whole_s else at_ns, at_ns + late_ns + int(ahead_s * SECOND))
    return clock


@pytest.mark.parametrize("ahead_s", [-5.5 * 3600, -2.0, 0.0, 0.4, 90.0])
def test_stamps_tell_how_far_our_clock_is_ahead(ahead_s: float) -> None:
    assert stamped(ahead_s).offset_ms == pytest.approx(ahead_s * 1e3 + 20, abs=5)


@pytest.mark.parametrize(("ahead_s", "told"), [(0.0, (-1, 250)), (60.0, (59_000, 60_250)), (-3.0, (-3_001, -2_700))])
def test_stamps_of_whole_seconds_tell_it_to_the_second(ahead_s: float, told: tuple[float, float]) -> None:
    offset_ms = stamped(ahead_s, whole_s=True).offset_ms

    assert offset_ms is not None
    assert told[0] <= offset_ms <= told[1]


def test_a_market_that_rests_tells_nothing_of_our_clock() -> None:
    assert stamped(0, seconds=3).offset_ms is None
    for apart_s in (1e-9, 3600.0):
        clock = StampedClock()
        for number in range(200):  # what was last said of each, hours ago
            clock.note(START - int((7 - number % 7) * apart_s * SECOND), START + number * SECOND // 4)
        assert clock.offset_ms is None


def test_a_clock_that_is_off_is_told_by_the_venue_that_it_is_furthest_from() -> None:
    said = clock_words([("a:X", 100.0), ("b:Y", -4e3), ("c:Z", None)], 250.0)
    assert said == "this machine's clock is 4,000 ms behind b's: footloom doctor says what to do"
    assert "900 ms ahead of a's" in clock_words([("a:X", 900.0)], 250.0)
    assert not clock_words([("a:X", -250.0), ("b:Y", None)], 250.0)
    assert not clock_words([], 250.0)
