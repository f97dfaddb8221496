"""The promise of 3.0 and 5.0 bytes a trade, on the real recordings, footer and all."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.store.measure import bytes_per_trade


def recorded(path: Path, tick: str, lot: str) -> Trades:
    instrument = Instrument(venue="v", symbol="BTCUSDT", tick_size=Decimal(tick), lot_size=Decimal(lot))
    rows = []
    with gzip.open(path, "rt") as lines:
        for line in lines:
            local, _, text = line.partition(" ")
            if '"e":"trade"' in text:
                data = json.loads(text)["data"]
                price, qty = instrument.price_tick(data["p"]), instrument.qty_lot(data["q"])
                rows.append((data["T"] * 1_000_000, price, qty, -1 if data["m"] else 1, data["t"], int(local)))
    ts, price, qty, side, ids, recv = np.array(rows, np.int64).T
    return Trades.build(instrument, ts, price, qty, side, trade_id=ids, ts_recv_ns=recv)


@pytest.mark.parametrize(
    ("file", "tick", "lot"),
    [("usdm_btcusdt_20240808.gz", "0.1", "0.001"), ("spot_btcusdt_20240808.gz", "0.01", "0.00001")],
)
def test_real_tapes_take_few_bytes(recordings: Path, file: str, tick: str, lot: str) -> None:
    sizes = bytes_per_trade(recorded(recordings / "binance" / file, tick, lot))

    assert sizes.rows > 5_000
    assert sizes.core <= 3.0
    assert sizes.full <= 5.0


def test_the_measure_counts_everything(make_trades: Callable[..., Trades]) -> None:
    trades = make_trades(20_000)
    sizes = bytes_per_trade(trades)

    assert 2.0 < sizes.core < sizes.full
    few = bytes_per_trade(trades.take(slice(0, 10)))
    assert few.core > 50  # the footer of a small part is what it is
