"""Whether the live engine says what the batch says: a stored day folded both ways and compared, bit by bit."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from footloom.core.footprint import BAR_FINAL, Bars, Levels
from footloom.core.sessions import calendar
from footloom.core.trades import Trades
from footloom.engine.build import build, build_footprint
from footloom.engine.default_step import default_ticks_per_level
from footloom.engine.frame import BAR_COLUMNS, ChartFrame
from footloom.engine.replay import Replay, Told, commits_of, mark_of
from footloom.engine.spec import chart_spec
from footloom.errors import NotStored
from footloom.feeds.stored import chart_tapes, stored_trades
from footloom.store import Store

__all__ = ("COMMIT_NS", "Difference", "Verdict", "first_difference", "newest_day", "verify_day")

COMMIT_NS = 10**9
_COARSE = 1_000  # ticks a level while only the bars' ranges matter


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Where two answers part: what was compared, the bar's open (ns UTC), the column, and both values."""

    what: str
    open_ns: int
    column: str
    one: str
    other: str


class Verdict(msgspec.Struct, kw_only=True):
    """What was compared of a day, and what differs; ``differences`` is empty where all is well.

    ``late`` rows came behind a newer one, ``backfilled`` were fetched; ``events`` is how many were said in each replay.
    """

    symbol: str
    tape: str
    day: dt.date
    bars: str
    ticks_per_level: int
    compared: int
    rows: int
    late: int
    backfilled: int
    commits: int
    gaps: int
    events: int
    differences: list[Difference]


def newest_day(store: Store, key: str, tape: str | None) -> tuple[str, dt.date]:
    """Return the tape that charts read (or the one asked for), and its newest stored day.

    Raises
    ------
    NotStored
        Nothing is stored of it.
    """
    tape = tape or chart_tapes(store, key)[0]
    days = [row.day for row in store.coverage(key) if row.tape == tape and row.rows]
    if not days:
        raise NotStored(f"nothing is stored of the tape {tape} of {key}: see footloom coverage {key}")
    return tape, max(days)


def verify_day(store: Store, key: str, tape: str, day: dt.date, bars: str, *, commit_ns: int = COMMIT_NS) -> Verdict:
    """Fold a day live, in the order in which it came in, twice, and at once; compare all of it.

    Compared are: the bars after all revisions with those of the batch; what the events tell with the bars themselves;
    and the events of two replays, each with when it was known and what it said.

    Raises
    ------
    NotStored
        Nothing is stored of that tape and day.
    """
    batch = _batch(store, key, tape, day, bars)
    spec, instrument = batch.spec, batch.footprint.instrument
    first, second = Replay(instrument, spec, tape), Replay(instrument, spec, tape)
    found, events = _events_differ(_both(store, (first, second), (key, tape, day, commit_ns)))
    live = first.frame
    if live is None:
        raise NotStored(f"no trade is stored of {key} {tape} on {day}: see footloom coverage {key} --days")
    differences = [
        *found,
        *first_difference("bars after revisions", live, batch),
        *_told_otherwise(first, live),
        *(Difference(what=problem, open_ns=0, column="", one="", other="") for problem in first.problems[:3]),
    ]
    return Verdict(
        symbol=key,
        tape=tape,
        day=day,
        bars=spec.bars,
        ticks_per_level=spec.ticks_per_level,
        compared=len(batch),
        rows=first.rows,
        late=first.late,
        backfilled=first.backfilled,
        commits=first.commits,
        gaps=first.gaps,
        events=events,
        differences=differences,
    )


def _batch(store: Store, key: str, tape: str, day: dt.date, bars: str) -> ChartFrame:
    days = [row for row in store.coverage(key) if row.tape == tape and row.day == day and row.first_ns is not None]
    if not days or days[0].first_ns is None or days[0].last_ns is None:
        raise NotStored(f"nothing is stored of {key} {tape} on {day}: see footloom coverage {key} --days")
    span = (days[0].first_ns, days[0].last_ns + 1)
    if tape == "snapshot":  # they are stored under their receipt, and their trades are older
        edges = calendar(store.grid(key, tape).calendar).day_edges(*span, lambda day: day)
        span = (int(edges.start_ns[0]), int(edges.end_ns[-1]))
    trades: Trades = stored_trades(store, key, tape, *span).on_grid(store.grid(key, tape))
    if not len(trades):
        raise NotStored(f"no trade is stored of {key} {tape} on {day}: see footloom coverage {key} --days")
    step = default_ticks_per_level(build_footprint(trades, bars, _COARSE).bars)
    return build(trades, chart_spec({"bars": bars, "ticks_per_level": step}), store.gaps(key, tape, *span))


