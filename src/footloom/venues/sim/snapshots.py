"""``sim:FUT``: the tape as a vendor's feed shows it, three snapshots a second (definitions 1.3)."""

from __future__ import annotations

import numpy as np

from footloom.core.snapshots import Snapshots
from footloom.core.trades import I64
from footloom.venues.sim._hash import Stream
from footloom.venues.sim.book import best_quotes
from footloom.venues.sim.feed import lost_stretches, received
from footloom.venues.sim.instruments import FUT
from footloom.venues.sim.session import SimSession

__all__ = ("snapshots", "snapshots_after")

_JITTER, _STREAM = 12, 1
_EACH_NS = 1_000_000_000 // 3
_SECOND_NS = 1_000_000_000


def snapshots(session: SimSession, from_ns: int, to_ns: int) -> Snapshots:
    """Return the snapshots received in ``[from_ns, to_ns)``, in order of receipt.

    ``vtt`` counts from the session's start; the session's last snapshot has its whole volume.
    """
    made = _all(session)
    lo, hi = np.searchsorted(made.ts_recv_ns, (from_ns, to_ns))
    return made.take(slice(int(lo), int(hi)))


def snapshots_after(session: SimSession, index: int, until_recv_ns: int) -> tuple[Snapshots, int]:
    """Return the snapshots from ``index`` on received up to ``until_recv_ns``, and the index to ask from next."""
    made = _all(session)
    stop = max(index, int(np.searchsorted(made.ts_recv_ns, until_recv_ns, side="right")))
    return made.take(slice(index, stop)), stop


def _all(session: SimSession) -> Snapshots:
    if "snapshots" not in session.memo:
        session.memo["snapshots"] = _make(session)
    made: Snapshots = session.memo["snapshots"]
    return made


def _times(session: SimSession) -> I64:
    # When the vendor looked: every third of a second, give or take, and once more when the session is over.
    count = (session.end_ns - session.start_ns) // _EACH_NS
    jitter = Stream(session.seed, session.start_ns // _SECOND_NS, _JITTER).units(count) - 0.5
    times = session.start_ns + np.arange(1, count + 1) * _EACH_NS + (jitter * 80_000_000).astype(np.int64)
    times[-1] = session.end_ns - 1
    for lost in lost_stretches(session):
        times = times[(times < lost.from_ns) | (times >= lost.to_ns)]
    return np.asarray(times[times >= session.trade_ns[0]], np.int64)


def _make(session: SimSession) -> Snapshots:
    times = _times(session)
    last = np.searchsorted(session.trade_ns, times, side="right") - 1
    bid, ask = best_quotes(session, times)
    return Snapshots(
        instrument=FUT,
        ts_exch_ns=session.trade_ns[last],
        ltp_tick=session.trade_tick[last],
        ltq_lot=session.trade_lot[last],
        vtt_lot=np.cumsum(session.trade_lot)[last],
        bid_tick=bid,
        ask_tick=ask,
        ts_recv_ns=received(session, times, np.arange(len(times)), _STREAM),
    )
