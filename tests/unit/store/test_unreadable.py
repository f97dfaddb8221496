"""Frames that nobody could parse: kept raw and bounded, told on request, and no danger to anything else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from footloom.core.trades import Trades
from footloom.errors import StoreError
from footloom.store import Settings, Unreadable, UnreadableFrame
from footloom.store.files import Store

START_NS = 1_767_225_600_000_000_000


def frame(number: int, venue: str = "upstox", size: int = 0) -> UnreadableFrame:
    return UnreadableFrame(venue, START_NS + number, f"field {number} is new", bytes([number % 256]) * (size or 9))


@pytest.fixture
def bounded(root: Path) -> Iterator[Store]:
    with Store(root, writer=True, settings=Settings(unreadable_frames=100, unreadable_bytes=5_000)) as opened:
        yield opened


def test_frames_are_kept_as_they_came_the_newest_first(root: Path, bounded: Store) -> None:
    bounded.keep_unreadable([frame(1), frame(2, "bybit_linear")])
    bounded.keep_unreadable([frame(3, size=2_000)])
    bounded.close()

    with Store(root) as reader:
        assert reader.unreadable() == Unreadable(
            frames=(frame(3, size=2_000), frame(2, "bybit_linear"), frame(1)),
            counts={"bybit_linear": 1, "upstox": 2}, kept=3, bytes=2_018, dropped=0,
        )  # fmt: skip
        assert reader.unreadable(1).frames == (frame(3, size=2_000),)


@pytest.mark.parametrize(("size", "most"), [(9, 100), (200, 25)])
def test_the_oldest_make_room_and_are_counted(bounded: Store, size: int, most: int) -> None:
    for first in range(0, 1_000, 7):
        bounded.keep_unreadable([frame(number, size=size) for number in range(first, min(first + 7, 1_000))])
        assert bounded.unreadable().bytes <= 5_000
    kept = bounded.unreadable(1_000)

    assert 0.8 * most <= kept.kept <= most
    assert kept.counts == {"upstox": 1_000}
    assert kept.dropped == 1_000 - kept.kept
    assert [one.ts_recv_ns - START_NS for one in kept.frames] == list(range(999, 999 - kept.kept, -1))


def test_a_frame_that_is_too_long_keeps_its_beginning(root: Path) -> None:
    with Store(root, writer=True) as store:
        store.keep_unreadable([frame(7, size=3_000_000)])

        assert len(store.unreadable().frames[0].data) == 262_144


def test_a_storm_of_frames_leaves_a_small_file(root: Path, bounded: Store) -> None:
    for _ in range(40):
        bounded.keep_unreadable([frame(number, size=100) for number in range(500)])
    bounded.close()

    assert sum(path.stat().st_size for path in root.glob("unreadable*")) < 400_000


def test_where_it_cannot_be_written_trades_go_on(bounded: Store, make_trades: Callable[..., Trades]) -> None:
    (bounded.root / "unreadable.sqlite").mkdir()

    with pytest.raises(StoreError, match=r"cannot keep unreadable frames in .*unreadable.sqlite"):
        bounded.keep_unreadable([frame(1)])
    assert bounded.quarantine("upstox", b"\x00", START_NS, "no protobuf") is False
    assert bounded.append(make_trades(5)) == 5


def test_one_frame_of_a_feed(bounded: Store) -> None:
    assert bounded.quarantine("upstox", b"\x00", START_NS, "no protobuf")
    assert bounded.unreadable().frames == (UnreadableFrame("upstox", START_NS, "no protobuf", b"\x00"),)


def test_a_damaged_file_is_a_message(root: Path) -> None:
    with Store(root, writer=True) as store:
        (root / "unreadable.sqlite").write_bytes(b"what is this" * 999)
        with pytest.raises(StoreError, match="cannot read"):
            store.unreadable()


def test_without_any_there_are_none(store: Store) -> None:
    assert store.unreadable() == Unreadable()
