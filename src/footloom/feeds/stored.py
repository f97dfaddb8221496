"""Stored tapes as trades: trades are read, and what was stored as snapshots is inferred anew."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.sessions import calendar
from footloom.core.snapshots import Snapshots
from footloom.core.trades import I64, Trades
from footloom.errors import NotStored
from footloom.kernels.facts import in_order
from footloom.kernels.inference import Counters, Inferred, SnapshotParams, infer
from footloom.store import Store

__all__ = (
    "CHART_TAPES",
    "Inference",
    "chart_tapes",
    "nearest_name",
    "span_of",
    "stored_inference",
    "stored_pieces",
    "stored_trades",
)

_LATEST_NS = 60 * 10**9  # a snapshot that shows a trade's volume comes within this time after it
_FARTHEST_NS = 12 * 3600 * 10**9  # receipts that are off by more stand at times of which nobody can say anything
CHART_TAPES = ("trade", "agg_trade", "snapshot")
# Tapes that begin or end within so long of each other reach equally far; one that streams is soon ahead of the others.
_BEGIN_ALIKE_NS, _END_ALIKE_NS = 3600 * 10**9, 60 * 10**9


@dataclass(frozen=True, slots=True)
class Inference:
    """Trades inferred from stored snapshots, and how (definitions 1.3).

    ``counters`` are those of the exchange's days that were read. ``unattributed_lot`` is volume of which nobody saw how
    it traded, ``unattributed_ns`` when that was over: int64 (n,) each, within the range that was asked for.
    """

    trades: Trades
    params: SnapshotParams
    counters: Counters
    unattributed_ns: I64
    unattributed_lot: I64


def chart_tapes(store: Store, key: str) -> list[str]:
    """Return the tapes that charts of a symbol can be made from, the best first.

    That is the one with the newest rows (a file of old trades does not take the chart of a tape that streams), of those
    the one that reaches back farthest, of those every print before aggregates. Partial tapes (large prints) are left
    out: they are no coverage.

    Raises
    ------
    NotStored
        The symbol has no such tape.
    """
    reach: dict[str, tuple[int, int]] = {}
    for row in store.coverage(key):
        if row.first_ns is not None and row.last_ns is not None and row.tape in CHART_TAPES:
            first_ns, last_ns = reach.get(row.tape, (row.first_ns, row.last_ns))
            reach[row.tape] = (min(first_ns, row.first_ns), max(last_ns, row.last_ns))
    if not reach:
        raise NotStored(
            f"nothing is stored for {key}: see footloom coverage, or import a recording with footloom import"
        )
    newest_ns = max(last_ns for _, last_ns in reach.values()) - _END_ALIKE_NS
    oldest_ns = min(first_ns for first_ns, last_ns in reach.values() if last_ns >= newest_ns) + _BEGIN_ALIKE_NS
    return sorted(
        reach,
        key=lambda tape: (reach[tape][1] < newest_ns, reach[tape][0] > oldest_ns, CHART_TAPES.index(tape)),
    )


def nearest_name(store: Store, key: str) -> str:
    """Return the name most like another of which charts can be made, "" where none is; the whole store is read."""
    names = {row.key for row in store.coverage() if row.tape in CHART_TAPES}
    return next(iter(difflib.get_close_matches(key, names, n=1)), "")


def span_of(store: Store, key: str, tape: str) -> tuple[int, int]:
    """Return the times of the first and the last stored trade of a tape, ns UTC.

    Snapshots are stored under their receipt. Where the recorder's clock was wrong, what they show was traded before the
    first receipt, or behind the last one.

    Raises
    ------
    NotStored
        The tape has no rows.
    """
    days = [row for row in store.coverage(key) if row.tape == tape]
    firsts = [row.first_ns for row in days if row.first_ns is not None]
    lasts = [row.last_ns for row in days if row.last_ns is not None]
    if not firsts or not lasts:
        raise NotStored(f"nothing is stored of the tape {tape} of {key}: see footloom coverage")
    first_ns, last_ns = min(firsts), max(lasts)
    if tape != "snapshot":
        return first_ns, last_ns
    # A first snapshot may show an old trade: nothing has been traded since.
    began_ns = _newest_ns(store, key, first_ns, first_ns + 1)
    ended_ns = _newest_ns(store, key, last_ns - _LATEST_NS, last_ns + 1)
    return (began_ns if began_ns < first_ns - _LATEST_NS else first_ns), max(last_ns, ended_ns)


# The newest trade that snapshots show which were received in ``[from_ns, to_ns)``.
def _newest_ns(store: Store, key: str, from_ns: int, to_ns: int) -> int:
    try:
        block = store.load(key, "snapshot", from_ns, to_ns, {"ts_exch_ns"})
    except NotStored:  # removed meanwhile
        return from_ns
    times = block.ts_exch_ns
    near = times[np.abs(times - from_ns) < _FARTHEST_NS]
    return int(near.max()) if len(near) else from_ns


def stored_trades(
    store: Store, key: str, tape: str, from_ns: int, to_ns: int, params: SnapshotParams | None = None
) -> Trades:
    """Return the trades of ``[from_ns, to_ns)`` in the ordering key; none where nothing traded.

    ``params`` say how sides are inferred from snapshots; other tapes do not need them.

    Raises
    ------
    NotStored
        The symbol is unknown.
    """
    if tape == "snapshot":
        return stored_inference(store, key, from_ns, to_ns, params).trades
    instrument = store.instrument(key)
    try:
        block = store.load(key, tape, from_ns, to_ns)
    except NotStored:
        return Trades.empty(instrument, tape)
    assert isinstance(block, Trades)
    return block


def stored_pieces(
    store: Store, key: str, tape: str, from_ns: int, to_ns: int, params: SnapshotParams | None = None
) -> Iterator[Trades]:
    """Yield the same trades in neighbouring pieces, of which only a few are in memory at a time.

    Raises
    ------
    NotStored
        The symbol is unknown.
    """
    if tape == "snapshot":
        from_ns, to_ns = _within(store, key, from_ns, to_ns)
        days = calendar(store.instrument(key).calendar).day_edges(from_ns, max(from_ns, to_ns), lambda day: day)
        for start_ns, end_ns in zip(days.start_ns.tolist(), days.end_ns.tolist(), strict=True):
            yield stored_trades(store, key, tape, max(start_ns, from_ns), min(end_ns, to_ns), params)
        return
    store.instrument(key)
    try:
        for block in store.iter_chunks(key, tape, from_ns, to_ns):
            assert isinstance(block, Trades)
            yield block
    except NotStored:
        return


def stored_inference(
    store: Store, key: str, from_ns: int, to_ns: int, params: SnapshotParams | None = None
) -> Inference:
    """Infer the trades of ``[from_ns, to_ns)`` from the stored snapshots, in the ordering key.

    Snapshots are stored under their receipt and inferred day by day of the exchange, each from its start: a day's rows
    are the same whatever range is asked for. They are never stored.

    Raises
    ------
    NotStored
        The symbol is unknown, or has no snapshots.
    """
    params = SnapshotParams() if params is None else params
    instrument = store.instrument(key)
    from_ns, to_ns = _within(store, key, from_ns, to_ns)
    if to_ns <= from_ns:
        return _joined(instrument, [], params, (from_ns, to_ns))
    days = calendar(instrument.calendar).day_edges(from_ns, to_ns, lambda day: day)
    # The whole day: receipts of what was traded before ``to_ns`` are later by as much as the recorder's clock was off.
    begin_ns, until_ns = int(days.start_ns[0]) - _LATEST_NS, int(days.end_ns[-1]) + _LATEST_NS
    seen = _snapshots(store, key, begin_ns, until_ns)
    if seen is None:
        return _joined(instrument, [], params, (from_ns, to_ns))
    gaps = store.gaps(key, "snapshot", begin_ns, until_ns)
    pieces = []
    for start_ns, end_ns in zip(days.start_ns.tolist(), days.end_ns.tolist(), strict=True):
        # By the time of its last trade: what is received just behind midnight may still be of the day before.
        lo, hi = np.searchsorted(seen.ts_recv_ns, (start_ns - _LATEST_NS, end_ns + _LATEST_NS))
        near = seen.take(slice(int(lo), int(hi)))
        of_day = (near.ts_exch_ns >= start_ns) & (near.ts_exch_ns < end_ns)
        if of_day.any():
            felt = [gap for gap in gaps if gap.to_ns >= start_ns - _LATEST_NS]
            pieces.append(infer(near.take(of_day), params=params, gaps=felt))
    return _joined(seen.instrument, pieces, params, (from_ns, to_ns))


def _joined(
    instrument: Instrument, pieces: list[Inferred], params: SnapshotParams, span_ns: tuple[int, int]
) -> Inference:
    from_ns, to_ns = span_ns
    trades = Trades.concat([Trades.empty(instrument, "snapshot"), *(piece.trades for piece in pieces)])
    none = np.empty(0, np.int64)
    lost_ns = np.concatenate([none, *(piece.unattributed_ns for piece in pieces)])
    lost_lot = np.concatenate([none, *(piece.unattributed_lot for piece in pieces)])
    within = (lost_ns >= from_ns) & (lost_ns < to_ns)
    sums = {name: sum(getattr(piece.counters, name) for piece in pieces) for name in Counters.__struct_fields__}
    return Inference(
        trades=in_order(trades).between(from_ns, to_ns),  # the time of the last trade can step back
        params=params,
        counters=Counters(**sums),
        unattributed_ns=lost_ns[within],
        unattributed_lot=lost_lot[within],
    )


def _within(store: Store, key: str, from_ns: int, to_ns: int) -> tuple[int, int]:
    first_ns, last_ns = span_of(store, key, "snapshot")
    return max(from_ns, first_ns - _LATEST_NS), min(to_ns, last_ns + 1)


def _snapshots(store: Store, key: str, from_ns: int, to_ns: int) -> Snapshots | None:
    try:
        block = store.load(key, "snapshot", from_ns, to_ns)
    except NotStored:
        return None
    assert isinstance(block, Snapshots)
    return block
