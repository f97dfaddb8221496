"""Which rows of a tape are new: ids that count up, and numbers for trades that only say which event they belong to.

Pure. Every id is taken once, whichever way it comes: live, over a second connection, late, or from a venue's history.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from footloom.core.gaps import closing
from footloom.core.messages import Gap, Trade
from footloom.core.trades import I64

__all__ = ("Checked", "Covered", "EventNumbers", "Hole", "IdSequence", "event_of", "event_of_all")

_MOST_HOLES = 1024  # of more the oldest are given up: what then still comes is too late
_REMEMBERED = 65_536  # names of prints, some minutes of a busy market: longer than any overlap
_PLACES = 20  # bits of a trade id that number the prints of one match event


@dataclass(slots=True)
class Covered:
    """A set of whole numbers as ascending spans that do not touch: ``first`` and ``last`` of each, both included."""

    first: list[int] = field(default_factory=list)
    last: list[int] = field(default_factory=list)

    def add(self, low: int, high: int) -> list[tuple[int, int]]:
        """Take in ``low`` to ``high``, both included; returns the spans of it that were not known."""
        at = bisect.bisect_left(self.last, low - 1)
        to = bisect.bisect_right(self.first, high + 1)
        new, next_id = [], low
        for place in range(at, to):
            if self.first[place] > next_id:
                new.append((next_id, self.first[place] - 1))
            next_id = max(next_id, self.last[place] + 1)
        if next_id <= high:
            new.append((next_id, high))
        if at < to:
            low, high = min(low, self.first[at]), max(high, self.last[to - 1])
        self.first[at:to], self.last[at:to] = [low], [high]
        return new

    def missing(self, low: int, high: int) -> list[tuple[int, int]]:
        """Return the spans of ``low`` to ``high``, both included, that are not known."""
        spans, next_id = [], low
        for place in range(bisect.bisect_left(self.last, low), len(self.first)):
            if next_id > high or self.first[place] > high:
                break
            if self.first[place] > next_id:
                spans.append((next_id, self.first[place] - 1))
            next_id = max(next_id, self.last[place] + 1)
        if next_id <= high:
            spans.append((next_id, high))
        return spans


@dataclass(frozen=True, slots=True)
class Hole:
    """Ids ``first`` to ``last``, both included, that are missing between two trades, whose times are given.

    ``given_up`` says that the venue does not have them (any more).
    """

    first: int
    last: int
    from_ns: int
    to_ns: int
    given_up: bool = False


@dataclass(frozen=True, slots=True)
class Checked:
    """What a batch of rows was: ``new`` marks the rows to keep, bool (n,); and what became known of gaps."""

    new: NDArray[np.bool_]
    gaps: list[Gap]


class _Ends(NamedTuple):
    low: int
    low_ns: int
    top: int
    top_ns: int


class _Times:
    """The time of each id of a batch."""

    def __init__(self, ids: I64, ts_ns: I64) -> None:
        order = np.argsort(ids, kind="stable")
        self._ids, self._ts_ns = ids[order], ts_ns[order]

    def get(self, number: int, otherwise_ns: int) -> int:
        at = int(np.searchsorted(self._ids, number))
        here = at < len(self._ids) and self._ids[at] == number
        return int(self._ts_ns[at]) if here else otherwise_ns

    def of(self, number: int, ends: _Ends | None) -> int:
        if ends is not None and number in {ends.low, ends.top}:
            return ends.low_ns if number == ends.low else ends.top_ns
        return self.get(number, 0)


@dataclass(slots=True)
class IdSequence:
    """Ids of one tape that count up by one.

    ``duplicates`` counts rows that were known, ``late`` those that came behind a hole and filled it. ``holes`` are what
    is missing now, the oldest first. ``low_ns`` and ``top_ns`` are the times of the lowest and the highest id.
    """

    symbol: str
    covered: Covered = field(default_factory=Covered)
    holes: list[Hole] = field(default_factory=list)
    duplicates: int = 0
    late: int = 0
    low_ns: int = 0
    top_ns: int = 0
    _told: list[tuple[Gap, int, int]] = field(default_factory=list)  # gaps that are open, with the ids they lack

    @property
    def low(self) -> int | None:
        """The lowest id that is known."""
        return self.covered.first[0] if self.covered.first else None

    @property
    def top(self) -> int | None:
        """The highest id that is known."""
        return self.covered.last[-1] if self.covered.last else None

    def restore(self, ids: I64, ts_ns: I64, gaps: Sequence[Gap]) -> None:
        """Begin with what is stored: ids in ascending order with their times, and the gaps that are still open."""
        self.check(ids, ts_ns, "")
        self.duplicates = self.late = 0
        self._told = []
        for gap in gaps:
            inside = [hole for hole in self.holes if hole.from_ns < gap.to_ns and hole.to_ns > gap.from_ns]
            if inside:
                self._told.append((gap, inside[0].first, inside[-1].last))
        for hole in self.holes:
            if not any(first <= hole.first and hole.last <= last for _, first, last in self._told):
                self._told.append((self._gap(hole, "ids are missing"), hole.first, hole.last))

    def check(self, ids: I64, ts_ns: I64, cause: str, *, live: bool = True) -> Checked:
        """Take in the ids of a batch with their times; ``cause`` is why ids may be missing before it.

        Only rows that came ``live`` are counted: pages of the past overlap on purpose.
        """
        if not len(ids):
            return Checked(np.zeros(0, np.bool_), [])
        top = self.top
        if top is not None and self._follow(ids, ts_ns, top):
            return Checked(np.ones(len(ids), np.bool_), [])
        before = None if top is None or self.low is None else _Ends(self.low, self.low_ns, top, self.top_ns)
        new = self._add(ids)
        if live:
            self.duplicates += int(len(ids) - np.count_nonzero(new))
        if live and top is not None:
            self.late += int(np.count_nonzero(new & (ids < top)))
        self._note_ends(ids, ts_ns)
        gaps = self._new_holes(before, ids, ts_ns, cause)
        behind = top is not None and bool(np.any(new & (ids < top)))
        if gaps:
            self._forget()
        return Checked(new, gaps + (self._refresh(_Times(ids, ts_ns)) if behind else []))

    def give_up(self, first: int, last: int) -> None:
        """Note that the venue does not have these ids: their gap stays."""
        self.holes = [replace(h, given_up=True) if first <= h.first and h.last <= last else h for h in self.holes]

    def trim(self) -> list[Gap]:
        """Return what of the gaps that were told is whole meanwhile, at either end, as healed stretches."""
        told, found = self._told, list[Gap]()
        self._told = []
        for gap, first, last in told:
            inside = [hole for hole in self.holes if first <= hole.first and hole.last <= last]
            from_ns = min((hole.from_ns for hole in inside), default=gap.from_ns)
            to_ns = max((hole.to_ns for hole in inside), default=gap.to_ns)
            if from_ns > gap.from_ns:
                found.append(msgspec.structs.replace(gap, to_ns=from_ns, missing=None))
            if to_ns < gap.to_ns:
                found.append(msgspec.structs.replace(gap, from_ns=to_ns, missing=None))
            self._told.append((msgspec.structs.replace(gap, from_ns=from_ns, to_ns=to_ns), first, last))
        return self._closing(found)

    # What most batches are: the ids behind the highest, in a row.
    def _follow(self, ids: I64, ts_ns: I64, top: int) -> bool:
        last = ids.item(-1)
        if ids.item(0) != top + 1 or last != top + len(ids) or np.count_nonzero(ids[1:] - ids[:-1] != 1):
            return False
        self.covered.last[-1], self.top_ns = last, ts_ns.item(-1)
        return True

    def _add(self, ids: I64) -> NDArray[np.bool_]:
        cuts = np.flatnonzero(np.diff(ids) != 1) + 1
        starts = [0, *cuts.tolist()]
        new = np.zeros(len(ids), np.bool_)
        for start, end in zip(starts, [*starts[1:], len(ids)], strict=True):
            low = int(ids[start])
            for a, b in self.covered.add(low, low + end - start - 1):
                new[start + a - low : start + b - low + 1] = True
        return new

    def _note_ends(self, ids: I64, ts_ns: I64) -> None:
        lowest, highest = int(ids.argmin()), int(ids.argmax())
        if ids[lowest] == self.low:
            self.low_ns = int(ts_ns[lowest])
        if ids[highest] == self.top:
            self.top_ns = int(ts_ns[highest])

    # Holes beside what was known: above it, and below it where the past is fetched.
    def _new_holes(self, before: _Ends | None, ids: I64, ts_ns: I64, cause: str) -> list[Gap]:
        low, top = self.low, self.top
        assert low is not None
        assert top is not None
        if before is None:
            spans = self.covered.missing(low, top)
        else:
            spans = self.covered.missing(low, before.low) if low < before.low else []
            spans += self.covered.missing(before.top, top) if top > before.top else []
        if not spans:
            return []
        times = _Times(ids, ts_ns)
        gaps = []
        for first, last in spans:
            sides = (times.of(first - 1, before), times.of(last + 1, before))
            hole = Hole(first, last, min(sides), max(sides) + 1)
            self.holes.append(hole)
            gaps.append(self._gap(hole, cause or "ids are missing"))
            self._told.append((gaps[-1], first, last))
        self.holes.sort(key=lambda hole: hole.first)
        return gaps

    # What is left of a hole, with the times of the rows beside it where these have come now.
    def _left_of(self, hole: Hole, times: _Times) -> list[Hole]:
        left = self.covered.missing(hole.first, hole.last)
        if left == [(hole.first, hole.last)]:
            return [hole]
        found = []
        for first, last in left:
            from_ns = times.get(first - 1, hole.from_ns)
            to_ns = times.get(last + 1, hole.to_ns - 1) + 1
            found.append(replace(hole, first=first, last=last, from_ns=min(from_ns, to_ns - 1), to_ns=to_ns))
        return found

    def _gap(self, hole: Hole, cause: str) -> Gap:
        missing = hole.last - hole.first + 1
        return Gap(symbol=self.symbol, from_ns=hole.from_ns, to_ns=hole.to_ns, cause=cause, missing=missing)

    def _forget(self) -> None:
        while len(self.holes) > _MOST_HOLES:
            oldest = self.holes.pop(0)
            self.covered.add(oldest.first, oldest.last)
            self._told = [told for told in self._told if told[2] < oldest.first or oldest.last < told[1]]

    # What is left of the holes, and gaps that are whole now.
    def _refresh(self, times: _Times) -> list[Gap]:
        self.holes = [left for hole in self.holes for left in self._left_of(hole, times)]
        whole = [told for told in self._told if not self.covered.missing(told[1], told[2])]
        if whole:
            self._told = [told for told in self._told if told not in whole]
        return self._closing(gap for gap, _, _ in whole)

    def _closing(self, gaps: Iterable[Gap]) -> list[Gap]:
        others = [told for told, _, _ in self._told]
        return [record for gap in gaps for record in closing(gap, others)]


def event_of(trade_id: int) -> int:
    """Return the match event's number of an id that `EventNumbers` gave."""
    return trade_id >> _PLACES


