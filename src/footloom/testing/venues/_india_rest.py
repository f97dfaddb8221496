"""Minute candles of a tape, as venues serve them, and India's clock."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import numpy as np

from footloom.core.trades import Trades
from footloom.testing.venues._grid import Grid

__all__ = ("IST", "Minute", "after_hour", "minutes")

IST = dt.timezone(dt.timedelta(hours=5, minutes=30))
_MINUTE_NS = 60 * 10**9
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Minute(NamedTuple):
    """One candle; prices as text, ``at`` in India's time."""

    at: dt.datetime
    open: str
    high: str
    low: str
    close: str
    volume: int


def minutes(trades: Trades, grid: Grid) -> list[Minute]:
    """Return the candles of trades, oldest first."""
    if not len(trades):
        return []
    minute = trades.ts_exch_ns // _MINUTE_NS
    starts = np.flatnonzero(np.r_[True, np.diff(minute) != 0])
    ends = np.r_[starts[1:], len(trades)] - 1
    highs, lows = np.maximum.reduceat(trades.price_tick, starts), np.minimum.reduceat(trades.price_tick, starts)
    volume = np.add.reduceat(trades.qty_lot, starts)
    return [
        Minute(
            at=(_EPOCH + dt.timedelta(minutes=int(minute[start]))).astimezone(IST),
            open=grid.price(int(trades.price_tick[start])),
            high=grid.price(int(highs[row])),
            low=grid.price(int(lows[row])),
            close=grid.price(int(trades.price_tick[ends[row]])),
            volume=int(volume[row]),
        )
        for row, start in enumerate(starts.tolist())
    ]


def after_hour(now_ns: int, hour: int, minute: int) -> int:
    """Return the next instant at which clocks in India show a time, ns UTC."""
    now = (_EPOCH + dt.timedelta(microseconds=now_ns // 1000)).astimezone(IST)
    due = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if due <= now:
        due += dt.timedelta(days=1)
    return round((due - _EPOCH).total_seconds()) * 10**9
