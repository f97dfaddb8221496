"""Stored volume against the venue's own minute candles, for venues that tell no trades of the past."""

from __future__ import annotations

import asyncio
import datetime as dt
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from footloom.core.decimals import from_units, to_units
from footloom.core.instrument import Instrument
from footloom.core.trades import I64
from footloom.errors import NotStored
from footloom.feeds._fetch_report import Compared, Watcher
from footloom.feeds.http import Http
from footloom.store import Store
from footloom.venues._venue import Bases, Candle

__all__ = ("Check", "compared")

_MINUTE_NS = 60_000_000_000
_DAY_NS = 86_400_000_000_000
_WORST = 5


@dataclass
class Check:
    """Compares one symbol."""

    venue: Any
    http: Http
    bases: Bases
    store: Store
    credentials: Mapping[str, str]
    watcher: Watcher

    async def compare(self, symbol: str, from_ns: int, to_ns: int) -> Compared:
        """Ask for the candles of a range and compare them with what is stored.

        Raises
        ------
        VenueError
            The venue does not answer, or wants a login.
        NotStored
            Nothing is stored of the symbol.
        """
        key = f"{self.venue.VENUE}:{symbol}"
        stored, unseen, instrument = await asyncio.to_thread(_stored_minutes, self.store, key, from_ns, to_ns)
        self.watcher.say(f"{key}: minute candles, to compare with {len(stored):,} minutes that are stored")
        candles = await self._candles(symbol, from_ns, to_ns)
        venue: dict[int, int] = {}
        for candle in candles:
            if from_ns <= candle.open_ns < to_ns:
                venue[candle.open_ns // _MINUTE_NS] = to_units(candle.volume, instrument.lot_size, "volume")
        return compared(stored, {at: lots for at, lots in venue.items() if lots}, unseen, instrument)

    async def _candles(self, symbol: str, from_ns: int, to_ns: int) -> list[Candle]:
        span_ns = getattr(self.venue, "CANDLE_SPAN_NS", _DAY_NS)
        secrets = dict(self.credentials)
        found: list[Candle] = []
        begin_ns = from_ns
        while begin_ns < to_ns:
            end_ns = min(begin_ns + span_ns, to_ns)
            request = self.venue.candles(symbol, begin_ns, end_ns, self.bases, secrets)
            found += self.venue.read_candles(await self.http.get(request, share=0.75))
            begin_ns = end_ns
        if hasattr(self.venue, "candles_today"):
            request = self.venue.candles_today(symbol, self.bases, secrets)
            found += self.venue.read_candles(await self.http.get(request, share=0.75))
        return found


# Lots by minute (since 1970, UTC): what traded by the snapshots; and of what nobody saw how, which is of many minutes,
# the minute in which it was over.
def _stored_minutes(
    store: Store, key: str, from_ns: int, to_ns: int
) -> tuple[dict[int, int], dict[int, int], Instrument]:
    from footloom.feeds.stored import stored_inference

    if not any(day.tape == "snapshot" for day in store.coverage(key)):
        raise NotStored(f"nothing is stored of {key}: record it first, then its volume can be compared")
    found = stored_inference(store, key, from_ns, to_ns)
    seen = _by_minute(found.trades.ts_exch_ns, found.trades.qty_lot)
    return seen, _by_minute(found.unattributed_ns, found.unattributed_lot), found.trades.instrument


def _by_minute(times: I64, lots: I64) -> dict[int, int]:
    minutes: dict[int, int] = {}
    for at, lot in zip((times // _MINUTE_NS).tolist(), lots.tolist(), strict=True):
        minutes[at] = minutes.get(at, 0) + lot
    return minutes


def compared(
    stored: Mapping[int, int], venue: Mapping[int, int], unseen: Mapping[int, int], instrument: Instrument
) -> Compared:
    """Return how two volumes by minute (lots, minutes since 1970 UTC) differ.

    Minutes with ``unseen`` volume, of a start or a gap, are not compared: it is of the minutes before them too.
    """
    both = sorted((stored.keys() & venue.keys()) - unseen.keys())
    ratios = [stored[at] / venue[at] for at in both]
    worst = sorted(both, key=lambda at: abs(stored[at] - venue[at]), reverse=True)[:_WORST]

    def text(lots: int) -> str:
        return from_units(lots, instrument.lot_size)

    def total(minutes: Mapping[int, int], among: Sequence[int]) -> str:
        return text(sum(minutes[at] for at in among))

    return Compared(
        minutes=len(both),
        alike=sum(stored[at] == venue[at] for at in both),
        only_venue=len(venue.keys() - stored.keys()),
        only_stored=len(stored.keys() - venue.keys()),
        stored=total(stored, both),
        venue=total(venue, both),
        unseen=len(unseen),
        unseen_volume=text(sum(unseen.values())),
        median_ratio=round(statistics.median(ratios), 6) if ratios else None,
        worst=[(_iso(at), text(stored[at]), text(venue[at])) for at in worst if stored[at] != venue[at]],
    )


def _iso(minute: int) -> str:
    moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=minute)
    return f"{moment:%Y-%m-%dT%H:%MZ}"
