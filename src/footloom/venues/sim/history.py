"""The simulated tape of any range: what `footloom.load_trades` gives for ``sim:PERP`` and ``sim:FUT``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from footloom.core.sessions import DAY_NS
from footloom.core.trades import Trades
from footloom.errors import UnknownSymbol
from footloom.kernels.inference import InferState, SnapshotParams, infer
from footloom.venues.sim.feed import feed_trades, gaps
from footloom.venues.sim.instruments import FUT, INSTRUMENTS, PERP
from footloom.venues.sim.session import DEFAULT_SEED, SimSession, session
from footloom.venues.sim.snapshots import snapshots

__all__ = ("load",)

_EPOCH = dt.date(1970, 1, 1)


def load(
    symbol: str, from_ns: int, to_ns: int, seed: int = DEFAULT_SEED, params: SnapshotParams | None = None
) -> Trades:
    """Return what the feed of a symbol delivers of ``[from_ns, to_ns)``, by exchange time.

    ``PERP`` has its true sides; those of ``FUT`` are inferred, as ``params`` say, from the start of the range's first
    day on.

    Raises
    ------
    UnknownSymbol
        The simulated market has no such symbol.
    """
    if symbol == PERP.symbol:
        pieces = [feed_trades(day, from_ns, to_ns) for day in _days(from_ns, to_ns, seed)]
        return Trades.concat([Trades.empty(PERP), *pieces])
    if symbol == FUT.symbol:
        return Trades.concat([Trades.empty(FUT, "snapshot"), *_inferred(from_ns, to_ns, seed, params)])
    known = ", ".join(instrument.key for instrument in INSTRUMENTS)
    raise UnknownSymbol(f"the simulated market has no symbol {symbol!r}: it has {known}")


def _inferred(from_ns: int, to_ns: int, seed: int, params: SnapshotParams | None) -> Iterator[Trades]:
    state: InferState | None = None
    for day in _days(from_ns, to_ns, seed):
        outcome = infer(snapshots(day, day.start_ns, day.end_ns), state, params, gaps=gaps(day, FUT))
        state = outcome.state
        yield outcome.trades.between(from_ns, to_ns)


def _days(from_ns: int, to_ns: int, seed: int) -> Iterator[SimSession]:
    for day in range(from_ns // DAY_NS, -(-to_ns // DAY_NS)):
        yield session(seed, _EPOCH + dt.timedelta(days=day))
