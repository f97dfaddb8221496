"""A stored day folded again in the order in which it came in, commit by commit, as a live chart folded it."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from footloom.core.gaps import open_gaps
from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.snapshots import Snapshots
from footloom.core.trades import FLAG_BACKFILLED, I64, Trades
from footloom.engine.builder import Builder
from footloom.engine.events import BarClosed, BarRevised, BarUpdated, Event, GapSeen, Rebuilt
from footloom.engine.frame import ChartFrame
from footloom.engine.grace import grace_ns
from footloom.engine.held_rows import HeldRows
from footloom.engine.spec import ChartSpec
from footloom.errors import StoreError
from footloom.kernels.inference import InferState, infer
from footloom.store import Store

__all__ = ("Commit", "Replay", "Told", "commits_of", "mark_of")

_IMPORTED_ROWS = 4_096  # rows of files came at once: so many a commit
_ALL_BARS = 2**40

Told = tuple[str, int, int, int]  # what was said, of which bar (its open), known when, and the hash of its content


@dataclass(frozen=True, slots=True)
class Commit:
    """Rows as they came, the gaps that were told before them, and the engine's time behind them, ns UTC."""

    trades: Trades
    gaps: tuple[Gap, ...]
    watermark_ns: int


def commits_of(store: Store, key: str, tape: str, day: dt.date, commit_ns: int) -> Iterator[Commit]:
    """Yield a day's commits in ingest order; snapshots as the trades that are inferred from them, in that order.

    How the rows were grouped when they came is not stored: those received within ``commit_ns`` are one commit here.
    """
    instrument = store.grid(key, tape)
    watermark_ns, state, told = -(2**63), None, list[Gap]()
    for piece in store.iter_ingest(key, tape, day):
        told += piece.gaps
        block, gaps = piece.block, piece.gaps
        if not isinstance(block, Trades | Snapshots):
            raise StoreError(f"{key} {tape} is no tape that bars are made of: verify a tape of trades or snapshots")
        for rows in _grouped(block, piece.seq, commit_ns):
            watermark_ns = max(watermark_ns, int(rows.ts_recv_ns.max()))
            trades, state = _trades(rows, state, told)
            yield Commit(trades.on_grid(instrument), gaps, watermark_ns)
            gaps = ()
        if gaps:
            yield Commit(Trades.empty(instrument, tape), gaps, watermark_ns)


def _trades(rows: Trades | Snapshots, state: InferState | None, told: list[Gap]) -> tuple[Trades, InferState | None]:
    if isinstance(rows, Trades):
        return rows, None
    inferred = infer(rows, state, gaps=open_gaps(told))
    return inferred.trades, inferred.state


def _grouped(block: Trades | Snapshots, seq: I64, commit_ns: int) -> Iterator[Trades | Snapshots]:
    group = np.maximum.accumulate(block.ts_recv_ns) // commit_ns
    imported = seq == 0
    group[imported] = -1 - np.arange(int(imported.sum())) // _IMPORTED_ROWS
    cuts = np.concatenate([[0], np.flatnonzero(group[1:] != group[:-1]) + 1, [len(group)]])
    for lo, hi in itertools.pairwise(cuts.tolist()):
        if lo < hi:
            yield block.take(slice(lo, hi))


def mark_of(frame: ChartFrame) -> int:
    """Return a hash of everything that a frame holds."""
    footprint = frame.footprint
    blocks = [getattr(block, name) for block in (footprint.bars, footprint.levels) for name in type(block).__slots__]
    own = [frame.cvd_lot, frame.cvd_anchor_ns, frame.poc_row, frame.vah_row, frame.val_row, frame.min_vol_lot]
    return hash((*(column.tobytes() for column in (*blocks, *own, frame.cell_flags)),))


