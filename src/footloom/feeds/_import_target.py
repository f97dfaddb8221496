"""Where an import's rows go: the store, opened for writing with the first of them; nowhere on a dry run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.place import StorePlace
from footloom.core.trades import FLAG_NO_ID, Trades
from footloom.feeds._import_bare import BareTally
from footloom.feeds._import_ids import Hole
from footloom.feeds._import_tally import Ready, Tally, gaps_of
from footloom.store import PartReport, RawPart, SourceInfo, Storable, Store
from footloom.store.open import open_store

__all__ = ("Target",)


class _Edge(NamedTuple):
    # What a file holds of a tape, from its least to its greatest id.
    first_id: int
    last_id: int
    first_ns: int
    last_ns: int
    file: str
    instrument: Instrument
    tape: str


_ROWS = 2**40  # more than any file has


def _is_bare(block: Storable) -> bool:
    return isinstance(block, Trades) and bool(len(block)) and bool((block.flags & FLAG_NO_ID).any())


class Target:
    """A store to write to.

    ``at_once`` keeps what is written within `transaction` from view until that ends, and drops it where it ends with
    an error. ``into`` is a store that somebody else has opened for writing, and keeps open.
    With ``beside`` rows without ids fill what nobody recorded: the others are stored already, as they were heard.
    """

    def __init__(
        self, root: StorePlace, *, dry_run: bool, at_once: bool, into: Store | None = None, beside: bool = False
    ) -> None:
        self._root = root
        self._dry_run = dry_run
        self._at_once = at_once
        self._reader = into or open_store(root)
        self._writer: Store | None = into
        self._is_ours = into is None
        self._beside = beside
        self._windows: dict[tuple[str, str, str], list[tuple[int, int]]] = {}
        self._stack = contextlib.ExitStack()
        self._defined: list[Instrument] = []
        self._edges: dict[tuple[str, str], list[_Edge]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_ours:
            self._reader.close()
            if self._writer is not None:
                self._writer.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold what ``at_once`` needs."""
        with self._stack:
            yield

    def instrument(self, key: str, at_ns: int) -> Instrument:
        """Return a stored instrument; `NotStored` where there is none."""
        return self._reader.instrument(key, at_ns)

    def write(self, ready: Ready, source: SourceInfo | None, *, define: Instrument | None = None) -> PartReport:
        """Store rows; ``define`` is what the store should know of their instrument."""
        if self._dry_run:
            return PartReport(0, 0)
        writer = self._opened()
        if define is not None and define not in self._defined:
            writer.put_instrument(define)
            self._defined.append(define)
        if self._beside and source is not None and _is_bare(ready.block):
            return self._fill(writer, ready, source)
        return writer.write_part(ready.block, source, ready.gaps)

    # What is free is asked once a file: its own rows must not stand in its way.
    def _fill(self, writer: Store, ready: Ready, source: SourceInfo) -> PartReport:
        block = ready.block
        assert isinstance(block, Trades)
        key = (block.instrument.key, block.tape, source.file_sha256)
        if key not in self._windows:
            writer.seal()  # what waits in the journal counts as one run
            self._windows[key] = writer.free_windows(*key[:2], 0, 2**62)
        whole = SourceInfo(source.file_sha256, source.name, (0, _ROWS), source.kind)
        new = again = 0
        for first, stop in self._windows[key]:
            rows = np.flatnonzero((block.ts_exch_ns >= first) & (block.ts_exch_ns < stop))
            if len(rows):
                report = writer.write_part(block.take(rows), whole, window=(first, stop))
                new, again = new + report.rows, again + report.duplicates
        return PartReport(new, again)

    def write_raw(self, part: RawPart, pieces: Iterable[bytes]) -> bool:
        """Keep a text as it is; False where it is there already, or on a dry run."""
        if self._dry_run:
            return False
        return self._opened().write_raw(part, pieces)

    def _opened(self) -> Store:
        if self._writer is None:
            self._writer = open_store(self._root, writer=True)
            if self._at_once:
                self._stack.enter_context(self._writer.transaction())
        return self._writer

    def remember(self, tally: Tally | BareTally, file: str) -> None:
        """Keep what a file held of a tape, for `close_gaps`."""
        if not isinstance(tally, Tally) or tally.id_runs is None or tally.sparse:
            return
        runs = tally.id_runs.runs()
        if runs.shape[1]:
            first, last = runs[:, 0].tolist(), runs[:, -1].tolist()
            edge = _Edge(first[0], last[1], first[2], last[3], file, tally.instrument, tally.report.tape)
            self._edges.setdefault((tally.instrument.key, edge.tape), []).append(edge)

    def close_gaps(self) -> list[str]:
        """Store the gaps between files that were imported together, and tell them in words."""
        notes = []
        for (key, tape), edges in sorted(self._edges.items()):
            edges.sort(key=lambda edge: edge.first_id)
            reached = edges[0]
            for edge in edges[1:]:
                hole = Hole(reached.last_id, edge.first_id, reached.last_ns, edge.first_ns, 0, 0)
                if hole.missing > 0:
                    count = f"{hole.missing} {'id is' if hole.missing == 1 else 'ids are'}"
                    notes.append(f"{key} {tape}: {count} missing between {reached.file} and {edge.file}")
                    gaps = tuple(gaps_of(edge.instrument.symbol, [hole]))
                    self.write(Ready(Trades.empty(edge.instrument, tape), (0, 0), gaps), None)
                reached = max(reached, edge, key=lambda one: one.last_id)
        return notes
