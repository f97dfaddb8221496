"""Holes and the past of one tape, fetched over REST: the newest first, each row once, marked as fetched.

What a page holds is judged by the tape itself (`footloom.feeds.sequence`), so it does not matter what else brings the
same trades meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from footloom.core.messages import Gap, OffMarket, Trade
from footloom.errors import FootloomError, Refused
from footloom.feeds._splices import Page as Span
from footloom.feeds._symbol import Symbol
from footloom.feeds._tapes import TradeTape
from footloom.feeds.sequence import Hole
from footloom.venues._venue import Bases, Request

__all__ = ("Reach", "Repair")

_LOG = logging.getLogger(__name__)

_HAS_NOT = (400, 404)  # how venues answer where they do not remember so far back
_TRIES = 5
_PAGE = 1000  # rows that a page is asked for at most, everywhere
Page = list[Trade | OffMarket]


@dataclass(frozen=True, slots=True)
class Reach:
    """How far back rows are fetched, ns each: the past behind the live edge, and holes of earlier runs."""

    history_ns: int
    repair_ns: int


@dataclass(slots=True)
class Repair:
    """Mends one tape of one symbol.

    Parameters
    ----------
    symbol, tape
        Where rows go.
    venue
        Its module, or the calls of a tape beside its usual one.
    bases
        Its addresses.
    fetch
        Makes a call; the number is the share of the rate limit that it may fill.
    now_ns
        The time of receipts.
    asked
        With ``behind``: set by whoever wants the tape mended (`footloom.feeds._chores.Chores.keep_mending`).
    """

    symbol: Symbol
    tape: TradeTape
    venue: Any
    bases: Bases
    fetch: Callable[[Request, float], Awaitable[bytes]]
    now_ns: Callable[[], int]
    reach: Reach
    progress: float | None = None
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    behind: bool = True  # the venue may have newer trades than were heard, and no id tells of them
    _tries: dict[int, int] = field(default_factory=dict)  # holes that did not shrink, by their last id
    _audited: tuple[int | None, set[str]] = (None, set())  # what the last audit saw

    async def after_connecting(self) -> None:
        """Fetch what was missed while there was no connection, and then what lies behind.

        Raises
        ------
        FootloomError
            The venue does not answer; what could be mended is.
        """
        if self.tape.events is not None:
            await self._splice()
        else:
            await self._look_ahead()
            await self.mend()

    # Somebody may ask for it again meanwhile.
    async def _look_ahead(self) -> None:
        behind, self.behind = self.behind, False
        try:
            if behind:
                await self._catch_up()
        except FootloomError:
            self.behind = True
            raise

    async def mend(self) -> None:
        """Fetch what the holes lack, the newest first; one that does not shrink waits for another time."""
        if not hasattr(self.venue, "trades_from"):
            return
        stuck: set[int] = set()
        while True:
            floor_ns = self.tape.ids.top_ns - self.reach.repair_ns
            holes = [h for h in self.tape.ids.holes if not h.given_up and h.to_ns > floor_ns and h.last not in stuck]
            if not holes:
                break
            if not await self._fill(holes[-1]):
                stuck.add(holes[-1].last)
        self.symbol.add_gaps(self.tape.tape, self.tape.ids.trim())
        self._tries = {last: self._tries.get(last, 0) + 1 for last in stuck}
        for hole in [one for one in self.tape.ids.holes if self._tries.get(one.last, 0) >= _TRIES]:
            self._give_up(hole.first, hole.last)
            del self._tries[hole.last]

    @property
    def unfinished(self) -> bool:
        """Whether something is worth another try in a moment: the venue's history may lag behind its stream."""
        splices = self.symbol.splices.get(self.tape.tape)
        return bool(self._tries) or (splices is not None and splices.waiting)

    async def look_back(self) -> None:
        """Fetch the past behind the lowest trade that is known, page by page, as far as it shall reach."""
        ids = self.tape.ids
        if self.tape.events is not None or not self.reach.history_ns or not hasattr(self.venue, "trades_from"):
            return
        end_ns = ids.top_ns  # the market's own time: no clock of ours is asked
        floor_ns = end_ns - self.reach.history_ns
        while ids.low is not None and ids.low > 0 and ids.low_ns > floor_ns:
            self.progress = (end_ns - ids.low_ns) / self.reach.history_ns
            low = ids.low
            if not await self._below(low):
                break
        self.progress = None

    async def audit(self) -> None:
        """Look whether trades are missing that no id tells of: of events, and behind the newest trade.

        Raises
        ------
        FootloomError
            The venue does not answer.
        """
        if self.tape.events is not None:
            await self._audit_events()
            return
        top = self.tape.ids.top
        if top is not None and self._audited[0] != top and hasattr(self.venue, "trades_from"):
            self._audited = (top, set())
        elif top is not None and self._audited[1] != {"asked"} and hasattr(self.venue, "trades_from"):
            self._audited = (top, {"asked"})  # quiet since the last audit: once is enough
            await self._catch_up()

    async def found_newer(self) -> bool:
        """Say whether the venue has trades that were not heard, and take them in.

        Raises
        ------
        FootloomError
            The venue does not answer.
        """
        page = await self._page(self.venue.recent_trades(self.symbol.wanted.symbol, self.bases), 0.5)
        if self.tape.events is None:
            return self.symbol.take_page(self.tape.tape, page) > 0
        return self._take_events(page, self._whole(page)) > 0

    # No id says whether trades are missing between the newest one known and a full page behind it: so they are. A
    # connection whose loss has been noted tells its own gap (`Splices`).
    def _tell_what_lies_before(self, span: Span) -> None:
        events = self.tape.events
        if events is None or not events.top or span.reaches(events.top):
            return
        if self.symbol.splices[self.tape.tape].awaits_stream:
            return
        cause = self.symbol.cause(self.tape.tape) or "more trades were not sent than the venue's history holds"
        from_ns, to_ns = events.top_ns, max(span.oldest_ns, events.top_ns) + 1
        gap = Gap(symbol=self.symbol.wanted.symbol, from_ns=from_ns, to_ns=to_ns, cause=cause)
        self.symbol.add_gaps(self.tape.tape, [gap])
        self.symbol.splices[self.tape.tape].keep([gap])

    # Rows of a page, whole events all of them and without a hole between, and what they close.
    def _take_events(self, page: Page, rows: Page) -> int:
        if not rows:
            return 0
        oldest, newest = _trade_of(rows[0]), _trade_of(rows[-1])
        span = Span(
            begins=_trade_of(page[0]).seq or 0,
            oldest_ns=oldest.ts_exch_ns,
            newest=newest.seq or 0,
            newest_ns=newest.ts_exch_ns,
            full=len(page) >= _PAGE,
        )
        self._tell_what_lies_before(span)
        found = self.symbol.take_page(self.tape.tape, rows)
        self.symbol.add_gaps(self.tape.tape, self.symbol.splices[self.tape.tape].closed_by(span))
        return found

    # A print that the venue has told in two answers, or before the newest event heard, will not come any more.
    async def _audit_events(self) -> None:
        events = self.tape.events
        assert events is not None
        top = events.top
        page = await self._page(self.venue.recent_trades(self.symbol.wanted.symbol, self.bases), 0.5)
        whole = self._whole(page)
        due = [row for row in whole if (_trade_of(row).seq or 0) < top or _trade_of(row).uid in self._audited[1]]
        self._audited = (None, {_trade_of(row).uid for row in page})
        found = self._take_events(page, due)
        if found:
            _LOG.warning("%s %s: %d trades were not sent, and fetched", self.symbol.key, self.tape.tape, found)

    # The oldest event of a full page may be cut.
    def _whole(self, page: Page) -> Page:
        if len(page) < _PAGE:
            return page
        oldest = _trade_of(page[0]).seq or 0
        return [row for row in page if (_trade_of(row).seq or 0) != oldest]

    # --- ids that count

    # Everything behind the newest known id: the live stream of a quiet symbol may not show for an hour that something
    # was missed.
    async def _catch_up(self) -> None:
        ids = self.tape.ids
        if ids.top is None:
            await self._take(self.venue.recent_trades(self.symbol.wanted.symbol, self.bases), 1.0)
            return
        if not hasattr(self.venue, "trades_from"):
            return
        try:
            whole = len(await self._take_from(ids.top + 1, 1.0)) < _PAGE
        except Refused as error:  # longer ago than the venue remembers
            if error.status not in _HAS_NOT:
                raise
            whole = False
        # A long absence is mended from its newest end: the rows at the edge first, then the hole between.
        if not whole:
            await self._take(self.venue.recent_trades(self.symbol.wanted.symbol, self.bases), 1.0)

    async def _fill(self, hole: Hole) -> bool:
        start = max(hole.first, hole.last - _PAGE + 1)
        try:
            rows = await self._take_from(start, 1.0)
        except Refused as error:
            if error.status not in _HAS_NOT:
                raise
            self._give_up(hole.first, hole.last)  # longer ago than the venue remembers
            return True
        left = self.tape.ids.covered.missing(start, hole.last)
        if not left:
            return True
        reached = max((_trade_of(row).trade_id or 0 for row in rows), default=-1)
        if reached > left[0][1]:  # the venue has what follows, and not these
            self._give_up(*left[0])
            return True
        return left != [(start, hole.last)]

    async def _below(self, low: int) -> bool:
        start = max(0, low - _PAGE)
        try:
            await self._take_from(start, 0.75)
        except Refused as error:  # further back than the venue remembers
            if error.status not in _HAS_NOT:
                raise
            _LOG.info("%s: the past ends here: %s", self.symbol.key, error)
            return False
        left = self.tape.ids.covered.missing(start, low - 1)
        while left and left[-1][1] == low - 1:  # shorter pages than were asked for
            size = low - 1 - left[-1][0]
            await self._take_from(left[-1][0], 0.75)
            left = self.tape.ids.covered.missing(start, low - 1)
            if left and low - 1 - left[-1][0] >= size:
                return False
        return self.tape.ids.low is not None and self.tape.ids.low < low

    def _give_up(self, first: int, last: int) -> None:
        _LOG.warning(
            "%s %s: the venue does not have the trades %d to %d: their gap stays", self.symbol.key, self.tape.tape,
            first, last,
        )  # fmt: skip
        self.tape.ids.give_up(first, last)

    # --- ids that are made from match events

    # The venue gives its newest thousand trades and nothing else.
    async def _splice(self) -> None:
        page = await self._page(self.venue.recent_trades(self.symbol.wanted.symbol, self.bases), 1.0)
        self._take_events(page, self._whole(page) or page[-1:])

    # --- pages

    async def _take_from(self, trade_id: int, share: float) -> Page:
        request = self.venue.trades_from(self.symbol.wanted.symbol, trade_id, self.bases)
        return await self._take(request, share)

    async def _take(self, request: Request, share: float) -> Page:
        page = await self._page(request, share)
        self.symbol.take_page(self.tape.tape, page)
        return page

    async def _page(self, request: Request, share: float) -> Page:
        document = await self.fetch(request, share)
        page = self.venue.read_trades(document, self.symbol.wanted.symbol, self.now_ns())
        return [row for row in page if _trade_of(row).tape == self.tape.tape]


def _trade_of(row: Trade | OffMarket) -> Trade:
    return row.trade if isinstance(row, OffMarket) else row