@dataclass(slots=True)
class Replay:
    """One chart of a day that is replayed; ``shown`` is what somebody has who follows its events: a hash a bar."""

    instrument: Instrument
    spec: ChartSpec
    tape: str
    shown: dict[int, int] = field(default_factory=dict)
    closed: set[int] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    rows: int = 0
    late: int = 0
    backfilled: int = 0
    commits: int = 0
    gaps: int = 0
    _known_ns: int = -(2**63)
    _came: HeldRows = field(default_factory=HeldRows)
    _builder: Builder = field(init=False)

    def __post_init__(self) -> None:
        """Begin with no bars."""
        self._builder = Builder(
            self.instrument,
            self.spec,
            source=self._came.since,
            grace_ns=grace_ns(self.instrument.key, self.tape),
            bars=(_ALL_BARS, _ALL_BARS),
        )

    @property
    def frame(self) -> ChartFrame | None:
        """The bars as they stand."""
        return self._builder.frame()

    def fold(self, commit: Commit) -> list[Told]:
        """Fold one commit; return what was said."""
        self._count(commit)
        if len(commit.trades):
            self._came.keep(commit.trades)
        return self._hear(self._builder.update(commit.trades, commit.watermark_ns, commit.gaps))

    def end(self) -> list[Told]:
        """Fold what still waits; return what was said."""
        return self._hear(self._builder.catch_up(self._known_ns))

    def _count(self, commit: Commit) -> None:
        newest, trades = self._builder.newest, commit.trades
        self.commits += 1
        self.gaps += len(commit.gaps)
        self.rows += len(trades)
        self.backfilled += int(np.count_nonzero(trades.flags & FLAG_BACKFILLED))
        if newest is not None and len(trades):
            self.late += int(np.count_nonzero(trades.ts_exch_ns < newest[0]))

    def _hear(self, events: list[Event]) -> list[Told]:
        closing = {int(e.frame.footprint.bars.open_ns[0]) for e in events if isinstance(e, BarClosed)}
        return [self._take(event, closing) for event in events]

    def _take(self, event: Event, closing: set[int]) -> Told:
        if isinstance(event, GapSeen):
            return "gap", event.gap.from_ns, event.gap.to_ns, hash(event.gap.cause)
        if isinstance(event, Rebuilt):
            return self._read_again(event, closing)
        open_ns, mark = int(event.frame.footprint.bars.open_ns[0]), mark_of(event.frame)
        self.shown[open_ns] = mark
        known_ns = event.known_ns if isinstance(event, BarClosed) else 0
        if isinstance(event, BarClosed):
            if open_ns in self.closed:
                self.problems.append(f"the bar that opens at {open_ns} was closed twice")
            if known_ns < self._known_ns:
                self.problems.append(f"the bar that opens at {open_ns} was known before one that was closed earlier")
            self._known_ns = known_ns
            self.closed.add(open_ns)
        elif isinstance(event, BarUpdated) and open_ns in self.closed:
            self.problems.append(f"the bar that opens at {open_ns} was final and is told as open again")
        elif isinstance(event, BarRevised):
            self.closed.add(open_ns)
        return type(event).__name__, open_ns, known_ns, mark

    def _read_again(self, event: Rebuilt, closing: set[int]) -> Told:
        # Whoever hears that reads the bars from there on anew. They stand as after all events of the commit: what is
        # told to be final behind this one is so already.
        for held in (self.shown, self.closed):
            for open_ns in [open_ns for open_ns in held if open_ns >= event.from_ns]:
                held.pop(open_ns) if isinstance(held, dict) else held.discard(open_ns)
        frame = self.frame
        if frame is not None:
            for i in range(int(np.searchsorted(frame.footprint.bars.open_ns, event.from_ns)), len(frame)):
                bar = frame.slice(i, i + 1)
                open_ns = int(bar.footprint.bars.open_ns[0])
                self.shown[open_ns] = mark_of(bar)
                if bar.final[0] and open_ns not in closing:
                    self.closed.add(open_ns)
        return "Rebuilt", event.from_ns, event.epoch, 0
