"""What the tests of the store are made of: small tapes, an own folder each, and a way to break files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from footloom.core.instrument import Instrument
from footloom.core.snapshots import NO_QUOTE, Snapshots
from footloom.core.trades import Trades
from footloom.store import Settings
from footloom.store.files import Store

START_NS = 1_767_225_600_000_000_000  # 2026-01-01 00:00 UTC
DAY_NS = 86_400_000_000_000

MakeTrades = Callable[..., Trades]


@pytest.fixture
def instrument() -> Instrument:
    return Instrument(
        venue="test", symbol="BTCUSDT", tick_size=Decimal("0.1"), lot_size=Decimal("0.001"), base="BTC", quote="USDT"
    )


@pytest.fixture
def make_trades(instrument: Instrument, rng: np.random.Generator) -> MakeTrades:
    """Trades with ids in exchange order, a few of them in the same millisecond."""

    def make(
        count: int,
        *,
        start_ns: int = START_NS,
        step_ms: int = 50,
        first_id: int = 1,
        of: Instrument = instrument,
        **columns: Any,
    ) -> Trades:
        ts = start_ns + np.cumsum(rng.integers(0, 2 * step_ms, count)) * 1_000_000
        given = {
            "ts_exch_ns": ts,
            "price_tick": 600_000 + np.cumsum(rng.integers(-3, 4, count)),
            "qty_lot": rng.integers(1, 5_000, count),
            "side": rng.choice([-1, 1, 1, -1, 0], count),
            "trade_id": np.arange(first_id, first_id + count),
            "ts_recv_ns": ts + rng.integers(1, 9_000_000, count),
        } | columns
        return Trades.build(of, **given)

    return make


@pytest.fixture
def make_snapshots(instrument: Instrument, rng: np.random.Generator) -> Callable[..., Snapshots]:
    """Snapshots three times a second: the time of the last trade stands still and steps back, quotes go missing."""

    def make(count: int, *, start_ns: int = START_NS) -> Snapshots:
        recv = start_ns + np.arange(count) * 333_000_000 + rng.integers(0, 9_000_000, count)
        ltp = 26_000 + np.cumsum(rng.integers(-2, 3, count))
        return Snapshots(
            instrument=instrument,
            ts_exch_ns=(recv // 1_000_000_000 - rng.integers(0, 30, count)) * 1_000_000_000,
            ltp_tick=ltp,
            ltq_lot=rng.integers(1, 20, count) * 75,
            vtt_lot=np.cumsum(rng.integers(0, 3, count)) * 75,
            bid_tick=np.where(rng.random(count) < 0.05, NO_QUOTE, ltp - 1),
            ask_tick=np.where(rng.random(count) < 0.05, NO_QUOTE, ltp + 1),
            ts_recv_ns=recv,
        )

    return make


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(root: Path) -> Iterator[Store]:
    """A store that is open for writing; small row groups, so that little tapes have several; it seals when told to."""
    with Store(root, writer=True, settings=Settings(row_group_rows=64, part_rows=1_000, roll_ns=2**62)) as opened:
        yield opened


@pytest.fixture
def flip() -> Callable[[Path, int], None]:
    """Turn one bit of a file; negative positions count from its end."""

    def turn(path: Path, position: int) -> None:
        data = bytearray(path.read_bytes())
        data[position] ^= 0x10
        path.write_bytes(data)

    return turn
