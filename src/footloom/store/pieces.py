"""Rows of a day from several places as one ordered stream of chunks.

Most days need no work: parts follow one another in time and ids, and pass through a row group at a time. Only parts
that overlap are held together, ordered and freed of rows that were seen twice.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from footloom.core.instrument import Instrument
from footloom.errors import CorruptPart
from footloom.store.columns import Columns, Form, concat, form_of, has_id, length, take
from footloom.store.grid import regrid
from footloom.store.layout import MANIFEST
from footloom.store.manifest import Manifest
from footloom.store.medium import Medium, OpenPart, PartGone, missing_part
from footloom.store.merge import NEEDED, merge
from footloom.store.parts import Part

__all__ = (
    "EVER",
    "Piece",
    "absent_part",
    "open_parts",
    "part_groups",
    "part_rows",
    "piece_of_part",
    "piece_of_rows",
    "woven",
)

Chunks = Callable[[int, int, frozenset[str]], Iterator[Columns]]
EVER = (-(2**63), 2**63 - 1)  # all times that 64 bits hold


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows in the ordering key, from one place.

    ``first`` and ``last`` are the keys (time, id) of the outermost rows, ``ids`` the least and greatest id of the
    venue.
    """

    first: tuple[int, int]
    last: tuple[int, int]
    ids: tuple[int, int] | None
    chunks: Chunks


def piece_of_part(part: Part, file: OpenPart, old: Instrument, new: Instrument) -> Piece:
    """Return an open part as rows on another grid."""

    def chunks(from_ns: int, to_ns: int, wanted: frozenset[str]) -> Iterator[Columns]:
        for columns in file.chunks(from_ns, to_ns, wanted):
            yield regrid(file.form, columns, old, new)

    return _piece(part, chunks)


def _piece(part: Part, chunks: Chunks) -> Piece:
    ids = (part.min_id, part.max_id) if part.min_id is not None and part.max_id is not None else None
    return Piece((part.first_ns, part.first_id), (part.last_ns, part.last_id), ids, chunks)


def _no_chunks(_from_ns: int, _to_ns: int, _wanted: frozenset[str]) -> Iterator[Columns]:
    return iter(())


def piece_of_rows(form: Form, columns: Columns) -> Piece:
    """Return rows in memory, at least one, in the ordering key and each once."""
    time = columns[form.time]
    ids = columns["trade_id"] if form.numbered else np.zeros(len(time), np.int64)
    numbered = ids[has_id(columns)] if form.numbered else ids[:0]

    def chunks(from_ns: int, to_ns: int, wanted: frozenset[str]) -> Iterator[Columns]:
        lo, hi = np.searchsorted(time, (from_ns, to_ns))
        if hi > lo:
            yield {name: values[lo:hi] for name, values in columns.items() if name in wanted}

    return Piece(
        (int(time[0]), int(ids[0])),
        (int(time[-1]), int(ids[-1])),
        (int(numbered.min()), int(numbered.max())) if len(numbered) else None,
        chunks,
    )


@contextlib.contextmanager
def open_parts(medium: Medium, form: Form, manifest: Manifest, parts: Sequence[Part]) -> Iterator[list[OpenPart]]:
    """Open parts of a day, all before the first is read: compaction may remove a part, not an open one.

    Raises
    ------
    PartGone
        One has gone.
    """
    place = (manifest.stream, manifest.day)
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(contextlib.closing(medium.open_part(*place, part, form))) for part in parts]


def part_groups(form: Form, parts: Sequence[Part]) -> list[list[Part]]:
    """Return parts of a day in time order, those together whose rows must be woven."""
    made = [(_piece(part, _no_chunks), part) for part in parts]
    of = {id(piece): part for piece, part in made}
    return [[of[id(piece)] for piece in group] for group in _groups(form, [piece for piece, _ in made])]


def part_rows(
    medium: Medium, manifest: Manifest, parts: Sequence[Part], grid: Instrument, wanted: frozenset[str]
) -> Columns:
    """Return all rows of some parts of a day, each once, on one grid.

    Raises
    ------
    CorruptPart
        A part is missing or damaged.
    """
    form = form_of(manifest.tape)
    try:
        with open_parts(medium, form, manifest, parts) as files:
            pieces = [
                piece_of_part(part, file, manifest.instruments[part.instrument], grid)
                for part, file in zip(parts, files, strict=True)
            ]
            chunks = [chunk for piece in pieces for chunk in piece.chunks(*EVER, wanted)]
    except PartGone as error:
        raise absent_part(medium, manifest, parts) from error
    return merge(form, concat(chunks)).columns


def absent_part(medium: Medium, manifest: Manifest, parts: Sequence[Part]) -> CorruptPart:
    """Return the error for parts that a manifest names and of which one is not there."""
    place = (manifest.stream, manifest.day)
    absent = [part.file for part in parts if not medium.has_part(*place, part.file)]
    return missing_part(medium.place(*place, absent[0] if absent else MANIFEST))


def woven(
    form: Form, pieces: Sequence[Piece], span: tuple[int, int], wanted: frozenset[str], chunk_rows: int
) -> Iterator[Columns]:
    """Yield the rows of ``span`` of all pieces, given in arrival order, each once and in the ordering key."""
    for group in _groups(form, pieces):
        if len(group) == 1:
            yield from group[0].chunks(*span, wanted)
            continue
        needed = wanted | NEEDED if form.numbered else wanted | {form.time}
        chunks = [chunk for piece in group for chunk in piece.chunks(*span, needed)]
        if not chunks:
            continue
        columns = merge(form, concat(chunks)).columns
        columns = {name: values for name, values in columns.items() if name in wanted}
        for start in range(0, length(columns), chunk_rows):
            yield take(columns, slice(start, start + chunk_rows))


# Pieces that must be held together, in time order; within a group, in arrival order.
def _groups(form: Form, pieces: Sequence[Piece]) -> list[list[Piece]]:
    numbered = sorted(piece.ids for piece in pieces if piece.ids)
    if form.numbered and any(left[1] >= right[0] for left, right in itertools.pairwise(numbered)):
        return [list(pieces)]  # an id may be in two places, whatever their times
    arrival = {id(piece): number for number, piece in enumerate(pieces)}
    groups: list[list[Piece]] = []
    end = (EVER[0], 0, 0)  # the last key of the open group, and the arrival of the piece that holds it
    for piece in sorted(pieces, key=lambda piece: (piece.first, arrival[id(piece)])):
        number = arrival[id(piece)]
        if groups and (*piece.first, number) < end:
            groups[-1].append(piece)
        else:
            groups.append([piece])
        end = max(end, (*piece.last, number))
    for group in groups:
        group.sort(key=lambda piece: arrival[id(piece)])
    return groups
