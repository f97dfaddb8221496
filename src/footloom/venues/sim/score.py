"""How right the inferred sides of ``sim:FUT`` are, against the tape of which its snapshots are a view."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from footloom.core.trades import FLAG_BY_QUOTE, I64
from footloom.kernels.inference import SnapshotParams, infer, snapshot_row
from footloom.venues.sim.feed import gaps
from footloom.venues.sim.instruments import FUT
from footloom.venues.sim.session import SimSession
from footloom.venues.sim.snapshots import snapshots

__all__ = ("FutScore", "fut_score")


class FutScore(msgspec.Struct, frozen=True, kw_only=True):
    """The score of inferred sides; None where nothing can be said (0/0).

    A snapshot merges the trades of an interval, so sides are judged by volume, an interval at a time: of ``b`` lots
    inferred as buys and ``B`` truly bought, ``s`` and ``S`` sold, ``min(b, B) + min(s, S)`` are right.

    Attributes
    ----------
    accuracy
        Right volume over volume that got a side.
    coverage
        Volume that got a side over all volume of the intervals.
    half_credit
        Right volume plus half of that without a side, over all volume (definitions 1.4).
    print_accuracy, prints
        Of the intervals that hold exactly one print, the share whose side is right, and how many there are.
    quote_share
        Volume signed at or through the previous best quote over all volume.
    intervals, volume_lot
        How much was judged: intervals with volume, and their lots. Unattributed volume (definitions 1.3, step 1) is
        none of it.
    """

    accuracy: float | None
    coverage: float | None
    half_credit: float | None
    print_accuracy: float | None
    prints: int
    quote_share: float | None
    intervals: int
    volume_lot: int


def fut_score(session: SimSession, from_ns: int, to_ns: int, params: SnapshotParams | None = None) -> FutScore:
    """Score the intervals that end with a snapshot received in ``[from_ns, to_ns)``.

    The first call of a session judges all of it; the others look sums up.
    """
    judged = _judged(session, SnapshotParams() if params is None else params)
    lo, hi = np.searchsorted(judged.recv_ns, (from_ns, to_ns))
    volume, sided, right, quoted, prints, hits = (int(total) for total in judged.sums[hi] - judged.sums[lo])
    return FutScore(
        accuracy=_ratio(right, sided),
        coverage=_ratio(sided, volume),
        half_credit=_ratio(2 * right + volume - sided, 2 * volume),
        print_accuracy=_ratio(hits, prints),
        prints=prints,
        quote_share=_ratio(quoted, volume),
        intervals=int(hi - lo),
        volume_lot=volume,
    )


class _Judged(NamedTuple):
    # Intervals by receipt of their closing snapshot; sums (n + 1, 6): volume, sided, right, by quote, single prints,
    # right ones.
    recv_ns: I64
    sums: I64


def _judged(session: SimSession, params: SnapshotParams) -> _Judged:
    name = f"judged {params.params_hash}"
    if name not in session.memo:
        session.memo[name] = _judge(session, params)
    judged: _Judged = session.memo[name]
    return judged


def _judge(session: SimSession, params: SnapshotParams) -> _Judged:
    seen = snapshots(session, session.start_ns, session.end_ns)
    trades = infer(seen, params=params, gaps=gaps(session, FUT)).trades
    closing, where = np.unique(snapshot_row(trades.trade_id), return_inverse=True)

    def by_interval(mask: NDArray[np.bool_]) -> I64:
        return np.bincount(where[mask], trades.qty_lot[mask], len(closing)).astype(np.int64)

    buy, sell = by_interval(trades.side > 0), by_interval(trades.side < 0)
    volume = by_interval(trades.side == trades.side)
    quoted = by_interval((trades.flags & FLAG_BY_QUOTE) != 0)
    traded = np.concatenate(([0], np.cumsum(session.trade_lot)))
    bought = np.concatenate(([0], np.cumsum(np.where(session.trade_side > 0, session.trade_lot, 0))))
    last = np.searchsorted(traded, seen.vtt_lot[closing])
    first = np.searchsorted(traded, seen.vtt_lot[closing] - volume)
    true_buy = bought[last] - bought[first]
    right = np.minimum(buy, true_buy) + np.minimum(sell, volume - true_buy)
    single = last - first == 1
    columns = [volume, buy + sell, right, quoted, single, single & (right == volume)]
    sums = np.zeros((len(closing) + 1, len(columns)), np.int64)
    np.cumsum(np.column_stack(columns), axis=0, out=sums[1:])
    return _Judged(seen.ts_recv_ns[closing], sums)


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
