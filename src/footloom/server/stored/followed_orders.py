"""Large orders of a tape that grows: what has settled is folded once, and only the newest minutes again. Blocking."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from secrets import randbits
from typing import Final

from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.engine.large_orders import LargeOrders, Orders, Params, whole_instants
from footloom.errors import ConfigError
from footloom.feeds.stored import span_of
from footloom.server.stored.history import History

__all__ = ("FollowedOrders", "FoundOrders")

_SETTLES_NS: Final = 60 * 10**9  # trades that come later than that begin the fold anew
_MOST_BYTES: Final = 128 << 20  # of all that is remembered
_MOST_FOLLOWS: Final = 64  # settings that are followed: they are the clients' choice
_HELD_BYTES, _FOUND_BYTES = 16, 72  # an order that is remembered for quantiles, and one that was found
_END_NS: Final = 2**62
_Name = tuple[str, str, Params]


@dataclass(frozen=True, slots=True)
class FoundOrders:
    """Large orders of a range; behind ``settled_ns`` there may be others the next time.

    ``reading`` is another one where trades came so late that those before it may be others, too; None of a range that
    lies in the past.
    """

    orders: Orders
    settled_ns: int
    reading: int | None = None


@dataclass(eq=False)
class _Follow:
    # What was found in `[from_ns, cut_ns)`. `rows`: how many come before `cut_ns` on the days that were read, at least
    # and at the most, as trades come while one counts.
    fold: LargeOrders
    from_ns: int
    lead_ns: int
    cut_ns: int
    found: Orders
    reading: int
    rows: tuple[int, int] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def size(self) -> int:
        return _HELD_BYTES * self.fold.held + _FOUND_BYTES * len(self.found)


class FollowedOrders:
    """The large orders of one store's tapes, asked for from any thread.

    Parameters
    ----------
    history
        The store's tapes.
    """

    def __init__(self, history: History) -> None:
        self._history = history
        self._follows: OrderedDict[_Name, _Follow] = OrderedDict()
        self._lock = threading.Lock()
        self._readings = count(randbits(32))  # those of a server that was started again are others

    def instrument(self, key: str, tape: str) -> Instrument:
        """Return the grid of a tape."""
        return self._history.store.grid(key, tape)

    def between(self, key: str, tape: str, params: Params, from_ns: int, to_ns: int) -> FoundOrders:
        """Return the large orders of ``[from_ns, to_ns)``.

        Raises
        ------
        ConfigError
            The tape holds snapshots, which merge trades.
        """
        if tape == "snapshot":
            raise ConfigError(
                f"{key} is known from snapshots, which merge the trades between two of them: orders cannot be put "
                "together from it"
            )
        # What only says how they are drawn finds the same orders.
        measured = Params(by=params.by, percentile=params.percentile, hours=params.hours, min_qty=params.min_qty)
        name = (key, tape, measured)
        newest_ns = span_of(self._history.store, key, tape)[1]
        if to_ns <= newest_ns - _SETTLES_NS:
            fold = LargeOrders(self.instrument(key, tape), measured)
            pieces = self._pieces(name, from_ns - measured.span_ns, to_ns)
            every = Orders.concat(fold.update(piece) for piece in pieces)
            return FoundOrders(every.between(from_ns, to_ns), to_ns)
        follow = self._follow(name, from_ns)
        with follow.lock:
            newest = self._newest(name, follow)
            return FoundOrders(newest.between(from_ns, to_ns), follow.cut_ns, follow.reading)

    def _pieces(self, name: _Name, from_ns: int, to_ns: int) -> Iterator[Trades]:
        return whole_instants(self._history.pieces(name[0], name[1], from_ns, to_ns))

    def _follow(self, name: _Name, from_ns: int) -> _Follow:
        with self._lock:
            known = self._follows.get(name)
            if known is None or known.from_ns > from_ns:
                known = self._begin(name, from_ns)
                self._follows[name] = known
            self._follows.move_to_end(name)
            while len(self._follows) > 1 and self._are_too_many():
                self._follows.popitem(last=False)
            return known

    def _are_too_many(self) -> bool:
        return len(self._follows) > _MOST_FOLLOWS or sum(one.size for one in self._follows.values()) > _MOST_BYTES

    def _begin(self, name: _Name, from_ns: int) -> _Follow:
        key, tape, params = name
        lead_ns = from_ns - params.span_ns
        fold = LargeOrders(self.instrument(key, tape), params)
        return _Follow(fold, from_ns, lead_ns, lead_ns, Orders.concat([]), next(self._readings))

    # What was folded counts when all was read: who asked may have gone meanwhile, which ends the read anywhere.
    def _newest(self, name: _Name, follow: _Follow) -> Orders:
        key, tape, _ = name
        least = self._history.rows(key, tape, follow.lead_ns, _END_NS)
        settled_ns = span_of(self._history.store, key, tape)[1] - _SETTLES_NS
        is_due = settled_ns - follow.cut_ns >= _SETTLES_NS
        fold, rows, found, loose = follow.fold.copied(), 0, [follow.found], []
        for piece in self._pieces(name, follow.cut_ns, _END_NS):
            rows += len(piece)
            at = int(piece.ts_exch_ns.searchsorted(settled_ns)) if is_due else 0
            if at:
                found.append(fold.update(piece.take(slice(0, at))))
            if at < len(piece):
                loose.append(piece.take(slice(at, len(piece))))
        most = self._history.rows(key, tape, follow.lead_ns, _END_NS)
        if self._is_other(follow, least - rows, most - rows):
            again = self._begin(name, follow.from_ns)
            follow.fold, follow.cut_ns, follow.found, follow.rows = again.fold, again.cut_ns, again.found, None
            follow.reading = again.reading
            return self._newest(name, follow)
        if is_due:
            every = Orders.concat(found).between(follow.from_ns, _END_NS)
            follow.fold, follow.cut_ns, follow.found = fold, settled_ns, every
            taken = rows - sum(map(len, loose))
            follow.rows = None if follow.rows is None else (follow.rows[0] + taken, follow.rows[1] + taken)
        if not loose:
            return follow.found
        return Orders.concat([follow.found, follow.fold.peek(Trades.concat(loose))])

    # Rows that came late, before the cut, change how many there are: then all is folded anew.
    def _is_other(self, follow: _Follow, least: int, most: int) -> bool:
        if follow.rows is not None:
            least, most = max(least, follow.rows[0]), min(most, follow.rows[1])
        follow.rows = (least, most)
        return least > most
