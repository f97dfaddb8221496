"""A store in a folder: Parquet parts behind a SQLite journal, one small file for each day and instrument."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from footloom.errors import StoreError
from footloom.store._reports import Recovery, Settings, Unreadable
from footloom.store.columns import Form
from footloom.store.disk import TEMPORARY, free_bytes, make_folder, remove, storing, sync_folder, write_whole
from footloom.store.kept_segments import KeptSegments
from footloom.store.layout import MANIFEST, Asked, Layout, Stream, file_name
from footloom.store.lock import WriterLock
from footloom.store.medium import PartGone, Rows
from footloom.store.parts import Part, PartFile, check_whole, describe, pack_part
from footloom.store.raw import RawPart, raw_parts, raw_text, write_raw
from footloom.store.recovery import recover
from footloom.store.removal import remove_folder, sweep_removed
from footloom.store.segment import Content, Segment
from footloom.store.segment_files import delete_segment, new_segment, segments
from footloom.store.segment_reading import read_whole
from footloom.store.unreadable import FrameKeeper, kept_frames
from footloom.typed import from_json

__all__ = ("Folder",)

_LAYOUT_VERSION = 1


class _Marker(msgspec.Struct):
    footloom_store: int


class Folder:
    """The medium of `footloom.store.files.Store`; `Medium` says what each method promises."""

    def __init__(self, root: Path) -> None:
        self.layout = Layout(root)
        self.where = str(root)
        self.scratch = root / "fetch"
        self._kept = KeptSegments()

    # A folder becomes a store by a marker; a folder with other things in it does not become one by mistake.
    def claim(self) -> None:
        """Make the folder a store."""
        layout = self.layout
        with storing("make", layout.root):
            make_folder(layout.root)
            if layout.marker.exists():
                _check_marker(layout)
            else:
                _refuse_other_things(layout)
                write_whole(layout.marker, msgspec.json.encode(_Marker(_LAYOUT_VERSION)))

    def lock(self) -> WriterLock:
        """Take the writer's lock."""
        return WriterLock(self.layout.lock)

    def close(self) -> None:
        """Do nothing: files are closed where they were opened."""

    def streams(self) -> Iterator[Stream]:
        """Yield every tape."""
        return self.layout.streams()

    def days(self, stream: Stream) -> list[dt.date]:
        """Return the days of a tape."""
        return self.layout.days(stream)

    def place(self, stream: Stream, day: dt.date, file: str) -> str:
        """Return a path."""
        return str(self.layout.day(stream, day) / file)

    def day_bytes(self, stream: Stream, day: dt.date) -> int:
        """Return what the files of a day take."""
        return sum(path.stat().st_size for path in self.layout.day(stream, day).iterdir() if path.is_file())

    def remove_tape(self, stream: Stream) -> None:
        """Move the folder of a tape away; its bytes go with the next sweep."""
        remove_folder(self.layout.tape(stream))

    def sweep_removed(self) -> None:
        """Delete what was moved away."""
        sweep_removed(self.layout)

    def read_manifest(self, stream: Stream, day: dt.date) -> bytes | None:
        """Return the manifest of a day."""
        path = self.layout.day(stream, day) / MANIFEST
        try:
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise StoreError(f"cannot read {path}: {error.strerror}; let this user read it") from error

    def write_manifest(self, stream: Stream, day: dt.date, data: bytes) -> None:
        """Replace the manifest of a day."""
        path = self.layout.day(stream, day) / MANIFEST
        with storing("write", path):
            make_folder(path.parent)
            write_whole(path, data)

    def sweep(self, stream: Stream, day: dt.date, named: Collection[Part]) -> None:
        """Remove the files of a day that its manifest does not name."""
        folder = self.layout.day(stream, day)
        kept = {MANIFEST, *(part.file for part in named)}
        with storing("list", folder):
            others = [path for path in folder.iterdir() if path.name not in kept]
        remove([path for path in others if path.suffix == ".parquet" or path.name.startswith(TEMPORARY)])

    def pack(self, rows: Rows, file: str, instrument: int) -> tuple[Part, Any]:
        """Return rows as a Parquet file."""
        data = pack_part(rows.form, rows.instrument, rows.tape, rows.columns, rows.row_group_rows)
        return describe(rows.form, rows.columns, file, data, instrument), memoryview(data)

    def add_part(self, stream: Stream, day: dt.date, file: str, data: Any) -> None:
        """Write a part."""
        path = self.layout.day(stream, day) / file
        with storing("write", path):
            make_folder(path.parent)
            write_whole(path, data)

    def remove_parts(self, stream: Stream, day: dt.date, files: Collection[str]) -> None:
        """Remove parts that no manifest names."""
        remove([self.layout.day(stream, day) / file for file in files])

    def open_part(self, stream: Stream, day: dt.date, part: Part, form: Form) -> PartFile:
        """Open a part: compaction may remove a name, not an open file."""
        try:
            return PartFile(self.layout.day(stream, day) / part.file, part, form)
        except FileNotFoundError as error:
            raise PartGone from error

    def has_part(self, stream: Stream, day: dt.date, file: str) -> bool:
        """Say whether a part is there."""
        return (self.layout.day(stream, day) / file).exists()

    def check_part(self, stream: Stream, day: dt.date, part: Part) -> None:
        """Compare every byte of a part with its checksum."""
        check_whole(self.layout.day(stream, day) / part.file, part)

    def recover(self) -> tuple[Recovery, int]:
        """Look at every segment after a stop."""
        with storing("make", self.layout.journal):
            make_folder(self.layout.journal)
        return recover(self.layout)

    def segments(self) -> list[str]:
        """Return the names of the segments."""
        names = [path.name for path in segments(self.layout)]
        self._kept.keep_only(names)
        return names

    def new_segment(self, next_seq: int) -> Segment:
        """Begin a segment."""
        return new_segment(self.layout, next_seq)

    def read_segment(
        self, name: str, stream: Asked = None, from_ns: int | None = None, to_ns: int | None = None
    ) -> Content:
        """Return what a segment holds."""
        path = self.layout.journal / name
        if stream is None:
            return read_whole(path)
        return self._kept.read(path, stream, from_ns, to_ns)

    def has_segment(self, name: str) -> bool:
        """Say whether a segment is there."""
        return (self.layout.journal / name).exists()

    def delete_segment(self, name: str) -> None:
        """Remove a segment."""
        delete_segment(self.layout.journal / name)

    def segment_place(self, name: str) -> str:
        """Return a path."""
        return str(self.layout.journal / name)

    def definitions(self) -> Mapping[str, bytes]:
        """Return the definitions of every instrument."""
        return {str(path): _read(path) for path in sorted(self.layout.instruments.glob("*/*.json"))}

    def read_definitions(self, venue: str, symbol: str) -> tuple[str, bytes] | None:
        """Return the definitions of one instrument."""
        path = self.layout.instrument(venue, symbol)
        return (str(path), _read(path)) if path.exists() else None

    def write_definitions(self, venue: str, symbol: str, data: bytes) -> None:
        """Replace the definitions of an instrument."""
        path = self.layout.instrument(venue, symbol)
        with storing("write", path):
            make_folder(path.parent)
            write_whole(path, data)

    def forget_definitions(self, venue: str, symbol: str) -> None:
        """Remove the definitions of an instrument."""
        path = self.layout.instrument(venue, symbol)
        with storing("remove", path):
            path.unlink(missing_ok=True)
            if path.parent.is_dir():
                sync_folder(path.parent)

    def read_note(self, name: str) -> bytes | None:
        """Return a small text."""
        path = self.layout.notes / f"{file_name(name)}.json"
        return _read(path) if path.exists() else None

    def write_note(self, name: str, data: bytes) -> None:
        """Replace a small text."""
        path = self.layout.notes / f"{file_name(name)}.json"
        with storing("write", path):
            make_folder(path.parent)
            write_whole(path, data)

    def frames(self, settings: Settings) -> FrameKeeper:
        """Return what keeps frames that could not be parsed."""
        return FrameKeeper(self.layout.unreadable, settings.unreadable_frames, settings.unreadable_bytes)

    def kept_frames(self, most: int) -> Unreadable:
        """Return the newest frames that are kept."""
        return kept_frames(self.layout.unreadable, most)

    def free_bytes(self) -> int | None:
        """Return what this user may still write on the disk."""
        return free_bytes(self.layout.root)

    def raw_parts(self) -> list[RawPart]:
        """Return the texts that are kept as they came."""
        return raw_parts(self.layout.root)

    def write_raw(self, part: RawPart, pieces: Iterable[bytes]) -> bool:
        """Keep a text."""
        return write_raw(self.layout.root, part, pieces)

    def raw_text(self, part: RawPart) -> bytes:
        """Return a kept text."""
        return raw_text(self.layout.root, part)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}; let this user read it") from error


def _refuse_other_things(layout: Layout) -> None:
    others = sorted(path.name for path in layout.root.iterdir() if not path.name.startswith("."))
    if others and others != [layout.lock.name]:
        raise StoreError(
            f"{layout.root} holds other things ({', '.join(others[:3])}) and is no store: name an empty or new "
            "folder with --store"
        )


def _check_marker(layout: Layout) -> None:
    try:
        version = from_json(layout.marker.read_bytes(), _Marker).footloom_store
    except msgspec.MsgspecError as error:
        raise StoreError(f"{layout.marker} is damaged ({error}): restore it from a backup") from error
    if version > _LAYOUT_VERSION:
        raise StoreError(
            f"{layout.root} has layout {version}, this program knows up to {_LAYOUT_VERSION}: use the newer footloom"
        )
