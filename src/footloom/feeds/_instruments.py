"""What a venue trades, as it says itself: asked for at the start and once a day, kept with dates."""

from __future__ import annotations

import asyncio
import difflib
import logging
from collections.abc import Collection, Iterable
from typing import Any

import msgspec

from footloom.core.instrument import Instrument
from footloom.errors import FootloomError, NotStored
from footloom.feeds.clock import ReceiptClock
from footloom.feeds.http import Http
from footloom.store import Store
from footloom.venues._venue import Bases

__all__ = ("Definitions", "not_listed")

_LOG = logging.getLogger(__name__)
_MOST_PAGES = 50
_FRESH_NS = 180 * 10**9
_DAY_NS = 86_400 * 10**9
_FEW = 5  # names of a venue that are told where none is like the one asked for
_FAR = 0.4  # how alike a name has to be that was written in other letters
_SPOT_NS = 5 * 86_400 * 10**9  # longer than any market rests


class Definitions:
    """The instruments of one venue."""

    def __init__(self, venue: Any, bases: Bases, http: Http, receipts: ReceiptClock, store: Store | None) -> None:
        self._venue = venue
        self._bases = bases
        self._http = http
        self._receipts = receipts
        self._store = store
        self.unknown: dict[str, str] = {}
        self._listed: dict[str, Instrument] = {}
        self._listed_ns: int | None = None
        self._fetching = asyncio.Lock()

    async def resolve(self, name: str, credentials: dict[str, str]) -> str:
        """Return the symbol that a name of people means now; a symbol is its own.

        Raises
        ------
        ConfigError
            The name has no known form.
        FootloomError
            The venue lists no such thing, or does not answer.
        """
        if self._stored(name) is not None:
            return name
        listed = await self.listed()
        if name in self._listed:
            return name
        now_ns = self._receipts.now_ns()
        underlying = self._venue.spot_of(name, listed) if hasattr(self._venue, "spot_of") else None
        spot = None if underlying is None else await self.price(underlying, credentials)
        symbol: str = self._venue.resolve(name, listed, now_ns, spot)
        if hasattr(self._venue, "futures_of"):  # a continuous future is made of all of them, whichever is recorded
            for one in self._venue.futures_of(name, listed, now_ns):
                await self._keep(one)
        return symbol

    async def listed(self) -> list[Instrument]:
        """Return what the venue lists, as it said last.

        Raises
        ------
        FootloomError
            It was not asked yet, and does not answer.
        """
        async with self._fetching:
            if not self._listed:
                await self._fetch_all()
        return list(self._listed.values())

    def expiry_ns(self, symbol: str) -> int | None:
        """Return when a symbol ends, None where it does not or is not listed."""
        one = self._listed.get(symbol) or self._stored(symbol)
        return None if one is None else one.expiry_ns

    async def _fetch_all(self) -> None:
        self._listed = await self.fetch()
        self._listed_ns = self._receipts.now_ns()

    async def price(self, symbol: str, credentials: dict[str, str]) -> str | None:
        """Return the close of the newest candle, None where there is none.

        Raises
        ------
        FootloomError
            The venue does not answer.
        """
        now_ns = self._receipts.now_ns()
        asked = [self._venue.candles(symbol, now_ns - _SPOT_NS, now_ns, self._bases, credentials)]
        if hasattr(self._venue, "candles_today"):
            asked.insert(0, self._venue.candles_today(symbol, self._bases, credentials))
        for request in asked:
            candles = self._venue.read_candles(await self._http.get(request))
            if candles:
                close: str = candles[-1].close
                return close
        return None

    async def previous_interest(self, index: str, expiry: str, credentials: dict[str, str]) -> dict[str, str]:
        """Return what was open of an index's options at the previous day's close, by symbol; empty where nobody says.

        Raises
        ------
        FootloomError
            The venue does not answer.
        """
        if not hasattr(self._venue, "read_previous_interest"):
            return {}
        request = self._venue.option_chain(index, expiry, self._bases, credentials)
        found: dict[str, str] = self._venue.read_previous_interest(await self._http.get(request))
        return found

    async def fetch(self) -> dict[str, Instrument]:
        """Ask the venue for everything it lists, by symbol.

        Raises
        ------
        FootloomError
            It does not answer, or not as documented.
        """
        request = self._venue.instruments_request(self._bases)
        found: dict[str, Instrument] = {}
        for _ in range(_MOST_PAGES):
            document = await self._http.get(request)
            now_ns = self._receipts.now_ns()
            listed = await asyncio.to_thread(self._venue.instruments, document, now_ns)
            found |= {one.symbol: one for one in listed}
            follow = getattr(self._venue, "instruments_next", None)
            request = follow(document, self._bases) if follow is not None else None
            if request is None:
                break
        return found

    async def of(self, symbols: Iterable[str], *, again: bool = True) -> dict[str, Instrument]:
        """Return some instruments, as the venue has them now; where it does not answer, as they are stored.

        Without ``again`` a list of the last minutes will do, and an older one for what stands in it.
        What differs from what is stored is stored with today's date. What the venue does not list goes into
        ``unknown``, in words.

        Raises
        ------
        FootloomError
            The venue does not answer, and the store does not know them.
        """
        wanted = list(symbols)
        try:
            async with self._fetching:
                if again or not self._is_known(wanted):
                    await self._fetch_all()
        except FootloomError as error:
            stored = {name: self._stored(name) for name in wanted}
            if any(one is None for one in stored.values()):
                raise
            _LOG.warning("the instruments of %s stay as they are stored: %s", self._venue.VENUE, error)
            return {name: one for name, one in stored.items() if one is not None}
        listed = self._listed
        for name in wanted:
            self.unknown.pop(name, None)
            if name not in listed:
                self.unknown[name] = not_listed(self._venue.VENUE, name, listed)
        return {name: await self._keep(listed[name]) for name in wanted if name in listed}

    def _is_known(self, names: Iterable[str]) -> bool:
        if self._listed_ns is None:
            return False
        age_ns = self._receipts.now_ns() - self._listed_ns
        return age_ns < _FRESH_NS or (age_ns < _DAY_NS and all(name in self._listed for name in names))

    # The date of a definition is that of the first time it was seen so.
    async def _keep(self, instrument: Instrument) -> Instrument:
        known = self._stored(instrument.symbol)
        if known is not None and _alike(known, instrument):
            return known
        if self._store is not None:
            await asyncio.to_thread(self._store.put_instrument, instrument)
        if known is not None:
            _LOG.warning(
                "%s is defined anew: tick %s, lot %s (before: %s, %s)", instrument.key, instrument.tick_size,
                instrument.lot_size, known.tick_size, known.lot_size,
            )  # fmt: skip
        return instrument

    def _stored(self, symbol: str) -> Instrument | None:
        if self._store is None:
            return None
        try:
            return self._store.instrument(f"{self._venue.VENUE}:{symbol}")
        except NotStored:
            return None


def not_listed(venue: str, symbol: str, listed: Collection[str]) -> str:
    """Return what to say of a symbol that a venue does not list."""
    near = difflib.get_close_matches(symbol, listed, n=3) or difflib.get_close_matches(
        symbol.upper(), listed, n=3, cutoff=_FAR
    )
    few = near or sorted(listed)[:_FEW]
    others = f" and {len(listed) - len(few):,} others" if not near and len(listed) > len(few) else ""
    return f"{venue} does not list {symbol}; it lists {', '.join(few) or 'nothing'}{others}"


def _alike(one: Instrument, other: Instrument) -> bool:
    undated = [msgspec.structs.replace(each, valid_from_ns=None, valid_to_ns=None) for each in (one, other)]
    return undated[0] == undated[1]
