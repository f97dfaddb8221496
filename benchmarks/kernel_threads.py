"""The kernel in two threads against one: it runs without the interpreter's lock, and pieces join exactly.

Two cores of a shared machine are seldom twice one: beside it stands what two threads of C make of halves of the tape.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from benchmarks import harness
from benchmarks.data import TICKS_PER_LEVEL, digest, trades
from benchmarks.harness import Row, Scale
from benchmarks.kernel_against_c import BAR_NS, MIN_VOL_LOT, SPEC
from benchmarks.peers import c
from footloom.core.trades import Trades
from footloom.engine.build import build

__all__ = ("measure",)


def measure(scale: Scale) -> list[Row]:
    """Return the promise."""
    name = "kernel, full, 2 threads against 1"
    if (os.cpu_count() or 1) < 2:
        return [Row(name, "-", "one core only", None, 1.4, "-")]
    tape = trades(scale.trades)
    assert build(tape, SPEC, threads=2).equals(build(tape, SPEC)), "two threads gave another answer"
    sides = {"1": lambda: build(tape, SPEC), "2": lambda: build(tape, SPEC, threads=2), **_in_c(tape)}
    times = harness.interleave(sides, scale.rounds)
    one, two = (harness.million_per_second(len(tape), times.median(side)) for side in ("1", "2"))
    peer = f"1 thread {one}" + (f"; C {times.ratio('C 1', 'C 2'):.3g} times" if "C 2" in sides else "")
    hashed = digest(tape.ts_exch_ns, tape.price_tick, tape.qty_lot, tape.side)
    return [Row(name, two, peer, times.ratio("1", "2"), 1.4, hashed)]


# What the two cores give just now.
def _in_c(tape: Trades) -> dict[str, Callable[[], object]]:
    if c.compiler() is None:
        return {}
    middle = len(tape) // 2
    halves = [
        c.prepare(tape.take(part), BAR_NS, TICKS_PER_LEVEL, min_vol_lot=MIN_VOL_LOT)
        for part in (slice(middle), slice(middle, None))
    ]

    def at_once() -> None:
        with ThreadPoolExecutor(1) as pool:
            other = pool.submit(halves[1])
            halves[0]()
            other.result()

    return {"C 1": lambda: [half() for half in halves], "C 2": at_once}


if __name__ == "__main__":
    harness.run(measure)
