"""One simulated day, made whole: the tape, the book's changes, the quotes, and what was planted."""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from footloom.core.sessions import calendar
from footloom.core.trades import I8, I64
from footloom.venues.sim import plan as plans
from footloom.venues.sim._hash import F64, Stream
from footloom.venues.sim._world import DEPTH, NEVER, SPAN, TABLE, WORLD
from footloom.venues.sim.instruments import PERP
from footloom.venues.sim.stage import Played, play_day

__all__ = ("DEFAULT_SEED", "SimSession", "session", "session_at")

DEFAULT_SEED = 7
I32 = NDArray[np.int32]
_FLOW, _SIZES = 8, 9
_WRITTEN = (("tape", "trades"), ("changes", "deltas"), ("best", "quotes"))
_MARGIN = 2_000  # ticks that the day's path keeps from the ends of the book


@dataclass(frozen=True, slots=True, eq=False)
class SimSession:
    """A UTC day of the simulated market.

    Attributes
    ----------
    start_ns, end_ns
        The day, ns UTC, half open.
    trade_ns, trade_tick, trade_lot, trade_side, first_id
        The tape, every print with its true side: int64, int64, int64, int8, shape (n,). Ids count up from ``first_id``,
        which follows the last id of the day before.
    delta_us, delta_tick, delta_side, delta_lot
        Every change of the book in the order of events: microseconds of the day, ticks above ``floor_tick``, +1 bid
        and -1 ask, the level's new quantity; shape (m,).
    quote_us, quote_bid, quote_ask
        The best quotes from each of their changes on, ticks above ``floor_tick``; shape (k,).
    played
        The planted events as they happened (see `footloom.venues.sim.truth`).
    memo
        What views of the session (feed, snapshots) have worked out and keep.
    """

    seed: int
    day: dt.date
    start_ns: int
    end_ns: int
    floor_tick: int
    first_id: int
    trade_ns: I64
    trade_tick: I64
    trade_lot: I64
    trade_side: I8
    delta_us: I64
    delta_tick: I32
    delta_side: I8
    delta_lot: I32
    quote_us: I64
    quote_bid: I32
    quote_ask: I32
    played: tuple[Played, ...]
    memo: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        size = f"{len(self.trade_ns):,} trades, {len(self.delta_us):,} book changes"
        return f"<SimSession {self.day} seed {self.seed}: {size}>"


def session(seed: int, day: dt.date) -> SimSession:
    """Make a UTC day of the simulated market, from nothing but its seed and its date."""
    plan = plans.make_plan(seed, plans.day_number(day))
    floor = plan.open_tick - SPAN // 2
    world = np.zeros(1, WORLD)[0]
    _fill(world, plan, floor)
    played = play_day(world, seed, plan.day)
    tape, changes, best = (world[name][: world[count]] for name, count in _WRITTEN)
    return SimSession(
        seed=seed,
        day=day,
        start_ns=plan.start_ns,
        end_ns=plan.start_ns + plans.SECONDS * 1_000_000_000,
        floor_tick=floor,
        first_id=plan.first_id,
        trade_ns=_shut(tape["us"] * 1_000 + plan.start_ns),
        trade_tick=_shut(tape["tick"] + np.int64(floor)),
        trade_lot=_shut(tape["lot"].astype(np.int64)),
        trade_side=_shut(tape["side"].astype(np.int8)),
        delta_us=_shut(changes["us"].copy()),
        delta_tick=_shut(changes["tick"].copy()),
        delta_side=_shut(changes["side"].astype(np.int8)),
        delta_lot=_shut(changes["lot"].copy()),
        quote_us=_shut(best["us"].copy()),
        quote_bid=_shut(best["bid"].copy()),
        quote_ask=_shut(best["ask"].copy()),
        played=tuple(played),
    )


def session_at(ts_ns: int, seed: int = DEFAULT_SEED) -> SimSession:
    """Return the simulated day that holds an instant."""
    return session(seed, calendar(PERP.calendar).session_date(ts_ns))


def _shut(column: Any) -> Any:
    column.flags.writeable = False
    return column


def _fill(world: Any, plan: plans.DayPlan, floor: int) -> None:
    # What the day starts from.
    world["random"] = Stream(plan.seed, plan.day, _FLOW).words(np.zeros(1, np.int64))[0]
    middle = plan.open_tick - floor
    world["bid"], world["ask"] = middle - 1, middle
    world["lo"], world["hi"] = middle, middle
    world["quoted_bid"] = world["quoted_ask"] = -1
    world["low"], world["high"] = SPAN, -1
    world["takers"] = world["bigger"] = 1.0
    world["buyers"] = -1.0
    world["hold"] = -1
    world["refill_us"] = world["action_us"] = NEVER
    world["trades_end"] = plan.trades
    world["rate"] = plan.rate
    world["rate_left"] = np.cumsum(plan.rate[::-1])[::-1]
    world["path"] = np.clip(plan.anchor_tick - floor, _MARGIN, SPAN - _MARGIN)
    tables = _tables()
    for name, table in tables.items():
        world[name] = table
    world["usual_cell"] = 5.0 * tables["taker_lots"].mean()
    absolute = np.arange(floor, floor + SPAN)
    world["bonus"] = np.where(absolute % 100 == 0, 4, np.where(absolute % 20 == 0, 2, 1))


@functools.cache
def _tables() -> dict[str, I32]:
    # Sizes and depths, the same for every day: lots of 0.001.
    stream = Stream(_SIZES)
    distance = np.arange(DEPTH)
    return {
        "taker_lots": _sizes(stream, median=60.0, spread=1.35, tail=1.55, rounds=0.42),
        "maker_lots": _sizes(stream, median=85.0, spread=1.0, tail=1.9, rounds=0.35),
        # Most orders come and go near the touch.
        "reach": np.minimum(-np.log(1.0 - stream.units(TABLE)) * 4.5, DEPTH - 1.0).astype(np.int32),
        "target": (430.0 + 75.0 * np.minimum(distance, 20)).astype(np.int32),
    }


_ROUND_LOTS = np.array([10, 20, 50, 100, 100, 100, 200, 250, 300, 500, 500, 1_000, 1_000, 2_000, 3_000, 5_000, 10_000])


def _sizes(stream: Stream, *, median: float, spread: float, tail: float, rounds: float) -> I32:
    # Small odd sizes, round numbers that people type, and a Pareto tail of large ones.
    kind = stream.units(TABLE)
    odd = median * np.exp(spread * stream.normals(TABLE))
    typed = _ROUND_LOTS[(stream.units(TABLE) * len(_ROUND_LOTS)).astype(np.int64)] * (median / 60.0)
    large = np.round(5.0 * median * (1.0 - stream.units(TABLE)) ** (-1.0 / tail) / 50.0) * 50.0
    lots: F64 = np.where(kind < rounds, typed, np.where(kind < rounds + 0.42, odd, large))
    return np.clip(np.round(lots), 1, 80_000).astype(np.int32)
