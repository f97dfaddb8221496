"""Rows that are kept are those of the store, whatever was stored, changed or came late meanwhile."""

from __future__ import annotations

import random
from decimal import Decimal
from pathlib import Path

import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.feeds.stored import stored_trades
from footloom.server.stored.history import History
from footloom.server.stored.kept_rows import KeptRows
from footloom.server.wire.messages import TopicRequest
from footloom.store import Storable
from footloom.store.files import Store

DAY_NS = 86_400 * 10**9
START_NS = 1_767_225_600 * 10**9  # 2026-01-01 UTC
ONE = Instrument(venue="test", symbol="ONE", tick_size=Decimal("0.5"), lot_size=Decimal(1))


def rows_of(day: int, numbers: list[int]) -> Trades:
    """Rows of a day; the number of each is its second, its id and its price."""
    numbers = sorted(numbers)
    ts = START_NS + day * DAY_NS + np.array(numbers, np.int64) * 10**9
    ids = [day * 100_000 + number for number in numbers]
    return Trades.build(ONE, ts, numbers, [1] * len(numbers), [1] * len(numbers), trade_id=ids, ts_recv_ns=ts)


class Reads:
    """A store whose reads are counted."""

    def __init__(self, store: Store) -> None:
        self.store, self.count = store, 0

    def __call__(self, key: str, tape: str, from_ns: int, to_ns: int) -> Trades:
        self.count += 1
        return stored_trades(self.store, key, tape, from_ns, to_ns)


def same(a: Trades, b: Trades) -> bool:
    names = ("ts_exch_ns", "price_tick", "qty_lot", "side", "trade_id", "ts_recv_ns", "flags")
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in names)


def test_every_range_is_that_of_the_store_while_it_grows(tmp_path: Path) -> None:
    seed = random.randrange(10**9)
    rng = random.Random(seed)
    numbers = [rng.sample(range(1, 86_000), 400) for _ in range(3)]
    with Store(tmp_path, writer=True) as store:
        store.put_instrument(ONE)
        kept = KeptRows(store, Reads(store))
        for step in range(4):
            for day in range(3):
                piece = numbers[day][step * 100 : step * 100 + 100]
                if step % 2:
                    store.append(rows_of(day, piece))
                else:
                    store.write_part(rows_of(day, piece))
            for _ in range(25):
                a, b = sorted(rng.randrange(-DAY_NS, 4 * DAY_NS) for _ in range(2))
                wanted = stored_trades(store, ONE.key, "trade", START_NS + a, START_NS + b)
                assert same(kept.between(ONE.key, "trade", START_NS + a, START_NS + b), wanted), (seed, step, a, b)


def test_a_day_that_stands_is_read_once_and_one_that_changes_again(tmp_path: Path) -> None:
    with Store(tmp_path, writer=True) as store:
        store.put_instrument(ONE)
        for day in range(2):
            store.write_part(rows_of(day, list(range(1, 200))))
        reads = Reads(store)
        kept = KeptRows(store, reads)
        for _ in range(3):
            kept.between(ONE.key, "trade", START_NS, START_NS + 2 * DAY_NS)
        assert reads.count == 2
        store.write_part(rows_of(1, [500]))
        found = kept.between(ONE.key, "trade", START_NS, START_NS + 2 * DAY_NS)
        assert reads.count == 3
        assert found.price_tick[-1] == 500


def test_no_more_is_kept_than_was_allowed(tmp_path: Path) -> None:
    with Store(tmp_path, writer=True) as store:
        store.put_instrument(ONE)
        for day in range(4):
            store.write_part(rows_of(day, list(range(1, 1001))))
        kept = KeptRows(store, Reads(store), most_bytes=90_000)
        found = kept.between(ONE.key, "trade", START_NS, START_NS + 4 * DAY_NS)
        assert len(found) == 4000
        assert 0 < kept.held_bytes <= 90_000


def test_a_late_row_reads_what_it_changes_and_not_the_day_that_is_being_recorded(tmp_path: Path) -> None:
    with Store(tmp_path, writer=True) as store:
        store.put_instrument(ONE)
        store.append(rows_of(0, list(range(1, 5_000))))
        history = History(store)
        chart = history.resolve(TopicRequest(symbol=ONE.key, bars="1m", ticks_per_level=1))
        builder = history.seed(chart, 10).builder
        begins: list[int] = []
        plain = store.load

        def load(key: str, tape: str, from_ns: int, to_ns: int) -> Storable:
            begins.append(from_ns)
            return plain(key, tape, from_ns, to_ns)

        store.load = load  # type: ignore[method-assign, assignment]
        newest = rows_of(0, [5_010])
        builder.update(newest, int(newest.ts_recv_ns[-1]))
        assert not begins
        late = rows_of(0, [5_005])
        store.append_many([(newest, ()), (late, ())])
        builder.update(late, int(newest.ts_recv_ns[-1]))
        assert begins, "a late row reads the store"
        assert min(begins) >= START_NS + 4_900 * 10**9
