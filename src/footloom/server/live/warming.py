"""What a server does once before it says that it is ready: nothing compiles or is imported while others wait."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.engine.builder import Builder
from footloom.engine.spec import ChartSpec
from footloom.server.live.status import SymbolStatus
from footloom.server.wire.codec import encode, encode_json

__all__ = ("warm_kernels",)

_SECOND_NS = 10**9


def warm_kernels() -> None:
    """Fold a handful of made-up trades into a live chart, as the first commit of the first stream will be."""
    instrument = Instrument(venue="warm", symbol="UP", tick_size=Decimal("0.5"), lot_size=Decimal(1))
    builder = Builder(instrument, ChartSpec())
    status = SymbolStatus(instrument)
    for minute in range(3):
        times = (np.arange(8) * 7 + 1 + 60 * minute) * _SECOND_NS
        sides = np.array([1, -1, 0, 1] * 2, np.int8)
        ids = 8 * minute + np.arange(8)
        trades = Trades.build(
            instrument, times, 100 + np.arange(8) % 3, np.ones(8, np.int64), sides, trade_id=ids, ts_recv_ns=times
        )
        builder.update(trades, int(times[-1]), ())
        status.fold(trades)
    status.text()
    frame = builder.frame()
    assert frame is not None
    encode(frame, "snapshot")
    encode_json(frame, "bar_open")
