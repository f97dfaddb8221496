"""The automatic minimum volume is the nearest rank of what the bars before hold, however sizes drift and jump."""

from __future__ import annotations

import random

import numpy as np
from numpy.typing import NDArray

from footloom.core.trades import I64
from footloom.studies.imbalance import WINDOW, Params, min_volume_of


def sorted_out(offset: I64, buy: I64, sell: I64, first: int) -> list[int]:
    """The same by sorting every window."""
    found = []
    for bar in range(first, len(offset) - 1):
        lo, hi = offset[max(0, bar - WINDOW)], offset[bar]
        lots = np.sort(np.concatenate([buy[lo:hi], sell[lo:hi]]))
        lots = lots[lots > 0]
        found.append(int(lots[(len(lots) * 75 + 99) // 100 - 1]) if len(lots) else 1)
    return found


def lots_of(rng: np.random.Generator, count: int, typical: NDArray[np.float64]) -> I64:
    sizes = np.minimum(rng.pareto(1.2, count) * typical, 2.0**60)
    return np.where(rng.random(count) < rng.choice([0.1, 0.9]), 0, sizes).astype(np.int64)


def test_it_is_the_rank_of_what_the_bars_before_hold() -> None:
    seed = random.randrange(10**9)
    rng = np.random.default_rng(seed)
    for turn in range(80):
        bars, widest = int(rng.integers(1, 120)), int(rng.choice([1, 3, 40]))
        offset = np.append(0, np.cumsum(rng.integers(rng.integers(0, 2), widest + 1, bars)))
        count = int(offset[-1])
        typical = rng.choice([1, 5, 1e6]) * np.exp(np.cumsum(rng.normal(0, rng.choice([0, 0.3]), count)))
        buy, sell = lots_of(rng, count, typical), lots_of(rng, count, typical)
        first = int(rng.integers(0, bars))
        assert min_volume_of(offset, buy, sell, Params(), first).tolist() == sorted_out(offset, buy, sell, first), (
            seed,
            turn,
        )
