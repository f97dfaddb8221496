"""What the server reads from the store: charts, seeds of topics, older bars, trades. Blocking: called in threads."""

from __future__ import annotations

import contextlib
import functools
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from footloom.bars import parse_rule
from footloom.core.footprint import BAR_FINAL, Footprint
from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.sessions import calendar
from footloom.core.trades import I64, Trades
from footloom.engine.build import build, chart_of, study
from footloom.engine.builder import Builder
from footloom.engine.frame import ChartFrame
from footloom.engine.grace import grace_ns
from footloom.engine.spec import ChartSpec, chart_spec
from footloom.engine.unseen import unseen
from footloom.errors import NotStored
from footloom.feeds.stored import chart_tapes, span_of, stored_pieces, stored_trades
from footloom.kernels.fold import Count
from footloom.kernels.inference import SnapshotParams
from footloom.server.stored.abandon import checkpoint
from footloom.server.stored.default_steps import DefaultSteps
from footloom.server.stored.documents import instrument_words
from footloom.server.stored.kept_rows import KeptRows, Tape
from footloom.server.stored.reach import (
    ChartKey,
    bar_length_ns,
    grow_until_ns,
    sample_of,
    session_open,
    sessions_open,
    whole_stretch,
)
from footloom.server.stored.seeded import SeededBuilder
from footloom.server.wire.messages import GapSpan, SnapshotMeta, TopicRequest
from footloom.store import Store
from footloom.studies.imbalance import WINDOW

__all__ = ("ChartKey", "History", "Page", "Seed", "bar_length_ns", "grow_until_ns", "with_bars")

_LEAD_BARS = WINDOW + 1  # what the automatic minimum volume looks back at, behind one that the read may cut


@dataclass(frozen=True, slots=True)
class Seed:
    """Everything a topic starts from; ``tape`` are the rows that the builder has folded."""

    builder: Builder
    tape: Tape
    gaps: list[Gap]
    first_ns: int
    meta: SnapshotMeta


@dataclass(frozen=True, slots=True)
class _Loaded:
    """Bars of a range, ``lo`` to ``hi`` of those that were folded; the ones before lead up to them."""

    gaps: list[Gap]
    frame: ChartFrame
    lo: int
    hi: int


@dataclass(frozen=True, slots=True)
class Page:
    """Bars of a stored range, and what a legend says of them."""

    frame: ChartFrame
    meta: SnapshotMeta


def with_bars(meta: SnapshotMeta, frame: ChartFrame, gaps: Sequence[Gap], first_ns: int) -> SnapshotMeta:
    """Return the meta of certain bars: the gaps since the first of them, and whether the tape holds older ones."""
    if not len(frame):
        return msgspec.structs.replace(meta, has_more=False, gaps=[GapSpan.of(gap) for gap in gaps])
    open_ns = int(frame.footprint.bars.open_ns[0])
    spans = [GapSpan.of(gap) for gap in gaps if gap.to_ns > open_ns]
    return msgspec.structs.replace(meta, has_more=first_ns < open_ns or meta.candles, gaps=spans)


# The last bar of a read looks open; it is final where the tape goes on behind it.
def _finished(chart: ChartKey, frame: ChartFrame, last_ns: int) -> ChartFrame:
    bars = frame.footprint.bars
    over = bars.close_ns + (grace_ns(chart.key, chart.tape) if chart.tape == "snapshot" else 0) <= last_ns
    return frame.with_flags(np.where(over, bars.flags | BAR_FINAL, bars.flags))


