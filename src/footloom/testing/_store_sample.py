"""What the checks of stores are made of: small seeded tapes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.series import Series
from footloom.core.snapshots import NO_QUOTE, Snapshots
from footloom.core.trades import FLAG_NO_ID, FLAG_NO_RECV, Trades
from footloom.errors import StoreError
from footloom.store import Settings, SourceInfo
from footloom.store.keeping import KeptStore
from footloom.store.medium import Medium

__all__ = (
    "DAY_NS",
    "EVER",
    "INSTRUMENT",
    "KEY",
    "SMALL",
    "START_NS",
    "Home",
    "bare",
    "book",
    "loaded",
    "refused",
    "same",
    "slices",
    "snapshots_of",
    "tape",
)


Home = Callable[[], Medium]

KEY = "sample:X|1"
EVER = (0, 2**62)
DAY_NS = 86_400_000_000_000
START_NS = 1_767_225_600_000_000_000  # 2026-01-01 00:00 UTC
INSTRUMENT = Instrument(venue="sample", symbol="X|1", tick_size=Decimal("0.5"), lot_size=Decimal(1))
SMALL = Settings(row_group_rows=40, part_rows=200, roll_ns=2**62, small_parts=2)


def tape(rows: int = 400, seed: int = 1, *, of: Instrument = INSTRUMENT, first_id: int = 1) -> Trades:
    """Return a seeded tape over two days and a half: several trades in one millisecond, ids without a hole."""
    random = np.random.default_rng(seed)
    time = START_NS + np.cumsum(random.choice([0, 1, 1_000], rows)) * 1_000_000
    time = time + np.arange(rows) * (5 * DAY_NS // (2 * rows)) // 1_000_000 * 1_000_000
    return Trades.build(
        of,
        time,
        1_000 + np.cumsum(random.integers(-2, 3, rows)),
        random.integers(1, 500, rows),
        random.choice([-1, 0, 1], rows),
        trade_id=np.arange(first_id, first_id + rows),
        ts_recv_ns=time + random.integers(1, 9_000_000, rows),
    )


def bare(trades: Trades, name: str = "file") -> tuple[Trades, SourceInfo]:
    """Return the same rows as a file without ids has them, and that file."""
    rows = np.arange(len(trades))
    flags = np.full(len(trades), FLAG_NO_ID | FLAG_NO_RECV, np.uint8)
    block = Trades.build(
        trades.instrument, trades.ts_exch_ns, trades.price_tick, trades.qty_lot, trades.side,
        trade_id=rows, ts_recv_ns=trades.ts_exch_ns, flags=flags,
    )  # fmt: skip
    return block, SourceInfo(name, name, (0, len(trades)))


def loaded(store: KeptStore, tape: str = "trade") -> Trades:
    """Return all trades of the sample."""
    found = store.load(KEY, tape, *EVER)
    assert isinstance(found, Trades)
    return found


def same(found: Trades, expected: Trades, what: str) -> None:
    """Raise unless two tapes are equal in every column."""
    assert len(found) == len(expected), f"{what}: {len(found)} rows, expected {len(expected)}"
    assert found.equals(expected), f"{what}: the rows differ"


def refused(what: str, call: Callable[[], object], kind: type[Exception] = StoreError) -> str:
    """Return the message of a refusal."""
    try:
        call()
    except kind as error:
        return str(error)
    raise AssertionError(f"{what} was not refused")


def slices(rows: int, step: int) -> Iterable[slice]:
    """Return consecutive runs of rows."""
    return (slice(start, start + step) for start in range(0, rows, step))


def book(rows: int) -> Series:
    """Return a seeded order book, six levels an update."""
    random = np.random.default_rng(9)
    time = START_NS + np.repeat(np.arange(rows // 6 + 1), 6)[:rows] * 100_000_000
    return Series.build(
        INSTRUMENT, "depth", time, time + 3_000_000, side=random.choice([-1, 1], rows),
        price_tick=random.integers(900, 1_100, rows), qty_lot=random.integers(0, 99, rows),
        first_id=np.arange(rows), last_id=np.arange(rows), kind=0,
    )  # fmt: skip


def snapshots_of(rows: int) -> Snapshots:
    """Return what a conflated feed says: the last trade's time stands still, quotes and interest go missing."""
    random = np.random.default_rng(11)
    time = START_NS + np.arange(rows) * 333_000_000
    return Snapshots(
        INSTRUMENT,
        time // 10**9 * 10**9 - random.integers(0, 30, rows) * 10**9,
        random.integers(900, 1_100, rows),
        random.integers(1, 99, rows),
        np.cumsum(random.integers(0, 3, rows)),
        np.where(random.random(rows) < 0.1, NO_QUOTE, 1_000),
        np.full(rows, 1_001),
        time,
        oi_lot=np.where(random.random(rows) < 0.5, NO_QUOTE, 7),
    )
