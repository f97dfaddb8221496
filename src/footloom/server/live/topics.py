"""A topic: one symbol seen through one chart spec, folded once for all who look at it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import msgspec

from footloom.core.gaps import open_gaps
from footloom.core.messages import Gap
from footloom.core.sessions import calendar
from footloom.core.trades import FLAG_BACKFILLED, Trades
from footloom.engine.builder import Builder
from footloom.engine.events import BarClosed, BarRevised, BarUpdated, Event, GapSeen
from footloom.engine.events import Rebuilt as RebuiltEvent
from footloom.engine.fetched import Fetched
from footloom.engine.frame import ChartFrame
from footloom.errors import FootloomError, NotStored
from footloom.feeds.flow import Commit
from footloom.kernels.facts import in_order
from footloom.server.live.joining import runs
from footloom.server.live.lanes import fold_late
from footloom.server.live.next_frame import NextFrame
from footloom.server.live.readers import StateReader, Subscriber
from footloom.server.live.snapshots import Snapshots
from footloom.server.live.study_beside import StudiesBeside
from footloom.server.live.tempo import Tempo
from footloom.server.stored.history import ChartKey, Seed, with_bars
from footloom.server.wire.frames import Form, Frame, Heard, chart_frame, together
from footloom.server.wire.messages import GapSpan, GapText, SnapshotMeta, StudyRequest, Subscribed, encode_text
from footloom.server.wire.studies import Told

__all__ = ("Topic",)

_LOOK_SHARE = 10.0  # looks of studies take a tenth of the time at most
_NEVER = -(2**63)


@dataclass(eq=False)
class Topic:
    """Live state of one topic: everything here happens on the event loop, but for folds that read the store.

    ``meta`` is what a snapshot says about itself, ``first_ns`` the time of the tape's first trade. ``seq`` grows with
    each frame that is sent, for all clients alike: it says where in the topic a frame belongs. ``waiting`` holds the
    commits that ``work`` will fold: others than the next one in order come only when it is done. Who needs the bars as
    they stand takes the lock ``folding``, and does not keep it. ``folded`` is told of each fold, with the error where
    it failed.
    """

    id: int
    chart: ChartKey
    _builder: Builder
    meta: SnapshotMeta
    gaps: list[Gap]
    first_ns: int
    tempo: Tempo = field(default_factory=Tempo)
    seq: int = 0
    heard: Heard | None = None  # receipts of what no frame has shown yet
    subscribers: set[Subscriber] = field(default_factory=set)
    was_read: bool = False
    frames_encoded: int = 0
    history_bars: int = 300
    waiting: deque[Commit] = field(default_factory=deque)
    work: asyncio.Task[None] | None = None
    folding: asyncio.Lock = field(default_factory=asyncio.Lock)
    mended_at: float = float("-inf")
    ended: FootloomError | None = None
    behind_ns: int | None = None  # since when history was fetched that the bars do not hold yet
    refresh: asyncio.Task[None] | None = None
    requests: tuple[StudyRequest, ...] = ()  # the studies beside the bars
    studies: StudiesBeside | None = None
    folded: Callable[[Exception | None], None] = lambda error: None  # noqa: ARG005 - nobody asks yet
    _held: list[Commit] = field(default_factory=list)  # to be folded at once, when the next flush is due
    _open: dict[int, ChartFrame] = field(default_factory=dict)  # changed since the last flush, by open_ns
    _look: asyncio.TimerHandle | None = None
    _looked_at: float = float("-inf")
    _look_s: float = 0.0
    _snapshots: Snapshots | None = None  # of the state as it stands: others for each
    newest: tuple[int, int] = (_NEVER, 0)  # the ordering key of the newest row that was folded

    def __post_init__(self) -> None:
        self._next = NextFrame(self.tempo, self._when_due)

    @property
    def key(self) -> str:
        """The symbol: ``venue:symbol``."""
        return self.chart.key

    @property
    def name(self) -> str:
        """How messages call it."""
        return f"{self.key} {self.chart.spec.bars}"

    @property
    def builder(self) -> Builder:
        """Its bars, with all that was taken in."""
        self.catch_up()
        return self._builder

    @property
    def has_begun(self) -> bool:
        """Whether it has bars: the first of a broker's snapshots shows no trade yet."""
        return self.newest[0] != _NEVER

    def subscribed(self, request_id: int) -> Subscribed:
        """Return the answer to a request of this topic."""
        specs = () if self.studies is None else self.studies.specs
        return Subscribed(request_id, self.id, topic=self.chart.request(), studies=specs)

    @classmethod
    def of(cls, number: int, chart: ChartKey, seed: Seed, history_bars: int, tempo: Tempo) -> Topic:
        """Return a topic that stands where a seed stands."""
        topic = cls(number, chart, seed.builder, seed.meta, [], seed.first_ns, tempo, history_bars=history_bars)
        topic.restart(seed)
        return topic

    def restart(self, seed: Seed, studies: StudiesBeside | None = None) -> None:
        """Stand where a seed stands; nobody is told."""
        self.stand_by(studies)
        self._builder, self.meta, self.gaps, self.first_ns = seed.builder, seed.meta, list(seed.gaps), seed.first_ns
        self._held, self._open, self._snapshots = [], {}, None
        self.newest = seed.builder.newest or (_NEVER, 0)

    def stand_by(self, studies: StudiesBeside | None) -> None:
        """Have these studies beside the bars, and no others."""
        if self.studies is not None:
            self.studies.stop()
        self.studies = studies
        if studies is not None:
            studies.begin(self._hear_beside)

    # Another symbol has traded: what studies say of bars has changed, in the worst case of bars that were settled.
    def _hear_beside(self, late_ns: int | None) -> None:
        if late_ns is not None:
            self._doubt_studies(late_ns)
            self.folded(None)
        elif self.studies is not None and not self.studies.is_stale:
            self._post_closed(self.studies.settle())
            self._look_soon()

    def is_late(self, trades: Trades) -> bool:
        """Say whether rows come behind others that were folded: the builder then reads the store."""
        if not len(trades):
            return False
        ordered, (newest_ns, newest_id) = in_order(trades), self.newest
        first_ns = ordered.ts_exch_ns.item(0)
        if first_ns <= newest_ns and (first_ns < newest_ns or ordered.trade_id.item(0) <= newest_id):
            return True
        return bool(first_ns < self._builder.settled_to_ns)

    # Behind the cut another contract stands for the continuous future: its chart is read anew, with its roll.
    def _is_rolled(self, trades: Trades) -> bool:
        cuts = calendar(self.chart.instrument.calendar).cuts
        return bool(cuts and len(trades)) and any(self.newest[0] < at_ns <= trades.ts_exch_ns.max() for at_ns in cuts)

    def without_behind(self, commit: Commit) -> Commit:
        """Note fetched history, or that a continuous future has rolled; return what of a commit is left to fold."""
        if self._is_rolled(commit.trades):
            self.behind_ns = self.first_ns
        if not Fetched.is_history(commit.trades, self.newest[0]):
            return commit
        oldest_ns = int(commit.trades.ts_exch_ns.min())
        self.behind_ns = oldest_ns if self.behind_ns is None else min(self.behind_ns, oldest_ns)
        return replace(commit, trades=commit.trades.take(slice(0, 0)))

    def renew(self, seed: Seed, from_ns: int, studies: StudiesBeside | None = None) -> None:
        """Stand where a seed stands, and say that bars from a time on were built anew."""
        seed.builder.epoch = self._builder.epoch + 1
        self.restart(seed, studies)
        self._resnapshot(from_ns, seed.builder.epoch)

    def take(self, commit: Commit) -> None:
        """Take in a commit that is not late: folded now, or with those that come until the next flush is due.

        Any chunking gives the same bars, so that folds are no more than frames, however often rows are committed.
        """
        self._note(commit.trades)
        self._held.append(commit)
        if commit.gaps or self._next.is_due(self.heard):
            with self.tempo.working():
                self.catch_up()

    def catch_up(self) -> None:
        """Fold what was taken in, and post what it changed."""
        if self._held:
            self._do(self._fold_held)

    def _do(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - whoever asked has another errand
            self.folded(error)
        else:
            self.folded(None)

    def _fold_held(self) -> None:
        held, self._held = self._held, []
        for trades, watermark_ns, gaps in runs(held):
            self._tell(self._builder.update(trades, watermark_ns, gaps))
            self._pass(watermark_ns)

    async def apply_beside(self, commit: Commit) -> None:
        """Fold one commit and post what it changed; what reads the store does so in a thread."""
        async with self.folding:
            self._fold_held()
            is_late, builder = self.is_late(commit.trades), self._builder
            self._note(commit.trades)
            if not is_late:
                self._tell(builder.update(commit.trades, commit.watermark_ns, commit.gaps))
                self._pass(commit.watermark_ns)
                return
            events = await fold_late(builder.update, commit.trades, commit.watermark_ns, commit.gaps)
            if builder.newest is not None:  # what was read may hold rows of commits that are yet to come
                self.newest = max(self.newest, builder.newest)
            self._tell(events)
            self._pass(commit.watermark_ns)

    # A symbol beside the chart that is silent holds nothing back for longer than the engine's clock says.
    def _pass(self, watermark_ns: int) -> None:
        if self.studies is not None and not self.studies.is_stale:
            self._post_closed(self.studies.note(watermark_ns))

    def _note(self, trades: Trades) -> None:
        if not len(trades):
            return
        ordered = in_order(trades)
        self.newest = max(self.newest, (ordered.ts_exch_ns.item(-1), ordered.trade_id.item(-1)))
        if self.subscribers and not (self.meta.simulated or trades.flags.item(-1) & FLAG_BACKFILLED):
            received = trades.ts_recv_ns
            self.heard = together(self.heard, (received.item(0), received.item(-1)))

    def _tell(self, events: Sequence[Event]) -> None:
        if not events:
            return
        self._snapshots = None
        for event in events:
            self._on_event(event)
        if self._open and self._next.is_due(self.heard):
            self._flush()

    def snapshot(self, history_bars: int, form: Form = "binary") -> Awaitable[bytes | str]:
        """Return the newest bars as a frame, as they stand at the call (with ``folding``), not at its await."""
        want = (history_bars, form)
        if self._snapshots is None:
            self._snapshots = Snapshots()
        snapshots = self._snapshots
        kept = snapshots.again(want)
        if kept is not None:
            return kept
        frame = self.builder.frame(history_bars)
        if frame is None:
            raise NotStored(f"{self.chart.key} has no bars yet")
        meta = msgspec.json.encode(with_bars(self.meta, frame, self.gaps, self.first_ns))
        return snapshots.make(want, frame, meta, (self.id, self.seq))

    def study_snapshot(self, history_bars: int, form: Form) -> bytes | str | None:
        """Return what the studies say of the same bars, None where there are none; with ``folding``."""
        if self.studies is None:
            return None
        opened = self.builder.open_frame()
        told = self.studies.held(history_bars, None if opened is None else opened.footprint)
        return None if told is None else self.studies.frame(told, "studies", self.id, self.seq).data(form)

    def close(self) -> None:
        """Stop the timers: nothing is posted any more."""
        self._next.stop()
        if self._look is not None:
            self._look.cancel()
            self._look = None
        self.stand_by(None)

    def _on_event(self, event: Event) -> None:
        match event:
            case BarUpdated(frame=frame):
                self._open[frame.open_ns] = frame
            case BarClosed(frame=frame):  # the open bar in its final form, so the open form need not go out any more
                self._open.pop(frame.open_ns, None)
                self._post_frame(frame, "bar_closed")
                self._close_studies(frame)
            case BarRevised(frame=frame):
                self._open.pop(frame.open_ns, None)
                self._post_frame(frame, "bar_revised")
                self._doubt_studies(frame.open_ns)
            case GapSeen(gap=gap):
                self.gaps = open_gaps([*self.gaps, gap])
                self._post_gap(gap)
            case RebuiltEvent(from_ns=from_ns, epoch=epoch, closed=closed):
                self._open.clear()
                self._resnapshot(from_ns, epoch, closed)
                if closed is None:
                    self._doubt_studies(from_ns)
                elif self.studies is not None and not self.studies.is_stale:
                    self.studies.close(closed.footprint)  # what they say of these stands in the snapshot

    def _resnapshot(self, from_ns: int, epoch: int, closed: ChartFrame | None = None) -> None:
        for subscriber in list(self.subscribers):
            subscriber.resnapshot((from_ns, epoch), closed)

    def _when_due(self) -> None:
        with self.tempo.working():
            self.catch_up()
            if self._open:
                self._do(self._flush)

    def _flush(self) -> None:
        frames, self._open = self._open, {}
        self._next.note_left()
        if not self.subscribers:
            return
        heard, self.heard = self.heard, None
        for open_ns, chart in frames.items():
            frame = self._frame(chart, "bar_open", heard)
            for subscriber in list(self.subscribers):
                subscriber.post_bar(open_ns, frame)
        self._look_soon()

    def _look_soon(self) -> None:
        if self.studies is not None and self._look is None and self.subscribers:
            loop = asyncio.get_running_loop()
            wait_s = self._looked_at + max(_LOOK_SHARE * self._look_s, self.tempo.interval_s) - loop.time()
            self._look = loop.call_later(max(0.0, wait_s), self._look_at_open)

    def _post_frame(self, chart: ChartFrame, kind: str) -> None:
        if self.subscribers:
            self._post_event(self._frame(chart, kind, None), ends_ns=chart.open_ns)

    # What a study says of a bar that has closed is final; each is said once, behind the bar.
    def _close_studies(self, chart: ChartFrame) -> None:
        if self.studies is None or self.studies.is_stale:
            return
        self._post_closed(self.studies.close(chart.footprint))

    def _post_closed(self, told: Sequence[Told]) -> None:
        if self.studies is None or not self.subscribers:
            return
        for one in told:
            self.seq += 1
            self._post_event(self.studies.frame(one, "studies_closed", self.id, self.seq))

    # A final bar has changed: what studies say from there on is read anew from the store, beside the moving chart.
    def _doubt_studies(self, from_ns: int) -> None:
        if self.studies is not None:
            self.studies.is_stale = True
            self.behind_ns = from_ns if self.behind_ns is None else min(from_ns, self.behind_ns)

    # Studies that take long look more rarely, so that they never fill the event loop.
    def _look_at_open(self) -> None:
        self._look = None
        opened, studies = self.builder.open_frame(), self.studies
        if studies is None or studies.is_stale or not self.subscribers:
            return
        loop = asyncio.get_running_loop()
        self._looked_at = loop.time()
        looks = studies.looks(None if opened is None else opened.footprint)
        self._look_s = loop.time() - self._looked_at
        self._snapshots = None
        for name, told in looks:
            self.seq += 1
            frame = studies.frame(told, "studies_open", self.id, self.seq)
            for subscriber in list(self.subscribers):
                cast("StateReader", subscriber).post_state(name, frame)

    def _post_gap(self, gap: Gap) -> None:
        if self.subscribers:
            self.seq += 1
            text = encode_text(GapText(self.id, self.seq, GapSpan.of(gap)))
            self._post_event(Frame(self.id, self.seq, "gap", lambda _form: text))

    def _post_event(self, frame: Frame, *, ends_ns: int | None = None) -> None:
        for subscriber in list(self.subscribers):
            subscriber.post_event(frame, ends_ns=ends_ns)

    def _frame(self, chart: ChartFrame, kind: str, heard: Heard | None) -> Frame:
        self.seq += 1
        self.frames_encoded += 1
        self._snapshots = None
        return chart_frame(self.id, self.seq, kind, chart, heard)
