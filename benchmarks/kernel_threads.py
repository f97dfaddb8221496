"""The kernel in two threads against one: it runs without the interpreter's lock, and pieces combine exactly."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from benchmarks import harness
from benchmarks.data import digest, trades
from benchmarks.harness import Row, Scale
from benchmarks.kernel_against_c import SPEC, full
from footloom.core.trades import Trades
from footloom.engine.build import build_footprint, study
from footloom.engine.frame import ChartFrame
from footloom.kernels.fold import combine

__all__ = ("measure", "two_threads")


def two_threads(tape: Trades, pool: ThreadPoolExecutor) -> ChartFrame:
    """Fold each half in a thread of its own, cut anywhere, and combine."""
    middle = len(tape) // 2
    halves = (tape.take(slice(0, middle)), tape.take(slice(middle, len(tape))))
    left, right = pool.map(lambda half: build_footprint(half, SPEC.bars, SPEC.ticks_per_level), halves)
    return study(combine(left, right), SPEC)


def measure(scale: Scale) -> list[Row]:
    """Return the promise."""
    name = "kernel, full, 2 threads against 1"
    if (os.cpu_count() or 1) < 2:
        return [Row(name, "-", "one core only", None, 1.4, "-")]
    tape = trades(scale.trades)
    with ThreadPoolExecutor(2) as pool:
        check_equal(two_threads(tape, pool), full(tape))
        times = harness.interleave({"1": lambda: full(tape), "2": lambda: two_threads(tape, pool)}, scale.rounds)
    one, two = (harness.million_per_second(len(tape), times.median(side)) for side in "12")
    hashed = digest(tape.ts_exch_ns, tape.price_tick, tape.qty_lot, tape.side)
    return [Row(name, two, f"1 thread {one}", times.ratio("1", "2"), 1.4, hashed)]


def check_equal(pieces: ChartFrame, whole: ChartFrame) -> None:
    """Raise `AssertionError` where combining gave other cells than folding at once."""
    np.testing.assert_array_equal(pieces.footprint.level_offset, whole.footprint.level_offset)
    for name in ("row", "buy_lot", "sell_lot", "unknown_lot", "trades"):
        np.testing.assert_array_equal(getattr(pieces.footprint.levels, name), getattr(whole.footprint.levels, name))
    for name in ("cvd_lot", "poc_row", "vah_row", "val_row", "cell_flags"):
        np.testing.assert_array_equal(getattr(pieces, name), getattr(whole, name), err_msg=name)


if __name__ == "__main__":
    harness.run(measure)
