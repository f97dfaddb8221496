"""The simulated market: a seeded limit order book with planted, labelled events; the default of `footloom demo`.

``sim:PERP`` is its tape with true sides, ``sim:FUT`` the same tape as three snapshots a second, sides to be inferred.
Each UTC day is a pure function of (seed, date); nothing here reads a clock, a file or a socket.
"""

from __future__ import annotations

from footloom.venues.sim.book import BookChanges, best_quotes, book_at, book_changes
from footloom.venues.sim.feed import feed_after, feed_trades, gaps, true_trades
from footloom.venues.sim.history import load
from footloom.venues.sim.instruments import FUT, INSTRUMENTS, PERP
from footloom.venues.sim.score import FutScore, fut_score
from footloom.venues.sim.session import DEFAULT_SEED, SimSession, session, session_at
from footloom.venues.sim.snapshots import snapshots, snapshots_after
from footloom.venues.sim.truth import Truth, truth

__all__ = (
    "DEFAULT_SEED",
    "FUT",
    "INSTRUMENTS",
    "PERP",
    "BookChanges",
    "FutScore",
    "SimSession",
    "Truth",
    "best_quotes",
    "book_at",
    "book_changes",
    "feed_after",
    "feed_trades",
    "fut_score",
    "gaps",
    "load",
    "session",
    "session_at",
    "snapshots",
    "snapshots_after",
    "true_trades",
    "truth",
)
