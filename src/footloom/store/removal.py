"""Taking a tape out of a store: at once by one rename, its bytes afterwards."""

from __future__ import annotations

import shutil
from pathlib import Path

from footloom.errors import NotStored
from footloom.store._reports import Removed
from footloom.store.disk import storing, sync_folder
from footloom.store.layout import Layout, Stream
from footloom.store.manifest import Catalog

__all__ = ("REMOVED", "remove_folder", "remove_tape", "sweep_removed")

REMOVED = ".removed-"  # a hidden folder is no tape; a kill may leave one behind


def remove_tape(catalog: Catalog, stream: Stream) -> Removed:
    """Remove everything that is stored of a tape, all or nothing; the caller holds the lock of the parts.

    The instrument's definitions go with the last tape of a symbol: an import on another grid defines it anew.

    Raises
    ------
    NotStored
        There is no such tape.
    StoreError
        It cannot be moved away; nothing was changed.
    """
    medium = catalog.medium
    every = list(medium.streams())
    if stream not in every:
        others = ", ".join(sorted(other.tape for other in every if other.key == stream.key)) or "none"
        raise NotStored(f"the store {medium.where} has no tape {stream}: tapes of {stream.key} are {others}")
    report = _counted(catalog, stream)
    medium.remove_tape(stream)
    if not any(other.key == stream.key for other in every if other != stream):
        medium.forget_definitions(stream.venue, stream.symbol)
    medium.sweep_removed()
    return report


# What it takes, as far as its manifests can be read: damage is a reason to remove a tape, not to keep it.
def _counted(catalog: Catalog, stream: Stream) -> Removed:
    rows = size = 0
    days = catalog.medium.days(stream)
    for day in days:
        size += catalog.medium.day_bytes(stream, day)
        try:
            manifest = catalog.read(stream, day)
        except Exception:  # noqa: BLE001, S112 - whatever is wrong with it
            continue
        rows += manifest.rows if manifest else 0
    return Removed(key=stream.key, tape=stream.tape, days=len(days), rows=rows, bytes=size)


def remove_folder(folder: Path) -> None:
    """Move a tape's folder away, in one step."""
    target = _free_name(folder)
    with storing("remove", folder):
        folder.rename(target)
        sync_folder(folder.parent)


def _free_name(folder: Path) -> Path:
    number = 1
    while (target := folder.with_name(f"{REMOVED}{number}-{folder.name}")).exists():
        number += 1
    return target


def sweep_removed(layout: Layout) -> None:
    """Delete what was removed; what cannot be deleted now is left to the next sweep."""
    for folder in layout.tapes.glob(f"*/*/{REMOVED}*"):
        shutil.rmtree(folder, ignore_errors=True)
