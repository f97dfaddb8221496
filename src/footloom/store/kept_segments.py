"""What readers have read of the journal's segments, kept by symbol: who asks again reads only what came since.

A segment only grows until it is sealed and deleted. Whoever opens a chart asks for the journal many times (what is
stored, on what grid, which gaps, the rows), and fifty charts may be opened at once: each row is decoded once.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import numpy as np

from footloom.core.trades import I64
from footloom.store.columns import SEQ, bounds, concat, form_of, length, take
from footloom.store.layout import Stream
from footloom.store.segment import Content, Heard, Mark
from footloom.store.segment_reading import read_segment
from footloom.store.shelf import Shelf

__all__ = ("MOST_BYTES", "KeptSegments")

MOST_BYTES: Final = 96 << 20  # a full segment of trades takes some 15 MB
_MOST_ROWS: Final = 65_536  # of one run: a range in a long segment is cut out of few of them


class _Run(NamedTuple):
    # Neighbouring blocks of one tape as one; `blocks` int64 (3, n): behind which row each of them ends, and between
    # which times its rows lie, ns UTC.
    heard: Heard
    blocks: I64

    @property
    def rows(self) -> int:
        return length(self.heard.columns)


@dataclass(eq=False)
class _Kept:
    # What was read of one symbol in one segment, by tape in the order of arrival.
    mark: Mark | None = None
    runs: dict[Stream, list[_Run]] = field(default_factory=dict)
    size: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class KeptSegments:
    """The segments of one folder, for its readers; safe to call from any thread.

    Parameters
    ----------
    most_bytes
        What is kept at the most; the symbols that were asked for longest ago go first.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._kept: Shelf[tuple[str, str], _Kept] = Shelf(most_bytes, _Kept)

    @property
    def held_bytes(self) -> int:
        """Bytes of the rows that are kept."""
        return self._kept.held_bytes

    def keep_only(self, names: Collection[str]) -> None:
        """Forget segments that are gone."""
        self._kept.forget(lambda place: place[0] not in names)

    def read(self, path: Path, asked: Stream | str, from_ns: int | None, to_ns: int | None) -> Content:
        """Return what a segment holds of a tape, or of a symbol by its key, as `read_segment` does.

        Blocks that follow each other come as few.

        Raises
        ------
        StoreError
            The file cannot be opened.
        """
        key = asked if isinstance(asked, str) else asked.key
        place = (path.name, key)
        kept = self._kept.place(place)
        with kept.lock:  # two who ask for the same symbol read it once
            content = read_segment(path, key, behind=kept.mark, many=True)
            if content.damage:
                self._kept.forget(place.__eq__)
                return read_segment(path, asked, from_ns, to_ns)
            if not content.goes_on:
                kept.runs, kept.size = {}, 0
            for heard in content.heard:
                kept.runs.setdefault(heard.stream, []).append(_run(heard))
            for stream in {heard.stream for heard in content.heard}:
                kept.runs[stream] = _joined(kept.runs[stream])
            kept.mark, kept.size = content.mark, sum(map(_bytes, kept.runs.values()))
            if not kept.runs:  # whatever its name, somebody may have asked for it
                self._kept.forget(place.__eq__)
            content.heard = [
                heard
                for stream, runs in kept.runs.items()
                if stream.is_of(asked)
                for run in runs
                for heard in _touching(run, from_ns, to_ns)
            ]
        content.gaps = [gap for gap in content.gaps if gap.stream.is_of(asked)]
        self._kept.make_room()
        return content


def _run(heard: Heard) -> _Run:
    for values in heard.columns.values():
        values.flags.writeable = False  # many threads look at it
    times = bounds(heard.columns[form_of(heard.stream.tape).time])
    return _Run(heard, np.array([[length(heard.columns)], *([at_ns] for at_ns in times)], np.int64))


# The blocks that touch a range, and no others: that nothing was heard between two of them is an answer too.
def _touching(run: _Run, from_ns: int | None, to_ns: int | None) -> Iterator[Heard]:
    ends, first_ns, last_ns = run.blocks
    if from_ns is None or to_ns is None:
        yield run.heard
        return
    touches = (last_ns >= from_ns) & (first_ns < to_ns)
    if touches.all():
        yield run.heard
        return
    starts = np.append(0, ends)
    for lo, hi in np.flatnonzero(np.diff(touches, prepend=False, append=False)).reshape(-1, 2).tolist():
        columns = take(dict(run.heard.columns), slice(int(starts[lo]), int(starts[hi])))
        yield msgspec.structs.replace(run.heard, first_seq=int(columns[SEQ][0]), columns=columns)


# Runs of one tape as few: the newest, which are short, join those before them as soon as they are about as long, so
# that a row is copied a few times however often somebody looks.
def _joined(runs: list[_Run]) -> list[_Run]:
    groups: list[tuple[int, list[_Run]]] = []  # rows, and what they come from
    for run in runs:
        groups.append((run.rows, [run]))
        while len(groups) > 1 and _belong(groups[-2], groups[-1]):
            (rows, behind), (more, before) = groups.pop(), groups.pop()
            groups.append((rows + more, before + behind))
    return [group[0] if len(group) == 1 else _as_one(group) for _, group in groups]


def _belong(before: tuple[int, list[_Run]], behind: tuple[int, list[_Run]]) -> bool:
    (rows, one), (more, other) = before, behind
    return rows <= 2 * more and rows + more <= _MOST_ROWS and one[-1].heard.instrument == other[0].heard.instrument


def _as_one(group: list[_Run]) -> _Run:
    blocks = np.concatenate([run.blocks for run in group], axis=1)
    starts = np.cumsum([0, *(run.rows for run in group[:-1])])
    blocks[0] += np.repeat(starts, [run.blocks.shape[1] for run in group])
    columns = concat([dict(run.heard.columns) for run in group])
    for values in columns.values():
        values.flags.writeable = False
    return _Run(msgspec.structs.replace(group[0].heard, columns=columns), blocks)


def _bytes(runs: Iterable[_Run]) -> int:
    return sum(int(values.nbytes) for run in runs for values in (run.blocks, *run.heard.columns.values()))
