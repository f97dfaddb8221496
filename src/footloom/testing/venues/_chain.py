"""An index and its options beside a simulated future: made from the future's own tape, so that all of them agree.

A share of the future's trades, chosen by their time, happens in the index and in each option too: at the price that the
option is worth there (what it would pay, and something for the time that is left, less the further from the money).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import msgspec
import numpy as np

from footloom.core import nse
from footloom.core.chains import nse_expiry_ns
from footloom.core.instrument import Instrument
from footloom.core.sessions import DAY_NS
from footloom.core.trades import I64, Trades
from footloom.testing.venues.market import Listing

__all__ = ("DerivedListing", "chain_of")

_MS = 1_000_000
_IST_NS = 19_800 * 10**9
_STRIKES = 20  # on each side of the first price
_STEP = 50  # between two strikes, in the unit of prices
_ONE_IN, _INDEX_ONE_IN = 61, 7
_BASIS = 30  # the index is so much below its future
_TIME_VALUE, _WIDTH = 120.0, 300.0
_WALL, _ROUND = 200.0, 500  # how far from the money most is open; strikes that are held more
_DEEP = 5  # levels of the book on each side
_TUESDAY = 1
Price = Callable[[I64], I64]  # ticks of the future to ticks of what is derived


class DerivedListing(Listing):
    """A symbol whose trades are some of another's, at prices that follow from it; its book is a step around them."""

    def __init__(self, source: Listing, instrument: Instrument, price: Price, *, one_in: int, salt: int) -> None:
        self._source, self._derived, self._price = source, instrument, price
        self._one_in, self._salt = one_in, salt
        self._made_of = source.trades
        super().__init__(self._trades())

    def _trades(self) -> Trades:
        source = self._made_of = self._source.trades
        ms = source.ts_exch_ns // _MS
        rows = np.flatnonzero((ms * 2_654_435_761 + self._salt * 40_503) // 65_536 % self._one_in == 0)
        return Trades.build(
            self._derived,
            source.ts_exch_ns[rows],
            self._price(source.price_tick[rows]),
            source.qty_lot[rows],
            source.side[rows] if self._derived.option != "PE" else -source.side[rows],
            trade_id=np.arange(1, len(rows) + 1),
        )

    async def prepare(self, to_ns: int) -> None:  # noqa: ARG002 - what it is made of goes first
        """Make what will have happened by a time, once the other has."""
        if self._source.trades is not self._made_of:
            self.trades = self._trades()

    def open_interest(self) -> int:
        """Return what is open now, in units of whole contracts: most at a strike above for calls, below for puts."""
        strike, lot = self.instrument.strike, int(self.instrument.market_lot or 1)
        if strike is None:
            return super().open_interest()
        first = int(self._source.trades.price_tick[0]) * self.instrument.tick_size
        beyond = float(strike - first) * (1 if self.instrument.option == "CE" else -1)
        held = 2_000 + 9_000 * np.exp(-(((beyond - _WALL) / _WIDTH) ** 2)) + 6_000 * (int(strike) % _ROUND == 0)
        return (int(held) + self.row * 3) * lot

    def levels(self, depth: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Return the best levels of both sides, best first: one tick on each side of the last price."""
        if not self.row or self.instrument.kind == "index":
            return [], []
        last = int(self.trades.price_tick[self.row - 1])
        lot = int(self.instrument.market_lot or 1)
        sizes = [lot * (2 + (self.row * 7 + step * 13) % 29) for step in range(min(depth, _DEEP))]
        bids = [(last - 1 - step, size) for step, size in enumerate(sizes) if last - 1 - step > 0]
        return bids, [(last + 1 + step, size) for step, size in enumerate(sizes)]


def chain_of(future: Listing, index: str, option: Callable[[int], str], at_ns: int) -> list[Listing]:
    """Return an index and the options of its nearest expiry.

    Parameters
    ----------
    future
        The simulated future; its instrument says what it stands on.
    index
        Symbol of the index.
    option
        Symbol of the option of a number.
    at_ns
        When the market begins, ns UTC: the price then is in the middle of the strikes.
    """
    made = future.instrument
    row = max(0, int(np.searchsorted(future.trades.ts_exch_ns, at_ns)) - 1)
    ticks_a_step = int(_STEP / made.tick_size)
    basis = int(_BASIS / made.tick_size)
    middle = round((int(future.trades.price_tick[row]) - basis) / ticks_a_step)
    named = msgspec.structs.replace(
        made, symbol=index, kind="index", name=made.underlying, expiry_ns=None, market_lot=None
    )
    listings: list[Listing] = [DerivedListing(future, named, lambda ticks: ticks - basis, one_in=_INDEX_ONE_IN, salt=0)]
    expiry = _expiry(at_ns)
    sides = [(strike, kind) for strike in range(middle - _STRIKES, middle + _STRIKES + 1) for kind in ("CE", "PE")]
    for number, (strike, kind) in enumerate(sides):
        worth = Decimal(strike * _STEP)
        instrument = msgspec.structs.replace(
            made,
            symbol=option(number),
            kind="option",
            name=f"{made.underlying} {worth} {kind} {expiry:%d %b %y}".upper(),
            option=kind,
            strike=worth,
            expiry_ns=nse_expiry_ns(expiry),
        )
        price = _worth(strike * ticks_a_step, basis, float(made.tick_size), put=kind == "PE")
        listings.append(DerivedListing(future, instrument, price, one_in=_ONE_IN, salt=number + 1))
    return listings


# The next Tuesday, tomorrow at the earliest: weekly options of NIFTY end on Tuesdays, on the trading day before where
# that is a holiday.
def _expiry(at_ns: int) -> dt.date:
    today = dt.date(1970, 1, 1) + dt.timedelta(days=(at_ns + _IST_NS) // DAY_NS)
    tuesday = today + dt.timedelta(days=(_TUESDAY - today.weekday() - 1) % 7 + 1)
    day = _trading_day(tuesday)
    return day if day > today else _trading_day(tuesday + dt.timedelta(days=7))


def _trading_day(day: dt.date) -> dt.date:
    while not nse.hours_of("FO_OPT", day):
        day -= dt.timedelta(days=1)
    return day


def _worth(strike: int, basis: int, tick_size: float, *, put: bool) -> Price:
    def price(ticks: I64) -> I64:
        beyond = (strike - (ticks - basis)) if put else (ticks - basis - strike)
        rest = _TIME_VALUE * np.exp(-np.abs(beyond) * tick_size / _WIDTH) / tick_size
        worth: I64 = np.maximum(1, np.maximum(beyond, 0) + np.rint(rest).astype(np.int64))
        return worth

    return price
