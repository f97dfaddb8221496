"""Days that lie in many parts, or hold rows twice, become few parts.

The new parts are written first, beside the old ones; the manifest that names them instead then takes the old one's
place in one step. A reader sees the day before or after, never between.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Sequence

import msgspec

from footloom.core.instrument import Instrument
from footloom.store._reports import Compaction, Settings
from footloom.store.columns import SEQ, Columns, Form, concat, form_of, length, take, wanted_columns
from footloom.store.grid import common_instrument
from footloom.store.layout import Stream
from footloom.store.manifest import Catalog, Manifest
from footloom.store.medium import Rows
from footloom.store.parts import SCHEMA_VERSION, Part
from footloom.store.pieces import EVER, open_parts, piece_of_part, woven

__all__ = ("add_up", "compact_day", "compact_tail", "full_rows")


def compact_day(catalog: Catalog, stream: Stream, day: dt.date, settings: Settings) -> Compaction | None:
    """Rewrite a day where that makes it better; None where it is good as it is.

    Raises
    ------
    CorruptPart
        A part is missing or damaged: nothing is rewritten.
    """
    manifest = catalog.read(stream, day)
    if manifest is None or not _is_worth_it(manifest, settings):
        return None
    for part in manifest.parts:
        catalog.medium.check_part(stream, day, part)
    after = _rewritten(catalog, manifest, settings)
    catalog.publish(after)
    return Compaction(
        days=1,
        parts_before=len(manifest.parts),
        parts_after=len(after.parts),
        bytes_before=sum(part.bytes for part in manifest.parts),
        bytes_after=sum(part.bytes for part in after.parts),
    )


def compact_tail(catalog: Catalog, stream: Stream, day: dt.date, settings: Settings) -> None:
    """Rewrite the small parts that a day ends with as few, where they are many.

    Parts that are large stay as they are: a day that is recorded grows all the time, and must not be written anew each
    time. Rows that stand in two parts of which one is large stay there twice, and are read once, until `compact_day`.

    Raises
    ------
    CorruptPart
        A part is missing or damaged: nothing is rewritten.
    """
    manifest = catalog.read(stream, day)
    if manifest is None:
        return
    large = full_rows(form_of(stream.tape), settings) // 2
    first = len(manifest.parts)
    while first and manifest.parts[first - 1].rows < large:
        first -= 1
    tail = manifest.parts[first:]
    if len(tail) <= settings.small_parts or _has_two_meanings(manifest, tail):
        return
    for part in tail:
        catalog.medium.check_part(stream, day, part)
    catalog.publish(_rewritten(catalog, manifest, settings, first))


def full_rows(form: Form, settings: Settings) -> int:
    """Return how many rows a part takes: fewer where a row is wide, so that rewriting takes no more memory."""
    return settings.part_rows if form.numbered else max(1, settings.part_rows // 4)


# Rows that mean different amounts of money stay apart.
def _has_two_meanings(manifest: Manifest, parts: Sequence[Part]) -> bool:
    return len({manifest.instruments[part.instrument].contract_multiplier for part in parts}) > 1


def _is_worth_it(manifest: Manifest, settings: Settings) -> bool:
    if not manifest.parts or _has_two_meanings(manifest, manifest.parts):
        return False
    fewest = math.ceil(manifest.rows / full_rows(form_of(manifest.tape), settings))
    return (
        len(manifest.parts) > fewest or manifest.hidden > 0 or any(p.version < SCHEMA_VERSION for p in manifest.parts)
    )


# The day with its parts from a number on written anew.
def _rewritten(catalog: Catalog, manifest: Manifest, settings: Settings, first: int = 0) -> Manifest:
    form = form_of(manifest.tape)
    kept, old = manifest.parts[:first], manifest.parts[first:]
    instrument = common_instrument([manifest.instruments[part.instrument] for part in old])
    after = msgspec.structs.replace(
        manifest, generation=manifest.generation + 1, parts=(), instruments=manifest.instruments if kept else ()
    )
    after, number = after.with_instrument(instrument)
    parts: list[Part] = []
    for columns in _portions(catalog, manifest, old, instrument, settings):
        file = f"part-{after.generation:04d}-{manifest.next_part + len(parts):06d}.parquet"
        rows = Rows(form, instrument, manifest.tape, columns, settings.row_group_rows)
        part, data = catalog.medium.pack(rows, file, number)
        catalog.medium.add_part(manifest.stream, manifest.day, file, data)
        parts.append(part)
    dropped = sum(part.rows for part in old) - sum(part.rows for part in parts)  # rows that a better one stands before
    return msgspec.structs.replace(
        after,
        parts=(*kept, *parts),
        next_part=manifest.next_part + len(parts),
        hidden=max(0, manifest.hidden - dropped) if kept else 0,
    )


# The rows of some parts, each once and in order, in portions that make one part each.
def _portions(
    catalog: Catalog, manifest: Manifest, parts: Sequence[Part], instrument: Instrument, settings: Settings
) -> Iterator[Columns]:
    form = form_of(manifest.tape)
    wanted = wanted_columns(form, None) | {SEQ}
    full = full_rows(form, settings)
    held: list[Columns] = []
    with open_parts(catalog.medium, form, manifest, parts) as files:
        pieces = [
            piece_of_part(file.part, file, manifest.instruments[file.part.instrument], instrument) for file in files
        ]
        for chunk in woven(form, pieces, EVER, wanted, settings.row_group_rows):
            held.append(chunk)
            while sum(map(length, held)) >= full:
                rows = concat(held)
                yield take(rows, slice(0, full))
                held = [take(rows, slice(full, None))]
    rest = concat(held) if held else {}
    if length(rest):
        yield rest


def add_up(reports: list[Compaction]) -> Compaction:
    """Return the sum of several reports."""
    return Compaction(*(sum(getattr(report, name) for report in reports) for name in Compaction.__struct_fields__))
