"""What is done with the journal after a stop of any kind, before anything new is written.

Whole segments stay as they are. Of a damaged one the whole commits go to a new file, the original is kept in
quarantine, and nothing is guessed.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import struct
from collections.abc import Sequence
from pathlib import Path

from footloom.store._reports import Quarantined, Recovery
from footloom.store.columns import SEQ, length
from footloom.store.disk import make_folder, remove, storing, sync_folder
from footloom.store.layout import Layout
from footloom.store.segment import SALVAGED, SIDES, Content, Entry, Heard, HeardGap, Segment
from footloom.store.segment_files import delete_segment, segments
from footloom.store.segment_reading import is_damage, read_segment

__all__ = ("counted", "recover", "torn_pages")


def recover(layout: Layout) -> tuple[Recovery, int]:
    """Look at every segment; return what was found, and the next ingest sequence as far as the journal knows it."""
    _finish_salvages(layout)
    put_aside = _orphans(layout)
    found = segments(layout)
    contents = []
    torn = 0
    for path in found:
        pages, commits = _inspect_log(layout, path)
        content = read_segment(path)
        if commits:
            content.damage.append(f"{commits} commits in the last {pages} pages of its log cannot be read")
        else:
            torn += pages
        if content.damage:
            put_aside.append(_put_aside(layout, path, content))
        contents.append(content)
    return counted(contents, torn, put_aside)


def counted(contents: Sequence[Content], torn: int, put_aside: Sequence[Quarantined]) -> tuple[Recovery, int]:
    """Return what segments hold, as a report, and the next ingest sequence as far as they know it.

    ``torn`` are pages or documents of a last commit that was cut off.
    """
    report = Recovery(
        segments=len(contents),
        blocks=sum(len(content.heard) for content in contents),
        rows=sum(length(heard.columns) for content in contents for heard in content.heard),
        gaps=sum(len(content.gaps) for content in contents),
        torn_frames=torn,
        quarantined=tuple(put_aside),
    )
    return report, max((content.next_seq for content in contents), default=0)


# A salvaged copy is whole as soon as it has its name; a kill may have left the original beside it.
def _finish_salvages(layout: Layout) -> None:
    for path in layout.journal.glob(f"segment-*{SALVAGED}"):
        original = path.with_name(path.name.replace(SALVAGED, ".sqlite"))
        if original.exists():
            delete_segment(original)
    remove(list(layout.journal.glob("salvaging-*")))


# Logs without their database: a kill while a sealed segment was deleted left them, or somebody removed the database.
def _orphans(layout: Layout) -> list[Quarantined]:
    kept = []
    for side in SIDES:
        for path in layout.journal.glob(f"segment-*.sqlite{side}"):
            if path.with_name(path.name.removesuffix(side)).exists():
                continue
            if side == "-wal" and path.stat().st_size:
                kept.append(_keep(layout, path, "a log without its database"))
            remove([path])
    return kept


def _keep(layout: Layout, path: Path, reason: str) -> Quarantined:
    target = layout.quarantine / path.name
    with storing("put aside", path):
        make_folder(layout.quarantine)
        shutil.copy2(path, target)
        with target.open("rb") as file:
            os.fsync(file.fileno())
        sync_folder(layout.quarantine)
    return Quarantined(path.name, reason, str(target))


def _put_aside(layout: Layout, path: Path, content: Content) -> Quarantined:
    kept = _keep(layout, path, "; ".join(content.damage))
    _salvage(path, content)
    return kept


# Write what is whole under another name, then let it take the damaged segment's place.
def _salvage(path: Path, content: Content) -> None:
    temporary = path.with_name(f"salvaging-{path.name}")
    remove([temporary, *(temporary.with_name(temporary.name + side) for side in SIDES)])
    new = Segment(temporary, content.first_seq)
    every: list[Heard | HeardGap] = [*content.gaps, *content.heard]
    for one in sorted(every, key=_place):  # stable: a gap comes before the row that followed it
        new.next_seq = _place(one)
        new.append([_entry(one)])
    new.close()  # moves its log into the database and removes it
    target = path if path.name.endswith(SALVAGED) else path.with_name(path.name.replace(".sqlite", SALVAGED))
    with storing("rename", temporary):
        temporary.rename(target)
        sync_folder(path.parent)
    if target != path:
        delete_segment(path)


def _place(one: Heard | HeardGap) -> int:
    return one.at_seq if isinstance(one, HeardGap) else one.first_seq


def _entry(one: Heard | HeardGap) -> Entry:
    if isinstance(one, HeardGap):
        return Entry(one.stream, one.instrument, {}, (one.gap,))
    return Entry(one.stream, one.instrument, {name: v for name, v in one.columns.items() if name != SEQ})


# Pages, and commits among them, at the end of a segment's log that SQLite does not take for valid. Closing the last
# connection removes the log, so it is kept first where commits are lost with it.
def _inspect_log(layout: Layout, path: Path) -> tuple[int, int]:
    log = path.with_name(path.name + "-wal")
    with storing("look at", log):
        if not log.exists():
            return 0, 0
        data = log.read_bytes()
        if not path.stat().st_size:  # SQLite would delete the log of an empty database
            return _kept_if_lost(layout, log, torn_pages(data, 0))
        database = sqlite3.connect(path, isolation_level=None)
        try:
            valid = database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1]
            return _kept_if_lost(layout, log, torn_pages(data, max(0, valid)))
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            # Reading will say what is wrong with the database; its log is kept.
            return _kept_if_lost(layout, log, (0, 1))
        finally:
            database.close()


def _kept_if_lost(layout: Layout, log: Path, torn: tuple[int, int]) -> tuple[int, int]:
    if torn[1]:
        _keep(layout, log, "")
    return torn


_HEADER = struct.Struct(">8I")  # magic, version, page size, number of the round, two salts, two checksums
_FRAME = struct.Struct(">6I")  # page, size of the database after a commit (else 0), two salts, two checksums


def torn_pages(log: bytes, valid: int) -> tuple[int, int]:
    """Return how many pages, and how many commits among them, a write-ahead log holds after its valid ones.

    A log is written over from its beginning after each checkpoint: pages of an earlier round carry other salts and do
    not count (https://www.sqlite.org/walformat.html).
    """
    if len(log) < _HEADER.size + _FRAME.size:
        return 0, 0
    page_size = _HEADER.unpack_from(log)[2]
    step = _FRAME.size + (page_size if page_size in {2**n for n in range(9, 17)} else 4096)
    is_sound = _checksum(log[:24]) == _HEADER.unpack_from(log)[6:8]
    salts = _HEADER.unpack_from(log)[4:6] if is_sound else _FRAME.unpack_from(log, _HEADER.size)[2:4]
    pages = commits = 0
    for start in range(_HEADER.size + valid * step, len(log) - step + 1, step):
        frame = _FRAME.unpack_from(log, start)
        if frame[2:4] == salts:
            pages += 1
            commits += frame[1] != 0
    return pages, commits


# SQLite's own checksum of the header of a log; the last bit of its first word tells the order of bytes.
def _checksum(data: bytes) -> tuple[int, int]:
    order = ">" if data[3] & 1 else "<"
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    one = two = 0
    for even, odd in zip(words[::2], words[1::2], strict=True):
        one = (one + even + two) & 0xFFFFFFFF
        two = (two + odd + one) & 0xFFFFFFFF
    return one, two
