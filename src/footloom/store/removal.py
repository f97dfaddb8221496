"""Taking a tape out of a store: at once by one rename, its bytes afterwards."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

from footloom.errors import NotStored
from footloom.store._protocol import Removed
from footloom.store.disk import storing, sync_folder
from footloom.store.layout import Layout, Stream
from footloom.store.manifest import Catalog

__all__ = ("REMOVED", "remove_tape", "sweep_removed")

REMOVED = ".removed-"  # a hidden folder is no tape; a kill may leave one behind


def remove_tape(catalog: Catalog, stream: Stream) -> Removed:
    """Remove everything that is stored of a tape, all or nothing; the caller holds the lock of the parts.

    The instrument's definitions go with the last tape of a symbol: an import on another grid defines it anew.

    Raises
    ------
    NotStored
        There is no such tape.
    StoreError
        Its folder cannot be moved; nothing was changed.
    """
    layout = catalog.layout
    days = layout.days(stream)
    folder = layout.tape(stream)
    if not folder.is_dir():
        others = ", ".join(sorted(other.tape for other in layout.streams() if other.key == stream.key)) or "none"
        raise NotStored(f"the store {layout.root} has no tape {stream}: tapes of {stream.key} are {others}")
    report = _counted(catalog, stream, days)
    target = _free_name(folder)
    with storing("remove", folder):
        folder.rename(target)
        sync_folder(folder.parent)
    _forget_instrument(layout, stream)
    sweep_removed(layout)
    return report


# What it takes, as far as its manifests can be read: damage is a reason to remove a tape, not to keep it.
def _counted(catalog: Catalog, stream: Stream, days: list[dt.date]) -> Removed:
    rows = size = 0
    for day in days:
        folder = catalog.layout.day(stream, day)
        size += sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
        try:
            manifest = catalog.read(stream, day)
        except Exception:  # noqa: BLE001, S112 - whatever is wrong with it
            continue
        rows += manifest.rows if manifest else 0
    return Removed(key=stream.key, tape=stream.tape, days=len(days), rows=rows, bytes=size)


def _free_name(folder: Path) -> Path:
    number = 1
    while (target := folder.with_name(f"{REMOVED}{number}-{folder.name}")).exists():
        number += 1
    return target


def _forget_instrument(layout: Layout, stream: Stream) -> None:
    if any(other.key == stream.key for other in layout.streams()):
        return
    path = layout.instrument(stream.venue, stream.symbol)
    with storing("remove", path):
        path.unlink(missing_ok=True)
        if path.parent.is_dir():
            sync_folder(path.parent)


def sweep_removed(layout: Layout) -> None:
    """Delete what was removed; what cannot be deleted now is left to the next sweep."""
    for folder in layout.tapes.glob(f"*/*/{REMOVED}*"):
        shutil.rmtree(folder, ignore_errors=True)
