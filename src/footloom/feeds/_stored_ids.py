"""Where a tape stands in the store when a feed begins: nothing is fetched or counted twice."""

from __future__ import annotations

import numpy as np

from footloom.core.trades import FLAG_NO_ID, I64, Trades
from footloom.errors import NotStored
from footloom.feeds._splices import Splices
from footloom.feeds._tapes import OFF_MARKET, TradeTape
from footloom.store import Store

__all__ = ("restore",)

_NS_MAX = 2**62


def restore(store: Store, tape: TradeTape, splices: Splices | None, span_ns: int) -> bool:
    """Let a tape go on from the newest ``span_ns`` that are stored of it; False where it has no rows. Blocking.

    ``splices`` are the holes of a tape whose ids tell of none.

    Raises
    ------
    StoreError
        The store cannot be read.
    """
    key = tape.instrument.key
    newest_ns = _newest(store, key, tape.tape)
    if newest_ns is None:
        return False
    begin_ns = newest_ns - span_ns
    pieces = [_ids(store, key, name, begin_ns) for name in (tape.tape, OFF_MARKET)]
    ids, times = (np.concatenate(columns) for columns in zip(*pieces, strict=True))
    order = np.argsort(ids, kind="stable")
    ids, times = ids[order], times[order]
    if not len(ids):
        return False
    gaps = store.gaps(key, tape.tape, begin_ns, _NS_MAX)
    if tape.events is None:
        tape.ids.restore(ids, times, gaps)
    else:
        tape.events.restore(ids, times)
        if splices is not None:
            splices.restore(ids, times, gaps)
    tape.last_ns = int(times.max())
    return True


def _newest(store: Store, key: str, tape: str) -> int | None:
    lasts = [row.last_ns for row in store.coverage(key) if row.tape == tape and row.last_ns is not None]
    return max(lasts, default=None)


def _ids(store: Store, key: str, tape: str, from_ns: int) -> tuple[I64, I64]:
    none = np.empty(0, np.int64)
    try:
        block = store.load(key, tape, from_ns, _NS_MAX, {"trade_id"})
    except NotStored:
        return none, none
    assert isinstance(block, Trades)
    named = (block.flags & FLAG_NO_ID) == 0
    return block.trade_id[named], block.ts_exch_ns[named]
