"""The tape behind a local venue: what was traded and what rests, up to the market's own time.

A market knows nothing of wires: it hands out whole columns, and moves only when it is told to. Times are ns UTC, as
the wire tells them: whole milliseconds.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.sessions import DAY_NS
from footloom.core.trades import I8, I64, Trades
from footloom.errors import ConfigError

__all__ = ("Changes", "Listing", "Market", "whole_ms")

_MS = 1_000_000
_OI_LOTS = 12_000_000
_EPOCH = dt.date(1970, 1, 1)
_MANY = 20_000  # changes of a book: more are taken in one piece


class Changes(NamedTuple):
    """Changes of a book in order, columns (n,): what rests now at a price, on the side +1 (bid) or -1 (ask)."""

    ts_ns: I64
    side: I8
    price_tick: I64
    qty_lot: I64

    @classmethod
    def none(cls) -> Changes:
        """Return no changes."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int8), np.empty(0, np.int64), np.empty(0, np.int64))

    def take(self, index: Any) -> Changes:
        """Return the rows of a slice or an index array."""
        return Changes(self.ts_ns[index], self.side[index], self.price_tick[index], self.qty_lot[index])

    def then(self, later: Changes) -> Changes:
        """Return these changes and those of another stretch after them."""
        return Changes(
            np.concatenate([self.ts_ns, later.ts_ns]),
            np.concatenate([self.side, later.side]),
            np.concatenate([self.price_tick, later.price_tick]),
            np.concatenate([self.qty_lot, later.qty_lot]),
        )


def whole_ms(trades: Trades) -> Trades:
    """Return the same trades with the times that a wire of milliseconds tells."""
    columns = {name: getattr(trades, name) for name in ("price_tick", "qty_lot", "side")}
    return Trades.build(
        trades.instrument,
        trades.ts_exch_ns // _MS * _MS,
        columns["price_tick"],
        columns["qty_lot"],
        columns["side"],
        trade_id=trades.trade_id,
        tape=trades.tape,
    )


# Of several changes of a level, the last; what a day has done to a book, without the way to it.
def _newest(part: Changes) -> Changes:
    level = part.price_tick * 2 + (part.side > 0)
    _, from_end = np.unique(level[::-1], return_index=True)
    rows = np.sort(len(level) - 1 - from_end)
    return part.take(rows)


def _numbered(trades: Trades, first: int) -> Trades:
    return dataclasses.replace(trades, trade_id=np.arange(first, first + len(trades), dtype=np.int64))


