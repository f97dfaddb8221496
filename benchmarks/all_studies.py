"""Every study at once over a day of trades, from the trades in memory, on one core."""

from __future__ import annotations

import time

import numpy as np

from benchmarks import harness
from benchmarks.data import TICKS_PER_LEVEL, digest, trades
from benchmarks.harness import Row, Scale
from footloom.core.footprint import BAR_FINAL, Footprint
from footloom.core.trades import Trades
from footloom.engine.build import build_footprint
from footloom.engine.studies import StudyFold, counting
from footloom.studies import study_names

__all__ = ("measure",)

_DAY = 3_000_000  # trades
_LIMIT_S = 1.0


def measure(scale: Scale) -> list[Row]:
    """Return the promise: the bars, what studies count in the trades, and each study's answer."""
    tape = trades(min(_DAY, scale.trades))
    _check_in_parts(tape)
    times = harness.interleave({"all": lambda: _answers(tape)}, scale.rounds)
    slow = sorted(_each(tape).items(), key=lambda item: -item[1])[:3]
    peer = ", ".join(f"{name} {seconds * 1e3:.0f} ms" for name, seconds in slow)
    hashed = digest(tape.ts_exch_ns, tape.price_tick, tape.qty_lot, tape.side)
    promise = f"all {len(study_names())} studies over {len(tape) / 1e6:.3g} M trades"
    return [harness.limit(promise, times.median("all"), _LIMIT_S, "s", f"slowest: {peer}", hashed)]


def _folds() -> list[StudyFold]:
    return [StudyFold(name) for name in study_names()]


def _bars(tape: Trades, folds: list[StudyFold]) -> Footprint:
    made = build_footprint(tape, "1m", TICKS_PER_LEVEL, count=counting(folds))
    return made.with_flags(made.bars.flags | BAR_FINAL)


def _answers(tape: Trades) -> None:
    folds = _folds()
    made = _bars(tape, folds)
    for fold in folds:
        fold.update(made)


def _each(tape: Trades) -> dict[str, float]:
    folds = _folds()
    made = _bars(tape, folds)
    spent = {}
    for fold in folds:
        begun = time.perf_counter()
        fold.update(made)
        spent[fold.name] = time.perf_counter() - begun
    return spent


# The answers are those of the same bars in two parts.
def _check_in_parts(tape: Trades) -> None:
    folds, parts = _folds(), _folds()
    made = _bars(tape, folds)
    half = len(made) // 2
    for fold, part in zip(folds, parts, strict=True):
        whole = fold.update(made).bars
        part.update(made.slice(0, half))
        for name, column in part.update(made.slice(half, len(made))).bars.items():
            np.testing.assert_array_equal(whole[name][half:], column, err_msg=f"{fold.name} {name}")


if __name__ == "__main__":
    harness.run(measure)
