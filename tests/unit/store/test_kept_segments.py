"""Readers keep what they have read of the journal: the answers are the same, and each block is decoded once."""

from __future__ import annotations

import contextlib
import errno
import random
import shutil
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.series import Series
from footloom.core.trades import Trades
from footloom.errors import CorruptPart, NotStored, StoreError
from footloom.store import segment, segment_reading
from footloom.store.columns import Columns, concat
from footloom.store.files import Store
from footloom.store.folder import Folder
from footloom.store.kept_segments import KeptSegments
from footloom.store.packing import unpack
from footloom.store.segment import Heard
from footloom.store.segment_reading import read_segment, read_whole

START_NS = 1_767_225_600_000_000_000
EVER = (0, 2**62)


def symbol(name: str) -> Instrument:
    return Instrument(venue="test", symbol=name, tick_size=Decimal("0.5"), lot_size=Decimal(1))


def rows(one: Instrument, first: int, count: int, step_ns: int = 10**9) -> Trades:
    ids = first + np.arange(count)
    times = START_NS + ids * step_ns
    return Trades.build(one, times, 100 + ids % 7, 1 + ids % 3, (-1) ** ids, trade_id=ids, ts_recv_ns=times + 5)


def bare(one: Instrument, first: int, count: int) -> Trades:
    times = START_NS + (first + np.arange(count)) * 10**9
    return Trades.build(one, times, np.full(count, 100), np.ones(count, np.int64), np.ones(count, np.int8))


def level(one: Instrument, ts_ns: int) -> Series:
    return Series.build(one, "depth", [ts_ns], side=1, price_tick=9, qty_lot=1, first_id=1, last_id=1, kind=0)


def told(found: list[Heard]) -> list[Any]:
    return [
        (heard.stream, *row)
        for heard in found
        for row in zip(*(heard.columns[name].tolist() for name in sorted(heard.columns)), strict=True)
    ]


def test_what_is_kept_says_what_the_file_says(root: Path) -> None:
    seed = random.randrange(2**32)
    print("seed", seed)  # noqa: T201 - to play it again
    rng = random.Random(seed)
    names = [symbol(name) for name in ("A", "B", "C")]
    sent = dict.fromkeys(range(3), 0)
    kept = KeptSegments(most_bytes=rng.choice((2_000, 1 << 20)))
    with Store(root, writer=True) as store:
        for _ in range(60):
            which, count = rng.randrange(3), rng.randrange(1, 9)
            trades = rows(names[which], sent[which], count)
            sent[which] += count
            first, last = int(trades.ts_exch_ns[0]), int(trades.ts_exch_ns[-1])
            gap = Gap(symbol=names[which].symbol, from_ns=first, to_ns=last, cause="made")
            store.append(trades, [gap] if rng.random() < 0.1 else [])
            if rng.random() < 0.1:
                store.append(level(names[0], last))
            if rng.random() < 0.5:
                continue
            path = root / "journal" / store._medium.segments()[-1]
            one = names[rng.randrange(3)].key
            from_ns = START_NS + rng.randrange(60) * 10**9
            here, plain = kept.read(path, one, None, None), read_segment(path, one)
            assert sorted(told(here.heard)) == sorted(told(plain.heard))
            assert here.gaps == plain.gaps
            near, exact = (read(from_ns) for read in (_reading(kept, path, one), _plainly(path, one)))
            assert sorted(near) == sorted(exact)


def _reading(kept: KeptSegments, path: Path, one: str) -> Callable[[int], list[Any]]:
    return lambda from_ns: told(kept.read(path, one, from_ns, from_ns + 10**10).heard)


def _plainly(path: Path, one: str) -> Callable[[int], list[Any]]:
    return lambda from_ns: told(read_segment(path, one, from_ns, from_ns + 10**10).heard)


