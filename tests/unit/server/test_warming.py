"""What a server does before it is ready: no live chart compiles anything on the event loop."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from footloom.cli import demo
from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.engine.builder import Builder
from footloom.engine.events import BarClosed, BarUpdated
from footloom.engine.spec import ChartSpec
from footloom.feeds.flow import Commit
from footloom.kernels import ahead
from footloom.kernels.jit import Compiled
from footloom.server.live import warming
from footloom.server.live.status import SymbolStatus
from footloom.server.live.warming import compile_beside, warm_kernels, warm_other_bars, warm_picture
from footloom.server.wire.frames import chart_frame

NS = 10**9
ABC = Instrument(venue="test", symbol="ABC", tick_size=Decimal("0.5"), lot_size=Decimal(1))


def trades(first: int, second: int) -> Trades:
    times = (second + np.arange(5)) * NS
    return Trades.build(
        ABC, times, 200 + np.arange(5), np.ones(5, np.int64), np.ones(5, np.int8),
        trade_id=first + np.arange(5), ts_recv_ns=times,
    )  # fmt: skip


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The kernels that are called, as `module.name`."""
    names: set[str] = set()
    call = Compiled.__call__

    def noted(kernel: Any, *args: Any) -> Any:
        names.add(f"{kernel.__module__}.{kernel.__name__}")
        return call(kernel, *args)

    monkeypatch.setattr(Compiled, "__call__", noted)
    return names


def test_what_a_first_start_compiles_beside_is_what_the_live_edge_needs_and_no_picture(called: set[str]) -> None:
    warm_picture()
    pictures = set(called)
    called.clear()
    warm_kernels()
    modules = {name.rpartition(".")[0] for name in called - pictures}
    assert "footloom.kernels.growing" in modules
    beside = {f"footloom.kernels.{name}" for name in demo._LIVE_KERNELS}
    # The cells of a bar are joined by the kernels that `growing` is made of.
    assert modules <= beside | {"footloom.kernels.joining"}


def test_a_start_goes_on_compiling_where_the_first_one_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, started = set[str](), list[list[str]]()
    monkeypatch.setattr(demo, "_market_cache", lambda: tmp_path)
    monkeypatch.setattr(ahead, "is_done", lambda module: module in done)
    monkeypatch.setattr(subprocess, "Popen", lambda work, **_: started.append(work))
    live = {f"footloom.kernels.{name}" for name in demo._LIVE_KERNELS}
    demo._compile_beside()
    (tmp_path / "run.nbi").touch()
    demo._compile_beside()
    assert len(started) == 2, "the market alone was compiled"
    for everything in (live, {"footloom.kernels"}):
        done.clear()
        done.update(everything)
        demo._compile_beside()
    assert len(started) == 2


def test_a_live_chart_calls_no_kernel_that_was_not_warmed(called: set[str]) -> None:
    builder, status = Builder(ABC, ChartSpec()), SymbolStatus(ABC)
    builder.seed(trades(0, 0))
    called.clear()
    warm_kernels()
    warmed = set(called)
    called.clear()
    kinds = set()
    for number, second in enumerate((10, 20, 70, 80, 140), start=1):
        rows = trades(number * 5, second)
        status.apply(Commit(ABC.key, rows, (), second * NS))
        for event in builder.update(rows, second * NS):
            assert isinstance(event, BarUpdated | BarClosed)
            kinds.add(type(event))
            for form in ("binary", "json"):
                chart_frame(1, 1, "bar_open", event.frame, None).data(form)
    status.text()
    assert kinds == {BarUpdated, BarClosed}
    assert called <= warmed, f"compiled while others wait: {sorted(called - warmed)}"


def test_the_first_chart_of_other_bars_calls_no_kernel_that_was_not_warmed(
    called: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warming, "is_done", lambda _module: False)
    warm_other_bars()
    assert not called, "compiled beside a live chart"
    monkeypatch.setattr(warming, "is_done", lambda _module: True)
    warm_kernels()
    warm_other_bars()
    warmed = set(called)
    called.clear()
    for bars in (
        "500t",
        "3v",
        "3v-split",
        "1000q",
        "1000q-split",
        "r2",
        "ren1-3",
        "d3",
        "ib3",
        "vib9-e",
        "qrb5",
        "rb3",
    ):
        Builder(ABC, ChartSpec(bars=bars)).seed(trades(0, 0))
        assert called <= warmed, f"{bars} would wait for {sorted(called - warmed)}"
    assert called


def test_the_process_that_compiles_is_gone_when_it_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warming, "is_done", lambda _module: False)
    monkeypatch.setattr(warming, "command", lambda _module: [sys.executable, "-c", "input()"])
    asked, answer = os.pipe()
    monkeypatch.setattr(subprocess, "Popen", functools.partial(subprocess.Popen, stdin=asked))
    made = compile_beside()
    assert made is not None
    assert os.getpriority(os.PRIO_PROCESS, made.pid) >= max(10, os.getpriority(os.PRIO_PROCESS, 0)), "charts come first"
    os.write(answer, b"\n")
    until_s = time.monotonic() + 60
    while made.returncode is None and time.monotonic() < until_s:  # nobody asks for it: it is not a zombie
        time.sleep(0.01)
    os.close(asked)
    os.close(answer)
    assert made.returncode == 0
