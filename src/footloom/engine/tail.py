"""The provisional bars of a live chart, mostly the one that is open."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from footloom.bars import parse_rule
from footloom.core.edges import Edges
from footloom.core.footprint import Footprint
from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.sessions import calendar
from footloom.core.trades import Trades
from footloom.engine.frame import ChartFrame
from footloom.engine.holes import Holes
from footloom.engine.open_bar import grown, terms_of
from footloom.engine.spec import ChartSpec

__all__ = ("Tail",)


class Tail:
    """What of a chart is not final yet, and how its one open bar grows in the common case.

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

    def _grown(self, trades: Trades, gaps: Sequence[Gap], watermark_ns: int) -> ChartFrame | None:
        """Return the open bar with trades behind all that it holds; None where they do not only make it grow.

        ``gaps`` are the ones that are known.
        """
        shown, until_ns, state = self._shown, self._until_ns, self._state
        if shown is None or len(until_ns) != 1:
            return None
        open_ns, close_ns = shown.open_ns, until_ns.item()
        if any(gap.to_ns >= open_ns for gap in gaps):  # they may flag it
            return None
        if self._rule.sequential:
            edges, state = self._rule.edges(trades, self._calendar, state)
            if len(edges) != 1 or edges.complete or edges.pieces is not None or edges.open_ns.item() != open_ns:
                return None
            close_ns, until_ns = edges.close_ns.item(), edges.grows_until_ns
        elif trades.ts_exch_ns.item(-1) >= close_ns:
            return None
        is_open = until_ns.item() + self._grace_ns > watermark_ns
        bar = grown(shown, trades, close_ns, self._terms) if is_open else None
        if bar is not None:
            self._shown, self._made, self._is_grown = bar, None, True
            self._state, self._until_ns, self._complete = state, until_ns, False
        return bar

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