def test_a_block_is_decoded_once_however_often_a_symbol_is_looked_at(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = list[bytes]()

    def noted(blob: bytes) -> Columns:
        decoded.append(blob)
        return unpack(blob)

    monkeypatch.setattr(segment_reading, "unpack", noted)
    one, other = symbol("A"), symbol("B")
    with Store(root, writer=True) as store, Store(root) as reader:
        for number in range(40):
            store.append_many([(rows(one, number, 1), ()), (rows(other, number, 1), ())])
            if number % 4 == 3:
                assert reader.coverage(one.key)[0].rows == number + 1
                assert reader.grid(one.key, "trade") == one
                assert len(reader.load(one.key, "trade", *EVER)) == number + 1
                assert reader.gaps(one.key, "trade", *EVER) == []
        assert len(decoded) == 40
        store.seal()
        assert reader.coverage(one.key)[0].journal_rows == 0
        assert isinstance(reader.medium, Folder)
        assert reader.medium._kept.held_bytes == 0, "what is sealed is kept no longer"
        store.append(rows(one, 40, 3))
        assert reader.load(one.key, "trade", *EVER).trade_id.tolist() == list(range(43))  # type: ignore[union-attr]


@pytest.mark.parametrize("count", [31, 32, 33, 100])
def test_many_rows_at_once_are_the_same_rows(root: Path, count: int) -> None:
    one, other = symbol("A"), symbol('B"\\')
    with Store(root, writer=True) as store:
        for at in range(count):
            gap = Gap(symbol="A", from_ns=at, to_ns=at + 1, cause="made")
            store.append_many([(rows(one, 2 * at, 2), [gap]), (rows(other, at, 1), [])])
        path = root / "journal" / store._medium.segments()[-1]
        for asked in (None, one.key, other.key):
            singly, at_once = read_segment(path, asked), read_segment(path, asked, many=True)
            assert told(at_once.heard) == told(singly.heard)
            assert (at_once.gaps, at_once.mark, at_once.damage) == (singly.gaps, singly.mark, [])
        assert len(at_once.heard) == count


def test_a_whole_segment_comes_by_tape_in_few_blocks(root: Path) -> None:
    """More blocks than come as one, of two tapes in turn."""
    ours = [symbol("A"), symbol("B")]
    with Store(root, writer=True) as store:
        for at in range(100):
            for one in ours:
                store.append(rows(one, 4 * at, 3))
        path = root / "journal" / store._medium.segments()[-1]
        found, apart = read_whole(path), read_segment(path)
    assert found.damage == []
    assert len(found.heard) < 10 < len(apart.heard)
    assert (found.first_seq, found.next_seq, found.mark) == (apart.first_seq, apart.next_seq, apart.mark)
    for one in ours:
        pieces = [[block for block in each.heard if block.instrument == one] for each in (found, apart)]
        joined = [concat([dict(block.columns) for block in blocks]) for blocks in pieces]
        assert all(np.array_equal(joined[0][name], joined[1][name]) for name in joined[1])


@pytest.mark.parametrize(("log_bytes", "goes", "tries"), [(1, 1, 2), (1, 3, 4), (1, 99, 6), (0, 99, 1)])
def test_a_full_disk_on_which_no_index_can_be_made(
    root: Path, monkeypatch: pytest.MonkeyPatch, log_bytes: int, goes: int, tries: int
) -> None:
    """Read is what has no log, now or a moment later; a log of no bytes says nothing."""
    with Store(root, writer=True) as store:
        store.append(rows(symbol("A"), 0, 5))
        path = root / "journal" / store._medium.segments()[-1]
    log = path.with_name(path.name + "-wal")
    log.write_bytes(bytes(log_bytes))
    real, asked = sqlite3.connect, list[str]()

    class NoIndex:
        def __init__(self, uri: str) -> None:
            asked.append(uri)

        def execute(self, _query: str) -> None:
            if len(asked) == goes:
                log.unlink()
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise error

        def close(self) -> None:
            """Nothing is open."""

    def connect(place: str, **more: Any) -> Any:
        return real(place, **more) if "immutable" in place else NoIndex(place)

    monkeypatch.setattr(sqlite3, "connect", connect)
    if goes == 99 and log_bytes:
        with pytest.raises(StoreError, match="disk I/O error"):
            read_segment(path)
    else:
        assert len(told(read_segment(path).heard)) == 5
    assert len(asked) == tries


def test_a_segment_that_cannot_be_made_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_folder: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(segment, "sync_folder", full)
    with pytest.raises(StoreError, match="free some space"):
        segment.Segment(tmp_path / "segment-00000001.sqlite", 0)
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_was_heard_is_nothing_however_blocks_are_kept(root: Path) -> None:
    one, (from_ns, to_ns) = symbol("A"), (START_NS + 500 * 10**9, START_NS + 600 * 10**9)
    with Store(root, writer=True) as store:
        for first in (0, 1_000):
            store.append(bare(one, first, 4))
        for _ in range(2):
            assert len(store.load(one.key, "trade", *EVER)) == 8
            with pytest.raises(NotStored):
                store.load(one.key, "trade", from_ns, to_ns)
            assert store.free_windows(one.key, "trade", from_ns, to_ns) == [(from_ns, to_ns)]
        assert store.write_part(bare(one, 520, 9)).rows == 9, "rows without ids may stand between two commits"
        with pytest.raises(StoreError, match="overlaps the journal"):
            store.write_part(bare(one, 900, 200))


def test_who_asks_for_what_is_not_there_is_not_remembered(root: Path) -> None:
    with Store(root, writer=True) as store:
        store.append(rows(symbol("A"), 0, 4))
        for number in range(9):
            assert store.coverage(f"test:NONE{number}") == []
        assert isinstance(store.medium, Folder)
        assert {key for _, key in store.medium._kept._kept._things} <= {"test:A"}


def test_a_store_that_is_made_anew_in_its_place_is_read_anew(tmp_path: Path) -> None:
    root, one = tmp_path / "store", symbol("A")
    reader = Store(root)
    for first in (0, 1_000):
        with Store(root, writer=True) as store:
            store.append(rows(one, first, 4))
            store.append(rows(one, first + 4, 4 + first // 500))
            found = reader.load(one.key, "trade", *EVER)
            assert found.trade_id.tolist() == list(range(first, first + 8 + first // 500))  # type: ignore[union-attr]
        shutil.rmtree(root)


@pytest.mark.parametrize("number", [float("inf"), b"\0", "none"])
def test_damaged_numbers_cost_their_block_and_no_other(root: Path, number: object) -> None:
    """What a flipped bit of a record's head makes of a whole number, for whom many rows are read at once."""
    one = symbol("A")
    with Store(root, writer=True) as store:
        for at in range(4):
            store.append(rows(one, 4 * at, 4))
        copied = shutil.copytree(root / "journal", root / "copied")
    (path,) = copied.glob("segment-*.sqlite")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("UPDATE blocks SET crc32 = ? WHERE first_seq = (SELECT max(first_seq) FROM blocks)", (number,))
    found = KeptSegments().read(path, one.key, None, None)
    assert found.damage
    assert [row for heard in found.heard for row in heard.columns["trade_id"].tolist()] == list(range(12))


def test_damage_is_told_also_where_rows_are_kept(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = symbol("A")
    with Store(root, writer=True) as store, Store(root) as reader:
        store.append(rows(one, 0, 4))
        assert len(reader.load(one.key, "trade", *EVER)) == 4
        store.append(rows(one, 4, 4))
        monkeypatch.setattr(segment_reading, "_unpacked", lambda *_: None)
        with pytest.raises(CorruptPart, match="wrong checksum"):
            reader.load(one.key, "trade", *EVER)
        monkeypatch.undo()
        assert len(reader.load(one.key, "trade", *EVER)) == 8
