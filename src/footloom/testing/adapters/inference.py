"""Adapters of side inference (definitions 1.1 to 1.4)."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from footloom._api import instant_ns
from footloom.core.decimals import from_units, to_units
from footloom.core.messages import Trade
from footloom.core.quotes import Quotes
from footloom.core.recorder_clock import NS, object_id_ns, zone_offset_ns
from footloom.core.side import Side
from footloom.core.snapshots import NO_QUOTE, Snapshots, interval_price
from footloom.core.trades import FLAG_BY_QUOTE, FLAG_BY_TICK, FLAG_REST, I64, Trades
from footloom.kernels.bulk_volume import BulkParams, bulk_share, bulk_volume
from footloom.kernels.inference import infer, snapshot_row
from footloom.kernels.side_rules import RuleParams, infer_sides
from footloom.kernels.side_score import score
from footloom.testing.adapters._units import LOT, MS, WORD, adapter, instrument, number, tape
from footloom.venues import bybit_linear

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


_TICK = "0.000001"
_MINUTE = 60


# Each trade one second after the quote that it meets.
def _ruled(rows: list[dict[str, Any]], params: RuleParams) -> dict[str, Any]:
    traded = instrument(_TICK)
    met = np.arange(len(rows), dtype=np.int64) * NS

    def best(name: str) -> I64:
        given = [row.get(name) for row in rows]
        return np.array([NO_QUOTE if price is None else traded.price_tick(price) for price in given], np.int64)

    trades = tape([(1000 * i + 1, row["p"], 1, 0) for i, row in enumerate(rows)], _TICK)
    return {"sides": infer_sides(trades, Quotes(traded, met, best("b"), best("a")), params).side.tolist()}


@adapter
def tick_rule(given: Any, _params: dict[str, Any]) -> dict[str, Any]:
    return _ruled([{"p": price} for price in given["prices"]], RuleParams(rule="tick"))


@adapter
def quote_rule(given: Any, _params: dict[str, Any]) -> dict[str, Any]:
    return _ruled(given["trades"], RuleParams(rule="quote"))


@adapter
def lee_ready(given: Any, _params: dict[str, Any]) -> dict[str, Any]:
    return _ruled(given["trades"], RuleParams(rule="lee_ready"))


@adapter
def emo(given: Any, _params: dict[str, Any]) -> dict[str, Any]:
    return _ruled(given["trades"], RuleParams(rule="emo"))


@adapter
def clnv(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    zone_pct = int(100 * Decimal(str(params.get("zone", "0.3"))))
    boundary = params.get("boundary", "closed")
    return _ruled(given["trades"], RuleParams(rule="clnv", zone_pct=zone_pct, boundary=boundary))


@adapter
def bvc_bar(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    volume = float(given["volume"])
    cdf: Any = "normal" if params.get("cdf", "normal") == "normal" else "student_t"
    buy = volume * bulk_share(float(given["dp"]), float(given["sigma"]), cdf)
    return {"buy": buy, "sell": volume - buy}


@adapter
def bvc_series(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    traded = instrument(_TICK)
    close = np.array([traded.price_tick(price) for price in given["closes"]], np.int64)
    volume = np.array([traded.qty_lot(lots) for lots in given["volumes"]], np.int64)
    cdf: Any = "normal" if params.get("cdf", "normal") == "normal" else "student_t"
    trailing = "trailing" in str(params.get("sigma", ""))
    done = bulk_volume(close, volume, None, BulkParams(cdf=cdf, sigma="trailing" if trailing else "whole_sample"))
    sigma = (done.sigma_tick * float(_TICK)).tolist()
    return {"buy": (done.buy_lot * float(LOT)).tolist(), "sigma": [None, *sigma[1:]] if trailing else sigma[-1]}


@adapter
def angel_units(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    units = given["volume_now"] - given["volume_prev"]
    return {
        "price": from_units(given["last_traded_price"], 1 / Decimal(params["price_divisor"])),
        "dv_units": units,
        "dv_lots": to_units(units, Decimal(params["lot_size"])),
    }


@adapter
def interval_avg_price(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    before, after = ((Decimal(given[f"atp{i}"]), int(given[f"vtt{i}"])) for i in (0, 1))
    found = interval_price(before, after, params.get("atp_decimals", 2))
    if found is None:
        return {"avg_price": None, "error_bound": None}
    return {"avg_price": float(found.price), "error_bound": float(found.error)}


@adapter
def snapshot_clock(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    zone = ZoneInfo(params["exchange_tz"])
    true_ns = object_id_ns(given["oid_hex"])
    written_ns = instant_ns(given["insertion_time"])
    offset_ns = zone_offset_ns(written_ns, true_ns)
    ltt = _moment(given["ltt_ms"])
    local_s = ltt.astimezone(zone).utcoffset() or dt.timedelta()
    return {
        "ltt_utc": f"{ltt:%Y-%m-%dT%H:%M:%S}.{given['ltt_ms'] % 1000:03}Z",
        "ltt_local": f"{ltt.astimezone(zone):%H:%M:%S}.{given['ltt_ms'] % 1000:03}",
        "oid_utc": f"{_moment(true_ns // MS):%Y-%m-%dT%H:%M:%SZ}",
        "insertion_minus_oid_s_rounded_to_min": offset_ns // NS // _MINUTE,
        "insertion_is_local_time_labelled_Z": 0 != offset_ns == int(local_s.total_seconds()) * NS,
        "ltt_minus_corrected_insertion_ms": (given["ltt_ms"] * MS - (written_ns - offset_ns)) // MS,
        "d1_local": f"{_moment(given['d1_ts']).astimezone(zone):%Y-%m-%dT%H:%M:%S}",
        "i1_local": f"{_moment(given['i1_ts']).astimezone(zone):%H:%M}",
    }


def _moment(ts_ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(ts_ms // 1000, dt.UTC)


@adapter
def aggressor_bybit(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    excluded = params.get("exclude_block_trades", True)
    prints = [
        {
            "T": 1_767_225_600_000 + i,
            "s": "X",
            "S": row["S"],
            "v": str(row["v"]),
            "p": str(row.get("p", "100")),
            "i": str(i),
            "BT": bool(row.get("BT")) and excluded,
        }
        for i, row in enumerate(given["trades"])
    ]
    frame = json.dumps({"topic": "publicTrade.X", "data": prints}).encode()
    seen = [one for one in bybit_linear.parse(frame, 0) if isinstance(one, Trade)]
    traded = instrument()
    volume = {side: sum(traded.qty_lot(one.qty) for one in seen if one.side == side) for side in (Side.BUY, Side.SELL)}
    told = sum(traded.qty_lot(row["v"]) for row in prints)
    left_out = told - sum(volume.values())
    return {"buy": number(volume[Side.BUY]), "sell": number(volume[Side.SELL]), "excluded": number(left_out)}
