"""What a server does once, before it says that it is ready and beside: nothing compiles while others wait."""

from __future__ import annotations

import subprocess
import threading
from decimal import Decimal

import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.engine.builder import Builder
from footloom.engine.spec import ChartSpec
from footloom.kernels.ahead import command, is_done
from footloom.server.live.status import SymbolStatus
from footloom.server.pauses import step_back
from footloom.server.wire.codec import encode
from footloom.server.wire.frames import Form, chart_frame

__all__ = ("compile_beside", "warm_kernels")

_ALL = "footloom.kernels"
_SECOND_NS = 10**9


def warm_kernels() -> None:
    """Fold a handful of made-up trades into a live chart, as the first commits of the first stream will be."""
    instrument = Instrument(venue="warm", symbol="UP", tick_size=Decimal("0.5"), lot_size=Decimal(1))
    builder = Builder(instrument, ChartSpec())
    status = SymbolStatus(instrument)
    for second, first_id in (
        (0, 0),
        (30, 8),
        (60, 16),
        (20, 4),
        (120, 24),
    ):  # a bar grows, a new one, a late trade
        times = (np.arange(4) * 7 + second) * _SECOND_NS
        sides = np.array([1, -1, 0, 1], np.int8)
        trades = Trades.build(
            instrument,
            times,
            100 + np.arange(4) % 3,
            np.ones(4, np.int64),
            sides,
            trade_id=first_id + np.arange(4),
            ts_recv_ns=times,
        )
        builder.update(trades, int(times[-1]), ())
        status.fold(trades)
    status.text()
    frame = builder.frame()
    assert frame is not None
    encode(frame, "snapshot")
    opened = chart_frame(0, 0, "bar_open", frame.slice(len(frame) - 1, len(frame)), None)
    forms: tuple[Form, ...] = ("binary", "json")
    for form in forms:
        opened.data(form)


def compile_beside() -> subprocess.Popen[bytes] | None:
    """Have another process compile all other kernels, where that has not been done; return the process."""
    if is_done(_ALL):
        return None
    making = subprocess.Popen(command(_ALL), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - our own words
    step_back(making.pid)
    threading.Thread(target=making.wait, name="compiling", daemon=True).start()  # else it stays behind as a zombie
    return making
