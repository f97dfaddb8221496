"""A day that is recorded grows all the time: its small parts become large ones, and those are left alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.series import Series
from footloom.core.trades import FLAG_BACKFILLED, Trades
from footloom.store import Settings
from footloom.store.files import Store
from footloom.store.layout import Stream
from footloom.store.manifest import Catalog, Manifest

START_NS = 1_767_225_600_000_000_000
EVER = (0, 2**62)
KEY = "test:BTCUSDT"
SETTINGS = Settings(roll_rows=50, small_parts=3, part_rows=400, row_group_rows=64, roll_ns=2**62)


def manifest_of(store: Store, tape: str) -> Manifest:
    stream = Stream.named(KEY, tape)
    (day,) = store._medium.days(stream)
    found = Catalog(store._medium).read(stream, day)
    assert found is not None
    return found


def test_large_parts_are_never_written_anew(root: Path, make_trades: Callable[..., Trades]) -> None:
    trades = make_trades(5_000)
    seen: dict[str, int] = {}
    with Store(root, writer=True, settings=SETTINGS) as store:
        for row in range(0, 5_000, 50):
            store.append(trades.take(slice(row, row + 50)))
            store.seal()
            for part in manifest_of(store, "trade").parts:
                seen[part.file] = part.rows
        parts = manifest_of(store, "trade").parts

        assert sum(seen.values()) < 4 * 5_000, "each row is written a few times, however long the day"
        assert sum(part.rows < 200 for part in parts) <= 3
        found = store.load(KEY, "trade", *EVER)
        assert found.equals(trades)  # type: ignore[union-attr] # trades
        store.compact()
        assert len(manifest_of(store, "trade").parts) == 13
        assert store.load(KEY, "trade", *EVER).equals(trades)  # type: ignore[union-attr] # trades


def test_rows_that_stand_twice_are_read_and_counted_once(root: Path, make_trades: Callable[..., Trades]) -> None:
    """Rows that were fetched lie in large parts, and the same heard live come later, in small ones."""
    trades = make_trades(600, step_ms=20)
    fetched = Trades.build(
        trades.instrument, trades.ts_exch_ns, trades.price_tick, trades.qty_lot, trades.side, trade_id=trades.trade_id,
        ts_recv_ns=trades.ts_recv_ns + 10**12, flags=np.full(600, FLAG_BACKFILLED, np.uint8),
    )  # fmt: skip
    with Store(root, writer=True, settings=SETTINGS) as store:
        store.append(fetched.take(slice(0, 300)))
        store.seal()
        for start in range(0, 600, 40):
            store.append(trades.take(slice(start, start + 40)))
            store.seal()
            assert store.coverage()[0].rows == max(300, min(600, start + 40))
        assert store.load(KEY, "trade", *EVER).equals(trades)  # type: ignore[union-attr] # trades
        store.compact()
        assert manifest_of(store, "trade").hidden == 0
        assert store.load(KEY, "trade", *EVER).equals(trades)  # type: ignore[union-attr] # trades


def test_levels_do_not_end_a_segment_as_soon_as_trades_do(root: Path, instrument: Instrument) -> None:
    ids = np.arange(150)
    book = Series.build(
        instrument, "depth", START_NS + ids, side=1, price_tick=ids, qty_lot=1, first_id=ids, last_id=ids, kind=0
    )
    with Store(root, writer=True, settings=SETTINGS) as store:
        store.append(book)
        first = store._writing()._journal.name
        store.append(book)
        assert store._writing()._journal.name == first
        store.append(book)
        assert store._writing()._journal.name != first
