"""Trades as hftbacktest takes them: one structured row an event, with two clocks.

Its simulated exchange reads the rows marked `EXCH_EVENT` and wants them to ascend by ``exch_ts``; its simulated trader
reads those marked `LOCAL_EVENT` and wants them to ascend by ``local_ts``. A trade is one row with both marks where both
orders allow it. One that was received later than a trade behind it is two rows: its exchange's where it happened, its
trader's where it was heard.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from footloom.core.decimals import from_units
from footloom.core.trades import FLAG_NO_RECV, I64, Trades
from footloom.errors import DataError

__all__ = ("BUY_EVENT", "EVENT", "EXCH_EVENT", "LOCAL_EVENT", "SELL_EVENT", "TRADE_EVENT", "Events", "Weaver",
           "event_rows", "is_trade", "late_rows")  # fmt: skip

EXCH_EVENT, LOCAL_EVENT = 1 << 31, 1 << 30
BUY_EVENT, SELL_EVENT = 1 << 29, 1 << 28  # of a trade: who took; a side that nobody states has neither
TRADE_EVENT = 2
_KIND = 0xFF

EVENT = np.dtype(
    [("ev", "<u8"), ("exch_ts", "<i8"), ("local_ts", "<i8"), ("px", "<f8"), ("qty", "<f8"), ("order_id", "<u8"),
     ("ival", "<i8"), ("fval", "<f8")],
    align=True,
)  # fmt: skip
Events = NDArray[np.void]

_EXACT = 2**53  # whole numbers below are floats
_TENS = 22  # and so are powers of ten up to this


def event_rows(trades: Trades, latency_ns: int = 0) -> Events:
    """Return one row a trade, in the order given, not yet marked for exchange and trader (`Weaver` does that).

    ``latency_ns`` is added to the exchange's time of trades whose receipt nobody recorded.

    Raises
    ------
    DataError
        A price or quantity has so many digits that its float would be another tick or lot.
    """
    rows = np.zeros(len(trades), EVENT)
    sides = np.array([SELL_EVENT, 0, BUY_EVENT], np.uint64)
    rows["ev"] = TRADE_EVENT | sides[trades.side + 1]
    rows["exch_ts"] = trades.ts_exch_ns
    unheard = (trades.flags & FLAG_NO_RECV) != 0
    rows["local_ts"] = np.where(unheard, trades.ts_exch_ns + latency_ns, trades.ts_recv_ns)
    rows["px"] = _floats(trades.price_tick, trades.instrument.tick_size, "price")
    rows["qty"] = _floats(trades.qty_lot, trades.instrument.lot_size, "quantity")
    return rows


def is_trade(rows: Events) -> NDArray[np.bool_]:
    """Say which rows are trades as the exchange saw them: each trade once."""
    ev = rows["ev"].astype(np.int64)
    found: NDArray[np.bool_] = ((ev & _KIND) == TRADE_EVENT) & ((ev & EXCH_EVENT) != 0)
    return found


# The nearest floats: one division of two exact floats, or else one value after the other.
def _floats(counts: I64, unit: Decimal, what: str) -> NDArray[np.float64]:
    most = int(np.abs(counts).max()) if len(counts) else 0
    if most >= _EXACT // 4:
        row = int(np.abs(counts).argmax())
        text = from_units(int(counts[row]), unit)
        raise DataError(
            f"{what} {text} in row {row} has more digits than a float holds: export Parquet or Arrow instead"
        )
    _, digits, exponent = unit.as_tuple()
    number, places = int("".join(map(str, digits))), -int(exponent)
    if 0 <= places <= _TENS and most * number < _EXACT:
        return np.asarray(counts * number / float(10**places), np.float64)
    return np.array([float(from_units(count, unit)) for count in counts.tolist()], np.float64)


def late_rows(local_ts: I64, later_ns: int) -> NDArray[np.bool_]:
    """Say which rows were received later than a row behind them; ``later_ns`` is the earliest receipt after these."""
    behind = np.minimum.accumulate(np.append(local_ts, later_ns)[::-1])[::-1]
    late: NDArray[np.bool_] = local_ts > behind[1:]
    return late


class Weaver:
    """Marks rows for exchange and trader, a block after the other, and puts late receipts where they belong."""

    def __init__(self) -> None:
        self._waiting = np.empty(0, EVENT)

    def weave(self, rows: Events, later_ns: int) -> Events:
        """Return the events of a block whose rows ascend by ``exch_ts`` and follow those given before.

        ``later_ns`` is the earliest receipt of all rows that are still to come.
        """
        late = late_rows(rows["local_ts"], later_ns)
        rows = rows.copy()
        rows["ev"] |= np.where(late, EXCH_EVENT, EXCH_EVENT | LOCAL_EVENT).astype(np.uint64)
        heard = rows[late]
        heard["ev"] = (heard["ev"] & np.uint64(~EXCH_EVENT & (2**64 - 1))) | np.uint64(LOCAL_EVENT)
        waiting = np.concatenate([self._waiting, heard])
        waiting = waiting[np.argsort(waiting["local_ts"], kind="stable")]
        due = int(np.searchsorted(waiting["local_ts"], later_ns, side="right"))
        self._waiting = waiting[due:]
        if not due:
            return rows
        on_time = np.flatnonzero(~late)
        place = np.searchsorted(rows["local_ts"][on_time], waiting["local_ts"][:due], side="right")
        return np.insert(rows, np.append(on_time, len(rows))[place], waiting[:due])
