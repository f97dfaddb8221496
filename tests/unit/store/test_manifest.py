"""The one small file that says what a day holds."""

from __future__ import annotations

import datetime as dt
import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footloom.core.trades import Trades
from footloom.errors import CorruptPart, StoreError
from footloom.store import disk
from footloom.store.files import Store
from footloom.store.folder import Folder
from footloom.store.layout import Layout, Stream
from footloom.store.manifest import Catalog, Manifest, add_span, covers, has_free_rows
from footloom.store.notes import Note

DAY = dt.date(2026, 1, 1)
STREAM = Stream("test", "BTCUSDT", "trade")


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9)), max_size=12), st.integers(0, 50), st.integers(1, 9))
def test_ranges_of_rows_are_sets(runs: list[tuple[int, int]], start: int, count: int) -> None:
    spans: tuple[tuple[int, int], ...] = ()
    taken: set[int] = set()
    for first, size in runs:
        spans = add_span(spans, (first, first + size))
        taken |= set(range(first, first + size))
    asked = set(range(start, start + count))

    assert {row for first, stop in spans for row in range(first, stop)} == taken
    assert all(left[1] < right[0] for left, right in itertools.pairwise(spans))
    assert covers(spans, (start, start + count)) == (asked <= taken)
    assert has_free_rows(spans, (start, start + count)) == (not asked & taken)


@pytest.fixture
def manifest_file(store: Store, make_trades: Callable[..., Trades]) -> Path:
    store.write_part(make_trades(100))
    return Layout(store.root).day(STREAM, DAY) / "manifest.json"


@pytest.mark.parametrize("cut", [0, 1, 50, -1])
def test_a_torn_manifest_is_never_taken_for_an_empty_day(store: Store, manifest_file: Path, cut: int) -> None:
    manifest_file.write_bytes(manifest_file.read_bytes()[:cut])

    with pytest.raises(CorruptPart, match=r"manifest.json is damaged.*import that day again"):
        store.load("test:BTCUSDT", "trade", 0, 2**62)


def test_every_flipped_bit_of_a_manifest_is_seen(
    store: Store, manifest_file: Path, flip: Callable[[Path, int], None]
) -> None:
    sound = manifest_file.read_bytes()
    for position in range(0, len(sound), 5):
        flip(manifest_file, position)
        with pytest.raises((CorruptPart, StoreError)):
            store.load("test:BTCUSDT", "trade", 0, 2**62)
        manifest_file.write_bytes(sound)

    assert len(store.load("test:BTCUSDT", "trade", 0, 2**62)) == 100


def test_what_a_kill_leaves_is_ignored_and_swept(store: Store, manifest_file: Path) -> None:
    stray = [manifest_file.parent / name for name in (".tmp-manifest.json", ".tmp-part.parquet", "part-9999.parquet")]
    for path in stray:
        path.write_bytes(b"half")
    (manifest_file.parent / "notes.txt").write_text("somebody's own file")

    assert len(store.load("test:BTCUSDT", "trade", 0, 2**62)) == 100
    store.compact()

    assert not any(path.exists() for path in stray)
    assert (manifest_file.parent / "notes.txt").exists()


def test_a_manifest_of_another_tape_is_refused(store: Store, manifest_file: Path) -> None:
    """As on a file system that does not tell btcusdt from BTCUSDT."""
    other = Layout(store.root).day(Stream("test", "btcusdt", "trade"), DAY)
    other.mkdir(parents=True)
    (other / "manifest.json").write_bytes(manifest_file.read_bytes())

    with pytest.raises(CorruptPart, match="names differ only in case"):
        store.load("test:btcusdt", "trade", 0, 2**62)


def test_a_manifest_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    catalog = Catalog(Folder(tmp_path))
    catalog.publish(Manifest(version=3, venue="v", symbol="s", tape="trade", day=DAY))

    with pytest.raises(StoreError, match="version 3, this program knows up to 2"):
        catalog.read(Stream("v", "s", "trade"), DAY)


def test_whole_or_not_at_all_and_in_the_order_that_survives_a_power_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is flushed before it gets its name, and the folder after: any other order can lose or tear it."""
    done: list[str] = []
    original_fsync, original_replace = os.fsync, Path.replace

    def fsync(handle: int) -> None:
        name = Path(f"/proc/self/fd/{handle}").readlink()
        done.append(f"flush {'folder' if name.is_dir() else name.name}")
        original_fsync(handle)

    def replace(self: Path, target: Any) -> Path:
        done.append(f"rename {self.name}")
        return original_replace(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    disk.write_whole(tmp_path / "a.json", b"x" * 100)

    assert done == ["flush .tmp-a.json", "rename .tmp-a.json", "flush folder"]


def test_a_manifest_holds_each_gap_once(tmp_path: Path) -> None:
    from footloom.core.messages import Gap

    gap = Gap(symbol="s", from_ns=5, to_ns=9, cause="reconnect", missing=3)
    manifest = Manifest(venue="v", symbol="s", tape="trade", day=DAY)

    again = manifest.with_notes([Note(gap=gap)]).with_notes(
        [Note(gap=gap, at_seq=3), Note(gap=msgspec.structs.replace(gap, from_ns=1), at_seq=4)]
    )

    assert [one.gap.from_ns for one in again.gap_notes] == [5, 1]
    Catalog(Folder(tmp_path)).publish(again)
    assert Catalog(Folder(tmp_path)).read(again.stream, DAY) == again
