"""The simulated market as a local venue trades it: endless, a day made as it is needed, the past for the asking."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
from collections import OrderedDict
from decimal import Decimal

import msgspec
import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.sessions import DAY_NS
from footloom.core.trades import Trades
from footloom.testing.venues._chain import chain_of
from footloom.testing.venues.market import Changes, Listing, Market
from footloom.venues.sim import DEFAULT_SEED, SimSession, book_changes, session, true_trades

__all__ = ("SimulatedListing", "simulated_market")

_EPOCH = dt.date(1970, 1, 1)
_MS = 1_000_000
_HISTORY_DAYS = 400
_KEPT_DAYS = 3
# venue -> (symbol, tick, lot, ticks added to the simulated ones, lots a simulated lot)
_SYMBOLS: dict[str, tuple[tuple[str, str, str, int, int], ...]] = {
    "binance_usdm": (("BTCUSDT", "0.1", "0.001", 874_000, 1), ("ETHUSDT", "0.01", "0.001", 262_500, 1)),
    "binance_spot": (("BTCUSDT", "0.01", "0.00001", 9_150_000, 37), ("ETHUSDT", "0.01", "0.0001", 262_500, 13)),
    "bybit_linear": (("BTCUSDT", "0.1", "0.001", 874_000, 1), ("ETHUSDT", "0.01", "0.01", 262_500, 1)),
    "upstox": (("NSE_FO|53001", "0.05", "1", 474_000, 75), ("NSE_FO|53002", "0.05", "1", 1_130_000, 35)),
    "angelone": (("NFO|53001", "0.05", "1", 474_000, 75), ("NFO|53002", "0.05", "1", 1_130_000, 35)),
}


# venue -> the index, and the option of a number, of the first of its symbols
_CHAINS = {
    "upstox": ("NSE_INDEX|Nifty 50", "NSE_FO|{}"),
    "angelone": ("NSE|99926000", "NFO|{}"),
}
_FIRST_OPTION = 60_001
_NAMES = ("NIFTY", "BANKNIFTY")
_FUTURE_DAYS = 21


def simulated_market(venue: str, start_ns: int, seed: int = DEFAULT_SEED, symbols: int = 2) -> Market:
    """Return an endless market with the symbols of a venue, open since the day before ``start_ns`` (ns UTC)."""
    listings: list[Listing] = [
        SimulatedListing(_instrument(venue, number, start_ns), start_ns, seed=seed + number, moved=(added, times))
        for number, (_, _, _, added, times) in enumerate(_SYMBOLS[venue][:symbols])
    ]
    if venue in _CHAINS:
        index, option = _CHAINS[venue]
        listings += chain_of(listings[0], index, lambda number: option.format(_FIRST_OPTION + number), start_ns)
    return _Endless(listings, start_ns)


# Indian symbols are open day and night here, and say so: the market is simulated whenever somebody wants to try it.
def _instrument(venue: str, number: int, start_ns: int) -> Instrument:
    symbol, tick, lot, _, times = _SYMBOLS[venue][number]
    plain = Instrument(venue=venue, symbol=symbol, tick_size=Decimal(tick), lot_size=Decimal(lot))
    if venue not in _CHAINS:
        return msgspec.structs.replace(plain, quote="USDT", base=symbol.removesuffix("USDT"))
    name = _NAMES[number]
    last = _EPOCH + dt.timedelta(days=start_ns // DAY_NS + _FUTURE_DAYS)
    return msgspec.structs.replace(
        plain,
        quote="INR",
        kind="future",
        name=f"{name} FUT {last:%d %b %y}".upper(),
        underlying=name,
        market_lot=Decimal(times),
        expiry_ns=int(dt.datetime.combine(last, dt.time(10), dt.UTC).timestamp()) * 10**9,
    )


class _Endless(Market):
    @property
    def end_ns(self) -> None:
        """The market never ends."""
        return


class SimulatedListing(Listing):
    """A symbol whose days are made from a seed, whole and without a gap."""

    def __init__(self, instrument: Instrument, start_ns: int, *, seed: int, moved: tuple[int, int]) -> None:
        self._seed, self._moved = seed, moved
        self._instrument = instrument
        self._past: OrderedDict[dt.date, Trades] = OrderedDict()
        self._extra = 0  # trades that were inserted: they move the ids of later days
        today = _EPOCH + dt.timedelta(days=start_ns // DAY_NS)
        self._last = today
        made = self._session(today)
        trades = Trades.concat([self._trades(self._session(today - dt.timedelta(days=1))), self._trades(made)])
        super().__init__(trades, self._changes(made))
        self._shift_ns = 0

    def _session(self, day: dt.date) -> SimSession:
        return session(self._seed, day)

    def _trades(self, made: SimSession) -> Trades:
        true = true_trades(made, made.start_ns, made.end_ns)
        added, times = self._moved
        return Trades.build(
            self._instrument,
            true.ts_exch_ns // _MS * _MS,
            true.price_tick + added,
            true.qty_lot * times,
            true.side,
            trade_id=true.trade_id,
        )

    def _changes(self, made: SimSession) -> Changes:
        changes = book_changes(made, made.start_ns, made.end_ns)
        added, times = self._moved
        return Changes(changes.ts_ns // _MS * _MS, changes.side, changes.price_tick + added, changes.qty_lot * times)

    def insert(self, rows: Trades) -> None:
        """Add trades that have not happened yet; the ids of what follows move on."""
        super().insert(rows)
        self._extra += len(rows)

    def shift(self, by_ns: int) -> None:
        """Let everything happen at another time."""
        super().shift(by_ns)
        self._shift_ns += by_ns

    async def prepare(self, to_ns: int) -> None:
        """Make the days up to a time; making one takes a good part of a second, in a thread."""
        while (self._last - _EPOCH).days * DAY_NS + DAY_NS + self._shift_ns <= to_ns:
            day = self._last + dt.timedelta(days=1)
            made = await asyncio.to_thread(self._session, day)
            self._append(made)
            self._last = day

    def _append(self, made: SimSession) -> None:
        fresh = self._trades(made)
        fresh = dataclasses.replace(
            fresh,
            ts_exch_ns=fresh.ts_exch_ns + self._shift_ns,
            ts_recv_ns=fresh.ts_recv_ns + self._shift_ns,
            trade_id=fresh.trade_id + self._extra,
        )
        self.trades = Trades.concat([self.trades, fresh])
        # The new day's book begins empty: what rested at midnight goes first.
        changes = self._changes(made)
        changes = changes._replace(ts_ns=changes.ts_ns + self._shift_ns)
        self.changes = self._midnight(made).then(changes)
        self.change = 0

    # What is still to come of the old day, and the removal of all that it leaves behind.
    def _midnight(self, made: SimSession) -> Changes:
        rest = self.changes.take(slice(self.change, None))
        levels = {(1, tick) for tick in self.bids} | {(-1, tick) for tick in self.asks}
        levels |= set(zip(rest.side.tolist(), rest.price_tick.tolist(), strict=True))
        sides = np.array([side for side, _ in levels], np.int8)
        gone = Changes(
            np.full(len(levels), made.start_ns + self._shift_ns - _MS, np.int64),
            sides,
            np.array([tick for _, tick in levels], np.int64),
            np.zeros(len(levels), np.int64),
        )
        return rest.then(gone)

    def day(self, day: dt.date, now_ns: int) -> Trades | None:
        """Return the tape of a UTC day that is over; days long before the start are made anew."""
        here = super().day(day, now_ns)
        first_here = int(self.trades.ts_exch_ns[0]) // DAY_NS
        number = (day - _EPOCH).days
        if here is not None or self._shift_ns or not first_here - _HISTORY_DAYS <= number < first_here:
            return here
        if day not in self._past:
            self._past[day] = self._trades(self._session(day))
            while len(self._past) > _KEPT_DAYS:
                self._past.popitem(last=False)
        return self._past[day]
