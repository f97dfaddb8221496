"""Which rows of a commit are not in what was read already."""

from __future__ import annotations

import numpy as np

from footloom.core.trades import FLAG_INFERRED, FLAG_NO_ID, Trades

__all__ = ("unseen",)


def unseen(trades: Trades, seeded: Trades) -> Trades:
    """Return the rows of ``trades`` that are not in ``seeded``.

    Rows with ids are the same row when their ids are. Rows without (and those inferred from snapshots) arrive in
    order: what was received after the newest seeded row is new.
    """
    if not len(seeded) or not len(trades):
        return trades
    if np.any(trades.flags & (FLAG_NO_ID | FLAG_INFERRED)):
        return trades.take(trades.ts_recv_ns > seeded.ts_recv_ns.max())
    near = seeded.trade_id[seeded.ts_exch_ns >= trades.ts_exch_ns.min()]
    return trades.take(~np.isin(trades.trade_id, near))
