"""Other symbols that studies beside a live chart read: heard before the store is read, so that nothing is missed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from footloom.core.footprint import Footprint
from footloom.core.instrument import Instrument
from footloom.core.snapshots import Snapshots
from footloom.core.trades import Trades
from footloom.engine.beside import LONGEST_NS, Units
from footloom.engine.beside_live import LiveTapes, Tail
from footloom.engine.studies import StudyFold
from footloom.engine.unseen import unseen
from footloom.errors import FootloomError
from footloom.feeds.flow import Commit
from footloom.server.stored.history import History
from footloom.server.stored.joined import read_beside, units_of
from footloom.server.wire.messages import StudyRequest
from footloom.studies import Joining

__all__ = ("Companions", "Listen", "keys_beside")

_AGAIN_NS = 60 * 10**9  # rows from so long before are read, so that none that was read counts twice
_LATEST_NS = 10 * 10**9  # so long behind the newest row that was read, commits may still bring what was read

Listen = Callable[[str, Callable[[Commit], None]], Callable[[], None]]


def keys_beside(requests: Sequence[StudyRequest], own: str) -> tuple[str, ...]:
    """Return the symbols that studies name beside the chart's own, each once; none of a study that cannot be."""
    keys: dict[str, None] = {}
    for one in requests:
        if not any(isinstance(value, str) and ":" in value for value in one.params.values()):
            continue  # it names no symbol: its file need not be imported here, on the event loop
        try:
            keys |= dict.fromkeys(StudyFold(one.study, one.params).companions)
        except FootloomError:  # whoever makes the study says so
            continue
    return tuple(key for key in keys if key != own)


class Companions:
    """What other symbols trade beside one topic: `read` in a thread, then `begin`, and all else, on the event loop."""

    def __init__(self, listen: Listen, requests: Sequence[StudyRequest], own: Instrument) -> None:
        keys = keys_beside(requests, own.key)
        self.keys = (*keys, own.key) if keys and own.inverse else keys
        self.tapes: list[LiveTapes] = []
        self._seeded: list[dict[str, Trades | Snapshots]] = []  # what each of the tapes has read: at its own time
        self._backlog: list[Commit] = []
        self._told: Callable[[int | None], None] | None = None
        self._leave = [listen(key, self._hear) for key in self.keys]

    def read(self, history: History, own: Instrument, folds: Sequence[StudyFold], bars: Footprint) -> None:
        """Let studies go on with what traded beside these bars, and with what is heard. Blocking."""
        for fold in folds:
            assert isinstance(fold.study, Joining)
            from_ns = fold.study.reads_from(bars, fold.params, fold.state)
            tapes = self._read(history, units_of(history, own, fold), from_ns)
            tapes.settled_ns = int(bars.bars.open_ns[0])
            self.tapes.append(tapes)
            fold.tapes = tapes

    def _read(self, history: History, units: Units, from_ns: int) -> LiveTapes:
        tails, seeded = {}, {}
        for key in units.others:
            seeded[key] = read_beside(history, key, from_ns - _AGAIN_NS, 2**62)
            gaps = history.store.gaps(key, history.tape_of(key), from_ns - LONGEST_NS, 2**62)
            tails[key] = Tail(units.rows(seeded[key]), gaps)
        self._seeded.append(seeded)
        return LiveTapes(units, tails)

    def begin(self, told: Callable[[int | None], None]) -> None:
        """Take in what came meanwhile, and call ``told`` with what comes: from when on bars are to be read anew."""
        backlog, self._backlog = self._backlog, []
        self._told = told
        for commit in backlog:
            self._take(commit)

    def close(self) -> None:
        """Hear no more."""
        self._told = None
        for leave in self._leave:
            leave()
        self._leave = []

    def _hear(self, commit: Commit) -> None:
        if self._told is None:
            self._backlog.append(commit)
        else:
            self._take(commit)

    # A row may have been durable, and read, some time before its commit is told, also to who had begun by then.
    def _take(self, commit: Commit) -> None:
        block = commit.rows
        late: list[int | None] = []
        for tapes, seeded in zip(self.tapes, self._seeded, strict=True):
            known = seeded.get(commit.key)
            if known is None or known.tape != block.tape:
                continue
            try:
                rows = tapes.units.rows(_fresh(block, known))
            except FootloomError:  # its steps have changed: all is read anew, in the units that are shared from now on
                late.append(int(block.ts_exch_ns.min(initial=tapes.settled_ns)))
                continue
            late.append(tapes.take(commit.key, rows, commit.gaps, commit.watermark_ns))
            if len(known) and commit.watermark_ns > int(known.ts_recv_ns.max()) + _LATEST_NS:
                seeded[commit.key] = known.take(slice(0, 0))
        if late and self._told is not None:
            self._told(min((at for at in late if at is not None), default=None))


def _fresh(block: Trades | Snapshots, seeded: Trades | Snapshots) -> Trades | Snapshots:
    if not len(seeded):
        return block
    if isinstance(block, Trades) and isinstance(seeded, Trades):
        return unseen(block, seeded)
    return block.take(block.ts_recv_ns > seeded.ts_recv_ns.max())