class History:
    """The charts of one store, whose methods may be called from any thread.

    ``unrecorded`` returns the rows of a symbol's tape that could not be stored (yet), in the order of their receipt.
    ``inference`` is how the sides of snapshots are inferred.
    """

    def __init__(self, store: Store, inference: SnapshotParams | None = None) -> None:
        self.store = store
        self.inference = SnapshotParams() if inference is None else inference
        self.unrecorded: Callable[[str, str], Sequence[Trades]] = lambda _key, _tape: ()
        self.has_candles: Callable[[ChartKey], bool] = lambda _chart: False
        self._kept = KeptRows(store, self._trades, self.pieces)
        self.steps = DefaultSteps(self)

    def resolve(self, request: TopicRequest) -> ChartKey:
        """Return the chart of a request with every default filled in.

        Raises
        ------
        NotStored
            Nothing is stored for the symbol, or not that tape.
        ConfigError
            The bars or a setting cannot be.
        """
        tape = self.tape_of(request.symbol, request.tape)
        instrument = self.store.grid(request.symbol, tape)
        asked = msgspec.structs.asdict(request)
        settings = {name: asked[name] for name in ChartSpec.__struct_fields__ if asked.get(name) is not None}
        settings["bars"] = parse_rule(request.bars).text
        if "ticks_per_level" not in settings:
            settings["ticks_per_level"] = self.steps.of(instrument, tape, settings["bars"])
        return ChartKey(instrument, tape, chart_spec(settings))

    def resolves_soon(self, request: TopicRequest) -> bool:
        """Say whether `resolve` reads little: no trades, to find out with which study step such a chart opens."""
        return self.steps.knows(request.symbol, request.bars)

    def tape_of(self, key: str, tape: str | None = None) -> str:
        """Return the tape that charts of a symbol read: the one asked for, else the best of `chart_tapes`.

        Raises
        ------
        NotStored
            The symbol has no such tape.
        """
        tapes = chart_tapes(self.store, key)
        if tape is not None and tape not in tapes:
            raise NotStored(f"{key} has no tape {tape} to draw from: it has {', '.join(tapes)}")
        return tape or tapes[0]

    def seed(self, chart: ChartKey, history_bars: int, count: Count | None = None) -> Seed:
        """Return a builder that holds the newest bars, two sessions of them at least.

        ``count`` is what studies count in the trades (`footloom.engine.studies.counting`).
        """
        state = self.steps.asked(chart.instrument, chart.tape, chart.spec.bars)
        first_ns, last_ns = span_of(self.store, chart.key, chart.tape)
        sessions_ns = sessions_open(chart.instrument, last_ns)
        source = functools.partial(self._known_since, chart)
        builder, tape = SeededBuilder(chart.instrument, chart.spec), Tape(chart.instrument, chart.tape, ())

        def fold(lead_ns: int, until_ns: int, gaps: list[Gap]) -> ChartFrame:
            nonlocal builder, tape
            tape = self._tape(chart, lead_ns, until_ns)
            builder = SeededBuilder(
                chart.instrument, chart.spec, source=source, grace_ns=grace_ns(chart.key, chart.tape), count=count
            )
            builder.seed_bars(self._kept.bars(tape, chart.instrument, chart.spec, count), gaps)
            return builder.frame() or build(Trades.empty(chart.instrument, chart.tape), chart.spec)

        from_ns = min(sessions_ns, last_ns + 1 - (history_bars + _LEAD_BARS) * bar_length_ns(chart.spec.bars))
        times = (from_ns, last_ns + 1, last_ns + 1)
        found = self._load(
            chart, times, lambda opens: min(int(np.searchsorted(opens, sessions_ns)), len(opens) - history_bars), fold
        )
        if len(found.frame):
            builder.shown_ns = int(found.frame.footprint.bars.open_ns[found.lo])
        self.steps.learn(chart.instrument, chart.tape, chart.spec.bars, found.frame.footprint.bars, state)
        return Seed(builder, tape, found.gaps, first_ns, self._meta(chart))

    def page(self, chart: ChartKey, from_ns: int | None, to_ns: int | None, limit: int) -> Page:
        """Return the last ``limit`` bars that open in ``[from_ns, to_ns)``.

        What looks back (CVD, the automatic minimum volume) is that of the whole tape: the fold starts early enough, and
        bars that were not asked for are cut off.
        """
        first_ns, last_ns = span_of(self.store, chart.key, chart.tape)
        length_ns = bar_length_ns(chart.spec.bars)
        end_ns = last_ns + 1 if to_ns is None else min(to_ns, last_ns + 1)
        begin_ns = max(end_ns - limit * length_ns, -(2**62) if from_ns is None else from_ns)

        # As far back as the bars are wanted, and no farther: a range of years may be asked for a few bars of its end.
        def first_of(opens: I64) -> int:
            newest = len(opens) - limit
            if from_ns is None or not len(opens) or (newest < 0 and from_ns < begin_ns and opens[0] > from_ns):
                return newest
            return max(newest, int(np.searchsorted(opens, from_ns)))

        found = self._load(chart, (begin_ns - _LEAD_BARS * length_ns, begin_ns, end_ns), first_of)
        frame = _finished(chart, found.frame, last_ns).slice(found.lo, found.hi)
        return Page(frame, with_bars(self._meta(chart), frame, found.gaps, first_ns))

    def between(self, chart: ChartKey, from_ns: int | None, to_ns: int | None) -> ChartFrame:
        """Return the bars that open in ``[from_ns, to_ns)``; the whole tape without bounds.

        A CVD that is never reset runs from the first of these bars, not from the tape's first; everything else is that
        of the whole tape.
        """
        first_ns, last_ns = span_of(self.store, chart.key, chart.tape)
        begin_ns = first_ns if from_ns is None else from_ns
        end_ns = last_ns + 1 if to_ns is None else to_ns
        lead_ns = begin_ns - _LEAD_BARS * bar_length_ns(chart.spec.bars)
        found = self._load(
            chart,
            (lead_ns, begin_ns, end_ns),
            lambda opens: 0 if from_ns is None else int(np.searchsorted(opens, begin_ns)),
            from_first=False,
        )
        frame = _finished(chart, found.frame, last_ns).slice(found.lo, found.hi)
        if chart.spec.cvd_reset == "never" and found.lo:
            return study(frame.footprint, chart.spec, frame.min_vol_lot)
        return frame

    def can_chart(self, key: str) -> bool:
        """Say whether a chart can be made of what is stored of a symbol."""
        with contextlib.suppress(NotStored):
            tape = chart_tapes(self.store, key)[0]
            return any(row.rows for row in self.store.coverage(key) if row.tape == tape)
        return False

    def symbols(self) -> list[tuple[Instrument, list[str]]]:
        """Return the symbols that charts can be made of, with their tapes, the best first; true sides come first.

        They stand on the grid of their best tape.
        """
        found = []
        for instrument in self.store.instruments():
            with contextlib.suppress(NotStored):  # known, but without a tape to draw from
                tapes = chart_tapes(self.store, instrument.key)
                found.append((self.store.grid(instrument.key, tapes[0]), tapes))
        return sorted(found, key=lambda row: (row[1][0] == "snapshot", row[0].key))

    def trades(self, key: str, tape: str, from_ns: int, to_ns: int) -> Trades:
        """Return the trades of ``[from_ns, to_ns)``, on the grid of the whole tape, as its charts."""
        return self._trades(key, tape, from_ns, to_ns).on_grid(self.store.grid(key, tape))

    def span(self, chart: ChartKey) -> tuple[int, int]:
        """Return the times of the first and the last row of a chart's tape, ns UTC."""
        return span_of(self.store, chart.key, chart.tape)

    def state(self, key: str, tape: str, until_ns: int | None = None) -> str:
        """Return a hash of what is stored of a tape before a time: as long as it is the same, so are the answers.

        The store tells each day's content by checksums (`footloom.store.Coverage.content`), and its open gaps.
        """
        digest = hashlib.blake2b(digest_size=16)
        end_ns = 2**62 if until_ns is None else until_ns
        for row in self.store.coverage(key):
            if row.tape == tape and (row.first_ns is None or row.first_ns < end_ns):
                counted = (row.day, row.rows, row.first_ns, row.last_ns, row.bytes, row.gaps, row.parts, row.content)
                digest.update(repr(counted).encode())
        for gap in self.store.gaps(key, tape, -(2**62), end_ns):
            digest.update(msgspec.json.encode(gap))
        return digest.hexdigest()

    def rows(self, key: str, tape: str, from_ns: int, to_ns: int) -> int:
        """Return how many rows of a tape lie on the days that a range touches, without reading them."""
        days = [row for row in self.store.coverage(key) if row.tape == tape and row.first_ns is not None]
        return sum(row.rows for row in days if (row.last_ns or 0) >= from_ns and (row.first_ns or 0) < to_ns)

    def is_at_hand(self, key: str, tape: str, from_ns: int, to_ns: int) -> bool:
        """Say whether the rows of a range are kept in memory once they were read, so that little work reads them."""
        return tape != "snapshot" and self._kept.holds(self.rows(key, tape, from_ns, to_ns))

    def sample(self, instrument: Instrument, tape: str, bars: str) -> tuple[int, int]:
        """Return the range of a tape, ns UTC, whose bars say with which study step a chart opens (definitions 2.2)."""
        return sample_of(instrument, bars, span_of(self.store, instrument.key, tape)[1])

    def pieces(self, key: str, tape: str, from_ns: int, to_ns: int) -> Iterable[Trades]:
        """Return the same trades in neighbouring pieces: memory stays flat over any length."""
        asked = (key, tape, from_ns, to_ns, self.store.grid(key, tape))
        kept = self._kept.kept(*asked)
        return self._read(*asked) if kept is None else kept

    def _read(self, key: str, tape: str, from_ns: int, to_ns: int, grid: Instrument) -> Iterator[Trades]:
        for piece in stored_pieces(self.store, key, tape, from_ns, to_ns, self.inference):
            checkpoint()
            yield piece.on_grid(grid)

    def footprint(self, chart: ChartKey, from_ns: int, to_ns: int) -> Footprint | None:
        """Return the bars of the trades of a range, None without one: what becomes of months of trades is small."""
        asked = (chart.key, chart.tape, from_ns, to_ns)
        return self._kept.footprint(asked, chart.instrument, chart.spec, self.pieces(*asked))

    def runs(self, chart: ChartKey, from_ns: int, to_ns: int) -> Iterator[Footprint] | None:
        """Return the same bars in runs, a day or less at a time; None where only the trades can say them."""
        asked = (chart.key, chart.tape, from_ns, to_ns)
        return self._kept.runs(asked, chart.instrument, chart.spec, self.pieces(*asked))

    def _trades(self, key: str, tape: str, from_ns: int, to_ns: int) -> Trades:
        return stored_trades(self.store, key, tape, from_ns, to_ns, self.inference)

    def default_step(self, key: str) -> int:
        """Return the study step with which a one-minute chart of a symbol opens (definitions 2.2)."""
        tape = self.tape_of(key)
        return self.steps.of(self.store.grid(key, tape), tape, "1m")

    def opening_step(self, chart: ChartKey) -> int:
        """Return the study step with which a chart of these bars opens where none is named, as its meta tells it."""
        return self.steps.of(chart.instrument, chart.tape, chart.spec.bars)

    def _tape(self, chart: ChartKey, from_ns: int, to_ns: int) -> Tape:
        checkpoint()
        return self._kept.between(chart.key, chart.tape, from_ns, to_ns, chart.instrument)

    def _fold(self, chart: ChartKey, from_ns: int, to_ns: int, gaps: list[Gap]) -> ChartFrame:
        found = self.footprint(chart, from_ns, to_ns)
        if found is None:
            return build(Trades.empty(chart.instrument, chart.tape), chart.spec)
        return chart_of(found, chart.spec, gaps)

    # What waits is asked for first: rows that the journal can store meanwhile are then in one of the two, or in both.
    def _known_since(self, chart: ChartKey, from_ns: int) -> Trades:
        waiting = self.unrecorded(chart.key, chart.tape)
        stored = self._tape(chart, from_ns, 2**62).whole()
        return Trades.concat([stored, *(unseen(rows.on_grid(chart.instrument), stored) for rows in waiting)])

    # Bars that open before the end of `(read from, first asked for, end)` and are those of the whole tape from
    # `first_of(opens)` on (below 0: so many are missing yet). The read begins earlier and earlier, until the bars that
    # the minimum volume looks back at stand before them, and the session from whose open their CVD counts; with
    # `from_first` a CVD that is never reset counts from the tape's first trade.
    def _load(
        self,
        chart: ChartKey,
        times: tuple[int, int, int],
        first_of: Callable[[I64], int],
        fold: Callable[[int, int, list[Gap]], ChartFrame] | None = None,
        *,
        from_first: bool = True,
    ) -> _Loaded:
        lead_ns, begin_ns, end_ns = times
        first_ns, last_ns = span_of(self.store, chart.key, chart.tape)
        by_session = chart.spec.cvd_reset == "session"
        if by_session:
            lead_ns = min(lead_ns, session_open(chart, begin_ns))
        elif from_first:
            lead_ns = first_ns
        until_ns = min(grow_until_ns(chart, end_ns), last_ns + 1)
        while True:
            lead_ns = max(whole_stretch(chart, lead_ns)[0], first_ns)
            gaps = self.store.gaps(chart.key, chart.tape, lead_ns, until_ns)
            frame = (fold or functools.partial(self._fold, chart))(lead_ns, until_ns, gaps)
            opens = frame.footprint.bars.open_ns
            hi = int(np.searchsorted(opens, end_ns))
            lo = first_of(opens[:hi])
            if lead_ns <= first_ns or lo >= hi > 0:
                break
            if lo < _LEAD_BARS:
                lead_ns = self._earlier(chart, lead_ns, _LEAD_BARS - lo, first_ns)
            elif by_session and session_open(chart, int(opens[lo])) < lead_ns:
                lead_ns = session_open(chart, int(opens[lo]))
            else:
                break
        return _Loaded(gaps, frame, min(max(lo, 0), hi), hi)

    # Where the last `count` bars before a time begin, or the tape does; sparse bars make it look back twice as far.
    def _earlier(self, chart: ChartKey, before_ns: int, count: int, first_ns: int) -> int:
        step_ns = count * bar_length_ns(chart.spec.bars)
        rule, days = parse_rule(chart.spec.bars), calendar(chart.instrument.calendar)
        while count > 0 and before_ns > first_ns:
            from_ns = max(first_ns, whole_stretch(chart, before_ns - step_ns)[0])
            state, open_ns = b"", None
            for piece in self.pieces(chart.key, chart.tape, from_ns, before_ns):
                edges, state = rule.edges(piece.on_grid(chart.instrument), days, state)
                if len(edges):
                    count -= len(edges) - (edges.open_ns.item(0) == open_ns)
                    open_ns = edges.open_ns.item(-1)
            before_ns, step_ns = from_ns, 2 * step_ns
        return before_ns

    def _meta(self, chart: ChartKey) -> SnapshotMeta:
        instrument, spec = chart.instrument, chart.spec
        return SnapshotMeta(
            symbol=chart.key,
            tape=chart.tape,
            bars=spec.bars,
            ticks_per_level=spec.ticks_per_level,
            **instrument_words(instrument, chart.tape),
            cvd_reset=spec.cvd_reset,
            value_area=spec.value_area,
            value_area_pct=spec.value_area_pct,
            poc_tie=spec.poc_tie,
            imbalance_pct=spec.imbalance_pct,
            imbalance_compare=spec.imbalance_compare,
            min_vol="auto" if spec.min_vol_lot is None else spec.min_vol_lot,
            stack_n=spec.stack_n,
            default_ticks_per_level=self.opening_step(chart),
            has_more=False,
            gaps=[],
            candles=self.has_candles(chart),
        )
