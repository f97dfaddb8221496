"""Live charts beside another process that records: what it stores is read again and again, and shown as it comes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from footloom.core.sessions import calendar
from footloom.core.trades import Trades
from footloom.engine.unseen import unseen
from footloom.errors import FootloomError, NotStored
from footloom.feeds.flow import Commit, FeedState, Phase
from footloom.feeds.stored import span_of
from footloom.server.stored.history import History
from footloom.venues._venue import Wanted

__all__ = ("Beside",)

_READ_S = 1.0
_COUNT_S = 10.0
_OVERLAP_NS = 60 * 10**9  # rows may be stored a little out of their order
_QUIET_NS = 60 * 10**9


@dataclass(slots=True)
class _Tail:
    """What of a symbol was read already."""

    since_ns: int
    seen: Trades | None = None
    rows: int = 0
    news_ns: int = 0
    state: FeedState = field(default_factory=lambda: FeedState("connecting"))


class Beside:
    """Symbols of a store that another process writes to, as `footloom.server.services.Feeds`.

    Parameters
    ----------
    history
        The store's charts.
    keys
        The symbols.
    holder
        Who writes, in words.
    reread
        Called with a symbol whose stored past has changed.
    now_ns
        The wall clock, ns UTC.
    """

    def __init__(
        self,
        history: History,
        keys: Sequence[str],
        holder: str,
        reread: Callable[[str], None],
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._history = history
        self._holder = holder
        self._reread = reread
        self._now_ns = now_ns
        self._tails = {key: _Tail(now_ns()) for key in keys}

    @property
    def resolved(self) -> dict[str, str]:
        """Names of people and what they mean: what is stored has its own names only."""
        return {}

    def add(self, venue: str, wanted: Wanted) -> str:
        """Look at one more symbol."""
        key = f"{venue}:{wanted.symbol}"
        self._tails.setdefault(key, _Tail(self._now_ns()))
        return key

    def drop(self, key: str) -> None:
        """Look at a symbol no longer."""
        self._tails.pop(key, None)

    def state(self) -> list[tuple[str, FeedState]]:
        """Return how each symbol stands."""
        return [(key, tail.state) for key, tail in self._tails.items()]

    async def run(self, publish: Callable[[Commit], None]) -> None:
        """Read what was stored since, once a second, until cancelled."""
        rounds = 0
        while True:
            for key, tail in list(self._tails.items()):
                try:
                    counts = rounds % max(1, round(_COUNT_S / _READ_S)) == 0
                    fresh, changed = await asyncio.to_thread(self._look, key, tail, counts=counts)
                    if changed:
                        self._reread(key)
                except NotStored:
                    self._say(tail, "connecting", f"nothing of {key} is stored yet by {self._holder}")
                except FootloomError as error:
                    self._say(tail, "reconnecting", f"the store cannot be read: {error}")
                else:
                    self._note(key, tail, fresh, publish)
            rounds += 1
            await asyncio.sleep(_READ_S)

    # More rows than were shown at the end: history that was fetched, or a gap that was closed. What is counted is
    # counted before it is read, so that rows which come between are no surprise. Snapshots are never fetched later.
    def _look(self, key: str, tail: _Tail, *, counts: bool) -> tuple[Trades, bool]:
        tape = self._history.tape_of(key)
        is_first = tail.seen is None
        rows = self._rows(key, tape) if counts and not is_first and tape != "snapshot" else 0
        fresh = self._read(key, tape, tail)
        tail.rows = self._rows(key, tape) if is_first else tail.rows + len(fresh)
        changed = rows > tail.rows
        if changed:
            tail.rows = rows
        return fresh, changed

    def _rows(self, key: str, tape: str) -> int:
        return sum(row.rows for row in self._history.store.coverage(key) if row.tape == tape)

    def _read(self, key: str, tape: str, tail: _Tail) -> Trades:
        if tail.seen is None:
            tail.since_ns = span_of(self._history.store, key, tape)[1]
        found = self._history.trades(key, tape, tail.since_ns - _OVERLAP_NS, 2**62)
        fresh = found if tail.seen is None else unseen(found, tail.seen)
        tail.seen = found
        if len(found):
            tail.since_ns = int(found.ts_exch_ns.max())
        return fresh

    def _note(self, key: str, tail: _Tail, fresh: Trades, publish: Callable[[Commit], None]) -> None:
        now_ns = self._now_ns()
        if len(fresh):
            tail.news_ns = now_ns
            publish(Commit(key, fresh, (), int(fresh.ts_recv_ns.max())))
        who = f"recorded by {self._holder}; shown here as it is stored, about a second later"
        if not self._is_open(fresh, now_ns):
            self._say(tail, "closed", f"the market is closed; {who}")
        elif tail.news_ns and now_ns - tail.news_ns < _QUIET_NS:
            self._say(tail, "live", who)
        else:
            self._say(tail, "stale", f"no new trade is stored; {who}: see what that process says")

    def _say(self, tail: _Tail, phase: Phase, text: str) -> None:
        since_ns = tail.state.since_ns if tail.state.phase == phase else self._now_ns()
        tail.state = FeedState(phase, text, since_ns)

    def _is_open(self, trades: Trades, now_ns: int) -> bool:
        spans = calendar(trades.instrument.calendar).spans(now_ns, now_ns + 1)
        return bool(np.any(spans.in_session))
