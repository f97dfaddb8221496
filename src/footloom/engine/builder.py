"""The live fold of one chart: the batch kernels, once a group commit (definitions 0.5 and 2.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from footloom.core.edges import Edges
from footloom.core.footprint import BAR_FINAL, BAR_GAP, Footprint
from footloom.core.gaps import open_gaps
from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.trades import Trades
from footloom.engine.alike import changed_bars, first_changed_ns, same_bars
from footloom.engine.build import gap_flags, study
from footloom.engine.events import BarClosed, BarRevised, BarUpdated, Event, GapSeen, Rebuilt
from footloom.engine.fetched import Fetched
from footloom.engine.frame import ChartFrame
from footloom.engine.held_bars import HeldBars, two_sessions_ns
from footloom.engine.held_rows import HeldRows, with_new
from footloom.engine.open_bar import joined
from footloom.engine.read_ahead import ReadAhead
from footloom.engine.seed_bars import SeedBars, seed_of_pieces
from footloom.engine.spec import ChartSpec
from footloom.engine.tail import NEVER, Tail
from footloom.kernels.facts import in_order
from footloom.kernels.fold import Count, combine, fold
from footloom.studies import imbalance

__all__ = ("GRACE_NS", "LEAST_BARS", "MOST_BARS", "Builder", "Source")

GRACE_NS = 250_000_000  # crypto's grace: so long behind its close a bar waits for trades whose ids prove nothing
_REVISIONS = 64  # more changed bars than this are announced as one rebuild
_MANY_ROWS = 1_000_000  # where no store gives them back, so many rows are kept, and as a rule those of two sessions
_LATE_NS = 600 * 10**9  # and so long those of a session that is over
_MANY_LEVELS = 100_000  # from so many on two threads work out what each bar says by itself
LEAST_BARS, MOST_BARS = 2_000, 100_000  # the bars that are held of a chart, beyond two sessions and at the most

Source = Callable[[int], Trades]


class Builder(Tail):
    """Folds one instrument's tape into one chart as it arrives.

    Call `seed` once with the stored tape, then `update` with every commit, in the order of the journal. Any chunking
    of the same rows gives the same bars as `footloom.engine.build.build`. ``source(from_ns)`` returns every stored
    trade from a time on, the new ones included: it is asked when a trade comes late. Without one the builder keeps
    the rows that it was given: those of the session, as far as a late one needs them. ``count`` is what studies count
    in the trades (`footloom.engine.studies.counting`).

    Final bars are held for two sessions, and at least ``LEAST_BARS``, at most about ``MOST_BARS`` of them (``bars``
    gives others); rows older than the first bar held then change nothing here: who shows older bars reads the store.
    Of more than ``most_told`` bars that end in one update it is told that all was built anew, not of each.
    Fetched history far behind the newest row waits up to some seconds of engine time, so that pages of it cost little.
    """

    most_told = 2**62

    def __init__(
        self,
        instrument: Instrument,
        spec: ChartSpec,
        *,
        source: Source | None = None,
        grace_ns: int = GRACE_NS,
        count: Count | None = None,
        bars: tuple[int, int] = (LEAST_BARS, MOST_BARS),
    ) -> None:
        super().__init__(instrument, spec, grace_ns)
        self.instrument = instrument
        self.epoch = 0
        self._source = source
        self._count = count
        self._kept = HeldRows()
        self._kept_until_ns = NEVER
        self._fetched = Fetched()
        self._ahead = ReadAhead()
        self._gaps: list[Gap] = []
        self._settled = HeldBars(*bars)
        self._last: tuple[int, int] | None = None
        self._first_ns = NEVER  # older rows change bars that are not here
        self._refolded = 0  # rows that the last rebuild took

    def seed(self, trades: Trades, gaps: Sequence[Gap] = ()) -> None:
        """Take the stored tape: every bar but the last counts as final, and nothing is announced."""
        if len(trades):
            ordered = in_order(trades.on_grid(self.instrument))
            self.seed_pieces((ordered,), gaps)
            self._keep(ordered)

    def seed_pieces(self, pieces: Iterable[Trades], gaps: Sequence[Gap] = ()) -> None:
        """Take the stored tape in neighbouring pieces that ascend in the ordering key; ``source`` gives late rows back.

        The same bits as `seed` of all of them, while one piece at a time is in memory.
        """
        step = self.spec.ticks_per_level
        self.seed_bars(seed_of_pieces(pieces, self._rule, self._calendar, step, self._count), gaps)

    def seed_bars(self, found: SeedBars | None, gaps: Sequence[Gap] = ()) -> None:
        """Take the bars of the stored tape, None where it has no trade."""
        self._gaps = open_gaps(gaps)
        if found is None:
            return
        bars, edges, self._state, self._last = found
        opened = bars.bars
        self._first_ns = int(opened.open_ns[0])
        if self._rule.sequential:
            self._first_ns = self._calendar.session_of(int(opened.first_ns[0]))[0]
        flags = bars.bars.flags | gap_flags(bars, self._gaps)
        flags[:-1] |= BAR_FINAL
        threads = 2 if len(bars.levels) > _MANY_LEVELS else 1
        chart = study(bars.with_flags(flags), self.spec, threads=threads)
        self._shown = chart.slice(len(chart) - 1, len(chart)).apart()
        self._tail = self._shown.footprint
        self._until_ns, self._complete = edges.grows_until_ns[-1:].copy(), edges.complete
        self._settle(chart.slice(0, len(chart) - 1))

    def update(self, trades: Trades, watermark_ns: int, gaps: Sequence[Gap] = ()) -> list[Event]:
        """Fold one commit and return what changed.

        ``watermark_ns`` is the engine's time: receipt of the newest message, or a journalled timer; never the wall
        clock.
        """
        ordered = self._within_window(in_order(self._ahead.without(trades.on_grid(self.instrument))))
        quick = None if gaps else self._quickly(ordered, watermark_ns)
        if quick is not None:
            return quick
        events = self._note_gaps(gaps) if gaps else []
        changed_from = None
        if len(ordered):
            self._keep(ordered)
            if self._last is not None and Fetched.is_history(ordered, self._last[0]):
                self._fetched.wait(ordered)
            elif self._is_late(ordered):
                events += self._rebuild(ordered)
                changed_from = int(self._tail.bars.open_ns[0]) if self._tail is not None else None
            else:
                changed_from = self._extend(ordered)
        if self._fetched.is_due(watermark_ns):
            events += self._fold_fetched(watermark_ns)
            changed_from = int(self._tail.bars.open_ns[0]) if self._tail is not None else None
        if self._tail is None or not len(self._tail):
            return events
        if gaps:
            flags = (self._tail.bars.flags & ~BAR_GAP) | gap_flags(self._tail, self._gaps)
            self._tail = self._tail.with_flags(flags)
            changed_from = int(self._tail.bars.open_ns[0])
        return events + self._announce(changed_from, watermark_ns)

    # The common path: nothing new, or trades behind all others, of a few bars; None where more is to be done.
    def _quickly(self, trades: Trades, watermark_ns: int) -> list[Event] | None:
        if self._fetched.is_due(watermark_ns):
            return None
        if not len(trades):
            return [] if self._stands(watermark_ns) else None
        if self._count is not None or self._is_late(trades) or not self._is_plain(trades, self._gaps):
            return None
        self._holes.note(trades, self._last)
        closed = self._advanced(trades, watermark_ns)
        if closed is None:
            return None
        for bar in closed:
            self._hold(bar)
        self._keep(trades)
        self._last = (trades.ts_exch_ns.item(-1), trades.trade_id.item(-1))
        opened = [] if self._shown is None else [BarUpdated(self._shown)]
        return [*(BarClosed(bar, watermark_ns) for bar in closed), *opened]

    def catch_up(self, watermark_ns: int) -> list[Event]:
        """Fold the fetched history that still waits, and return what changed."""
        if not len(self._fetched):
            return []
        events = self._fold_fetched(watermark_ns)
        return events if self._tail is None else events + self._announce(int(self._tail.bars.open_ns[0]), watermark_ns)

    def _is_late(self, ordered: Trades) -> bool:
        first = (ordered.ts_exch_ns.item(0), ordered.trade_id.item(0))
        return self._last is not None and (first <= self._last or first[0] < self._settled_to_ns)

    def _fold_fetched(self, watermark_ns: int) -> list[Event]:
        rows = self._within_window(in_order(self._fetched.take()))
        events = self._rebuild(rows) if len(rows) else []
        self._fetched.spent(self._refolded, watermark_ns)
        return events

    @property
    def settled_to_ns(self) -> int:
        """Up to where bars are final, ns UTC: an earlier trade changes one of them, and the tape is read again."""
        return self._settled_to_ns

    @property
    def newest(self) -> tuple[int, int] | None:
        """The ordering key (time in ns UTC, id) of the newest row that was folded; None where there is none."""
        return self._last

    @property
    def first_ns(self) -> int | None:
        """When the first final bar that is held opens, ns UTC; None where there is none."""
        return self._settled.first_ns

    @property
    def dropped(self) -> int:
        """How many of the oldest bars are not held any more."""
        return self._settled.dropped

    @property
    def held_rows(self) -> int:
        """How many rows are kept because no store gives them back, or because they wait."""
        return len(self._kept) + len(self._fetched)

    def open_frame(self) -> ChartFrame | None:
        """Return the provisional bars, or None where there is none yet."""
        return self._shown

    def frame(self, max_bars: int | None = None) -> ChartFrame | None:
        """Return the bars held, or the last ``max_bars`` of them, oldest first; None where there is none."""
        pieces = [*self._settled.frames, *([self._shown] if self._shown is not None else [])]
        if not pieces:
            return None
        if max_bars is None:
            return joined(pieces)
        last: list[ChartFrame] = []
        for piece in reversed(pieces):  # cut before they are joined: what was seeded is one piece of thousands of bars
            last.append(piece.slice(max(0, len(piece) - max_bars), len(piece)))
            max_bars -= len(last[-1])
            if max_bars <= 0:
                break
        return joined(last[::-1])

    def _within_window(self, trades: Trades) -> Trades:
        # Rows older than the first bar held change bars that are not here: whoever reads those reads the store.
        if not len(trades) or trades.ts_exch_ns.item(0) >= self._first_ns:
            return trades
        return trades.between(self._first_ns, 2**62)

    def _begins_ns(self, trades: Trades) -> int:
        # From where the tape must be read to know the bars of these rows: their session, or the first one's bar.
        if self._rule.sequential:
            return self._calendar.session_of(int(trades.ts_exch_ns[0]))[0]
        return int(self._rule.edges(trades.take(slice(0, 1)), self._calendar)[0].open_ns[0])

    def _note_gaps(self, gaps: Sequence[Gap]) -> list[Event]:
        # A gap can be known later than its bar was closed, and healed later still.
        self._gaps = [gap for gap in open_gaps([*self._gaps, *gaps]) if gap.to_ns >= self._first_ns]
        revised = self._settled.mark(self._gaps, gaps)
        return [*(GapSeen(gap) for gap in gaps), *(BarRevised(frame) for frame in revised)]

    def _keep(self, trades: Trades) -> None:
        if self._source is not None:
            return
        self._kept.keep(trades)
        newest_ns = int(trades.ts_exch_ns[-1])
        if newest_ns < self._kept_until_ns and self._kept.apart:
            return
        self._kept_until_ns = self._calendar.session_of(newest_ns)[1]
        many = len(self._kept) > _MANY_ROWS
        from_ns = (
            self._calendar.session_of(newest_ns - _LATE_NS)[0] if many else two_sessions_ns(self._calendar, newest_ns)
        )
        bars = [frame.footprint.bars for frame in self._settled.frames[-1:]]
        bars += [self._tail.bars] if self._tail is not None else []
        if not self._rule.sequential:  # a week is built of several sessions
            from_ns = min([from_ns, *(int(one.open_ns[-1]) for one in bars)])
        if self._kept.drop(from_ns):
            self._first_ns = max(self._first_ns, from_ns)

    def _stored(self, from_ns: int, new: Trades) -> Trades:
        # The new rows too: where the store could not be written, it does not hold them.
        if self._source is None:
            return self._kept.since(from_ns)
        stored = self._source(from_ns).on_grid(self.instrument)
        return with_new(stored.between(from_ns, 2**62), new.between(from_ns, 2**62))

    def _extend(self, trades: Trades) -> int:
        # Rows behind all that were seen, mostly all of the one open bar. Returns the open of the first that changed.
        edges, self._state = self._rule.edges(trades, self._calendar, self._state)
        recent = [gap for gap in self._gaps if gap.to_ns >= edges.open_ns[0]]
        piece = fold(trades, edges, self._rule.text, self.spec.ticks_per_level, self._count)
        if recent:
            piece = piece.with_flags(piece.bars.flags | gap_flags(piece, recent))
        self._holes.note(trades, self._last)
        self._note_ends(edges)
        self._tail = piece if self._tail is None else combine(self._tail, piece)
        self._last = (int(trades.ts_exch_ns[-1]), int(trades.trade_id[-1]))
        return int(edges.open_ns[0])

    def _behind_last(self, tape: Trades) -> Trades:
        # The rows that nobody has folded yet: they come with a late one, and holes among them count as ever.
        assert self._last is not None
        ts, (last_ns, last_id) = tape.ts_exch_ns, self._last
        newer = (ts > last_ns) | ((ts == last_ns) & (tape.trade_id > last_id))
        return tape.take(slice(len(tape) - int(np.count_nonzero(newer)), len(tape)))

    def _announce(self, changed_from: int | None, watermark_ns: int) -> list[Event]:
        tail = self._tail
        assert tail is not None
        count = self._count_final(tail, watermark_ns)
        if changed_from is None and not count:
            return []
        if count:
            tail = tail.with_flags(tail.bars.flags | np.where(np.arange(len(tail)) < count, BAR_FINAL, 0))
        shown = self._behind.study(tail)
        if not count and len(tail) == 1:  # the common path
            self._shown = shown
            return [BarUpdated(shown)]
        events: list[Event] = []
        if count > self.most_told:
            self.epoch += 1
            events.append(Rebuilt(shown.open_ns, self.epoch, shown.slice(0, count)))
        else:
            events += [BarClosed(shown.slice(i, i + 1), watermark_ns) for i in range(count)]
        if changed_from is not None:
            fresh = range(max(count, int(np.searchsorted(tail.bars.open_ns, changed_from))), len(tail))
            events += [BarUpdated(shown.slice(i, i + 1)) for i in fresh]
        if count:
            self._settle(shown.slice(0, count))
            if count == len(tail) and not self._complete:
                self._settled_to_ns = int(self._until_ns[-1])
            self._tail = tail.slice(count, len(tail)) if count < len(tail) else None
            self._until_ns = self._until_ns[count:]
        self._shown = shown.slice(count, len(shown)) if count < len(shown) else None
        return events

    def _settle(self, frame: ChartFrame) -> None:
        if not len(frame):
            return
        self._follow(frame)
        self._hold(frame)

    def _hold(self, frame: ChartFrame) -> None:
        self._holes.forget(self._settled_to_ns)
        many = self._settled.append(frame)
        if many and self._settled.drop(two_sessions_ns(self._calendar, int(frame.footprint.bars.open_ns[-1]))):
            self._first_ns = self._settled.first_ns or self._first_ns
            self._gaps = [gap for gap in self._gaps if gap.to_ns >= self._first_ns]

    def _rebuild(self, trades: Trades) -> list[Event]:
        """Fold again from the bar, or the session, that holds the first late row, from the stored tape."""
        from_ns = self._begins_ns(trades)
        if self._tail is not None:  # provisional bars before the late row are folded again too
            opened_ns = int(self._tail.bars.open_ns[0])
            from_ns = min(from_ns, self._calendar.session_of(opened_ns)[0] if self._rule.sequential else opened_ns)
        tape = self._stored(from_ns, trades)
        if self._source is not None:
            self._ahead.note(tape, trades, from_ns)
        old_ns = self._settled.opens_since(from_ns, self._shown)
        redo = self._settled.take_since(from_ns)
        settled = 0 if redo is None else len(redo)
        self._stand_behind_settled()
        self._refolded = len(tape)
        edges, self._state = self._rule.edges(tape, self._calendar)
        again = fold(tape, edges, self._rule.text, self.spec.ticks_per_level, self._count)
        again = again.with_flags(again.bars.flags | gap_flags(again, self._gaps))
        alike = same_bars(redo.footprint, again) if self._rule.sequential and redo is not None else 0
        count = 0 if redo is None else self._count_settled(redo.footprint, again, edges, alike)
        flags = again.bars.flags.copy()
        flags[:count] |= BAR_FINAL
        shown = self._behind.study(again.with_flags(flags))
        self._settle(shown.slice(0, count))
        self._tail = again.slice(count, len(again)) if count < len(again) else None
        self._until_ns, self._complete = edges.grows_until_ns[count:], edges.complete
        self._holes.note(self._behind_last(tape), self._last)
        self._last = (int(tape.ts_exch_ns[-1]), int(tape.trade_id[-1]))
        if not self._rule.sequential:
            return self._revisions(redo, shown.slice(0, count), from_ns)
        changed_ns = first_changed_ns(old_ns, again.bars.open_ns, alike, settled)
        if changed_ns is None:
            return []
        self.epoch += 1
        return [Rebuilt(changed_ns, self.epoch)]

    def _count_settled(self, old: Footprint, new: Footprint, edges: Edges, alike: int) -> int:
        # How many bars stay final: those of time bars that were, or that hold no later trades than those which were.
        if not self._rule.sequential:
            return int(np.searchsorted(new.bars.open_ns, old.bars.open_ns[-1], side="right"))
        if alike == len(old):
            return alike
        count = int(np.searchsorted(new.bars.last_ns, old.bars.last_ns[-1], side="right"))
        return count - (count == len(new) and not edges.complete)

    def _stand_behind_settled(self) -> None:
        # As if the final bars that are held were all that was ever folded.
        self._behind.forget()
        self._tail, self._shown, self._settled_to_ns, self._state = None, None, NEVER, b""
        self._until_ns, self._complete = np.empty(0, np.int64), False
        last = self._settled.last(imbalance.WINDOW)
        if last is not None:
            self._follow(last)

    def _revisions(self, old: ChartFrame | None, new: ChartFrame, from_ns: int) -> list[Event]:
        if not len(new):
            return []
        changed = np.arange(len(new)) if old is None else changed_bars(old, new)
        if len(changed) > _REVISIONS:
            self.epoch += 1
            return [Rebuilt(from_ns, self.epoch)]
        return [BarRevised(new.slice(i, i + 1)) for i in changed.tolist()]
