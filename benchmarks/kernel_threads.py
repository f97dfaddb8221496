"""The kernel in two threads against one: it runs without the interpreter's lock, and pieces join exactly."""

from __future__ import annotations

import os

from benchmarks import harness
from benchmarks.data import digest, trades
from benchmarks.harness import Row, Scale
from benchmarks.kernel_against_c import SPEC
from footloom.engine.build import build

__all__ = ("measure",)


def measure(scale: Scale) -> list[Row]:
    """Return the promise."""
    name = "kernel, full, 2 threads against 1"
    if (os.cpu_count() or 1) < 2:
        return [Row(name, "-", "one core only", None, 1.4, "-")]
    tape = trades(scale.trades)
    assert build(tape, SPEC, threads=2).equals(build(tape, SPEC)), "two threads gave another answer"
    sides = {"1": lambda: build(tape, SPEC), "2": lambda: build(tape, SPEC, threads=2)}
    times = harness.interleave(sides, scale.rounds)
    one, two = (harness.million_per_second(len(tape), times.median(side)) for side in sides)
    hashed = digest(tape.ts_exch_ns, tape.price_tick, tape.qty_lot, tape.side)
    return [Row(name, two, f"1 thread {one}", times.ratio("1", "2"), 1.4, hashed)]


if __name__ == "__main__":
    harness.run(measure)
