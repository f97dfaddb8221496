"""A day as it came in: rows in the order of the journal, gap records at their place among them.

Reading a range gives the tape; this gives its history, which is what a replay of what live saw needs.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np

from footloom.core.finished import Finished
from footloom.core.messages import Gap
from footloom.core.trades import I64
from footloom.errors import StoreError
from footloom.store._reports import Ingested
from footloom.store.columns import SEQ, block_of, concat, form_of, take, wanted_columns
from footloom.store.layout import Stream
from footloom.store.notes import Note
from footloom.store.pieces import EVER
from footloom.store.reading import Reader

__all__ = ("ingested",)


def ingested(reader: Reader, stream: Stream, day: dt.date, rows: int) -> Iterator[Ingested]:
    """Yield a day's rows in blocks of at most so many; the day is held in memory.

    Raises
    ------
    NotStored
        Nothing is stored of that tape and day.
    """
    asked = reader.day(stream, day)
    form = form_of(stream.tape)
    columns = concat(list(reader.chunks(asked, wanted_columns(form, None) | {SEQ})))
    time = columns[form.time]
    span = (int(time.min()), int(time.max()))
    order = np.argsort(columns[SEQ], kind="stable")  # what was never in a journal stands first, in the ordering key
    columns = take(columns, order)
    seq: I64 = columns.pop(SEQ)
    starts = _Starts(seq, rows)
    for note in reader.notes(stream, EVER[1]):
        if note.gap.from_ns <= span[1] and note.gap.to_ns >= span[0]:
            starts.add(note)
    for start, stop, gaps in starts.pieces():
        block = block_of(form, asked.instrument, stream.tape, take(columns, slice(start, stop)))
        if isinstance(block, Finished):
            raise StoreError(f"{stream} is no tape but finished footprints: load_finished gives them")
        yield Ingested(block, seq[start:stop], gaps)


class _Starts:
    """Where pieces begin: every so many rows, and where a gap was told."""

    def __init__(self, seq: I64, rows: int) -> None:
        self._seq = seq
        self._gaps: dict[int, list[Gap]] = {start: [] for start in range(0, len(seq), rows)}

    def add(self, note: Note) -> None:
        place = int(np.searchsorted(self._seq, note.at_seq)) if note.heard else 0
        self._gaps.setdefault(place, []).append(note.gap)

    def pieces(self) -> Iterator[tuple[int, int, tuple[Gap, ...]]]:
        starts = sorted(self._gaps)
        for start, stop in zip(starts, [*starts[1:], len(self._seq)], strict=True):
            yield start, max(start, stop), tuple(self._gaps[start])