def event_of_all(trade_id: I64) -> I64:
    """Return the match events of such ids, int64 (n,)."""
    return trade_id >> _PLACES


@dataclass(slots=True)
class EventNumbers:
    """Ids for trades that say their match event (``seq``) and their own unique name (``uid``), and nothing that counts.

    An id is ``seq << 20 | k``, the k-th print of its event. A print is known again by its name; prints that were stored
    before the start, whose names are not kept, by their id.
    """

    duplicates: int = 0
    late: int = 0
    top: int = 0  # the newest event
    top_ns: int = 0
    _seen: dict[str, None] = field(default_factory=dict)
    _count: dict[int, int] = field(default_factory=dict)
    _stored: set[int] = field(default_factory=set)
    _stored_from: int = 0  # what is of earlier events is stored, or never will be

    def restore(self, ids: I64, ts_ns: I64) -> None:
        """Begin with the ids of the newest stored rows, ascending, and their times."""
        self._stored = set(ids[-_REMEMBERED:].tolist())
        self._stored_from = event_of(min(self._stored, default=0))
        if len(ids):
            newest = int(ids.argmax())
            self.top, self.top_ns = event_of(int(ids[newest])), int(ts_ns[newest])
            self._count[self.top] = (int(ids[newest]) & ((1 << _PLACES) - 1)) + 1

    def number(self, rows: Sequence[Trade], *, whole: bool = False) -> list[int]:
        """Return the id of each row, -1 for one that is known; ``whole`` where each event's prints are all there."""
        return self.number_named([(row.seq or 0, row.uid, row.ts_exch_ns) for row in rows], whole=whole)

    def number_named(self, rows: Sequence[tuple[int, str, int]], *, whole: bool = False) -> list[int]:
        """Do the same for rows of which event, own name and time are given."""
        ids = []
        place: dict[int, int] = {}
        top = self.top
        for seq, uid, ts_ns in rows:
            k = place.get(seq, 0)
            place[seq] = k + 1
            ids.append(self._number(uid, ts_ns, seq, k if whole else None))
        if not whole:
            self.duplicates += ids.count(-1)
            self.late += sum(event_of(number) < top for number in ids if number >= 0)
        return ids

    def _number(self, uid: str, ts_ns: int, seq: int, place: int | None) -> int:
        if uid in self._seen:
            return -1
        used = self._count.get(seq, 0)
        known = seq < self._stored_from or (place is not None and (seq << _PLACES | place) in self._stored)
        k = used if place is None or place < used else place
        self._remember(uid, seq, used if known else k + 1)
        if known:
            return -1
        if seq >= self.top:
            self.top, self.top_ns = seq, max(self.top_ns, ts_ns)
        return seq << _PLACES | k

    def _remember(self, uid: str, seq: int, used: int) -> None:
        self._seen[uid] = None
        self._count[seq] = max(used, self._count.get(seq, 0))
        if len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        if len(self._count) > _REMEMBERED:
            del self._count[next(iter(self._count))]
