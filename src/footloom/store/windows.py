"""Where rows without ids may be added to what is stored, so that no trade can be there twice.

A row without an id cannot be told from a stored row. So it may come only where no row of another source lies: outside
the times of every run of rows, and within the gaps that are open. A trade that a stream tells in milliseconds may stand
in a file with more digits, never with an earlier millisecond: a window begins a millisecond behind the row before it.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from footloom.errors import NotStored
from footloom.store.columns import SEQ, form_of, length, take
from footloom.store.layout import Stream
from footloom.store.manifest import Span
from footloom.store.reading import Range, Reader

__all__ = ("free_windows",)

_CLOCK_NS = 1_000_000


def free_windows(reader: Reader, stream: Stream, from_ns: int, to_ns: int) -> list[Span]:
    """Return the half-open stretches of ``[from_ns, to_ns)`` that rows without ids may fill, ascending."""
    try:
        asked = reader.range(stream, from_ns, to_ns)
    except NotStored:
        return [(from_ns, to_ns)] if from_ns < to_ns else []
    taken = _joined(_taken(asked))
    free = _between(taken, from_ns, to_ns)
    free += [window for window in _in_gaps(reader, asked) if not any(_overlap(window, other) for other in free)]
    return sorted(free)


# First and last time of every run of rows that is stored, of the journal's too.
def _taken(asked: Range) -> Iterable[Span]:
    time = form_of(asked.stream.tape).time
    for manifest in asked.manifests.values():
        for source in manifest.sources:
            yield from source.spans
    for day, pieces in asked.pending.items():
        sealed = asked.manifests[day].sealed_seq if day in asked.manifests else 0
        for one in pieces:
            rows = take(one.columns, one.columns[SEQ] > sealed)
            if length(rows):
                yield int(rows[time].min()), int(rows[time].max())


def _joined(spans: Iterable[Span]) -> list[Span]:
    joined: list[Span] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return joined


def _between(taken: list[Span], from_ns: int, to_ns: int) -> list[Span]:
    starts = [from_ns, *(last // _CLOCK_NS * _CLOCK_NS + _CLOCK_NS for _, last in taken)]
    stops = [*(first // _CLOCK_NS * _CLOCK_NS for first, _ in taken), to_ns]
    windows = [(max(start, from_ns), min(stop, to_ns)) for start, stop in zip(starts, stops, strict=True)]
    return [(start, stop) for start, stop in windows if start < stop]


def _overlap(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]


# Within a run of rows, a gap is free where it holds no row; its ends are rows.
def _in_gaps(reader: Reader, asked: Range) -> Iterable[Span]:
    for gap in reader.gaps(asked.stream, asked.from_ns, asked.to_ns):
        ends = (gap.from_ns, gap.from_ns), (gap.to_ns, gap.to_ns)
        for window in _between(list(ends), max(gap.from_ns, asked.from_ns), min(gap.to_ns, asked.to_ns)):
            within = msgspec.structs.replace(asked, from_ns=window[0], to_ns=window[1])
            if not len(reader.times(within)):
                yield window
