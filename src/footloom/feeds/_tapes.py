"""The tape of one symbol as it is heard: messages to columns on the grid, each trade once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from footloom.core.instrument import Instrument
from footloom.core.messages import Gap, OffMarket, Trade
from footloom.core.trades import FLAG_BACKFILLED, I8, I64, Trades
from footloom.errors import DataError
from footloom.feeds._grid import Grid
from footloom.feeds.sequence import EventNumbers, IdSequence
from footloom.store.columns import bounds

__all__ = ("OFF_MARKET", "Held", "Prints", "Taken", "TradeTape", "columns", "fine")

_LOG = logging.getLogger(__name__)

T = TypeVar("T", bound=np.generic)

OFF_MARKET = "partial:off_market"
_printed = attrgetter("ts_exch_ns", "price_tick", "qty_lot", "side", "ts_recv_ns")
_FINEST = Decimal("0.00000001")


@dataclass(frozen=True, slots=True)
class Held:
    """A row that its instrument's grid does not take, and why."""

    trade: Trade
    why: str
    flags: int


@dataclass(frozen=True, slots=True)
class Taken:
    """What a batch gave: new trades on the grid, new prints off the market, and what became known of gaps."""

    trades: Trades
    off_market: Trades
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class Prints:
    """Live trades of one symbol and tape, in ticks and lots of its grid: columns of equal length.

    ``number`` is the trade's id, or its match event's; then ``uids`` are their own names.
    """

    ts_exch_ns: I64
    price_tick: I64
    qty_lot: I64
    side: I8
    number: I64
    ts_recv_ns: I64
    uids: Sequence[str] = ()

    def ids(self, events: EventNumbers | None) -> I64:
        """Return the ids, -1 for a print that is known by its name."""
        if events is None:
            return self.number
        named = list(zip(self.number.tolist(), self.uids, self.ts_exch_ns.tolist(), strict=True))
        return np.array(events.number_named(named), np.int64)


