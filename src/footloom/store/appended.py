"""What the newest segment of the journal was given: who seals it need not read it back.

A live market is written in thousands of small blocks. Reading them back takes seconds, in which charts wait for the
interpreter; their bytes are kept as they come, and put together for all at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from footloom.core.instrument import Instrument
from footloom.core.trades import I64
from footloom.store.columns import SEQ, Columns, length
from footloom.store.layout import Stream
from footloom.store.medium import OpenSegment
from footloom.store.segment import Content, Entry, Heard, HeardGap, place_in

__all__ = ("MOST_BYTES", "Appended")

MOST_BYTES: Final = 64 << 20  # a full segment of trades takes some 40 MB; one of depth may be read back
_BLOCK_BYTES: Final = 150  # what a block takes beside its rows


class Appended:
    """The rows and gaps of one open segment, as far as they fit.

    Parameters
    ----------
    segment
        An empty one.
    most_bytes
        Of more nothing is kept.
    """

    def __init__(self, segment: OpenSegment, most_bytes: int = MOST_BYTES) -> None:
        self.segment = segment
        self._first_seq = segment.next_seq
        self._left_bytes = most_bytes
        self._held: _Held | None = _Held()

    def append(self, entries: Sequence[Entry]) -> int:
        """Make entries durable, all or none; the sequence of the last row. What fails is not kept."""
        seq, record = self.segment.next_seq, self.segment.gap_records
        last = self.segment.append(entries)
        try:
            self._keep(entries, seq, record)
        except BaseException as error:  # whatever it is: the rows are durable, and are read back
            self.forget()
            if not isinstance(error, Exception):
                raise
        return last

    def forget(self) -> None:
        """Keep nothing: the segment is read back."""
        self._held = None

    def content(self) -> Content | None:
        """Return what reading the segment gives, blocks of a tape put together; None where it must be read.

        Nothing may be appended any more.
        """
        held = self._held  # another thread may forget it just now
        if held is None:
            return None
        heard = [run.heard() for runs in held.runs.values() for run in runs]
        return Content(self._first_seq, self.segment.next_seq, heard, list(held.gaps), damage=[])

    def _keep(self, entries: Sequence[Entry], seq: int, record: int) -> None:
        if self._held is None:
            return
        for entry in entries:
            for gap in entry.gaps:
                record += 1
                place = place_in(self.segment.name, record)
                self._held.gaps.append(HeardGap(entry.stream, entry.instrument, seq, gap, place))
            count = length(entry.columns)
            if count:
                self._left_bytes -= self._held.run(entry).add(entry.columns, count, seq) + _BLOCK_BYTES
                seq += count
        if self._left_bytes < 0:
            self.forget()


@dataclass(slots=True)
class _Held:
    runs: dict[Stream, list[_Run]] = field(default_factory=dict)
    gaps: list[HeardGap] = field(default_factory=list)

    def run(self, entry: Entry) -> _Run:
        runs = self.runs.setdefault(entry.stream, [])
        if not runs or runs[-1].instrument is not entry.instrument:
            kinds = {name: values.dtype for name, values in entry.columns.items()}
            runs.append(_Run(entry.stream, entry.instrument, kinds))
        return runs[-1]


# Blocks of one tape and instrument that follow each other: of each its first sequence, its rows and its bytes, one
# column behind the other. Bytes of our own, for arrays may be views of what somebody writes to again.
@dataclass(slots=True)
class _Run:
    stream: Stream
    instrument: Instrument
    kinds: dict[str, np.dtype[Any]]
    seqs: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    blocks: list[bytes] = field(default_factory=list)

    def add(self, columns: Columns, count: int, seq: int) -> int:
        block = b"".join([values.tobytes() for values in columns.values()])
        self.blocks.append(block)
        self.counts.append(count)
        self.seqs.append(seq)
        return len(block)

    def heard(self) -> Heard:
        counts, seqs = np.array(self.counts, np.int64), np.array(self.seqs, np.int64)
        starts = np.cumsum(counts) - counts
        total = int(counts.sum())
        columns: Columns = {name: np.empty(total, kind) for name, kind in self.kinds.items()}
        for count in np.unique(counts).tolist():
            alike = np.flatnonzero(counts == count)
            places = (starts[alike, None] + np.arange(count)).ravel()
            for name, values in self._columns_of(alike, count):
                columns[name][places] = values
        columns[SEQ] = np.arange(total, dtype=np.int64) + np.repeat(seqs - starts, counts)
        return Heard(self.stream, self.instrument, self.seqs[0], columns)

    # Of blocks of the same length, which lie alike.
    def _columns_of(self, blocks: I64, count: int) -> Iterator[tuple[str, NDArray[Any]]]:
        joined = b"".join([self.blocks[place] for place in blocks.tolist()])
        rows, at = np.frombuffer(joined, np.uint8).reshape(len(blocks), -1), 0
        for name, kind in self.kinds.items():
            size = count * kind.itemsize
            yield name, rows[:, at : at + size].copy().view(kind).ravel()
            at += size
