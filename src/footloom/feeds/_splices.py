"""Holes in a tape whose ids tell of none: where a connection was lost, until a page of the venue has closed them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np

from footloom.core.gaps import closing
from footloom.core.messages import Gap
from footloom.core.trades import I64, Trades
from footloom.feeds.sequence import event_of, event_of_all

__all__ = ("Page", "Splice", "Splices")

_KEPT = 64


@dataclass(frozen=True, slots=True)
class Page:
    """What a page of a venue's newest trades holds.

    ``begins`` is its oldest match event; that may be cut, all of the events behind it to ``newest`` are there.
    ``oldest_ns`` is the time of the first that is there whole. ``full`` says that older ones may exist.
    """

    begins: int
    oldest_ns: int
    newest: int
    newest_ns: int
    full: bool

    def reaches(self, event: int) -> bool:
        """Whether everything behind an event, up to the page's end, is in it."""
        return not self.full or self.begins <= event


@dataclass(slots=True)
class Splice:
    """One hole: the event and time up to which the tape is whole, and the event that was heard first behind it.

    What was received before ``since_ns`` came over the connection that was lost. ``top`` is 0 where nothing is known.
    """

    top: int
    top_ns: int
    since_ns: int
    cause: str
    first: int | None = None
    gap: Gap | None = None


@dataclass(slots=True)
class Splices:
    """The holes of one tape that are open, the oldest first."""

    symbol: str
    holes: list[Splice] = field(default_factory=list)
    _lost: list[Gap] = field(default_factory=list)  # the last gaps that stay for good

    def restore(self, ids: I64, ts_ns: I64, gaps: Sequence[Gap]) -> None:
        """Begin with what is stored: ids in ascending order with their times, and the gaps that are still open.

        Which events stood beside a gap is not stored: those of its first instant count as missing, and a page has to
        hold all that follows, up to the newest that is stored.
        """
        for gap in gaps if len(ids) else ():
            before = ids[ts_ns < gap.from_ns]
            top = event_of(int(before[-1])) if len(before) else 0
            hole = Splice(top, gap.from_ns, gap.from_ns, gap.cause, event_of(int(ids[-1])), gap)
            self.holes.append(hole)

    def lost(self, top: int, top_ns: int, since_ns: int, cause: str) -> None:
        """Note that a connection was lost; the next one stands since a time. Rows of before may still be to come."""
        self.holes.append(Splice(top, top_ns, since_ns, cause))

    def heard(self, trades: Trades) -> list[Gap]:
        """Return the gaps that live trades, each new, show: from the last before a loss to the first behind it."""
        if not len(trades) or not self.awaits_stream:
            return []
        seqs = event_of_all(trades.trade_id)
        told: list[Gap] = []
        open_ones = [hole for hole in self.holes if hole.first is None]
        for hole, following in zip(open_ones, [*open_ones[1:], None], strict=True):
            behind = trades.ts_recv_ns >= hole.since_ns
            if not behind.all():
                hole.top = max(hole.top, int(seqs[~behind].max()))
                hole.top_ns = max(hole.top_ns, int(trades.ts_exch_ns[~behind].max()))
            if not behind.any():
                break
            between = behind if following is None else behind & (trades.ts_recv_ns < following.since_ns)
            if following is not None and not between.any():  # nothing was heard between two losses: it is one hole
                following.top, following.top_ns, following.cause = hole.top, hole.top_ns, hole.cause
                self.holes.remove(hole)
            elif not hole.top:  # nothing was known before it
                self.holes.remove(hole)
            else:
                hole.first = int(seqs[between].min())
                hole.gap = self._gap(hole, int(np.min(trades.ts_exch_ns[between])))
                told.append(hole.gap)
        return told

    def _gap(self, hole: Splice, until_ns: int) -> Gap:
        to_ns = max(hole.top_ns, until_ns) + 1
        return Gap(symbol=self.symbol, from_ns=hole.top_ns, to_ns=to_ns, cause=hole.cause)

    def closed_by(self, page: Page) -> list[Gap]:
        """Return what a page that was taken in heals; holes that it cannot reach any more stay gaps for good."""
        told: list[Gap] = []
        whole: list[Gap] = []
        left: list[Splice] = []
        for hole in self.holes:
            reaches = page.reaches(hole.top)
            if hole.gap is None or hole.first is None:
                is_first = all(one.first is not None for one in left)
                if hole.top and not reaches and is_first:  # what lies before the page is lost, whatever comes behind it
                    told.append(self._gap(hole, page.oldest_ns))
                if page.newest > hole.top:  # whole up to the page's end; what follows was not heard yet
                    hole.top, hole.top_ns = page.newest, max(hole.top_ns, page.newest_ns)
                left.append(hole)
            elif page.newest < hole.first:
                left.append(hole)  # the page is older than the stream
            else:
                closed, lost = _parted(hole.gap, None if reaches else page.oldest_ns)
                whole += closed
                self.keep(lost)
        self.holes = left
        self.keep(told)
        others = [*self._lost, *(hole.gap for hole in left if hole.gap is not None)]
        return told + [record for gap in whole for record in closing(gap, others)]

    def keep(self, gaps: Sequence[Gap]) -> None:
        """Note gaps that stay for good: nothing that is closed beside them takes an instant of theirs away."""
        self._lost = [*self._lost, *gaps][-_KEPT:]

    @property
    def awaits_stream(self) -> bool:
        """Whether nothing was heard yet behind the newest hole."""
        return any(hole.first is None for hole in self.holes)

    @property
    def waiting(self) -> bool:
        """Whether a page may close a hole now."""
        return any(hole.first is not None for hole in self.holes)


# What of a gap a page closes, and what stays: what is missing may be of the instant in which the page begins.
def _parted(gap: Gap, begins_ns: int | None) -> tuple[list[Gap], list[Gap]]:
    if begins_ns is None or begins_ns < gap.from_ns:
        return [gap], []
    if begins_ns + 1 >= gap.to_ns:
        return [], [gap]
    replace = msgspec.structs.replace
    return [replace(gap, from_ns=begins_ns + 1)], [replace(gap, to_ns=begins_ns + 1)]
