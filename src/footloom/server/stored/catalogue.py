"""What venues list, so that a symbol can be found before anything of it is stored."""

from __future__ import annotations

import asyncio
import difflib
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from footloom.core.instrument import Instrument
from footloom.errors import FootloomError
from footloom.feeds._instruments import Definitions
from footloom.feeds._venues import venue_named
from footloom.feeds.clock import ReceiptClock, SystemClock
from footloom.feeds.http import Http
from footloom.server.stored.found_symbols import SymbolFound, SymbolsFound, VenueListed
from footloom.venues._venue import Bases

__all__ = ("Catalogue",)

_FRESH_S = 6 * 3600.0
_AGAIN_S = 60.0  # after a failure
_PATIENCE_S = 2.0  # a search waits so long for lists that are under way
_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class _Listing:
    instruments: dict[str, Instrument] = field(default_factory=dict)
    error: str = ""
    until_s: float = float("-inf")
    task: asyncio.Task[None] | None = None


class Catalogue:
    """The lists of some venues, fetched when somebody searches, and kept for some hours.

    Parameters
    ----------
    bases
        The venues, and where they are.
    lacks_login
        Says of a venue what is missing, in words, where nobody has logged in to it; "" where nothing is.
    clock_s
        Seconds that only grow.
    """

    def __init__(
        self,
        bases: Mapping[str, Bases],
        lacks_login: Callable[[str], str] = lambda _venue: "",
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bases = dict(bases)
        self._lacks_login = lacks_login
        self._clock_s = clock_s
        self._listings = {name: _Listing() for name in bases}

    async def find(
        self, text: str, stored: Iterable[Instrument], live: frozenset[str], limit: int, venue: str = ""
    ) -> SymbolsFound:
        """Return what fits some words: what is stored first, then what the venues list.

        Where nothing is found yet it waits for lists that are on their way, two seconds at most; who asks again later
        finds more.
        """
        names = [name for name in self._bases if venue in {"", name}]
        locked = {name: said for name in names if (said := self._lacks_login(name))}
        own = [one for one in stored if venue in {"", one.venue}]
        tasks = {task for name in names if name not in locked and (task := self._refreshed(name)) is not None}
        until_s = asyncio.get_running_loop().time() + _PATIENCE_S
        while True:
            listed = [one for name in names if name not in locked for one in self._listings[name].instruments.values()]
            found = await asyncio.to_thread(_matching, text, own, listed, limit)
            left_s = until_s - asyncio.get_running_loop().time()
            if found or not tasks or not text.strip() or left_s <= 0:
                break
            _, tasks = await asyncio.wait(tasks, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
        keys = {one.key for one in own}
        rows = [
            SymbolFound(
                key=one.key,
                venue=one.venue,
                symbol=one.symbol,
                base=one.base,
                quote=one.quote,
                tick_size=f"{one.tick_size:f}",
                stored=one.key in keys,
                live=one.key in live,
            )
            for one in found
        ]
        return SymbolsFound(rows, [self._row(name, locked.get(name, "")) for name in names])

    def close(self) -> None:
        """End what is under way."""
        for listing in self._listings.values():
            if listing.task is not None:
                listing.task.cancel()

    def _row(self, name: str, locked: str) -> VenueListed:
        listing = self._listings[name]
        count = len(listing.instruments)
        if locked:
            return VenueListed(name, "needs_login", locked, 0)
        if count:
            return VenueListed(name, "listed", "", count)
        if listing.error:
            return VenueListed(name, "unreachable", listing.error, 0)
        return VenueListed(name, "loading", "its list is on its way: ask again", 0)

    def _refreshed(self, name: str) -> asyncio.Task[None] | None:
        listing = self._listings[name]
        if listing.task is None and self._clock_s() >= listing.until_s:
            listing.task = asyncio.create_task(self._fetch(name, listing))
        return listing.task if not listing.instruments else None

    async def _fetch(self, name: str, listing: _Listing) -> None:
        venue = venue_named(name)
        http = Http(venue.BUDGETS)
        try:
            definitions = Definitions(venue, self._bases[name], http, ReceiptClock(SystemClock()), None)
            listing.instruments = await definitions.fetch()
            listing.error, listing.until_s = "", self._clock_s() + _FRESH_S
        except FootloomError as error:
            _LOG.warning("the symbols of %s cannot be searched: %s", name, error)
            listing.error, listing.until_s = str(error), self._clock_s() + _AGAIN_S
        finally:
            listing.task = None
            await http.aclose()


# Every word must be there; a symbol that is the word, or begins with it, stands before one that holds it.
def _matching(text: str, own: Sequence[Instrument], listed: Sequence[Instrument], limit: int) -> list[Instrument]:
    words = text.upper().split()
    every = {one.key: one for one in (*listed, *own)}
    stored = {one.key for one in own}
    if not words:
        return sorted(own, key=lambda one: one.key)[:limit]
    scored = [(score, one) for one in every.values() if (score := _score(one, words)) is not None]
    if not scored:
        names = {one.symbol.upper(): one for one in every.values()}
        near = difflib.get_close_matches(words[-1].rpartition(":")[2], names, min(limit, 8))
        return [names[name] for name in near]
    scored.sort(key=lambda pair: (pair[0], pair[1].key not in stored, len(pair[1].symbol), pair[1].key))
    return [one for _, one in scored[:limit]]


def _score(one: Instrument, words: Sequence[str]) -> int | None:
    key, symbol = one.key.upper(), one.symbol.upper()
    facts = f"{key} {one.base.upper()} {one.quote.upper()}"
    if not all(word in facts for word in words):
        return None
    if any(word in {symbol, key} for word in words):
        return 0
    if any(symbol.startswith(word) or key.startswith(word) or one.base.upper() == word for word in words):
        return 1
    return 2
