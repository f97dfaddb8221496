"""The segments of a journal as files: their names, and how they come and go."""

from __future__ import annotations

import re
from pathlib import Path

from footloom.errors import StoreError
from footloom.store.disk import remove, storing, sync_folder
from footloom.store.layout import Layout
from footloom.store.segment import SIDES, Segment

__all__ = ("delete_segment", "new_segment", "segments")

_NAME = re.compile(r"segment-(\d{8})(-salvaged)?\.sqlite")


def _number(path: Path) -> int:
    match = _NAME.fullmatch(path.name)
    return int(match[1]) if match else 0


def segments(layout: Layout) -> list[Path]:
    """Return the segments on the disk, in the order in which they were written."""
    found: dict[int, Path] = {}
    try:
        # A salvaged copy sorts before the damaged segment that it replaces, and stands for it.
        for path in sorted(layout.journal.iterdir(), key=lambda path: path.name):
            if _NAME.fullmatch(path.name):
                found.setdefault(_number(path), path)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"cannot list {layout.journal}: {error.strerror}; let this user read it") from error
    return [found[number] for number in sorted(found)]


def new_segment(layout: Layout, next_seq: int) -> Segment:
    """Begin a segment; quarantined ones count too, so that no later one is put aside under the same name."""
    taken = [_number(path) for path in layout.journal.rglob("segment-*") if _NAME.fullmatch(path.name)]
    return Segment(layout.journal / f"segment-{max(taken, default=0) + 1:08d}.sqlite", next_seq)


def delete_segment(path: Path) -> None:
    """Remove a segment whose rows are in manifests on the disk."""
    remove([path, *(path.with_name(path.name + side) for side in SIDES)])
    with storing("delete from", path.parent):
        sync_folder(path.parent)
