"""Adapters of side inference (definitions 1.3, 1.4)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from footloom.core.snapshots import NO_QUOTE, Snapshots
from footloom.core.trades import FLAG_BY_QUOTE, FLAG_BY_TICK, FLAG_REST, I64, Trades
from footloom.kernels.inference import infer, snapshot_row
from footloom.kernels.side_score import score
from footloom.testing.adapters._units import LOT, MS, WORD, adapter, instrument, number

__all__ = ()


def _snapshots(rows: list[Any]) -> Snapshots:
    traded = instrument()

    def column(values: list[int]) -> I64:
        return np.array(values, np.int64)

    def quotes(name: str) -> I64:
        given = [row.get(name) for row in rows]
        return column([NO_QUOTE if quote is None else traded.price_tick(quote) for quote in given])

    return Snapshots(
        instrument=traded,
        ts_exch_ns=column([row["ltt"] * MS for row in rows]),
        ltp_tick=column([traded.price_tick(row["ltp"]) for row in rows]),
        ltq_lot=column([traded.qty_lot(row["ltq"]) for row in rows]),
        vtt_lot=column([traded.qty_lot(row["vtt"]) for row in rows]),
        bid_tick=quotes("bid"),
        ask_tick=quotes("ask"),
        ts_recv_ns=column([row["ltt"] * MS for row in rows]),
    )


def _how(trades: Trades, row: int) -> str:
    flags = int(trades.flags[row])
    if flags & FLAG_BY_QUOTE:
        return "prev_quote"
    if flags & FLAG_BY_TICK:
        return "tick"
    return "prev_mid" if trades.side[row] else "none"


@adapter
def snapshot_infer(given: Any, _params: dict[str, Any]) -> dict[str, Any]:
    days = np.array([dt.date.fromisoformat(row["day"]).toordinal() for row in given["snapshots"]], np.int64)
    made = infer(_snapshots(given["snapshots"]), day=days)
    trades = made.trades
    events: dict[int, dict[str, Any]] = {}
    for row in range(len(trades)):
        at = int(snapshot_row(trades.trade_id[row]))
        event = events.setdefault(at, {"i": at, "sure": 0, "rest": 0})
        event["rest" if trades.flags[row] & FLAG_REST else "sure"] = number(trades.qty_lot[row])
        event["side"] = WORD[int(trades.side[row])]
        event["price"] = int(trades.price_tick[row]) * trades.instrument.tick_size
        event["how"] = _how(trades, row)
    for event in events.values():
        event["dv"] = event["sure"] + event["rest"]
    return {
        "events": list(events.values()),
        "dropped": made.counters.dropped,
        "unattributed": made.counters.unattributed_lot * LOT,
    }


@adapter
def classifier_score(given: Any, _params: dict[str, Any]) -> dict[str, Any]:
    result = score(given["pred"], given["true"], given["qty"])
    names = ("acc_classified", "coverage", "vol_acc_classified", "vol_coverage", "acc_half_credit")
    return {name: getattr(result, name) for name in names}
