"""The simulated market as a feed: its history for a store, and from there on its stream at any speed.

A day of the market is a pure function of its seed and its date, so the "venue" can be asked for any stretch again:
that is how a store that was not fed for a while is completed, each row once.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import hashlib

import msgspec
import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.sessions import calendar
from footloom.core.snapshots import NO_QUOTE, Snapshots
from footloom.core.trades import FLAG_BACKFILLED, Trades
from footloom.errors import StoreError
from footloom.feeds.flow import Arrival, Quote, Score
from footloom.kernels.inference import InferState, infer
from footloom.store import Block, Coverage, SourceInfo, Store
from footloom.venues.sim import (
    FUT,
    INSTRUMENTS,
    PERP,
    SimSession,
    best_quotes,
    feed_after,
    fut_score,
    gaps,
    session,
    snapshots_after,
)

__all__ = ("SIMULATED_KEYS", "SimulatedMarket", "backfill", "missing_days", "received_until")

SIMULATED_KEYS = tuple(instrument.key for instrument in INSTRUMENTS)
_PREPARE_NS = 3600 * 10**9  # the next day is made in the last hour of this one
_MOST_MISSING_DAYS = 7  # of a longer absence the rest stays empty
_SCORE_NS = 10**9
_DAY = dt.timedelta(days=1)


def missing_days(store: Store, now_ns: int) -> list[dt.date]:
    """Return the days of which a store may lack something now: since it was fed last, and yesterday and today at least.

    A store is fed in order: once rows of today are in it, the days before are whole.
    """
    today = calendar(PERP.calendar).session_date(now_ns)
    fed = [{row.day for row in store.coverage(key) if row.rows} for key in SIMULATED_KEYS]
    whole = set.intersection(*fed)
    first = today - _DAY
    if {first, today} <= whole:
        first = today
    elif whole and max(whole) < first:
        first = max(*whole, today - _MOST_MISSING_DAYS * _DAY)
    return [first + offset * _DAY for offset in range((today - first).days + 1)]


def received_until(store: Store) -> int:
    """Return the receipt of the newest stored row, ns UTC; 0 for an empty store."""
    newest = 0
    for row in store.coverage():
        if row.key in SIMULATED_KEYS and row.last_ns is not None and row.last_ns + _SCORE_NS > newest:
            block = store.load(row.key, row.tape, row.last_ns, row.last_ns + 1)
            newest = max(newest, int(block.ts_recv_ns.max()))
    return newest


def backfill(store: Store, day: SimSession, until_ns: int) -> int:
    """Store what a day's feeds delivered up to a time and is not stored yet; return the number of new rows.

    Raises
    ------
    StoreError
        The store holds another market: another seed's, or another version's.
    """
    for instrument in INSTRUMENTS:
        store.put_instrument(instrument)
    return sum(_fill(store, day, instrument, until_ns) for instrument in INSTRUMENTS)


def _fill(store: Store, day: SimSession, instrument: Instrument, until_ns: int) -> int:
    wanted = _received(day, instrument, until_ns)
    known = store.gaps(instrument.key, wanted.tape, day.start_ns, day.end_ns)
    fresh = [gap for gap in gaps(day, instrument) if gap.to_ns <= until_ns and gap not in known]
    covered = [row for row in store.coverage(instrument.key) if row.day == day.day and row.rows]
    if not covered:
        return store.write_part(wanted, _source(day, instrument, len(wanted)), fresh).rows if len(wanted) else 0
    missing = wanted.take(slice(_stored_rows(wanted, covered[0], day), None))
    if len(missing) or fresh:
        store.append(missing, fresh)
    return len(missing)


# Rows are stored in the order in which they are received, so what is stored is a beginning of the day: how long it is
# says what is missing, and where it ends says that it is this market's.
def _stored_rows(wanted: Block, covered: Coverage, day: SimSession) -> int:
    times = wanted.ts_exch_ns if isinstance(wanted, Trades) else wanted.ts_recv_ns
    rows = covered.rows
    if rows > len(wanted) or (times[0], times[rows - 1]) != (covered.first_ns, covered.last_ns):
        raise StoreError(
            f"the store holds another {covered.key} of {day.day} than seed {day.seed} makes in this version: "
            "name another folder with --store, or remove this one"
        )
    return rows


def _source(day: SimSession, instrument: Instrument, rows: int) -> SourceInfo:
    name = f"{instrument.key} seed {day.seed} {day.day}"
    return SourceInfo(hashlib.sha256(name.encode()).hexdigest(), name, (0, rows), "simulated")


def _received(day: SimSession, instrument: Instrument, until_ns: int) -> Block:
    if instrument is FUT:
        return snapshots_after(day, 0, until_ns)[0]
    trades, _ = feed_after(day, 0, until_ns)
    return dataclasses.replace(trades, flags=trades.flags | np.uint8(FLAG_BACKFILLED))


class _Day:
    """One day as it is received, from a time on."""

    def __init__(self, made: SimSession, start_ns: int) -> None:
        self.made = made
        self._at_ns = made.start_ns
        self._trade = self._snapshot = 0
        self._gaps = {instrument.key: gaps(made, instrument) for instrument in INSTRUMENTS}
        self._state: InferState | None = None
        self._quote: Quote = (None, None)
        self._judged = False
        self._score: Score | None = None
        self._scored_ns = 0
        if start_ns > made.start_ns:
            self.receive(start_ns)  # what is stored already; the inference goes on from it

    def receive(self, until_ns: int) -> list[Arrival]:
        """Return what arrived since the last call, for both symbols."""
        told = {key: tuple(g for g in known if self._at_ns < g.to_ns <= until_ns) for key, known in self._gaps.items()}
        self._at_ns = until_ns
        trades, self._trade = feed_after(self.made, self._trade, until_ns)
        seen, self._snapshot = snapshots_after(self.made, self._snapshot, until_ns)
        now_ns = min(until_ns, self.made.end_ns - 1)
        bid, ask = best_quotes(self.made, now_ns)
        return [
            Arrival(PERP.key, trades, trades, until_ns, told[PERP.key], (int(bid), int(ask))),
            Arrival(FUT.key, seen, self._infer(seen), until_ns, told[FUT.key], self._quote, self._rate(now_ns)),
        ]

    def _infer(self, seen: Snapshots) -> Trades:
        if not len(seen):
            return Trades.empty(FUT, seen.tape)
        inferred = infer(seen, self._state, gaps=self._gaps[FUT.key])
        self._state = inferred.state
        self._quote = (_known(seen.bid_tick[-1]), _known(seen.ask_tick[-1]))
        return inferred.trades

    def judge(self) -> None:
        """Hold the inferred sides of the whole day against the truth, once: from here on arrivals carry the score."""
        fut_score(self.made, self.made.start_ns, self.made.end_ns)
        self._judged = True

    def _rate(self, now_ns: int) -> Score | None:
        if self._judged and now_ns - self._scored_ns >= _SCORE_NS:
            self._scored_ns = now_ns
            self._score = msgspec.structs.asdict(fut_score(self.made, self.made.start_ns, now_ns + 1))
        return self._score


def _known(tick: np.int64) -> int | None:
    return None if tick == NO_QUOTE else int(tick)


class SimulatedMarket:
    """Both symbols of the simulated market, as `footloom.feeds.live.Source`.

    Parameters
    ----------
    today
        The day that holds ``start_ns``.
    start_ns
        What was received up to here counts as known: the stream begins after it.
    """

    def __init__(self, today: SimSession, start_ns: int) -> None:
        self._day = _Day(today, start_ns)
        self._next: asyncio.Task[_Day] | None = None
        self._judging: asyncio.Task[None] | None = None

    async def receive(self, until_ns: int) -> list[Arrival]:
        """Return what arrived up to a time, from as many days as it takes."""
        if self._judging is None:  # takes a moment that nobody shall wait for
            self._judging = asyncio.create_task(asyncio.to_thread(self._day.judge))
        arrivals: list[Arrival] = []
        while until_ns >= self._day.made.end_ns:
            arrivals += self._day.receive(self._day.made.end_ns)
            self._day = await self._prepare()
            self._next = None
        if until_ns >= self._day.made.end_ns - _PREPARE_NS:
            self._prepare()
        return arrivals + self._day.receive(until_ns)

    # Making a day takes a good part of a second: in a thread, ahead of time.
    def _prepare(self) -> asyncio.Task[_Day]:
        if self._next is None:
            made = self._day.made
            self._next = asyncio.create_task(asyncio.to_thread(_make, made.seed, made.day + _DAY))
        return self._next


def _make(seed: int, day: dt.date) -> _Day:
    made = session(seed, day)
    for instrument in INSTRUMENTS:
        _received(made, instrument, made.end_ns)  # what a day makes on first use is made here
    ready = _Day(made, made.start_ns)
    ready.judge()
    return ready
