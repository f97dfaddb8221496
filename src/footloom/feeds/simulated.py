"""The simulated market as a feed: its history for a store, and from there on its stream at any speed.

A day of the market is a pure function of its seed and its date, so the "venue" can be asked for any stretch again:
that is how a store that was not fed for a while is completed, each row once.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import hashlib
from collections.abc import Iterable

import msgspec
import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.sessions import calendar
from footloom.core.snapshots import NO_QUOTE, Snapshots
from footloom.core.trades import FLAG_BACKFILLED, I64, Trades
from footloom.errors import NotStored, StoreError
from footloom.feeds.flow import Arrival, Quote, Score
from footloom.kernels.inference import InferState, infer
from footloom.store import Block, SourceInfo, Store
from footloom.venues.sim import (
    DEFAULT_SEED,
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

__all__ = ("SIMULATED_KEYS", "SimulatedMarket", "backfill", "missing_days", "received_until", "session_at")

SIMULATED_KEYS = tuple(instrument.key for instrument in INSTRUMENTS)
_PREPARE_NS = 3600 * 10**9  # the next day is made in the last hour of this one
_MOST_MISSING_DAYS = 7  # of a longer absence the rest is recorded as a gap
_SCORE_NS = 10**9
_DAY = dt.timedelta(days=1)


def session_at(ts_ns: int, seed: int = DEFAULT_SEED) -> SimSession:
    """Return the simulated day that holds an instant."""
    return session(seed, calendar(PERP.calendar).session_date(ts_ns))


def missing_days(store: Store, now_ns: int, sessions: int = 2) -> list[dt.date]:
    """Return the days whose history a store shall have now: the last ``sessions``, and those since it was fed last."""
    today = calendar(PERP.calendar).session_date(now_ns)
    first = today - (sessions - 1) * _DAY
    fed = [row.day for row in store.coverage(PERP.key) if row.rows]
    if fed:
        first = min(first, max(*fed, today - _MOST_MISSING_DAYS * _DAY))
    return [first + offset * _DAY for offset in range((today - first).days + 1)]


def received_until(store: Store) -> int:
    """Return the receipt of the newest stored row, ns UTC; 0 for an empty store."""
    newest = 0
    for row in store.coverage():
        if row.key in SIMULATED_KEYS and row.last_ns is not None and row.last_ns + _SCORE_NS > newest:
            block = store.load(row.key, row.tape, row.last_ns, row.last_ns + 1)
            newest = max(newest, int(block.ts_recv_ns.max()))
    return newest


def backfill(store: Store, days: Iterable[SimSession], until_ns: int) -> int:
    """Store what was received up to a time and is not stored yet; return the number of new rows.

    Raises
    ------
    StoreError
        The store holds another market: another seed's, or another version's.
    """
    for instrument in INSTRUMENTS:
        store.put_instrument(instrument)
    return sum(_fill(store, day, instrument, until_ns) for day in days for instrument in INSTRUMENTS)


def _fill(store: Store, day: SimSession, instrument: Instrument, until_ns: int) -> int:
    wanted = _received(day, instrument, until_ns)
    known = store.gaps(instrument.key, wanted.tape, day.start_ns, day.end_ns)
    fresh = [gap for gap in gaps(day, instrument) if gap.to_ns <= until_ns and gap not in known]
    try:
        stored: Block | None = store.load(instrument.key, wanted.tape, day.start_ns, day.end_ns)
    except NotStored:
        stored = None
    if stored is None:
        return store.write_part(wanted, _source(day, instrument, len(wanted)), fresh).rows if len(wanted) else 0
    if not np.isin(stored.ts_recv_ns, wanted.ts_recv_ns).all():
        raise StoreError(
            f"the store holds another {instrument.key} of {day.day} than seed {day.seed} makes in this version: "
            "name another folder with --store, or remove this one"
        )
    missing = wanted.take(~np.isin(_names(wanted), _names(stored)))
    if len(missing) or fresh:
        store.append(missing, fresh)
    return len(missing)


def _source(day: SimSession, instrument: Instrument, rows: int) -> SourceInfo:
    name = f"{instrument.key} seed {day.seed} {day.day}"
    return SourceInfo(hashlib.sha256(name.encode()).hexdigest(), name, (0, rows), "simulated")


def _received(day: SimSession, instrument: Instrument, until_ns: int) -> Block:
    if instrument is FUT:
        return snapshots_after(day, 0, until_ns)[0]
    trades, _ = feed_after(day, 0, until_ns)
    return dataclasses.replace(trades, flags=trades.flags | np.uint8(FLAG_BACKFILLED))


# What tells one row of a tape from another: the id of a trade, the receipt of a snapshot.
def _names(block: Block) -> I64:
    return block.trade_id if isinstance(block, Trades) else block.ts_recv_ns


class _Day:
    """One day as it is received, from a time on."""

    def __init__(self, made: SimSession, start_ns: int) -> None:
        self.made = made
        self._at_ns = made.start_ns
        self._trade = self._snapshot = 0
        self._gaps = {instrument.key: gaps(made, instrument) for instrument in INSTRUMENTS}
        self._state: InferState | None = None
        self._quote: Quote = (None, None)
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
        self._rate(now_ns)
        return [
            Arrival(PERP.key, trades, trades, until_ns, told[PERP.key], (int(bid), int(ask))),
            Arrival(FUT.key, seen, self._infer(seen), until_ns, told[FUT.key], self._quote, self._score),
        ]

    def _infer(self, seen: Snapshots) -> Trades:
        if not len(seen):
            return Trades.empty(FUT, seen.tape)
        inferred = infer(seen, self._state, gaps=self._gaps[FUT.key])
        self._state = inferred.state
        self._quote = (_known(seen.bid_tick[-1]), _known(seen.ask_tick[-1]))
        return inferred.trades

    def _rate(self, now_ns: int) -> None:
        if now_ns - self._scored_ns >= _SCORE_NS:
            self._scored_ns = now_ns
            self._score = msgspec.structs.asdict(fut_score(self.made, self.made.start_ns, now_ns + 1))


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

    async def receive(self, until_ns: int) -> list[Arrival]:
        """Return what arrived up to a time, from as many days as it takes."""
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
    fut_score(made, made.start_ns, made.end_ns)
    return _Day(made, made.start_ns)