def _both(
    store: Store, replays: tuple[Replay, Replay], asked: tuple[str, str, dt.date, int]
) -> Iterator[tuple[list[Told], list[Told]]]:
    first, second = replays
    streams = (commits_of(store, *asked) for _ in replays)
    for one, other in itertools.zip_longest(*streams):
        yield ([] if one is None else first.fold(one)), ([] if other is None else second.fold(other))
    yield first.end(), second.end()


def _events_differ(told: Iterator[tuple[list[Told], list[Told]]]) -> tuple[list[Difference], int]:
    found: list[Difference] = []
    count = 0
    for ones, others in told:
        count += len(ones)
        for one, other in itertools.zip_longest(ones, others):
            if one != other and not found:
                open_ns = one[1] if one is not None else other[1]
                what = f"event number {count} of two replays"
                found.append(Difference(what=what, open_ns=open_ns, column="event", one=str(one), other=str(other)))
    return found, count


def _told_otherwise(replay: Replay, live: ChartFrame) -> list[Difference]:
    marks = {int(ns): mark_of(live.slice(i, i + 1)) for i, ns in enumerate(live.footprint.bars.open_ns)}
    for open_ns in sorted(marks.keys() | replay.shown.keys()):
        held, said = marks.get(open_ns), replay.shown.get(open_ns)
        if held != said:
            words = ["nothing" if mark is None else "a bar" for mark in (said, held)]
            what = "a bar as its events told it, and as it is"
            return [Difference(what=what, open_ns=open_ns, column="content", one=words[0], other=words[1])]
    return []


def first_difference(what: str, one: ChartFrame, other: ChartFrame) -> list[Difference]:
    """Return the first bar and column in which two charts differ, or nothing; whether a bar is final does not count."""

    def said(bar: int, column: str, values: tuple[Any, Any]) -> list[Difference]:
        longer = one if bar < len(one) else other
        open_ns = int(longer.footprint.bars.open_ns[bar])
        return [Difference(what=what, open_ns=open_ns, column=column, one=str(values[0]), other=str(values[1]))]

    size = min(len(one), len(other))
    found: list[tuple[int, int, str, tuple[Any, Any]]] = []
    for name, mine, theirs in _bar_columns(one, other):
        places = np.flatnonzero(mine[:size] != theirs[:size])
        if len(places):
            at = int(places[0])
            found.append((at, len(found), name, (mine[at], theirs[at])))
    if not found:
        found = _level_differences(one, other, size)
    if found:
        bar, _, name, values = min(found, key=lambda row: row[:2])
        return said(bar, name, values)
    if len(one) != len(other):
        return said(size, "number of bars", (len(one), len(other)))
    return []


def _bar_columns(one: ChartFrame, other: ChartFrame) -> Iterator[tuple[str, Any, Any]]:
    for name in Bars.__slots__:
        mine, theirs = (getattr(frame.footprint.bars, name) for frame in (one, other))
        yield (name, mine & ~BAR_FINAL, theirs & ~BAR_FINAL) if name == "flags" else (name, mine, theirs)
    for name in BAR_COLUMNS:
        yield name, getattr(one, name), getattr(other, name)
    yield "levels", np.diff(one.footprint.level_offset), np.diff(other.footprint.level_offset)


def _level_differences(one: ChartFrame, other: ChartFrame, bars: int) -> list[tuple[int, int, str, tuple[Any, Any]]]:
    # Both have as many levels in each bar.
    found: list[tuple[int, int, str, tuple[Any, Any]]] = []
    offset = one.footprint.level_offset
    pairs = [
        (name, getattr(one.footprint.levels, name), getattr(other.footprint.levels, name)) for name in Levels.__slots__
    ]
    for name, mine, theirs in [*pairs, ("cell_flags", one.cell_flags, other.cell_flags)]:
        places = np.flatnonzero(mine[: offset[bars]] != theirs[: offset[bars]])
        if len(places):
            at = int(places[0])
            bar = int(np.searchsorted(offset, at, side="right")) - 1
            found.append((bar, len(found), f"{name} of level {at - int(offset[bar])}", (mine[at], theirs[at])))
    return found