class TradeTape:
    """Trades of one symbol on one tape.

    ``held`` are rows that are off the grid: they wait for a new definition of the instrument. ``last_ns`` is the time
    of the newest trade.
    """

    def __init__(self, instrument: Instrument, tape: str, *, by_event: bool) -> None:
        self.grid = Grid(instrument)
        self._log_grid = Grid(fine(instrument))  # of prints off the market, which may be off the tick as well
        self._log_none = Trades.empty(self._log_grid.instrument, OFF_MARKET)  # one for all: rows never change
        self.tape = tape
        self._no_rows = Trades.empty(instrument, tape)
        self.ids = IdSequence(instrument.symbol)
        self.events = EventNumbers() if by_event else None
        self.held: list[Held] = []
        self.last_ns = 0
        self._live: list[Trade] = []
        self._prints: list[Prints] = []
        self._off: set[int] = set()  # places in the batch that hold no market trades

    @property
    def instrument(self) -> Instrument:
        """The definition that new rows stand on."""
        return self.grid.instrument

    @property
    def add(self) -> Callable[[Trade], None]:
        """How a live trade is given, until the next `take`."""
        return self._live.append

    def add_off_market(self, message: OffMarket) -> None:
        """Take in a print that is in no footprint; its id counts."""
        self._off.add(len(self._live))
        self._live.append(message.trade)

    def add_prints(self, prints: Prints) -> None:
        """Take in live trades that stand on the grid already."""
        self._prints.append(prints)

    @property
    def waiting(self) -> bool:
        """Whether anything was given since the last `take`."""
        return bool(self._live or self._prints)

    def take(self, cause: str) -> Taken:
        """Return what came live since the last time; ``cause`` is why trades may be missing before it."""
        rows, off, prints = self._live, self._off, self._prints
        self._live, self._off, self._prints = [], set(), []
        if not prints:
            return self._take(rows, off, cause, 0)
        ids = _one([one.ids(self.events) for one in prints])
        if self.events is not None:  # those that were read faster have their numbers first
            beside = self._take(rows, off, cause, 0)
            return self._joined(prints, ids, ids >= 0, beside)
        times = _one([one.ts_exch_ns for one in prints])
        if not rows:
            checked = self.ids.check(ids, times, cause)
            return self._joined(prints, ids, checked.new, Taken(self._none(), self.no_log(), tuple(checked.gaps)))
        slow_ids, slow_times = _named(rows)
        checked = self.ids.check(np.concatenate([ids, slow_ids]), np.concatenate([times, slow_times]), cause)
        new, slow_new = checked.new[: len(ids)], checked.new[len(ids) :]
        return self._joined(prints, ids, new, self._kept(rows, off, slow_ids, slow_new, checked.gaps, 0))

    def _joined(self, prints: list[Prints], ids: I64, new: NDArray[np.bool_], beside: Taken) -> Taken:
        columns: list[Any] = [_one(parts) for parts in zip(*map(_printed, prints), strict=True)]
        columns.append(ids)
        if np.count_nonzero(new) < len(new):
            columns = [column[new] for column in columns]
        *printed, recv_ns, ids = columns
        trades = Trades.build(self.instrument, *printed, trade_id=ids, ts_recv_ns=recv_ns, tape=self.tape)
        if len(ids):
            self.last_ns = max(self.last_ns, bounds(trades.ts_exch_ns)[1])
        pieces = [trades, beside.trades] if len(beside.trades) else [trades]
        return Taken(Trades.concat(pieces), beside.off_market, beside.gaps)

    def take_page(self, page: Sequence[Trade | OffMarket], cause: str = "") -> Taken:
        """Return what a page of the venue's history adds, whose match events are whole."""
        rows = [row.trade if isinstance(row, OffMarket) else row for row in page]
        off = {place for place, row in enumerate(page) if isinstance(row, OffMarket)}
        return self._take(rows, off, cause, FLAG_BACKFILLED, whole=True)

    def renew(self, instrument: Instrument) -> None:
        """Let new rows stand on another definition of the instrument."""
        self.grid = Grid(instrument)
        self._log_grid = Grid(fine(instrument))
        self._log_none = Trades.empty(self._log_grid.instrument, OFF_MARKET)
        self._no_rows = Trades.empty(instrument, self.tape)

    def take_held(self) -> Taken:
        """Try the rows again that were off the grid: on a new one they may stand."""
        held, self.held = self.held, []
        kept = [row for row in held if row.flags & FLAG_BACKFILLED]
        live = [row for row in held if not row.flags & FLAG_BACKFILLED]
        pieces = [self._columns([row.trade for row in part], flags) for part, flags in _parts(live, kept)]
        return Taken(Trades.concat([self._none(), *pieces]), self.no_log(), ())

    def _take(self, rows: Sequence[Trade], off: set[int], cause: str, flags: int, *, whole: bool = False) -> Taken:
        if not rows:
            return Taken(self._none(), self.no_log(), ())
        if self.events is not None:
            ids = np.array(self.events.number(rows, whole=whole), np.int64)
            return self._kept(rows, off, ids, ids >= 0, [], flags)
        ids, times = _named(rows)
        checked = self.ids.check(ids, times, cause, live=not whole)
        return self._kept(rows, off, ids, checked.new, checked.gaps, flags)

    def _kept(
        self,
        rows: Sequence[Trade],
        off: set[int],
        ids: I64,
        new: NDArray[np.bool_],
        gaps: list[Gap],
        flags: int,
    ) -> Taken:
        fresh = np.flatnonzero(new).tolist()
        self.last_ns = max(self.last_ns, *(rows[place].ts_exch_ns for place in fresh)) if fresh else self.last_ns
        market = [place for place in fresh if place not in off] if off else fresh
        trades = self._columns([rows[place] for place in market], flags, ids[market])
        beside = [place for place in fresh if place in off] if off else []
        outside = self._log([rows[place] for place in beside], flags, ids[beside])
        return Taken(trades, outside, tuple(gaps))

    def _none(self) -> Trades:
        return self._no_rows

    def no_log(self) -> Trades:
        """Return no prints off the market."""
        return self._log_none

    def _log(self, rows: Sequence[Trade], flags: int, ids: I64) -> Trades:
        try:
            return columns(self._log_grid, OFF_MARKET, rows, flags, ids)
        except DataError as error:
            _LOG.warning("a print off the market of %s is in no log: %s", self.instrument.key, error)
            return self.no_log()

    def _columns(self, rows: Sequence[Trade], flags: int, ids: I64 | None = None) -> Trades:
        try:
            return columns(self.grid, self.tape, rows, flags, ids)
        except DataError:
            return self._columns_singly(rows, flags, ids)

    # Some row is off the grid: those which are not go on, the others are held with their ids.
    def _columns_singly(self, rows: Sequence[Trade], flags: int, ids: I64 | None) -> Trades:
        good: list[int] = []
        for place, row in enumerate(rows):
            try:
                self.grid.ticks[row.price], self.grid.lots[row.qty]
            except DataError as error:
                numbered = row if ids is None else msgspec.structs.replace(row, trade_id=int(ids[place]))
                self.held.append(Held(numbered, str(error), flags))
            else:
                good.append(place)
        own = None if ids is None else ids[good]
        return columns(self.grid, self.tape, [rows[place] for place in good], flags, own)


# A part alone is given as it is: those who hold it are done with it.
def _one(parts: Sequence[NDArray[T]]) -> NDArray[T]:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _named(rows: Sequence[Trade]) -> tuple[I64, I64]:
    ids = np.array([row.trade_id for row in rows], np.int64)
    return ids, np.array([row.ts_exch_ns for row in rows], np.int64)


def columns(grid: Grid, tape: str, rows: Sequence[Trade], flags: int, ids: I64 | None = None) -> Trades:
    """Return rows as columns; without ``ids`` they have their own.

    Raises
    ------
    DataError
        A price or quantity is off the grid, or no number.
    """
    if not rows:
        return Trades.empty(grid.instrument, tape)
    ticks, lots = grid.ticks, grid.lots
    return Trades.build(
        grid.instrument,
        [row.ts_exch_ns for row in rows],
        [ticks[row.price] for row in rows],
        [lots[row.qty] for row in rows],
        [row.side for row in rows],
        trade_id=[row.trade_id for row in rows] if ids is None else ids,
        ts_recv_ns=[row.ts_recv_ns or row.ts_exch_ns for row in rows],
        flags=np.full(len(rows), flags, np.uint8),
        tape=tape,
    )


# Prices of forced and agreed prints lie anywhere; eight places are what venues write at most.
def fine(instrument: Instrument) -> Instrument:
    """Return an instrument on the grid of logs, whose prices stand on no tick."""
    tick = min(instrument.tick_size, _FINEST)
    return instrument.with_grid(tick if tick % _FINEST else _FINEST, instrument.lot_size)


def _parts(live: list[Held], kept: list[Held]) -> list[tuple[list[Held], int]]:
    return [(rows, rows[0].flags) for rows in (live, kept) if rows]
