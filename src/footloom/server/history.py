"""What the server reads from the store: charts, seeds of topics, older bars, trades. Blocking: called in threads."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from footloom.bars import parse_rule
from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.sessions import DAY_NS, calendar
from footloom.core.trades import Trades
from footloom.engine.build import build, build_footprint
from footloom.engine.builder import GRACE_NS, Builder
from footloom.engine.default_step import default_ticks_per_level
from footloom.engine.frame import ChartFrame
from footloom.engine.spec import ChartSpec, chart_spec
from footloom.errors import NotStored
from footloom.feeds.stored import chart_tapes, span_of, stored_trades
from footloom.server.messages import GapSpan, SnapshotMeta, TopicRequest
from footloom.server.unseen import unseen
from footloom.store import Store

__all__ = ("ChartKey", "History", "Page", "Seed", "bar_length_ns", "with_bars")

_LEAD_BARS = 20  # the automatic minimum volume looks back at so many (definitions 5.1)
_DEFAULT_STEP_BARS = 500  # definitions 2.2
_SEED_SESSIONS = 2  # a topic holds at least yesterday and today
_DAYS = {"d": 1, "w": 7, "mo": 31}
_GRACE_NS = {"snapshot": 2_000_000_000}  # a snapshot shows a trade some third of a second later (definitions 2.3)
_COARSE = 100_000  # a study step under which bars have few rows: for what needs no levels


class ChartKey(msgspec.Struct, frozen=True):
    """What makes two charts the same topic: symbol, tape and spec."""

    instrument: Instrument
    tape: str
    spec: ChartSpec

    @property
    def key(self) -> str:
        """The symbol: ``venue:symbol``."""
        return self.instrument.key

    def request(self) -> TopicRequest:
        """Return the request with every default filled in."""
        return TopicRequest(symbol=self.key, tape=self.tape, **msgspec.structs.asdict(self.spec))


@dataclass(frozen=True, slots=True)
class Seed:
    """Everything a topic starts from; ``trades`` are the rows that the builder has folded."""

    builder: Builder
    trades: Trades
    gaps: list[Gap]
    first_ns: int
    meta: SnapshotMeta


@dataclass(frozen=True, slots=True)
class Page:
    """Bars of a stored range, and what a legend says of them."""

    frame: ChartFrame
    meta: SnapshotMeta


def bar_length_ns(bars: str) -> int:
    """Return how long a bar is at most, ns; a session for bars that end by something else than time."""
    rule = parse_rule(bars)
    days = _DAYS.get(getattr(rule, "unit", "d"))
    return days * DAY_NS if days else int(getattr(rule, "length_ns", DAY_NS))


def with_bars(meta: SnapshotMeta, frame: ChartFrame, gaps: Sequence[Gap], first_ns: int) -> SnapshotMeta:
    """Return the meta of certain bars: the gaps since the first of them, and whether the tape holds older ones."""
    if not len(frame):
        return msgspec.structs.replace(meta, has_more=False, gaps=[GapSpan.of(gap) for gap in gaps])
    open_ns = int(frame.footprint.bars.open_ns[0])
    spans = [GapSpan.of(gap) for gap in gaps if gap.to_ns > open_ns]
    return msgspec.structs.replace(meta, has_more=first_ns < open_ns, gaps=spans)


class History:
    """The charts of one store, whose methods may be called from any thread.

    ``unrecorded`` returns the rows of a symbol's tape that could not be stored (yet), in the order of their receipt.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.unrecorded: Callable[[str, str], Sequence[Trades]] = lambda _key, _tape: ()
        self._default_step = functools.cache(self._find_default_step)

    def resolve(self, request: TopicRequest) -> ChartKey:
        """Return the chart of a request with every default filled in.

        Raises
        ------
        NotStored
            Nothing is stored for the symbol, or not that tape.
        ConfigError
            The bars or a setting cannot be.
        """
        instrument = self.store.instrument(request.symbol)
        tape = self.tape_of(request.symbol, request.tape)
        asked = msgspec.structs.asdict(request)
        settings = {name: asked[name] for name in ChartSpec.__struct_fields__ if asked.get(name) is not None}
        settings["bars"] = parse_rule(request.bars).text
        if "ticks_per_level" not in settings:
            settings["ticks_per_level"] = self._default_step(request.symbol, tape, settings["bars"])
        return ChartKey(instrument, tape, chart_spec(settings))

    def tape_of(self, key: str, tape: str | None = None) -> str:
        """Return the tape that charts of a symbol read: the one asked for, else every print before aggregates.

        Raises
        ------
        NotStored
            The symbol has no such tape.
        """
        tapes = chart_tapes(self.store, key)
        if tape is not None and tape not in tapes:
            raise NotStored(f"{key} has no tape {tape} to draw from: it has {', '.join(tapes)}")
        return tape or tapes[0]

    def seed(self, chart: ChartKey, history_bars: int) -> Seed:
        """Return a builder that holds the newest bars, two sessions of them at least."""
        first_ns, last_ns = span_of(self.store, chart.key, chart.tape)
        from_ns = self._lead_in(chart, last_ns + 1 - history_bars * bar_length_ns(chart.spec.bars), first_ns)
        session_ns = last_ns + 1
        for _ in range(_SEED_SESSIONS):
            session_ns = calendar(chart.instrument.calendar).session_of(session_ns - 1)[0]
        from_ns = max(first_ns, min(from_ns, session_ns))
        trades, gaps = self._read(chart, from_ns, last_ns + 1)
        source, grace_ns = functools.partial(self._known_since, chart), _GRACE_NS.get(chart.tape, GRACE_NS)
        builder = Builder(chart.instrument, chart.spec, source=source, grace_ns=grace_ns)
        builder.seed(trades, gaps)
        return Seed(builder, trades, gaps, first_ns, self._meta(chart))

    def page(self, chart: ChartKey, from_ns: int | None, to_ns: int | None, limit: int) -> Page:
        """Return the last ``limit`` bars that open in ``[from_ns, to_ns)``.

        What looks back (CVD, the automatic minimum volume) is that of the whole tape: the fold starts early enough, and
        bars that were not asked for are cut off.
        """
        first_ns, last_ns = span_of(self.store, chart.key, chart.tape)
        length_ns = bar_length_ns(chart.spec.bars)
        end_ns = last_ns + 1 if to_ns is None else min(to_ns, last_ns + 1)
        begin_ns = end_ns - limit * length_ns if from_ns is None else from_ns
        while True:
            trades, gaps = self._read(chart, self._lead_in(chart, begin_ns, first_ns), end_ns + length_ns)
            frame = build(trades, chart.spec, gaps)
            lo, hi = (int(i) for i in np.searchsorted(frame.footprint.bars.open_ns, (begin_ns, end_ns)))
            if hi - lo >= limit or begin_ns <= first_ns or from_ns is not None:
                break
            begin_ns = end_ns - 2 * (end_ns - begin_ns)  # bars are sparse here: look back twice as far
        frame = frame.slice(max(lo, hi - limit), hi)
        return Page(frame, with_bars(self._meta(chart), frame, gaps, first_ns))

    def between(self, chart: ChartKey, from_ns: int | None, to_ns: int | None) -> ChartFrame:
        """Return the bars that open in ``[from_ns, to_ns)``; the whole tape without bounds.

        A CVD that is never reset runs from the first of these bars, not from the tape's first.
        """
        first_ns, last_ns = span_of(self.store, chart.key, chart.tape)
        begin_ns = first_ns if from_ns is None else from_ns
        end_ns = last_ns + 1 if to_ns is None else to_ns
        lead_ns = begin_ns if chart.spec.cvd_reset == "never" else self._lead_in(chart, begin_ns, first_ns)
        trades, gaps = self._read(chart, lead_ns, end_ns + bar_length_ns(chart.spec.bars))
        frame = build(trades, chart.spec, gaps)
        opens = frame.footprint.bars.open_ns
        lo = 0 if from_ns is None else int(np.searchsorted(opens, begin_ns))
        hi = int(np.searchsorted(opens, end_ns))
        if lo and chart.spec.cvd_reset == "never" and lo < hi:  # the range began inside a bar, which is not of it
            frame = build(trades.between(int(frame.footprint.bars.first_ns[lo]), 2**62), chart.spec, gaps)
            lo, hi = 0, hi - lo
        return frame.slice(lo, hi)

    def symbols(self) -> list[tuple[Instrument, list[str]]]:
        """Return the symbols that charts can be made of, with their tapes, the best first; true sides come first."""
        found = []
        for instrument in self.store.instruments():
            try:
                found.append((instrument, chart_tapes(self.store, instrument.key)))
            except NotStored:  # known, but without a tape to draw from
                continue
        return sorted(found, key=lambda row: (row[1][0] == "snapshot", row[0].key))

    def trades(self, key: str, tape: str, from_ns: int, to_ns: int) -> Trades:
        """Return the trades of ``[from_ns, to_ns)``."""
        return stored_trades(self.store, key, tape, from_ns, to_ns)

    def default_step(self, key: str) -> int:
        """Return the study step with which a one-minute chart of a symbol opens (definitions 2.2)."""
        return self._default_step(key, self.tape_of(key), "1m")

    def _find_default_step(self, key: str, tape: str, bars: str) -> int:
        _, last_ns = span_of(self.store, key, tape)
        trades = self.trades(key, tape, last_ns - _DEFAULT_STEP_BARS * bar_length_ns(bars), last_ns + 1)
        found = build_footprint(trades, bars, _COARSE).bars
        return default_ticks_per_level(found.take(slice(0, max(1, len(found) - 1))))  # the last one is not final

    def _read(self, chart: ChartKey, from_ns: int, to_ns: int) -> tuple[Trades, list[Gap]]:
        trades = self.trades(chart.key, chart.tape, from_ns, to_ns)
        return trades, self.store.gaps(chart.key, chart.tape, from_ns, to_ns)

    # What waits is asked for first: rows that the journal can store meanwhile are then in one of the two, or in both.
    def _known_since(self, chart: ChartKey, from_ns: int) -> Trades:
        waiting = self.unrecorded(chart.key, chart.tape)
        stored = self._since(chart, from_ns).on_grid(chart.instrument)
        return Trades.concat([stored, *(unseen(rows.on_grid(chart.instrument), stored) for rows in waiting)])

    def _since(self, chart: ChartKey, from_ns: int) -> Trades:
        return self.trades(chart.key, chart.tape, from_ns, 2**62)

    # Where a fold must start so that the bars from `from_ns` on are those of the whole tape: CVD runs from its
    # session's start (or the tape's), the automatic minimum volume looks back some bars.
    def _lead_in(self, chart: ChartKey, from_ns: int, first_ns: int) -> int:
        if chart.spec.cvd_reset == "never" or from_ns <= first_ns:
            return first_ns
        early_ns = from_ns - _LEAD_BARS * bar_length_ns(chart.spec.bars)
        return max(first_ns, calendar(chart.instrument.calendar).session_of(early_ns)[0])

    def _meta(self, chart: ChartKey) -> SnapshotMeta:
        instrument, spec = chart.instrument, chart.spec
        return SnapshotMeta(
            symbol=chart.key,
            tape=chart.tape,
            bars=spec.bars,
            ticks_per_level=spec.ticks_per_level,
            tick_size=f"{instrument.tick_size:f}",
            lot_size=f"{instrument.lot_size:f}",
            base=instrument.base,
            quote=instrument.quote,
            calendar=instrument.calendar,
            tz=calendar(instrument.calendar).tz,
            simulated=instrument.venue == "sim",
            inferred=chart.tape == "snapshot",
            cvd_reset=spec.cvd_reset,
            value_area=spec.value_area,
            value_area_pct=spec.value_area_pct,
            poc_tie=spec.poc_tie,
            imbalance_pct=spec.imbalance_pct,
            imbalance_compare=spec.imbalance_compare,
            min_vol="auto" if spec.min_vol_lot is None else spec.min_vol_lot,
            stack_n=spec.stack_n,
            default_ticks_per_level=self._default_step(chart.key, chart.tape, spec.bars),
            has_more=False,
            gaps=[],
        )