class Listing:
    """One symbol of a market: its tape in order, of which rows up to the market's time have happened.

    ``trades`` have ids that count up by one, and times that never fall; without ids they are numbered from 1.
    ``changes`` are those of its book, beginning with an empty one.
    """

    def __init__(self, trades: Trades, changes: Changes | None = None) -> None:
        self.instrument: Instrument = trades.instrument
        if np.any(np.diff(trades.ts_exch_ns) < 0) or np.any(np.diff(trades.trade_id) != 1):
            raise ConfigError(
                f"the tape of {trades.instrument.key} cannot be played: its times have to rise and its ids to count up "
                "by one; number it anew, or take the rows in order"
            )
        self.trades = trades
        self.changes = changes or Changes.none()
        self.row = self.change = 0
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}

    @property
    def symbol(self) -> str:
        """The symbol, as the venue writes it."""
        return self.instrument.symbol

    def open_interest(self) -> int:
        """Return what is open now, in lots of the tape: it moves as trades come, and repeats between them."""
        return _OI_LOTS + self.row // 25 % 977

    @property
    def times(self) -> I64:
        """When something happens, ns UTC ascending."""
        return self.trades.ts_exch_ns

    @property
    def seen(self) -> Trades:
        """What has been traded so far."""
        return self.trades.take(slice(0, self.row))

    def forward(self, to_ns: int) -> Trades:
        """Let time pass; return what was traded meanwhile."""
        stop = int(np.searchsorted(self.trades.ts_exch_ns, to_ns, side="right"))
        fresh = self.trades.take(slice(self.row, stop))
        self.row = max(stop, self.row)
        return fresh

    def forward_book(self, to_ns: int) -> Changes:
        """Let the book catch up with a time; return each level that changed, as it is now, in the order of changes."""
        stop = max(int(np.searchsorted(self.changes.ts_ns, to_ns, side="right")), self.change)
        part = self.changes.take(slice(self.change, stop))
        self.change = stop
        if len(part.ts_ns) > _MANY:
            part = _newest(part)
        for side, tick, lot in zip(part.side.tolist(), part.price_tick.tolist(), part.qty_lot.tolist(), strict=True):
            levels = self.bids if side > 0 else self.asks
            if lot:
                levels[tick] = lot
            else:
                levels.pop(tick, None)
        return part

    def best(self) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
        """Return the best bid and ask, each (price in ticks, quantity in lots), None where that side is empty."""
        bid, ask = max(self.bids, default=None), min(self.asks, default=None)
        return (
            None if bid is None else (bid, self.bids[bid]),
            None if ask is None else (ask, self.asks[ask]),
        )

    def levels(self, depth: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Return the best levels of both sides, best first."""
        bids = sorted(self.bids.items(), reverse=True)[:depth]
        return bids, sorted(self.asks.items())[:depth]

    def insert(self, rows: Trades) -> None:
        """Add trades that have not happened yet; the ids of what follows move on."""
        merged = Trades.concat([self.trades, rows])
        first = int(self.trades.trade_id[0]) if len(self.trades) else 1
        merged = merged.take(np.argsort(merged.ts_exch_ns, kind="stable"))
        self.trades = _numbered(merged, first)

    def shift(self, by_ns: int) -> None:
        """Let everything happen at another time."""
        self.trades = dataclasses.replace(
            self.trades, ts_exch_ns=self.trades.ts_exch_ns + by_ns, ts_recv_ns=self.trades.ts_recv_ns + by_ns
        )
        self.changes = self.changes._replace(ts_ns=self.changes.ts_ns + by_ns)

    def day(self, day: dt.date, now_ns: int) -> Trades | None:
        """Return the tape of a UTC day that is over, None where there is none."""
        from_ns = (day - _EPOCH).days * DAY_NS
        if from_ns + DAY_NS > now_ns:
            return None
        rows = self.trades.between(from_ns, from_ns + DAY_NS)
        return rows if len(rows) else None

    async def prepare(self, to_ns: int) -> None:
        """Make what will have happened by a time; a recording is all there."""


class Market:
    """Several symbols and one time, which begins at ``start_ns`` and moves forward only."""

    def __init__(self, listings: Iterable[Listing], start_ns: int | None = None) -> None:
        self.listings = {listing.symbol: listing for listing in listings}
        firsts = [int(one.times[0]) for one in self.listings.values() if len(one.times)]
        self.start_ns = min(firsts, default=0) - 1 if start_ns is None else start_ns
        self.now_ns = self.start_ns
        self.forward(self.start_ns)

    @classmethod
    def of(cls, *tapes: Trades, start_ns: int | None = None) -> Market:
        """Return the market of some tapes, a tape a symbol."""
        return cls([Listing(tape) for tape in tapes], start_ns)

    @property
    def end_ns(self) -> int | None:
        """When the last trade happens, None where the market never ends."""
        lasts = [int(one.times[-1]) for one in self.listings.values() if len(one.times)]
        return max(lasts, default=self.start_ns)

    def forward(self, to_ns: int) -> list[tuple[Listing, Trades]]:
        """Let time pass; return what was traded meanwhile, a symbol at a time."""
        self.now_ns = max(self.now_ns, to_ns)
        return [(listing, listing.forward(self.now_ns)) for listing in self.listings.values()]

    async def prepare(self, to_ns: int) -> None:
        """Make what will have happened by a time."""
        for listing in self.listings.values():
            await listing.prepare(to_ns)

    def symbols(self) -> Sequence[str]:
        """Return the symbols."""
        return tuple(self.listings)
