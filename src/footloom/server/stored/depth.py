"""The order book at an instant, rebuilt from stored depth; where nobody can know it, that is said instead of a guess.

A book is known from the receipt of a snapshot to the receipt of the last change that follows it without a hole. Between
two changes it is known only if the second one proves, by its numbers, that none is missing between them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import numpy as np

from footloom.core.book import BookChange, BookState, Chain, OrderBook, Outcome
from footloom.core.instrument import Instrument
from footloom.core.series import ASK, BID, NO_QUOTE, SNAPSHOT, Series
from footloom.errors import NotStored, TooMuch
from footloom.feeds._venues import venue_named
from footloom.feeds.continuous import is_continuous
from footloom.server.stored.abandon import checkpoint
from footloom.server.stored.history import History
from footloom.store import Store

__all__ = ("BookReply", "StandsOn", "book_at", "book_body", "rows_like")

_TAPE = "depth"
_S = 10**9
_BEFORE_NS = 60 * _S  # changes that a snapshot asked for later may need to join
_LONGEST_NS = 8 * 86_400 * _S
_MOST_ROWS = 6_000_000  # some forty seconds of work
_LIKE_TRADES = 100  # a changed level is put into a book by itself, trades are folded by the million
_MIX = "a book cannot be known"


class StandsOn(msgspec.Struct, frozen=True):
    """What a book was rebuilt from; times are ns UTC as text, ``_recv_`` our receipt, ``_exch_`` the venue's own.

    ``updates`` changes followed the snapshot up to ``last_id``; ``proven_recv_ns`` is the receipt of the change behind
    the instant, whose numbers prove that none is missing; null where the instant is that of the last change itself.
    ``kept_levels`` is how many levels a side the stream carries, null for all.
    """

    snapshot_recv_ns: str
    snapshot_id: str
    updates: int
    last_recv_ns: str
    last_exch_ns: str
    last_id: str
    proven_recv_ns: str | None
    chain: str
    kept_levels: int | None


class BookReply(msgspec.Struct, frozen=True):
    """A book at an instant of our receipt: levels as ``[price, quantity]`` in exact decimal text, the best first.

    ``bid_levels`` and ``ask_levels`` count all levels that are known, also where fewer are listed.
    """

    symbol: str
    at_ns: str
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]
    bid_levels: int
    ask_levels: int
    tick_size: str
    lot_size: str
    stands_on: StandsOn


class _Change(NamedTuple):
    change: BookChange
    recv_ns: int
    exch_ns: int


def book_at(store: Store, key: str, at_ns: int | None, levels: int) -> BookReply:
    """Return the book of a symbol as it stood at a time, ns UTC of our receipt; without one, the newest that is stored.

    Raises
    ------
    NotStored
        No depth is stored, or nobody can know how the book stood then; the message says why.
    TooMuch
        The last snapshot lies too far back.
    """
    begin = _begin(store, key, at_ns)
    _refuse_gaps(store, key, begin.snapshot_ns, begin.instant_ns)
    rebuilt = _Rebuilt(key, _chain(key))
    following = _changes_between(store, key, begin.snapshot_ns - _BEFORE_NS, begin.last_ns + 1)
    return rebuilt.at(following, begin.instant_ns, levels)


def book_body(history: History, key: str, at_ns: int | None, levels: int) -> bytes:
    """Return the same as JSON."""
    return msgspec.json.encode(book_at(history.store, key, at_ns, levels))


def rows_like(store: Store, key: str, at_ns: int | None) -> int:
    """Return how many trades are read in about the time in which a book is rebuilt.

    Raises
    ------
    NotStored
        As `book_at`.
    TooMuch
        As `book_at`.
    """
    return _begin(store, key, at_ns).rows * _LIKE_TRADES


class _Begin(NamedTuple):
    # Where a book is rebuilt from, how many changed levels lie between that and the instant, and where depth ends.
    snapshot_ns: int
    instant_ns: int
    rows: int
    last_ns: int


def _begin(store: Store, key: str, at_ns: int | None) -> _Begin:
    first_ns, last_ns = _reach(store, key)
    instant_ns = last_ns if at_ns is None else at_ns
    if not first_ns <= instant_ns <= last_ns:
        raise NotStored(
            f"the depth of {key} is stored from {first_ns} to {last_ns} ns, and {instant_ns} lies outside: "
            "what was not heard cannot be known"
        )
    snapshot_ns, rows = _snapshot_before(store, key, instant_ns, first_ns)
    return _Begin(snapshot_ns, instant_ns, rows, last_ns)


def _reach(store: Store, key: str) -> tuple[int, int]:
    if is_continuous(key):
        raise NotStored(f"{key} is one contract after another, and each has a book of its own: ask for the contract's")
    days = [row for row in store.series(key) if row.tape == _TAPE and row.first_ns is not None]
    if not days:
        raise NotStored(f"no depth of {key} is stored: footloom record --depth keeps it")
    return min(row.first_ns or 0 for row in days), max(row.last_ns or 0 for row in days)


def _chain(key: str) -> Chain:
    chain: Chain | None = getattr(venue_named(key.partition(":")[0]), "BOOK", None)
    if chain is None:
        raise NotStored(f"{key.partition(':')[0]} numbers no changes of books: {_MIX} from them")
    return chain


# Looked for farther and farther back; only the column that tells is read.
def _snapshot_before(store: Store, key: str, at_ns: int, first_ns: int) -> tuple[int, int]:
    stop_ns, reach_ns, rows = at_ns + 1, 60 * _S, 0
    while stop_ns > first_ns:
        checkpoint()
        from_ns = max(first_ns, stop_ns - reach_ns)
        try:
            found = store.load_series(key, _TAPE, from_ns, stop_ns, ("kind",))
        except NotStored:
            found = None
        if found is not None:
            marked = np.flatnonzero(found["kind"] == SNAPSHOT)
            rows += len(found) - (int(marked[-1]) if len(marked) else 0)
            _check_rows(key, rows, at_ns - from_ns)
            if len(marked):
                return int(found.ts_recv_ns[marked[-1]]), rows
        stop_ns, reach_ns = from_ns, reach_ns * 4
    raise NotStored(f"no snapshot of the book of {key} was stored before {at_ns} ns: {_MIX} from changes alone")


def _check_rows(key: str, rows: int, reach_ns: int) -> None:
    if rows > _MOST_ROWS or reach_ns > _LONGEST_NS:
        raise TooMuch(
            f"between the last snapshot of {key} and that time lie more than {_MOST_ROWS:,} changed levels or "
            f"{_LONGEST_NS // (86_400 * _S)} days: ask for a time nearer to a snapshot"
        )


def _refuse_gaps(store: Store, key: str, from_ns: int, at_ns: int) -> None:
    for gap in store.gaps(key, _TAPE, from_ns, at_ns + 1):
        if gap.from_ns <= at_ns and gap.to_ns > from_ns and gap.to_ns > gap.from_ns:
            raise NotStored(
                f"the depth of {key} has a hole from {gap.from_ns} to {gap.to_ns} ns ({gap.cause}): how the book stood "
                f"at {at_ns} is not known, and not guessed"
            )


# In pieces that grow: what lies behind the instant is read only as far as the next change.
def _changes_between(store: Store, key: str, from_ns: int, to_ns: int) -> Iterator[tuple[Series, list[_Change]]]:
    reach_ns = 120 * _S
    while from_ns < to_ns:
        checkpoint()
        stop_ns = min(to_ns, from_ns + reach_ns)
        try:
            found = store.load_series(key, _TAPE, from_ns, stop_ns)
        except NotStored:
            reach_ns *= 2
        else:
            yield found, list(_changes(found))
        from_ns = stop_ns


# Rows of one update stand together, with its numbers in each of them.
def _changes(rows: Series) -> Iterator[_Change]:
    named = np.stack([rows["first_id"], rows["last_id"], rows["kind"], rows.ts_recv_ns])
    first = np.flatnonzero(np.concatenate([[True], (named[:, 1:] != named[:, :-1]).any(axis=0)]))
    side, price, qty = (rows[name].tolist() for name in ("side", "price_tick", "qty_lot"))
    for start, stop in zip(first.tolist(), [*first[1:].tolist(), len(rows)], strict=True):
        prev_id = int(rows["prev_id"][start])
        change = BookChange(
            first_id=int(rows["first_id"][start]),
            last_id=int(rows["last_id"][start]),
            bids=tuple((price[i], qty[i]) for i in range(start, stop) if side[i] == BID),
            asks=tuple((price[i], qty[i]) for i in range(start, stop) if side[i] == ASK),
            prev_id=None if prev_id == NO_QUOTE else prev_id,
            is_snapshot=bool(rows["kind"][start] == SNAPSHOT),
        )
        yield _Change(change, int(rows.ts_recv_ns[start]), int(rows.ts_exch_ns[start]))


class _Rebuilt:
    # A book while it is rebuilt, and what it stands on.

    def __init__(self, key: str, chain: Chain) -> None:
        self._key = key
        self._chain = chain
        self._book = OrderBook(chain)
        self._kept: int | None = None
        self._snapshot: _Change | None = None
        self._last: _Change | None = None
        self._updates = 0
        self._why = "no snapshot"
        self._instrument: Instrument | None = None
        self._told: BookReply | None = None

    def at(self, pieces: Iterator[tuple[Series, list[_Change]]], at_ns: int, levels: int) -> BookReply:
        for piece, changes in pieces:
            self._stand(piece.instrument, at_ns)
            checkpoint()
            for one in changes:
                if one.recv_ns <= at_ns:
                    self._apply(one)
                elif (found := self._found(one, at_ns, levels)) is not None:
                    return found
        answer = self._told or self._answer(at_ns, levels)
        if not self._is_last(at_ns):
            raise NotStored(self._unknown("nothing that follows proves that no change is missing"))
        return answer

    def _stand(self, instrument: Instrument, at_ns: int) -> None:
        if self._instrument is not None and self._instrument.tick_size != instrument.tick_size:
            raise NotStored(f"the tick of {self._key} changed just before {at_ns} ns: {_MIX} across that")
        self._instrument = instrument

    # The answer stands as it was at the instant; what comes behind it can only prove it.
    def _found(self, behind: _Change, at_ns: int, levels: int) -> BookReply | None:
        answer = self._told = self._told or self._answer(at_ns, levels)
        if self._is_last(at_ns):
            return answer
        if not self._proves(behind):
            return None
        on = msgspec.structs.replace(answer.stands_on, proven_recv_ns=str(behind.recv_ns))
        return msgspec.structs.replace(answer, stands_on=on)

    def _is_last(self, at_ns: int) -> bool:
        return self._last is not None and self._last.recv_ns == at_ns

    def _apply(self, one: _Change) -> None:
        if one.change.is_snapshot and self._chain is Chain.COUNTED:
            # Such a stream carries so many levels a side, and tells nothing of those beyond.
            self._kept = max(len(one.change.bids), len(one.change.asks))
            self._book = OrderBook(self._chain, self._kept)
        step = self._book.apply(one.change)
        if step.outcome is Outcome.REPLACED or (one.change.is_snapshot and self._book.state is BookState.SYNCED):
            self._snapshot, self._updates = one, 0
        elif step.outcome is Outcome.APPLIED:
            self._updates += 1
        elif step.outcome in {Outcome.GAP, Outcome.CROSSED}:
            self._why = step.text
        if step.outcome is not Outcome.IGNORED:
            self._last = one

    # A change that is older than the book says nothing; the next one is looked at.
    def _proves(self, one: _Change) -> bool:
        if one.change.is_snapshot:
            raise NotStored(self._unknown("the next that was heard is a new snapshot: what lies between is not known"))
        step = self._book.apply(one.change)
        if step.outcome in {Outcome.GAP, Outcome.CROSSED}:
            raise NotStored(self._unknown(step.text))
        return step.outcome is Outcome.APPLIED

    def _unknown(self, why: str) -> str:
        return f"the book of {self._key} is not known then, and not guessed: {why}"

    def _answer(self, at_ns: int, levels: int) -> BookReply:
        book, last, snapshot, instrument = self._book, self._last, self._snapshot, self._instrument
        if book.state is not BookState.SYNCED or last is None or snapshot is None or instrument is None:
            raise NotStored(self._unknown(self._why))
        sides = [
            [(instrument.price_text(price), instrument.qty_text(qty)) for price, qty in side[:levels]]
            for side in (book.bids(), book.asks())
        ]
        return BookReply(
            symbol=self._key,
            at_ns=str(at_ns),
            bids=sides[0],
            asks=sides[1],
            bid_levels=len(book.bids()),
            ask_levels=len(book.asks()),
            tick_size=f"{instrument.tick_size:f}",
            lot_size=f"{instrument.lot_size:f}",
            stands_on=StandsOn(
                snapshot_recv_ns=str(snapshot.recv_ns),
                snapshot_id=str(snapshot.change.last_id),
                updates=self._updates,
                last_recv_ns=str(last.recv_ns),
                last_exch_ns=str(last.exch_ns),
                last_id=str(book.last_id),
                proven_recv_ns=None,
                chain=self._chain.value,
                kept_levels=self._kept,
            ),
        )
