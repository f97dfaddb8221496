"""The kernel against the same job in branch-free C, one thread each, trades in memory.

The peer trusts its input to stand in order. footloom looks once at a tape that it has not seen, and remembers: the
promise is about a tape that was looked at, and the line below it is about one that was not.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks import harness
from benchmarks.data import TICKS_PER_LEVEL, digest, trades
from benchmarks.harness import Row, Scale
from benchmarks.peers import c
from footloom.core.footprint import Footprint
from footloom.core.trades import I64, Trades
from footloom.engine.build import build, build_footprint
from footloom.engine.frame import ChartFrame
from footloom.engine.spec import ChartSpec

__all__ = ("BAR_NS", "MIN_VOL_LOT", "SPEC", "check_equal", "full", "levels_only", "measure", "unseen")

BAR_NS = 60_000_000_000
MIN_VOL_LOT = 200
SPEC = ChartSpec(bars="1m", ticks_per_level=TICKS_PER_LEVEL, min_vol_lot=MIN_VOL_LOT, cvd_reset="never")

Full = Callable[[Trades], ChartFrame]


def full(tape: Trades) -> ChartFrame:
    """Everything: levels, OHLC, delta path, CVD, POC, value area, imbalances and stacks."""
    return build(tape, SPEC)


def levels_only(tape: Trades) -> tuple[Footprint, I64]:
    """Levels, OHLC, delta path and CVD."""
    footprint = build_footprint(tape, SPEC.bars, SPEC.ticks_per_level)
    return footprint, np.cumsum(footprint.bars.delta_lot)


def unseen(tape: Trades) -> Trades:
    """Return the same columns as a tape that nobody has looked at."""
    return tape.take(slice(None))


def measure(scale: Scale, kernel: Full = full) -> list[Row]:
    """Return both promises; ``kernel`` can be replaced, to show that a slow one is noticed."""
    name = "kernel, full, 1 thread, against branch-free C"
    if c.compiler() is None:
        return [Row(name, "-", "no C compiler here (install gcc)", None, 0.9, "-")]
    tape = trades(scale.trades)
    their_full = c.prepare(tape, BAR_NS, TICKS_PER_LEVEL, min_vol_lot=MIN_VOL_LOT)
    their_levels = c.prepare(tape, BAR_NS, TICKS_PER_LEVEL, min_vol_lot=None)
    check_equal(kernel(tape), their_full())
    sides = {
        "full": lambda: kernel(tape),
        "full, C": their_full,
        "unseen": lambda: kernel(unseen(tape)),
        "levels": lambda: levels_only(tape),
        "levels, C": their_levels,
    }
    times = harness.interleave(sides, scale.rounds)
    hashed = digest(tape.ts_exch_ns, tape.price_tick, tape.qty_lot, tape.side)

    def row(promise: str, side: str, peer: str, floor: float | None) -> Row:
        speeds = [harness.million_per_second(len(tape), times.median(which)) for which in (side, peer)]
        return Row(promise, speeds[0], f"C {speeds[1]}", times.ratio(peer, side), floor, hashed)

    return [
        row(name, "full", "full, C", 0.9),
        row(f"{name}, tape not looked at before", "unseen", "full, C", None),
        row("kernel, levels to CVD, 1 thread, against branch-free C", "levels", "levels, C", None),
    ]


def check_equal(ours: ChartFrame, theirs: c.CAnswer) -> None:
    """Raise `AssertionError` where the two answers differ."""
    bars, levels = ours.footprint.bars, ours.footprint.levels
    mine = {name: getattr(bars, name) for name in theirs.bars if hasattr(bars, name)}
    mine |= {name: getattr(ours, name) for name in ("cvd_lot", "poc_row", "vah_row", "val_row")}
    for name, column in theirs.bars.items():
        np.testing.assert_array_equal(mine[name], column, err_msg=name)
    np.testing.assert_array_equal(ours.footprint.level_offset, theirs.level_offset)
    names = {"row": "row", "level_buy": "buy_lot", "level_sell": "sell_lot", "level_unknown": "unknown_lot"}
    for name, own in (names | {"level_trades": "trades"}).items():
        np.testing.assert_array_equal(getattr(levels, own), theirs.levels[name], err_msg=name)
    np.testing.assert_array_equal(ours.cell_flags, theirs.cell_flags)


if __name__ == "__main__":
    harness.run(measure)
