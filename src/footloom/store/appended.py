"""What the newest segment of the journal was given: who seals it need not read it back.

A live market is written in thousands of small blocks. Reading them back takes seconds, in which charts wait for the
interpreter; joined as they come they cost next to nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Final

import numpy as np

from footloom.store.columns import SEQ, form_of, length
from footloom.store.joining import Joining
from footloom.store.medium import OpenSegment
from footloom.store.segment import Content, Entry, Heard, HeardGap, place_in

__all__ = ("MOST_BYTES", "Appended")

MOST_BYTES: Final = 64 << 20  # a full segment of trades takes some 15 MB; one of depth may be read back
_SEQ_BYTES: Final = np.dtype(np.int64).itemsize


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
        self._held: tuple[Joining, list[HeardGap]] | None = Joining(), []

    def append(self, entries: Sequence[Entry]) -> int:
        """Make entries durable, all or none; the sequence of the last row. What fails is not kept."""
        seq, gaps = self.segment.next_seq, self.segment.gap_records
        last = self.segment.append(entries)
        self._left_bytes -= sum(length(entry.columns) * _row_bytes(entry.stream.tape) for entry in entries)
        if self._left_bytes < 0:
            self.forget()
        self._keep(entries, seq, gaps)
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
        rows, gaps = held
        return Content(self._first_seq, self.segment.next_seq, rows.joined(), gaps, damage=[])

    def _keep(self, entries: Sequence[Entry], seq: int, record: int) -> None:
        if self._held is None:
            return
        rows, gaps = self._held
        for entry in entries:
            for gap in entry.gaps:
                record += 1
                place = place_in(self.segment.name, record)
                gaps.append(HeardGap(entry.stream, entry.instrument, seq, gap, place))
            count = length(entry.columns)
            if count:
                columns = {**entry.columns, SEQ: np.arange(seq, seq + count, dtype=np.int64)}
                rows.add(Heard(entry.stream, entry.instrument, seq, columns))
                seq += count


@functools.lru_cache
def _row_bytes(tape: str) -> int:
    return _SEQ_BYTES + sum(dtype.itemsize for dtype in form_of(tape).dtypes.values())
