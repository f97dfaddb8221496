"""What a segment was given is what it holds: sealing it gives the same parts, read back or not."""

from __future__ import annotations

import contextlib
import random
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.series import Series
from footloom.core.trades import Trades
from footloom.errors import StoreError
from footloom.store import Settings
from footloom.store.appended import Appended, _Run
from footloom.store.columns import columns_of
from footloom.store.files import Store
from footloom.store.folder import Folder
from footloom.store.layout import Stream
from footloom.store.medium import Medium
from footloom.store.memory import Memory
from footloom.store.segment import Content, Entry

START_NS = 1_767_225_600_000_000_000
EVER = (0, 2**62)


def symbol(name: str, tick: str = "0.5") -> Instrument:
    return Instrument(venue="test", symbol=name, tick_size=Decimal(tick), lot_size=Decimal(1))


def trades(one: Instrument, first: int, count: int) -> Trades:
    ids = first + np.arange(count)
    times = START_NS + ids * 10**9
    return Trades.build(one, times, 100 + ids % 7, 1 + ids % 3, (-1) ** ids, trade_id=ids, ts_recv_ns=times + 5)


def level(one: Instrument, ts_ns: int) -> Series:
    return Series.build(one, "depth", [ts_ns], side=1, price_tick=9, qty_lot=1, first_id=1, last_id=1, kind=0)


def entry(block: Trades | Series, *gaps: Gap) -> Entry:
    return Entry(Stream.of(block.instrument, block.tape), block.instrument, columns_of(block), gaps)


def said(content: Content) -> Any:
    """Every row by tape, in order, whatever the blocks; and the gaps."""
    rows: dict[Any, list[Any]] = {}
    for heard in content.heard:
        names = sorted(heard.columns)
        mine = rows.setdefault((heard.stream, msgspec.json.encode(heard.instrument)), [])
        mine += [*zip(*(heard.columns[name].tolist() for name in names), strict=True)]
    return content.first_seq, content.next_seq, rows, content.gaps, content.damage


@pytest.mark.parametrize("medium_of", [Folder, lambda _root: Memory()], ids=["files", "memory"])
def test_it_is_what_reading_the_segment_gives(root: Path, medium_of: Callable[[Path], Medium]) -> None:
    seed = random.randrange(2**32)
    print("seed", seed)  # noqa: T201 - to play it again
    rng = random.Random(seed)
    medium = medium_of(root)
    medium.claim()
    medium.recover()
    appended = Appended(medium.new_segment(7))
    names = [symbol("A"), symbol("B"), symbol("A", "0.25")]
    for at in range(120):
        entries = []
        for one in rng.sample(names, rng.randrange(1, 4)):
            gaps = [Gap(symbol=one.symbol, from_ns=at, to_ns=at + 1, cause="made")] * rng.randrange(2)
            blocks = (trades(one, 9 * at, rng.randrange(9)), level(one, START_NS + at))
            entries.append(entry(rng.choice(blocks), *gaps))
        last = appended.append(entries)
        assert last == appended.segment.next_seq - 1
    appended.segment.close()
    for _ in range(2):  # who fails to seal asks again
        content = appended.content()
        assert content is not None
        assert said(content) == said(medium.read_segment(appended.segment.name))


def test_what_fails_is_not_in_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    medium, one = Folder(root), symbol("A")
    medium.claim()
    medium.recover()
    appended = Appended(medium.new_segment(1))
    gap = Gap(symbol="A", from_ns=1, to_ns=2, cause="made")
    appended.append([entry(trades(one, 0, 3), gap)])

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(appended.segment, "_insert", full)
        with pytest.raises(StoreError, match="disk is full"):
            appended.append([entry(trades(one, 3, 3), gap)])
    appended.append([entry(trades(one, 3, 3), gap)])
    appended.segment.close()
    content = appended.content()
    assert content is not None
    assert content.next_seq == 7
    assert said(content) == said(medium.read_segment(appended.segment.name))


def test_what_is_written_to_again_is_kept_as_it_was(root: Path) -> None:
    """Columns may be views of a buffer that its owner fills anew."""
    medium, one = Folder(root), symbol("A")
    medium.claim()
    medium.recover()
    appended = Appended(medium.new_segment(1))
    ids, times = np.arange(4), START_NS + np.arange(4) * 10**9
    for first in (0, 4, 8):
        ids[:] = first + np.arange(4)
        block = Trades.build(one, times[:], [5] * 4, [1] * 4, [1] * 4, trade_id=ids[:], ts_recv_ns=times[:])
        appended.append([entry(block)])
    appended.segment.close()
    content = appended.content()
    assert content is not None
    assert content.heard[0].columns["trade_id"].tolist() == list(range(12))


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
def test_a_fault_behind_the_commit_loses_and_doubles_nothing(
    root: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    one = symbol("A")
    with Store(root, writer=True) as store:
        store.append(trades(one, 0, 3))

        def fail(*_: Any) -> int:
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(_Run, "add", fail)
            with pytest.raises(KeyboardInterrupt) if error is KeyboardInterrupt else contextlib.nullcontext():
                store.append(trades(one, 3, 3))
        store.append(trades(one, 6, 3))
        store.seal()
        assert store.load(one.key, "trade", *EVER).trade_id.tolist() == list(range(9))  # type: ignore[union-attr]


def test_of_more_than_fits_nothing_is_kept(root: Path) -> None:
    medium = Folder(root)
    medium.claim()
    medium.recover()
    appended = Appended(medium.new_segment(1), most_bytes=1_000)
    appended.append([entry(trades(symbol("A"), 0, 10))])
    assert appended.content() is not None
    appended.append([entry(trades(symbol("A"), 10, 11))])
    assert appended.content() is None
    appended.segment.close()


def test_a_segment_is_read_back_only_by_who_did_not_write_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a stop left is; and of segments that wait long all but the newest two."""
    read: list[str] = []
    real = Folder.read_segment

    def noted(self: Folder, name: str, *asked: Any) -> Content:
        if not asked:
            read.append(name)
        return real(self, name, *asked)

    monkeypatch.setattr(Folder, "read_segment", noted)
    one = symbol("A")
    with Store(root, writer=True) as store:
        store.append(trades(one, 0, 50))
        store.seal()
        assert read == []
        store.append(trades(one, 50, 50))
    with Store(root, writer=True) as store:
        store.seal()
        assert read == ["segment-00000002.sqlite"]
    read.clear()
    with Store(root, writer=True, settings=Settings(roll_rows=10)) as store:
        writer = store._writing()
        with writer._parts_lock:  # as an import holds it
            for at in range(10, 15):
                store.append(trades(one, 10 * at, 10))
        writer._thread.submit(lambda: None).result()
        assert read == [f"segment-0000000{number}.sqlite" for number in (3, 4, 5)], "3 is the last run's, 6 and 7 held"
        assert store.load(one.key, "trade", *EVER).trade_id.tolist() == list(range(150))  # type: ignore[union-attr]
