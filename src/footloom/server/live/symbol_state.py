"""What the hub knows of one symbol, and how what a topic reads and what it hears come together, each row once."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from footloom.core.trades import Trades
from footloom.engine.studies import counting
from footloom.feeds.continuous import is_continuous
from footloom.feeds.flow import Commit
from footloom.kernels.fold import Count
from footloom.server.live.chains import ChainStream
from footloom.server.live.companions import Companions, Listen
from footloom.server.live.lanes import look_up, read_chart
from footloom.server.live.sides import Side
from footloom.server.live.status import SymbolStatus
from footloom.server.live.study_beside import StudiesBeside, folds_of, studies_beside
from footloom.server.live.topics import Topic
from footloom.server.stored.history import ChartKey, History, Seed
from footloom.server.wire.messages import StudyRequest

__all__ = ("Stream", "SymbolState", "SymbolStates", "read_start", "read_status", "start_of", "status_of", "without")

Stream = Side | ChainStream  # of a symbol, that is no chart

_UNRECORDED_BYTES = 256 << 20  # of all symbols that are kept while the journal fails
_COMMIT_BYTES = 2_000  # what a commit takes beside its rows: most have a few


async def read_start(
    listen: Listen, history: History, chart: ChartKey, history_bars: int, requests: Sequence[StudyRequest]
) -> tuple[Seed, StudiesBeside | None]:
    """Return what a topic starts from, and the studies beside it, which hear other symbols before these are read."""
    companions = Companions(listen, requests, chart.instrument)
    try:
        return await read_chart(start_of, history, chart, history_bars, requests, companions)
    except BaseException:
        companions.close()
        raise


def start_of(
    history: History,
    chart: ChartKey,
    history_bars: int,
    requests: Sequence[StudyRequest],
    companions: Companions | None = None,
) -> tuple[Seed, StudiesBeside | None]:
    """Return what a topic starts from, and the studies beside it. Blocking."""
    if not requests:
        return _seed_of(history, chart, history_bars, None), None
    folds = folds_of(requests)
    seed = _seed_of(history, chart, history_bars, counting(folds))
    return seed, studies_beside(history, chart, seed, folds, companions)


def _seed_of(history: History, chart: ChartKey, history_bars: int, count: Count | None) -> Seed:
    """Return what a topic starts from.

    A gap may lie behind the last stored row: every one that is known by now belongs to the topic.
    """
    seed = history.seed(chart, history_bars, count)
    behind_ns = seed.first_ns if seed.builder.newest is None else seed.builder.newest[0]
    known = [gap for gap in history.store.gaps(chart.key, chart.tape, behind_ns, 2**62) if gap not in seed.gaps]
    if known:
        seed.builder.update(Trades.empty(chart.instrument, chart.tape), 0, known)
    return replace(seed, gaps=[*seed.gaps, *known])


def status_of(chart: ChartKey, seed: Seed) -> SymbolStatus:
    """Return the header of a symbol as the tape of one of its charts tells it. Blocking."""
    status = SymbolStatus(chart.instrument)
    for rows in seed.tape.newest_days():
        status.fold(rows)
    return status


async def read_status(chart: ChartKey, seed: Seed, studies: StudiesBeside | None) -> SymbolStatus:
    """Do the same in a thread; where it fails, no chart starts, and its studies hear no more."""
    try:
        return await look_up(status_of, chart, seed)
    except BaseException:
        if studies is not None:
            studies.stop()
        raise


def without(commit: Commit, seed: Seed) -> Commit:
    """Return a commit without what was read already."""
    gaps = tuple(gap for gap in commit.gaps if gap not in seed.gaps)
    return replace(commit, trades=seed.tape.unseen(commit.trades), gaps=gaps)


@dataclass(eq=False)
class SymbolState:
    """What the hub knows of one symbol: its topics, the topics that are starting, and rows that are in no store."""

    topics: list[Topic] = field(default_factory=list)
    backlogs: dict[object, list[Commit]] = field(default_factory=dict)  # of the topics that are being read
    stream_backlogs: dict[object, list[Commit]] = field(default_factory=dict)  # of the streams that are being read
    unrecorded: deque[Commit] = field(default_factory=deque)
    unrecorded_bytes: int = 0
    sides: dict[str, Stream] = field(default_factory=dict)
    listeners: list[Callable[[Commit], None]] = field(default_factory=list)
    status: SymbolStatus | None = None
    status_at: float = float("-inf")

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to be known of it."""
        return self.status is None and not any(
            (self.topics, self.backlogs, self.stream_backlogs, self.unrecorded, self.sides, self.listeners)
        )

    def hear(self, commit: Commit) -> None:
        """Give a commit to all but the topics that run."""
        if not commit.recorded:
            self._wait(commit)
        elif self.unrecorded:  # the journal caught up: what it did not give up is in the store again
            self.unrecorded.clear()
            self.unrecorded_bytes = 0
        for backlog in self.backlogs.values():
            backlog.append(commit)
        if self.sides or self.stream_backlogs:
            self.hear_chain(commit)
        for listener in list(self.listeners) if self.listeners else ():
            listener(commit)

    def hear_chain(self, commit: Commit) -> None:
        """Give a commit to the streams alone: it may be an option's, and say something of this one's chain."""
        for backlog in self.stream_backlogs.values():
            backlog.append(commit)
        for side in list(self.sides.values()):
            side.apply(commit)

    # What is in no store.
    def _wait(self, commit: Commit) -> None:
        if len(commit.trades) or commit.gaps:
            self.unrecorded.append(commit)
            self.unrecorded_bytes += _bytes(commit)

    def give_up_oldest(self) -> int:
        """Forget the oldest commit that is in no store, as the journal does; return its bytes."""
        freed = _bytes(self.unrecorded.popleft())
        self.unrecorded_bytes -= freed
        return freed


class SymbolStates(defaultdict[str, SymbolState]):
    """All symbols of a hub, continuous futures that somebody looks at among them."""

    def __init__(self) -> None:
        super().__init__(SymbolState)
        self._views: set[str] = set()

    def __missing__(self, key: str) -> SymbolState:
        if is_continuous(key):
            self._views.add(key)
        return super().__missing__(key)

    def settle(self, key: str) -> None:
        """Forget a symbol of which there is nothing to be known: whatever its name, somebody may have asked for it."""
        if key in self and self[key].is_idle:
            del self[key]
            self._views.discard(key)

    def as_views(self, commit: Commit, meanings: Callable[[], Mapping[str, str]]) -> Sequence[Commit]:
        """Return a contract's commit as those who look at its continuous future hear it, once for each such name."""
        if not self._views:
            return ()
        meant = meanings()
        return [replace(commit, key=name, state=None) for name in self._views if meant.get(name) == commit.key]

    def listen(self, key: str, listener: Callable[[Commit], None]) -> Callable[[], None]:
        """Call a function with every commit of a symbol from now on; returns the function that ends it."""
        listeners = self[key].listeners
        listeners.append(listener)

        def leave() -> None:
            if listener in listeners:
                listeners.remove(listener)
                self.settle(key)

        return leave

    def keep_few(self) -> None:
        """Give the oldest commits up that are in no store: no more than some bytes of them are kept."""
        held = sum(symbol.unrecorded_bytes for symbol in self.values())
        while held > _UNRECORDED_BYTES:
            held -= max(self.values(), key=lambda symbol: symbol.unrecorded_bytes).give_up_oldest()


def _bytes(commit: Commit) -> int:
    return commit.trades.nbytes + _COMMIT_BYTES
