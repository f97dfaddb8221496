"""What a day shall be like: where it opens and ends, how busy each second is, where the price is drawn to.

Everything is a pure function of (seed, day), so that any day can be made alone and still meets its neighbours: it opens
where the day before it closes, and its first trade id follows the last one of that day.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from footloom.core.sessions import DAY_NS
from footloom.venues.sim._hash import F64, Stream

__all__ = ("SECONDS", "DayPlan", "day_number", "first_id", "make_plan", "open_tick")

SECONDS = 86_400

_EPOCH = dt.date(1970, 1, 1)
_LEVEL_TICK = 48_000  # 24 000.0: a day's range is then about 1.5 %
_DAY_SIGMA_TICK = 330.0
_PULL = 0.985  # of a day's distance from the level, this much is left the next day: the price keeps within some 15 %
_MEMORY = 400  # days after which a day's news is forgotten (0.985 ** 400 = 0.002)
_TRADES, _TRADES_SPREAD = 400_000, 50_000
_SECOND_SIGMA_TICK = 0.9
_OPEN, _COUNT, _RATE, _PATH, _REGIME = 1, 2, 3, 4, 5


@dataclass(frozen=True, slots=True, eq=False)
class DayPlan:
    """A day's frame, prices in ticks: ``rate`` (prints a second) and ``anchor_tick`` are float64 (86 400,)."""

    seed: int
    day: int
    start_ns: int
    open_tick: int
    first_id: int
    trades: int
    rate: F64
    anchor_tick: F64


def day_number(day: dt.date) -> int:
    """Return a UTC date as days since 1970-01-01."""
    return (day - _EPOCH).days


def open_tick(seed: int, day: int) -> int:
    """Return the price at which a day opens, ticks: a mean-reverting walk over hashed daily steps."""
    stream = Stream(seed, _OPEN)
    back = np.arange(_MEMORY, dtype=np.int64)
    # The sum of three uniforms on one word each is near enough to a normal step, and cheap at any index.
    steps = sum((stream.units_at((day - back) * 3 + part) for part in range(3)), -1.5 * np.ones(_MEMORY))
    return _LEVEL_TICK + round(float(2.0 * _DAY_SIGMA_TICK * np.sum(steps * _PULL**back)))


def first_id(seed: int, day: int) -> int:
    """Return the id of a day's first trade: ids go on from day to day, though each day is made alone."""
    spread = Stream(seed, _COUNT).units_at(np.array([day], np.int64))[0]
    return day * _TRADES + int(spread * _TRADES_SPREAD)


def make_plan(seed: int, day: int) -> DayPlan:
    """Return the frame of a day (days since 1970)."""
    number = first_id(seed, day)
    trades = first_id(seed, day + 1) - number
    activity = _activity(seed, day)
    start, end = open_tick(seed, day), open_tick(seed, day + 1)
    return DayPlan(
        seed=seed,
        day=day,
        start_ns=day * DAY_NS,
        open_tick=start,
        first_id=number,
        trades=trades,
        # Rounded, so that processors whose last bits differ still make the same day.
        rate=np.round(activity * (trades / activity.sum()), 9),
        anchor_tick=np.round(_path(seed, day, activity / activity.mean(), start, end), 6),
    )


def _activity(seed: int, day: int) -> F64:
    # A U over the day, slow waves of interest, and some bursts of news that die away over minutes.
    stream = Stream(seed, day, _RATE)
    second = np.arange(SECONDS)
    shape = 0.65 + 1.05 * (2.0 * second / SECONDS - 1.0) ** 2
    minutes = SECONDS // 60 + 1
    knots = np.arange(minutes) * 60.0
    slow = _mean_reverting(stream.normals(minutes), 0.96, 0.42) + _mean_reverting(stream.normals(minutes), 0.6, 0.26)
    for _ in range(stream.integer(5, 9)):
        at = stream.unit() * minutes
        height, fade = stream.between(0.5, 1.5), stream.between(3.0, 14.0)
        after = np.arange(minutes) - at
        slow += np.where(after >= 0, height * np.exp(-np.maximum(after, 0.0) / fade), 0.0)
    result: F64 = shape * np.exp(np.interp(second, knots, np.clip(slow, -1.2, 2.0)))
    return result


def _mean_reverting(shocks: F64, keep: float, sigma: float) -> F64:
    # An autoregression with standard deviation sigma; short, so a loop is fast enough.
    out = np.empty_like(shocks)
    value, scale = 0.0, sigma * float(np.sqrt(1.0 - keep * keep))
    for i, shock in enumerate(shocks.tolist()):
        value = keep * value + scale * shock
        out[i] = value
    return out


def _path(seed: int, day: int, activity: F64, start: int, end: int) -> F64:
    # Diffusion that is faster when the market is busy, plus trends of minutes to hours, bent so that the day ends
    # where the next begins.
    noise = Stream(seed, day, _PATH).normals(SECONDS)
    steps = _SECOND_SIGMA_TICK * np.sqrt(activity) * noise + _drift(seed, day)
    path = np.concatenate(([0.0], np.cumsum(steps)[:-1]))
    clock = np.concatenate(([0.0], np.cumsum(activity)[:-1])) / activity.sum()
    gap = (end - start) - float(path[-1] + steps[-1])
    result: F64 = start + path + gap * clock
    return result


def _drift(seed: int, day: int) -> F64:
    # Regimes: a trend up, a trend down or none, each lasting from a few minutes to some hours; ticks a second.
    stream = Stream(seed, day, _REGIME)
    out = np.zeros(SECONDS)
    at = 0
    while at < SECONDS:
        length = int(60.0 * np.exp(stream.between(np.log(6.0), np.log(90.0))))
        if stream.unit() < 0.62:
            slope = stream.between(0.5, 2.4) * min(1.0, 30.0 * 60.0 / length) / 60.0
            out[at : at + length] = slope if stream.unit() < 0.5 else -slope
        at += length
    return out
