"""Minute candles of a tape, as venues serve them, India's clock, and what a symbol is called."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import NamedTuple

import msgspec
import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.testing.venues._grid import Grid
from footloom.testing.venues.market import Listing

__all__ = ("ALWAYS", "IST", "Minute", "after_hour", "described", "minutes")

ALWAYS = "crypto"  # the calendar of what is open day and night

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


def described(listing: Listing, number: int, today: dt.date) -> Instrument:
    """Return what a master says of a listing; a bare derivative is a future of NIFTY or BANKNIFTY.

    A tape without a word on what it is trades in the hours of its exchange.
    """
    one = listing.instrument
    segment, _, token = one.symbol.partition("|")
    if one.kind:
        return one
    if segment not in {"NSE_FO", "NFO"}:
        return msgspec.structs.replace(one, name=one.name or token, calendar="")
    name, last = ("NIFTY", "BANKNIFTY")[number % 2], today + dt.timedelta(days=21)
    return msgspec.structs.replace(
        one,
        calendar="",
        kind="future",
        name=f"{name} FUT {last:%d %b %y}".upper(),
        underlying=name,
        market_lot=Decimal(75),
        expiry_ns=int(dt.datetime.combine(last, dt.time(18, 29, 59), dt.UTC).timestamp()) * 10**9,
    )
