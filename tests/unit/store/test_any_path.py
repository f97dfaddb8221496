"""However rows come into a store, and whatever is done to it between, the same tape comes out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footloom.core.instrument import Instrument
from footloom.core.snapshots import Snapshots
from footloom.core.trades import FLAG_BACKFILLED, FLAG_NO_ID, FLAG_NO_RECV, Trades
from footloom.store import Block, Settings, SourceInfo
from footloom.store.files import Store

KEY = "test:X"
EVER = (0, 2**62)
HOUR_NS = 3_600_000_000_000
INSTRUMENT = Instrument(venue="test", symbol="X", tick_size=Decimal("0.5"), lot_size=Decimal(1))
SMALL = Settings(roll_rows=20, row_group_rows=7, part_rows=25, small_parts=3)


def tape(count: int, seed: int) -> Trades:
    rng = np.random.default_rng(seed)
    ts = 1_767_225_600_000_000_000 + np.cumsum(rng.integers(0, 3, count)) * HOUR_NS
    return Trades.build(
        INSTRUMENT, ts, rng.integers(-5, 5, count), rng.integers(1, 9, count), rng.integers(-1, 2, count),
        trade_id=np.arange(100, 100 + count), ts_recv_ns=ts + rng.integers(1, 9, count),
    )  # fmt: skip


# A worse copy of the same rows: fetched later, or from an archive that knows no receipt.
def as_archive(trades: Trades) -> Trades:
    return dataclasses.replace(trades, ts_recv_ns=trades.ts_exch_ns, flags=np.full(len(trades), FLAG_NO_RECV, np.uint8))


def as_backfill(trades: Trades) -> Trades:
    return dataclasses.replace(trades, flags=np.full(len(trades), FLAG_BACKFILLED, np.uint8))


WITNESSES: tuple[Callable[[Trades], Trades], ...] = (lambda trades: trades, as_archive, as_backfill)

steps = st.lists(
    st.tuples(st.sampled_from(["append", "write", "seal", "compact", "reopen", "check"]), st.integers(0, 2)),
    min_size=1,
    max_size=14,
)


class Walk:
    """A store, and what must be in it by now."""

    def __init__(self, root: Path, trades: Trades) -> None:
        self.root = root
        self.trades = trades
        self.best = np.full(len(trades), 9)  # the best witness of each row that was stored
        self.store = Store(root, writer=True, settings=SMALL)
        self.files = 0

    def step(self, kind: str, witness: int, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
        block = WITNESSES[witness](self.trades.take(rows))
        if kind == "append":
            self.store.append(block)
        elif kind == "write":
            self.files += 1
            self.store.write_part(block, SourceInfo(f"sha-{self.files}", "f", (0, len(block))))
        elif kind == "reopen":
            self.store.close()
            self.store = Store(self.root, writer=True, settings=SMALL)
        elif kind == "check":
            self.check()
        else:
            getattr(self.store, kind)()
        if kind in {"append", "write"}:
            rank = {0: 0, 1: 2, 2: 1}[witness]
            self.best[rows] = np.minimum(self.best[rows], rank)

    def expected(self) -> Trades:
        kinds = [WITNESSES[{0: 0, 1: 2, 2: 1}[rank]] for rank in (0, 1, 2)]
        pieces = [kind(self.trades.take(self.best == rank)) for rank, kind in enumerate(kinds)]
        joined = Trades.concat(pieces)
        return joined.take(joined.order())

    def check(self) -> None:
        expected = self.expected()
        if not len(expected):
            return
        got = self.store.load(KEY, "trade", *EVER)
        assert isinstance(got, Trades)
        assert got.equals(expected)
        chunks = [chunk for chunk in self.store.iter_chunks(KEY, "trade", *EVER) if isinstance(chunk, Trades)]
        assert Trades.concat(chunks).equals(expected)
        assert sum(one.rows for one in self.store.coverage()) == len(expected)
        low, high = (int(ts) for ts in expected.ts_exch_ns[[len(expected) // 3, 2 * len(expected) // 3]])
        if low < high:
            part = self.store.load(KEY, "trade", low, high)
            assert isinstance(part, Trades)
            assert part.equals(expected.between(low, high))


@settings(max_examples=settings.default.max_examples // 3)
@given(steps=steps, seed=st.integers(0, 2**32 - 1), data=st.data())
def test_any_path_gives_the_same_tape(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]], seed: int, data: st.DataObject
) -> None:
    trades = tape(60, seed)
    walk = Walk(tmp_path_factory.mktemp("walk") / "store", trades)
    try:
        for kind, witness in steps:
            rows = np.zeros(0, np.int64)
            if kind in {"append", "write"}:
                start = data.draw(st.integers(0, 55))
                rows = np.arange(start, data.draw(st.integers(start, 60)))
                if data.draw(st.booleans()):
                    rows = np.random.default_rng(seed).permutation(rows)
            walk.step(kind, witness, rows)
        walk.check()
        walk.store.seal()
        walk.check()
        walk.store.compact()
        walk.check()
        assert all(one.parts <= -(-one.rows // SMALL.part_rows) for one in walk.store.coverage())
    finally:
        walk.store.close()


@settings(max_examples=settings.default.max_examples // 3)
@given(
    times=st.lists(st.integers(0, 30), min_size=1, max_size=60),
    steps=st.lists(st.sampled_from(["append", "append", "append", "seal", "compact", "reopen"]), max_size=12),
    cuts=st.lists(st.integers(1, 15), min_size=12, max_size=12),
    tape=st.sampled_from(["trade", "snapshot"]),
)
def test_rows_without_ids_keep_their_time_and_their_arrival(
    tmp_path_factory: pytest.TempPathFactory, times: list[int], steps: list[str], cuts: list[int], tape: str
) -> None:
    """Late rows, and many at one time: what arrived first comes first, in whatever parts the rows lie by now."""
    root = tmp_path_factory.mktemp("walk") / "store"
    arrival = np.arange(len(times))
    ts = 1_767_225_600_000_000_000 + np.array(times) * HOUR_NS
    ones = np.ones(len(times), np.int64)
    block: Block = Trades.build(
        INSTRUMENT, ts, arrival, ones, ones, trade_id=ones * 0, ts_recv_ns=ts, flags=ones * FLAG_NO_ID
    )
    if tape == "snapshot":
        block = Snapshots(INSTRUMENT, ts, arrival, ones, ones, ones, ones, ts)
    store = Store(root, writer=True, settings=SMALL)
    done = 0
    try:
        for step, cut in zip([*steps, "append"], [*cuts, len(times)], strict=False):
            if step == "append":
                store.append(block.take(slice(done, done + cut)))
                done = min(len(times), done + cut)
            elif step == "reopen":
                store.close()
                store = Store(root, writer=True, settings=SMALL)
            else:
                getattr(store, step)()
            if done:
                got = store.load(KEY, tape, *EVER)
                numbers = got.price_tick if isinstance(got, Trades) else got.ltp_tick
                assert numbers.tolist() == np.argsort(ts[:done], kind="stable").tolist()
    finally:
        store.close()


def test_the_walk_can_fail(tmp_path: Path) -> None:
    walk = Walk(tmp_path / "store", tape(60, 1))
    walk.step("append", 0, np.arange(30))
    walk.best[40] = 0  # a row that nobody stored

    with pytest.raises(AssertionError):
        walk.check()
    walk.store.close()
