"""Stops at the worst instants: what was acknowledged is there once, and what cannot be read is put aside."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from footloom.core.messages import Gap
from footloom.core.trades import Trades
from footloom.errors import CorruptPart, StoreError
from footloom.store import Settings, disk, folder, manifest, writing
from footloom.store.files import Store
from footloom.store.recovery import torn_pages

KEY = "test:BTCUSDT"
EVER = (0, 2**62)
LOUD = Settings(roll_rows=40)


def loaded(store: Store) -> Trades:
    block = store.load(KEY, "trade", *EVER)
    assert isinstance(block, Trades)
    return block


# A copy of a store as it lies on the disk at this instant, as after a kill.
def killed(store: Store) -> Path:
    copy = store.root.with_name(f"killed-{len(list(store.root.parent.iterdir()))}")
    shutil.copytree(store.root, copy)
    return copy


def newest(root: Path) -> Path:
    return max((root / "journal").glob("segment-*.sqlite"))


class Power(Exception):
    """The power goes."""


def test_a_kill_between_seal_and_delete_leaves_no_duplicate(
    store: Store, make_trades: Callable[..., Trades], monkeypatch: pytest.MonkeyPatch
) -> None:
    trades = make_trades(2_000, step_ms=60_000)
    bare = Trades.build(  # without ids, so that nothing but the high-water mark can tell
        trades.instrument, trades.ts_exch_ns, trades.price_tick, trades.qty_lot, trades.side,
        trade_id=np.zeros(2_000, np.int64), ts_recv_ns=trades.ts_recv_ns, flags=np.ones(2_000, np.uint8),
    )  # fmt: skip
    gap = Gap(symbol="BTCUSDT", from_ns=int(trades.ts_exch_ns[0]), to_ns=int(trades.ts_exch_ns[1]), cause="x")
    for start in range(0, 2_000, 100):
        store.append(bare.take(slice(start, start + 100)), [gap])

    def stop(_path: Path) -> None:
        raise Power

    with monkeypatch.context() as patch:
        patch.setattr(store._medium, "delete_segment", stop)
        with pytest.raises(Power):
            store.seal()
    assert loaded(store).equals(bare)  # a reader beside it sees each row once, though both places hold it
    with Store(killed(store), writer=True) as again:
        assert again.recovery.rows == 2_000
        assert loaded(again).equals(bare)
        again.seal()
        assert loaded(again).equals(bare)
        assert again.gaps(KEY, "trade", *EVER) == [gap]
        assert sum(one.rows for one in again.coverage()) == 2_000


@pytest.mark.parametrize("written", [1, 2, 3, 4, 5])
def test_a_kill_at_any_write_of_a_seal_loses_and_doubles_nothing(
    store: Store, make_trades: Callable[..., Trades], monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    trades = make_trades(3_000, step_ms=60_000)  # three days: parts and manifests in turn
    store.append(trades)
    original = disk.write_whole
    count = 0

    def write(path: Path, data: bytes | memoryview) -> None:
        nonlocal count
        count += 1
        if count == written:
            path.with_name(".tmp-" + path.name).write_bytes(bytes(data)[:50])
            raise Power
        original(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(folder, "write_whole", write)
        with pytest.raises(Power):
            store.seal()
    copy = killed(store)
    assert loaded(Store(copy)).equals(trades)
    with Store(copy, writer=True) as again:
        assert loaded(again).equals(trades)
        again.seal()
        assert loaded(again).equals(trades)
        assert again.verify() == 3
        again.compact()
    assert not list(copy.rglob(".tmp-*"))


def test_a_kill_within_a_compaction_leaves_the_day_as_it_was(
    store: Store, make_trades: Callable[..., Trades], monkeypatch: pytest.MonkeyPatch
) -> None:
    trades = make_trades(500)
    for start in range(0, 500, 100):
        store.write_part(trades.take(slice(start, start + 100)))

    def stop(*_: Any) -> None:
        raise Power

    with monkeypatch.context() as patch:
        patch.setattr(manifest.Catalog, "publish", stop)
        with pytest.raises(Power):
            store.compact()
    with Store(killed(store), writer=True) as again:
        assert loaded(again).equals(trades)
        assert [one.parts for one in again.coverage()] == [5]
        assert again.compact().parts_after == 1
        assert loaded(again).equals(trades)
        assert len(list(again.root.rglob("*.parquet"))) == 1


def test_a_reader_survives_a_compaction_between_manifest_and_parts(
    store: Store, make_trades: Callable[..., Trades]
) -> None:
    trades = make_trades(3_000, step_ms=60_000)
    for start in range(0, 3_000, 100):
        store.write_part(trades.take(slice(start, start + 100)))

    chunks = store.iter_chunks(KEY, "trade", *EVER)
    got = [next(chunks)]
    store.compact()  # removes the parts of every day that is still to come
    got += list(chunks)

    assert Trades.concat([chunk for chunk in got if isinstance(chunk, Trades)]).equals(trades)


def test_a_missing_part_is_told(store: Store, make_trades: Callable[..., Trades]) -> None:
    store.write_part(make_trades(100))
    store.write_part(make_trades(100, first_id=500))
    for path in store.root.rglob("part-*.parquet"):
        path.unlink()

    with pytest.raises(CorruptPart, match=r"part-0001-000001.parquet is missing, though its manifest names it"):
        loaded(store)
    with pytest.raises(CorruptPart, match="cannot be read"):
        store.compact()
    with pytest.raises(CorruptPart, match="cannot be read"):
        store.verify()


def test_a_damaged_part_stops_no_recording(store: Store, make_trades: Callable[..., Trades]) -> None:
    trades = make_trades(100)
    store.write_part(trades)
    part = next(store.root.rglob("part-*.parquet"))
    sound = part.read_bytes()
    part.write_bytes(sound[:4] + bytes(200) + sound[204:])  # whole pages: one byte of a header may mean nothing
    with pytest.raises(CorruptPart):
        loaded(store)

    store.append(trades.take(slice(50, 100)))  # the same rows again: they cannot be compared now
    store.seal()

    part.write_bytes(sound)
    assert loaded(store).equals(trades)


def test_what_waits_in_the_journal_is_recovered_and_reported(store: Store, make_trades: Callable[..., Trades]) -> None:
    trades = make_trades(100)
    for start in range(0, 100, 10):
        store.append(trades.take(slice(start, start + 10)))

    with Store(killed(store), writer=True) as again:
        found = again.recovery
        assert (found.segments, found.blocks, found.rows, found.quarantined) == (1, 10, 100, ())
        assert loaded(again).equals(trades)
        assert again.append(make_trades(1, first_id=999)) == 101


# Append blocks of ten rows, stop, and break the journal's file; the rows and the broken copy.
@pytest.fixture
def journal(store: Store, make_trades: Callable[..., Trades]) -> tuple[Trades, Path]:
    trades = make_trades(1_000)
    for start in range(0, 1_000, 10):
        store.append(trades.take(slice(start, start + 10)))
    return trades, killed(store)


def assert_prefix_and_quarantine(root: Path, trades: Trades) -> int:
    with Store(root, writer=True) as again:
        assert again.recovery.quarantined
        assert all(Path(one.kept_as).exists() for one in again.recovery.quarantined)
        rows = loaded(again)
        kept = np.isin(trades.trade_id, rows.trade_id)
        assert rows.equals(trades.take(kept))
        assert again.recovery.rows == len(rows)
        assert again.append(trades.take(~kept)) > len(rows)  # from a backfill, say
        assert loaded(again).equals(trades)
        again.seal()
        assert loaded(again).equals(trades)
        assert not list((root / "journal").glob("*salvag*"))
    with Store(root, writer=True) as again:
        assert again.recovery.quarantined == ()
    return len(rows)


@pytest.mark.parametrize("share", [0.2, 0.6, 0.99])
def test_a_damaged_log_is_put_aside_and_what_is_whole_is_kept(
    journal: tuple[Trades, Path], flip: Callable[[Path, int], None], share: float
) -> None:
    """SQLite itself would end the log at the first bad page and say nothing of the commits behind it."""
    trades, root = journal
    log = newest(root).with_name(newest(root).name + "-wal")
    flip(log, int(log.stat().st_size * share))

    assert 0 < assert_prefix_and_quarantine(root, trades) < 1_000


@pytest.mark.parametrize("position", [0, 9, 18, 25])
def test_a_damaged_head_of_the_log_is_put_aside(
    journal: tuple[Trades, Path], flip: Callable[[Path, int], None], position: int
) -> None:
    trades, root = journal
    log = newest(root).with_name(newest(root).name + "-wal")
    flip(log, position)

    with Store(root, writer=True) as again:
        assert again.recovery.quarantined
        again.append(trades)
        assert loaded(again).equals(trades)


def test_a_commit_that_was_never_acknowledged_is_no_damage(journal: tuple[Trades, Path]) -> None:
    trades, root = journal
    log = newest(root).with_name(newest(root).name + "-wal")
    data = log.read_bytes()
    log.write_bytes(data[: len(data) - 2_000])  # the last commit was being written

    with Store(root, writer=True) as again:
        assert again.recovery.quarantined == ()
        assert loaded(again).equals(trades.take(slice(0, 990)))


def test_a_damaged_database_is_put_aside_block_by_block(
    journal: tuple[Trades, Path], flip: Callable[[Path, int], None]
) -> None:
    trades, root = journal
    path = newest(root)
    with sqlite3.connect(path) as database:  # as after an orderly end: the log is in the database
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    for position in range(9_000, path.stat().st_size, 20_000):
        flip(path, position)

    with pytest.raises(CorruptPart, match="open the store for writing once"):
        loaded(Store(root))
    assert 0 < assert_prefix_and_quarantine(root, trades) < 1_000


def test_a_segment_that_is_no_database_is_read_from_its_log(journal: tuple[Trades, Path]) -> None:
    trades, root = journal
    newest(root).write_bytes(b"not a database at all" * 300)

    with Store(root, writer=True) as again:
        assert again.recovery.rows == 1_000
        assert loaded(again).equals(trades)


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 300])
def test_a_segment_that_is_no_database_is_put_aside_with_its_damaged_log(
    journal: tuple[Trades, Path], content: bytes, flip: Callable[[Path, int], None]
) -> None:
    trades, root = journal
    path = newest(root)
    log = path.with_name(path.name + "-wal")
    flip(log, 60)
    data = log.read_bytes()
    path.write_bytes(content)

    with Store(root, writer=True) as again:
        assert again.recovery.quarantined
        assert (root / "journal" / "quarantine" / log.name).read_bytes() == data
        again.append(trades)
        assert loaded(again).equals(trades)


def test_a_log_whose_database_was_removed_is_kept(journal: tuple[Trades, Path]) -> None:
    _, root = journal
    newest(root).unlink()

    with Store(root, writer=True) as again:
        assert [one.reason for one in again.recovery.quarantined] == ["a log without its database"]
        assert (root / "journal" / "quarantine" / again.recovery.quarantined[0].file).stat().st_size


def test_numbers_do_not_begin_again_after_damage(
    store: Store, make_trades: Callable[..., Trades], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows were sealed, the segment was left by a kill, then its file was damaged: new rows need new numbers."""
    trades = make_trades(300)
    store.append(trades.take(slice(0, 200)))
    with monkeypatch.context() as patch:
        patch.setattr(store._medium, "delete_segment", lambda _name: None)
        store.seal()
    root = killed(store)
    for path in (root / "journal").glob("segment-*.sqlite"):
        path.write_bytes(b"damaged" * 1_000)

    with Store(root, writer=True) as again:
        assert again.append(trades.take(slice(200, 300))) == 300
        assert loaded(again).equals(trades)
        again.seal()
        assert loaded(again).equals(trades)


