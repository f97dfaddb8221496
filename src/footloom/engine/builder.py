"""The live fold of one chart: the batch kernels, once a group commit (definitions 0.5 and 2.3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from footloom.bars import parse_rule
from footloom.core.edges import Edges
from footloom.core.footprint import BAR_FINAL, Footprint
from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.sessions import calendar
from footloom.core.trades import FLAG_NO_ID, I64, Trades
from footloom.engine.alike import same_bars
from footloom.engine.build import build, gap_flags, study
from footloom.engine.events import BarClosed, BarRevised, BarUpdated, Event, GapSeen, Rebuilt
from footloom.engine.frame import ChartFrame
from footloom.engine.spec import ChartSpec
from footloom.kernels.facts import in_order, once
from footloom.kernels.fold import Count, combine, fold
from footloom.studies import imbalance
from footloom.studies.cvd import Carry

__all__ = ("GRACE_NS", "Builder", "Source")

GRACE_NS = (
    250_000_000  # crypto's grace: how long behind its close a bar waits for trades whose ids do not prove it whole
)
_NEVER = -(2**63)
_REVISIONS = 64  # more changed bars than this are announced as one rebuild
_PIECES = 256  # settled one-bar frames kept apart before they are joined

Source = Callable[[int], Trades]


class Builder:
    """Folds one instrument's tape into one chart as it arrives.

    Call `seed` once with the stored tape, then `update` with every commit, in the order of the journal. Any chunking
    of the same rows gives the same bars as `footloom.engine.build.build`. ``source(from_ns)`` returns every stored
    trade from a time on, the new ones included: it is asked when a trade comes late. Without one the builder keeps
    the rows that it was given. ``count`` is what studies count in the trades (`footloom.engine.studies.counting`).
    """

    def __init__(
        self,
        instrument: Instrument,
        spec: ChartSpec,
        *,
        source: Source | None = None,
        grace_ns: int = GRACE_NS,
        count: Count | None = None,
    ) -> None:
        self.instrument = instrument
        self.spec = spec
        self.epoch = 0
        self._rule = parse_rule(spec.bars)
        self._calendar = calendar(instrument.calendar)
        self._grace_ns = grace_ns
        self._source = source
        self._count = count
        self._kept: list[Trades] = []
        self._gaps: list[Gap] = []
        self._state = b""
        self._settled: list[ChartFrame] = []
        self._apart = 0  # how many of the last of them were not joined yet
        self._tail: Footprint | None = None
        self._shown: ChartFrame | None = None
        self._before: Footprint | None = None
        self._carry: Carry | None = None
        self._next_least: I64 | None = None
        self._until_ns = np.empty(0, np.int64)  # until when each bar of the tail can grow
        self._complete = False  # whether the tail's last bar takes no more trade
        self._last: tuple[int, int] | None = None
        self._settled_to_ns = _NEVER
        self._first_ns: int | None = None
        self._hole_from_ns: int | None = None
        self._hole_to_ns = 0

    def seed(self, trades: Trades, gaps: Sequence[Gap] = ()) -> None:
        """Take the stored tape: every bar but the last counts as final, and nothing is announced."""
        if not len(trades):
            return
        ordered = in_order(trades.on_grid(self.instrument))
        self._keep(ordered)
        self._gaps = list(gaps)
        chart = build(ordered, self.spec, gaps, count=self._count)
        edges, self._state = self._rule.edges(ordered, self._calendar)
        self._first_ns = self._begins_ns(ordered)
        self._settle(chart.slice(0, len(chart) - 1))
        self._tail = chart.footprint.slice(len(chart) - 1, len(chart))
        self._until_ns, self._complete = edges.grows_until_ns[-1:], edges.complete
        self._shown = chart.slice(len(chart) - 1, len(chart))
        self._last = (int(ordered.ts_exch_ns[-1]), int(ordered.trade_id[-1]))

    def update(self, trades: Trades, watermark_ns: int, gaps: Sequence[Gap] = ()) -> list[Event]:
        """Fold one commit and return what changed.

        ``watermark_ns`` is the engine's time: receipt of the newest message, or a journalled timer; never the wall
        clock.
        """
        events: list[Event] = [GapSeen(gap) for gap in gaps]
        self._gaps.extend(gaps)
        events += self._mark_settled(gaps)
        changed_from = None
        ordered = self._within_window(in_order(trades.on_grid(self.instrument)))
        if len(ordered):
            self._keep(ordered)
            first = (int(ordered.ts_exch_ns[0]), int(ordered.trade_id[0]))
            if self._last is not None and (first <= self._last or first[0] < self._settled_to_ns):
                events += self._rebuild(ordered)
                changed_from = int(self._tail.bars.open_ns[0]) if self._tail is not None else None
            else:
                changed_from = self._extend(ordered)
        if self._tail is None or not len(self._tail):
            return events
        if gaps:
            self._tail = self._tail.with_flags(self._tail.bars.flags | gap_flags(self._tail, gaps))
            changed_from = int(self._tail.bars.open_ns[0])
        return events + self._announce(changed_from, watermark_ns)

    @property
    def settled_to_ns(self) -> int:
        """Up to where bars are final, ns UTC: an earlier trade changes one of them, and the tape is read again."""
        return self._settled_to_ns

    @property
    def newest(self) -> tuple[int, int] | None:
        """The ordering key (time in ns UTC, id) of the newest row that was folded; None where there is none."""
        return self._last

    def open_frame(self) -> ChartFrame | None:
        """Return the provisional bars, or None where there is none yet."""
        return self._shown

    def frame(self, max_bars: int | None = None) -> ChartFrame | None:
        """Return the bars held, or the last ``max_bars`` of them, oldest first; None where there is none."""
        pieces = [*self._settled, *([self._shown] if self._shown is not None else [])]
        if not pieces:
            return None
        if max_bars is None:
            return ChartFrame.concat(pieces)
        lengths = np.cumsum([len(piece) for piece in reversed(pieces)])
        enough = int(np.searchsorted(lengths, max_bars)) + 1
        last = ChartFrame.concat(pieces[-enough:])
        return last.slice(len(last) - min(max_bars, len(last)), len(last))

    def _within_window(self, trades: Trades) -> Trades:
        # Rows older than the first bar held change bars that are not here: whoever reads those reads the store.
        if self._first_ns is None and len(trades):
            self._first_ns = self._begins_ns(trades)
        if not len(trades) or self._first_ns is None or trades.ts_exch_ns[0] >= self._first_ns:
            return trades
        return trades.between(self._first_ns, 2**62)

    def _begins_ns(self, trades: Trades) -> int:
        # From where the tape must be read to know the bars of these rows: their session, or the first one's bar.
        if self._rule.sequential:
            return self._calendar.session_of(int(trades.ts_exch_ns[0]))[0]
        return int(self._rule.edges(trades.take(slice(0, 1)), self._calendar)[0].open_ns[0])

    def _mark_settled(self, gaps: Sequence[Gap]) -> list[Event]:
        # A gap can be known later than its bar was closed.
        if not self._settled:
            return []
        closed_ns = self._settled[-1].footprint.bars.close_ns[-1]
        if not any(gap.from_ns < closed_ns for gap in gaps):
            return []
        whole = ChartFrame.concat(self._settled)
        before = whole.footprint.bars.flags
        flags = before | gap_flags(whole.footprint, gaps)
        changed = np.flatnonzero(flags != before)
        if not len(changed):
            return []
        self._settled, self._apart = [whole.with_flags(flags)], 0
        return [BarRevised(self._settled[0].slice(i, i + 1)) for i in changed.tolist()]

    def _keep(self, trades: Trades) -> None:
        if self._source is None:
            self._kept.append(trades)

    def _stored(self, from_ns: int, new: Trades) -> Trades:
        # The new rows too: where the store could not be written, it does not hold them.
        known = self._kept if self._source is None else [self._source(from_ns).on_grid(self.instrument), new]
        return once(in_order(Trades.concat(known))).between(from_ns, 2**62)

    def _extend(self, trades: Trades) -> int:
        # The common path: rows behind all that were seen. Returns the open of the first bar that changed.
        edges, self._state = self._rule.edges(trades, self._calendar, self._state)
        piece = fold(trades, edges, self._rule.text, self.spec.ticks_per_level, self._count)
        recent = [gap for gap in self._gaps if gap.to_ns >= edges.open_ns[0]]
        if recent:
            piece = piece.with_flags(piece.bars.flags | gap_flags(piece, recent))
        self._note_holes(trades)
        self._note_ends(edges)
        self._tail = piece if self._tail is None else combine(self._tail, piece)
        self._last = (int(trades.ts_exch_ns[-1]), int(trades.trade_id[-1]))
        return int(edges.open_ns[0])

    def _note_ends(self, edges: Edges) -> None:
        until_ns = self._until_ns
        if self._tail is not None and edges.open_ns[0] == self._tail.bars.open_ns[-1]:
            until_ns = until_ns[:-1]
        elif self._tail is not None and edges.open_ns[0] < until_ns[-1]:  # it ended by a trade that it does not hold
            until_ns = np.append(until_ns[:-1], self._tail.bars.close_ns[-1])
        self._until_ns = np.concatenate([until_ns, edges.grows_until_ns])
        self._complete = edges.complete

    def _note_holes(self, trades: Trades) -> None:
        # Ids that do not count up by one prove nothing about wholeness: such bars wait for the grace.
        if not len(trades):
            return
        before_ns, before_id = self._last if self._last is not None else (int(trades.ts_exch_ns[0]), None)
        ids = trades.trade_id if before_id is None else np.concatenate([[before_id], trades.trade_id])
        times = trades.ts_exch_ns if before_id is None else np.concatenate([[before_ns], trades.ts_exch_ns])
        holes = np.flatnonzero(np.diff(ids) != 1)
        if np.any(trades.flags & FLAG_NO_ID):
            self._note_hole(before_ns, int(trades.ts_exch_ns[-1]))
        elif len(holes):
            self._note_hole(int(times[holes[0]]), int(times[holes[-1] + 1]))

    def _behind_last(self, tape: Trades) -> Trades:
        # The rows that nobody has folded yet: they come with a late one, and holes among them count as ever.
        assert self._last is not None
        ts, (last_ns, last_id) = tape.ts_exch_ns, self._last
        newer = (ts > last_ns) | ((ts == last_ns) & (tape.trade_id > last_id))
        return tape.take(slice(len(tape) - int(np.count_nonzero(newer)), len(tape)))

    def _note_hole(self, from_ns: int, to_ns: int) -> None:
        self._hole_from_ns = from_ns if self._hole_from_ns is None else min(self._hole_from_ns, from_ns)
        self._hole_to_ns = max(self._hole_to_ns, to_ns)

    def _count_final(self, tail: Footprint, watermark_ns: int) -> int:
        # Definitions 2.3: final by an id-contiguous trade beyond the close (or one that completes it), else by the
        # engine's time.
        bars = tail.bars
        by_time = self._until_ns + self._grace_ns <= watermark_ns
        if self._rule.sequential:  # whole up to its last trade; a hole behind that begins with it
            follows = np.append(bars.last_ns[:-1], bars.last_ns[-1] if self._complete else 2**62)
        else:
            follows = np.append(bars.first_ns[1:], 2**62)
        by_ids = follows < 2**62
        if self._hole_from_ns is not None:
            by_ids &= ~((self._hole_from_ns <= follows) & (self._hole_to_ns >= bars.open_ns))
        open_bars = np.flatnonzero(~(by_time | by_ids))
        return int(open_bars[0]) if len(open_bars) else len(bars)

    def _announce(self, changed_from: int | None, watermark_ns: int) -> list[Event]:
        tail = self._tail
        assert tail is not None
        count = self._count_final(tail, watermark_ns)
        if changed_from is None and not count:
            return []
        if count:
            tail = tail.with_flags(np.where(np.arange(len(tail)) < count, tail.bars.flags | BAR_FINAL, tail.bars.flags))
        shown = study(tail, self.spec, self._min_volume(tail), self._carry)
        events: list[Event] = [BarClosed(shown.slice(i, i + 1), watermark_ns) for i in range(count)]
        if changed_from is not None:
            opens = tail.bars.open_ns
            fresh = range(max(count, int(np.searchsorted(opens, changed_from))), len(tail))
            events += [BarUpdated(shown.slice(i, i + 1)) for i in fresh]
        if count:
            self._settle(shown.slice(0, count))
            if count == len(tail) and not self._complete:
                self._settled_to_ns = int(self._until_ns[-1])
            self._tail = tail.slice(count, len(tail)) if count < len(tail) else None
            self._until_ns = self._until_ns[count:]
        self._shown = shown.slice(count, len(shown)) if count < len(shown) else None
        return events

    def _min_volume(self, bars: Footprint) -> I64:
        # It depends on earlier bars only: while one bar is open it stands.
        if len(bars) == 1 and self._next_least is not None:
            return self._next_least
        settings = self.spec.imbalance
        if self._before is None:
            return imbalance.min_volume(bars, settings)
        least = imbalance.min_volume(Footprint.concat([self._before, bars]), settings, first=len(self._before))
        self._next_least = least[:1] if len(bars) == 1 else None
        return least

    def _settle(self, frame: ChartFrame) -> None:
        if not len(frame):
            return
        self._settled.append(frame)
        self._apart += 1
        if self._apart > _PIECES:  # the new ones are joined, not all: what was joined before stands
            self._settled[-self._apart :] = [ChartFrame.concat(self._settled[-self._apart :])]
            self._apart = 0
        recent = frame.footprint if self._before is None else Footprint.concat([self._before, frame.footprint])
        self._before = recent.slice(len(recent) - min(imbalance.WINDOW, len(recent)), len(recent))
        self._next_least = None
        bars = frame.footprint.bars  # where the next bar begins with a trade, not with a time, others may share it
        self._settled_to_ns = int(bars.last_ns[-1] if self._rule.sequential else bars.close_ns[-1])
        self._carry = Carry(int(frame.cvd_lot[-1]), int(frame.cvd_anchor_ns[-1]))

    def _rebuild(self, trades: Trades) -> list[Event]:
        """Fold again from the bar, or the session, that holds the first late row, from the stored tape."""
        from_ns = self._begins_ns(trades)
        held = self.frame()
        assert held is not None
        keep = int(np.searchsorted(held.footprint.bars.open_ns, from_ns))
        settled_before = sum(len(piece) for piece in self._settled)
        tape = self._stored(from_ns, trades)
        self._reset_to(held.slice(0, min(keep, settled_before)))
        redo = held.slice(min(keep, settled_before), settled_before)
        edges, self._state = self._rule.edges(tape, self._calendar)
        again = fold(tape, edges, self._rule.text, self.spec.ticks_per_level, self._count)
        again = again.with_flags(again.bars.flags | gap_flags(again, self._gaps))
        alike = same_bars(redo.footprint, again) if self._rule.sequential else 0
        count = self._count_settled(redo.footprint, again, edges, alike)
        flags = again.bars.flags.copy()
        flags[:count] |= BAR_FINAL
        shown = study(again.with_flags(flags), self.spec, self._min_volume(again), self._carry)
        self._settle(shown.slice(0, count))
        self._tail = again.slice(count, len(again)) if count < len(again) else None
        self._until_ns, self._complete = edges.grows_until_ns[count:], edges.complete
        self._note_holes(self._behind_last(tape))
        self._last = (int(tape.ts_exch_ns[-1]), int(tape.trade_id[-1]))
        if not self._rule.sequential:
            return self._revisions(redo, shown.slice(0, count), from_ns)
        return self._rebuilt(held.footprint.bars.open_ns[keep:], again.bars.open_ns, alike, len(redo))

    def _rebuilt(self, old_ns: I64, new_ns: I64, alike: int, settled: int) -> list[Event]:
        # A provisional bar that is named otherwise now cannot be replaced by its new form.
        size = min(len(old_ns), len(new_ns))
        renamed = np.flatnonzero(old_ns[:size] != new_ns[:size])
        kept = int(renamed[0]) if len(renamed) else size
        if alike == settled and kept == len(old_ns):
            return []
        first = min(alike, kept) if alike < settled else kept
        self.epoch += 1
        return [Rebuilt(min(int(opens[first]) for opens in (old_ns, new_ns) if first < len(opens)), self.epoch)]

    def _count_settled(self, old: Footprint, new: Footprint, edges: Edges, alike: int) -> int:
        # How many bars stay final: those of time bars that were, or that hold no later trades than those which were.
        if not len(old):
            return 0
        if not self._rule.sequential:
            return int(np.searchsorted(new.bars.open_ns, old.bars.open_ns[-1], side="right"))
        if alike == len(old):
            return alike
        count = int(np.searchsorted(new.bars.last_ns, old.bars.last_ns[-1], side="right"))
        return count - (count == len(new) and not edges.complete)

    def _reset_to(self, frame: ChartFrame) -> None:
        self._settled, self._before, self._carry, self._next_least = [], None, None, None
        self._apart = 0
        self._tail, self._shown, self._settled_to_ns, self._state = None, None, _NEVER, b""
        self._until_ns, self._complete = np.empty(0, np.int64), False
        self._settle(frame)

    def _revisions(self, old: ChartFrame, new: ChartFrame, from_ns: int) -> list[Event]:
        before = {int(ns): i for i, ns in enumerate(old.footprint.bars.open_ns)}
        changed = []
        for i, ns in enumerate(new.footprint.bars.open_ns):
            j = before.get(int(ns))
            if j is None or not new.slice(i, i + 1).equals(old.slice(j, j + 1)):
                changed.append(i)
        if len(changed) > _REVISIONS:
            self.epoch += 1
            return [Rebuilt(from_ns, self.epoch)]
        return [BarRevised(new.slice(i, i + 1)) for i in changed]
