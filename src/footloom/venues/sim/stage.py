"""The director: plays the day's script on the market, phase by phase, and notes what came of each event."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from footloom.venues.sim._hash import Stream
from footloom.venues.sim._world import DRIVE, NEVER, NOTHING, SPAN, SWEEP
from footloom.venues.sim.market import run
from footloom.venues.sim.plan import SECONDS
from footloom.venues.sim.script import EventPlan, Phase, Trigger, make_script

__all__ = ("Played", "play_day")

_STAGE = 7
_LOOK_BACK, _LOOK_PAST = 25, 2  # minutes: a swing is the extreme of the last 25 that the last two did not set
_REACH = 9  # ticks from a swing at which a stop run begins


class Played(msgspec.Struct, frozen=True):
    """An event as it happened: microseconds of the day, ticks above the day's floor, rows of the tape."""

    plan: EventPlan
    reference: int
    from_us: int
    to_us: int
    first_trade: int
    last_trade: int  # excluded
    low_row: int
    high_row: int


def play_day(world: Any, seed: int, day: int) -> list[Played]:
    """Let a whole day pass in ``world``, with its script; return the events that happened, in time."""
    main, stops = make_script(seed, day)
    director = _Director(world, Stream(seed, day, _STAGE))
    waiting_stops = list(stops)
    for plan in main:
        director.watch(waiting_stops, until=plan.from_s)
        director.play_at_minute(plan)
    director.watch(waiting_stops, until=SECONDS)
    return director.played


class _Director:
    def __init__(self, world: Any, stream: Stream) -> None:
        self.w = world
        self.stream = stream
        self.second = 0
        self.played: list[Played] = []

    def run_to(self, second: int) -> None:
        # Let time pass; a request for the past is none.
        if second > self.second:
            run(self.w, self.second, second)
            self.second = second

    def watch(self, stops: list[EventPlan], until: int) -> None:
        # Plain flow, but for stop runs: one look a minute whether the price has come near a swing.
        while self.second < until and stops:
            stop = stops[0]
            if self.second > stop.until_s:
                stops.pop(0)
                continue
            lo, hi = stop.seconds_of_minute
            look = max(self.second - self.second % 60, stop.from_s - stop.from_s % 60) + self.stream.integer(lo, hi)
            look += 60 if look <= self.second else 0
            if look >= until:
                break
            self.run_to(look)
            reference = self.swing(stop.side)
            if reference is not None:
                stops.pop(0)
                self.play(stop, reference)
        self.run_to(until)

    def play_at_minute(self, plan: EventPlan) -> None:
        # Wait for the seconds of a minute that the event wants; drop it when other events have kept it waiting too
        # long.
        lo, hi = plan.seconds_of_minute
        now = self.second % 60
        start = self.second
        if not lo <= now <= hi:
            start += self.stream.integer(lo, hi) - now + (60 if now > hi else 0)
        if start <= plan.until_s:
            self.run_to(start)
            self.play(plan, self.reference(plan))

    def reference(self, plan: EventPlan) -> int:
        # The price that the event is measured from.
        w, up = self.w, plan.side > 0
        if plan.trigger is Trigger.OWN_TOUCH:
            return int(w["bid"] if up else w["ask"])
        if plan.trigger is Trigger.OTHER_TOUCH:
            return int(w["ask"] if up else w["bid"])
        return int(min(w["bid"], w["low"]) if up else max(w["ask"], w["high"]))

    def swing(self, side: int) -> int | None:
        # An extreme near the price that was left alone for some minutes.
        minute = self.second // 60
        if minute < _LOOK_BACK:
            return None
        past, recent = slice(minute - _LOOK_BACK, minute - _LOOK_PAST), slice(minute - _LOOK_PAST, minute)
        w = self.w
        if side > 0:
            extreme = int(w["highs"][past].max())
            untouched = extreme >= max(int(w["highs"][recent].max()), int(w["high"]))
            distance = extreme - int(w["ask"])
        else:
            extreme = int(w["lows"][past].min())
            untouched = extreme <= min(int(w["lows"][recent].min()), int(w["low"]))
            distance = int(w["bid"]) - extreme
        return extreme if untouched and 1 <= distance <= _REACH else None

    def play(self, plan: EventPlan, reference: int) -> None:
        label = None
        for phase in plan.phases:
            self.enter(plan, phase, reference)
            before, second = int(self.w["trades"]), self.second
            self.run_to(min(SECONDS, second + int(phase.seconds)))
            if phase.labelled:
                label = self.label(plan, reference, second, before)
            if phase.action == DRIVE:
                reference = self.reference(plan)  # what follows is measured from where the drive came to
        self.leave()
        if label is not None:
            self.played.append(label)

    def enter(self, plan: EventPlan, phase: Phase, reference: int) -> None:
        w, side = self.w, plan.side
        w["playing"], w["side"] = 1, side
        w["anchor"] = reference + side * phase.offset_from
        w["anchor_step"] = side * (phase.offset_to - phase.offset_from) / phase.seconds
        w["takers"], w["bigger"] = phase.takers, phase.bigger
        w["buyers"] = 1.0 - phase.buyers if side < 0 and phase.buyers >= 0.0 else phase.buyers
        w["hold"], w["hold_side"], w["hold_gap"] = -1, side * phase.holder, phase.hold_gap
        w["hidden"], w["shown"], w["refill_us"] = phase.stock, phase.shown, NEVER
        w["action"], w["action_us"], w["unfilled"] = phase.action, NEVER, 0
        w["levels"], w["low_row"], w["high_row"] = phase.levels, SPAN, -SPAN
        w["first_trade"] = -1

    def label(self, plan: EventPlan, reference: int, second: int, before: int) -> Played | None:
        # What happened since ``second``; a sweep has its own instant, and none where its moment did not come.
        w = self.w
        from_us, to_us = second * 1_000_000, self.second * 1_000_000
        first, last = before, int(w["trades"])
        if plan.phases[0].action == SWEEP:
            first = int(w["first_trade"])
            if first < 0:
                return None
            times = w["tape"]["us"][first:last]
            from_us = to_us = int(times[0])
            last = first + int(np.searchsorted(times, from_us, side="right"))
        rows = (int(w["low_row"]), int(w["high_row"])) if plan.phases[0].action == DRIVE else (-1, -1)
        return Played(plan, reference, from_us, to_us, first, last, *rows)

    def leave(self) -> None:
        w = self.w
        w["shift"] = w["anchor"] - w["path"][min(self.second, SECONDS - 1)]
        w["playing"], w["takers"], w["bigger"], w["buyers"] = 0, 1.0, 1.0, -1.0
        w["hold"], w["hold_side"], w["hidden"], w["refill_us"] = -1, 0, 0.0, NEVER
        w["action"], w["action_us"], w["unfilled"] = NOTHING, NEVER, 0