def test_a_kill_while_a_salvaged_segment_takes_its_place(
    journal: tuple[Trades, Path], flip: Callable[[Path, int], None]
) -> None:
    trades, root = journal
    log = newest(root).with_name(newest(root).name + "-wal")
    flip(log, log.stat().st_size // 2)
    sound = newest(root).read_bytes(), log.read_bytes()
    path = newest(root)
    with Store(root, writer=True, settings=Settings()) as again:
        rows = loaded(again)
    salvaged = path.with_name(path.name.replace(".sqlite", "-salvaged.sqlite"))
    with Store(root) as reader:
        assert loaded(reader).equals(rows)
    if salvaged.exists():
        path.write_bytes(sound[0])
        log.write_bytes(sound[1])
    (path.parent / "salvaging-leftover").write_bytes(b"half")

    with Store(root, writer=True) as again:
        assert loaded(again).equals(rows)
        again.seal()
        assert loaded(again).equals(rows)
    assert not list(path.parent.glob("salvaging-*"))
    assert len(rows) < len(trades)


def test_sealing_that_fails_in_the_background_stops_nothing_and_is_told(
    root: Path, make_trades: Callable[..., Trades], monkeypatch: pytest.MonkeyPatch
) -> None:
    trades = make_trades(400)

    def full(*_: Any) -> None:
        raise StoreError("the disk is full")

    with Store(root, writer=True, settings=LOUD) as store:
        with monkeypatch.context() as patch:
            patch.setattr(writing, "seal_segment", full)
            for start in range(0, 400, 20):
                store.append(trades.take(slice(start, start + 20)))
            with pytest.raises(StoreError, match="the disk is full"):
                store.seal()
            assert loaded(store).equals(trades)
            assert str(store.seal_error) == "the disk is full"
        store.seal()
        assert store.seal_error is None
        assert loaded(store).equals(trades)
        assert [one.journal_rows for one in store.coverage()] == [0]


def test_where_no_new_segment_can_be_made_the_old_one_goes_on(
    root: Path, make_trades: Callable[..., Trades], monkeypatch: pytest.MonkeyPatch
) -> None:
    trades = make_trades(200)
    with Store(root, writer=True, settings=Settings(roll_rows=20, roll_ns=2**62)) as store:
        with monkeypatch.context() as patch:

            def full(*_: Any) -> None:
                raise StoreError("no space for a new segment")

            patch.setattr(store._medium, "new_segment", full)
            for start in range(0, 100, 20):
                store.append(trades.take(slice(start, start + 20)))
            assert str(store.seal_error) == "no space for a new segment"
            with pytest.raises(StoreError, match="no space"):  # but never two grids in one segment
                store.append(make_trades(5, of=trades.instrument.with_grid("0.5", "0.001"), first_id=900))
        assert store.append(trades.take(slice(100, 200))) == 200
        store.seal()
        assert store.seal_error is None
        assert loaded(store).equals(trades)


def test_the_check_of_logs_can_tell(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("CREATE TABLE t (x)")
    for number in range(50):
        database.execute("INSERT INTO t VALUES (?)", (str(number) * 500,))
    log = path.with_name("x.sqlite-wal").read_bytes()
    valid = database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1]
    assert torn_pages(log, valid) == (0, 0)
    assert torn_pages(log, valid - 3)[0] == 3
    assert torn_pages(log, valid - 3)[1] >= 1
    assert torn_pages(b"", 0) == (0, 0)

    database.execute("INSERT INTO t VALUES ('the log begins again from its start')")
    again = path.with_name("x.sqlite-wal").read_bytes()
    assert len(again) == len(log)
    assert torn_pages(again, 2)[1] == 0  # what follows is of the round before
    database.close()
