"""What the feed of ``sim:PERP`` delivers: the tape with receipt times, less what was lost while it was down."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.trades import I64, Trades
from footloom.venues.sim._hash import Stream
from footloom.venues.sim.instruments import PERP
from footloom.venues.sim.session import SimSession

__all__ = ("Lost", "feed_after", "feed_trades", "gaps", "latency_ns", "lost_stretches", "received", "true_trades")

_GAPS, _LATENCY = 10, 11
_SECOND_NS = 1_000_000_000
_QUIET_NS = 45 * _SECOND_NS  # a gap keeps this far from planted events
_CAUSES = (
    "connection lost 1006",
    "no pong for 10 s, closed 1011",
    "server restart 1012",
    "venue skipped messages",
)


class Lost(NamedTuple):
    """A stretch in which nothing was received, ns UTC, half open."""

    from_ns: int
    to_ns: int
    cause: str


def true_trades(session: SimSession, from_ns: int, to_ns: int) -> Trades:
    """Return the truth tape of ``[from_ns, to_ns)``: every print, received at the instant it happened."""
    lo, hi = np.searchsorted(session.trade_ns, (from_ns, to_ns))
    times = session.trade_ns[lo:hi]
    return Trades.build(
        PERP,
        times,
        session.trade_tick[lo:hi],
        session.trade_lot[lo:hi],
        session.trade_side[lo:hi],
        trade_id=np.arange(lo, hi, dtype=np.int64) + session.first_id,
        ts_recv_ns=times,
    )


def feed_trades(session: SimSession, from_ns: int, to_ns: int) -> Trades:
    """Return what the feed delivers of the trades of ``[from_ns, to_ns)``, by exchange time and by receipt alike."""
    return _feed(session).between(from_ns, to_ns)


def feed_after(session: SimSession, index: int, until_recv_ns: int) -> tuple[Trades, int]:
    """Return the feed's rows from ``index`` on received up to ``until_recv_ns``, and the index to ask from next.

    Start with 0; the rows are a view, so that asking often costs nothing.
    """
    feed = _feed(session)
    stop = max(index, int(np.searchsorted(feed.ts_recv_ns, until_recv_ns, side="right")))
    return feed.take(slice(index, stop)), stop


def gaps(session: SimSession, instrument: Instrument = PERP) -> list[Gap]:
    """Return a feed's gaps by time, each known at its ``to_ns``, on reconnecting.

    Ids tell how many trades are ``missing``; snapshots have none.
    """
    found = []
    for lost in lost_stretches(session):
        lo, hi = np.searchsorted(session.trade_ns, (lost.from_ns, lost.to_ns))
        missing = int(hi - lo) if instrument is PERP else None
        found.append(
            Gap(symbol=instrument.symbol, from_ns=lost.from_ns, to_ns=lost.to_ns, cause=lost.cause, missing=missing)
        )
    return found


def lost_stretches(session: SimSession) -> tuple[Lost, ...]:
    """Return when the connection was down: a few times a session, 2 to 20 s, away from midnight and planted events."""
    if "lost" not in session.memo:
        session.memo["lost"] = _find_lost(session)
    lost: tuple[Lost, ...] = session.memo["lost"]
    return lost


def _find_lost(session: SimSession) -> tuple[Lost, ...]:
    stream = Stream(session.seed, session.start_ns // _SECOND_NS, _GAPS)
    count = stream.integer(5, 8)
    room = (session.end_ns - session.start_ns - 2 * 900 * _SECOND_NS) / count
    found = []
    for slot in range(count):
        length = int(stream.between(2.0, 20.0) * _SECOND_NS)
        cause = _CAUSES[stream.integer(0, len(_CAUSES) - 1)]
        for _ in range(12):
            start = session.start_ns + int(900 * _SECOND_NS + (slot + stream.unit() * 0.9) * room)
            if _is_quiet(session, start, start + length):
                found.append(Lost(start, start + length, cause))
                break
    return tuple(found)


def _is_quiet(session: SimSession, from_ns: int, to_ns: int) -> bool:
    # Nothing planted nearby, and something to lose.
    from_us, to_us = ((ns - session.start_ns) // 1_000 for ns in (from_ns - _QUIET_NS, to_ns + _QUIET_NS))
    apart = all(played.to_us < from_us or played.from_us > to_us for played in session.played)
    lo, hi = np.searchsorted(session.trade_ns, (from_ns, to_ns))
    return apart and bool(hi - lo >= 3)


def latency_ns(session: SimSession, index: I64, stream: int = 0) -> I64:
    """Return how long messages number ``index`` (n,) are under way: 5 to 60 ms, mostly short."""
    late = Stream(session.seed, session.start_ns // _SECOND_NS, _LATENCY, stream).units_at(index) ** 4
    return np.asarray(5_000_000 + 55_000_000 * late, np.int64)


def received(session: SimSession, sent_ns: I64, index: I64, stream: int = 0) -> I64:
    """Return when messages sent at ``sent_ns`` (n,) are received: ascending, and before the session ends."""
    recv = np.maximum.accumulate(sent_ns + latency_ns(session, index, stream)) if len(sent_ns) else sent_ns
    return np.minimum(recv, session.end_ns - 1)


def _feed(session: SimSession) -> Trades:
    if "feed" not in session.memo:
        tape = true_trades(session, session.start_ns, session.end_ns)
        heard = np.ones(len(tape), np.bool_)
        for lost in lost_stretches(session):
            lo, hi = np.searchsorted(tape.ts_exch_ns, (lost.from_ns, lost.to_ns))
            heard[lo:hi] = False
        kept = tape.take(heard)
        recv = received(session, kept.ts_exch_ns, np.flatnonzero(heard))
        session.memo["feed"] = Trades.build(
            PERP, kept.ts_exch_ns, kept.price_tick, kept.qty_lot, kept.side, trade_id=kept.trade_id, ts_recv_ns=recv
        )
    feed: Trades = session.memo["feed"]
    return feed
