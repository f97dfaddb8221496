"""Everything that is heard of one symbol between two commits."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from footloom.core.instrument import Instrument
from footloom.core.messages import (
    BookUpdate,
    Gap,
    Liquidation,
    MarkPrice,
    OffMarket,
    OpenInterest,
    Quote,
    Tick,
    Trade,
)
from footloom.core.series import Series
from footloom.core.ticks import Merger, Refusal
from footloom.core.trades import Trades
from footloom.errors import DataError
from footloom.feeds._books import DEPTH, BookTape
from footloom.feeds._grid import refined
from footloom.feeds._side import SideTapes
from footloom.feeds._splices import Splices
from footloom.feeds._tapes import Held, Taken, TradeTape
from footloom.feeds._ticks import SNAPSHOT, Seen, SnapshotTape
from footloom.feeds.flow import Arrival, FeedState
from footloom.feeds.flow import Quote as BestQuote
from footloom.venues._venue import Wanted

__all__ = ("TRADE_TAPES", "Symbol")

_LOG = logging.getLogger(__name__)

TRADE_TAPES = ("agg_trade", "trade")
_MOST_REFUSED = 1000  # messages that wait for another definition


class Symbol:
    """One symbol of one venue: its tapes, and what came since the last `arrivals`.

    ``main`` is the tape that its charts are made from by default, ``messages`` counts what was understood.
    """

    def __init__(self, wanted: Wanted, instrument: Instrument, venue: Any, shown_only: frozenset[str]) -> None:
        self.wanted = wanted
        self.main: str = venue.TAPE
        self._fetched = frozenset({venue.TAPE, *getattr(venue, "OTHER_TAPES", ())})  # tapes that are fetched again
        self.messages = 0
        self.wake: Callable[[], None] = lambda: None  # called when a page has come
        self._begun = False
        self._defined = instrument  # as the venue has it; rows may stand on a finer grid
        self.told: list[str] = []  # what was wrong with messages, not told yet
        self.refused: list[Refusal] = []  # messages that the grid does not take
        self.side = SideTapes(instrument, wanted.streams - shown_only, self.told.append)
        self._seen: list[Seen] = []  # snapshots on an earlier definition
        self.snapshots: SnapshotTape | None = None
        self.book: BookTape | None = None
        self.tapes: dict[str, TradeTape] = {}
        self._cause: dict[str, str] = {}
        self.splices: dict[str, Splices] = {}  # of tapes whose ids tell of no hole
        self._pages: dict[str, list[Taken]] = {}
        self._gaps: dict[str, list[Gap]] = {}
        self.widen(wanted, venue, shown_only)

    def widen(self, wanted: Wanted, venue: Any, shown_only: frozenset[str]) -> list[str]:
        """Take in more streams from here on; returns the tapes of trades that are new."""
        self.wanted, recorded = wanted, self.side.widen(wanted, shown_only)
        instrument = self.instrument
        if self.snapshots is None and SNAPSHOT in wanted.streams:
            self.snapshots = SnapshotTape(instrument)
        if self.book is None and DEPTH in wanted.streams and hasattr(venue, "BOOK"):
            levels = wanted.depth or getattr(venue, "BOOK_DEPTH", None)
            self.book = BookTape(instrument, venue.BOOK, levels, recorded=DEPTH in recorded)
        if self.book is not None:
            self.book.recorded = DEPTH in recorded
        new = [tape for tape in TRADE_TAPES if tape in wanted.streams and tape not in self.tapes]
        for name in new:
            tape = TradeTape(instrument, name, by_event=getattr(venue, "IDS_BY_EVENT", False))
            self.tapes[name] = tape
            self._cause[name], self._pages[name], self._gaps[name] = "", [], []
            if tape.events is not None:
                self.splices[name] = Splices(wanted.symbol)
        self.main = venue.TAPE if venue.TAPE in wanted.streams else next(iter(self.tapes), venue.TAPE)
        return new

    @property
    def instrument(self) -> Instrument:
        """The definition that new rows stand on."""
        return self.side.grid.instrument

    @property
    def key(self) -> str:
        """``venue:symbol``."""
        return self.instrument.key

    def handlers(self, *, twice: Callable[[], bool]) -> dict[type, Callable[..., None]]:
        """Return what takes in the messages that are not trades; ``twice`` says whether two connections deliver."""
        side = self.side
        return {
            OffMarket: self._add_off_market,
            Tick: self._add_tick,
            BookUpdate: self._add_book,
            MarkPrice: side.add_mark,
            OpenInterest: side.add_interest,
            Quote: side.add_quote,
            Liquidation: lambda message: side.add_liquidation(message, twice=twice()),
        }

    def _add_off_market(self, message: OffMarket) -> None:
        tape = self.tapes.get(message.trade.tape)
        if tape is not None:
            tape.add_off_market(message)

    def _add_tick(self, message: Tick) -> None:
        if self.snapshots is not None:
            self.snapshots.add(message)
        self.side.add_tick(message)

    # Bybit's stream of one level, which carries the best quote, is no book where more levels are wanted.
    def _add_book(self, message: BookUpdate) -> None:
        if self.book is not None and (message.depth != 1 or self.wanted.depth == 1):
            self.book.add(message)

    # --- holes

    def missed(self, cause: str, lost_ns: int, now_ns: int, streams: frozenset[str] | None = None) -> None:
        """Note that nothing was heard of some streams (left out: of any) for a while; ids say later what that cost."""
        lost = self.wanted.streams if streams is None else streams
        self.missed_trades(cause, lost_ns, now_ns, lost)
        if self.snapshots is not None:
            self.snapshots.missed(cause, now_ns)
        if self.book is not None and DEPTH in lost:
            self.book.missed(cause)
        gap = Gap(symbol=self.wanted.symbol, from_ns=lost_ns, to_ns=max(now_ns, lost_ns + 1), cause=cause)
        self.side.missed(gap, lost)

    def muted(self, cause: str, heard_ns: int) -> None:
        """Note that nothing was heard until ``heard_ns`` on a connection that stood.

        What a broker conflates meanwhile traded at quotes that nobody saw. Ids tell by themselves.
        """
        if self.snapshots is not None:
            self.snapshots.missed(cause, heard_ns)

    def missed_trades(self, cause: str, _lost_ns: int, now_ns: int, streams: Iterable[str] = TRADE_TAPES) -> None:
        """Note that until ``now_ns`` no trades were heard; whatever else there is goes on."""
        for name in self.tapes.keys() & streams:
            tape = self.tapes[name]
            self._cause[name] = cause
            if tape.events is not None:
                self.splices[name].lost(tape.events.top, tape.events.top_ns, now_ns, cause)

    def cause(self, tape: str) -> str:
        """Return why trades may be missing before the next ones, "" where nothing is known."""
        return self._cause[tape]

    def take_page(self, tape: str, page: list[Trade | OffMarket]) -> int:
        """Take in a page of the venue's history; returns how many of its rows were new."""
        taken = self.tapes[tape].take_page(page, self._cause[tape])
        self._pages[tape].append(taken)
        self.wake()
        return len(taken.trades) + len(taken.off_market)

    def add_gaps(self, tape: str, gaps: Iterable[Gap]) -> None:
        """Note gaps of a tape, or that they are healed."""
        self._gaps[tape] += gaps

    def heard_first(self, found: Sequence[Arrival]) -> bool:
        """Say, once, that live trades have begun: what the venue had before them can be asked for without a hole."""
        if self._begun or not any(len(one.trades) for one in found):
            return False
        self._begun = True
        return True

    # --- another grid

    @property
    def off_grid(self) -> list[Held]:
        """Rows that wait for a new definition of the instrument."""
        return [row for tape in self.tapes.values() for row in tape.held]

    def adopt(self, instrument: Instrument) -> None:
        """Let new rows stand on what the venue says, where it says something else than before."""
        if not _same_grid(self._defined, instrument):
            self._defined = instrument
            self.redefine(instrument)

    def refine(self) -> None:
        """Let new rows stand on a finer grid, that holds those which wait for one: nothing is lost for its price."""
        trades, ticks = [held.trade for held in self.off_grid], [one.tick for one in self.refused]
        prices = [row.price for row in trades] + [text for row in ticks for text in (row.ltp, row.bid, row.ask) if text]
        sizes = [row.qty for row in trades] + [text for row in ticks for text in _sizes(row) if text]
        finer = refined(self.instrument, prices, sizes)
        why = self.off_grid[0].why if trades else self.refused[0].reason
        _LOG.error(
            "%s is off its own grid (%s): recorded with tick %s and lot %s from here on",
            self.key,
            why,
            finer.tick_size,
            finer.lot_size,
        )
        self.redefine(finer)
        fitting = [one for one in self.refused if not Merger(finer).take([one.tick]).refused]
        if self.snapshots is not None:
            for one in fitting:
                self.snapshots.add(one.tick)
        self.refused = [one for one in self.refused if one not in fitting]

    def redefine(self, instrument: Instrument) -> None:
        """Let new rows stand on another definition; what waited for it is tried again."""
        self.side.renew(instrument)
        if self.snapshots is not None:
            self._seen.append(self.snapshots.take())
            self.snapshots.renew(instrument)
        if self.book is not None:
            self.book.renew(instrument)
        for name, tape in self.tapes.items():
            self._pages[name].append(tape.take(self._cause[name]))  # what came before stands on the old one
            tape.renew(instrument)
            self._pages[name].append(tape.take_held())

    def give_up_off_grid(self) -> list[Held]:
        """Return the rows that no definition takes: their places in the tapes become gaps."""
        lost = []
        for name, tape in self.tapes.items():
            for row in tape.held:
                at_ns = row.trade.ts_exch_ns
                cause = f"off the grid, kept in quarantine: {row.why}"
                gap = Gap(symbol=self.wanted.symbol, from_ns=at_ns, to_ns=at_ns + 1, cause=cause, missing=1)
                self._gaps[name].append(gap)
            lost += tape.held
            tape.held = []
        return lost

    # --- towards the journal

    @property
    def has_news(self) -> bool:
        """Whether anything came since the last time."""
        return bool(
            any(tape.waiting for tape in self.tapes.values())
            or self.side.waiting
            or (self.snapshots is not None and (self.snapshots.waiting or self._seen))
            or (self.book is not None and self.book.waiting)
            or any(self._pages.values())
            or any(self._gaps.values())
        )

    def arrivals(self, until_ns: int, state: FeedState) -> list[Arrival]:
        """Return what came since the last time: an arrival a tape, the side tapes with the first."""
        series, logs, side_gaps = self._beside(until_ns)
        found: list[Arrival] = []
        if self.snapshots is not None:
            found += self._of_snapshots(self.snapshots, until_ns, state, (series, logs, side_gaps))
        quote = self._best_quote()
        for place, name in enumerate(self._ordered()):
            for trades, beside, gaps in self._taken(name):
                first = not place and not found
                found.append(
                    Arrival(
                        key=self.key,
                        block=trades,
                        trades=trades,
                        until_ns=until_ns,
                        gaps=gaps,
                        quote=quote,
                        state=state,
                        series=tuple(series) if first else (),
                        logs=(*(logs if first else ()), *((beside,) if len(beside) else ())),
                        side_gaps=tuple(side_gaps) if first else (),
                    )
                )
        return found or [self._without_trades(until_ns, state, series, logs, side_gaps, quote)]

    def _beside(self, until_ns: int) -> tuple[list[Series], list[Trades], list[tuple[str, Gap]]]:
        if self.book is not None:
            for gap in self.book.take_gaps():
                self.side.add_gap(DEPTH, gap)
        series, logs, gaps = self.side.take(until_ns)
        depth = self.book.take() if self.book is not None else []
        if depth:
            series = [rows for rows in series if rows.tape != DEPTH] + depth
        return series, logs, gaps

    def _of_snapshots(
        self,
        tape: SnapshotTape,
        until_ns: int,
        state: FeedState,
        beside: tuple[list[Series], list[Trades], list[tuple[str, Gap]]],
    ) -> list[Arrival]:
        every, self._seen = [*self._seen, tape.take()], []
        self.told += tape.told
        tape.told.clear()
        found: list[Arrival] = []
        for seen in every:
            self.refused = (self.refused + list(seen.refused))[:_MOST_REFUSED]
            series, logs, side_gaps = ([], [], []) if found else beside
            found.append(
                Arrival(
                    key=self.key,
                    block=seen.snapshots,
                    trades=seen.trades,
                    until_ns=until_ns,
                    gaps=seen.gaps,
                    quote=self._best_quote(),
                    state=state,
                    series=tuple(series),
                    logs=(*logs, *((seen.partial,) if len(seen.partial) else ())),
                    side_gaps=tuple(side_gaps),
                )
            )
        return [one for one in found[:-1] if one.stored()] + found[-1:]

    def _ordered(self) -> list[str]:
        return sorted(self.tapes, key=lambda name: name != self.main)

    # Rows on one grid stand together; a change of the tick between two commits makes two of them.
    def _taken(self, name: str) -> list[tuple[Trades, Trades, tuple[Gap, ...]]]:
        tape = self.tapes[name]
        pieces = self._pages[name]
        if tape.waiting:
            pieces.append(self._take_live(name, tape))
        self._pages[name] = []
        gaps, self._gaps[name] = self._gaps[name], []
        if not pieces:
            return [(Trades.empty(tape.instrument, name), tape.no_log(), tuple(gaps))]
        told = tuple(gap for piece in pieces for gap in piece.gaps)
        groups: list[list[Taken]] = []
        for piece in pieces:
            if groups and _same_grid(groups[-1][0].trades.instrument, piece.trades.instrument):
                groups[-1].append(piece)
            elif len(piece.trades) or not groups:
                groups.append([piece])
        joined = [
            (
                Trades.concat([piece.trades for piece in group]),
                Trades.concat([piece.off_market for piece in group]),
                (),
            )
            for group in groups
        ]
        return [*joined[:-1], (joined[-1][0], joined[-1][1], (*told, *gaps))]

    # Where ids do not tell what is missing, the gap stands from here on until a page has closed it: should this process
    # die between, the next one knows.
    def _take_live(self, name: str, tape: TradeTape) -> Taken:
        cause = self._cause[name]
        if name not in self._fetched:
            cause = f"{cause or 'ids are missing'}; single trades are not fetched again, only aggregate ones: it stays"
        taken = tape.take(cause)
        self._cause[name] = ""
        if name in self.splices:
            self._gaps[name] += self.splices[name].heard(taken.trades)
        return taken

    def _without_trades(
        self,
        until_ns: int,
        state: FeedState,
        series: list[Series],
        logs: list[Trades],
        side_gaps: list[tuple[str, Gap]],
        quote: BestQuote,
    ) -> Arrival:
        nothing = Trades.empty(self.instrument, self.main)
        return Arrival(
            key=self.key,
            block=nothing,
            trades=nothing,
            until_ns=until_ns,
            quote=quote,
            state=state,
            series=tuple(series),
            logs=tuple(logs),
            side_gaps=tuple(side_gaps),
        )

    def _best_quote(self) -> BestQuote:
        newest = self.side.quote
        if newest is None:
            source = self.book or self.snapshots
            return (None, None) if source is None else source.quote
        try:
            return self.side.ticks_of(newest)
        except DataError:
            return (None, None)


def _sizes(tick: Tick) -> tuple[str | None, ...]:
    return (tick.ltq, tick.vtt, tick.bid_qty, tick.ask_qty, tick.oi)


def _same_grid(one: Instrument, other: Instrument) -> bool:
    return (one.tick_size, one.lot_size) == (other.tick_size, other.lot_size)
