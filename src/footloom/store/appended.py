"""What the newest segment of the journal was given: who seals it need not read it back.

A live market is written in thousands of small blocks. Reading them back takes seconds, in which charts wait for the
interpreter; joined as they come they cost next to nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.trades import I64
from footloom.store.columns import SEQ, Columns, form_of, length
from footloom.store.layout import Stream
from footloom.store.medium import OpenSegment
from footloom.store.segment import Content, Entry, Heard, HeardGap, place_in

__all__ = ("MOST_BYTES", "Appended")

MOST_BYTES: Final = 64 << 20  # a full segment of trades takes some 15 MB; one of depth may be read back
_TOGETHER: Final = 128  # blocks of a tape that are joined at once: each for itself they took a third of a commit


class Appended:
    """The rows and gaps of one open segment, as far as they fit.

    Parameters
    ----------
    segment
        An empty one.
    most_bytes
        Of more rows nothing is kept.
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
        if self._held is not None:
            for entry in entries:
                for gap in entry.gaps:
                    record += 1
                    place = place_in(self.segment.name, record)
                    self._held.gaps.append(HeardGap(entry.stream, entry.instrument, seq, gap, place))
                seq += self._keep(self._held, entry, seq)
            if self._left_bytes < 0:
                self.forget()
        return last

    def forget(self) -> None:
        """Keep nothing: the segment is read back."""
        self._held = None

    def content(self) -> Content | None:
        """Return what reading the segment gives, blocks of a tape joined; None where it must be read.

        Nothing may be appended any more.
        """
        held = self._held  # another thread may forget it just now
        if held is None:
            return None
        for run in held.waiting.values():
            held.done.append(run.joined())
        held.waiting.clear()
        return Content(self._first_seq, self.segment.next_seq, held.done, held.gaps, damage=[])

    def _keep(self, held: _Held, entry: Entry, seq: int) -> int:
        count, stream = length(entry.columns), entry.stream
        if not count:
            return 0
        run = held.waiting.get(stream)
        if run is None or run.instrument is not entry.instrument or len(run.pieces) >= _TOGETHER:
            if run is not None:
                held.done.append(run.joined())
            run = held.waiting[stream] = _Run(stream, entry.instrument)
        run.seqs.append(seq)
        run.pieces.append(entry.columns)
        self._left_bytes -= count * _row_bytes(stream.tape)
        return count


# Blocks of one tape that follow each other, and the sequence of the first row of each.
@dataclass(slots=True)
class _Run:
    stream: Stream
    instrument: Instrument
    seqs: list[int] = field(default_factory=list)
    pieces: list[Columns] = field(default_factory=list)

    def joined(self) -> Heard:
        names = list(self.pieces[0])
        columns = {name: np.concatenate([piece[name] for piece in self.pieces]) for name in names}
        columns[SEQ] = _numbered(self.seqs, [length(piece) for piece in self.pieces])
        return Heard(self.stream, self.instrument, self.seqs[0], columns)


@dataclass(slots=True)
class _Held:
    done: list[Heard] = field(default_factory=list)
    waiting: dict[Stream, _Run] = field(default_factory=dict)
    gaps: list[HeardGap] = field(default_factory=list)


# Counting up from the first of each block.
def _numbered(firsts: Sequence[int], counts: Sequence[int]) -> I64:
    sizes = np.array(counts, np.int64)
    before = np.cumsum(sizes) - sizes
    numbers: I64 = np.arange(sizes.sum(), dtype=np.int64) + np.repeat(np.array(firsts, np.int64) - before, sizes)
    return numbers


@functools.lru_cache
def _row_bytes(tape: str) -> int:
    return np.dtype(np.int64).itemsize + sum(dtype.itemsize for dtype in form_of(tape).dtypes.values())
