"""The day's script: which planted events happen, when they may start, and what takers and makers do in them.

An event is a short list of phases that the director plays (`stage.py`); prices in it are ticks from the event's
reference, in the direction of its side, so that one text serves both sides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, NamedTuple

import numpy as np

from footloom.venues.sim._hash import Stream
from footloom.venues.sim._world import DRIVE, NOTHING, SWEEP
from footloom.venues.sim.plan import SECONDS

__all__ = ("EventPlan", "Phase", "Trigger", "make_script")

_SCRIPT = 6
_FIRST, _LAST = 22 * 60, SECONDS - 18 * 60  # the day's first and last minutes stay plain
_ENDLESS = 1e9


class Trigger(Enum):
    """What an event is measured from."""

    OWN_TOUCH = 0  # the best quote of its side
    OTHER_TOUCH = 1  # the best quote that its side's takers hit
    MINUTE_EXTREME = 2  # this minute's low (high) or the touch beyond it
    SWING = 3  # an earlier extreme that the price has come near to


class Phase(NamedTuple):
    """A stretch of an event; lots and ticks where nothing else is said."""

    seconds: int
    takers: float = 1.0  # aggressive orders, times the usual
    buyers: float = -1.0  # share of them that buy where the side is up; below 0: as the anchor leads
    offset_from: float = 0.0  # the anchor, ticks from the reference
    offset_to: float = 0.0
    holder: int = 0  # +1: someone rests on the event's own side with more than he shows, -1: on the other
    hold_gap: float = 0.0  # his price, ticks from the anchor
    stock: float = 0.0  # what he hides
    shown: float = 0.0  # what he shows at a time
    bigger: float = 1.0  # size of orders, times the usual
    action: int = NOTHING
    levels: int = 0  # that a sweep takes, or a drive leaves behind
    labelled: bool = False


class EventPlan(NamedTuple):
    """What the script asks for; the truth log says what came of it."""

    kind: str
    side: int
    trigger: Trigger
    from_s: int
    until_s: int
    seconds_of_minute: tuple[int, int]
    phases: tuple[Phase, ...]


def make_script(seed: int, day: int) -> tuple[list[EventPlan], list[EventPlan]]:
    """Return a day's events: those that happen when they are due, and the stop runs, which wait for their chance."""
    stream = Stream(seed, day, _SCRIPT)
    return list(_main_line(stream)), list(_stop_runs(stream))


# Weights of one round of the deck; a round takes about two hours.
_DECK = ("stack",) * 7 + ("sweep",) * 3 + ("iceberg",) * 2 + ("absorption",) * 2 + ("exhaustion",)


def _main_line(stream: Stream) -> Iterator[EventPlan]:
    # One event after the other, each with room to breathe; a shuffled deck keeps every kind spread over the day.
    at = float(_FIRST)
    deck: list[str] = []
    while at < _LAST:
        if not deck:
            order = np.argsort(stream.units(len(_DECK)))
            deck = [_DECK[i] for i in order]
        kind = deck.pop()
        plan = _MAKERS[kind](stream, int(at))
        yield plan
        at += sum(phase.seconds for phase in plan.phases) + stream.between(150.0, 560.0)


def _plan(kind: str, stream: Stream, at: int, trigger: Trigger, phases: tuple[Phase, ...], **window: Any) -> EventPlan:
    return EventPlan(
        kind=kind,
        side=1 if stream.unit() < 0.5 else -1,
        trigger=trigger,
        from_s=at,
        until_s=at + window.get("patience", 420),
        seconds_of_minute=window.get("minute", (0, 59)),
        phases=phases,
    )


def _stack(stream: Stream, at: int) -> EventPlan:
    seconds = stream.integer(13, 17)
    phases = (
        Phase(
            seconds,
            takers=0.2,
            buyers=0.97,
            offset_from=8,
            offset_to=16,
            action=DRIVE,
            levels=stream.integer(5, 8),
            labelled=True,
        ),
        Phase(26, offset_from=3, offset_to=4),
        Phase(40, offset_from=0, offset_to=stream.between(-12, 8)),
    )
    return _plan("stacked_imbalance", stream, at, Trigger.OTHER_TOUCH, phases, minute=(24, 35))


