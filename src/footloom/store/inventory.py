"""What a store holds, by tape and day."""

from __future__ import annotations

import bisect
import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Sequence

import msgspec

from footloom.store._reports import Coverage
from footloom.store.columns import SEQ, Columns, concat, form_of, length, take
from footloom.store.days import day_of
from footloom.store.journal import read_journal
from footloom.store.layout import Stream
from footloom.store.manifest import JOURNAL, Catalog, Manifest
from footloom.store.medium import Medium
from footloom.store.merge import NEEDED, merge
from footloom.store.notes import still_open
from footloom.store.reading import Pending, Range, Reader, pending_by_day
from footloom.store.segment import Content, HeardGap

__all__ = ("inventory",)


def inventory(medium: Medium, reader: Reader, key: str | None) -> list[Coverage]:
    """Return what is stored of one key, or of all, by key, tape and day; the journal is read before the manifests."""
    contents = read_journal(medium, key)
    heard = {block.stream for content in contents for block in content.heard}
    heard |= {found.stream for content in contents for found in content.gaps}
    streams = sorted(stream for stream in {*medium.streams(), *heard} if stream.is_of(key))
    return [one for stream in streams for one in _of_stream(medium, reader, stream, contents)]


def _of_stream(medium: Medium, reader: Reader, stream: Stream, contents: Sequence[Content]) -> list[Coverage]:
    catalog = Catalog(medium)
    pending = pending_by_day([b for content in contents for b in content.heard if b.stream == stream])
    heard = [found for content in contents for found in content.gaps if found.stream == stream]
    days = sorted({*medium.days(stream), *pending, *(_day(found) for found in heard)})
    manifests = {day: catalog.read(stream, day) or Manifest(**stream._asdict(), day=day) for day in days}
    gaps = _open_by_day(manifests, heard)
    covered = []
    for day, manifest in manifests.items():
        waiting = _unsealed(pending.get(day, []), manifest.sealed_seq)
        if manifest.parts or length(waiting) or gaps[day]:
            covered.append(_of_day(reader, manifest, waiting, pending.get(day, []), gaps[day]))
    return covered


def _day(found: HeardGap) -> dt.date:
    return day_of(found.instrument)(found.gap.from_ns)


# How many gaps that are still open begin on each day. Where one was healed in part, the rest may begin on a later day,
# or on one of which nothing else is known: it is counted on the last day that is known until then.
def _open_by_day(manifests: dict[dt.date, Manifest], heard: Sequence[HeardGap]) -> Counter[dt.date]:
    notes = [note for manifest in manifests.values() for note in manifest.gap_notes]
    found = still_open([*notes, *(one.note for one in heard)])
    instruments = [one for manifest in manifests.values() for one in manifest.instruments]
    instruments += [one.instrument for one in heard]
    if not instruments:
        return Counter(day for day, manifest in manifests.items() for _ in still_open(manifest.gap_notes))
    days = [day_of(instruments[-1])(gap.from_ns) for gap in found]
    known = sorted(manifests)
    return Counter(known[max(0, bisect.bisect_right(known, day) - 1)] for day in days)


def _unsealed(pending: Sequence[Pending], sealed_seq: int) -> Columns:
    pieces = [take(one.columns, one.columns[SEQ] > sealed_seq) for one in pending]
    return concat(pieces) if pieces else {}


def _of_day(reader: Reader, manifest: Manifest, waiting: Columns, pending: Sequence[Pending], gaps: int) -> Coverage:
    form = form_of(manifest.tape)
    times = [time for part in manifest.parts for time in (part.first_ns, part.last_ns)]
    kinds = {source.kind for source in manifest.sources}
    journal_rows = 0
    if length(waiting):
        kinds.add(JOURNAL)
        times += [int(waiting[form.time].min()), int(waiting[form.time].max())]
        journal_rows = _distinct(reader, manifest, waiting, pending, times) - manifest.rows
    return Coverage(
        key=manifest.stream.key,
        tape=manifest.tape,
        day=manifest.day,
        rows=manifest.rows + journal_rows,
        first_ns=min(times, default=None),
        last_ns=max(times, default=None),
        bytes=sum(part.bytes for part in manifest.parts),
        gaps=gaps,
        parts=len(manifest.parts),
        sources=tuple(sorted(kinds)),
        journal_rows=journal_rows,
        content=_content(manifest, waiting, pending),
    )


# Not counts and times alone: a tape that was removed may come again with as many rows of the same times. Parts are told
# by the checksums of their manifest, so that none is read.
def _content(manifest: Manifest, waiting: Columns, pending: Sequence[Pending]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    digest.update(msgspec.json.encode((manifest.instruments, manifest.parts, manifest.hidden)))
    if length(waiting):
        digest.update(msgspec.json.encode([(one.instrument, length(one.columns)) for one in pending]))
        for name in sorted(waiting):
            digest.update(waiting[name].tobytes())
    return digest.hexdigest()


# Distinct rows of a day whose journal may repeat what its parts hold.
def _distinct(
    reader: Reader, manifest: Manifest, waiting: Columns, pending: Sequence[Pending], times: list[int]
) -> int:
    form = form_of(manifest.tape)
    rows = merge(form, waiting).columns
    if not form.numbered or not _may_repeat(manifest, rows):
        return manifest.rows + length(rows)
    asked = Range(
        stream=manifest.stream,
        from_ns=min(times),
        to_ns=max(times) + 1,
        instrument=reader.grid(manifest, pending),
        manifests={manifest.day: manifest},
        pending={manifest.day: list(pending)},
    )
    return sum(length(chunk) for chunk in reader.chunks(asked, NEEDED))


def _may_repeat(manifest: Manifest, rows: Columns) -> bool:
    low, high = int(rows["trade_id"].min()), int(rows["trade_id"].max())
    bounds = [(part.min_id, part.max_id) for part in manifest.parts]
    return any(first is not None and last is not None and first <= high and last >= low for first, last in bounds)
