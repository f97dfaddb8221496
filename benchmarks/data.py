"""Made-up trades that look like BTCUSDT, from a seed: about three million a day, some 41 one-dollar levels in a minute.

Trades come in bursts that share a millisecond, busier by day than by night and clustered beyond that; sizes have a
heavy tail and like round numbers; the price steps with the flow and walks through levels inside a burst.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from decimal import Decimal
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray

from footloom.core.instrument import Instrument
from footloom.core.trades import I64, Trades

__all__ = ("DAY_NS", "INSTRUMENT", "TICKS_PER_LEVEL", "bench_folder", "day_of_trades", "digest", "trades")

INSTRUMENT = Instrument(
    venue="bench", symbol="BTCUSDT", tick_size=Decimal("0.1"), lot_size=Decimal("0.001"), base="BTC", quote="USDT"
)
TICKS_PER_LEVEL = 10  # one dollar
DAY_NS = 86_400_000_000_000
_SECONDS = 86_400
_FIRST_DAY = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
_ROUND_LOTS = np.array([2, 5, 10, 20, 50, 100, 500, 1_000])
_CENTRE_TICK = 600_000


def bench_folder() -> Path:
    """Return the folder for benchmark data, outside the project: `FOOTLOOM_BENCH_DIR`, else the user's cache."""
    place = os.environ.get("FOOTLOOM_BENCH_DIR")
    folder = Path(place) if place else Path(platformdirs.user_cache_dir("footloom", appauthor=False)) / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def day_of_trades(day: int, count: int = 3_000_000, seed: int = 20_240_101) -> Trades:
    """Return day number ``day`` of the tape: the same for the same arguments, whatever was made before."""
    rng = np.random.default_rng([seed, day])
    activity = _activity(rng)
    per_second = rng.poisson(activity * (count / activity.sum()))
    n = int(per_second.sum())
    second = np.repeat(np.arange(_SECONDS), per_second)
    first = np.flatnonzero(_bursts(rng, second, n))
    length = np.diff(np.append(first, n))
    place = np.arange(n) - np.repeat(first, length)  # of the trade in its burst
    burst_ms = np.sort(rng.integers(0, 1_000, len(first)) + second[first] * 1_000)
    side = rng.choice(np.array([-1, 1], np.int8), len(first))
    ts = int(_FIRST_DAY.timestamp()) * 10**9 + day * DAY_NS + np.repeat(burst_ms, length) * 1_000_000
    tick = np.repeat(_mids(rng, activity[second[first]]), length)
    tick += np.repeat(side, length) * np.minimum(place // 2, 30) + np.repeat(side > 0, length)
    return Trades.build(
        INSTRUMENT, ts, tick, _lots(rng, n), np.repeat(side, length), trade_id=np.arange(n) + day * 100_000_000
    )


def trades(count: int) -> Trades:
    """Return the first ``count`` trades of the tape."""
    pieces: list[Trades] = []
    while sum(map(len, pieces)) < count:
        pieces.append(day_of_trades(len(pieces)))
    return Trades.concat(pieces).take(slice(0, count))


def digest(*columns: NDArray[np.generic]) -> str:
    """Return a short hash over arrays, in order."""
    whole = hashlib.sha256()
    for column in columns:
        whole.update(np.ascontiguousarray(column).tobytes())
    return whole.hexdigest()[:12]


# Relative intensity of each second: the hour of the day times a slow random swing.
def _activity(rng: np.random.Generator) -> NDArray[np.float64]:
    clock = np.arange(_SECONDS) / _SECONDS
    noise = rng.normal(0, 0.1, _SECONDS)
    swing = np.empty(_SECONDS)
    level = 0.0
    for second, kick in enumerate(noise.tolist()):
        level = 0.995 * level + kick
        swing[second] = level
    return (1 + 0.6 * np.sin(2 * np.pi * (clock - 0.35))) * np.exp(swing)


# Where a burst begins: four trades in ten, and the first of each second.
def _bursts(rng: np.random.Generator, second: I64, n: int) -> NDArray[np.bool_]:
    begins = rng.random(n) > 0.6
    begins |= np.diff(second, prepend=-1) != 0
    return begins


# The middle of the market at each burst, in ticks: a jump in a third of them, pulled back to the centre.
def _mids(rng: np.random.Generator, activity: NDArray[np.float64]) -> I64:
    jumps = rng.standard_t(4, len(activity)) * 9.0 * np.sqrt(activity) * (rng.random(len(activity)) < 0.35)
    walk = np.cumsum(jumps)
    bridge = walk - np.linspace(0.0, walk[-1], len(walk))  # each day begins and ends at the centre
    return np.round(_CENTRE_TICK + bridge).astype(np.int64)


def _lots(rng: np.random.Generator, n: int) -> I64:
    lots = np.exp(rng.normal(3.0, 1.5, n))
    tail = rng.random(n) < 0.02
    lots[tail] = 500.0 * (rng.pareto(1.6, int(tail.sum())) + 1.0)
    whole = rng.random(n) < 0.25
    lots[whole] = rng.choice(_ROUND_LOTS, int(whole.sum()))
    return np.clip(np.round(lots), 1, 2_000_000).astype(np.int64)
