"""Days that lie in many parts, or hold rows twice, become few parts.

The new parts are written first, beside the old ones; the manifest that names them instead then takes the old one's
place in one step. A reader sees the day before or after, never between.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator

import msgspec

from footloom.store._protocol import Compaction, Settings
from footloom.store.columns import SEQ, Columns, concat, form_of, length, take, wanted_columns
from footloom.store.grid import common_instrument
from footloom.store.layout import Stream
from footloom.store.manifest import Catalog, Manifest
from footloom.store.parts import SCHEMA_VERSION, Part, check_whole, describe, pack_part
from footloom.store.pieces import EVER, open_parts, piece_of_part, woven

__all__ = ("add_up", "compact_day")


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
    folder = catalog.layout.day(stream, day)
    for part in manifest.parts:
        check_whole(folder / part.file, part)
    after = _rewritten(catalog, manifest, settings)
    catalog.publish(after)
    return Compaction(
        days=1,
        parts_before=len(manifest.parts),
        parts_after=len(after.parts),
        bytes_before=sum(part.bytes for part in manifest.parts),
        bytes_after=sum(part.bytes for part in after.parts),
    )


def _is_worth_it(manifest: Manifest, settings: Settings) -> bool:
    multipliers = {manifest.instruments[part.instrument].contract_multiplier for part in manifest.parts}
    if not manifest.parts or len(multipliers) > 1:  # rows that mean different amounts of money stay apart
        return False
    fewest = math.ceil(manifest.rows / settings.part_rows)
    return (
        len(manifest.parts) > fewest or manifest.hidden > 0 or any(p.version < SCHEMA_VERSION for p in manifest.parts)
    )


def _rewritten(catalog: Catalog, manifest: Manifest, settings: Settings) -> Manifest:
    form = form_of(manifest.tape)
    instrument = common_instrument([manifest.instruments[part.instrument] for part in manifest.parts])
    after = msgspec.structs.replace(
        manifest, generation=manifest.generation + 1, hidden=0, parts=(), instruments=(instrument,)
    )
    parts: list[Part] = []
    for columns in _portions(catalog, manifest, settings):
        file = f"part-{after.generation:04d}-{manifest.next_part + len(parts):06d}.parquet"
        data = pack_part(form, instrument, manifest.tape, columns, settings.row_group_rows)
        catalog.add_part(after, file, memoryview(data))
        parts.append(describe(form, columns, file, data, 0))
    return msgspec.structs.replace(after, parts=tuple(parts), next_part=manifest.next_part + len(parts))


# The day's rows, each once and in order, in portions that make one part each.
def _portions(catalog: Catalog, manifest: Manifest, settings: Settings) -> Iterator[Columns]:
    form = form_of(manifest.tape)
    instrument = common_instrument([manifest.instruments[part.instrument] for part in manifest.parts])
    wanted = wanted_columns(form, None) | {SEQ}
    held: list[Columns] = []
    with open_parts(form, catalog.layout.day(manifest.stream, manifest.day), manifest.parts) as files:
        pieces = [
            piece_of_part(file.part, file, manifest.instruments[file.part.instrument], instrument) for file in files
        ]
        for chunk in woven(form, pieces, EVER, wanted, settings.row_group_rows):
            held.append(chunk)
            while sum(map(length, held)) >= settings.part_rows:
                rows = concat(held)
                yield take(rows, slice(0, settings.part_rows))
                held = [take(rows, slice(settings.part_rows, None))]
    rest = concat(held) if held else {}
    if length(rest):
        yield rest


def add_up(reports: list[Compaction]) -> Compaction:
    """Return the sum of several reports."""
    return Compaction(*(sum(getattr(report, name) for report in reports) for name in Compaction.__struct_fields__))
