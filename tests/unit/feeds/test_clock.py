"""Receipts ascend, whatever is done to the wall clock, and a clock that was set is told."""

from __future__ import annotations

from dataclasses import dataclass, field

from footloom.feeds.clock import ReceiptClock

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
