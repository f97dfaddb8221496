"""What a venue trades, as it says itself: asked for at the start and once a day, kept with dates."""

from __future__ import annotations

import asyncio
import difflib
import logging
from collections.abc import Iterable
from typing import Any

import msgspec

from footloom.core.instrument import Instrument
from footloom.errors import FootloomError, NotStored
from footloom.feeds.clock import ReceiptClock
from footloom.feeds.http import Http
from footloom.store.files import Store
from footloom.venues._venue import Bases

__all__ = ("Definitions",)

_LOG = logging.getLogger(__name__)
_MOST_PAGES = 50
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
        self._listed = self._listed or await self.fetch()
        if name in self._listed:
            return name
        now_ns, listed = self._receipts.now_ns(), list(self._listed.values())
        underlying = self._venue.spot_of(name, listed) if hasattr(self._venue, "spot_of") else None
        spot = None if underlying is None else await self._price(underlying, now_ns, credentials)
        symbol: str = self._venue.resolve(name, listed, now_ns, spot)
        return symbol

    # The close of the newest candle: what the money is at.
    async def _price(self, symbol: str, now_ns: int, credentials: dict[str, str]) -> str | None:
        asked = [self._venue.candles(symbol, now_ns - _SPOT_NS, now_ns, self._bases, credentials)]
        if hasattr(self._venue, "candles_today"):
            asked.insert(0, self._venue.candles_today(symbol, self._bases, credentials))
        for request in asked:
            candles = self._venue.read_candles(await self._http.get(request))
            if candles:
                close: str = candles[-1].close
                return close
        return None

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

    async def of(self, symbols: Iterable[str]) -> dict[str, Instrument]:
        """Return some instruments, as the venue has them now; where it does not answer, as they are stored.

        What differs from what is stored is stored with today's date. What the venue does not list goes into
        ``unknown``, in words.

        Raises
        ------
        FootloomError
            The venue does not answer, and the store does not know them.
        """
        wanted = list(symbols)
        try:
            listed = await self.fetch()
            self._listed = listed
        except FootloomError as error:
            stored = {name: self._stored(name) for name in wanted}
            if any(one is None for one in stored.values()):
                raise
            _LOG.warning("the instruments of %s stay as they are stored: %s", self._venue.VENUE, error)
            return {name: one for name, one in stored.items() if one is not None}
        for name in wanted:
            if name not in listed:
                near = difflib.get_close_matches(name, listed, 5)
                hint = f"; it lists {', '.join(near)}" if near else ""
                self.unknown[name] = f"{self._venue.VENUE} does not list {name}{hint}"
        return {name: await self._keep(listed[name]) for name in wanted if name in listed}

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


def _alike(one: Instrument, other: Instrument) -> bool:
    undated = [msgspec.structs.replace(each, valid_from_ns=None, valid_to_ns=None) for each in (one, other)]
    return undated[0] == undated[1]
