"""The provisional bars of a live chart, mostly the one that is open, and how they become final in the common case."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import cast

import numpy as np

from footloom.bars import parse_rule
from footloom.core.edges import Edges
from footloom.core.footprint import BAR_OFF_SESSION, Footprint
from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.sessions import calendar
from footloom.core.trades import FLAG_INFERRED, I64, Trades
from footloom.engine.behind import Behind
from footloom.engine.frame import ChartFrame
from footloom.engine.holes import Holes
from footloom.engine.open_bar import OpenBar, grown, packed, terms_of
from footloom.engine.spec import ChartSpec
from footloom.kernels.facts import facts
from footloom.kernels.fold import fold

__all__ = ("NEVER", "Tail")

NEVER = -(2**63)
_TURNS = 8  # bars of one commit that are begun one by one: of many, folding all at once costs less


class Tail:
    """What of a chart is not final yet.

    ``_tail`` are the bars, ``_shown`` the same with their studies, ``_until_ns`` until when each of them can grow,
    ``_complete`` whether the last one takes no more trade, ``_state`` that of the bar rule.
    """

    def __init__(self, instrument: Instrument, spec: ChartSpec, grace_ns: int) -> None:
        self.spec = spec
        self._grace_ns = grace_ns
        self._holes = Holes()
        self._rule = parse_rule(spec.bars)
        self._calendar = calendar(instrument.calendar)
        self._state = b""
        self._shown: ChartFrame | None = None
        self._until_ns = np.empty(0, np.int64)
        self._complete = False
        self._terms = terms_of(spec)
        self._made: Footprint | None = None
        self._is_grown = False  # then `_shown` alone holds the bar
        self._behind = Behind(spec, self._calendar)
        self._settled_to_ns = NEVER

    @property
    def _tail(self) -> Footprint | None:
        if self._is_grown and self._shown is not None:
            self._made, self._is_grown = self._shown.footprint, False
        return self._made

    @_tail.setter
    def _tail(self, bars: Footprint | None) -> None:
        self._made, self._is_grown = bars, False

    def _stands(self, watermark_ns: int) -> bool:
        """Whether the one open bar is as it was shown last, and still open."""
        return self._is_grown and self._until_ns.item() + self._grace_ns > watermark_ns

    def _is_plain(self, trades: Trades, gaps: Sequence[Gap]) -> bool:
        """Whether there is one open bar at the most, and no known gap flags what these trades change."""
        if len(self._until_ns) > 1 or facts(trades).flags & FLAG_INFERRED:
            return False
        if not gaps:
            return True
        from_ns = self._settled_to_ns if self._shown is None else self._shown.open_ns  # the next bar opens no earlier
        return not any(gap.to_ns >= from_ns for gap in gaps)

    def _advanced(self, trades: Trades, watermark_ns: int) -> list[OpenBar] | None:
        """Let plain trades behind all others make the open bar grow, end it, and begin the next ones.

        Returns the bars that are final now; None where the long way has to be gone, and nothing has changed.
        """
        shown, until_ns = self._shown, self._until_ns
        if not self._rule.sequential and shown is not None and trades.ts_exch_ns.item(-1) < until_ns.item():
            return self._grown(trades, until_ns.item(), (until_ns, self._state), watermark_ns)
        edges, state = self._rule.edges(trades, self._calendar, self._state)
        if edges.pieces is not None:
            return None
        goes_on = shown is not None and edges.open_ns.item(0) == shown.open_ns
        if goes_on and len(edges) == 1 and not edges.complete:
            return self._grown(trades, edges.close_ns.item(), (edges.grows_until_ns, state), watermark_ns)
        is_open = edges.complete or edges.grows_until_ns.item(-1) + self._grace_ns > watermark_ns
        if not is_open or not self._holes.none or len(edges) > _TURNS:
            return None
        return self._turned(trades, edges, state, goes_on=goes_on)

    def _grown(self, trades: Trades, close_ns: int, then: tuple[I64, bytes], watermark_ns: int) -> list[OpenBar] | None:
        is_open = then[0].item() + self._grace_ns > watermark_ns
        bar = grown(cast("ChartFrame", self._shown), trades, close_ns, self._terms) if is_open else None
        if bar is None:
            return None
        self._stand(bar, *then)
        return []

    # Every bar but the last is final by the trade behind it.
    def _turned(self, trades: Trades, edges: Edges, state: bytes, *, goes_on: bool) -> list[OpenBar] | None:
        bar, first = self._shown, 0
        if bar is None and self._behind.like is None:
            return None
        parts = [trades.take(slice(*ends)) for ends in itertools.pairwise(edges.ends.tolist())]
        if bar is not None and goes_on:
            bar, first = grown(bar, parts[0], edges.close_ns.item(0), self._terms), 1
            if bar is None:
                return None
        closed: list[OpenBar] = []
        for place in range(first, len(edges)):
            if bar is not None:
                closed.append(self._ended(bar))
            bar = self._begun(parts[place], edges, place)
        if edges.complete and bar is not None:
            closed.append(self._ended(bar))
            bar = None
        self._stand(bar, edges.grows_until_ns[len(edges) - (bar is not None) :], state)
        return closed

    def _ended(self, bar: ChartFrame) -> OpenBar:
        final = packed(bar).finished()
        self._follow(final)
        return final

    def _begun(self, trades: Trades, edges: Edges, place: int) -> ChartFrame:
        open_ns, close_ns, outside = (c[place : place + 1] for c in (edges.open_ns, edges.close_ns, edges.off_session))
        edges_ns = open_ns.item(), close_ns.item()
        begun = self._behind.begun(trades, edges_ns, BAR_OFF_SESSION * outside.item())
        bar = grown(begun, trades, edges_ns[1], self._terms)
        if bar is not None:
            return bar
        own = Edges(np.array([0, len(trades)]), open_ns, close_ns, outside)  # prices that are far apart
        return self._behind.study(fold(trades, own, self._rule.text, self.spec.ticks_per_level))

    def _stand(self, bar: ChartFrame | None, until_ns: I64, state: bytes) -> None:
        """Have this bar open, or none because the last one is complete."""
        self._shown, self._made, self._is_grown = bar, None, bar is not None
        self._until_ns, self._state, self._complete = until_ns, state, bar is None

    def _follow(self, frame: ChartFrame) -> None:
        """Stand behind final bars."""
        self._behind.follow(frame)
        # Where the next bar begins with a trade, not with a time, others may share it.
        self._settled_to_ns = frame.last_ns if self._rule.sequential else frame.close_ns

    def _note_ends(self, edges: Edges) -> None:
        until_ns = self._until_ns
        if self._tail is not None and edges.open_ns[0] == self._tail.bars.open_ns[-1]:
            until_ns = until_ns[:-1]
        elif self._tail is not None and edges.open_ns[0] < until_ns[-1]:  # it ended by a trade that it does not hold
            until_ns = np.append(until_ns[:-1], self._tail.bars.close_ns[-1])
        self._until_ns = np.concatenate([until_ns, edges.grows_until_ns])
        self._complete = edges.complete

    def _count_final(self, tail: Footprint, watermark_ns: int) -> int:
        # Definitions 2.3: final by an id-contiguous trade beyond it (or one that completes it), else by engine time.
        bars = tail.bars
        if len(bars) == 1 and not (self._rule.sequential and self._complete):  # no trade shows it to be over
            return int(self._until_ns[0] + self._grace_ns <= watermark_ns)
        by_time = self._until_ns + self._grace_ns <= watermark_ns
        if self._rule.sequential:  # whole up to its last trade; a hole behind that begins with it
            follows = np.append(bars.last_ns[:-1], bars.last_ns[-1] if self._complete else 2**62)
        else:
            follows = np.append(bars.first_ns[1:], 2**62)
        by_ids = (follows < 2**62) & self._holes.spare(bars.open_ns, follows)
        open_bars = np.flatnonzero(~(by_time | by_ids))
        return int(open_bars[0]) if len(open_bars) else len(bars)
