"""Stored tapes as trades: trades are read, and what was stored as snapshots is inferred anew ."""

from __future__ import annotations

from footloom.core.trades import Trades
from footloom.errors import NotStored
from footloom.store import Store

__all__ = ("chart_tapes", "span_of", "stored_trades")

_PREFERENCE = ("trade", "agg_trade", "snapshot")


def chart_tapes(store: Store, key: str) -> list[str]:
    """Return the tapes that charts of a symbol can be made from, the best first: every print before aggregates.

    Partial tapes (large prints) are left out: they are no coverage.

    Raises
    ------
    NotStored
        The symbol has no such tape.
    """
    tapes = {row.tape for row in store.coverage(key) if row.rows}
    found = [tape for tape in _PREFERENCE if tape in tapes]
    if not found:
        raise NotStored(
            f"nothing is stored for {key}: see footloom coverage, or import a recording with footloom import"
        )
    return found


def span_of(store: Store, key: str, tape: str) -> tuple[int, int]:
    """Return the times of the first and the last stored row of a tape, ns UTC.

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
    return min(firsts), max(lasts)


def stored_trades(store: Store, key: str, tape: str, from_ns: int, to_ns: int) -> Trades:
    """Return the trades of ``[from_ns, to_ns)`` in the ordering key; none where nothing traded.

    Raises
    ------
    NotStored
        The symbol is unknown.
    """
    instrument = store.instrument(key)
    try:
        block = store.load(key, tape, from_ns, to_ns)
    except NotStored:
        return Trades.empty(instrument, tape)
    if isinstance(block, Trades):
        return block
    raise NotImplementedError
