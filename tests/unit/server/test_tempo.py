"""Charts are shown more rarely where showing them would fill the loop, and as before when it has time again."""

from __future__ import annotations

import pytest

from footloom.server.live.tempo import FLUSH_S, Tempo


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def shown(tempo: Tempo, clock: Clock, cost_s: float, seconds: float) -> None:
    """Show 50 charts at the tempo, each at a cost; a loop that cannot keep up comes late."""
    end_s = clock.now_s + seconds
    while clock.now_s < end_s:
        begun_s = clock.now_s
        for _ in range(50):
            with tempo.working():
                clock.now_s += cost_s
        clock.now_s = max(clock.now_s, begun_s + tempo.interval_s)


def test_charts_give_way_under_load_and_come_back() -> None:
    clock = Clock()
    tempo = Tempo(clock=clock)
    shown(tempo, clock, 0.000_050, 2.0)
    assert tempo.interval_s == FLUSH_S, "2.5 ms of 16"
    shown(tempo, clock, 0.000_300, 4.0)
    assert 0.030 < tempo.interval_s < 0.037, "15 ms of 33: less than half of the time"
    shown(tempo, clock, 0.002, 4.0)
    assert tempo.interval_s == 0.048, "no more rarely than three refreshes"
    shown(tempo, clock, 0.000_050, 8.0)
    assert tempo.interval_s == FLUSH_S


@pytest.mark.parametrize("least_s", [0.0, 3600.0])
def test_what_was_asked_for_is_the_least(least_s: float) -> None:
    clock = Clock()
    tempo = Tempo(least_s, clock)
    for _ in range(10):
        with tempo.working():
            clock.now_s += 0.1
    assert tempo.interval_s >= least_s
