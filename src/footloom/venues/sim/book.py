"""The simulated book at any instant, from its recorded changes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from footloom.core.messages import BookSnapshot
from footloom.core.trades import I8, I64
from footloom.venues.sim._world import SPAN
from footloom.venues.sim.instruments import PERP
from footloom.venues.sim.session import SimSession

__all__ = ("BookChanges", "best_quotes", "book_at", "book_changes")


class BookChanges(NamedTuple):
    """Changes of the book in order, shape (n,): what rests now at a price, on the side +1 (bid) or -1 (ask)."""

    ts_ns: I64
    side: I8
    price_tick: I64
    qty_lot: I64


def best_quotes(session: SimSession, ts_ns: I64 | int) -> tuple[I64, I64]:
    """Return best bid and ask after everything that happened up to ``ts_ns`` (any shape), in ticks.

    The quote strictly before a trade, which definitions 1.2 asks for, is that of its time less one.
    """
    us = (np.asarray(ts_ns, np.int64) - session.start_ns) // 1_000
    row = np.maximum(np.searchsorted(session.quote_us, us, side="right") - 1, 0)
    return session.quote_bid[row] + np.int64(session.floor_tick), session.quote_ask[row] + np.int64(session.floor_tick)


def book_at(session: SimSession, ts_ns: int, levels: int = 20) -> BookSnapshot:
    """Return the best levels of both sides after everything that happened up to ``ts_ns``."""
    known = int(np.searchsorted(session.delta_us, (ts_ns - session.start_ns) // 1_000, side="right"))
    lots = np.zeros(SPAN, np.int64)
    lots[session.delta_tick[:known]] = session.delta_lot[:known]  # of several changes of a level the last one stays
    bid, ask = (int(quote) - session.floor_tick for quote in best_quotes(session, ts_ns))
    bids = np.flatnonzero(lots[: bid + 1])[::-1][:levels]
    asks = np.flatnonzero(lots[ask:])[:levels] + ask
    return BookSnapshot(
        symbol=PERP.symbol,
        ts_exch_ns=ts_ns,
        ts_recv_ns=ts_ns,
        bids=tuple((int(tick) + session.floor_tick, int(lots[tick])) for tick in bids),
        asks=tuple((int(tick) + session.floor_tick, int(lots[tick])) for tick in asks),
    )


def book_changes(session: SimSession, from_ns: int, to_ns: int) -> BookChanges:
    """Return the changes of the book in ``[from_ns, to_ns)``: with `book_at` just before they give every later book."""
    bounds = (np.array([from_ns, to_ns]) - session.start_ns + 999) // 1_000
    part = slice(*np.searchsorted(session.delta_us, bounds))
    return BookChanges(
        ts_ns=session.delta_us[part] * 1_000 + session.start_ns,
        side=session.delta_side[part],
        price_tick=session.delta_tick[part] + np.int64(session.floor_tick),
        qty_lot=session.delta_lot[part].astype(np.int64),
    )