def _sweep(stream: Stream, at: int) -> EventPlan:
    levels = stream.integer(4, 9)
    keep = stream.between(-1.6, 1.4) * levels
    phases = (
        Phase(2, offset_from=levels / 2, offset_to=levels / 2, action=SWEEP, levels=levels, labelled=True),
        Phase(40, takers=1.6, offset_from=levels / 2, offset_to=keep),
    )
    return _plan("sweep", stream, at, Trigger.OTHER_TOUCH, phases)


def _iceberg(stream: Stream, at: int) -> EventPlan:
    shown = stream.between(1_200, 3_500)
    phases = (
        Phase(
            stream.integer(50, 100), takers=1.7, buyers=0.34, offset_from=-2, offset_to=-2, holder=1, hold_gap=2,
            stock=shown * stream.between(12, 40), shown=shown, labelled=True,
        ),
        Phase(40, offset_from=0, offset_to=stream.between(-4, 10)),
    )  # fmt: skip
    return _plan("iceberg", stream, at, Trigger.OWN_TOUCH, phases)


def _absorption(stream: Stream, at: int) -> EventPlan:
    bounce = stream.between(11, 20)
    phases = (
        Phase(
            stream.integer(22, 29), takers=5.5, buyers=0.12, offset_from=-4, offset_to=-4, holder=1, hold_gap=4,
            stock=_ENDLESS, shown=stream.between(4_000, 9_000), labelled=True,
        ),
        Phase(18, takers=1.4, offset_from=2, offset_to=bounce),
        Phase(stream.integer(60, 140), offset_from=bounce, offset_to=bounce * stream.between(0.8, 1.9)),
    )  # fmt: skip
    return _plan("absorption", stream, at, Trigger.MINUTE_EXTREME, phases, minute=(2, 8))


def _exhaustion(stream: Stream, at: int) -> EventPlan:
    height = stream.between(18, 30)
    phases = (
        Phase(
            stream.integer(36, 44), takers=7.5, buyers=0.94, offset_from=0, offset_to=height, holder=-1, hold_gap=2,
            stock=_ENDLESS, shown=stream.between(2_500, 5_000), labelled=True,
        ),
        Phase(215, takers=0.4, offset_from=height - 8, offset_to=height - 11),
    )  # fmt: skip
    return _plan("exhaustion", stream, at, Trigger.OTHER_TOUCH, phases, minute=(1, 4))


def _stop_runs(stream: Stream) -> Iterator[EventPlan]:
    # Armed for a while: it happens when the price comes near an extreme of the last 25 minutes.
    at = _FIRST + 25 * 60
    while at < _LAST - 3600:
        beyond = stream.between(4, 8)
        phases = (
            Phase(9, takers=1.4, offset_from=0, offset_to=1),
            Phase(
                stream.integer(6, 9), takers=20, buyers=0.9, offset_from=1, offset_to=beyond, holder=-1, hold_gap=1,
                stock=_ENDLESS, shown=stream.between(3_000, 7_000), bigger=1.6, labelled=True,
            ),
            Phase(22, takers=2.2, offset_from=0, offset_to=-8),
            Phase(stream.integer(60, 150), offset_from=-8, offset_to=stream.between(-24, -8)),
        )  # fmt: skip
        yield _plan("stop_run", stream, at, Trigger.SWING, phases, minute=(4, 30), patience=90 * 60)
        at += stream.integer(80 * 60, 150 * 60)


_MAKERS: dict[str, Callable[[Stream, int], EventPlan]] = {
    "stack": _stack,
    "sweep": _sweep,
    "iceberg": _iceberg,
    "absorption": _absorption,
    "exhaustion": _exhaustion,
}
