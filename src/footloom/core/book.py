"""An order book kept from a venue's changes: exact levels, and never a stale one.

The book knows three ways in which venues number their changes (`Chain`). A break in the numbers, or a crossed book,
empties it: it then waits for a fresh snapshot, and holds the changes that come meanwhile where the venue's snapshot is
fetched beside the stream.
"""

from __future__ import annotations

import enum
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable
from typing import Final, NamedTuple

__all__ = ("BookChange", "BookState", "Chain", "OrderBook", "Outcome", "Step")

_HELD: Final = 4_096  # changes kept while a snapshot is awaited: minutes of a stream
_REPEATED: Final = 1_000  # how far back a change may lie that two overlapping connections both bring


class Chain(enum.Enum):
    """How changes are numbered.

    ``RANGE``: from ``first_id`` to ``last_id``, the next begins behind it (Binance spot). ``PREVIOUS``: each names the
    last id of the one before it (Binance futures). ``COUNTED``: one by one, snapshots come in the stream (Bybit).
    """

    RANGE = "range"
    PREVIOUS = "previous"
    COUNTED = "counted"


class BookState(enum.Enum):
    """Whether the levels can be believed: only while ``SYNCED``. A ``BROKEN`` book was, and needs a new snapshot."""

    WAITING = "waiting"
    SYNCED = "synced"
    BROKEN = "broken"


class Outcome(enum.Enum):
    """What became of a change.

    ``HELD``: kept until a snapshot comes. ``IGNORED``: old, or of no use without a snapshot. ``OUTDATED``: a snapshot
    older than the book or than the changes that are held, fetch another. ``GAP`` and ``CROSSED``: the book is broken.
    """

    APPLIED = "applied"
    REPLACED = "replaced"
    HELD = "held"
    IGNORED = "ignored"
    OUTDATED = "outdated"
    GAP = "gap"
    CROSSED = "crossed"


class BookChange(NamedTuple):
    """Levels with their new quantities, (price in ticks, quantity in lots), zero deletes; or with a snapshot all."""

    first_id: int
    last_id: int
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]
    prev_id: int | None = None
    is_snapshot: bool = False


class Step(NamedTuple):
    """What became of a change, and in words why where it did not simply apply."""

    outcome: Outcome
    text: str = ""


class _Levels:
    # One side: quantities by key, the best key last; a bid's key is its price, an ask's minus its price.

    __slots__ = ("keys", "qty", "sign")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.keys: list[int] = []
        self.qty: dict[int, int] = {}

    def replace(self, levels: Iterable[tuple[int, int]]) -> None:
        self.qty = {self.sign * price: qty for price, qty in levels if qty}
        self.keys = sorted(self.qty)

    def change(self, levels: Iterable[tuple[int, int]]) -> None:
        keys, held = self.keys, self.qty
        for price, qty in levels:
            key = self.sign * price
            if qty:
                if key not in held:
                    keys.insert(bisect_left(keys, key), key)
                held[key] = qty
            elif held.pop(key, None) is not None:  # a level that is not known cannot be deleted: usual
                del keys[bisect_left(keys, key)]

    def keep(self, count: int) -> None:
        for key in self.keys[: max(0, len(self.keys) - count)]:
            del self.qty[key]
        del self.keys[: max(0, len(self.keys) - count)]

    def best(self) -> tuple[int, int] | None:
        return (self.sign * self.keys[-1], self.qty[self.keys[-1]]) if self.keys else None

    def top(self, count: int | None) -> list[tuple[int, int]]:
        keys = self.keys if count is None else self.keys[len(self.keys) - min(count, len(self.keys)) :]
        return [(self.sign * key, self.qty[key]) for key in reversed(keys)]


