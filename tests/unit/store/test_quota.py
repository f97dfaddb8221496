"""Depth and quotes stop before trades do, say so, and go on when there is room again."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from footloom.core.instrument import Instrument
from footloom.core.series import Series
from footloom.core.trades import Trades
from footloom.errors import StoreError
from footloom.store import Settings, folder
from footloom.store.estimate import Estimate, Rate, estimate
from footloom.store.files import Store
from footloom.store.measure import bytes_per_row
from footloom.store.segment import Segment

START_NS = 1_767_225_600_000_000_000
EVER = (0, 2**62)
KEY = "test:BTCUSDT"
SECOND = 1_000_000_000
QUOTA = 20_000


@pytest.fixture
def small(root: Path) -> Iterator[Store]:
    with Store(root, writer=True, settings=Settings(book_quota_bytes=QUOTA, roll_ns=2**62)) as opened:
        yield opened


def book(of: Instrument, at_s: int, rows: int = 500) -> Series:
    rng = np.random.default_rng(at_s)
    time = START_NS + at_s * SECOND + np.arange(rows) * 1_000_000
    return Series.build(
        of, "depth", time, time, side=1, price_tick=rng.integers(0, 2**40, rows), qty_lot=rng.integers(0, 2**40, rows),
        first_id=time, last_id=time, kind=0,
    )  # fmt: skip


def trades(of: Instrument, at_s: int) -> Trades:
    time = START_NS + at_s * SECOND + np.arange(10)
    return Trades.build(of, time, np.arange(10) + 5, np.ones(10), np.ones(10), trade_id=time, ts_recv_ns=time)


def test_at_its_quota_depth_stops_and_trades_go_on(small: Store, instrument: Instrument) -> None:
    second = 0
    while not small.watch().books_stopped:
        small.append_many([(trades(instrument, second), ()), (book(instrument, second), ())])
        second += 1
        assert second < 20
    kept = small.load_series(KEY, "depth", *EVER)
    assert len(kept) == 500 * (second - 1)
    assert small.watch().texts == ("depth and quotes are not recorded: their quota of 20 kB is used up; trades go on",)

    for _ in range(3):
        small.append_many([(trades(instrument, second), ()), (book(instrument, second), ())])
        second += 300
    small.append_many([(book(instrument, second), ())])

    assert len(small.load(KEY, "trade", *EVER)) == 10 * (len(kept) // 500 + 4)
    gaps = small.gaps(KEY, "depth", *EVER)
    assert all(gap.cause == "not recorded: their quota of 20 kB is used up" for gap in gaps)
    first = START_NS + (len(kept) // 500) * SECOND
    assert gaps[0].from_ns == first
    assert small.gaps(KEY, "trade", *EVER) == []


def test_what_was_left_out_is_told_however_it_ends(root: Path, small: Store, instrument: Instrument) -> None:
    for second in (1, 2, 3, 4, 5, 6):
        small.append(book(instrument, second, 2_000))
    small.close()

    with Store(root) as reader:
        kept = reader.load_series(KEY, "depth", *EVER)
        gaps = reader.gaps(KEY, "depth", *EVER)
    missing = [second for second in range(1, 7) if START_NS + second * SECOND not in kept.ts_recv_ns]
    assert missing
    for second in missing:
        time = START_NS + second * SECOND
        assert any(gap.from_ns <= time < gap.to_ns for gap in gaps), second


def test_what_a_restart_finds_counts(root: Path, small: Store, instrument: Instrument) -> None:
    for second in range(4):
        small.append(book(instrument, second, 2_000))
    small.seal()
    small.close()

    with Store(root, writer=True, settings=Settings(book_quota_bytes=QUOTA)) as again:
        assert again.watch().book_bytes > QUOTA
        before = again.series(KEY)[0].rows
        again.append(book(instrument, 60))
        assert again.series(KEY)[0].rows == before
        assert again.watch().books_stopped


def test_without_a_quota_all_is_recorded(store: Store, instrument: Instrument) -> None:
    for second in range(8):
        store.append(book(instrument, second, 2_000))

    assert store.series(KEY)[0].rows == 16_000
    assert not store.watch().books_stopped


def test_a_disk_that_fills_warns_then_stops_depth_then_goes_on(
    store: Store, instrument: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = [20 * 10**9]
    monkeypatch.setattr(folder, "free_bytes", lambda _: free[0])

    def record(second: int) -> tuple[int, bool, int]:
        store.append_many([(book(instrument, second), ()), (trades(instrument, second), ())])
        watch = store.watch()
        return store.series(KEY)[0].rows, watch.books_stopped, len(watch.texts)

    assert record(0) == (500, False, 0)
    free[0] = 4 * 10**9
    assert record(1) == (1_000, False, 1)
    assert "has 4 GB left: free some space before recording stops" in store.watch().texts[0]
    free[0] = 9 * 10**8
    assert record(2) == (1_000, True, 2)
    free[0] = 11 * 10**8  # a little more is not enough: it would stop and go on with every commit
    assert record(3) == (1_000, True, 2)
    free[0] = 2 * 10**9
    assert record(4) == (1_500, False, 1)
    assert len(store.load(KEY, "trade", *EVER)) == 50
    gaps = [(gap.from_ns - START_NS, gap.cause) for gap in store.gaps(KEY, "depth", *EVER)]
    assert gaps == [
        (2 * SECOND, "not recorded: the last 1 GB of the disk is kept for trades"),
        (3 * SECOND, "not recorded: the last 1 GB of the disk is kept for trades"),
    ]


def test_what_was_left_out_is_told_though_the_journal_failed_just_then(
    store: Store, instrument: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = [20 * 10**9]
    monkeypatch.setattr(folder, "free_bytes", lambda _: free[0])
    store.append(book(instrument, 0))
    free[0] = 0
    for second in (1, 2, 3):
        store.append(book(instrument, second))
    free[0] = 20 * 10**9

    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(Segment, "_stream", fail)
        with pytest.raises(StoreError):
            store.append(book(instrument, 4))
    store.append(book(instrument, 4))

    gaps = store.gaps(KEY, "depth", *EVER)
    for second in (1, 2, 3):
        time = START_NS + second * SECOND
        assert any(gap.from_ns <= time < gap.to_ns for gap in gaps), second
    assert store.series(KEY)[0].rows == 1_000


def test_where_the_system_does_not_say_what_is_free_all_is_recorded(
    store: Store, instrument: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(_: object) -> None:
        raise OSError(errno.ENOSYS, "not here")

    monkeypatch.setattr(os, "statvfs", unknown)
    store.append(book(instrument, 0))

    assert store.watch().free_bytes is None
    assert store.watch().texts == ()
    assert store.series(KEY)[0].rows == 500


GB = 10**9
TRADES = Rate(rows=10_000, seconds=864.0, bytes_per_row=1_000.0)  # a gigabyte a day
DEPTH = Rate(rows=90_000, seconds=864.0, bytes_per_row=1_000.0)  # nine


@pytest.mark.parametrize(
    ("rates", "limits", "days", "book_days"),
    [
        ({"trade": TRADES}, {}, 100.0, None),
        ({"trade": TRADES, "depth": DEPTH}, {}, 10.0, None),
        ({"trade": TRADES, "depth": DEPTH}, {"reserve_bytes": 20 * GB}, 8.0, None),
        ({"trade": TRADES, "depth": DEPTH}, {"book_quota_bytes": 45 * GB}, 55.0, 5.0),
        ({"trade": TRADES, "depth": DEPTH}, {"book_quota_bytes": 45 * GB, "book_bytes": 45 * GB}, 100.0, 0.0),
        ({"trade": TRADES, "depth": DEPTH}, {"book_quota_bytes": 900 * GB}, 10.0, None),
        ({"trade": TRADES, "agg_trade": TRADES}, {}, 50.0, None),
        ({"depth": DEPTH}, {"book_quota_bytes": 9 * GB}, None, 1.0),
        ({"trade": Rate(0, 10.0, 5.0)}, {}, None, None),
        ({"trade": TRADES}, {"reserve_bytes": 200 * GB}, 0.0, None),
    ],
)
def test_days_left(rates: dict[str, Rate], limits: dict[str, int], days: float | None, book_days: float | None) -> None:
    found = estimate(rates, 100 * GB, **limits)

    assert (found.days_left, found.book_days) == pytest.approx((days, book_days))
    assert isinstance(found, Estimate)


def test_bytes_a_row_are_those_of_a_part(instrument: Instrument, make_trades: Callable[..., Trades]) -> None:
    assert 3 < bytes_per_row(make_trades(20_000)) < 12
    assert bytes_per_row(book(instrument, 1, 5_000)) > 10  # of numbers that are pure chance
