"""A collection that another program inserts into, as a live feed: each document is stored, then shown."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.sessions import calendar
from footloom.core.snapshots import NO_QUOTE, Snapshots
from footloom.core.trades import Trades
from footloom.errors import FootloomError
from footloom.feeds._rates import Rate
from footloom.feeds._ticks import SNAPSHOT, SnapshotTape
from footloom.feeds.flow import Commit, FeedState, Phase, Quote
from footloom.feeds.mongo_documents import Collection, Place
from footloom.feeds.mongo_follow import Follower, Mark, Taken
from footloom.feeds.stored import stored_trades
from footloom.store import Store

__all__ = ("DocumentFeed",)

_LOG = logging.getLogger(__name__)
_AGAIN_S = 5.0  # a store that took no rows is tried again after this time
_LOOK_S = 0.25
_TELL_NS = 10**9  # so often the time is told to bars of symbols that are quiet
_BEHIND_NS = 3 * 10**9  # and so far behind our clock: an insert needs its time
_NOW_NS = 1_500_000_000  # two clocks that are no farther apart than this show the same time
_QUIET_NS = 60 * 10**9
_LEAVE_S = 2.0


@dataclass(slots=True)
class _Heard:
    """What was heard of a symbol; times in ns UTC."""

    instrument: Instrument
    tape: str
    watermark_ns: int = 0
    news_ns: int = 0
    is_now: bool = False  # its documents are inserted as they happen, by a clock that shows our time
    rows: int = 0
    rate: Rate = field(default_factory=Rate)
    state: FeedState = field(default_factory=lambda: FeedState("connecting"))


class DocumentFeed:
    """Follows a collection into a store, and publishes what is stored.

    Parameters
    ----------
    place
        The collection.
    store
        Open for writing.
    changed
        Called with a symbol of which older rows were stored than were published: its charts have to be read anew.
    now_ns
        The wall clock, ns UTC.
    """

    def __init__(
        self,
        place: Place,
        store: Store,
        changed: Callable[[str], None] = lambda _key: None,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.place = place
        self.taken = Taken()
        self._store = store
        self._changed = changed
        self._now_ns = now_ns
        self._stop = threading.Event()
        self._tapes: dict[str, SnapshotTape] = {}  # of the thread that follows
        self._heard: dict[str, _Heard] = {}
        self._publish: Callable[[Commit], None] = lambda _commit: None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._collection: Collection | None = None
        self._broken = 0
        self._expected = 0  # documents that were there at the start, about
        self._trouble = ""
        self._told_ns = 0

    def state(self) -> Sequence[tuple[str, FeedState]]:
        """Return how each symbol stands that was heard since the start."""
        return [(key, self._state_of(heard)) for key, heard in self._heard.items()]

    async def run(self, publish: Callable[[Commit], None]) -> None:
        """Follow until cancelled; what was read until then is stored."""
        self._publish, self._loop = publish, asyncio.get_running_loop()
        thread = ThreadPoolExecutor(1, thread_name_prefix="documents")
        work = self._loop.run_in_executor(thread, self._follow)
        try:
            while not work.done():
                await asyncio.wait({work}, timeout=_LOOK_S)
                self._tell_time()
            work.result()
        finally:
            self._stop.set()
            await asyncio.wait({work}, timeout=_LEAVE_S)
            if self._collection is not None:
                self._collection.close()  # whoever waits for a server that is gone is woken
            await asyncio.wait({work})
            thread.shutdown()

    # --- on the thread that follows

    # What could not be stored is not noted as taken: it is read again, and what of it was stored is recognised.
    def _follow(self) -> None:
        while not self._stop.is_set():
            try:
                with Collection(self.place) as self._collection:
                    if not self._expected and Mark.of(self._store, self.place).last_id is None:
                        self._expected = self._collection.count()
                    Follower(self._collection, self._store, self._note, self._take).run(self._stop)
            except FootloomError as error:
                if self._stop.is_set():
                    return
                if str(error) != self._trouble:
                    _LOG.error("%s is not followed at the moment: %s", self.place, error)
                self._trouble = str(error)
                self._stop.wait(_AGAIN_S)

    def _note(self, taken: Taken) -> None:
        if taken is not self.taken:
            self.taken, self._broken = taken, 0
        is_broken, self._broken = taken.broken > self._broken, taken.broken
        self._trouble = "no server answers: what is inserted meanwhile comes when it is back" if is_broken else ""

    def _take(self, block: Trades | Snapshots, gaps: Sequence[Gap]) -> None:
        trades = block if isinstance(block, Trades) else self._inferred(block, gaps)
        quote: Quote = (None, None)
        if isinstance(block, Snapshots) and len(block):
            quote = _known(block.bid_tick[-1]), _known(block.ask_tick[-1])
        until_ns = int(block.ts_recv_ns.max()) if len(block) else 0
        commit = Commit(block.instrument.key, trades, tuple(gaps), until_ns, quote)
        self._call(lambda: self._hear(commit, len(block)))

    def _inferred(self, block: Snapshots, gaps: Sequence[Gap]) -> Trades:
        key = block.instrument.key
        tape = self._tapes.get(key)
        if tape is not None and not len(block):
            return tape.fold(block, gaps)
        first_ns, last_ns = int(block.ts_recv_ns.min(initial=2**62)), int(block.ts_recv_ns.max(initial=0))
        if tape is not None and first_ns > tape.last_ns:
            return tape.fold(block, gaps)
        is_known = tape is not None
        tape = self._tapes[key] = SnapshotTape(block.instrument)
        tape.restore(self._store)
        if is_known or tape.last_ns > last_ns:
            self._call(lambda: self._changed(key))
            return Trades.empty(block.instrument, SNAPSHOT)
        found = stored_trades(self._store, key, SNAPSHOT, int(block.ts_exch_ns.min(initial=2**62)), 2**62)
        return found.take(found.ts_recv_ns >= first_ns).on_grid(block.instrument)

    def _call(self, what: Callable[[], None]) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(what)

    # --- on the event loop

    def _hear(self, commit: Commit, rows: int) -> None:
        heard = self._heard.get(commit.key)
        if heard is None:
            heard = self._heard[commit.key] = _Heard(commit.trades.instrument, commit.trades.tape)
        now_ns = self._now_ns()
        heard.instrument, heard.tape = commit.trades.instrument, commit.trades.tape
        if rows:
            heard.news_ns, heard.is_now = now_ns, abs(now_ns - commit.watermark_ns) < _NOW_NS
            heard.rows += rows
        self._show(heard, commit)

    def _show(self, heard: _Heard, commit: Commit) -> None:
        heard.watermark_ns = max(heard.watermark_ns, commit.watermark_ns)
        self._publish(replace(commit, watermark_ns=heard.watermark_ns, state=self._state_of(heard)))

    # A bar whose time is over closes, though nothing is inserted; where the clocks differ, the next document closes it.
    def _tell_time(self) -> None:
        now_ns = self._now_ns()
        if self._trouble or not self.taken.caught_up or now_ns - self._told_ns < _TELL_NS:
            return
        self._told_ns = now_ns
        for key, heard in self._heard.items():
            if heard.is_now:
                self._show(heard, Commit(key, Trades.empty(heard.instrument, heard.tape), (), now_ns - _BEHIND_NS))

    def _state_of(self, heard: _Heard) -> FeedState:
        now_ns = self._now_ns()
        phase, text = self._phase_of(heard, now_ns)
        before = heard.state
        heard.state = FeedState(
            phase,
            f"{text}from {self.place}{self._left_out()}",
            now_ns if before.phase != phase or not before.since_ns else before.since_ns,
            self._progress(),
            heard.rate.note(heard.rows, now_ns),
        )
        return heard.state

    def _phase_of(self, heard: _Heard, now_ns: int) -> tuple[Phase, str]:
        if self._trouble:
            return "reconnecting", f"{self._trouble}; "
        if not self.taken.caught_up:
            return "connecting", "the documents that are there are read first; "
        if now_ns - heard.news_ns < _QUIET_NS:
            return "live", ""
        spans = calendar(heard.instrument.calendar).spans(now_ns, now_ns + 1)
        if not np.any(spans.in_session):
            return "closed", "the market is closed; "
        minutes = (now_ns - heard.news_ns) // _QUIET_NS
        return "stale", f"no document of it was inserted for {minutes} min, see whether its recorder runs; "

    def _left_out(self) -> str:
        drops = self.taken.drops
        count = sum(drop.count for drop in drops) + self.taken.left_out
        return (
            f"; {count:,} rows of it are left out{f', the first: {drops[0].detail}' if drops else ''}" if count else ""
        )

    def _progress(self) -> float | None:
        if self.taken.caught_up or not self._expected:
            return None
        return min(1.0, self.taken.documents / self._expected)


def _known(tick: np.int64) -> int | None:
    return None if tick == NO_QUOTE else int(tick)