class OrderBook:
    """One symbol's book.

    Parameters
    ----------
    chain
        How the venue numbers its changes.
    depth
        How many levels a side are kept, None for all: a stream of 50 levels says nothing of the others.

    Examples
    --------
    >>> book = OrderBook(Chain.COUNTED)
    >>> book.apply(BookChange(10, 10, bids=((100, 5),), asks=((101, 7),), is_snapshot=True)).outcome.value
    'replaced'
    >>> book.apply(BookChange(11, 11, bids=((100, 0), (99, 2)), asks=())).outcome.value
    'applied'
    >>> book.best_bid, book.best_ask
    ((99, 2), (101, 7))
    >>> book.apply(BookChange(13, 13, bids=(), asks=()))
    Step(outcome=<Outcome.GAP: 'gap'>, text='after update 11 came 13')
    """

    __slots__ = ("_asks", "_begun", "_bids", "_chain", "_depth", "_held", "last_id", "state")

    def __init__(self, chain: Chain, depth: int | None = None) -> None:
        self._chain = chain
        self._depth = depth
        self._bids, self._asks = _Levels(1), _Levels(-1)
        self._held: deque[BookChange] = deque(maxlen=_HELD)
        self._begun = False  # whether a change was applied to the snapshot
        self.state = BookState.WAITING
        self.last_id = -1

    @property
    def best_bid(self) -> tuple[int, int] | None:
        """Price (ticks) and quantity (lots) of the best bid, None where there is none."""
        return self._bids.best()

    @property
    def best_ask(self) -> tuple[int, int] | None:
        """Price (ticks) and quantity (lots) of the best ask, None where there is none."""
        return self._asks.best()

    def bids(self, count: int | None = None) -> list[tuple[int, int]]:
        """Return (price in ticks, quantity in lots) of the bids, best first, at most ``count``."""
        return self._bids.top(count)

    def asks(self, count: int | None = None) -> list[tuple[int, int]]:
        """Return (price in ticks, quantity in lots) of the asks, best first, at most ``count``."""
        return self._asks.top(count)

    def reset(self) -> None:
        """Forget all: after a new connection nothing of before can be believed."""
        self._clear(BookState.WAITING)
        self._held.clear()

    def apply(self, change: BookChange) -> Step:
        """Take the next change or snapshot, in the order of arrival; say what became of it.

        After ``GAP`` or ``CROSSED`` fetch a snapshot, or ask for one in the stream. With ``OUTDATED`` fetch another
        one: what is held stays.
        """
        if change.is_snapshot:
            return self._snapshot(change)
        if self.state is not BookState.SYNCED:
            if self._chain is Chain.COUNTED:
                return Step(Outcome.IGNORED, "no snapshot yet")
            self._held.append(change)
            return Step(Outcome.HELD)
        return self._next(change)

    def _snapshot(self, snapshot: BookChange) -> Step:
        if self._chain is not Chain.COUNTED:
            if self.state is BookState.SYNCED and snapshot.last_id < self.last_id:
                return Step(Outcome.OUTDATED, f"snapshot {snapshot.last_id} is older than the book at {self.last_id}")
            first = next((one for one in self._held if one.last_id > snapshot.last_id), None)
            if first is not None and not self._joins(first, snapshot.last_id):
                return Step(Outcome.OUTDATED, f"snapshot {snapshot.last_id} ends before update {first.first_id} begins")
        held = list(self._held)
        self._held.clear()
        self._bids.replace(snapshot.bids)
        self._asks.replace(snapshot.asks)
        self.last_id, self._begun, self.state = snapshot.last_id, False, BookState.SYNCED
        self._trim()
        step = self._checked(Step(Outcome.REPLACED))
        for one in held:
            if self.state is BookState.SYNCED:
                followed = self._next(one)
                step = step if followed.outcome in {Outcome.APPLIED, Outcome.IGNORED} else followed
            else:
                self._held.append(one)
        return step

    def _next(self, change: BookChange) -> Step:
        if self._is_old(change):
            return Step(Outcome.IGNORED, f"update {change.last_id} is not newer than {self.last_id}")
        if not self._follows(change):
            return self._broken(change)
        self._bids.change(change.bids)
        self._asks.change(change.asks)
        self.last_id, self._begun = change.last_id, True
        self._trim()
        return self._checked(Step(Outcome.APPLIED))

    def _is_old(self, change: BookChange) -> bool:
        if self._chain is Chain.COUNTED:  # far below it is no repetition: the venue counts anew
            return self.last_id - _REPEATED < change.last_id <= self.last_id
        return change.last_id <= self.last_id

    def _follows(self, change: BookChange) -> bool:
        if self._chain is Chain.COUNTED:
            return change.last_id == self.last_id + 1
        if self._chain is Chain.RANGE or not self._begun:
            return self._joins(change, self.last_id)
        return change.prev_id == self.last_id

    # Whether a change holds everything behind a snapshot's id: it may have begun before it, and repeats then what the
    # snapshot says already. Ids of futures skip, so there it is the id before the change that must not lie behind.
    def _joins(self, change: BookChange, last_id: int) -> bool:
        if self._chain is Chain.PREVIOUS and change.prev_id is not None:
            return change.prev_id <= last_id
        return change.first_id <= last_id + 1

    def _trim(self) -> None:
        if self._depth is not None:
            self._bids.keep(self._depth)
            self._asks.keep(self._depth)

    def _checked(self, step: Step) -> Step:
        bid, ask = self._bids.best(), self._asks.best()
        if bid is None or ask is None or bid[0] < ask[0]:
            return step
        last_id = self.last_id
        self._clear(BookState.BROKEN)
        return Step(Outcome.CROSSED, f"after update {last_id} the bid stands at tick {bid[0]}, the ask at {ask[0]}")

    def _broken(self, change: BookChange) -> Step:
        if self._chain is Chain.PREVIOUS:
            text = f"after update {self.last_id} came one that follows {change.prev_id}"
        else:
            text = f"after update {self.last_id} came {change.first_id}"
        self._clear(BookState.BROKEN)
        if self._chain is not Chain.COUNTED:
            self._held.append(change)
        return Step(Outcome.GAP, text)

    def _clear(self, state: BookState) -> None:
        self._bids.replace(())
        self._asks.replace(())
        self.last_id, self._begun, self.state = -1, False, state
