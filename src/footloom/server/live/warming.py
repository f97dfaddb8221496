"""What a server does once, before it says that it is ready and beside: nothing compiles while others wait."""

from __future__ import annotations

import subprocess
import threading
from decimal import Decimal

import numpy as np

from footloom.bars import parse_rule
from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.engine.builder import Builder
from footloom.engine.frame import ChartFrame
from footloom.engine.minute_cells import bars_of_cells, minute_cells
from footloom.engine.spec import ChartSpec
from footloom.kernels.ahead import command, is_done
from footloom.server.live.status import SymbolStatus
from footloom.server.pauses import step_back
from footloom.server.wire.codec import encode
from footloom.server.wire.frames import Form, chart_frame

__all__ = ("compile_beside", "warm_kernels", "warm_other_bars", "warm_picture")

_ALL = "footloom.kernels"
_SECOND_NS = 10**9
_MANY = 5_000  # rows of a tape that is looked at in blocks
_INSTRUMENT = Instrument(venue="warm", symbol="UP", tick_size=Decimal("0.5"), lot_size=Decimal(1))
_OTHER_BARS = ("2t", "2v", "2v-split", "2q", "r1", "ren1", "d2", "ib2", "rb2")


def warm_picture() -> None:
    """Make the picture of a made-up tape as that of a stored one: no commit comes, so it needs fewer kernels."""
    spec, stored = ChartSpec(), _trades(0, 0, _MANY)
    bars_of_cells([minute_cells(stored, 1)], parse_rule(spec.bars), 1)
    builder = Builder(_INSTRUMENT, spec)
    builder.seed_pieces((stored,))
    _encoded(builder)


def warm_kernels() -> None:
    """Fold a handful of made-up trades into a live chart, as the first commits of the first stream will be."""
    builder = Builder(_INSTRUMENT, ChartSpec())
    status = SymbolStatus(_INSTRUMENT)
    # A bar grows, a new one, a late trade.
    for second, first_id in ((0, 0), (30, 8), (60, 16), (20, 4), (120, 24)):
        trades = _trades(second, first_id)
        builder.update(trades, int(trades.ts_exch_ns[-1]), ())
        status.fold(trades)
    status.text()
    frame = _encoded(builder)
    opened = chart_frame(0, 0, "bar_open", frame.slice(len(frame) - 1, len(frame)), None)
    forms: tuple[Form, ...] = ("binary", "json")
    for form in forms:
        opened.data(form)


def warm_other_bars() -> None:
    """Seed a small chart of each kind of bars, so that the first one that is asked for waits for no kernel.

    For a thread beside the event loop: loading them takes half a second. Nothing where they have not been compiled.
    """
    for bars in _OTHER_BARS if is_done(_ALL) else ():
        Builder(_INSTRUMENT, ChartSpec(bars=bars)).seed(_trades(0, 0))


def _trades(second: int, first_id: int, rows: int = 4) -> Trades:
    at = np.arange(rows)
    times = (at * 7 + second) * _SECOND_NS
    return Trades.build(
        _INSTRUMENT,
        times,
        100 + at % 3,
        np.ones(rows, np.int64),
        np.array([1, -1, 0, 1], np.int8)[at % 4],
        trade_id=first_id + at,
        ts_recv_ns=times,
    )


def _encoded(builder: Builder) -> ChartFrame:
    frame = builder.frame()
    assert frame is not None
    encode(frame, "snapshot")
    return frame


def compile_beside() -> subprocess.Popen[bytes] | None:
    """Have another process compile all other kernels, where that has not been done; return the process."""
    if is_done(_ALL):
        return None
    making = subprocess.Popen(command(_ALL), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - our own words
    step_back(making.pid)
    threading.Thread(target=making.wait, name="compiling", daemon=True).start()  # else it stays behind as a zombie
    return making
